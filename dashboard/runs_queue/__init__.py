"""The queue: what there is to do, and who does it."""
