"""Why people decided: a closed list, apart from all else so that the help of commands can show it at once."""

from __future__ import annotations

REASON_CODES = {
    "nothing-wrong": "looked at, and nothing is wrong",
    "harmless": "a known deviation that harms no analysis",
    "detector-off": "a part of the detector was off or in standby",
    "high-voltage": "a trip, a ramp or a wrong high voltage",
    "cooling": "cryogenics, cooling or temperature",
    "dead-region": "a dead or inefficient region",
    "noise": "noise or a hot region",
    "timing": "synchronisation or timing",
    "trigger": "trigger, prescales or dead time",
    "readout": "data acquisition or readout",
    "calibration": "calibration or alignment",
    "reconstruction": "reconstruction or software",
    "beam": "beam conditions",
    "luminosity": "luminosity missing or wrong",
    "data-missing": "histograms or quantities are missing",
    "special-run": "a special run, not for physics",
    "other": "none of these; the comment says what",
}
"""Why somebody decided: the closed list of codes, each in words."""
