"""What is golden was decided golden, over ten thousand generated verdict sets; the first 500 of them by default."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from dqm.decide.publish import AntiReasons, ReasonRange, anti_reasons, masks
from dqm.model.keys import LumiMask
from dqm.model.tables import lumisection_index
from dqm.model.verdicts import REJECTED, Decision, Reason, Verdicts

SETS, QUICK = 10_000, 500
NEVER_GOLDEN = ("UNKNOWN", "ASK", "DISPUTED", "NEEDS_REVIEW", "REJECT", "BAD", "EXCLUDED")


def verdict_sets(sets: int = SETS, seed: int = 2024) -> Iterator[Verdicts]:
    """Verdict sets of 0 to 24 lumisections in up to three runs, with gaps and in any order."""
    rng = np.random.default_rng(seed)
    size = rng.integers(0, 25, sets)
    of_set = np.repeat(np.arange(sets), size)
    key = np.concatenate([rng.choice(48, n, replace=False) for n in size])
    index = lumisection_index(1000 + 3 * of_set + key // 16, 1 + key % 16)
    decision = rng.choice(np.array(list(Decision), dtype=object), len(key))
    scored = decision == Decision.ACCEPT
    badness = np.where(scored | (rng.random(len(key)) < 0.7), rng.random(len(key)), np.nan).astype(np.float32)
    subsystem = rng.choice(np.array(["", "sector_1", "hlt"], dtype=object), len(key))
    status = np.where(np.isnan(badness), rng.choice(np.array(["missing:oms", "conflict"], dtype=object), len(key)), "")
    reasons = tuple((Reason("rate", each, 1.0, 1.0),) if each else () for each in subsystem)
    end = np.cumsum(size)
    for a, b in zip(end - size, end, strict=True):
        rows = slice(a, b)
        yield Verdicts(
            *(index[rows], decision[rows], badness[rows], np.ones(b - a)),
            *(status[rows], subsystem[rows], reasons[rows]),
        )


def covered(ranges: tuple[ReasonRange, ...]) -> LumiMask:
    by_run: dict[int, list[tuple[int, int]]] = {}
    for each in ranges:
        by_run.setdefault(each.run, []).append((each.first, each.last))
    return LumiMask(by_run)


def faults(verdicts: Verdicts, publish: Callable[[Verdicts], tuple[LumiMask, LumiMask]]) -> list[str]:
    """What is wrong with the published masks of one verdict set."""
    golden, anti = publish(verdicts)
    reasons = anti_reasons(verdicts)
    undecided = covered(reasons.undecided)
    run, ls = verdicts.index.get_level_values("run"), verdicts.index.get_level_values("ls")
    forbidden = np.array([str(each) in NEVER_GOLDEN for each in verdicts.decision], dtype=bool)
    found = {
        "golden and anti overlap": bool(golden & anti),
        "golden holds what nobody found good": bool(golden.contains(run, ls)[forbidden].any()),
        "something undecided is published": bool((golden | anti) & undecided),
        "something is lost or invented": (golden | anti | undecided) != LumiMask.of_lumisections(run, ls),
        "the reasons tell of other lumisections": covered(reasons.anti) != anti,
    }
    return [fault for fault, present in found.items() if present]


def by_complement(verdicts: Verdicts) -> tuple[LumiMask, LumiMask]:
    """The mutant: golden is whatever was not rejected."""
    run, ls = verdicts.index.get_level_values("run"), verdicts.index.get_level_values("ls")
    rejected = verdicts.having(REJECTED)
    return LumiMask.of_lumisections(run[~rejected], ls[~rejected]), LumiMask.of_lumisections(
        run[rejected], ls[rejected]
    )


@pytest.mark.parametrize("sets", [QUICK, pytest.param(SETS, marks=pytest.mark.slow)])
def test_golden_anti_and_undecided_part_every_verdict_set(sets: int) -> None:
    """Catches the mutant ``by_complement`` (golden = all minus rejected), which publishes what was never scored."""
    wrong = [(tuple(v.index), found) for v in verdict_sets(sets) if (found := faults(v, masks))]
    assert not wrong, wrong[0]


def test_the_complement_mutant_is_caught():
    caught = [v for v in verdict_sets(200) if "golden holds what nobody found good" in faults(v, by_complement)]
    assert len(caught) > 150


def test_no_order_of_the_verdicts_changes_what_is_published():
    rng = np.random.default_rng(1)
    for v in verdict_sets(100):
        at = rng.permutation(len(v))
        shuffled = replace(
            v,
            **{
                name: getattr(v, name)[at] for name in ("index", "decision", "badness", "weight", "status", "subsystem")
            },
            reasons=tuple(v.reasons[i] for i in at),
        )
        assert masks(shuffled) == masks(v)
        assert anti_reasons(shuffled).to_bytes() == anti_reasons(v).to_bytes()


def test_the_anti_json_round_trips():
    for v in verdict_sets(300):
        told = anti_reasons(v)
        assert AntiReasons.from_bytes(told.to_bytes()) == told
        assert AntiReasons.from_bytes(told.to_bytes()).to_bytes() == told.to_bytes()
