"""What ``dqm init`` writes of sensors holds as soon as it is not commented out any more."""

from __future__ import annotations

import tomllib

import pytest

from dqm.model import templates
from dqm.model.sensors_config import SensorsConfig


@pytest.mark.parametrize("example", ["generic", "clas12", "cms"])
def test_the_commented_sensors_are_a_valid_configuration(example: str) -> None:
    _, _, block = templates.text(example).partition("# [sensors]\n")
    lines = ["[sensors]", *(line.removeprefix("# ") for line in block.splitlines())]
    found = SensorsConfig.model_validate(tomllib.loads("\n".join(lines))["sensors"])
    assert (len(found.stream), len(found.channel), len(found.quiet)) == (1, 1, 1)
