"""The page Compare on empty, small and broken stores, and on addresses that name what is not there."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.comparison.choice import Choice
from dashboard.reading.pile_up import matched
from dqm.model.labels import Label, Labels
from dqm.model.tables import Column, QuantityTable
from dqm.store.store import Store
from dqm.store.tables import labels_from_arrow, store_labels, store_quantities

from .small_elements import EMPTY, FAULT, FINER, LINE, MAP, RENAMED, UNLIKE, fill_elements
from .small_night import INJECTION, LENGTH, NEW, quantities

Page = Callable[..., AppTest]


@pytest.fixture(scope="session")
def with_elements(stores: Path) -> Path:
    """The small night with histograms, to copy."""
    folder = Path(shutil.copytree(stores / "night", stores / "elements"))
    with Store.open(folder) as store:
        fill_elements(store)
    return folder


@pytest.fixture
def monitored(with_elements: Path, configured: Path) -> Iterator[Store]:
    """A store of the configuration's own, with histograms."""
    with Store.open(Path(shutil.copytree(with_elements, configured.parent / "certification"))) as store:
        yield store


def said(app: AppTest) -> str:
    """All text of a page, without what Markdown needs to be told to leave it alone."""
    elements = [*app.markdown, *app.caption, *app.info, *app.error, *app.warning, *app.success, *app.title]
    return "\n".join(str(each.value) for each in elements).replace("\\", "")


def opened(page: Page, **query: str) -> AppTest:
    """A page that raised nothing."""
    app = page("compare", **query)
    assert not app.exception
    return app


def charts(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


def test_an_empty_store_asks_for_data(page: Page, configured: Path, empty: Store) -> None:
    app = opened(page)
    assert app.info[0].value.startswith("The store is empty")
    assert app.code[0].value == f"dqm ingest --config {configured}"


def test_without_histograms_quantities_are_shown(page: Page, filled: Store) -> None:
    app = opened(page, run="112", ls="3-9", element="muon rate")
    assert "of 7 lumisections are outside the band" in said(app)
    assert "of 10 earlier runs make (102 to 111)" in said(app)
    assert "Nothing is explained in full in this run. Score it:" in said(app)
    assert charts(app) == 1
    app.toggle(key="compare_course_weight").set_value(True).run()
    assert not app.exception


def test_an_address_leads_to_run_range_element_and_reference(page: Page, monitored: Store) -> None:
    query = {"run": "112", "ls": "6-11", "element": LINE, "reference": "certified-3"}
    app = opened(page, **query)
    assert "6 LS, 2,400 counts, against the last 3 certified runs" in said(app)
    assert "runs (109 to 111)" in said(app)
    assert not app.warning
    assert charts(app) == 2
    assert {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()} == query
    app.button[0].click().run()
    assert app.session_state.opened == ("run", {"run": "112", "ls": "6-11"})


def test_only_earlier_runs_are_offered_and_taken(page: Page, monitored: Store) -> None:
    """Mutant: a reference of a run that was not there yet when the data was taken."""
    app = opened(page, run="112", element=LINE, reference="run-104")
    assert app.selectbox[3].options == [str(run) for run in range(111, 99, -1)]
    assert "against run 104: 40 LS of 1 run (104)" in said(app)
    later = opened(page, run="112", element=LINE, reference="run-113")
    assert "U unknown (no reference)" in said(later)
    assert "run 113 is not earlier than run 112; only the past may be a reference" in said(later)
    vanished = opened(page, run="112", element=LINE, reference="run-9")
    assert "run 9 has no histograms; the nearest earlier run that has is 100" in said(vanished)


def piled_up(store: Store, mean: dict[int, float]) -> None:
    """Give the runs a mean pile-up, but for their first lumisection, of which none is known."""
    given = quantities(list(mean))
    values = np.repeat(list(mean.values()), LENGTH).reshape(-1, 1)
    values[::LENGTH] = np.nan
    column = Column("pileup", "oms", "luminosity", role="condition")
    table = QuantityTable(given.index, (*given.columns, column), np.hstack([given.values, values]), start=given.start)
    with store.transaction() as change:
        store_quantities(change, table, {})


def test_a_good_run_of_like_pile_up_is_the_reference(page: Page, monitored: Store) -> None:
    """Mutants: the nearest whatever its labels; the last run in the place of the nearest."""
    piled_up(monitored, {103: 41.0, 104: 52.0, 105: 48.5, 112: 50.0, 113: 50.0})
    app = opened(page, run="112", element=LINE, reference="matched")
    assert "against run 105: " in said(app)
    assert "Run 105 is the one of 3 good runs whose mean pile-up is nearest: 48.5, here 50.0." in said(app)
    assert app.selectbox[2].value == "matched"
    labels = labels_from_arrow(monitored.read("labels"))
    bad = Labels.of(labels.index, np.where(labels.index.get_level_values("run") == 105, Label.BAD, labels.values), "x")
    with monitored.transaction() as change:
        store_labels(change, bad, {})
    assert "against run 104: " in said(opened(page, run="112", element=LINE, reference="matched"))


def test_without_a_pile_up_the_last_good_run_stands_in_and_that_is_said(page: Page, monitored: Store) -> None:
    app = opened(page, run="112", element=LINE, reference="matched")
    assert "against run 111: " in said(app)
    assert "The pile-up of run 112 is not known, so the last good run stands in." in said(app)
    piled_up(monitored, {112: 50.0})
    assert "No good run has a known pile-up" in said(opened(page, run="112", element=LINE, reference="matched"))
    found = matched(monitored, 100, [], monitored.snapshot)
    assert (found.choice, found.why) == (
        Choice("nearest"),
        "No earlier run is labelled good, so none is matched in pile-up.",
    )


def test_a_fault_stands_out_and_a_layout_only_redraws(page: Page, monitored: Store) -> None:
    app = opened(page, run=str(FAULT), element=LINE)
    assert "Largest pull **≥ 3" in said(app) or "Largest pull **3" in said(app)
    before = said(app)
    app.segmented_control(key="compare_layout").set_value("side by side").run()
    assert not app.exception
    assert said(app) == before
    assert charts(app) == 2


def test_a_map_shows_what_is_dead(page: Page, monitored: Store) -> None:
    app = opened(page, run=str(FAULT), element=MAP)
    assert "**6** dead and **0** hot of 96 cells" in said(app)
    assert not app.dataframe
    app.session_state["compare_folded"] = True
    app.run()
    assert app.dataframe[0].value["cell"].tolist() == ["D  dead"] * 6


def test_by_pull_the_largest_is_first(page: Page, monitored: Store) -> None:
    app = opened(page, run=str(FAULT))
    app.toggle(key="compare_by_pull").set_value(True).run()
    assert not app.exception
    assert app.selectbox[1].options[0].startswith(f"{LINE} (3")


@pytest.mark.parametrize(
    ("element", "told"),
    [
        (UNLIKE, "U unknown (binning): ecal/bins is not compared, since its bins are 7 from 0 to 10 here"),
        (RENAMED, "U unknown (no reference): ecal/new is not compared"),
        (FINER, "The bins of the reference are others; both are added up to the coarser ones"),
        (EMPTY, "U unknown (no reference): ecal/none is not compared"),
        ("ecal/old", "U unknown (missing): this run has nothing called 'ecal/old'; nearest valid names"),
        (INJECTION[0], "against the nearest of the last 10, 3 and 1 runs"),
    ],
)
def test_what_cannot_be_compared_is_said(element: str, told: str, page: Page, monitored: Store) -> None:
    app = opened(page, run="112", element=element)
    assert told in said(app)
    assert not any("<script>" in str(each.value) for each in [*app.markdown, *app.caption, *app.warning])


@pytest.mark.parametrize("text", ["9-3", "=1+1"])
def test_a_range_that_cannot_be_read_stays_in_its_field(text: str, page: Page, monitored: Store) -> None:
    app = opened(page, run="112", ls=text, element=LINE)
    assert "is no range; write 3-9 or 7. All are shown." in said(app)
    assert app.text_input[0].value == text
    assert "40 LS" in said(app)


def test_a_range_beyond_the_run_is_said(page: Page, monitored: Store) -> None:
    app = opened(page, run="112", ls="500-600", element=LINE)
    assert "This run has the lumisections 1 to 40; none of 500 to 600." in said(app)
    assert f"Run 112 has {LINE} in none of LS 500 to 600." in said(app)


def test_a_run_that_vanished_and_a_wrong_reference_are_said(page: Page, monitored: Store) -> None:
    """All three runs are open as a whole, since their data changed: the newest is the first of the queue."""
    app = opened(page, run="11x", reference="newest")
    assert "unknown run '11x'" in said(app)
    assert "reference 'newest' is none of nearest, matched" in said(app)
    assert app.query_params["run"] in ("114", ["114"])


def test_a_configuration_may_ask_for_any_number_of_runs(page: Page, configured: Path, monitored: Store) -> None:
    """Mutant: a field that ends below what is configured."""
    with configured.open("a", encoding="utf-8") as written:
        written.write('[features.references]\nkind = "certified"\nruns = 5000\n')
    app = opened(page, run="112", element=LINE)
    assert app.number_input[0].value == 5000


def test_the_first_run_has_nothing_before_it(page: Page, monitored: Store) -> None:
    app = opened(page, run="100", element=LINE)
    assert "U unknown (no reference): ecal/charge is not compared, since no earlier run has histograms." in said(app)
    assert charts(app) == 1


def test_a_run_without_verdicts_is_compared_all_the_same(page: Page, monitored: Store) -> None:
    assert "40 LS, 16,000 counts" in said(opened(page, run=str(NEW), element=LINE))


def test_terms_of_the_detectors_are_shown_for_the_range(page: Page, monitored: Store) -> None:
    app = opened(page, run="112", ls="6-11", element=LINE)
    assert "Means over the 6 of 6 lumisections that are explained in full." in said(app)
    control = app.segmented_control(key="compare_term")
    assert control.options == [
        "Contribution to badness", "Input against reconstruction of the autoencoder", "Surprise of NADE"
    ]  # fmt: skip
    app.session_state["compare_terms_folded"] = True
    control.set_value("surprise of nade (nats)").run()
    assert app.dataframe[-1].value["feature"].tolist()[0] == f"{LINE}, bin 1"
    app.toggle(key="compare_term_only").set_value(True).run()
    assert len(app.dataframe[-1].value) == 2
    assert "None of these lumisections is explained in full" in said(opened(page, run="112", ls="30-31", element=LINE))


def test_a_damaged_file_is_one_line(page: Page, monitored: Store) -> None:
    for path in monitored.path.glob("histograms/run=*112/*"):
        path.write_bytes(b"no parquet")
    app = page("compare", run="112", element=LINE)
    assert not app.exception
    assert "cannot be read" in app.error[0].value or "damaged" in app.error[0].value
