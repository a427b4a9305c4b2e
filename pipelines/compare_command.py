"""``dqm compare``: a monitor element in some lumisections of a run beside a reference of earlier runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.terminal import DEFAULT_CONFIG, ConfigPath, JsonPath, say, write_json


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(compare)


def compare(
    run: Annotated[int, typer.Argument(help="run")],
    element: Annotated[str, typer.Argument(help="monitor element")],
    ls: Annotated[str, typer.Option(help="lumisections: 3-9 or 7; empty: all")] = "",
    reference: Annotated[
        str, typer.Option(help="nearest, matched, adaptive, certified-8 (how many) or run-123456; empty: as configured")
    ] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="file to write: .html or .csv")] = None,
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """Compare a monitor element with a reference of earlier runs, as the page Compare does."""
    from dqm.model.config import load
    from dqm.store.store import Store
    from pipelines.run.compare import compare as run_compare
    from pipelines.run.compare import write

    settings = load(config)
    with Store.open(settings.store_path) as store:
        found = run_compare(settings, store, run, element, ls, reference)
    if output is not None:
        write(found, output)
    say(found.text())
    write_json(json_path, found.document())
