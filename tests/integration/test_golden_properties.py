"""What a real store publishes as golden was decided golden, over a hundred generated verdict sets; ten of them by default."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from dqm.decide.publish import AntiReasons, anti_reasons, masks
from dqm.formats.golden import golden_bytes, read_mask
from dqm.model.keys import LumiMask
from dqm.model.verdicts import Verdicts
from dqm.store.store import Store
from dqm.store.tables import store_verdicts, verdicts_from_arrow

from ..property.test_decide import NEVER_GOLDEN, by_complement, covered, verdict_sets

SETS, QUICK = 100, 10
Publish = Callable[[Verdicts], tuple[LumiMask, LumiMask]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "store") as made:
        yield made


def faults(store: Store, verdicts: Verdicts, publish: Publish) -> list[str]:
    """Publish one verdict set and tell what is wrong with the files that lie on the disk afterwards."""
    golden, _ = publish(verdicts)
    with store.transaction() as change:
        store_verdicts(change, verdicts, {"set": "generated"})
        change.publish("golden.json", golden_bytes(golden), {})
        change.publish("anti.json", anti_reasons(verdicts).to_bytes(), {})
    written = store.publication("golden.json")
    read, told = read_mask(written.path), AntiReasons.from_bytes(store.publication("anti.json").read())
    anti, undecided = covered(told.anti), covered(told.undecided)
    kept = verdicts_from_arrow(store.read("verdicts", set(verdicts.index.get_level_values("run").tolist())))
    of_set = kept.index.isin(verdicts.index)
    run, ls = (kept.index.get_level_values(name)[of_set] for name in ("run", "ls"))
    decision = kept.decision[of_set].astype(str)
    found = {
        "the bytes do not round-trip": golden_bytes(read) != written.read() or read != golden,
        "golden and anti overlap": bool(read & anti),
        "golden holds what is UNKNOWN or asked": bool(read.contains(run, ls)[np.isin(decision, NEVER_GOLDEN)].any()),
        "golden holds the undecided": bool(read & undecided),
        "something is lost or invented": (read | anti | undecided) != LumiMask.of_lumisections(run, ls),
    }
    return [fault for fault, present in found.items() if present]


def generated(seed: int, sets: int = SETS) -> list[Verdicts]:
    """The first sets that hold anything."""
    return [each for each in verdict_sets(2 * SETS, seed) if len(each)][:sets]


@pytest.mark.parametrize("wanted", [QUICK, pytest.param(SETS, marks=pytest.mark.slow)])
def test_what_the_store_publishes_is_golden(store: Store, wanted: int) -> None:
    """Catches the mutant ``by_complement`` (golden = everything minus rejected) as the next test shows."""
    sets = generated(7, wanted)
    assert len(sets) == wanted
    assert [(i, found) for i, each in enumerate(sets) if (found := faults(store, each, masks))] == []


@pytest.mark.parametrize("wanted", [QUICK // 2, pytest.param(2 * QUICK, marks=pytest.mark.slow)])
def test_the_complement_mutant_is_caught_in_the_store(store: Store, wanted: int) -> None:
    """The mutant ``by_complement`` publishes what was never scored; the same check must see that in the file."""
    sets = [each for each in generated(8) if set(each.decision.astype(str)) & {"UNKNOWN", "ASK"}][:wanted]
    assert len(sets) == wanted
    for each in sets:
        found = faults(store, each, by_complement)
        assert "golden holds what is UNKNOWN or asked" in found
        assert "golden holds the undecided" in found


def test_an_empty_verdict_set_publishes_an_empty_mask(store: Store) -> None:
    empty = next(each for each in verdict_sets(200) if not len(each))
    golden, anti = masks(empty)
    with store.transaction() as change:
        change.publish("golden.json", golden_bytes(golden), {})
    assert not read_mask(store.publication("golden.json").path)
    assert not anti
