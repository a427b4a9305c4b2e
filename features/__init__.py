"""Histograms and streams into columns that a detector can judge.

An extractor sees the run it describes to its end and earlier runs, never a later one; each function here takes arrays
grouped by run and says in its docstring what it looks at. ``features.assemble`` makes the feature table.
"""
