"""The newest version under its plain name: never half, never older than what was committed before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dqm.model.errors import StoreError
from dqm.store.backup import backup, restore
from dqm.store.health import health
from dqm.store.newest import refresh
from dqm.store.store import Store


def publish(store: Store, data: bytes) -> None:
    with store.transaction() as change:
        change.publish("golden.json", data, {})


def test_the_plain_name_holds_the_newest_version(store: Store) -> None:
    plain = store.newest("golden.json")
    for data in (b"{}", b"[]"):
        publish(store, data)
        assert (plain, plain.read_bytes()) == (store.path / "published" / "golden.json", data)
    plain.write_bytes(b"somebody wrote here")
    assert store.publication("golden.json").read() == b"[]", "the versions are other files"


def test_killed_after_the_commit_the_same_again_brings_it_up_to_date(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, b"{}")
    with monkeypatch.context() as patch:
        patch.setattr("dqm.store.store.refresh", lambda *given: None)
        publish(store, b"[]")
    assert store.newest("golden.json").read_bytes() == b"{}"
    found = {each.name: each for each in health(store.path)}["store publications"]
    assert (found.ok, "is not version 2; mend it with: dqm publish" in found.detail) == (False, True)
    publish(store, b"[]")
    assert store.newest("golden.json").read_bytes() == b"[]"
    assert all(each.ok for each in health(store.path))


def test_what_cannot_be_replaced_is_told_and_stays_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(store, b"{}")

    def full(*given: object, **named: object) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("dqm.store.newest._replace", full)
        with pytest.raises(
            StoreError, match=r"newest version is published, but its copy .*golden.json may be an older one: .*No space"
        ):
            publish(store, b"[]")
    assert (store.newest("golden.json").read_bytes(), store.publication("golden.json").version) == (b"{}", 2)


@pytest.mark.parametrize("altered", [b'{"1": [[1, 9]]}', None])
def test_a_version_that_was_altered_or_is_gone_takes_no_plain_name(store: Store, altered: bytes | None) -> None:
    publish(store, b"{}")
    version = store.publication("golden.json").path
    if altered is None:
        version.unlink()
    else:
        version.write_bytes(altered)
    store.newest("golden.json").unlink()
    with pytest.raises(StoreError, match=r"golden.json-1: .*; restore it from a copy$"):
        publish(store, b"{}")
    assert not store.newest("golden.json").exists()


def test_a_name_that_was_never_published_has_no_file(store: Store) -> None:
    with store._engine.connect() as connection:
        refresh(connection, store.path, ["golden.json"])
    assert not store.newest("golden.json").exists()


def test_a_restored_store_has_it_too(store: Store, tmp_path: Path) -> None:
    publish(store, b"{}")
    backup(store, tmp_path / "copy")
    restore(tmp_path / "copy", tmp_path / "again")
    with Store.open(tmp_path / "again") as again:
        assert again.newest("golden.json").read_bytes() == b"{}"
