"""Detectors: one small protocol, one file each.

The contract, said once: **a higher score is more anomalous, and the score of row i depends on row i alone.** A detector
is a dataclass whose fields are its hyper-parameters; it fits, scores, explains and gives its state (``protocol``). It
holds no threshold, no ``predict``, no contamination and no plot: what a score means is calibration (``calibrate``), and
what is done about it is decided in ``dqm.decide``. ``checks`` is the suite that every detector passes, ours and
plug-ins' alike; ``registry`` finds one by name; ``artifacts`` saves and loads it without pickle.
"""
