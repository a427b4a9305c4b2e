"""What is asked of features is known by a digest that changes with all that makes them, and with nothing else."""

from __future__ import annotations

import hashlib

import pytest

from dqm.model.config import FeaturesConfig, LimitConfig
from features.asked import asked_of
from features.assemble import extractor_of

ASKED = [
    {"past_runs": 9},
    {"shapes": {"elements": ["*/charge*"]}},
    {"shapes": {"elements": ["*/charge*"], "bins": 32}},
    {"sensors": {"columns": ["*:stuck"]}},
    {"sensors": {"columns": ["*:median@10min"]}},
]


def digest(asked: dict[str, object], *limits: LimitConfig) -> str:
    return asked_of(FeaturesConfig.model_validate(asked), limits).digest


def test_every_change_is_another_digest() -> None:
    """Mutant: bins of histograms and columns of sensors are left out, as they are of the extractor."""
    limit = LimitConfig(quantity="hits", least=1)
    found = [digest({}), digest({}, limit), *map(digest, ASKED)]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("asked", [{}, {"shapes": {"bins": 32}}], ids=["nothing", "bins of no element"])
def test_what_asks_for_nothing_changes_no_digest_of_before(asked: dict[str, object]) -> None:
    settings = FeaturesConfig()
    assert digest(asked) == hashlib.sha256(extractor_of(settings).encode()).hexdigest()


def test_labels_are_told() -> None:
    assert not asked_of(FeaturesConfig()).labels
    assert asked_of(FeaturesConfig.model_validate({"references": {"kind": "adaptive"}})).labels
