"""What ``dqm init`` writes of alerts holds as soon as it is not commented out any more."""

from __future__ import annotations

import tomllib

import pytest

from dqm.model import templates
from dqm.model.alerts_config import AlertsConfig
from pipelines.alerts.outside import Outside
from pipelines.alerts.receivers import made


@pytest.mark.parametrize("example", ["generic", "clas12", "cms"])
def test_the_commented_alerts_are_a_valid_configuration(example: str) -> None:
    block = templates.text(example).partition("# [alerts]\n")[2].partition("\n\n")[0]
    written = "\n".join(["[alerts]", *(line.removeprefix("# ") for line in block.splitlines())])
    config = AlertsConfig.model_validate(tomllib.loads(written)["alerts"])
    assert [each.name for each in made(config, Outside(config.allow))] == ["webhook"]
