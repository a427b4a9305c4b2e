"""What is told of one training: parameters, figures, courses and pages, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import plotly.io
from numpy.typing import NDArray

from dashboard.trade_off.figures import trade_off_figure
from dashboard.trade_off.tables import PastCurve
from detectors.artifacts import Bundle
from detectors.protocol import hyperparameters
from dqm.decide.definitions import outcome
from dqm.model.past import Past
from dqm.model.verdicts import WorkingPoint
from pipelines.run.ranking import ranking

ERAS = 6
"""Equal parts of the past runs, in time order, whose figures are told apart."""


@dataclass(frozen=True)
class TrainingRecord:
    """One training.

    ``name`` of the model in the store, ``folder`` of its bundle, ``alias`` that it gets; ``parameters`` and
    ``metrics`` by name; ``courses`` values by step from 1, such as a figure of every era or a loss of every epoch;
    ``pages`` text by file name.
    """

    name: str
    folder: Path
    alias: str
    columns: tuple[str, ...]
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]
    courses: Mapping[str, tuple[float, ...]]
    pages: Mapping[str, str]


def training_record(
    name: str, folder: Path, alias: str, bundle: Bundle, past: Past, point: WorkingPoint
) -> TrainingRecord:
    """The record of a trained model, with what it said of the past when that was still the future."""
    decision = point.decide(past.badness, past.held)
    auc, ap = ranking(past.badness, past.label)
    found = {"auc": auc, "ap": ap, "accept_below": point.accept_below, "alpha_min": point.alpha_min}
    found |= _realised(decision, past, np.ones(len(past), dtype=bool))
    curve = PastCurve.of(past)
    pages = {} if curve is None else {"operating-curve.html": _page(curve, point)}
    return TrainingRecord(
        name=name,
        folder=folder,
        alias=alias,
        columns=tuple(column.name for column in bundle.schema.columns),
        parameters=_parameters(bundle, point),
        metrics={key: float(value) for key, value in found.items() if value is not None and np.isfinite(value)},
        courses=_eras(decision, past) | _histories(bundle),
        pages=pages,
    )


def _parameters(bundle: Bundle, point: WorkingPoint) -> dict[str, str]:
    """Hyper-parameters of every detector, training runs, fingerprints, budgets."""
    found: dict[str, object] = {"features": bundle.schema.fingerprint, "columns": len(bundle.schema.columns)}
    found |= {
        "runs": len(bundle.runs),
        "first_run": min(bundle.runs, default=""),
        "last_run": max(bundle.runs, default=""),
    }
    found |= {key: getattr(point, key) for key in ("data_loss_budget", "pollution_budget", "confidence", "policy")}
    for title, each in zip(bundle.titles, bundle.members, strict=True):
        found |= {f"{_plain(title)}.{key}": value for key, value in hyperparameters(each.detector).items()}
    return {key: str(value) for key, value in found.items()}


def _eras(decision: NDArray[np.object_], past: Past) -> dict[str, tuple[float, ...]]:
    """AUC, loss, pollution and workload of every part of the past that has them."""
    parts = np.array_split(np.unique(past.run[np.isfinite(past.badness)]), ERAS)
    found: dict[str, list[float]] = {}
    for part in parts:
        rows = np.isin(past.run, part)
        auc, _ = ranking(past.badness[rows], past.label[rows])
        for key, value in ({"auc": auc} | _realised(decision, past, rows)).items():
            found.setdefault(f"era_{key}", []).append(np.nan if value is None else value)
    return {key: tuple(values) for key, values in found.items()}


def _realised(decision: NDArray[np.object_], past: Past, rows: NDArray[np.bool_]) -> dict[str, float | None]:
    seen = asdict(outcome(decision[rows], past.label[rows], past.weight[rows], past.run[rows]))
    return {key: seen[key] for key in ("data_loss", "pollution", "workload", "workload_runs")}


def _histories(bundle: Bundle) -> dict[str, tuple[float, ...]]:
    """Losses by epoch of the detectors that are networks."""
    found: dict[str, tuple[float, ...]] = {}
    for title, each in zip(bundle.titles, bundle.members, strict=True):
        told = getattr(each.detector, "history", None) or ()
        for k, history in enumerate(told if isinstance(told, tuple) else (told,), start=1):
            network = _plain(title) if k == 1 else f"{_plain(title)}.network_{k}"
            found |= {f"{network}.loss": history.learned, f"{network}.held_out_loss": history.held_out}
    return found


def _plain(title: str) -> str:
    """A title in the letters that MLflow allows in names."""
    return title.replace("#", "_")


def _page(curve: PastCurve, point: WorkingPoint) -> str:
    return str(plotly.io.to_html(trade_off_figure(curve, point), include_plotlyjs=True, full_html=True))
