"""Measurements on real, expert-labelled data, beside the peers, in the same run; one module per benchmark."""
