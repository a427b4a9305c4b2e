"""Tables of one run: its lumisections, its ranges with reasons, what added to badness, and the chosen part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard.look.inert import for_markdown
from dashboard.look.palette import LABEL_STATES, STATES
from dashboard.look.wording import reason
from dashboard.one_run.heat import group_title
from dashboard.one_run.tracks import Facts, spoken
from dashboard.verdicts.run_tables import Range, ranges
from dqm.model.tables import lumisection_index
from dqm.model.verdicts import Verdicts
from dqm.store.contributions import LIMIT, STEP, Contributions


@dataclass(frozen=True)
class Chosen:
    """What is chosen: ``lumisections`` with ``weight``, how many of each state stand there, and what the machine saw.

    ``reasons`` in words, the strongest first; ``badness`` the largest, NaN where nothing was scored.
    """

    lumisections: int
    weight: float
    states: dict[str, int]
    badness: float
    reasons: tuple[str, ...]


def chosen_part(facts: Facts, rows: NDArray[np.bool_], most: int = 5) -> Chosen:
    """What is known of the rows ``(n,)``."""
    if not rows.any():
        return Chosen(0, 0.0, {}, float("nan"), ())
    [found] = ranges(_as_one(facts.machine.take(rows)), most)
    names, counts = np.unique(facts.standing.decision[rows].astype(str), return_counts=True)
    states = {name: int(count) for name, count in zip(names, counts, strict=True)}
    words = tuple(filter(None, [found.status, *map(reason, found.reasons)]))
    return Chosen(found.lumisections, found.weight, states, found.badness, words)


def contributors(given: Contributions, rows: NDArray[np.bool_], most: int = 12) -> pd.DataFrame:
    """The groups that add most in the rows ``(n,)``: their mean and largest contribution in log-odds, and where."""
    level = given.level[rows]
    ls = np.asarray(given.index.get_level_values("ls"))[rows]
    counted = np.where(level == LIMIT, 0, level).astype(np.float64) * STEP
    mean, largest = counted.mean(axis=0), counted.max(axis=0)
    limited = (level == LIMIT).any(axis=0)
    order = [j for j in np.lexsort((-mean, -largest, ~limited)).tolist() if largest[j] > 0 or limited[j]][:most]
    return pd.DataFrame(
        {
            "group": [group_title(*given.groups[j]) for j in order],
            "mean": [mean[j] for j in order],
            "largest": [float("inf") if limited[j] else largest[j] for j in order],
            "at LS": [int(ls[level[:, j].argmax()]) for j in order],
        }
    )


def markdown_table(table: pd.DataFrame) -> str:
    r"""A small table as Markdown, which costs the browser nothing; text is literal, an infinite number a limit.

    >>> print(markdown_table(pd.DataFrame({"group": ["a|b"], "mean": [0.5], "at LS": [3]})))
    | group | mean | at LS |
    |---|---|---|
    | a\|b | 0.50 | 3 |
    """
    rows: list[list[object]] = [list(table.columns), *map(list, table.itertuples(index=False, name=None))]
    head, *body = ("| " + " | ".join(map(_cell, each)) + " |" for each in rows)
    return "\n".join([head, "|" + "---|" * len(table.columns), *body])


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "limit" if np.isinf(value) else f"{value:.2f}"
    return for_markdown(str(value))


def lumisection_table(facts: Facts) -> pd.DataFrame:
    """Every lumisection with what stands, who says so, and what the machine said."""
    said = spoken(facts.standing)
    rows = {
        facts.unit: np.asarray(facts.machine.index.get_level_values("ls")),
        "stands": [STATES[str(each)].title for each in facts.standing.decision],
        "by": np.where(said, "people", "machine"),
        "machine": [STATES[str(each)].title for each in facts.machine.decision],
        "badness": facts.machine.badness,
        "weight": facts.machine.weight,
        "status": facts.standing.status.astype(str),
    }
    if facts.labels is not None and (facts.labels >= 0).any():
        rows["label"] = [LABEL_STATES[each].title if each in LABEL_STATES else "" for each in facts.labels.tolist()]
    return pd.DataFrame(rows)


def range_table(found: Sequence[Range], unit: str) -> pd.DataFrame:
    """Ranges of equal decision with their reasons in words."""
    return pd.DataFrame([_range_row(each, unit) for each in found])


def contribution_table(found: Sequence[Range]) -> pd.DataFrame:
    """The contributions of every range as numbers."""
    return pd.DataFrame([_contribution_row(each, place) for each in found for place in range(len(each.reasons))])


def _as_one(verdicts: Verdicts) -> Verdicts:
    """The same as if it were one range of one decision, so that its reasons are put together."""
    n = len(verdicts)
    decision = np.full(n, verdicts.decision[0], dtype=object)
    return replace(verdicts, index=lumisection_index(np.zeros(n), np.arange(n)), decision=decision)


def _range_row(each: Range, unit: str) -> dict[str, object]:
    reasons = [*filter(None, [each.status]), *map(reason, each.reasons), "", ""]
    return {
        "from": each.first,
        "to": each.last,
        "LS": each.lumisections,
        "decision": STATES[each.decision].title,
        unit: each.weight,
        "badness": each.badness,
        "subsystem": each.subsystem,
        "main reason": reasons[0],
        "second reason": reasons[1],
    }


def _contribution_row(each: Range, place: int) -> dict[str, object]:
    told = each.reasons[place]
    return {
        "from": each.first,
        "to": each.last,
        "decision": STATES[each.decision].title,
        "feature": told.feature,
        "subsystem": told.subsystem,
        "value": told.value,
        "contribution": told.contribution,
    }
