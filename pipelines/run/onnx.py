"""``dqm onnx``: a trained network as a file that any host with ONNX Runtime can score with, checked against torch."""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from detectors import registry
from detectors.artifacts import Bundle, load
from detectors.inputs import Schema
from detectors.networks import Exportable
from dqm import __version__
from dqm.model.config import load as load_config
from dqm.model.errors import ArtifactError
from dqm.store.schema import CHALLENGER, CHAMPION
from dqm.store.store import Store

INPUT = "features"
OPSET = 18
TOLERANCE = 1e-4
"""Largest difference from torch, relative to numbers above 1."""

ROWS, SEED = 4096, 1

VALUES_AT_ONCE = 1 << 18
"""Values of one call: a density takes memory for every value and hidden unit."""

NOISY = ("torch.onnx._internal.exporter._registration", "onnxscript.optimizer._constant_folding")
"""Loggers of the exporter that say nothing a user could do anything about."""

Arrays = tuple[NDArray[np.float32], ...]


@dataclass(frozen=True)
class Exported:
    """What was written and how it stands to torch.

    ``difference`` of every output by name: the largest, relative to numbers above 1. ``onnx_rows_per_s`` and
    ``torch_rows_per_s`` on one thread, over ``rows`` simulated rows of ``columns`` columns.
    """

    path: Path
    kind: str
    features: str
    opset: int
    columns: int
    rows: int
    difference: dict[str, float]
    onnx_rows_per_s: float
    torch_rows_per_s: float

    @property
    def equal(self) -> bool:
        """Whether every output agrees with torch."""
        return all(each <= TOLERANCE for each in self.difference.values())

    def text(self) -> str:
        """For people."""
        found = ", ".join(f"{name} {each:.1e}" for name, each in self.difference.items())
        verdict = "agrees with" if self.equal else "DIFFERS from"
        return (
            f"wrote {self.path}: {self.kind}, opset {self.opset}, input {INPUT!r} float32 (n, {self.columns})\n"
            f"{verdict} torch on {self.rows} simulated rows: largest difference {found} (allowed {TOLERANCE:g})\n"
            f"{self.onnx_rows_per_s:,.0f} rows/s in onnxruntime, {self.torch_rows_per_s:,.0f} in torch, on one thread"
        )


def found_bundle(model: str, config: Path) -> Bundle:
    """The model of a folder, of a name in the store, ``champion`` or ``challenger``.

    Raises ``UnknownNameError`` with the nearest names.
    """
    if (Path(model) / "manifest.json").is_file():
        return load(Path(model))
    with Store.open(load_config(config).store_path) as store:
        stored = store.pointed(model) if model in (CHAMPION, CHALLENGER) else None
        return load(store.path / (stored or store.model(model)).folder)


def export(bundle: Bundle, path: Path) -> Exported:
    """Write the network with its scaling, raw rows to outputs; raises ``ArtifactError`` for other detectors."""
    kind, detector = exportable(bundle)
    module, schema = detector.export_module().eval(), cast("Schema", detector.schema)
    rows = simulated_rows(detector, len(schema.columns))
    _write(module, detector.export_outputs, _properties(kind, detector, schema), path)
    session = _session(path)
    names = list(detector.export_outputs)
    by_torch = _timed(lambda part: _by_torch(module, part), rows)
    by_onnx = _timed(lambda part: tuple(session.run(names, {INPUT: part})), rows)
    return Exported(
        path=path,
        kind=kind,
        features=schema.fingerprint,
        opset=OPSET,
        columns=len(schema.columns),
        rows=len(rows),
        difference={
            name: difference(*each)
            for name, each in zip(detector.export_outputs, zip(by_torch[0], by_onnx[0], strict=True), strict=True)
        },
        onnx_rows_per_s=len(rows) / by_onnx[1],
        torch_rows_per_s=len(rows) / by_torch[1],
    )


def exportable(bundle: Bundle) -> tuple[str, Exportable]:
    """Kind and detector: of several the first that can be exported; raises ``ArtifactError``, naming those that can."""
    for each in bundle.members:
        if hasattr(each.detector, "export_module"):
            return each.kind, cast("Exportable", each.detector)
    able = ", ".join(kind for kind in registry.names() if hasattr(registry.find(kind), "export_module"))
    asked = ", ".join(repr(each.kind) for each in bundle.members)
    raise ArtifactError(f"detector {asked} has no export to ONNX; these have: {able}")


def simulated_rows(detector: Exportable, columns: int) -> NDArray[np.float32]:
    """Rows ``(ROWS, columns)`` to compare on: Gaussian around what the model knows, with missing values, and far ones.

    The first has nothing but missing values.
    """
    random = np.random.default_rng(SEED)
    centre, spread = np.zeros(columns), np.ones(columns)
    for scaling in getattr(detector, "scalings", ()):
        centre[scaling.at], spread[scaling.at] = scaling.centre, scaling.spread
    rows = centre + spread * random.normal(size=(ROWS, columns))
    rows[random.random(rows.shape) < 0.02] = np.nan
    rows[1:20] = np.where(random.random((19, columns)) < 0.1, np.inf, rows[1:20])
    rows[0] = np.nan
    return rows.astype(np.float32)


def difference(expected: NDArray[np.float32], got: NDArray[np.float32]) -> float:
    """Largest |expected − got| / max(1, |expected|); infinite where one is a number and the other is not."""
    if expected.shape != got.shape or not np.array_equal(np.isnan(expected), np.isnan(got)):
        return float("inf")
    off = np.abs(expected - got) / np.maximum(1, np.abs(expected))
    return float(np.nanmax(off, initial=0.0))


def _properties(kind: str, detector: Exportable, schema: Schema) -> dict[str, str]:
    """What a host must know of the model, as texts."""
    return {
        "lumicert_version": __version__,
        "kind": kind,
        "features": schema.fingerprint,
        "extractor": schema.extractor,
        "columns": json.dumps([column.name for column in schema.columns]),
        "outputs": json.dumps(detector.export_outputs),
    }


def _write(module: nn.Module, outputs: tuple[str, ...], properties: Mapping[str, str], path: Path) -> None:
    example = torch.zeros((2, len(json.loads(properties["columns"]))), dtype=torch.float32)
    with warnings.catch_warnings(), _quiet():
        # torch.export warns of its own parts: nothing that a user could do anything about.
        for category in (DeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", category)
        program = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("rows")},),
            input_names=[INPUT],
            output_names=list(outputs),
            opset_version=OPSET,
            verbose=False,
        )
    if program is None:
        raise ArtifactError(f"{path}: torch exported nothing")
    model = program.model_proto
    onnx.helper.set_model_props(model, dict(properties))
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's word on packages that are not there and not needed, and on what it did not simplify."""
    loggers = [logging.getLogger(name) for name in NOISY]
    for each in loggers:
        each.addFilter(_nothing)
    try:
        yield
    finally:
        for each in loggers:
            each.removeFilter(_nothing)


def _nothing(_: logging.LogRecord) -> bool:
    return False


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _by_torch(module: nn.Module, rows: NDArray[np.float32]) -> Arrays:
    with torch.inference_mode():
        return tuple(each.numpy() for each in module(torch.from_numpy(rows)))


def _timed(run: Callable[[NDArray[np.float32]], Arrays], rows: NDArray[np.float32]) -> tuple[Arrays, float]:
    """The answer of all rows, in parts, and the least seconds of three more runs."""
    at_once = max(1, VALUES_AT_ONCE // rows.shape[1])
    parts = [rows[begin : begin + at_once] for begin in range(0, len(rows), at_once)]
    answer, least = [run(part) for part in parts], float("inf")
    for _ in range(3):
        begin = time.perf_counter()
        for part in parts:
            run(part)
        least = min(least, time.perf_counter() - begin)
    return tuple(np.concatenate(each) for each in zip(*answer, strict=True)), least
