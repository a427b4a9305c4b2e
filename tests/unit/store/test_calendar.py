"""Windows of stored lumisections, and what is said where there is no common time with the beam."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dqm.model.errors import StoreError
from dqm.model.sensors import SECOND
from dqm.model.tables import Column, QuantityTable, lumisection_index
from dqm.store.calendar import lumisection_times
from dqm.store.store import Store
from dqm.store.tables import store_quantities

BEGIN = int(np.datetime64("2026-05-01T12:00", "ns").astype(np.int64))


def put(store: Store, rows: list[tuple[int, int, float | None]]) -> None:
    """Lumisections ``(run, ls, begin in seconds)``."""
    run, ls, seconds = zip(*rows, strict=True)
    start = np.array(
        [
            np.datetime64("NaT") if each is None else np.datetime64(BEGIN + round(each * SECOND), "ns")
            for each in seconds
        ],
        dtype="datetime64[ns]",
    )
    table = QuantityTable(
        lumisection_index(np.array(run), np.array(ls)),
        (Column("charge", "x", role="weight"),),
        np.ones((len(rows), 1)),
        np.full(len(rows), "", dtype=object),
        start,
    )
    with store.transaction() as change:
        store_quantities(change, table, {})


def spans(found: object) -> list[tuple[float, float]]:
    grid = found.grid  # type: ignore[attr-defined]
    return [
        ((b - BEGIN) / SECOND, (e - BEGIN) / SECOND)
        for b, e in zip(grid.begin.tolist(), grid.end.tolist(), strict=True)
    ]


def test_a_window_ends_where_the_next_one_begins(store: Store) -> None:
    put(store, [(1, 1, 0), (1, 2, 23), (1, 3, 46), (1, 6, 115), (2, 1, 130)])
    found = lumisection_times(store)
    assert spans(found) == [(0, 23), (23, 46), (46, 69), (115, 130), (130, 153.31)]
    assert list(found.index) == [(1, 1), (1, 2), (1, 3), (1, 6), (2, 1)]
    assert found.untimed == 0


def test_what_has_no_time_of_its_own_is_counted(store: Store) -> None:
    put(store, [(1, 1, 0), (1, 2, None), (1, 3, 46), (2, 1, 46)])
    found = lumisection_times(store)
    assert list(found.index) == [(1, 1)]
    assert found.untimed == 3


def test_only_overlapping_lumisections_are_given(store: Store) -> None:
    put(store, [(1, 1, 0), (1, 2, 23), (1, 3, 46)])
    assert list(lumisection_times(store, BEGIN + 23 * SECOND, BEGIN + 46 * SECOND).index) == [(1, 2)]


def test_no_common_time_with_the_beam_is_said(store: Store) -> None:
    with pytest.raises(StoreError, match="holds no lumisections, so there is no common time with the beam; take fixed"):
        lumisection_times(store)
    put(store, [(1, 1, None)])
    with pytest.raises(StoreError, match="none of its 1 lumisection has a time of its own, so there is no common time"):
        lumisection_times(store)
    put(store, [(2, 1, 0)])
    with pytest.raises(
        StoreError, match=r"its lumisections, 2026-05-01T12:00:00Z to 2026-05-01T12:00:23Z, have no common"
    ):
        lumisection_times(store, BEGIN + 3600 * SECOND, BEGIN + 7200 * SECOND)


def test_the_index_is_that_of_lumisections(store: Store) -> None:
    put(store, [(1, 1, 0)])
    assert isinstance(lumisection_times(store).index, pd.MultiIndex)
