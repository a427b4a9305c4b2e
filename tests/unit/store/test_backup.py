"""A copy is whole or it is none, and what comes back is what was there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dqm.model.errors import StoreError
from dqm.store.backup import MANIFEST, backup, restore
from dqm.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "store") as made:
        for rows in (2, 3):
            with made.transaction() as change:
                change.put("labels", 7, pa.table({"run": [7] * rows, "ls": list(range(rows))}), {"made": str(rows)})
                change.publish("golden.json", b"{}" * rows, {})
        (made.path / "models" / "m").mkdir(parents=True)
        (made.path / "models" / "m" / "manifest.json").write_text("{}")
        with made.transaction() as change:
            change.add_model("m", "models/m", "f" * 64, {})
        (made.path / "cache").mkdir()
        (made.path / "cache" / "x.arrow").write_text("can be made again")
        yield made


def test_there_and_back_again(store: Store, tmp_path: Path) -> None:
    done = backup(store, tmp_path / "copy")
    assert done.text().endswith("snapshot 3, every byte verified")
    assert not (tmp_path / "copy" / "cache").exists()
    with store.transaction() as change:
        change.publish("golden.json", b"later", {})
    restored = restore(tmp_path / "copy", tmp_path / "again")
    assert (restored.files, restored.snapshot) == (done.files, 3)
    with Store.open(tmp_path / "again") as again:
        assert again.snapshot == 3
        assert again.publication("golden.json").read() == b"{}" * 3
        assert again.read("labels", snapshot=1).num_rows == 2, "earlier snapshots are in the copy too"
        assert again.model("m").folder == "models/m"


def test_a_folder_that_holds_something_is_left_alone(store: Store, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "mine.txt").touch()
    for act in (lambda: backup(store, tmp_path / "copy"), lambda: restore(tmp_path / "x", tmp_path / "copy")):
        with pytest.raises(StoreError, match="copy holds something already; name a new folder"):
            act()


def test_a_copy_that_was_not_finished_is_none(store: Store, tmp_path: Path) -> None:
    backup(store, tmp_path / "copy")
    (tmp_path / "copy" / MANIFEST).unlink()
    with pytest.raises(StoreError, match=r"no finished copy of a store \(no usable backup.json\)"):
        restore(tmp_path / "copy", tmp_path / "again")


def test_every_changed_missing_and_foreign_file_is_named(store: Store, tmp_path: Path) -> None:
    backup(store, tmp_path / "copy")
    name = next(each for each in json.loads((tmp_path / "copy" / MANIFEST).read_text())["files"] if "labels" in each)
    file = tmp_path / "copy" / name
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(StoreError, match=f"{file.name}: its bytes are not those that were copied"):
        restore(tmp_path / "copy", tmp_path / "a")
    file.unlink()
    with pytest.raises(StoreError, match=f"{file.name}: is missing from the copy"):
        restore(tmp_path / "copy", tmp_path / "b")
    file.write_bytes(data)
    (tmp_path / "copy" / "foreign").touch()
    with pytest.raises(StoreError, match="foreign: is not of the copy"):
        restore(tmp_path / "copy", tmp_path / "c")


def test_a_store_that_lacks_a_file_gives_no_copy(store: Store, tmp_path: Path) -> None:
    partition = store.partitions("labels")[0]
    (store.path / partition.path).unlink()
    with pytest.raises(StoreError, match="this file of the store is missing; dqm doctor tells"):
        backup(store, tmp_path / "copy")
    assert not (tmp_path / "copy" / MANIFEST).exists()


def test_a_model_that_is_gone_is_told(store: Store, tmp_path: Path) -> None:
    (store.path / "models" / "m" / "manifest.json").unlink()
    (store.path / "models" / "m").rmdir()
    with pytest.raises(StoreError, match="this model is missing"):
        backup(store, tmp_path / "copy")


def test_damage_that_was_there_before_is_not_copied(store: Store, tmp_path: Path) -> None:
    """Mutant: the copy is compared with its original alone; a store with a damaged file gives a "verified" copy."""
    current, old = store.partitions("labels")[0], store.history()[0]
    other = pa.table({"run": [7] * 3, "ls": [0, 1, 9]})
    whole = (store.path / current.path).read_bytes()
    pq.write_table(other, store.path / current.path)
    with pytest.raises(StoreError, match=r"damaged before it was copied: .* does not hold what was written"):
        backup(store, tmp_path / "a")
    assert not (tmp_path / "a" / MANIFEST).exists(), "it is no copy"
    (store.path / current.path).write_bytes(whole)
    whole = (store.path / old.path).read_bytes()
    pq.write_table(other, store.path / old.path)
    with pytest.raises(StoreError, match="nothing current needs it: dqm prune --older-than 1"):
        backup(store, tmp_path / "b")
    (store.path / old.path).write_bytes(whole)
    store.publication("golden.json").path.write_bytes(b"[]")
    with pytest.raises(StoreError, match=r"damaged before it was copied: .*not those that were published"):
        backup(store, tmp_path / "c")


def test_a_model_that_is_not_what_was_trained_is_not_copied(store: Store, tmp_path: Path) -> None:
    folder = store.path / "models" / "n"
    folder.mkdir()
    (folder / "a.txt").write_text("whole")
    digest = hashlib.sha256(b"whole").hexdigest()
    (folder / "manifest.json").write_text(json.dumps({"files": {"a.txt": digest}}))
    made = {"manifest": hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()}
    with store.transaction() as change:
        change.add_model("n", "models/n", "f" * 64, made)
    assert backup(store, tmp_path / "whole").files > 0
    (folder / "a.txt").write_text("damaged")
    with pytest.raises(
        StoreError, match=r"a.txt is not that of the model that was trained; train anew with: dqm train"
    ):
        backup(store, tmp_path / "a")
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(StoreError, match=r"manifest.json is not that of the model that was trained"):
        backup(store, tmp_path / "b")


def test_neither_copy_nor_store_is_made_inside_the_other(store: Store, tmp_path: Path) -> None:
    """A copy in the store is lost with it; a store in a copy is a file too many there."""
    with pytest.raises(
        StoreError, match=r"inner lies in .*, which is copied; name a folder outside, best on another disk"
    ):
        backup(store, store.path / "inner")
    backup(store, tmp_path / "copy")
    with pytest.raises(StoreError, match=r"inner lies in .*copy, which is copied; name a folder outside"):
        restore(tmp_path / "copy", tmp_path / "copy" / "inner")
    assert restore(tmp_path / "copy", tmp_path / "again").files > 0
