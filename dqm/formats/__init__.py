"""Readers and writers: a file becomes described quantities, labels and findings that account for every row."""
