"""What the people of the demonstration enter: through the services, and so that a dispute waits for a leader."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from dqm.model.config import Config, load
from dqm.model.verdicts import Decision
from dqm.services.decide import decide
from dqm.services.people import ConfiguredPeople
from dqm.services.queue import QueueRow, queue
from dqm.store.store import Store
from pipelines.run.demo_shift import SIGNED, shift
from pipelines.simulate.story import DISPUTE, DRIFT, MORE, Chapter, Story
from pipelines.simulate.write import Paths

NOW = datetime(2030, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def night(certified_campaign: Path, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A certified campaign with the people of the story."""
    path = Paths.within(Path(shutil.copytree(certified_campaign, tmp_path_factory.mktemp("shift") / "campaign"))).config
    people = MORE[MORE.index("[people]") :]
    path.write_text(path.read_text(encoding="utf-8") + people, encoding="utf-8")
    return load(path)


@pytest.fixture(scope="module")
def entered(night: Config) -> tuple[Story, list[str]]:
    """A story about the first two runs that were certified, and what was entered."""
    with Store.open(night.store_path) as store:
        one, other = store.runs("verdicts")[:2]
        chapters = (Chapter(DISPUTE, one, 3, one, 9, ""), Chapter(DRIFT, other, 1, other, 5, ""))
        told = Story(cast("Any", None), chapters, cast("Any", None))
        return told, shift(night, store, told, NOW)


def row(store: Store, run: int) -> QueueRow:
    return next(each for each in queue(store, datetime.now(UTC)) if each.run == run)


def test_every_entry_is_told_with_who_made_it(entered: tuple[Story, list[str]], night: Config) -> None:
    with Store.open(night.store_path) as store:
        made = store.audit()
        assert store.verify_audit() == len(made) == len(entered[1])
    assert [each.partition(":")[0] for each in entered[1]] == [each.actor for each in made]
    assert [each.action for each in made][-4:] == ["decide", "decide", "claim", "escalate"]
    assert {each.action for each in made[:-4]} <= {"sign"}
    assert len(made) <= 4 + SIGNED


def test_a_leader_can_rule_what_two_shifters_dispute(entered: tuple[Story, list[str]], night: Config) -> None:
    dispute, drift = entered[0].chapter(DISPUTE), entered[0].chapter(DRIFT)
    with Store.open(night.store_path) as store:
        assert row(store, dispute.run).counts[Decision.DISPUTED] == 7
        assert row(store, drift.run).claimed_by == "shifter-2"
        assert row(store, drift.run).escalations == 1
        people, ruled = ConfiguredPeople(night.people), [(dispute.first, dispute.last)]
        decide(store, people, "leader-1", dispute.run, ruled, "BAD", "dead-region", nonce="rule")
        assert Decision.DISPUTED not in row(store, dispute.run).counts
