"""A challenger beside the champion: compared on runs that neither learned from, promoted with a reason, taken back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dqm.model.config import Config, load
from dqm.model.errors import ArtifactError, InputError, RefusedError
from dqm.services.people import ConfiguredPeople
from dqm.store.store import Store
from pipelines.nightly.night import nightly
from pipelines.nightly.status import status
from pipelines.promotion.comparison import Comparison, Side
from pipelines.promotion.promote import challenger_of, compared, promote, roll_back
from pipelines.run.models import listed
from pipelines.run.past_file import ENDING, load_past
from pipelines.run.train import train

from .conftest import Dqm


@pytest.fixture(scope="module")
def challenged(certified_campaign: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The campaign with a challenger of other trees, not to be changed."""
    folder = Path(shutil.copytree(certified_campaign, tmp_path_factory.mktemp("challenged") / "campaign"))
    file = next(folder.glob("*.toml"))
    file.write_text(file.read_text().replace("trees = 20", "trees = 40"))
    config = load(file)
    with Store.open(config.store_path) as store:
        train(config, store, challenger=True)
    return folder


@pytest.fixture
def config(challenged: Path, tmp_path: Path) -> Config:
    return load(next(Path(shutil.copytree(challenged, tmp_path / "campaign")).glob("*.toml")))


@pytest.fixture
def store(config: Config) -> Iterator[Store]:
    with Store.open(config.store_path) as opened:
        yield opened


@pytest.mark.slow
def test_both_are_measured_on_the_same_runs_with_thresholds_of_the_past(config: Config, store: Store) -> None:
    found = compared(config, store)
    assert len(found.runs) == 20
    assert found.champion.outcome.lumisections == found.challenger.outcome.lumisections > 0
    assert found.champion.model != found.challenger.model
    for side in (found.champion, found.challenger):
        past = load_past(store, store.model(side.model))
        assert side.working_point.runs < len(set(past.run.tolist())), "the compared runs choose no threshold"
    json.dumps(found.document(), allow_nan=False)


@pytest.mark.slow
def test_promotion_and_the_way_back_are_recorded_with_who_and_why(config: Config, store: Store) -> None:
    people = ConfiguredPeople(config.people)
    before = store.pointed("champion")
    challenger = challenger_of(store)
    done = promote(config, store, people, "", "more trees", nonce="p-1", anyway=True)
    assert store.pointed("champion") == challenger
    assert (status(store).champion, status(store).challenger) == (challenger.model_id, ""), "there is none any more"
    assert [each.aliases for each in listed(store) if each.model == challenger.model_id] == [("champion",)]
    assert {store.provenance("past", run)["model"] for run in load_past(store, challenger).index.unique("run")} == {
        challenger.provenance["manifest"]
    }
    entry = store.audit()[-1]
    assert (entry.action, entry.actor, entry.fields["reason"]) == ("promote", "operator", "more trees")
    assert entry.fields["comparison"]["runs"] == list(done.comparison.runs if done.comparison else ())
    assert store.events()[-1].event.type == "model.promoted"
    assert not nightly(config, store).failed
    roll_back(config, store, people, "", "worse than it looked", nonce="p-2")
    assert store.pointed("champion") == before
    assert store.audit()[-1].fields["before"] == challenger.model_id


def test_there_is_nothing_to_go_back_to_before_a_promotion(config: Config, store: Store) -> None:
    with pytest.raises(InputError, match="was not promoted, so there is nothing to go back to; dqm models lists"):
        roll_back(config, store, ConfiguredPeople(config.people), "", "why", nonce="p-1")


@pytest.mark.slow
def test_what_speaks_against_it_refuses_it(config: Config, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import pipelines.promotion.promote as module

    honest = compared(config, store)

    def spoken(*_: object) -> Comparison:
        sides: tuple[Side, Side] = (honest.champion, honest.challenger)
        return Comparison(honest.runs, *sides, ("its pollution of 5.00% breaks the budget of 1.00%",))

    monkeypatch.setattr(module, "compare", spoken)
    people = ConfiguredPeople(config.people)
    with pytest.raises(RefusedError, match=r"against it: its pollution of 5.00%[\s\S]*give --anyway and the reason"):
        promote(config, store, people, "", "why not", nonce="p-1")
    assert store.audit() == []
    promote(config, store, people, "", "it has to", nonce="p-1", anyway=True)
    assert store.audit()[-1].fields["anyway"] is True


def test_a_reason_is_asked_for(dqm: Dqm, config: Config) -> None:
    code, text = dqm("promote", "--anyway", "--config", next(config.folder.glob("*.toml")))
    assert (code, "the reason is empty; say why in a few words" in text) == (1, True)


def test_without_a_challenger(certified_campaign: Path, dqm: Dqm) -> None:
    code, text = dqm("promote", "--compare", "--config", next(certified_campaign.glob("*.toml")))
    assert (code, "holds no challenger; make one with: dqm train --challenger" in text) == (1, True)


@pytest.mark.slow
def test_a_past_that_was_altered_is_refused(config: Config, store: Store) -> None:
    model = challenger_of(store)
    first, second = sorted((store.path / "models").glob(f"*{ENDING}"))
    path, other = (first, second) if first.name.startswith(model.model_id) else (second, first)
    path.write_bytes(other.read_bytes())
    with pytest.raises(ArtifactError, match="not what was stored; train the model again"):
        load_past(store, model)
    path.unlink()
    with pytest.raises(ArtifactError, match="cannot be read"):
        load_past(store, model)


def test_going_back_twice_is_not_going_forward(config: Config, store: Store) -> None:
    people = ConfiguredPeople(config.people)
    promote(config, store, people, "", "more trees", nonce="p-1", anyway=True)
    roll_back(config, store, people, "", "worse", nonce="p-2")
    with pytest.raises(InputError, match="was not promoted, so there is nothing to go back to"):
        roll_back(config, store, people, "", "and once more", nonce="p-3")
