"""Searching, injecting and listing, on small simulated tables."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dqm.model.errors import ConfigError, InputError
from pipelines.outliers.events import Feature
from pipelines.outliers.listing import listing
from pipelines.outliers.methods import Effort
from pipelines.outliers.search import Request, Search, methods_in, search
from pipelines.simulate.events import simulate_events

pytestmark = pytest.mark.slow  # every search fits densities

FEATURES = tuple(map(Feature.parse, ("log:jet_mass", "log:missing_energy", "logit:tau21")))
SMALL = Effort(orders=1, hidden=8, epochs=8, members=1, passes=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("events")
    data = simulate_events(600, 0, seed=2)
    data.loc[[5, 9], "tau21"] = np.nan
    for name, table in {
        "background": simulate_events(800, 0, seed=1),
        "data": data,
        "signal": simulate_events(0, 60, seed=3),
    }.items():
        table.to_parquet(folder / f"{name}.parquet")
    return folder


def request(folder: Path, **changed) -> Request:
    given = {
        "background": (folder / "background.parquet",),
        "data": (folder / "data.parquet",),
        "features": FEATURES,
        "signal": folder / "signal.parquet",
        "fraction": 0.05,
        "methods": ("nade", "nade-ratio"),
        "effort": SMALL,
        "top": 20,
    }
    return Request(**{**given, **changed})


@pytest.fixture(scope="module")
def found(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Search:
    return search(request(folder, idealised=True), tmp_path_factory.mktemp("found"))


def test_the_fraction_is_that_of_all_searched_events(found: Search) -> None:
    assert found.injected.sum() == round(598 * 0.05 / 0.95)
    assert found.injected.mean() == pytest.approx(0.05, abs=1e-3)
    assert set(found.events.file[found.injected]) == {"signal.parquet"}
    assert len(np.unique(found.events.row[found.injected])) == found.injected.sum()


def test_events_that_lack_a_feature_are_unknown_and_counted(found: Search) -> None:
    assert found.unscored == {"background": 0, "data": 2, "signal": 0}
    assert not {5, 9} & set(found.events.row[~found.injected])
    assert "2 events of data lack a feature: UNKNOWN" in found.text()


def test_the_signal_stands_out_and_the_terms_say_why(found: Search) -> None:
    """−log p works where the signal is off the background."""
    scored = found.scored[0]
    assert scored.merit is not None
    assert scored.merit.auc > 0.9
    top = listing(found, scored)
    assert list(top["rank"]) == list(range(1, 21))
    assert (np.diff(top["score"]) <= 0).all()
    terms = top[[f"term:{each.column}" for each in FEATURES]]
    assert list(top["leading"]) == [name.removeprefix("term:") for name in terms.idxmax(axis=1)]
    assert top["leading"].value_counts().idxmax() in {"jet_mass", "missing_energy"}


def test_what_is_written(found: Search) -> None:
    """Both forms hold the same list; the page needs no network."""
    files = {Path(each).name: Path(each) for each in found.files}
    assert set(files) == {f"outliers-{m}.{e}" for m in ("nade", "nade-ratio") for e in ("parquet", "csv")} | {
        "densities.html"
    }
    one, other = pd.read_parquet(files["outliers-nade.parquet"]), pd.read_csv(files["outliers-nade.csv"])
    pd.testing.assert_frame_equal(one, other, check_dtype=False, rtol=1e-5)
    page = files["densities.html"].read_text(encoding="utf-8")
    assert "injected signal" in page
    assert '<script src="http' not in page
    assert found.document()["idealised_background"] is True
    assert "declared idealised" in found.text()


def test_an_event_is_scored_by_a_fit_that_did_not_learn_from_it(folder: Path) -> None:
    """Without a signal: no figure of merit, a score for every event. The mutant that scores what it learned ranks the
    data above fresh background of the same kind; here the mean ratio of data must not be above zero by 5 σ."""
    plain = search(request(folder, signal=None, fraction=0.0, methods=("nade-ratio",)))
    assert plain.files == ()
    scored = plain.scored[0]
    assert scored.merit is None
    assert np.isfinite(scored.score).all()
    assert scored.score.mean() < 5 * scored.score.std() / np.sqrt(len(scored.score))
    assert "no signal injected" in plain.text()
    assert "injected" not in listing(plain, scored)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"fraction": 0.0}, "--signal and --fraction belong together"),
        ({"fraction": 1.0}, "--fraction 1.0: write a share"),
        ({"features": ()}, "name at least one of --features"),
        ({"features": (Feature("tau21"), Feature("tau21", "logit"))}, "names column 'tau21' twice"),
        ({"top": 0}, "--top 0 and --rejection 100 must be at least 1"),
    ],
)
def test_wrong_options(folder: Path, changed: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        request(folder, **changed)


def test_too_few_events(folder: Path) -> None:
    with pytest.raises(InputError, match=r"a fraction 0\.5 of 598 events takes 598 signal events, and there are 60"):
        search(request(folder, fraction=0.5))
    with pytest.raises(InputError, match="60 of 60 data events have every feature, and 200 are needed"):
        search(request(folder, data=(folder / "signal.parquet",)))


def test_constant_tables_and_infinities(folder: Path, tmp_path: Path) -> None:
    """One varying feature is enough; an infinity is missing; a table that is constant throughout is refused."""
    table = simulate_events(250, 0, seed=5)[["tau21"]].assign(flat=1.0)
    table.loc[3, "tau21"] = np.inf
    table.to_csv(tmp_path / "events.csv", index=False)
    both = (Feature("tau21"), Feature("flat"))
    asked = request(folder, background=(tmp_path / "events.csv",), data=(tmp_path / "events.csv",), features=both)
    asked = replace(asked, signal=None, fraction=0.0)
    found = search(asked)
    assert found.unscored == {"background": 1, "data": 1}
    assert all(np.isfinite(each.score).all() for each in found.scored)
    with pytest.raises(InputError, match="no feature of the background events varies"):
        search(replace(asked, features=both[1:]))


def test_methods_by_name() -> None:
    assert methods_in("nade, gmm-ratio") == ("nade", "gmm-ratio")
    with pytest.raises(ConfigError, match="--methods names none"):
        methods_in(" , ")
    with pytest.raises(KeyError, match="unknown method 'nad'; nearest valid names: 'nade'"):
        methods_in("nad")
