"""The store: snapshots, idempotence, atomicity, reading, and every message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from dqm.model.errors import StoreError, UnknownNameError
from dqm.model.findings import Finding
from dqm.model.verdicts import WorkingPoint
from dqm.store import schema
from dqm.store.database import writing
from dqm.store.store import Store

Rows = Callable[..., pa.Table]
POINT = WorkingPoint(0.1, float("inf"), 0.01, 0.01, 0.9, "margin", 60, 0.038)
FINDING = Finding("duplicate", "repaired", "identical row dropped", "oms.json", 355100, 7)


def put(store: Store, *tables: pa.Table, kind: str = "quantities") -> None:
    with store.transaction() as change:
        for table in tables:
            change.put(kind, table["run"][0].as_py(), table, {"files": "oms.json"})


def files(store: Store) -> list[Path]:
    return sorted(each for each in store.path.rglob("*") if each.is_file() and "sqlite" not in each.name)


def test_an_empty_store_is_at_snapshot_zero(store: Store) -> None:
    assert (store.snapshot, store.runs("quantities"), store.findings(), store.publications()) == (0, [], [], [])
    assert store.working_point() is None


def test_what_was_put_is_read_back(store: Store, rows: Rows) -> None:
    put(store, rows(9), rows(4))
    assert store.snapshot == 1
    assert store.runs("quantities") == [4, 9]
    assert store.read("quantities").equals(pa.concat_tables([rows(4), rows(9)]))
    assert store.read("quantities", runs=[9]).equals(rows(9))
    assert store.provenance("quantities", 9) == {"files": "oms.json"}


def test_files_lie_by_kind_run_and_content(store: Store, rows: Rows) -> None:
    put(store, rows(4))
    (partition,) = store.partitions("quantities")
    assert files(store) == [store.path / f"quantities/run=000000004/{partition.digest[:16]}.parquet"]
    assert pq.ParquetFile(files(store)[0]).metadata.row_group(0).column(2).compression == "ZSTD"


def test_a_replaced_run_is_read_at_its_old_snapshot(store: Store, rows: Rows) -> None:
    put(store, rows(4), rows(5))
    put(store, rows(4, seed=1))
    assert store.read("quantities", runs=[4]).equals(rows(4, seed=1))
    assert store.read("quantities", snapshot=1).equals(pa.concat_tables([rows(4), rows(5)]))
    assert store.runs("quantities", snapshot=0) == []
    assert [each.run for each in store.history()] == [4, 5, 4]


def test_a_run_may_return_to_earlier_content(store: Store, rows: Rows) -> None:
    for seed in (0, 1, 0):
        put(store, rows(4, seed=seed))
    assert store.snapshot == 3
    assert store.read("quantities").equals(rows(4))
    assert len(files(store)) == 2


def test_equal_content_is_no_new_snapshot(store: Store, rows: Rows) -> None:
    """Mutant: a digest over the bytes of the file, which another compression or chunking changes."""

    def write_all(table: pa.Table) -> None:
        with store.transaction() as change:
            change.put("quantities", 4, table, {})
            change.add_findings([FINDING, FINDING])
            change.add_working_point(POINT)
            change.add_model("m-1", "models/m-1", "f" * 64, {"data": "d"})
            change.publish("golden.json", b"{}\n", {})

    write_all(rows(4))
    before = files(store)
    write_all(pa.concat_tables([rows(4).slice(0, 2), rows(4).slice(2)]))
    assert store.snapshot == 1
    assert files(store) == before
    assert store.findings() == [FINDING]
    assert len(store.working_points()) == len(store.models()) == len(store.publications()) == 1


def test_an_exception_leaves_what_is_published(store: Store, rows: Rows) -> None:
    """Mutant: committing in a ``finally``."""
    put(store, rows(4))
    before = files(store)

    def fail() -> None:
        with store.transaction() as change:
            change.put("quantities", 4, rows(4, seed=1), {})
            change.add_findings([FINDING])
            change.publish("golden.json", b"{}", {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.snapshot == 1
    assert store.read("quantities").equals(rows(4))
    assert store.findings() == []
    assert files(store) == before


def test_more_can_be_told_of_a_model_that_is_there(store: Store) -> None:
    with store.transaction() as change:
        change.add_model("m-1", "models/m-1", "f" * 64, {"manifest": "d"})
    snapshot = store.snapshot
    with store.transaction() as change:
        change.tell_of_model("m-1", "mlflow", "version 3")
    assert store.model("m-1").provenance == {"manifest": "d", "mlflow": "version 3"}
    assert store.snapshot == snapshot, "nothing that is read has changed"

    def nobody() -> None:
        with store.transaction() as change:
            change.tell_of_model("m-2", "mlflow", "version 4")

    with pytest.raises(UnknownNameError, match="unknown model 'm-2'; nearest valid names: 'm-1'"):
        nobody()


def test_a_refused_part_refuses_all(store: Store, rows: Rows) -> None:
    """The model clashes only at the commit, when the partition is ready."""
    with store.transaction() as change:
        change.add_model("m-1", "models/m-1", "f" * 64, {})

    def clash() -> None:
        with store.transaction() as change:
            change.put("quantities", 4, rows(4), {})
            change.add_model("m-1", "models/other", "f" * 64, {})

    with pytest.raises(
        ValueError, match=r"another model called 'm-1'; a model never changes: give this one its own name"
    ):
        clash()
    assert (store.snapshot, store.runs("quantities"), files(store)) == (1, [], [])


def test_one_model_is_added_once(store: Store) -> None:
    with store.transaction() as change:
        change.add_model("m-1", "models/m-1", "f" * 64, {"data": "d"})
        with pytest.raises(ValueError, match=r"another model called 'm-1'"):
            change.add_model("m-1", "models/m-2", "f" * 64, {"data": "d"})
    assert store.model("m-1").folder == "models/m-1"
    with pytest.raises(UnknownNameError, match=r"unknown model 'm-2'; nearest valid names: 'm-1'"):
        store.model("m-2")


def test_only_the_asked_column_is_read(store: Store, rows: Rows) -> None:
    """The pages of another column are destroyed, and reading one column does not notice."""
    put(store, rows(4, 500))
    (file,) = files(store)
    chunk = pq.ParquetFile(file).metadata.row_group(0).column(2)
    assert chunk.path_in_schema == "charge"
    data = bytearray(file.read_bytes())
    first = chunk.data_page_offset
    data[first : first + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    file.write_bytes(data)
    assert store.read("quantities", columns=["ls"]).equals(rows(4, 500).select(["ls"]))
    with pytest.raises(
        StoreError, match=r"\.parquet is damaged: .*; delete it if it is there and make it again with: dqm ingest"
    ):
        store.read("quantities")


def test_one_flipped_bit_is_noticed(store: Store, rows: Rows) -> None:
    """Mutant: pages without checksums, of which a flipped bit in a number makes another number."""
    put(store, rows(4, 500))
    (file,) = files(store)
    chunk = pq.ParquetFile(file).metadata.row_group(0).column(2)
    data = bytearray(file.read_bytes())
    data[chunk.data_page_offset + chunk.total_compressed_size - 9] ^= 1
    file.write_bytes(data)
    with pytest.raises(StoreError, match=r"is damaged: .*(CRC|checksum)"):
        store.read("quantities", columns=["charge"])


def test_columns_come_in_the_asked_order(store: Store, rows: Rows) -> None:
    put(store, rows(4))
    assert store.read("quantities", columns=["charge", "run"]).column_names == ["charge", "run"]
    with pytest.raises(UnknownNameError, match=r"unknown column of quantities 'chrage'; nearest valid names: 'charge'"):
        store.read("quantities", columns=["chrage"])


@pytest.mark.parametrize("call", ["runs", "read", "partitions"])
def test_unknown_kind(store: Store, call: str) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown kind 'quantites'; nearest valid names: 'quantities'"):
        getattr(store, call)("quantites")


def test_unknown_run(store: Store, rows: Rows) -> None:
    put(store, rows(355100))
    with pytest.raises(UnknownNameError, match=r"unknown run of quantities '355101'; nearest valid names: '355100'"):
        store.read("quantities", runs=[355100, 355101])
    with pytest.raises(UnknownNameError, match=r"unknown run of quantities '7'"):
        store.provenance("quantities", 7)


def test_nothing_to_read(store: Store, rows: Rows) -> None:
    with pytest.raises(StoreError, match=r"no labels to read: snapshot 0 is empty; Store.runs\('labels'\) tells"):
        store.read("labels")
    put(store, rows(4))
    with pytest.raises(StoreError, match=r"no quantities to read: no run was asked for"):
        store.read("quantities", runs=[])


@pytest.mark.parametrize("snapshot", [-1, 2])
def test_unknown_snapshot(store: Store, rows: Rows, snapshot: int) -> None:
    put(store, rows(4))
    with pytest.raises(StoreError, match=rf"there is no snapshot {snapshot}; the newest is 1"):
        store.read("quantities", snapshot=snapshot)


def test_runs_with_other_columns_are_not_joined(store: Store, rows: Rows) -> None:
    put(store, rows(4), rows(5).drop_columns(["charge"]))
    expected = r"run 4 and run 5 differ: column 'charge' is double in the first, absent in the other; read them apart"
    with pytest.raises(StoreError, match=expected):
        store.read("quantities")
    put(store, rows(5).select(["ls", "run", "charge", "status"]))
    with pytest.raises(StoreError, match="the order of the columns"):
        store.read("quantities")
    assert store.read("quantities", columns=["ls"]).num_rows == 10


def test_a_missing_file_is_named_and_comes_back_when_put_again(store: Store, rows: Rows) -> None:
    put(store, rows(4))
    (file,) = files(store)
    file.unlink()
    with pytest.raises(StoreError, match=rf"{file.name} is missing; .* make it again with: dqm ingest"):
        store.read("quantities")
    put(store, rows(4))
    assert store.snapshot == 1
    assert store.read("quantities").equals(rows(4))


def test_put_refuses_what_it_cannot_keep(store: Store, rows: Rows) -> None:
    nothing = pa.table({"ls": [1]})
    words = pa.table({"run": [4], "word": pa.array(["a"]).dictionary_encode()})
    with store.transaction() as change:
        with pytest.raises(UnknownNameError, match=r"unknown kind 'score'; nearest valid names: 'scores'"):
            change.put("score", 4, rows(4), {})
        with pytest.raises(ValueError, match=r"the rows put as run 5 of 'labels' hold run 4; split them by run first"):
            change.put("labels", 5, rows(4), {})
        with pytest.raises(ValueError, match=r"a partition of 'labels' needs the column 'run'; found \['ls'\]"):
            change.put("labels", 4, nothing, {})
        with pytest.raises(ValueError, match=r"run numbers must lie in \[0, 2\^31\): found -4"):
            change.put("labels", -4, rows(-4 % 9), {})
        with pytest.raises(TypeError, match=r"column 'word': the store keeps numbers, flags, times, text and lists"):
            change.put("labels", 4, words, {})
        change.put("labels", 4, rows(4), {})
        with pytest.raises(ValueError, match=r"run 4 of 'labels' is put twice in one transaction"):
            change.put("labels", 4, rows(4), {})
    assert store.runs("labels") == [4]


def test_publications_are_immutable_versions(store: Store) -> None:
    for data in (b"one", b"two", b"two", b"one"):
        with store.transaction() as change:
            change.publish("golden.json", data, {"model": "m-1"})
    assert [(each.version, each.read()) for each in store.publications()] == [(1, b"one"), (2, b"two"), (3, b"one")]
    latest = store.publication("golden.json")
    assert (latest.version, latest.size, latest.provenance, latest.snapshot) == (3, 3, {"model": "m-1"}, 3)
    assert latest.path == store.path / "published" / "golden.json-3"
    assert store.publication("golden.json", 2).read() == b"two"


def test_unknown_publications(store: Store) -> None:
    with store.transaction() as change:
        change.publish("golden.json", b"one", {})
        with pytest.raises(ValueError, match=r"'golden.json' is published twice in one transaction"):
            change.publish("golden.json", b"two", {})
    with pytest.raises(UnknownNameError, match=r"unknown publication 'golden'; nearest valid names: 'golden.json'"):
        store.publication("golden")
    with pytest.raises(UnknownNameError, match=r"unknown version of golden.json '2'"):
        store.publication("golden.json", 2)


@pytest.mark.parametrize(
    "name", ["", "..", "../golden", "a/b", "/etc/passwd", "a\\b", ".hidden", "a\0", "a\n", "ü", "x" * 101, "-rf"]
)
def test_publication_names_stay_in_their_folder(store: Store, name: str) -> None:
    """Mutant: ``match`` for ``fullmatch``, which lets ``a/../../b`` through."""
    with store.transaction() as change, pytest.raises(ValueError, match="cannot name a publication"):
        change.publish(name, b"", {})
    assert files(store) == []


def test_an_altered_publication_is_refused(store: Store) -> None:
    with store.transaction() as change:
        change.publish("golden.json", b"one", {})
    published = store.publication("golden.json")
    published.path.write_bytes(b"two")
    with pytest.raises(StoreError, match="its bytes are not those that were published; restore it from a copy"):
        published.read()
    published.path.unlink()
    with pytest.raises(StoreError, match="the published file cannot be read: No such file or directory; restore"):
        published.read()


def test_working_points_are_appended(store: Store) -> None:
    other = WorkingPoint(0.1, 0.8, 0.01, 0.01, 0.9, "margin", 60, float("nan"))
    at = datetime(2024, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    for each in (POINT, POINT, other, POINT):
        with store.transaction() as change:
            change.add_working_point(each, at)
    found = store.working_points()
    assert [each.working_point.digest for each in found] == [POINT.digest, other.digest, POINT.digest]
    assert [each.snapshot for each in found] == [1, 2, 3]
    assert found[0].at == datetime(2024, 5, 1, 10, tzinfo=UTC)
    assert store.working_point() == POINT


def test_a_time_needs_a_zone(store: Store) -> None:
    def naive() -> None:
        with store.transaction(at=datetime(2024, 5, 1)) as change:
            change.add_findings([FINDING])

    with pytest.raises(ValueError, match="the time 2024-05-01 00:00:00 has no zone; give one"):
        naive()
    assert store.snapshot == 0


def test_findings_keep_their_fields(store: Store) -> None:
    bare = Finding("truncated", "quarantined", "ends in the middle")
    with store.transaction() as change:
        change.add_findings([FINDING, bare])
    assert store.findings() == [FINDING, bare]


def test_foreign_keys_hold(store: Store) -> None:
    def orphan() -> None:
        with writing(store._engine) as connection:
            row = {"digest": "", "fields": "", "at": datetime.now(UTC), "snapshot": 7}
            connection.execute(sa.insert(schema.working_points), row)

    with pytest.raises(StoreError, match="FOREIGN KEY constraint failed; see: dqm doctor"):
        orphan()


@pytest.mark.slow
def test_many_runs_are_read_quickly(store: Store, rows: Rows) -> None:
    """1,000 runs of 500 lumisections; the better of three, since a neighbour on the same core is not our cost."""
    import time

    put(store, *(rows(run, 500) for run in range(1000)))
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        assert store.read("quantities").num_rows == 500_000
        seconds.append(time.perf_counter() - begin)
    assert min(seconds) < 2


def test_an_alias_points_to_one_model_and_can_go_back(store: Store) -> None:
    """Mutant: the model that was added last, whatever is trained again."""
    assert store.pointed("champion") is None
    for name in ("m-1", "m-2", "m-1", "m-1"):
        with store.transaction() as change:
            change.add_model(name, f"models/{name}", "f" * 64, {})
            change.point("champion", name)
        pointed = store.pointed("champion")
        assert pointed is not None
        assert pointed.model_id == name
    assert store.snapshot == 3, "pointing to where it points already is no change"


def test_an_alias_of_no_model_is_refused(store: Store) -> None:
    with pytest.raises(UnknownNameError, match="unknown model 'm-3'"), store.transaction() as change:
        change.point("champion", "m-3")


def test_a_change_based_on_an_older_snapshot_is_refused(store: Store) -> None:
    """Mutant: the check before the lock, where another command may still come between."""
    seen = store.snapshot
    with store.transaction() as theirs:
        theirs.publish("golden.json", b"theirs", {})
    with pytest.raises(StoreError, match="was changed meanwhile"), store.transaction(based_on=seen) as mine:
        mine.publish("golden.json", b"mine", {})
    assert store.publication("golden.json").read() == b"theirs"
    with store.transaction(based_on=store.snapshot) as again:
        again.publish("golden.json", b"mine", {})
    assert store.publication("golden.json").read() == b"mine"
