"""What a configuration asks of features, by its digest: what was made for another is out of date."""

from __future__ import annotations

import hashlib

from dqm.model.config import FeaturesConfig, LimitConfig
from dqm.model.verdicts import Asked
from features.assemble import extractor_of


def asked_of(settings: FeaturesConfig, limits: tuple[LimitConfig, ...] = ()) -> Asked:
    """Features and limits that are asked for: a limit decides without a score.

    Bins of histograms and columns of sensors are no part of the extractor; where none are asked for they add nothing,
    so that digests of before they were counted hold.
    """
    said = [extractor_of(settings, limits)]
    if settings.shapes.elements:
        said.append(f"shapes {settings.shapes.model_dump_json()}")
    if settings.sensors.columns:
        said.append(f"sensors {settings.sensors.model_dump_json()}")
    return Asked(
        hashlib.sha256("\n".join(said).encode()).hexdigest(), settings.look_at_labels, bool(settings.sensors.columns)
    )
