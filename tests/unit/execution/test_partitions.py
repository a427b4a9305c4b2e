"""One function over many partitions: equal answers by every executor, and a dead worker costs its partition alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dqm.model.errors import ConfigError
from pipelines.execution.partitions import run_partitions
from pipelines.execution.schedulers import SERIAL, Scheduler

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Workers find the module of the work where this process does."""
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    yield
    sys.modules.pop("partition_work", None)


def work(name: str) -> object:
    import partition_work

    return getattr(partition_work, name)


def test_answers_come_in_the_order_of_the_tasks_and_errors_stay_with_their_own() -> None:
    found = run_partitions(work("squared"), [3, -1, 2], SERIAL.executor)  # type: ignore[arg-type]
    assert [each.answer for each in found] == [9, None, 4]
    assert [each.task for each in found] == [3, -1, 2]
    assert str(found[1].error) == "-1 is negative"


def test_processes_answer_as_the_serial_way_does() -> None:
    found = run_partitions(work("squared"), [3, -1, 2], Scheduler("processes", 2).executor)  # type: ignore[arg-type]
    assert [each.answer for each in found] == [9, None, 4]
    assert str(found[1].error) == "-1 is negative"


@pytest.mark.slow
def test_dask_answers_as_the_serial_way_does() -> None:
    pytest.importorskip("distributed")
    found = run_partitions(work("squared"), [3, -1, 2], Scheduler("dask", 2).executor)  # type: ignore[arg-type]
    assert [each.answer for each in found] == [9, None, 4]
    assert str(found[1].error) == "-1 is negative"


@pytest.mark.slow
def test_the_partition_that_kills_its_worker_names_itself() -> None:
    found = run_partitions(work("killed_at_three"), [1, 2, 3, 4], Scheduler("processes", 2).executor)  # type: ignore[arg-type]
    assert [each.answer for each in found] == [1, 2, None, 4]
    assert "terminated abruptly" in str(found[2].error)


@pytest.mark.slow
def test_a_worker_that_dies_by_chance_costs_nothing(tmp_path: Path) -> None:
    tasks = ["", str(tmp_path / "tried"), ""]
    found = run_partitions(work("killed_once"), tasks, Scheduler("processes", 2).executor)  # type: ignore[arg-type]
    assert [each.answer for each in found] == tasks


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("serial", Scheduler()),
        ("processes:3", Scheduler("processes", 3)),
        ("dask:2", Scheduler("dask", 2)),
        ("tcp://127.0.0.1:8786", Scheduler("dask", 0, "tcp://127.0.0.1:8786")),
    ],
)
def test_schedulers_by_name(text: str, expected: Scheduler) -> None:
    assert Scheduler.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("proceses", r"unknown scheduler 'proceses'; nearest valid names: 'processes', or tcp://HOST:PORT"),
        ("serial:2", r"scheduler 'serial:2': serial has one worker"),
        ("dask:none", r"scheduler 'dask:none': 'none' is no number of workers; write e.g. dask:4"),
        ("processes:0", r"'0' is no number of workers"),
    ],
)
def test_no_scheduler(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Scheduler.parse(text)


@pytest.mark.slow
def test_a_cluster_that_is_not_there() -> None:
    pytest.importorskip("distributed")
    opened = Scheduler("dask", 0, "tcp://127.0.0.1:9").executor
    with pytest.raises(ConfigError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9"):
        run_partitions(work("squared"), [1], opened)  # type: ignore[arg-type]
