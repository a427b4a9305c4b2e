"""Hyper-parameters of a configuration are checked where the detector is made."""

import pytest

from detectors import registry
from dqm.model.config import ModelConfig
from dqm.model.errors import ConfigError
from pipelines.run.detectors import described
from pipelines.run.learn import make_detector


def test_a_whole_number_stands_for_a_float_and_nothing_else_for_another() -> None:
    assert type(registry.make("robust-z", {"floor": 1}).floor) is float  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="parameter 'trees' of detector 'boosted' must be a whole number, not 'many'"):
        registry.make("boosted", {"trees": "many"})
    with pytest.raises(TypeError, match="must be true or false, not 1; its default is False"):
        registry.make("boosted", {"extra_trees": 1})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"tree": 3}, "'tree'.*trees"),
        ({"trees": 0}, "trees = 0 must be at least 1"),
        ({"kind": "bosted"}, "'bosted'.*boosted"),
    ],
)
def test_a_mistake_in_the_configuration_is_told_before_the_work(given: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        make_detector(ModelConfig.model_validate(given))


def test_a_list_is_no_hyper_parameter() -> None:
    with pytest.raises(ValueError, match=r"trees must be a number, a text, true or false, not \[1\]"):
        ModelConfig.model_validate({"trees": [1]})


def test_every_registered_detector_is_described() -> None:
    found = {each.kind: each for each in described()}
    assert found["boosted"].parameters["trees"] == 80
    assert all(each.summary for each in found.values())
    assert "min_good = 20" in found["robust-z"].text()
