"""One function over many partitions: equal answers by every executor, and a dead worker costs its partition alone."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dqm.model.errors import ConfigError
from pipelines.execution import schedulers
from pipelines.execution.htcondor import job_script
from pipelines.execution.partitions import run_partitions
from pipelines.execution.schedulers import QUIET, Scheduler
from pipelines.execution.workers import ALONE, Workers

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Workers find the module of the work where this process does."""
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    yield
    sys.modules.pop("partition_work", None)


@pytest.fixture
def _taken() -> Iterator[None]:
    """The port that Dask would like for its page is held by somebody."""
    with socket.socket() as other:
        with suppress(OSError):  # somebody else does
            other.bind(("127.0.0.1", 8787))
            other.listen()
        yield


def work(name: str) -> Any:
    import partition_work

    return getattr(partition_work, name)


def test_answers_come_in_the_order_of_the_tasks_and_errors_stay_with_their_own() -> None:
    found = run_partitions(work("squared"), [3, -1, 2], ALONE)
    assert [each.answer for each in found] == [9, None, 4]
    assert [each.task for each in found] == [3, -1, 2]
    assert str(found[1].error) == "-1 is negative"


@pytest.mark.slow
def test_processes_answer_as_the_serial_way_does() -> None:
    with Workers(Scheduler("processes", 2)) as workers:
        found = run_partitions(work("squared"), [3, -1, 2], workers)
    assert [each.answer for each in found] == [9, None, 4]
    assert str(found[1].error) == "-1 is negative"


@pytest.mark.slow
@pytest.mark.usefixtures("_taken")
def test_dask_answers_as_the_serial_way_does() -> None:
    pytest.importorskip("distributed")
    with Workers(Scheduler("dask", 2)) as workers:
        found = run_partitions(work("squared"), [3, -1, 2], workers)
    assert [each.answer for each in found] == [9, None, 4]
    assert str(found[1].error) == "-1 is negative"


@pytest.mark.slow
@pytest.mark.usefixtures("_taken")
def test_dask_does_not_sample_what_its_workers_do() -> None:
    """It looks a hundred times a second otherwise."""
    pytest.importorskip("distributed")
    with Workers(Scheduler("dask", 1)) as workers:
        found = run_partitions(work("setting_of_dask"), list(QUIET), workers)
    assert [each.answer for each in found] == list(QUIET.values())


@pytest.mark.slow
def test_the_partition_that_kills_its_worker_names_itself() -> None:
    with Workers(Scheduler("processes", 2)) as workers:
        found = run_partitions(work("killed_at_three"), [1, 2, 3, 4], workers)
    assert [each.answer for each in found] == [1, 2, None, 4]
    assert "terminated abruptly" in str(found[2].error)


@pytest.mark.slow
def test_a_worker_that_dies_by_chance_costs_nothing(tmp_path: Path) -> None:
    tasks = ["", str(tmp_path / "tried"), ""]
    with Workers(Scheduler("processes", 2)) as workers:
        found = run_partitions(work("killed_once"), tasks, workers)
    assert [each.answer for each in found] == tasks


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("serial", Scheduler()),
        ("processes:3", Scheduler("processes", 3)),
        ("dask:2", Scheduler("dask", 2)),
        ("htcondor:20", Scheduler("htcondor", 20)),
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
    workers = Workers(Scheduler("dask", 0, "tcp://127.0.0.1:9"))
    with pytest.raises(ConfigError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9"):
        run_partitions(work("squared"), [1], workers)


def test_a_scheduler_that_takes_the_call_and_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask itself waits for its first word for ever, and a night would hold its lock meanwhile."""
    pytest.importorskip("distributed")
    monkeypatch.setattr(schedulers, "ANSWERS_WITHIN", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(ConfigError, match=rf"answers at {address}: nothing came back within 0.1 s; start one with"):
            Workers(Scheduler("dask", 0, address)).executor()


CONDOR_SUBMIT = """#!{python}
import re, subprocess, sys
arguments = re.search("^Arguments = .-c .(.*)..$", open(sys.argv[-1]).read(), re.MULTILINE).group(1)
job = subprocess.Popen(["/bin/sh", "-c", "exec 2>>{log}; " + arguments], start_new_session=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
print(f"1 job(s) submitted to cluster {{job.pid}}.0")
"""
CONDOR_RM = """#!{python}
import os, signal, sys
os.killpg(int(sys.argv[-1].split(".")[0]), signal.SIGTERM)
"""


@pytest.mark.slow
@pytest.mark.usefixtures("_taken")
def test_htcondor_answers_as_the_serial_way_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are submitted to a stand-in that runs what it is given as HTCondor would."""
    pytest.importorskip("dask_jobqueue")
    for name, text in (("condor_submit", CONDOR_SUBMIT), ("condor_rm", CONDOR_RM)):
        (tmp_path / name).write_text(text.format(python=sys.executable, log=tmp_path / "log"))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    dask = pytest.importorskip("dask")
    options = {"jobqueue.htcondor.scheduler-options": {"host": "127.0.0.1"}}
    with dask.config.set(options), Workers(Scheduler("htcondor", 1)) as workers:
        found = run_partitions(work("squared"), [3, -1, 2], workers)
    assert [each.answer for each in found] == [9, None, 4], (tmp_path / "log").read_text()
    assert str(found[1].error) == "-1 is negative"


def test_without_htcondor_nothing_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dask_jobqueue")
    monkeypatch.setattr("shutil.which", lambda name: None)
    workers = Workers(Scheduler("htcondor", 1))
    with pytest.raises(ConfigError, match="there is no condor_submit here; log in where HTCondor takes jobs"):
        run_partitions(work("squared"), [1], workers)


def test_without_dask_jobqueue_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    with pytest.raises(ConfigError, match=r"dask-jobqueue is not installed; .* pip install 'lumicert\[dask\]'"):
        job_script("tcp://head:8786")


def test_the_page_shows_the_job_as_it_is_submitted(repository: Path) -> None:
    pytest.importorskip("dask_jobqueue")
    page = (repository / "docs" / "operations.md").read_text(encoding="utf-8")
    assert job_script("tcp://head:8786", python="/srv/dqm/.venv/bin/python").strip() in page
