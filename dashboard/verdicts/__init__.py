"""Verdicts as tables, CSV, strips and figures; pure functions that reports use too."""
