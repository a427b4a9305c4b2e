"""Sensor streams on the command line: look at files, take them into the store, list and plot what is there."""
