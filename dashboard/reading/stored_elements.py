"""Monitor elements as the store holds them, read for one comparison: one element of a few runs, nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dashboard.comparison.choice import Choice
from dashboard.comparison.reference import (
    Axes,
    Earlier,
    Making,
    NoReference,
    Reference,
    by_lumisection,
    reference_of,
)
from dashboard.comparison.standing import Standing, given_of, standing_of
from dashboard.reading.pile_up import matched
from dqm.model.histograms import HistogramBatch
from dqm.model.labels import Label, Labels
from dqm.model.tables import QuantityTable, lumisection_index
from dqm.store.histograms import catalogs, read_histograms
from dqm.store.store import Store
from dqm.store.tables import labels_from_arrow, quantities_from_arrow

RECENT = 10
"""Earlier runs that a reference of the nearest looks at; also labelled runs behind the band."""
REMEMBERED = 30
"""Earlier runs of a moving mean: what lies before weighs 4% with alpha = 0.9."""
SEARCHED = 120
"""Earlier runs in which labelled ones are looked for."""
PER_WEIGHT = frozenset({"count", "rate"})
"""Kinds of quantities that follow the beam, so that their ratio to the weight tells more."""
RANKED = 1000
"""Elements of a run of which all pulls are looked at together."""


def elements(store: Store, run: int, snapshot: int) -> dict[str, Axes]:
    """The monitor elements of a run with the axes of one binning, by name; none where it has no histograms."""
    if run not in store.runs("histograms", snapshot):
        return {}
    catalog = catalogs(store, [run], snapshot)[run]
    return {each.element: catalog.axes[each.binning] for each in catalog.groups}


def read_reference(
    store: Store, run: int, element: str, axes: Axes, choice: Choice, *, alpha: float, snapshot: int
) -> Reference | NoReference:
    """The reference for an element of a run, of earlier runs alone."""
    before = [each for each in store.runs("histograms", snapshot) if each < run]
    if not before:
        return NoReference("no reference", "no earlier run has histograms.")
    if choice.kind == "run" and choice.number not in before:
        return NoReference("no reference", _absent(choice.number, run, before))
    band = good_runs(store, before, RECENT, snapshot) if len(axes) == 1 else []
    choice, why = _resolved(store, run, choice, before, snapshot)
    asked = _asked(store, choice, before, snapshot)
    found = reference_of(choice, axes, _earlier(store, [element], asked, band, snapshot), alpha)
    return replace(found, matched=why) if isinstance(found, Reference) else found


def _resolved(store: Store, run: int, choice: Choice, before: Sequence[int], snapshot: int) -> tuple[Choice, str]:
    """The choice with a run in the place of one that is matched, and why that one; "" for any other."""
    if choice.kind != "matched":
        return choice, ""
    found = matched(store, run, good_runs(store, before, SEARCHED, snapshot), snapshot)
    return found.choice, found.why


def _absent(number: int, run: int, before: Sequence[int]) -> str:
    if number >= run:
        return (
            f"run {number} is not earlier than run {run}; only the past may be a reference. The last is {before[-1]}."
        )
    near = min(before, key=lambda each: abs(each - number))
    return f"run {number} has no histograms; the nearest earlier run that has is {near}."


def _asked(store: Store, choice: Choice, before: Sequence[int], snapshot: int) -> list[int]:
    if choice.kind == "certified":
        return good_runs(store, before, choice.number, snapshot)
    if choice.kind == "run":
        return [choice.number]
    return list(before[-(REMEMBERED if choice.kind == "adaptive" else RECENT) :])


def good_runs(store: Store, before: Sequence[int], most: int, snapshot: int) -> list[int]:
    """The last runs of ``before`` with a lumisection labelled good, ascending; ``SEARCHED`` runs are looked at."""
    labelled = set(store.runs("labels", snapshot))
    candidates = [each for each in before if each in labelled][-max(SEARCHED, most) :]
    found: list[int] = []
    while candidates and len(found) < most:
        part, candidates = candidates[-2 * most :], candidates[: -2 * most]
        labels = labels_from_arrow(store.read("labels", part, snapshot=snapshot))
        runs = np.asarray(labels.index.get_level_values("run"))[labels.values == Label.GOOD]
        found = [*np.unique(runs).tolist(), *found]
    return found[-most:]


def _earlier(
    store: Store, names: Sequence[str], asked: Sequence[int], band: Sequence[int], snapshot: int
) -> Iterator[Earlier]:
    """The histograms of some elements in some runs, with their labels, run by run."""
    wanted = sorted({*asked, *band})
    labels = _labels(store, wanted, snapshot)
    for found in read_histograms(store, names, wanted, snapshot):
        batch = by_lumisection(found)
        if len(batch):
            run = int(batch.run[0])
            label = _aligned(labels, batch.run, batch.ls)
            yield Earlier(run, batch, label, run in asked, run in band)


def _aligned(labels: Labels | None, run: NDArray[np.int64], ls: NDArray[np.int64]) -> NDArray[np.int8]:
    if labels is None:
        return np.full(len(run), Label.UNKNOWN, dtype=np.int8)
    return labels.aligned(lumisection_index(run, ls))


def _labels(store: Store, runs: Sequence[int], snapshot: int) -> Labels | None:
    labelled = sorted(set(runs) & set(store.runs("labels", snapshot)))
    return labels_from_arrow(store.read("labels", labelled, snapshot=snapshot)) if labelled else None


def read_pulls(
    store: Store, run: int, wanted: tuple[int, int] | None, choice: Choice, *, alpha: float, snapshot: int
) -> dict[str, float]:
    """The largest pull of the first ``RANKED`` elements of one dimension of a run; those that can be compared."""
    names = [name for name, axes in elements(store, run, snapshot).items() if len(axes) == 1][:RANKED]
    before = [each for each in store.runs("histograms", snapshot) if each < run]
    choice, _ = _resolved(store, run, choice, before, snapshot)
    makings = {name: Making(choice, alpha) for name in names}
    for each in _earlier(store, names, _asked(store, choice, before, snapshot) if before else [], [], snapshot):
        makings[each.batch.element].add(each)
    batches: dict[str, list[HistogramBatch]] = {}
    for batch in read_histograms(store, names, [run], snapshot):
        batches.setdefault(batch.element, []).append(batch)
    found = {}
    for name, parts in batches.items():
        given = given_of(parts, wanted)
        reference = makings[name].made(given.axes) if given else None
        standing = standing_of(given, reference) if given and isinstance(reference, Reference) else None
        if isinstance(standing, Standing):
            found[name] = standing.pull
    return found


def good_values(
    store: Store, run: int, quantity: str, snapshot: int, *, per_weight: bool = False
) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """Values ``(m,)`` of a quantity in good lumisections of the last labelled runs before ``run``, and these runs.

    With ``per_weight`` divided by the weight of the lumisection.
    """
    before = [each for each in store.runs("quantities", snapshot) if each < run]
    values, used = [], []
    for each in good_runs(store, before, RECENT, snapshot):
        table = quantities_from_arrow(store.read("quantities", [each], snapshot=snapshot))
        if quantity in table:
            labels = _labels(store, [each], snapshot)
            good = table.usable & (_aligned(labels, table.run, table.ls) == Label.GOOD)
            values.append(divided(table, quantity, per_weight=per_weight)[good])
            used.append(each)
    kept = np.concatenate(values) if values else np.zeros(0)
    return kept[np.isfinite(kept)], tuple(used)


def divided(table: QuantityTable, quantity: str, *, per_weight: bool) -> NDArray[np.float64]:
    """A quantity ``(n,)``, with ``per_weight`` over the weight; NaN where that is zero."""
    values = table[quantity].astype(np.float64)
    if not per_weight:
        return np.asarray(values)
    out = np.full(len(table), np.nan)
    return np.asarray(np.divide(values, table.weight, out=out, where=table.weight > 0))
