"""The queue says what is at stake; signed decisions teach."""

from __future__ import annotations

import numpy as np
import pytest

from dqm.model.aggregates import RunAggregate
from dqm.model.decisions import RunState
from dqm.model.errors import ConfigError, RefusedError
from dqm.model.labels import Labels
from dqm.model.people import Person, Role
from dqm.model.people_config import PeopleConfig
from dqm.model.tables import lumisection_index
from dqm.model.verdicts import CODES, Decision, Reason
from dqm.services.effective import CHANGED
from dqm.services.labels import overlaid, person_labels
from dqm.services.people import ConfiguredPeople
from dqm.services.queue import queue
from dqm.store.store import Store

from .shift import AT, LENGTH, MACHINE, QUIET, RUN, WAITING, WORDS, Shift, put_data, put_verdicts


def test_the_queue_begins_with_what_is_at_stake(shift: Shift) -> None:
    first, *rest = queue(shift.store, AT)
    assert [first.run, *(each.run for each in rest)] == [RUN, QUIET, WAITING]
    assert first.counts == {Decision.ACCEPT: 4, Decision.ASK: 3, Decision.REJECT: 2, Decision.UNKNOWN: 1}
    assert (first.weight, first.open_weight, first.open) == (5.0, 2.0, 4)
    assert rest[1].counts == {}
    shift("claim", "ada", RUN)
    shift("escalate", "ada", RUN, [(5, 5)], "why?")
    shift("sign", "eve", QUIET)
    first, second, _ = queue(shift.store, AT)
    assert (first.state, first.claimed_by, first.escalations, first.last) == (RunState.CLAIMED, "ada", 1, 2)
    assert (second.state, second.signed_by, second.document()["counts"]) == (RunState.SIGNED, "eve", {"ACCEPT": 10})


def test_a_disputed_lumisection_is_open(shift: Shift) -> None:
    shift.settled("ada")
    shift.decide("bob", [(5, 5)], "BAD")
    (row,) = (each for each in queue(shift.store, AT) if each.run == RUN)
    assert (row.open, row.open_weight, row.counts[Decision.DISPUTED]) == (1, 0.5, 1)


def test_the_queue_says_why_and_since_when(shift: Shift) -> None:
    first, quiet, waiting = queue(shift.store, AT)
    assert (first.subsystem, first.status, first.reason) == ("tracker", "", Reason("charge", "tracker", 1.0, 2.0))
    assert (first.certified_at, first.data_at, first.lumisections) == (AT, AT, LENGTH)
    assert first.strip == bytes(CODES[WORDS[each]] for each in MACHINE)
    assert first.document()["reason"] == vars(first.reason)
    assert (quiet.subsystem, quiet.status, quiet.reason) == ("", "", None)
    assert (waiting.strip, waiting.certified_at, waiting.data_at) == (b"", None, AT)


def test_the_queue_is_the_same_without_what_was_counted(shift: Shift) -> None:
    """Mutants: what people said left out, or data that changed; a count of another form, or a damaged one, taken for one
    of ours."""
    shift.decide("ada", [(5, 6)], "GOOD")
    shift.signed()
    put_data(shift.store, RUN, charge=2.0)
    put_verdicts(shift.store, RUN, "Q" * LENGTH)
    shift.decide("bob", [(1, 1)], "BAD", QUIET)
    shift.decide("bob", [(2, 2)], "GOOD", QUIET)
    put_data(shift.store, QUIET, WAITING, charge=3.0)
    found = {each.run: each for each in queue(shift.store, AT)}
    assert found[RUN].counts == {Decision.ACCEPT: 4, Decision.GOOD: 4, Decision.REJECT: 2}
    assert found[QUIET].counts == {Decision.BAD: 1, Decision.NEEDS_REVIEW: 1, Decision.UNKNOWN: 8}
    assert (found[QUIET].status, found[QUIET].subsystem) == (CHANGED, "")
    for change in (
        "UPDATE verdict_aggregates SET fields = '[]'",
        "UPDATE verdict_aggregates SET fields = '{\"counts'",
        "UPDATE verdict_aggregates SET fields = '{\"counts\": [1]}'",
        "UPDATE verdict_aggregates SET form = 0",
        "DELETE FROM verdict_aggregates",
    ):
        with shift.store._engine.begin() as connection:
            connection.exec_driver_sql(change)
        assert {each.run: each for each in queue(shift.store, AT)} == found


def test_runs_of_changed_data_are_unknown_without_being_read(shift: Shift) -> None:
    put_data(shift.store, RUN, QUIET, charge=2.0)
    for partition in shift.store.partitions("verdicts"):
        (shift.store.path / partition.path).unlink()
    row = next(each for each in queue(shift.store, AT) if each.run == RUN)
    assert (row.counts, row.open_weight, row.status) == ({Decision.UNKNOWN: LENGTH}, 5.0, CHANGED)
    assert row.strip == bytes([CODES[Decision.UNKNOWN]]) * LENGTH


def test_what_people_said_is_counted_once(shift: Shift) -> None:
    """Mutants: what was counted before somebody spoke; what is remembered never asked."""
    shift.decide("ada", [(5, 6)], "GOOD")
    remembered: dict[str, RunAggregate] = {}
    before = queue(shift.store, AT, remembered)
    files = [shift.store.path / each.path for each in shift.store.partitions("verdicts")]
    moved = [each.rename(each.with_suffix(".away")) for each in files]
    assert queue(shift.store, AT, remembered) == before
    for each in moved:
        each.rename(each.with_suffix(".parquet"))
    shift.decide("ada", [(5, 6)], "BAD")
    row = next(each for each in queue(shift.store, AT, remembered) if each.run == RUN)
    assert (row.counts[Decision.BAD], row.counts[Decision.ASK]) == (2, 1)


def test_an_empty_store_has_an_empty_queue(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Store.create(tmp_path_factory.mktemp("empty")) as empty:
        assert queue(empty, AT) == []
        assert len(person_labels(empty)) == 0


def test_signed_decisions_of_people_are_labels(shift: Shift) -> None:
    """Mutants: labels of runs that nobody signed, labels that the machine gave itself."""
    shift.settled("ada")
    shift.decide("eve", [(8, 8)], "BAD")
    shift.decide("eve", [(9, 9)], "EXCLUDED")
    assert len(person_labels(shift.store)) == 0
    shift("sign", "eve", RUN)
    found = person_labels(shift.store)
    assert found.index.tolist() == [(RUN, ls) for ls in (5, 6, 7, 8, 10)]
    assert found.values.tolist() == [0, 0, 0, 1, 0]
    assert set(found.source) == {"person"}
    put_data(shift.store, RUN, charge=2.0)
    assert len(person_labels(shift.store)) == 0, "it needs a review: who knows what the new data are"


def labels(run: int, *values: int, source: str) -> Labels:
    n = len(values)
    return Labels.of(lumisection_index(np.full(n, run), np.arange(1, n + 1)), values, source)


def test_a_person_stands_over_an_input() -> None:
    """Mutant: ``merged``, to which a person is a source that it does not know, and so the weakest."""
    found = overlaid(labels(1, 0, 0, 1, source="golden"), labels(1, 1, source="person"))
    assert dict(zip(found.index.tolist(), found.values.tolist(), strict=True)) == {(1, 1): 1, (1, 2): 0, (1, 3): 1}
    assert sorted(found.source) == ["golden", "golden", "person"]
    alone = labels(1, 1, source="person")
    assert overlaid(labels(1, source="golden"), alone).values.tolist() == [1]
    assert overlaid(alone, labels(1, source="person")).values.tolist() == [1]
    assert overlaid(labels(1, 0, source="golden"), alone).source.tolist() == ["person"]


def test_without_a_list_the_operator_is_the_only_one() -> None:
    people = ConfiguredPeople(PeopleConfig())
    assert people.alone
    assert people.person() == Person("operator", Role.LEADER)
    with pytest.raises(RefusedError, match="'eve' may not act here; valid names begin: 'operator'"):
        people.person("eve")


def test_an_operator_who_is_not_listed_may_not_act() -> None:
    listed = PeopleConfig.model_validate({"person": [{"name": " eve ", "role": "expert"}]})
    people = ConfiguredPeople(listed)
    assert people.person("eve") == Person("eve", Role.EXPERT)
    with pytest.raises(RefusedError, match="'operator' may not act here"):
        people.person()


def test_people_of_a_configuration(tmp_path_factory: pytest.TempPathFactory) -> None:
    from dqm.model.config import load

    path = tmp_path_factory.mktemp("people") / "dqm.toml"
    path.write_text('[people]\noperator = "ada"\n[[people.person]]\nname = "ada"\n[[people.person]]\nname = "ada"\n')
    with pytest.raises(ConfigError, match="person 'ada' is listed twice; a person has one role"):
        load(path)
    path.write_text('[[people.person]]\nname = "ada"\nrole = "boss"\n')
    with pytest.raises(ConfigError, match=r"people\.person\.0\.role: Input should be 'shifter', 'expert' or 'leader'"):
        load(path)
    path.write_text('[people]\noperator = "a\\u001b"\n')
    with pytest.raises(ConfigError, match=r"people\.operator: String should match pattern"):
        load(path)
    path.write_text("[people]\nclaim_hour = 3\n")
    with pytest.raises(ConfigError, match="nearest valid names: 'claim_hours'"):
        load(path)
