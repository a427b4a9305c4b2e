"""Between a change of limits, features or data and the next certification nothing is signed or published by old verdicts.

Each step is a mutant's end: a service that looks at the data of the run alone lets all of them pass.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from dqm.model.errors import RefusedError
from dqm.services.batch import sign_many
from dqm.services.outdated import ASKED, PAST
from dqm.services.people import ConfiguredPeople
from dqm.services.publish import keeps_from_publishing, publish
from dqm.services.runs import sign
from dqm.store.tables import with_provenance
from features.asked import asked_of
from pipelines.run.certify import certify
from pipelines.run.freshness import stale_runs
from pipelines.run.renewal import SCORES, outdated_runs
from pipelines.run.train import train

from .test_runs_and_models import CONFIG, Place

LIMITED = CONFIG + '[[limits]]\nquantity = "hits"\nleast = 1e9\nbecause = "the manual"\n'
OTHERS = "for other features or limits than the configuration has now; first: dqm train, which learns them, then dqm "
NUMBERS = count()


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a place that was learned from, scored and certified; no test changes it."""
    made = Place(tmp_path_factory.mktemp("certified"))
    with made.store:
        made.learned()
        made.certified()
    return made.folder


@pytest.fixture
def place(certified: Path, tmp_path: Path) -> Iterator[Place]:
    """Such a place of one's own."""
    found = Place(Path(shutil.copytree(certified, tmp_path, dirs_exist_ok=True)))
    with found.store:
        yield found


def published(place: Place) -> str:
    asked = asked_of(place.config.features, place.config.limits)
    return publish(place.store, ConfiguredPeople(place.config.people), "", asked=asked, nonce=f"{next(NUMBERS)}").told


def signed(place: Place, run: int) -> str:
    people, asked = ConfiguredPeople(place.config.people), asked_of(place.config.features, place.config.limits)
    return sign(place.store, people, "", run, asked=asked, nonce=f"{next(NUMBERS)}").told


def noted_as(place: Place, run: int, **notes: str | None) -> None:
    """Put the verdicts of a run as if they had been made from something else."""
    table, about = place.store.read("verdicts", [run]), place.store.provenance("verdicts", run) | notes
    about = {name: value for name, value in about.items() if value is not None}
    with place.store.transaction() as change:
        change.put("verdicts", run, with_provenance(table, about), about)


def test_other_limits(place: Place) -> None:
    assert "nothing changed" in published(place)
    place.configured(LIMITED)
    with pytest.raises(RefusedError, match=f"nothing is published: run 13 and 1 more run were certified {OTHERS}"):
        published(place)
    with pytest.raises(RefusedError, match=f"run 13 cannot be signed: it was certified {OTHERS}"):
        signed(place, 13)
    people, asked = ConfiguredPeople(place.config.people), asked_of(place.config.features, place.config.limits)
    done = sign_many(place.store, people, "", [13, 14], asked=asked, nonce="all")
    assert done.entered == ()
    assert f"was certified {OTHERS}" in done.refused[14]
    assert outdated_runs(place.config, place.store) == {13, 14}
    place.certified()
    assert published(place) == "golden JSON version 2 holds 0 lumisections, as before: nothing changed"
    place.configured(CONFIG)
    with pytest.raises(RefusedError, match="nothing is published"):
        published(place)
    place.certified()
    assert published(place) == "golden JSON version 3 holds 9 lumisections, as before: nothing changed"


def test_other_data_of_an_earlier_run(place: Place) -> None:
    """What its features are made of may be as it was, but only a certification can tell."""
    decided = place.store.read("verdicts").to_pylist()
    place.changed(1, 1001)
    with pytest.raises(
        RefusedError, match=r"run 13 and 1 more run are compared with earlier runs whose data or labels"
    ):
        published(place)
    with pytest.raises(RefusedError, match=r"run 14 cannot be signed: it is compared .* dqm nightly, or dqm score and"):
        signed(place, 14)
    place.certified(14)
    assert place.store.read("verdicts").to_pylist() == decided
    assert "nothing changed" in published(place)
    assert outdated_runs(place.config, place.store) == set()


def test_verdicts_of_an_earlier_version_hold_where_their_scores_do(place: Place) -> None:
    """Run 13 is not decided again and noted for what it holds. Mutant: only what is decided now is noted."""
    noted_as(place, 13, **{ASKED: None, PAST: None, SCORES: None})
    with pytest.raises(RefusedError, match=r"run 13 was certified by an earlier version, .*; first: dqm certify$"):
        published(place)
    assert place.certified(14) == 1
    assert "nothing changed" in published(place)


def test_where_another_model_decided_all_none_is_said_to_be_signed(place: Place) -> None:
    """Mutant: where nothing is decided all are signed, which sends whoever reads it to reopen what nobody signed."""
    place.configured(CONFIG.replace("min_good = 5", "min_good = 6"))
    train(place.config, place.store)
    noted_as(place, 13, **{ASKED: None, PAST: None, SCORES: None})
    text = certify(place.config, place.store).text()
    assert text.startswith("certified 0 lumisections of 0 runs: none that this model has to decide\n")
    assert "decided by the scores of another model, so as before: 13, 14" in text
    assert keeps(place) == ""


def test_verdicts_of_other_scores_are_decided_again(place: Place) -> None:
    """Scores came since, and an earlier run changed: nothing vouches for what was decided.

    Mutant: what is outdated and not asked for is noted anew, whatever scored it since.
    """
    noted_as(place, 13, **{PAST: "another", SCORES: "others"})
    assert place.certified(14) == 2
    assert keeps(place) == ""
    noted_as(place, 13, **{PAST: "another", SCORES: "others"})
    scores, about = place.store.read("scores", [13]), place.store.provenance("scores", 13) | {"model": "an earlier one"}
    with place.store.transaction() as change:
        change.put("scores", 13, with_provenance(scores, about), about)
    assert place.certified(14) == 2
    assert place.unknown() == {13}
    assert keeps(place) == ""


def keeps(place: Place) -> str:
    """Why nothing would be published now."""
    return keeps_from_publishing(place.store, asked_of(place.config.features, place.config.limits), datetime.now(UTC))


def test_scores_are_stale_where_shapes_are_asked_for_since(place: Place) -> None:
    """Mutant: what is asked for is compared by the features, in which nothing of it may show."""
    asked = asked_of(place.config.features, place.config.limits).digest
    for each in (13, 14):
        assert place.store.provenance("scores", each)["asked"] == asked
    place.configured(CONFIG + '[features.shapes]\nelements = ["*/charge*"]\n')
    assert stale_runs(place.config, place.store) == {13, 14}
    place.configured(CONFIG + '[features.sensors]\ncolumns = ["*:stuck"]\n')
    assert stale_runs(place.config, place.store) == {13, 14}
    place.configured(CONFIG + "[features.shapes]\nbins = 32\n")
    assert stale_runs(place.config, place.store) == set()
