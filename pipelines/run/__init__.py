"""The steps of a certification, one module per verb; each takes a configuration and a store, returns a record."""
