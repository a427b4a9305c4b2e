"""What detectors said of every feature in some lumisections, from the stored explanations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.comparison.ranking import behind
from dashboard.look.inert import for_figure
from dashboard.look.palette import BLUE, ORANGE
from dqm.store.explanations import Explanations
from features.words import described

CONTRIBUTION, INPUT = "contribution", "input"
RECONSTRUCTION, SURPRISE = "reconstruction of ", "surprise of "
DIFFERENCE = "difference, "
NAME = "column"
"""The column of the table that has the names by which features are stored."""
SIGNS = {"sigma": "σ"}
"""Units that a person writes otherwise than they are stored."""
DETECTORS = {"nade": "NADE", "autoencoder": "the autoencoder", "pca": "the principal components"}
"""What a person calls a detector that is stored by its kind."""
MOST_LETTERS = 72
"""Of a feature beside its bar: the longest of ours in words; of a longer one begin and end are written."""
DRAWN = 15
"""Features that a figure shows; the table has all of them."""


@dataclass(frozen=True)
class Terms:
    """The terms of some lumisections: ``table`` one row a feature, ``explained`` of ``asked`` lumisections.

    ``kinds`` are what can be shown: the column by which its features are sorted, with what a person calls it.
    """

    table: pd.DataFrame
    explained: int
    asked: int
    kinds: dict[str, str]


def terms_of(found: Explanations, wanted: tuple[int, int], asked: int, element: str = "") -> Terms:
    """Means over the explained lumisections in ``wanted`` (both ends included), of one ``element`` or of all features.

    A difference is input minus reconstruction, in the unit of the feature.
    """
    ls = np.asarray(found.index.get_level_values("ls"))
    rows = (ls >= wanted[0]) & (ls <= wanted[1])
    kept = np.array([not element or behind(name, {element}) == element for name in found.names], dtype=bool)
    units = found.units or ("",) * len(found.names)
    named = [name for name, keep in zip(found.names, kept, strict=True) if keep]
    columns: dict[str, object] = {
        "feature": _told_apart(named),
        "unit": [SIGNS.get(unit, unit) for unit, keep in zip(units, kept, strict=True) if keep],
    }
    kinds: dict[str, str] = {}
    means = {name: _mean(values[rows][:, kept]) for name, values in found.terms.items()}
    for name, values in means.items():
        if name == CONTRIBUTION:
            columns["contribution (log-odds)"] = values
            kinds["contribution (log-odds)"] = "Contribution to badness"
        elif name.startswith(SURPRISE):
            columns[f"{name} (nats)"] = values
            kinds[f"{name} (nats)"] = _said(name)
        elif name.startswith(RECONSTRUCTION):
            columns |= {INPUT: means.get(INPUT, np.full(len(values), np.nan)), name: values}
            columns[f"{DIFFERENCE}{name}"] = means.get(INPUT, np.full(len(values), np.nan)) - values
            kinds[f"{DIFFERENCE}{name}"] = f"Input against {_said(name)[:1].lower()}{_said(name)[1:]}"
    columns[NAME] = named
    return Terms(pd.DataFrame(columns), int(rows.sum()), asked, kinds)


def _told_apart(names: list[str]) -> list[str]:
    """Features in words; those that read alike carry their names too."""
    words = [described(each) for each in names]
    return [word if words.count(word) == 1 else f"{word} ({name})" for word, name in zip(words, names, strict=True)]


def _said(name: str) -> str:
    what, _, detector = name.partition(" of ")
    whose = f" of {DETECTORS.get(detector, detector)}" if detector else ""
    return f"{what[:1].upper()}{what[1:]}{whose}"


def _mean(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean over the rows ``(n, d)`` that have a number, NaN where none has."""
    told = np.isfinite(values)
    total = np.where(told, values, 0.0).sum(axis=0, dtype=np.float64)
    count = told.sum(axis=0)
    out = np.full(values.shape[1], np.nan)
    return np.asarray(np.divide(total, count, out=out, where=count > 0))


def sorted_by(terms: Terms, column: str) -> pd.DataFrame:
    """The table, the largest of a column first, whichever its sign; features without a number last."""
    size = terms.table[column].abs()
    return terms.table.loc[size.sort_values(ascending=False, kind="stable", na_position="last").index]


def terms_figure(terms: Terms, column: str) -> go.Figure:
    """The features of which ``column`` is the largest, as bars; input beside reconstruction where that is shown."""
    if column.startswith(DIFFERENCE) and terms.table[NAME].str.fullmatch(r".*:bin\d+").all():
        return _shape_figure(terms, column.removeprefix(DIFFERENCE))
    top = sorted_by(terms, column).dropna(subset=[column]).head(DRAWN).iloc[::-1]
    names = [_named(row) for row in top[["feature", "unit"]].itertuples(index=False)]
    figure = go.Figure()
    if column.startswith(DIFFERENCE):
        reconstruction = column.removeprefix(DIFFERENCE)
        scale = np.maximum(top[[INPUT, reconstruction]].abs().max(axis=1).to_numpy(), 1e-12)
        for name, colour, symbol in ((INPUT, BLUE, "circle"), (reconstruction, ORANGE, "diamond-open")):
            figure.add_trace(
                go.Scatter(
                    x=top[name] / scale, y=names, mode="markers", name=for_figure(_said(name)), customdata=top[name],
                    marker={"color": colour, "size": 11, "symbol": symbol, "line": {"width": 2}},
                    hovertemplate="%{y}: %{customdata:.4g}<extra></extra>",
                )
            )  # fmt: skip
        figure.update_xaxes(title="value, as a share of the larger of both (the table has it in its unit)")
    else:
        figure.add_trace(
            go.Bar(
                x=top[column], y=names, orientation="h", marker={"color": BLUE},
                hovertemplate="%{y}: %{x:.4g}<extra></extra>",
            )
        )  # fmt: skip
        figure.update_xaxes(title=for_figure(column))
    figure.update_yaxes(automargin=True, type="category")
    figure.update_layout(
        height=110 + 26 * max(len(names), 3),
        margin={"l": 20, "r": 20, "t": 30, "b": 50},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
    )
    return figure


def _shape_figure(terms: Terms, reconstruction: str) -> go.Figure:
    """The bins of one histogram as a model saw them and gave them back."""
    place = terms.table[NAME].str.rpartition(":bin")[2].astype(int)
    rows = terms.table.loc[place.sort_values().index]
    figure = go.Figure()
    for name, colour, dash in ((INPUT, BLUE, "solid"), (reconstruction, ORANGE, "dash")):
        line = {"color": colour, "width": 2, "shape": "hvh", "dash": dash}
        figure.add_trace(
            go.Scatter(x=np.sort(place), y=rows[name], mode="lines", line=line, name=for_figure(_said(name)))
        )
    figure.update_xaxes(title="bin")
    figure.update_yaxes(title="share of the counts, as features.shapes.scale has it")
    return figure.update_layout(
        height=360,
        margin={"l": 75, "r": 20, "t": 40, "b": 50},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
    )


def _named(row: tuple[str, str]) -> str:
    feature, unit = row
    half = MOST_LETTERS // 2 - 1
    short = feature if len(feature) <= MOST_LETTERS else f"{feature[:half]}…{feature[-half:]}"
    return for_figure(f"{short} ({unit})" if unit else short)
