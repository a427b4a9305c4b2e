"""Anomalies of sensors and what the sensors of a loop read."""
