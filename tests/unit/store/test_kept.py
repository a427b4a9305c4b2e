"""A process that goes round keeps small partitions in memory, for they never change."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from dqm.store.store import Store

Rows = Callable[..., pa.Table]


def test_who_remembers_reads_a_file_once_and_sees_what_is_new(store: Store, rows: Rows) -> None:
    with store.transaction() as change:
        change.put("quantities", 7, rows(7), {})
    store.remember()
    first = store.read("quantities", [7])
    for each in (store.path / "quantities").rglob("*.parquet"):
        each.unlink()
    assert store.read("quantities", [7]).equals(first)
    with store.transaction() as change:
        change.put("quantities", 7, rows(7, seed=1), {})
    assert not store.read("quantities", [7]).equals(first)
    assert store.read("quantities", [7], ["charge"]).column_names == ["charge"]
