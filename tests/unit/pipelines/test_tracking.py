"""What is told of a training, and that a tracker which is away costs no training."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from detectors.artifacts import Bundle
from detectors.boosted import Boosted
from dqm.decide.policy import MarginPolicy
from dqm.model.errors import ConfigError
from pipelines.run.learn import learn
from pipelines.tracking.address import tracking_uri
from pipelines.tracking.records import ERAS, TrainingRecord, training_record

from .evidences import evidence


@pytest.fixture(scope="module")
def record() -> TrainingRecord:
    given = evidence(runs=30, rows=30)
    trained = learn(given, lambda: Boosted(trees=5, members=1), seed=1)
    point = MarginPolicy().choose(trained.past, 0.05, 0.05)
    return training_record("boosted-1", Path("m"), "champion", Bundle.of(trained.model, (3, 9)), trained.past, point)


def test_parameters_and_figures_are_told(record: TrainingRecord) -> None:
    assert record.parameters["boosted.trees"] == "5"
    assert (record.parameters["first_run"], record.parameters["last_run"]) == ("3", "9")
    assert 0.5 < record.metrics["auc"] <= 1
    assert set(record.metrics) >= {"ap", "alpha_min", "workload", "accept_below"}
    assert len(record.courses["era_auc"]) == ERAS
    assert all(re.fullmatch(r"[\w.:/ -]+", key) for key in (*record.metrics, *record.courses, *record.parameters))


def test_the_page_needs_no_network(record: TrainingRecord) -> None:
    page = record.pages["operating-curve.html"]
    assert "<html" in page
    assert not re.search(r"""<(?:script|link)[^>]+(?:src|href)=["']https?:""", page)


def test_addresses(tmp_path: Path) -> None:
    assert tracking_uri("sqlite:///a/m.db", tmp_path) == f"sqlite:///{tmp_path}/a/m.db"
    assert tracking_uri("https://tracker.example", tmp_path) == "https://tracker.example"
    with pytest.raises(ConfigError, match="uri = 'https://'"):
        tracking_uri("https://", tmp_path)
    with pytest.raises(ConfigError, match=r"uri = 'mlruns': write sqlite:///mlflow.db, or http"):
        tracking_uri("mlruns", tmp_path)
