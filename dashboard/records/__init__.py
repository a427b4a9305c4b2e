"""What the store has on record, to be read only: event outliers, models, alerts, operations. One plain page each."""
