"""What is published: decisions of people in, nothing open, the head of the chain in the provenance, one event."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dqm.model.errors import InputError, RefusedError
from dqm.services import publish as publishing
from dqm.services.publish import ANTI, GOLDEN
from dqm.store.audit import BEGIN
from dqm.store.store import Store

from .shift import QUIET, RUN, Shift, put_data, put_verdicts


def golden(store: Store) -> dict[str, list[list[int]]]:
    return dict(json.loads(store.publication(GOLDEN).read()))


def test_what_is_decided_is_published(shift: Shift) -> None:
    done = shift("publish", "eve")
    assert done.told == "golden JSON version 1 holds 14 lumisections"
    assert golden(shift.store) == {"10": [[1, 4]], "11": [[1, 10]]}
    shift.decide("ada", [(6, 6), (10, 10)], "GOOD")
    shift.decide("ada", [(1, 1)], "BAD", comment="<b>ada</b>")
    done = shift("publish", "eve")
    assert done.entry.fields["version"] == 2
    assert golden(shift.store) == {"10": [[2, 4], [6, 6], [10, 10]], "11": [[1, 10]]}
    anti = json.loads(shift.store.publication(ANTI).read())
    assert anti["anti"]["10"][0]["reason"] == "shifter: noise"
    assert "ada" not in json.dumps(anti)


def test_the_provenance_carries_the_head_of_the_chain(shift: Shift) -> None:
    shift("publish", "eve")
    assert shift.store.publication(GOLDEN).provenance["audit"] == BEGIN
    head = shift.decide("ada", [(6, 6)], "GOOD").entry.hash
    shift("publish", "eve")
    provenance = dict(shift.store.publication(GOLDEN).provenance)
    assert provenance.pop("audit") == head
    assert provenance.pop("code")
    assert provenance == {"working_point": shift.store.working_points()[-1].working_point.digest, "model": "m" * 64}


def test_a_new_version_is_told_once_and_nothing_new_is_no_version(shift: Shift) -> None:
    shift("publish", "eve")
    shift("claim", "ada", RUN)
    done = shift("publish", "eve")
    assert done.told == "golden JSON version 1 holds 14 lumisections, as before: nothing changed"
    assert shift.store.publication(GOLDEN).version == 1
    events = [each.event for each in shift.store.events() if each.event.type == "golden.published"]
    assert [(each.type, each.data["version"], each.data["lumisections"]) for each in events] == [
        ("golden.published", 1, 14)
    ]
    assert events[0].data["sha256"] == shift.store.publication(GOLDEN).sha256


def test_what_left_the_golden_json_is_told_with_its_version(shift: Shift) -> None:
    shift("publish", "eve")
    shift.decide("ada", [(1, 2)], "BAD")
    shift.decide("ada", [(6, 6)], "GOOD")
    shift("publish", "eve")
    told = [each.event.data for each in shift.store.events() if each.event.type == "golden.published"]
    assert [(each["lumisections"], each["left"]) for each in told] == [(14, 0), (13, 2)]


def test_a_version_before_that_was_altered_keeps_nobody_from_the_next(shift: Shift) -> None:
    shift("publish", "eve")
    shift.store.publication(GOLDEN).path.write_text("{}")
    shift.decide("ada", [(1, 2)], "BAD")
    shift("publish", "eve")
    assert golden(shift.store) == {"10": [[3, 4]], "11": [[1, 10]]}
    assert [e.event.data["left"] for e in shift.store.events() if e.event.type == "golden.published"] == [0, 0]


def test_a_signed_run_stays_golden_as_signed(shift: Shift) -> None:
    shift.signed()
    shift("publish", "eve")
    before = golden(shift.store)["10"]
    put_data(shift.store, RUN, charge=2.0)
    put_verdicts(shift.store, RUN, "R" * 10)
    with pytest.raises(RefusedError, match="nothing is published: run 11 is compared with earlier runs whose data or"):
        shift("publish", "eve")
    put_verdicts(shift.store, QUIET, "A" * 10)
    shift("publish", "eve")
    assert golden(shift.store)["10"] == before == [[1, 7], [10, 10]]


def test_publishing_needs_an_expert_and_verdicts(shift: Shift, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="to publish a golden JSON needs an expert or a leader; ada is shifter"):
        shift("publish", "ada")
    with (
        Store.create(tmp_path / "empty") as empty,
        pytest.raises(InputError, match="no verdicts to publish; make them"),
    ):
        Shift(empty, shift.people)("publish", "eve")


def test_a_refused_publication_publishes_nothing(shift: Shift) -> None:
    shift("publish", "eve", nonce="form")
    shift.decide("ada", [(1, 4)], "BAD")
    with pytest.raises(RuntimeError, match="was sent already"):
        shift("publish", "eve", nonce="form")
    assert golden(shift.store) == {"10": [[1, 4]], str(QUIET): [[1, 10]]}
    assert not list((shift.store.path / ".staging").glob("*"))


def test_verdicts_that_came_meanwhile_are_published(shift: Shift, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: verdicts that were read before the lock, published although others came since."""

    def meanwhile(*given: object) -> object:
        monkeypatch.undo()
        put_verdicts(shift.store, QUIET, "A" * 9 + "R")
        return kept(*given)  # type: ignore[arg-type]

    kept = publishing.machine_verdicts
    monkeypatch.setattr(publishing, "machine_verdicts", meanwhile)
    shift("publish", "eve")
    assert golden(shift.store) == {"10": [[1, 4]], "11": [[1, 9]]}


def test_verdicts_of_data_that_changed_are_not_golden(shift: Shift) -> None:
    """Mutant: what the machine accepted of data that are no longer there is published again."""
    shift("publish", "eve")
    put_data(shift.store, QUIET, charge=2.0)
    shift("publish", "eve")
    assert golden(shift.store) == {"10": [[1, 4]]}
    assert "data-changed" in shift.store.publication(ANTI).read().decode()
