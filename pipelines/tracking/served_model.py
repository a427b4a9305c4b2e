"""The model as MLflow serves it: a row of features in, score and badness out.

MLflow runs this file from its own copy ("models from code") and gives it the folder of the bundle, so nothing is
pickled. It is loaded by path and never imported.
"""

from __future__ import annotations

from typing import Any

import mlflow
import numpy as np
import pandas as pd

from detectors.artifacts import load
from dqm.model.tables import FeatureTable


class ServedModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc,name-defined]  # MLflow has no types
    """Badness of rows of features; columns by name, NaN = missing."""

    def load_context(self, context: Any) -> None:
        """Read the bundle; raises ``ArtifactError`` for one that was changed."""
        from pathlib import Path

        self._bundle = load(Path(context.artifacts["bundle"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Columns ``score`` and ``badness``, NaN where no feature is present; ``KeyError`` for a column too few."""
        schema = self._bundle.schema
        names = [column.name for column in schema.columns]
        values = model_input[names].to_numpy(dtype=np.float32)
        table = FeatureTable(pd.RangeIndex(len(values)), schema.columns, values, schema.extractor)
        score = self._bundle.combined(self._bundle.scores(table))
        return pd.DataFrame({"score": score, "badness": self._bundle.badness(score)}, index=model_input.index)


mlflow.models.set_model(ServedModel())
