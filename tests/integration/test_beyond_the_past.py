"""A single lumisection far from all that good ones of past runs showed is never accepted, from files to the golden JSON."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dqm.formats.golden import read_mask
from dqm.model.config import Config, load
from dqm.model.guard_config import GuardConfig
from dqm.model.verdicts import Decision, Verdicts
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow
from features.words import in_words
from pipelines.run.certify import certify
from pipelines.run.ingest import ingest
from pipelines.run.score import score
from pipelines.simulate.write import Paths

SPREAD = 0.003
"""One σ of a fraction of the simulation, relative to its level."""


@pytest.fixture
def paths(certified_campaign: Path, tmp_path: Path) -> Paths:
    """A copy of the certified campaign to change."""
    return Paths.within(Path(shutil.copytree(certified_campaign, tmp_path / "campaign")))


def accepted(store: Store) -> tuple[int, int]:
    """An accepted lumisection in the middle of a run that was certified."""
    given = verdicts_from_arrow(store.read("verdicts"))
    rows = np.flatnonzero(given.decision == Decision.ACCEPT)
    run, ls = given.index[rows[len(rows) // 2]]
    return int(run), int(ls)


def moved(path: Path, key: tuple[int, int], column: str, sigmas: float) -> None:
    """Move one number of one lumisection in a table of quantities."""
    table = pq.read_table(path)
    rows = (table["run"].to_numpy() == key[0]) & (table["ls"].to_numpy() == key[1])
    values = table[column].to_numpy()
    changed = pa.array(np.where(rows, values * (1 + sigmas * SPREAD), values), table.schema.field(column).type)
    pq.write_table(table.set_column(table.column_names.index(column), table.schema.field(column), changed), path)


def again(config: Config, store: Store, run: int) -> Verdicts:
    """The verdicts of a run after its data changed."""
    ingest(config, store)
    score(config, store, frozenset({run}))
    certify(config, store)
    return verdicts_from_arrow(store.read("verdicts", [run]))


def test_one_lumisection_at_twenty_sigma_is_asked(paths: Paths) -> None:
    """Mutant: no guard of single lumisections. The trees never saw such a thing and give it a badness of 0.004."""
    config, column = load(paths.config), "pixel_on_track"
    with Store.open(config.store_path) as store:
        key = accepted(store)
        moved(paths.quantities, key, column, -20.0)
        found = again(config, store, key[0])
        row = list(found.index).index(key)
        point = store.working_point()
        assert point is not None
        assert found.badness[row] < point.accept_below, "the model alone would accept it"
        assert found.decision[row] == Decision.ASK
        assert found.subsystem[row] == "pixel"
        said = in_words(found.reasons[row][0])
        assert said.startswith(f"{column}, beside ")
        assert said.endswith("times as far out as good lumisections of past runs ever were")
        assert key not in read_mask(store.publication("golden.json").path)
        others = np.delete(found.decision, row)
        assert (others == Decision.ACCEPT).mean() > 0.9, "its neighbours stay"


def test_a_model_with_another_guard_is_told(paths: Paths) -> None:
    """Mutant: silence, with which a model of before accepts what the configuration says it would not."""
    config = load(paths.config)
    with Store.open(config.store_path) as store:
        runs = frozenset(store.runs("scores")[:1])
        assert "[guard]" not in score(config, store, runs).text()
        assert "[guard]" not in certify(config, store).text()
        other = config.model_copy(update={"guard": GuardConfig(excursion=0.0)})
        assert (
            score(other, store, runs)
            .text()
            .endswith(
                "note: this model was trained with [guard] excursion = 1.5, and the configuration says 0; "
                "train again: dqm train"
            )
        )
        assert "and the configuration says 0; train again" in certify(other, store).text()
