"""From decoded entries to batches: equal binnings together, rows in order, nothing twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.formats.dqmio_index import TreeIndex
from dqm.formats.root_histogram import RawAxis
from dqm.formats.root_template import Decoded, Piece, Positions, ranked
from dqm.formats.screening import folded
from dqm.model.findings import Finding, Severity
from dqm.model.histograms import Axis, HistogramBatch

Binning = tuple[tuple[object, ...], ...]


def batches_of(
    decoded: Decoded, index: TreeIndex, entries: NDArray[np.int64]
) -> tuple[list[HistogramBatch], list[Finding]]:
    """One batch a monitor element and binning, sorted by run and lumisection, and what was found."""
    found = _Found(index, entries)
    keep = _kept(decoded, found)
    groups: dict[int, dict[Binning, list[tuple[tuple[Axis, ...], Piece]]]] = defaultdict(lambda: defaultdict(list))
    known: dict[tuple[RawAxis, ...], tuple[tuple[Axis, ...], Binning]] = {}
    invalid: dict[int, list[tuple[Positions, str]]] = defaultdict(list)
    for piece in decoded.pieces:
        group = int(index.code[entries[piece.positions[0]]])
        try:
            if piece.axes not in known:
                axes = tuple(each.axis() for each in piece.axes)
                known[piece.axes] = axes, tuple((a.bins, a.low, a.high, a.edges, a.labels) for a in axes)
            axes, binning = known[piece.axes]
        except ValueError as error:
            invalid[group].append((piece.positions, str(error)))
            continue
        groups[group][binning].append((axes, piece))
    for group, each in invalid.items():
        reason = f"{index.names[group]}: {each[0][1]}"
        found.tell(np.concatenate([positions for positions, _ in each]), "invalid:axis", "quarantined", reason)
    batches = []
    for group, binnings in groups.items():
        for given in binnings.values():
            batch = _batch(index.names[group], given[0][0], [piece for _, piece in given], keep, found)
            if batch is not None:
                batches.append(batch)
    odd = np.flatnonzero((decoded.odd > 0) & keep)
    if len(odd):
        _, _, order, starts = ranked(found.code[odd])
        for mine in np.split(odd[order], starts[1:-1]):
            reason = f"{int(decoded.odd[mine].sum())} counts are negative, infinite or undefined"
            found.tell(mine, "odd-counts", "note", f"{found.names[found.code[mine[0]]]}: {reason}")
    return batches, found.findings


class _Found:
    """Run and lumisection of the selected entries, and the findings about them."""

    def __init__(self, index: TreeIndex, entries: NDArray[np.int64]) -> None:
        self.file = str(index.tree.file.path)
        self.run, self.ls, self.code = index.run[entries], index.ls[entries], index.code[entries]
        self.names = index.names
        self.findings: list[Finding] = []
        _, _, order, starts = ranked(self.code)
        run, ls = self.run[order], self.ls[order]
        later = (run[1:] > run[:-1]) | ((run[1:] == run[:-1]) & (ls[1:] > ls[:-1]))
        later[starts[1:-1] - 1] = True
        self.in_order = bool(later.all())
        """Every monitor element rises by run and lumisection: nothing is there twice, nothing need be sorted."""

    def tell(self, positions: Positions, code: str, severity: Severity, reason: str) -> None:
        rows = pd.DataFrame({"file": self.file, "run": self.run[positions], "ls": self.ls[positions]})
        self.findings += folded(rows, code, severity, reason)


def _batch(
    element: str, axes: tuple[Axis, ...], pieces: Sequence[Piece], keep: NDArray[np.bool_], found: _Found
) -> HistogramBatch | None:
    positions = _joined([each.positions for each in pieces])
    run, ls = found.run[positions], found.ls[positions]
    rows: NDArray[np.int64] | slice = slice(None)
    if not (found.in_order and len(pieces) == 1):
        order = np.lexsort((ls, run))
        rows = order[keep[positions[order]]]
    if not len(run[rows]):
        return None
    shape = (-1, *(axis.bins + 2 for axis in reversed(axes)))
    squares, sums = [each.squares for each in pieces], [each.sums for each in pieces]
    return HistogramBatch(
        element,
        axes,
        run[rows],
        ls[rows],
        _joined([each.counts for each in pieces])[rows].reshape(shape),
        _joined([each.entries for each in pieces])[rows],
        _whole(squares, pieces)[rows].reshape(shape) if any(each is not None for each in squares) else None,
        _whole(sums, pieces)[rows].reshape(shape) if sums[0] is not None else None,
    )


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _whole(parts: Sequence[NDArray[np.float64] | None], pieces: Sequence[Piece]) -> NDArray[np.float64]:
    """The parts joined, NaN where there is none."""
    empty = [
        np.full(each.counts.shape, np.nan) if part is None else part for part, each in zip(parts, pieces, strict=True)
    ]
    return _joined(empty)


def _kept(decoded: Decoded, found: _Found) -> NDArray[np.bool_]:
    """Which entries to keep ``(m,)``: of equal ones the first, of contradicting ones none."""
    keep = np.ones(len(found.run), np.bool_)
    if found.in_order:
        return keep
    order = np.lexsort((found.ls, found.run, found.code))
    code, run, ls = found.code[order], found.run[order], found.ls[order]
    same = (code[1:] == code[:-1]) & (run[1:] == run[:-1]) & (ls[1:] == ls[:-1])
    if not same.any():
        return keep
    double = np.zeros(len(keep), np.bool_)
    double[order[1:][same]] = double[order[:-1][same]] = True
    said = _contents(decoded, double)
    told: dict[tuple[int, bool], list[Positions]] = defaultdict(list)
    members = order[double[order]]
    starts = np.flatnonzero(~np.concatenate([[False], same])[double[order]])
    for each in np.split(members, starts[1:]):
        equal = len({said.get(int(i), i) for i in each}) == 1
        dropped = np.sort(each)[1 if equal else 0 :]
        keep[dropped] = False
        told[int(found.code[each[0]]), equal].append(dropped[:1])
    for (element, equal), positions in told.items():
        content = "equal content; one is kept" if equal else "different content; none is kept"
        reason = f"{found.names[element]} is there twice with {content}"
        kind: tuple[str, Severity] = ("duplicate", "repaired") if equal else ("conflict", "quarantined")
        found.tell(np.concatenate(positions), *kind, reason)
    return keep


def _contents(decoded: Decoded, wanted: NDArray[np.bool_]) -> dict[int, object]:
    """What the wanted entries say, as something that can be compared."""
    found: dict[int, object] = {}
    for piece in decoded.pieces:
        for i in np.flatnonzero(wanted[piece.positions]):
            arrays = (piece.counts, piece.entries, piece.squares, piece.sums)
            said = tuple(b"" if each is None else each[i].tobytes() for each in arrays)
            found[int(piece.positions[i])] = (piece.axes, *said)
    return found
