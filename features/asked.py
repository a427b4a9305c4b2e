"""What a configuration asks of features, by its digest: what was made for another is out of date."""

from __future__ import annotations

import hashlib

from dqm.model.config import FeaturesConfig, LimitConfig
from dqm.model.verdicts import Asked
from features.assemble import extractor_of


def asked_of(settings: FeaturesConfig, limits: tuple[LimitConfig, ...] = ()) -> Asked:
    """Features and limits that are asked for: a limit decides without a score."""
    return Asked(hashlib.sha256(extractor_of(settings, limits).encode()).hexdigest(), settings.look_at_labels)
