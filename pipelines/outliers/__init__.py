"""New physics as outliers: densities of known background and of data, and what stands out between them.

The contract, said once: **a higher score is more signal-like, an event that lacks a feature has no score (NaN), and the
score of an event depends on that event alone.** ``events`` reads tables, ``methods`` are the scores, ``search`` is the
verb, ``merit`` says how good a score is where the truth is known.
"""
