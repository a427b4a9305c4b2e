"""What is noted of files that were read: notes of another form are none."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dqm.store.store import Store
from pipelines.run.held_files import NAME, Held
from pipelines.run.summary_cache import FOLDER


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"[]",
        b"[" * 60_000,
        b'{"files": [], "elements": {}, "runs": {}}',
        b'{"files": {}, "elements": {"k": []}, "runs": {}}',
        b'{"files": {}, "elements": {"k": {}}, "runs": {"1": ["a", "b", 1, "k", []]}}',
        b'{"files": {"a": [1, 2, 3, 4]}, "elements": {}, "runs": {}}',
    ],
)
def test_notes_of_another_form_are_none(body: bytes, tmp_path: Path) -> None:
    """Mutant: notes that are believed since their digest is right, and end the ingestion of a night."""
    with Store.create(tmp_path / "store") as store:
        notes = store.path / FOLDER / NAME
        notes.parent.mkdir(exist_ok=True)
        notes.write_bytes(hashlib.sha256(body).digest() + body)
        assert Held.of(store) == Held()
