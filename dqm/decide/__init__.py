"""The arithmetic of decisions: what a pair of thresholds costs, what the past can promise, and what is published.

Every function takes plain columns of length ``n``, one row per lumisection: badness in [0, 1] (NaN = not scored), label
(``Label``: 0 good, 1 bad, −1 nobody knows), weight (what is lost with the lumisection, in the experiment's unit) and
run. Lumisections of unknown truth are in no denominator, those of zero weight only in the workload, and a lumisection
that was not scored is work and never golden. The run is the unit of every bootstrap and every bound, because the
lumisections of one run fail together.
"""
