"""What another working point changes in open runs, and what was realised, as functions of columns."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from dashboard.trade_off.flips import NAMES, OpenVerdicts, flips
from dashboard.trade_off.realised import Judged, blocks
from dashboard.trade_off.rows import curve_rows, difference_rows, realised_rows
from dashboard.trade_off.tables import PastCurve
from dqm.decide.resolution import CODES
from dqm.model.verdicts import Decision, Verdicts, WorkingPoint

from .small_night import past, verdicts

NOTHING = WorkingPoint(0.0, math.inf, 0.01, 0.01, 0.9, "", 0, 1.0)


def point(accept: float, reject: float) -> WorkingPoint:
    return replace(NOTHING, accept_below=accept, reject_above=reject)


def opened(found: Verdicts, said: object = False, held: object = False) -> OpenVerdicts:
    """The small night as the page reads it."""
    n = len(found)
    code = np.array([CODES[Decision(each)] for each in found.decision], dtype=np.int8)
    run = np.asarray(found.index.get_level_values("run"), dtype=np.int64)
    columns = (np.broadcast_to(np.asarray(each, dtype=bool), n) for each in (said, held))
    return OpenVerdicts.of(run, code, *columns, found.badness, found.weight)


def test_flips_compare_with_what_stands() -> None:
    given = opened(verdicts())
    assert flips(given, point(0.02, 0.9)).table.empty
    wide = flips(given, point(0.1, 0.2))
    assert wide.table.to_dict("list") == {
        "run": [112, 114],
        "before": ["ASK", "ASK"],
        "after": ["REJECT", "ACCEPT"],
        "lumisections": [6, 3],
        "weight": [1.5, 0.75],
    }
    assert (wide.asked, wide.would_ask, wide.lumisections, wide.runs) == (11, 2, 120, 2)


def test_neither_people_nor_the_unscored_flip() -> None:
    """Mutant: every badness decided anew, which turns an UNKNOWN with a status or a person's GOOD into ACCEPT."""
    found = verdicts()
    found.decision[40:43] = Decision.UNKNOWN
    found.decision[:3] = Decision.BAD
    said = np.arange(len(found)) == 4
    after = flips(opened(found, said), NOTHING).table
    assert set(after["before"]) == {"ACCEPT", "REJECT"}
    assert after.loc[after["before"] == "ACCEPT", "lumisections"].sum() == 27 + 40 + 37 - 7


def test_what_a_guard_holds_is_asked() -> None:
    assert set(flips(opened(verdicts(), held=True), point(0.5, 0.6)).table["after"]) == {"ASK"}


@pytest.mark.parametrize("seed", range(3))
def test_many_runs_flip_as_one_lumisection_after_the_other_would(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 300
    run, weight = np.sort(rng.integers(1, 9, n)), rng.uniform(0.5, 2, n)
    badness = rng.random(n).astype(np.float32)
    badness[rng.random(n) < 0.1] = np.nan
    code, said, held = rng.integers(0, len(CODES), n).astype(np.int8), rng.random(n) < 0.1, rng.random(n) < 0.1
    where = point(0.3, 0.6)
    expected: dict[tuple[int, str, str], list[float]] = {}
    for each in range(n):
        before = str(NAMES[code[each]])
        if said[each] or not np.isfinite(badness[each]) or before not in ("ACCEPT", "ASK", "REJECT"):
            continue
        after = str(where.decide(badness[each : each + 1], held[each : each + 1])[0])
        if after != before:
            expected.setdefault((int(run[each]), before, after), []).append(weight[each])
    table = flips(OpenVerdicts.of(run, code, said, held, badness, weight), where).table
    found = {(r.run, r.before, r.after): (r.lumisections, r.weight) for r in table.itertuples()}
    assert found == {key: (len(w), pytest.approx(sum(w))) for key, w in expected.items()}
    per_run = table.groupby("run")["lumisections"].sum()
    assert [per_run[each] for each in dict.fromkeys(table["run"])] == sorted(per_run, reverse=True)


def judged(runs: int, label: int) -> Judged:
    """Four lumisections a run, all accepted; ``label`` for all of them."""
    n = 4 * runs
    return Judged(
        run=np.repeat(np.arange(1, runs + 1), 4),
        decision=np.full(n, "ACCEPT", dtype=object),
        label=np.full(n, label, dtype=np.int8),
        weight=np.ones(n),
        point=np.full(n, NOTHING.digest, dtype=object),
    )


def test_blocks_hold_twenty_runs_or_more_and_are_at_most_twelve() -> None:
    assert blocks(judged(5, -1), []) == []
    assert [each.outcome.runs for each in blocks(judged(45, 0), [NOTHING])] == [23, 22]
    assert len(blocks(judged(1000, 1), [])) == 12


def test_a_block_names_its_budgets_and_what_was_realised() -> None:
    given = judged(4, 0)
    given.label[:2], given.label[4:8] = 1, -1
    [block] = blocks(given, [NOTHING])
    assert block.budgets == (0.01, 0.01)
    assert block.outcome.pollution == pytest.approx(2 / 12)
    assert block.labelled == 1.0, "a run without any label is in no block"
    row = realised_rows([block]).iloc[0]
    assert (row["runs"], row["pollution_budget"]) == ("1 to 4", 1.0)
    assert np.isnan(realised_rows(blocks(given, []))["loss_budget"].iloc[0])


def test_the_curve_in_numbers_is_that_of_the_picture() -> None:
    curve = PastCurve.of(past())
    assert curve is not None
    rows = curve_rows(curve, point(0.05, 0.95))
    at = rows.iloc[len(rows) // 2]
    assert at["loss"] == pytest.approx(100 * (curve.outcome(point(0.0, at["threshold"]))[0].data_loss or 0))
    assert rows.loc[rows["threshold"] < 0.05, "loss_work"].isna().all()


def test_what_differs_is_told_beside_what_is_in_force() -> None:
    curve = PastCurve.of(past())
    assert curve is not None
    table = difference_rows(curve, NOTHING, point(0.05, 0.95), "these budgets")
    assert table.columns.tolist() == ["in force", "these budgets"]
    assert table.loc["thresholds", "in force"] == "badness: accept nothing, reject nothing, ask between"
    assert difference_rows(curve, None, NOTHING, "x").columns.tolist() == ["x"]
