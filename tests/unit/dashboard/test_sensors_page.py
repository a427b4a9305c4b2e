"""The page Sensors on nothing, on stored readings, and on a scanned day; its figures; and text that is only text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.look.inert import for_markdown
from dashboard.sensors.asked import asked_time
from dashboard.sensors.figures import bands, loop_figure, timeline
from dqm.model.sensors import SECOND, AnomalyInterval, Measured, Sensor, SensorReadings, TimeGrid
from dqm.store.anomalies import store_anomalies
from dqm.store.change import Change
from dqm.store.sensors import store_sensors
from dqm.store.store import Store
from pipelines.sensors.keeping import Scanned, after_scan

Page = Callable[..., AppTest]
BEGIN = int(np.datetime64("2026-05-01T00:00:00", "ns").astype(np.int64))
HOUR = 3600 * SECOND
SENSORS = (Sensor("CV_*1*", "%", "valve", "*L1*"), Sensor("TT_1", "K", "temperature", "*L1*"), Sensor("T_2", "K"))
INTERVALS = (
    AnomalyInterval("*L1*", BEGIN + HOUR, BEGIN + 3 * HOUR, 4.2, "hunting", ("CV_*1*",), "CV_*1* saws to and fro"),
    AnomalyInterval("T_2", BEGIN + 20 * HOUR, None, 3.1, "gap", ("T_2",), "T_2: no reading for 4 h"),
    AnomalyInterval(
        "*L1*", BEGIN + 5 * HOUR, BEGIN + 6 * HOUR, 3.0, "stuck", ("TT_1",), "stands", "service: work (me)"
    ),
)


def readings() -> SensorReadings:
    time = BEGIN + np.arange(0, 24 * HOUR, 600 * SECOND)
    return SensorReadings.of(SENSORS, [(time, np.sin(np.arange(len(time)))) for _ in SENSORS])


def kept(change: Change, found: Sequence[AnomalyInterval], end: int, promise: str, *notes: str) -> None:
    store_anomalies(change, after_scan((), Scanned(BEGIN, end, promise, found, notes)), {})


def scanned(store: Store, days: int = 1) -> None:
    with store.transaction() as change:
        store_sensors(change, store, readings(), {})
        kept(change, INTERVALS, BEGIN + 24 * days * HOUR, "the past had 0 anomalies")


def test_an_empty_store_asks_for_streams(page: Page, configured: Path, empty: Store) -> None:
    app = page("sensors")
    assert not app.exception
    assert app.code[0].value == f"dqm sensors ingest --config {configured}"


def test_stored_readings_ask_for_a_scan(page: Page, configured: Path, empty: Store) -> None:
    with empty.transaction() as change:
        store_sensors(change, empty, readings(), {})
    app = page("sensors")
    assert not app.exception
    assert app.code[0].value == f"dqm sensors scan --store --config {configured}"


def test_a_scanned_day_shows_the_worst_loop_first(page: Page, configured: Path, empty: Store) -> None:
    scanned(empty)
    app = page("sensors")
    assert not app.exception
    assert [each.value for each in app.metric] == ["2", "2", "1", "1"]
    worst, intervals = (app.dataframe[i].value for i in range(2))
    assert worst["loop"].tolist() == ["T_2", "*L1*"]  # 4 h at 3.1 before 2 h at 4.2
    assert len(intervals) == 3
    assert "past had 0 anomalies" in " ".join(each.value for each in app.caption)


def test_only_the_chosen_loop_is_listed(page: Page, configured: Path, empty: Store) -> None:
    scanned(empty)
    app = page("sensors").toggle(key="sensors_only").set_value(True).run()
    order = [each.value if each.type == "subheader" else each.type for each in app.main]
    assert order.index("Anomalies") < order.index("toggle"), "it stands above what it is about"
    assert app.dataframe[1].value["loop"].tolist() == ["T_2"]


def test_several_days_can_be_chosen(page: Page, configured: Path, empty: Store) -> None:
    scanned(empty, days=3)
    app = page("sensors")
    app.select_slider(key="sensors_days").set_range("20260502", "20260503").run()
    assert not app.exception
    assert "No loop did anything unusual" in app.success[0].value


def test_what_could_not_be_judged_is_told_beside_a_quiet_day(page: Page, configured: Path, empty: Store) -> None:
    """Mutant: a loop that no past can judge is shown as one that did nothing unusual."""
    with empty.transaction() as change:
        kept(change, (), BEGIN + 24 * HOUR, "", "1 loop could not be judged, such as *B*")
    app = page("sensors")
    assert not app.exception
    assert app.warning[0].value == for_markdown("1 loop could not be judged, such as *B*")
    assert app.success[0].value == "No loop that could be judged did anything unusual."


def test_the_timeline_shows_kinds_suppression_and_beam() -> None:
    beam = TimeGrid.fixed(BEGIN, BEGIN + HOUR, 23.31)
    figure = timeline(INTERVALS, (BEGIN, BEGIN + 24 * HOUR), beam)
    assert [each.name for each in figure.data] == ["gap", "stuck", "hunting"]
    assert figure.data[1].marker.pattern.shape == ("/",)
    assert len(figure.layout.shapes) == 1
    assert figure.layout.yaxis.categoryarray == ("*L1*", "T_2")


def test_lumisections_that_follow_each_other_are_one_band() -> None:
    begin = np.array([0, 10, 20, 100, 110], dtype=np.int64) * SECOND
    grid = TimeGrid(begin, begin + 10 * SECOND)
    assert sorted(bands(grid, (0, 115 * SECOND))) == [(0, 30 * SECOND), (100 * SECOND, 115 * SECOND)]
    assert bands(None, (0, 1)) == []


def test_a_loop_has_a_panel_for_every_quantity() -> None:
    figure = loop_figure(readings().take(["CV_*1*", "TT_1"]), INTERVALS[:1], (BEGIN, BEGIN + 24 * HOUR))
    assert [each.text for each in figure.layout.annotations] == ["temperature (K)", "valve (%)", "hunting"]
    assert [each.legend for each in figure.data] == ["legend", "legend2"]


def test_no_two_lines_of_a_loop_look_alike_and_what_is_left_out_is_told() -> None:
    """Mutant: colours begin again and nothing else tells two sensors apart."""
    time = np.array([BEGIN])
    panels: tuple[tuple[str, Measured], ...] = (("K", "temperature"), ("bar", "pressure"), ("%", "valve"))
    sensors = [Sensor(f"{what}{i:02d}", unit, what) for unit, what in panels for i in range(12)]
    sensors.append(Sensor("valve12", "%", "valve"))
    figure = loop_figure(
        SensorReadings.of(sensors, [(time, np.ones(1)) for _ in sensors]), (), (BEGIN, BEGIN + 24 * HOUR)
    )
    assert len({(each.line.color, each.line.dash) for each in figure.data}) == len(figure.data) == 36
    assert figure.layout.annotations[2].text == "valve (%, the first 12 of 13 sensors)"


def address(app: AppTest) -> dict[str, str]:
    query = app.query_params
    return {name: value if isinstance(value, str) else value[0] for name, value in query.items()}


def test_the_address_chooses_days_loop_and_time_and_keeps_what_is_chosen(
    page: Page, configured: Path, empty: Store
) -> None:
    scanned(empty, days=3)
    app = page("sensors", days="20260501", loop="*L1*", time="2026-05-01T00:30/2026-05-01T04:00")
    assert not app.exception
    assert app.select_slider(key="sensors_days").value == ("20260501", "20260501")
    assert app.selectbox(key="sensors_loop_name").value == "*L1*"
    (slider,) = app.slider
    assert [f"{each:%d %H:%M}" for each in slider.value] == ["01 00:30", "01 04:00"]
    asked = {"days": "20260501-20260501", "loop": "*L1*", "time": "2026-05-01T00:30/2026-05-01T04:00"}
    assert address(app) == asked
    app.selectbox(key="sensors_loop_name").set_value("T_2").run()
    assert address(app) == asked | {"loop": "T_2"}
    app.slider[0].set_range(datetime(2026, 5, 1), datetime(2026, 5, 2)).run()
    assert address(app) == {"days": "20260501-20260501", "loop": "T_2"}


def test_an_address_of_a_time_alone_leads_to_its_day(page: Page, configured: Path, empty: Store) -> None:
    scanned(empty, days=9)
    app = page("sensors", time="2026-05-01T00:30/2026-05-01T04:00")
    assert app.select_slider(key="sensors_days").value == ("20260501", "20260501")
    assert app.slider[0].value[0].hour == 0


def test_a_selected_anomaly_is_shown_with_what_was_around_it(page: Page, configured: Path, empty: Store) -> None:
    """What the callback of a selected row sets, as a test cannot select one."""
    scanned(empty)
    app = page("sensors")
    app.session_state["sensors_loop_name"] = "*L1*"
    app.session_state["sensors_span"] = BEGIN, BEGIN + 4 * HOUR
    app.run()
    assert not app.exception
    assert address(app) == {"loop": "*L1*", "time": "2026-05-01T00:00/2026-05-01T04:00"}


@pytest.mark.parametrize("time", ["x", "/", "2026-05-01T04:00/2026-05-01T00:30", "9999-12-31/9999-12-31", "2030/2031"])
def test_a_time_that_is_none_is_not_asked_for(time: str) -> None:
    assert asked_time(time) is None


def test_what_an_address_asks_in_vain_is_told_and_all_is_shown(page: Page, configured: Path, empty: Store) -> None:
    scanned(empty)
    app = page("sensors", days="20990101-x", loop="*L2*", time="2030-01-01/2030-01-02")
    assert not app.exception
    assert [each.value for each in app.warning] == [
        for_markdown(
            "The address asks for days '20990101-x', of which none was scanned; shown is 20260501; "
            "write for example 20260501."
        ),
        for_markdown(
            "The address asks for the time '2030-01-01/2030-01-02', which is outside of these days; shown are these "
            "days whole; write for example 2026-05-01T00:00/2026-05-02T00:00."
        ),
        for_markdown("*L2*: no anomaly on these days; nearest valid names: '*L1*'"),
    ]
    assert address(app) == {"loop": "T_2"}
    app = page("sensors", time="noon")
    assert for_markdown("the time 'noon', which is none; shown are these days whole") in app.warning[0].value
    assert len(app.warning) == 1


def test_days_in_vain_among_several_are_told(page: Page, configured: Path, empty: Store) -> None:
    """Mutant: garbage is taken for nothing asked."""
    scanned(empty, days=9)
    app = page("sensors", days="20250101")
    told = "The address asks for days '20250101', of which none was scanned; shown is 20260503 to 20260509; "
    assert app.warning[0].value == for_markdown(f"{told}write for example 20260503-20260509.")
    assert not page("sensors", days="20260501-20260502").warning


def test_a_stored_table_that_is_no_scan_is_told(page: Page, configured: Path, empty: Store) -> None:
    import pyarrow as pa

    with empty.transaction() as change:
        change.put("anomalies", 20260501, pa.table({"loop": ["x"]}), {})
    app = page("sensors")
    assert not app.exception
    assert "are no anomalies" in app.error[0].value


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>"])
def test_reasons_are_only_text_in_figures(text: str) -> None:
    evil = AnomalyInterval(text, BEGIN, BEGIN + HOUR, 1.0, "gap", (), text)
    figure = timeline([evil], (BEGIN, BEGIN + HOUR))
    assert "<img" not in figure.to_json()
