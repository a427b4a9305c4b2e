"""Drafts survive, are of one person and one run, and do no harm whatever becomes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dqm.store.drafts import FOLDER, MOST, Draft, delete_draft, read_draft, write_draft

GIVEN = Draft("3-9, 12", "BAD", "noise", "<b>=cmd|' /C calc'!A0</b>\nsecond line ☢")


def test_it_comes_back_to_its_person_and_run_alone(tmp_path: Path) -> None:
    """Mutant: a file named by the run alone."""
    assert read_draft(tmp_path, "../../Ada", 7) == Draft()
    assert write_draft(tmp_path, "../../Ada", 7, GIVEN)
    assert read_draft(tmp_path, "../../Ada", 7) == GIVEN
    assert read_draft(tmp_path, "Ada", 7) == read_draft(tmp_path, "../../Ada", 8) == Draft()
    assert [each.parent for each in tmp_path.rglob("*.json")] == [tmp_path / FOLDER]


def test_every_form_has_its_own(tmp_path: Path) -> None:
    write_draft(tmp_path, "Ada", 7, GIVEN)
    write_draft(tmp_path, "Ada", 7, Draft(comment="signed"), "sign")
    assert read_draft(tmp_path, "Ada", 7) == GIVEN
    assert read_draft(tmp_path, "Ada", 7, "sign") == Draft(comment="signed")
    delete_draft(tmp_path, "Ada", 7, "sign")
    assert read_draft(tmp_path, "Ada", 7, "sign") == Draft()
    assert read_draft(tmp_path, "Ada", 7) == GIVEN


def test_what_is_no_unicode_is_replaced_and_the_rest_kept(tmp_path: Path) -> None:
    """Mutant: lone surrogates handed on, which no page can send."""
    assert write_draft(tmp_path, "Ada", 7, Draft("\ud800", comment="noise \udfff in 3"))
    assert read_draft(tmp_path, "Ada", 7) == Draft("?", comment="noise ? in 3")


def test_a_later_one_takes_its_place_and_an_empty_one_deletes_it(tmp_path: Path) -> None:
    write_draft(tmp_path, "Ada", 7, GIVEN)
    write_draft(tmp_path, "Ada", 7, Draft(comment="better"))
    assert read_draft(tmp_path, "Ada", 7) == Draft(comment="better")
    assert write_draft(tmp_path, "Ada", 7, Draft())
    assert list((tmp_path / FOLDER).iterdir()) == []
    delete_draft(tmp_path, "Ada", 7)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"ranges": "1"}', b"\xff\xfe", b"[" * 60_000])
def test_a_damaged_one_is_none(tmp_path: Path, damage: bytes) -> None:
    write_draft(tmp_path, "Ada", 7, GIVEN)
    next((tmp_path / FOLDER).iterdir()).write_bytes(damage)
    assert read_draft(tmp_path, "Ada", 7) == Draft()


def test_where_nothing_can_be_written_the_draft_is_lost_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file where the folder would be")
    assert not write_draft(tmp_path, "Ada", 7, GIVEN)
    assert read_draft(tmp_path, "Ada", 7) == Draft()
    delete_draft(tmp_path, "Ada", 7)


def test_one_that_is_too_long_is_not_kept_and_the_earlier_stays(tmp_path: Path) -> None:
    write_draft(tmp_path, "Ada", 7, GIVEN)
    assert not write_draft(tmp_path, "Ada", 7, Draft(comment="x" * MOST))
    assert read_draft(tmp_path, "Ada", 7) == GIVEN
