"""One run, lumisection by lumisection, and what a person decides of it."""
