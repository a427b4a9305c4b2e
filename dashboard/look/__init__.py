"""How things are shown: colours with letters and words, numbers in plain words, text made harmless."""
