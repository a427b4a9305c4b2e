from __future__ import annotations

import pytest

from detectors import registry
from detectors.boosted import Boosted
from dqm.model.errors import UnknownNameError


def test_parameters_are_the_fields_with_their_defaults() -> None:
    found = registry.parameters("boosted")
    assert found["trees"] == 80
    assert not {"schema", "prior", "_boosters"} & set(found)


def test_make_takes_parameters() -> None:
    made = registry.make("boosted", {"trees": 7})
    assert isinstance(made, Boosted)
    assert made.trees == 7


def test_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="'boostd'; nearest valid names: 'boosted'"):
        registry.make("boostd")


def test_unknown_parameter_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="parameter of detector 'boosted': 'tree'; nearest valid names: 'trees'"):
        registry.make("boosted", {"tree": 7})
