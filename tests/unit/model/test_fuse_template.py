"""What ``dqm init`` writes of a second detector holds as soon as it is not commented out any more."""

from __future__ import annotations

import tomllib

from detectors import registry
from dqm.model import templates
from dqm.model.config import ModelConfig


def test_the_commented_detector_is_a_valid_configuration() -> None:
    block = templates.text("generic").partition("# [[fuse]]\n")[2].partition("\n\n")[0]
    written = "\n".join(["[[fuse]]", *(line.removeprefix("# ") for line in block.splitlines())])
    [found] = tomllib.loads(written)["fuse"]
    config = ModelConfig.model_validate(found)
    assert config.kind in registry.names()


def test_only_where_it_was_measured_to_help_is_it_offered() -> None:
    """On counts alone it changed nothing or cost, and on CMS it missed the budget of pollution."""
    assert ["[[fuse]]" in templates.text(name) for name in ("generic", "clas12", "cms")] == [True, False, False]
