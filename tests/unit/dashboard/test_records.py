"""The plain pages: outliers, models, alerts and operations on no, empty, small and broken stores."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import app as application
from dashboard.reading.records import alert_records, sizes, store_checks
from dqm.model.events import Event
from dqm.model.findings import Finding
from dqm.model.people_config import PeopleConfig
from dqm.services.people import ConfiguredPeople
from dqm.services.silences import acknowledge, silence
from dqm.store.audit import Action
from dqm.store.deliveries import Outcome
from dqm.store.registry import registered
from dqm.store.store import Store

from .small_night import INJECTION

Page = Callable[..., AppTest]
NOW = datetime.now(UTC)
ALONE = ConfiguredPeople(PeopleConfig())


def said(app: AppTest) -> str:
    """All text of a page that is Markdown or a message."""
    elements = [*app.markdown, *app.caption, *app.info, *app.error, *app.warning, *app.code, *app.subheader]
    return "\n".join(str(each.value) for each in elements)


@pytest.mark.parametrize("name", application.RECORDS)
def test_without_a_store_the_page_names_the_command(name: str, page: Page, configured: Path) -> None:
    app = page(name)
    assert not app.exception
    assert r"make one with\: dqm ingest" in app.error[0].value


@pytest.mark.parametrize(
    ("name", "command"),
    [("outliers", "dqm outliers --background"), ("models", "dqm ingest"), ("alerts", "dqm nightly")],
)
def test_an_empty_store_names_what_to_do(name: str, command: str, page: Page, empty: Store) -> None:
    app = page(name)
    assert not app.exception
    assert app.code[0].value.startswith(command)


def test_operations_of_an_empty_store(page: Page, empty: Store) -> None:
    app = page("operations")
    assert not app.exception
    assert app.code[0].value.startswith("dqm nightly")
    assert [each.value for each in app.metric] == ["none yet", "never", "0", "none yet", "0"]
    assert "Nothing is in quarantine" in said(app)


def test_the_pages_stand_behind_those_of_a_shift() -> None:
    assert not set(application.SHIFT) & set(application.RECORDS)
    assert list(application.RECORDS) == ["outliers", "models", "alerts", "operations"]


def with_models(store: Store) -> None:
    """Two models, the second of which was promoted."""
    for name, runs in (("boosted-1", [100, 101]), ("boosted-2", [100, 101, 102])):
        folder = store.path / "models" / name
        folder.mkdir(parents=True)
        about = {"kind": "boosted", "others": [{"kind": "nade"}], "runs": runs}
        (folder / "bundle.json").write_text(json.dumps(about), encoding="utf-8")
    side = {"model": "boosted-2", "data_loss": 0.01, "pollution": None, "workload": 0.2}
    fields = {
        "model": "boosted-2",
        "before": "boosted-1",
        "reason": INJECTION[0],
        "comparison": {"runs": [1, 2], "champion": side, "challenger": side, "against": []},
        "anyway": False,
    }
    with store.transaction() as change:
        change.add_model("boosted-1", "models/boosted-1", "f" * 64, {"manifest": "a" * 64})
        change.point("champion", "boosted-1")
    with store.transaction() as change:
        change.add_model("boosted-2", "models/boosted-2", "f" * 64, {"manifest": "b" * 64, "mlflow": "run 7"})
        change.point("champion", "boosted-2")
        change.record(Action("lea", "leader", "promote", "model boosted-2", "n", NOW, fields=fields))


def test_models_tell_who_scores_and_why(page: Page, filled: Store) -> None:
    with_models(filled)
    app = page("models")
    assert not app.exception
    assert r"**Champion**, the model that scores: boosted\-2" in said(app)
    models, promoted, names = (each.value for each in app.dataframe)
    assert models["model"].tolist() == ["boosted-2", "boosted-1"]
    assert models["which"].tolist() == ["100 to 102", "100 to 101"]
    assert models["detectors"].tolist()[0] == "boosted + nade"
    assert promoted.loc[0, ["who", "before", "on"]].tolist() == ["lea (leader)", "boosted-1", "2 runs"]
    assert promoted.loc[0, "new model"] == "loss 1.00%, pollution n/a, workload 20.00%"
    assert names["model"].tolist() == ["boosted-2", "boosted-1"]
    assert "<script>" not in said(app)


def test_the_registry_knows_when_a_name_moved(filled: Store) -> None:
    """Mutant: the aliases of a model that lost them shown as if it had them."""
    with_models(filled)
    first, second = registered(filled)
    assert (first.aliases, second.aliases) == ((), ("champion",))
    assert [name for name, _ in first.moved] == ["champion"]
    assert first.came < second.came


@pytest.mark.parametrize("text", ["", "[]", '{"kind": "x"}', '{"kind": "x", "runs": ["a"]}', "\x00"])
def test_a_model_whose_bundle_is_damaged_is_named(text: str, page: Page, filled: Store) -> None:
    with_models(filled)
    (filled.path / "models" / "boosted-1" / "bundle.json").write_text(text, encoding="utf-8")
    app = page("models")
    assert not app.exception
    assert "it is no description of a model" in app.error[0].value
    assert len(app.dataframe[0].value) == 2


def test_alerts_tell_what_was_given_up_and_what_is_known(page: Page, configured: Path, filled: Store) -> None:
    configured.write_text(
        '[[alerts.receiver]]\nkind = "webhook"\nname = "duty"\nurl_env = "SECRET_PLACE"\n', encoding="utf-8"
    )
    with filled.transaction() as change:
        change.emit(
            [
                Event("anomaly.opened", "run 112", {"lumisections": 3}, 112, "muons"),
                Event("anomaly.opened", "run 113", {"why": INJECTION[2]}, 113, INJECTION[0]),
                Event("golden.published", "golden.json", {"version": 1}),
            ]
        )
    filled.deliveries.spread(lambda event: ["duty"], NOW)
    first = filled.deliveries.due(["duty"], NOW, timedelta(hours=1))[0]
    filled.deliveries.enter(Outcome(first, "dead", NOW, "duty.example: refused"))
    acknowledge(filled, ALONE, "", 112, "muons", nonce="a")
    silence(filled, ALONE, "", 112, "*", NOW + timedelta(hours=2), INJECTION[2], nonce="s")
    app = page("alerts")
    assert not app.exception
    assert [each.value for each in app.metric] == ["1", "2", "0", "0", "0"]
    dead, anomalies, silences, deliveries, events = (each.value for each in app.dataframe)
    assert dead["error"].tolist() == ["duty.example: refused"]
    assert anomalies.set_index("run")["known"].to_dict() == {112: "✓ acknowledged", 113: "… nobody yet"}
    assert silences["run"].tolist() == ["112"]
    assert (len(deliveries), len(events)) == (3, 3)
    text = said(app)
    assert "duty (webhook, from info on)" in text
    assert "SECRET_PLACE" not in text, "parameters may lead to secrets"
    assert "![x]" not in text


def test_of_many_events_the_newest_are_read_and_all_are_counted(
    page: Page, filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutants: the oldest in the place of the newest; the whole outbox read."""
    with filled.transaction() as change:
        change.emit([Event("golden.published", f"golden {n}", {"version": n}) for n in range(1, 6)])
    monkeypatch.setattr("dashboard.reading.records.MOST", 2)
    found = alert_records(str(filled.path))
    assert [each.event.data["version"] for each in found.events] == [5, 4]
    assert found.posted == len(filled.events()) == 5
    app = page("alerts")
    assert "The newest 2 of 5 events, told or not." in said(app)
    assert [each.event.data["version"] for each in filled.events(newest=3)] == [3, 4, 5]


def test_operations_show_stages_quarantine_and_disk(page: Page, filled: Store) -> None:
    stages = [
        {"name": "ingest", "state": "done", "seconds": 1.5, "said": "2 files"},
        {"name": "score", "state": "failed", "seconds": 0.5, "said": INJECTION[0]},
    ]
    night = filled.nights.begin(NOW - timedelta(hours=3))
    filled.nights.end(night, "failed", {"stages": stages, "scored": 2, "quarantined": 1, "delivered": 0}, NOW)
    second = filled.nights.begin(NOW)
    filled.nights.end(second, "finished", {"stages": stages[:1], "scored": 3}, NOW + timedelta(seconds=2))
    with filled.transaction() as change:
        change.add_findings([Finding("conflict", "quarantined", "two rows differ", "<b>a</b>.csv", 112, 3)] * 2)
    app = page("operations")
    assert not app.exception
    nights, chosen, quarantine, disk = (each.value for each in app.dataframe)
    assert nights["state"].tolist() == ["✓ finished", "✗ failed"]
    assert nights["failed"].tolist() == ["", "score"]
    assert chosen["stage"].tolist() == ["ingest"], "the newest night is the one that is shown"
    assert quarantine["reason"].tolist() == ["two rows differ"]
    assert "database" in disk["what"].tolist()
    assert app.metric[0].value.endswith((" now", " min ago"))


def test_checks_wait_until_somebody_asks(page: Page, filled: Store) -> None:
    app = page("operations")
    assert "dqm doctor does more" in said(app)
    part = next((filled.path / "verdicts").rglob("*.parquet"))
    part.write_bytes(b"damaged")
    app.button(key="check").click().run()
    assert not app.exception
    table = app.dataframe[0].value.set_index("check")
    assert table.loc["store partitions", "state"] == "✗ BAD"
    assert table.loc["audit chain", "state"] == "✓ in order"


def test_a_night_that_never_ended_says_so(page: Page, filled: Store) -> None:
    filled.nights.begin(NOW)
    app = page("operations")
    assert not app.exception
    assert app.dataframe[0].value["state"].tolist() == ["… running"]
    assert "has not said anything of its stages" in said(app)


def listed(folder: Path, method: str, rows: int = 3) -> Path:
    """A list as ``dqm outliers`` writes it."""
    folder.mkdir(exist_ok=True)
    columns = {"rank": range(1, rows + 1), "file": [INJECTION[1]] * rows, "row": range(rows), "score": [2.5] * rows}
    frame = pd.DataFrame(columns | {"mass": 1.0, "leading": "mass", "term:mass": 2.0, "term:<b>x</b>": -0.5})
    path = folder / f"outliers-{method}.parquet"
    frame.to_parquet(path, index=False)
    return path


def test_the_newest_list_of_outliers_is_shown_with_its_terms(page: Page, configured: Path, filled: Store) -> None:
    listed(configured.parent / "outliers", "nade")
    app = page("outliers")
    assert not app.exception
    events, terms = (each.value for each in app.dataframe)
    assert events.columns.tolist() == ["rank", "file", "row", "score", "mass", "leading"]
    assert terms["feature"].tolist() == ["mass", "<b>x</b>"]
    assert terms["term"].tolist() == [2.0, -0.5]


def test_a_long_list_is_cut(page: Page, configured: Path, filled: Store) -> None:
    listed(configured.parent / "outliers", "nade", rows=500)
    app = page("outliers")
    assert len(app.dataframe[0].value) == 200
    assert "the first 200 of the list" in said(app)


@pytest.mark.parametrize("broken", ["damaged", "other"])
def test_a_list_that_is_none_is_one_sentence(broken: str, page: Page, configured: Path, filled: Store) -> None:
    path = listed(configured.parent / "outliers", "nade")
    if broken == "damaged":
        path.write_bytes(b"PAR1 no")
    else:
        pd.DataFrame({"x": [1.0]}).to_parquet(path)
    app = page("outliers")
    assert not app.exception
    assert ("cannot be read" if broken == "damaged" else "is no list of outliers") in app.error[0].value


def test_an_empty_list_and_a_method_without_terms(page: Page, configured: Path, filled: Store) -> None:
    folder = configured.parent / "outliers"
    path = listed(folder, "iforest", rows=0)
    assert "no event had every feature" in said(page("outliers"))
    pd.DataFrame({"rank": [1], "file": ["a"], "row": [0], "score": [1.0]}).to_parquet(path)
    assert "does not say which feature" in said(page("outliers"))


def test_sizes_and_checks_are_those_of_the_store(filled: Store) -> None:
    path = str(filled.path)
    found = sizes(path, filled.snapshot)
    assert sum(found.values()) == sum(each.stat().st_size for each in filled.path.rglob("*") if each.is_file())
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert {each.name for each in store_checks(path, 1, 0)} >= {"store schema", "store partitions", "audit chain"}
