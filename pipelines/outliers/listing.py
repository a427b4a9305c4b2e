"""What ``dqm outliers`` writes: the top events with the terms that make each stand out, and a page of plots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dashboard.look.inert import for_spreadsheet

if TYPE_CHECKING:
    from pipelines.outliers.search import Scored, Search

PAGE = "densities.html"


def write_listing(search: Search, folder: Path) -> tuple[str, ...]:
    """Write lists of every method and the page into ``folder``; the names of the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for scored in search.scored:
        found = listing(search, scored)
        for ending in ("parquet", "csv"):
            target = folder / f"outliers-{scored.method}.{ending}"
            if ending == "parquet":
                found.to_parquet(target, index=False)
            else:
                _inert(found).to_csv(target, index=False, lineterminator="\r\n")
            written.append(str(target))
    from pipelines.outliers.plots import figure_of

    figure_of(search).write_html(folder / PAGE, include_plotlyjs=True)
    return (*written, str(folder / PAGE))


def _inert(table: pd.DataFrame) -> pd.DataFrame:
    """The table with no text, of a cell or a heading, that a spreadsheet would run as a formula."""
    safe = table.copy()
    for name in [each for each in table if not pd.api.types.is_numeric_dtype(table[each])]:
        safe[name] = table[name].map(for_spreadsheet)
    return safe.rename(columns=for_spreadsheet)


def listing(search: Search, scored: Scored) -> pd.DataFrame:
    """The highest scores first: where the event stands, its features as learned, terms in nats and the leading one."""
    order = np.argsort(-scored.score, kind="stable")[: search.request.top]
    events = search.events
    columns: dict[str, object] = {
        "rank": np.arange(1, len(order) + 1),
        "file": events.file[order],
        "row": events.row[order],
        "score": scored.score[order],
    }
    if search.injected.any():
        columns["injected"] = search.injected[order]
    names = events.table.names
    columns |= {name: events.table.values[order, j] for j, name in enumerate(names)}
    if scored.terms is not None:
        terms = scored.terms[order]
        columns["leading"] = np.array(names, dtype=object)[terms.argmax(axis=1)]
        columns |= {f"term:{name}": terms[:, j] for j, name in enumerate(names)}
    return pd.DataFrame(columns)
