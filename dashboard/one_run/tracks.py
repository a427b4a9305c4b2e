"""One run over its lumisections: strips of states, the map of contributions, badness, detectors, and what was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboard.canvas.timeline import NOTHING, Line, Series, Strip, Timeline
from dashboard.look.palette import BLUE, FLAG_STATES, LABEL_STATES, MACHINE, ORANGE, PURPLE, SKY, STATES
from dashboard.one_run.heat import DETECTOR, UNIT, aligned, from_reasons, heat_of
from dashboard.verdicts.logit import logit
from dqm.model.aggregates import URGENCY
from dqm.model.tables import QuantityTable
from dqm.model.verdicts import Decision, Verdicts, WorkingPoint
from dqm.store.contributions import Contributions

LOGIT_RANGE = (-4.0, 4.0)
LOGIT_TICKS = ((-4.0, "≤0.0001"), (-2.0, "0.01"), (0.0, "0.5"), (2.0, "0.99"), (4.0, "≥0.9999"))
"""Ends and ticks of the axis of badness (``logit``)."""
LOOKS: tuple[tuple[str, tuple[int, ...]], ...] = (
    *((BLUE, ()), (ORANGE, (6, 3)), (PURPLE, (2, 3)), (SKY, (8, 3, 2, 3))),
    *((BLUE, (6, 3)), (ORANGE, ()), (PURPLE, (6, 3)), (SKY, ())),
)
"""Colour and dashes of the lines of one track, so that none is told by its colour alone."""
MOST_NAMED = 6
"""Flags that are named under the pointer."""


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known of a run: verdicts of the ``machine`` and those that stand, and what there may be beside them.

    ``labels`` int8 ``(n,)`` are −1 where nobody said anything; ``values`` (title, unit, float ``(n,)``) are drawn as
    lines.
    """

    run: int
    unit: str
    machine: Verdicts
    standing: Verdicts
    point: WorkingPoint | None = None
    labels: NDArray[np.int8] | None = None
    quantities: QuantityTable | None = None
    contributions: Contributions | None = None
    values: Sequence[tuple[str, str, NDArray[np.floating]]] = ()


def timeline(facts: Facts) -> Timeline:
    """Everything that is known of a run over its lumisections, people over the machine over the detector."""
    strips = [_people(facts), _machine(facts)]
    if facts.quantities is not None:
        strips += _flags(facts.quantities, facts.machine)
    if facts.labels is not None and (facts.labels >= 0).any():
        strips.append(_labels(facts.labels))
    shown = groups_of(facts)
    lines = [_badness(facts), *_detectors(facts.machine), *map(_value, facts.values)]
    return Timeline(
        name=str(facts.run),
        unit=facts.unit,
        label=f"Run {facts.run}: decisions, contributions and badness of {len(facts.machine):,} lumisections; "
        "the same stands in the tables below",
        ls=np.asarray(facts.machine.index.get_level_values("ls")),
        strips=tuple(strips),
        heat=heat_of(shown, (1, URGENCY.index(Decision.UNKNOWN))),
        lines=tuple(lines),
    )


def groups_of(facts: Facts) -> Contributions:
    """What each group added to the lumisections: what is kept of it, else what the reasons of the verdicts tell."""
    if facts.contributions is None:
        return from_reasons(facts.machine)
    return aligned(facts.contributions, facts.machine)


def spoken(verdicts: Verdicts) -> NDArray[np.bool_]:
    """Where people said what stands, ``(n,)``."""
    return ~np.isin(verdicts.decision.astype(str), [str(each) for each in MACHINE])


def _people(facts: Facts) -> Strip:
    said = spoken(facts.standing)
    code = np.where(said, _codes(facts.standing), NOTHING).astype(np.uint8)
    return _noted("people", code, facts.standing.status, said)


def _machine(facts: Facts) -> Strip:
    return _noted("machine", _codes(facts.machine), facts.machine.status, np.ones(len(facts.machine), dtype=bool))


def _noted(title: str, code: NDArray[np.uint8], status: NDArray[np.object_], rows: NDArray[np.bool_]) -> Strip:
    """A strip of decisions with their status in words."""
    notes, note = np.unique(np.where(rows, status.astype(str), ""), return_inverse=True)
    return Strip(title, code, tuple(STATES[each] for each in URGENCY), tuple(notes.tolist()), note)


def _codes(verdicts: Verdicts) -> NDArray[np.uint8]:
    place = {str(each): code for code, each in enumerate(URGENCY)}
    return np.array([place[str(each)] for each in verdicts.decision], dtype=np.uint8)


def _flags(table: QuantityTable, verdicts: Verdicts) -> list[Strip]:
    """Status bits of the detector and whether the inputs are there; none where the inputs have no flags."""
    flags = table.where(kind="flag")
    at = table.index.get_indexer(verdicts.index)
    if not flags:
        return []
    values = np.where((at >= 0)[:, None], table.values[at][:, flags], np.nan)
    off, missing = values == 0, (at < 0) | (table.status[at].astype(str) != "")
    states = list(FLAG_STATES)
    code = np.where(
        missing, states.index("missing"), np.where(off.any(axis=1), states.index("off"), states.index("on"))
    )
    names = np.array([table.columns[j].name for j in flags], dtype=object)
    notes = [
        str(table.status[at[row]]) if missing[row] and at[row] >= 0 else _listed(names[off[row]].tolist())
        for row in range(len(at))
    ]
    texts, note = np.unique(np.array(notes, dtype=str), return_inverse=True)
    return [Strip("detector status", code.astype(np.uint8), tuple(FLAG_STATES.values()), tuple(texts.tolist()), note)]


def _listed(names: list[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} others" if len(names) > MOST_NAMED else "")


def _labels(labels: NDArray[np.int8]) -> Strip:
    values = list(LABEL_STATES)
    code = np.full(len(labels), NOTHING, dtype=np.uint8)
    for place, value in enumerate(values):
        code[labels == value] = place
    return Strip("label", code, tuple(LABEL_STATES.values()))


def _badness(facts: Facts) -> Line:
    marks = []
    if facts.point is not None:
        for value, name, word in (
            (facts.point.accept_below, Decision.ACCEPT, "accept <"),
            (facts.point.reject_above, Decision.REJECT, "reject ≥"),
        ):
            if 0 < value <= 1:
                marks.append((float(logit(np.float64(value))), f"{word}{value:.2g}", STATES[name].colour))
    series = Series("badness", facts.machine.badness)
    return Line("badness", "", (series,), "logit", LOGIT_RANGE, LOGIT_TICKS, tuple(marks))


def _detectors(verdicts: Verdicts) -> list[Line]:
    """What each of several detectors added to the badness; nothing where one detector scores alone."""
    found: dict[str, NDArray[np.float32]] = {}
    for row, reasons in enumerate(verdicts.reasons):
        for each in reasons:
            if each.feature.startswith(DETECTOR):
                title = each.feature.partition(": ")[2]
                found.setdefault(title, np.zeros(len(verdicts), dtype=np.float32))[row] = each.contribution
    if not found:
        return []
    silent = ~np.isfinite(verdicts.badness)
    series = []
    for (title, values), (colour, dash) in zip(sorted(found.items()), LOOKS, strict=False):
        series.append(Series(title, np.where(silent, np.nan, values).astype(np.float32), colour, dash))
    return [Line("detectors", UNIT, tuple(series))]


def _value(given: tuple[str, str, NDArray[np.floating]]) -> Line:
    title, unit, values = given
    return Line(title, unit, (Series(title, values.astype(np.float32)),))
