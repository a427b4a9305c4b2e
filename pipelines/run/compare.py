"""``dqm compare``: what the page Compare shows of one element, as a file."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io

from dashboard.comparison.choice import Choice
from dashboard.comparison.figures import comparison_figure, lone_figure
from dashboard.comparison.map_figures import map_figure
from dashboard.comparison.map_standing import MapStanding, cell_table, map_standing_of
from dashboard.comparison.reference import NoReference, Reference
from dashboard.comparison.standing import Given, Standing, given_of, remarks, standing_of
from dashboard.comparison.tables import bin_names, bin_table, csv_of, lone_table
from dashboard.links import asked_range
from dashboard.reading.stored_elements import elements, read_reference
from dqm.model.amounts import counted
from dqm.model.config import Config
from dqm.model.errors import InputError, UnknownNameError
from dqm.store.histograms import read_histograms
from dqm.store.store import Store

ENDINGS = (".html", ".csv")


@dataclass(frozen=True)
class Compared:
    """One comparison: ``given`` beside ``standing``, or why there is none; ``notes`` are what to know before."""

    given: Given
    standing: Standing | MapStanding | NoReference
    notes: tuple[str, ...]

    def text(self) -> str:
        """For people."""
        lines = [f"{self.given.element} in run {self.given.run}, LS {self.given.first} to {self.given.last}: "]
        lines[0] += f"{self.given.lumisections:,} LS, {self.given.total:,.0f} counts"
        if isinstance(self.standing, NoReference):
            lines.append(f"unknown ({self.standing.code}): not compared, since {self.standing.why}")
        elif isinstance(self.standing, MapStanding):
            cells = self.standing.cells
            lines.append(f"{cells.dead.sum()} dead and {cells.hot.sum()} hot of {cells.dead.size} cells")
        else:
            name = bin_names(self.standing.reference.axes[0])[self.standing.where + 1]
            lines.append(
                f"largest pull {self.standing.pull:.1f} sigma (bin {name}), {self.standing.ks:.1%} lies elsewhere, "
                f"shifted by {self.standing.emd:.2g} widths"
            )
        if not isinstance(self.standing, NoReference):
            runs = self.standing.reference.runs
            lines.append(f"against {self.standing.named}: {counted(len(runs), 'run')}, {runs[0]} to {runs[-1]}")
        return "\n".join([*lines, *self.notes])

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        told: dict[str, Any] = {"element": self.given.element, "run": self.given.run, "notes": list(self.notes)}
        told |= {"first": self.given.first, "last": self.given.last, "counts": self.given.total}
        if isinstance(self.standing, NoReference):
            return told | {"unknown": self.standing.code, "why": self.standing.why}
        told |= {"reference": self.standing.reference.choice.text(), "runs": list(self.standing.reference.runs)}
        if isinstance(self.standing, MapStanding):
            return told | {"dead": int(self.standing.cells.dead.sum()), "hot": int(self.standing.cells.hot.sum())}
        return told | {name: getattr(self.standing, name) for name in ("pull", "where", "ks", "emd")}


def compare(config: Config, store: Store, run: int, element: str, ls: str = "", reference: str = "") -> Compared:
    """Compare an element of a run in the lumisections ``ls`` (such as 3-9; empty: all) with a reference.

    Raises ``InputError`` for a range or reference that cannot be read, a range without the element and an element of
    three dimensions, ``UnknownNameError`` for a run or element that is not there.
    """
    wanted = asked_range(ls) if ls else None
    if ls and wanted is None:
        raise InputError(f"lumisections {ls!r} are no range; write 3-9 or 7")
    settings = config.features.references
    choice = Choice.read(reference) if reference else Choice.of(settings)
    snapshot = store.snapshot
    held = elements(store, run, snapshot)
    if not held:
        raise UnknownNameError("run of histograms", str(run), map(str, store.runs("histograms", snapshot)))
    if element not in held:
        raise UnknownNameError(f"monitor element of run {run}", element, held)
    given = given_of(list(read_histograms(store, [element], [run], snapshot)), wanted)
    if given is None:
        raise InputError(f"run {run} has {element} in none of the lumisections {ls}")
    if len(given.axes) > 2:
        raise InputError(f"{element} has {len(given.axes)} dimensions; only those of one or two are compared")
    found = read_reference(store, run, element, given.axes, choice, alpha=settings.alpha, snapshot=snapshot)
    return Compared(given, _standing(given, found), tuple(remarks(given, found)))


def _standing(given: Given, found: Reference | NoReference) -> Standing | MapStanding | NoReference:
    if isinstance(found, NoReference):
        return found
    return standing_of(given, found) if len(given.axes) == 1 else map_standing_of(given, found)


def write(compared: Compared, path: Path) -> None:
    """Write the figure (``.html``, needs no network) or the table (``.csv``); raises ``InputError`` for another."""
    if path.suffix == ".csv":
        path.write_bytes(csv_of(_table(compared)))
        return
    if path.suffix != ".html":
        raise InputError(f"{path}: writes {' or '.join(ENDINGS)}; name a file with one of these endings")
    title = escape(f"{compared.given.element}, run {compared.given.run}")
    plot = plotly.io.to_html(_figure(compared), full_html=False, include_plotlyjs=True, config={"displaylogo": False})
    said = "".join(f"<p>{escape(each)}</p>" for each in compared.text().splitlines())
    head = f"<meta charset='utf-8'><title>{title}</title>"
    page = f"<!doctype html><html lang='en'><head>{head}</head><body><h1>{title}</h1>{said}{plot}</body></html>\n"
    path.write_text(page, encoding="utf-8")


def _table(compared: Compared) -> pd.DataFrame:
    if isinstance(compared.standing, Standing):
        return bin_table(compared.standing)
    if isinstance(compared.standing, MapStanding):
        return cell_table(compared.standing, marked=False)
    if len(compared.given.axes) == 1:
        return lone_table(compared.given)
    y, x = np.indices(compared.given.inside.shape).reshape(2, -1)
    return pd.DataFrame({"x bin": x, "y bin": y, "counts": compared.given.inside.reshape(-1)})


def _figure(compared: Compared) -> go.Figure:
    if isinstance(compared.standing, Standing):
        return comparison_figure(compared.standing)
    if isinstance(compared.standing, MapStanding):
        return map_figure(compared.standing)
    if len(compared.given.axes) == 1:
        return lone_figure(compared.given)
    return go.Figure(go.Heatmap(z=compared.given.inside, colorscale="Cividis"))
