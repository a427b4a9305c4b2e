"""Two people change the thresholds, unless there is one only."""

from __future__ import annotations

import dataclasses
import math

import pytest

from dqm.model.errors import InputError, RefusedError, UnknownNameError
from dqm.model.people_config import PeopleConfig
from dqm.services.people import ConfiguredPeople
from dqm.services.working_points import BY_HAND, approval, by_hand, obstacle, proposals
from dqm.store.store import Store

from .shift import POINT, Shift

NEW = dataclasses.replace(POINT, accept_below=0.02, reject_above=math.inf)


def test_another_leader_approves(shift: Shift) -> None:
    entry = shift("propose", "lea", NEW, "fewer questions").entry
    assert shift.store.working_point() == POINT, "nothing changes before it is approved"
    assert approval(shift.store) is None
    with pytest.raises(RefusedError, match="lea proposed this working point; another leader has to approve it"):
        shift("approve", "lea", entry.id)
    done = shift("approve", "leo", entry.id)
    assert done.told == "approved; it decides at the next: dqm certify"
    assert done.entry.fields["alone"] is False
    assert shift.store.working_point() == NEW
    assert approval(shift.store) == done.entry
    assert proposals(shift.store)[0].approved == done.entry


def test_who_is_alone_may_approve_and_it_is_marked(store: Store) -> None:
    alone = Shift(store, ConfiguredPeople(PeopleConfig()))
    entry = alone("propose", "", NEW, "fewer questions").entry
    done = alone("approve", "", entry.id)
    assert (done.entry.actor, done.entry.fields["alone"]) == ("operator", True)
    assert done.told.startswith("approved, by who proposed it;")


def test_a_training_ends_an_approval(shift: Shift) -> None:
    shift("approve", "leo", shift("propose", "lea", NEW, "fewer").entry.id)
    with shift.store.transaction() as change:
        change.add_working_point(POINT)
    assert approval(shift.store) is None


def test_roles(shift: Shift) -> None:
    with pytest.raises(RefusedError, match="to propose a working point needs an expert or a leader; ada is shifter"):
        shift("propose", "ada", NEW, "fewer")
    entry = shift("propose", "eve", NEW, "fewer").entry
    with pytest.raises(RefusedError, match="to approve a working point needs a leader; eli is expert"):
        shift("approve", "eli", entry.id)


def test_what_cannot_be_approved(shift: Shift) -> None:
    with pytest.raises(InputError, match="the reason is empty"):
        shift("propose", "lea", NEW, "")
    with pytest.raises(UnknownNameError, match="unknown proposal '7'; there are no valid names"):
        shift("approve", "leo", 7)
    first, second = (shift("propose", "lea", NEW, "fewer").entry.id for _ in range(2))
    shift("approve", "leo", second)
    with pytest.raises(RefusedError, match=f"proposal {second} was approved by leo already"):
        shift("approve", "leo", second)
    with pytest.raises(
        RefusedError, match=f"proposal {first} is overtaken: proposal {second} of lea was approved since"
    ):
        shift("approve", "leo", first)


def test_a_working_point_belongs_to_its_model(shift: Shift) -> None:
    entry = shift("propose", "lea", NEW, "fewer").entry
    with shift.store.transaction() as change:
        change.add_model("model-2", "models/model-2", "f" * 64, {"manifest": "n" * 64})
        change.point("champion", "model-2")
    with pytest.raises(RefusedError, match="was made for another model than scores now; propose it again"):
        shift("approve", "leo", entry.id)


def test_without_a_model_there_is_nothing_to_propose_for(
    shift: Shift, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Store.create(tmp_path_factory.mktemp("empty")) as empty:
        with pytest.raises(InputError, match="holds no model to choose a working point for; make one with: dqm train"):
            Shift(empty, shift.people)("propose", "lea", NEW, "fewer")
        assert approval(empty) is None


def test_a_broken_limit_is_never_accepted(shift: Shift) -> None:
    beyond = dataclasses.replace(POINT, accept_below=1.5, reject_above=2.0)
    with pytest.raises(InputError, match=r"accept_below = 1\.5 would accept a badness of 1, which is a broken limit"):
        shift("propose", "lea", beyond, "more")


def test_thresholds_of_a_person_say_so() -> None:
    found = by_hand(POINT, 0.02, 0.9)
    assert found == dataclasses.replace(POINT, accept_below=0.02, reject_above=0.9, policy=BY_HAND)
    with pytest.raises(InputError, match=r"accept below 0\.9 and reject from 0\.02 are no pair: name both"):
        by_hand(POINT, 0.9, 0.02)


def test_a_proposal_that_may_still_be_approved_has_no_obstacle(shift: Shift) -> None:
    shift("propose", "lea", NEW, "fewer")
    assert obstacle(shift.store, proposals(shift.store)[0]) == ""
