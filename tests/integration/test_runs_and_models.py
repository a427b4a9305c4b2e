"""Which runs ``--runs`` means, and which model and which past count, on a few hand-made runs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dqm.model.config import load
from dqm.model.errors import ArtifactError, FingerprintError, InputError, StoreError, UnknownNameError
from dqm.model.histograms import Axis, HistogramBatch
from dqm.model.verdicts import WorkingPoint
from dqm.store.contributions import contributions_from_arrow
from dqm.store.explanations import explanations_from_arrow
from dqm.store.freshness import data_digests, past_digests
from dqm.store.histograms import store_histograms
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow
from features.words import subject
from pipelines.run import certify as certifying
from pipelines.run.certify import certify, past_of
from pipelines.run.freshness import stale_runs
from pipelines.run.ingest import ingest
from pipelines.run.models import listed
from pipelines.run.score import champion, score
from pipelines.run.train import TrainSummary, labelled_evidence, train
from pipelines.tracking.mlflow_log import Tracked
from pipelines.tracking.records import TrainingRecord

CONFIG = """\
[[inputs]]
kind = "canonical"
files = ["bins.csv"]
[inputs.columns.charge]
role = "weight"
[inputs.columns.hits]
kind = "count"
[model]
kind = "robust-z"
min_good = 5
[working_point]
data_loss = 0.2
pollution = 0.2
"""


def bins() -> list[str]:
    """Fourteen runs of ten lumisections, two bad ones in every run; the newest two runs carry no label."""
    rng, lines = np.random.default_rng(5), ["run,ls,charge,hits,label"]
    for run in range(1, 15):
        for ls in range(1, 11):
            bad = ls in (4, 5)
            label = ("BAD" if bad else "GOOD") if run < 13 else ""
            lines.append(f"{run},{ls},10.5,{rng.poisson(200 if bad else 1000)},{label}")
    return lines


class Place:
    """A folder with a table, a configuration and a store."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lines = folder, bins()
        self.configured(CONFIG)
        self.store = Store.create(self.config.store_path)

    def configured(self, text: str) -> None:
        (self.folder / "dqm.toml").write_text(text)
        self.config = load(self.folder / "dqm.toml")

    def learned(self) -> None:
        self.ingested()
        train(self.config, self.store)
        score(self.config, self.store)

    def ingested(self) -> None:
        (self.folder / "bins.csv").write_text("\n".join(self.lines) + "\n")
        ingest(self.config, self.store)

    def changed(self, run: int, hits: int, lumisections: range = range(1, 2)) -> None:
        """Another count for some lumisections, in the file and in the store."""
        for ls in lumisections:
            at = next(i for i, line in enumerate(self.lines) if line.startswith(f"{run},{ls},"))
            fields = self.lines[at].split(",")
            self.lines[at] = ",".join([*fields[:3], str(hits), fields[4]])
        self.ingested()

    def certified(self, *runs: int) -> int:
        """How many runs were decided."""
        return certify(self.config, self.store, frozenset(runs)).runs

    def unknown(self) -> set[int]:
        """Runs of which every lumisection is UNKNOWN for stale scores."""
        made = verdicts_from_arrow(self.store.read("verdicts"))
        run, stale = made.index.get_level_values("run"), made.status == "stale-scores"
        assert set(made.decision[stale].tolist()) <= {"UNKNOWN"}
        return {int(each) for each in set(run) if stale[run == each].all()}


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a place that was learned from and scored; no test changes it."""
    made = Place(tmp_path_factory.mktemp("learned"))
    with made.store:
        made.learned()
    return made.folder


@pytest.fixture
def place(learned: Path, tmp_path: Path) -> Iterator[Place]:
    """A copy of it."""
    made = Place(Path(shutil.copytree(learned, tmp_path, dirs_exist_ok=True)))
    with made.store:
        yield made


def test_a_range_of_runs_has_gaps(place: Place) -> None:
    """Run numbers are sparse: a range means those of it that there are."""
    assert score(place.config, place.store, frozenset(range(13, 500))).runs == 2
    assert place.certified(*range(14, 500)) == 1
    assert place.store.runs("verdicts") == [14]


@pytest.mark.parametrize("asked", [{15}, set(range(15, 500))], ids=["one", "a range"])
def test_runs_of_which_none_is_there_are_refused(place: Place, asked: set[int]) -> None:
    for verb in (score, certify):
        with pytest.raises(UnknownNameError, match="unknown run '15'; nearest valid names: '"):
            verb(place.config, place.store, frozenset(asked))


def test_a_run_that_was_learned_from_is_neither_scored_nor_certified(place: Place) -> None:
    """What a model says of a run that it knows is no evidence."""
    with pytest.raises(InputError, match="run 12 was learned from: what the model says of it is no evidence"):
        score(place.config, place.store, frozenset({12}))
    with pytest.raises(InputError, match="run 12 was learned from"):
        place.certified(12)
    with pytest.raises(InputError, match="run 12 was not scored; score it with: dqm score --runs 12"):
        place.certified(12, 13)


def test_a_run_that_is_no_longer_labelled_has_no_part_in_the_past(place: Place) -> None:
    """Mutants: thresholds from all that the store ever held as past; or no certification ever after."""
    assert set(past_of(place.store).run) == set(range(1, 13))
    place.lines = [
        each.rpartition(",")[0] + ",UNKNOWN" if each.startswith(("1,", "6,")) else each for each in place.lines
    ]
    place.learned()
    assert set(past_of(place.store).run) == set(range(2, 13)) - {6}
    assert place.certified(13) == 1


def test_a_model_that_is_trained_again_is_the_newest(place: Place) -> None:
    """Other settings and back again: the first model comes back, and what is certified is its own."""
    first, point = champion(place.store)[0], place.store.working_point()
    place.certified()
    golden = place.store.publication("golden.json").read()
    place.configured(CONFIG.replace("min_good = 5", "min_good = 7\nfloor = 3.0"))
    place.learned()
    assert champion(place.store)[0].model_id != first.model_id
    place.configured(CONFIG)
    place.learned()
    assert champion(place.store)[0].model_id == first.model_id
    assert place.store.working_point() == point
    place.certified()
    assert place.store.publication("golden.json").read() == golden


def test_fused_detectors_certify_and_each_says_why(place: Place) -> None:
    place.configured(CONFIG + '[[fuse]]\nkind = "boosted"\ntrees = 5\nmin_leaf = 5\n')
    summary = train(place.config, place.store)
    assert summary.model.startswith("robust-z-boosted-")
    score(place.config, place.store)
    verdicts = verdicts_from_arrow(place.store.read("verdicts")) if certify(place.config, place.store).runs else None
    assert verdicts is not None
    worst = int(np.nanargmax(verdicts.badness))
    assert verdicts.index[worst][1] in (4, 5)
    assert {each.feature for each in verdicts.reasons[worst]} & {
        "detector.unusual: robust-z",
        "detector.probability: boosted",
    }
    kept = explanations_from_arrow(place.store.read("explanations"))
    asked = verdicts.index[verdicts.decision.astype(str) != "ACCEPT"]
    assert asked.isin(kept.index).all(), "what people will look at is explained in full"
    assert set(kept.terms) == {"contribution"}
    assert (kept.terms["contribution"] >= 0).all()
    shown = contributions_from_arrow(place.store.read("contributions"))
    assert verdicts.index.isin(shown.index).all(), "the map of a run has every lumisection"
    leading = {(each.subsystem, subject(each.feature)) for each in verdicts.reasons[worst][:1]}
    at = shown.level[shown.index.get_loc(verdicts.index[worst])]
    assert leading <= {shown.groups[j] for j in np.flatnonzero(at == at.max())}


TRACKED = CONFIG + '[tracking]\nuri = "sqlite:///mlflow.db"\n'


def test_a_tracker_that_is_away_costs_no_training(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise ConnectionError("nobody answers\nat length")

    monkeypatch.setattr("pipelines.tracking.mlflow_log.log", away)
    place.configured(TRACKED)
    done = train(place.config, place.store)
    assert done.notes()[-1].endswith("MLflow did not take its record: ConnectionError: nobody answers")
    assert champion(place.store)[0].model_id == done.model


def test_what_is_recorded_is_in_the_store_already(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: MLflow told first, which keeps a record of a training whose commit then fails."""
    seen: list[str] = []

    def told(record: TrainingRecord, *_: object) -> Tracked:
        seen.extend(each.model_id for each in place.store.models() if each.model_id == record.name)
        return Tracked("0", "registered", "1")

    monkeypatch.setattr("pipelines.tracking.mlflow_log.log", told)
    place.configured(TRACKED.replace("min_good = 5", "min_good = 8"))
    done = train(place.config, place.store)
    assert seen == [done.model]
    assert champion(place.store)[0].provenance["mlflow"] == done.tracked == "registered version 1, run 0"


def test_a_damaged_model_and_changed_features_name_the_way_out(place: Place) -> None:
    done = train(place.config, place.store)
    place.configured(CONFIG + "[features]\npast_runs = 4\n")
    with pytest.raises(FingerprintError, match=rf"{done.model} knows other features: .*; train .* with: dqm train"):
        score(place.config, place.store)
    (place.store.path / "models" / done.model / "detector.npz").write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"detector.npz: was changed.*; train again with: dqm train"):
        champion(place.store)


def test_few_labelled_runs_are_told() -> None:
    point = WorkingPoint(0.05, 0.95, 0.01, 0.01, 0.9, "p", 1, 0.9)
    (note,) = TrainSummary("m", 2, 60, 5, False, point).notes()
    assert note == (
        "only 2 labelled runs: thresholds are chosen on runs that models of earlier ones judged, of which there are 1; "
        "label at least 3 runs, better 20"
    )


def test_a_challenger_changes_nothing_that_certifies(place: Place) -> None:
    first = train(place.config, place.store)
    before = place.store.working_point(), past_of(place.store).badness.tobytes()
    place.configured(CONFIG.replace("min_good = 5", "min_good = 6"))
    second = train(place.config, place.store, challenger=True)
    assert second.text().count("it is the challenger: the champion goes on scoring") == 1
    assert champion(place.store)[0].model_id == first.model != second.model
    assert (place.store.working_point(), past_of(place.store).badness.tobytes()) == before
    found = {each.model: each for each in listed(place.store)}
    assert (found[first.model].aliases, found[second.model].aliases) == (("champion",), ("challenger",))
    assert "robust-z, trained on 12 runs" in found[second.model].text()
    (place.store.path / "models" / second.model / "detector.npz").write_bytes(b"")
    assert "UNUSABLE" in {each.model: each for each in listed(place.store)}[second.model].text()


@pytest.mark.slow  # MLflow takes some ten seconds to make its tables
@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_a_training_is_recorded_and_served(tmp_path: Path) -> None:
    import mlflow

    place = Place(tmp_path)
    place.learned()
    place.configured(TRACKED.replace("min_good = 5", "min_good = 7"))
    done = train(place.config, place.store)
    assert re.fullmatch(r"lumicert-experiment version 1, run [0-9a-f]{32}", done.tracked), done.untracked
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = mlflow.MlflowClient(uri, uri)
    run = client.get_run(done.tracked.rpartition(" ")[2])
    assert run.data.params["robust-z.min_good"] == "7"
    assert run.data.metrics["auc"] > 0.7
    assert len(client.get_metric_history(run.info.run_id, "era_auc")) == 6
    assert {each.path for each in client.list_artifacts(run.info.run_id)} >= {"operating-curve.html"}
    stored, bundle = champion(place.store)
    assert stored.provenance["mlflow"] == done.tracked
    found = client.get_model_version_by_alias("lumicert-experiment", "champion")
    table = labelled_evidence(place.config, place.store)[0].table
    mlflow.set_tracking_uri(uri)
    served = mlflow.pyfunc.load_model(f"models:/lumicert-experiment/{found.version}")
    answer = served.predict(table.to_frame().reset_index(drop=True))
    assert np.array_equal(answer["badness"], bundle.badness(bundle.combined(bundle.scores(table))), equal_nan=True)
    assert not [each for each in tmp_path.rglob("*") if each.suffix in (".pkl", ".pickle")]
    again = train(place.config, place.store)
    assert again.model == done.model, "the same training is the same model, recorded once more"


def one_histogram(run: int, height: int) -> HistogramBatch:
    cells = np.array([[0, height, 2 * height, 0]])
    axis = Axis(2, 0.0, 1.0)
    entries = np.array([3.0 * height])
    return HistogramBatch("Hits/a", run=np.array([run]), ls=np.array([1]), axes=(axis,), counts=cells, entries=entries)


def test_an_earlier_run_that_changes_makes_later_scores_stale(place: Place) -> None:
    """Mutant: a run is known by its own data alone, and stays golden when what it was compared with is gone."""
    place.certified()
    assert place.unknown() == set()
    golden = place.store.publication("golden.json").read()
    place.changed(12, 4000, range(1, 11))
    assert place.store.publication("golden.json").read() == golden, "ingesting publishes nothing"
    done = certify(place.config, place.store)
    assert done.stale == (13, 14)
    assert "note: 2 runs are UNKNOWN (stale-scores)" in done.text()
    assert "score them again with: dqm score --runs 13,14" in done.text()
    assert place.unknown() == {13, 14}
    assert done.golden == 0
    score(place.config, place.store)
    assert certify(place.config, place.store).stale == ()
    assert place.unknown() == set()


def test_an_earlier_run_that_changes_without_a_trace_changes_nothing(place: Place) -> None:
    """The first run is out of reach of the last ones: their features are the same, and so are their verdicts."""
    place.certified()
    decided = place.store.read("verdicts").to_pylist()
    place.changed(1, 1001)
    data = data_digests(place.store)
    made = place.store.provenance("scores", 14)
    assert made["past"] != past_digests(data, {})[14]
    assert stale_runs(place.config, place.store) == frozenset()
    place.certified()
    assert place.store.read("verdicts").to_pylist() == decided


def test_scores_of_other_features_are_stale_once_the_past_changes(place: Place) -> None:
    """What cannot be compared is not taken for equal."""
    place.changed(1, 1001)
    place.configured(CONFIG + "[features]\npast_runs = 9\n")
    assert stale_runs(place.config, place.store) == {13, 14}


def test_limits_that_changed_after_scoring_leave_nothing_golden(place: Place) -> None:
    """A limit decides without a score, so that scores made for other limits say nothing. Mutant: data alone count."""
    place.certified()
    assert place.unknown() == set()
    place.configured(CONFIG + '[[limits]]\nquantity = "hits"\nleast = 1e9\nbecause = "the manual"\n')
    done = certify(place.config, place.store)
    assert done.stale == (13, 14)
    assert done.golden == 0
    assert place.unknown() == {13, 14}
    assert "or the features or limits of the configuration changed after scoring" in done.text()
    assert "note: 1 run is UNKNOWN (stale-scores): its data, " in replace(done, stale=(13,)).text()
    assert "dqm score --runs 13,14 (where features or limits changed, after dqm train; a run that" in done.text()
    place.configured(CONFIG)
    assert certify(place.config, place.store).stale == ()


def test_histograms_are_data_of_their_run(place: Place) -> None:
    """Mutant: a digest of the quantities alone, so that new histograms leave the old verdicts golden."""
    before = data_digests(place.store)
    for height in (5, 6):
        with place.store.transaction() as change:
            store_histograms(change, [one_histogram(13, height)], {})
        now = data_digests(place.store)
        assert {run for run, digest in now.items() if digest != before[run]} == {13}
        assert 13 in stale_runs(place.config, place.store)
        before = {**now, 13: now[13]}


def test_a_change_during_a_certification_refuses_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check is made inside the transaction: what comes while the verdicts are made is seen.

    Mutant: a check before the transaction, or none.
    """

    def meanwhile(*_: object) -> object:
        place.changed(14, 77)
        return kept(*_)

    kept = certifying.joined
    monkeypatch.setattr(certifying, "joined", meanwhile)
    with pytest.raises(StoreError, match="was changed meanwhile by another command; do it again"):
        place.certified()
    assert place.store.runs("verdicts") == []
    assert place.store.publications() == []


def test_a_new_model_that_scored_nothing_certifies_nothing(place: Place) -> None:
    place.configured(CONFIG.replace("min_good = 5", "min_good = 6"))
    train(place.config, place.store)
    with pytest.raises(
        InputError, match="no run to certify: the model has scored none; score what is due with: dqm score"
    ):
        place.certified()
