"""Trainings into MLflow: a run with parameters, figures and curves, and a registered version of the model."""

from __future__ import annotations

import fcntl
import io
import logging
import math
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipelines.tracking.address import SQLITE
from pipelines.tracking.records import TrainingRecord

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
"""Set before MLflow is imported: it asks nobody, loads no pickle and does not wait for a server that is away."""


@dataclass(frozen=True)
class Tracked:
    """Where a training went: the ``run`` of MLflow, and ``registered`` name and ``version`` of the model there."""

    run: str
    registered: str
    version: str


def log(record: TrainingRecord, uri: str, experiment: str) -> Tracked:
    """Log one training and register its model; ``uri`` as ``address.tracking_uri`` gives it.

    Raises whatever MLflow raises where it cannot be reached.
    """
    with _client(uri) as (mlflow, client):
        run = client.create_run(_experiment(client, uri, experiment), run_name=record.name).info.run_id
        try:
            _tell(client, run, record)
            registered = f"lumicert-{experiment}"
            found = _register(mlflow, run, record, registered)
            client.set_registered_model_alias(registered, record.alias, found)
        except BaseException:
            client.set_terminated(run, "FAILED")
            raise
        client.set_terminated(run)
    return Tracked(run, registered, str(found))


@contextmanager
def _client(uri: str) -> Iterator[tuple[Any, Any]]:
    """MLflow and a client of ``uri``; the address that MLflow keeps for the process is put back afterwards."""
    os.environ.update({name: os.environ.get(name, value) for name, value in SETTINGS.items()})
    with warnings.catch_warnings(), _prepared(uri):
        warnings.simplefilter("ignore")  # MLflow's own deprecations are not the user's
        import mlflow
        from mlflow import MlflowClient

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        before = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri(uri)  # and with it the registry
        try:
            yield mlflow, MlflowClient(uri, uri)
        finally:
            mlflow.set_tracking_uri(before)


@contextmanager
def _prepared(uri: str) -> Iterator[None]:
    """One at a time where MLflow keeps an SQLite file: two that make its tables at once would both fail."""
    if not uri.startswith(SQLITE):
        yield
        return
    file = Path(uri.removeprefix(SQLITE))
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _experiment(client: Any, uri: str, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    beside = Path(uri.removeprefix(SQLITE)).with_suffix("") if uri.startswith(SQLITE) else None
    return str(client.create_experiment(name, artifact_location=beside.as_uri() if beside else None))


def _tell(client: Any, run: str, record: TrainingRecord) -> None:
    """Parameters, figures, courses, pages and the bundle."""
    from mlflow.entities import Metric, Param, RunTag

    now = int(time.time() * 1000)
    metrics = [Metric(key, value, now, 0) for key, value in record.metrics.items()]
    metrics += [
        Metric(key, value, now, step)
        for key, values in record.courses.items()
        for step, value in enumerate(values, start=1)
        if math.isfinite(value)
    ]
    params = [Param(key, value) for key, value in record.parameters.items()]
    for begin in range(0, len(params), 100):
        client.log_batch(run, params=params[begin : begin + 100])
    client.log_batch(run, tags=[RunTag("lumicert.model", record.name)])
    for begin in range(0, len(metrics), 1000):
        client.log_batch(run, metrics=metrics[begin : begin + 1000])
    for name, text in record.pages.items():
        client.log_text(run, text, name)


def _register(mlflow: Any, run: str, record: TrainingRecord, name: str) -> str:
    """Log the served model with the bundle beside it, and register it; returns its version."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    signature = ModelSignature(
        inputs=Schema([ColSpec("float", each) for each in record.columns]),
        outputs=Schema([ColSpec("float", each) for each in ("score", "badness")]),
    )
    with mlflow.start_run(run_id=run), redirect_stderr(io.StringIO()):  # MLflow prints what it registered
        info = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("served_model.py")),
            artifacts={"bundle": str(record.folder)},
            pip_requirements=[f"lumicert=={version('lumicert')}"],
            signature=signature,
            registered_model_name=name,
        )
    return str(info.registered_model_version)
