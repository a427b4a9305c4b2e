"""What ``dqm doctor`` says of what is not there, and what ``dqm rehearse`` counts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .conftest import Dqm

CONFIG = """\
[[inputs]]
kind = "canonical"
files = ["bins.csv"]
[inputs.columns.charge]
role = "weight"
[inputs.columns.hits]
kind = "count"
[model]
kind = "robust-z"
[rolling]
blocks = 5
warm_up = 2
"""


def test_doctor_does_not_call_healthy_what_it_did_not_find(dqm: Dqm, tmp_path: Path) -> None:
    """Mutant: ``ok`` for a configuration that is not there, which a newcomer takes for checked."""
    code, text = dqm("doctor", "--config", tmp_path / "dqm.toml")
    line = next(each for each in text.splitlines() if "configuration" in each)
    assert (code, line.startswith("-- ")) == (0, True)
    assert "so neither a configuration nor a store was checked; name one with --config" in line
    (tmp_path / "dqm.toml").write_text(CONFIG)
    code, text = dqm("doctor", "--config", tmp_path / "dqm.toml")
    assert f"ok   configuration: {tmp_path / 'dqm.toml'}" in text
    assert any(each.startswith("--   store: none yet at") for each in text.splitlines())
    (tmp_path / "dqm.toml").write_text("[experimen]\n")
    code, text = dqm("doctor", "--config", tmp_path / "dqm.toml")
    assert code == 1
    assert "BAD  configuration: " in text


def test_what_cannot_be_used_is_work_in_a_rehearsal(dqm: Dqm, tmp_path: Path) -> None:
    """Mutant: rows without a charge, labelled or not, leave the workload and make the rehearsal look better."""
    rng, lines = np.random.default_rng(3), ["run,ls,charge,hits,label"]
    for run in range(1, 21):
        for ls in range(1, 11):
            charge = "" if run == 20 and ls < 4 else "10"
            label = "" if ls == 10 else "BAD" if ls == 5 else "GOOD"
            lines.append(f"{run},{ls},{charge},{rng.poisson(200 if ls == 5 else 1000)},{label}")
    (tmp_path / "bins.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "dqm.toml").write_text(CONFIG)
    assert dqm("ingest", "--config", tmp_path / "dqm.toml")[0] == 3
    code, text = dqm("rehearse", "--config", tmp_path / "dqm.toml", "--json", tmp_path / "rehearsal.json")
    assert code == 0, text
    found = json.loads((tmp_path / "rehearsal.json").read_text())["outcome"]
    assert (found["lumisections"], found["unscored"], found["without_truth"]) == (108, 3, 12)
    assert found["asked"] >= 3
    assert "3 could not be scored and count as work, 12 more carry no label and count in nothing" in text
