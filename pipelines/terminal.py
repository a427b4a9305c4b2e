"""What every command shares: its common options, text for people, and JSON for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer

ConfigPath = Annotated[Path, typer.Option("--config", "-c", help="configuration file")]
JsonPath = Annotated[str, typer.Option("--json", help="write the result as JSON to this path; - = standard output")]
LinesPath = Annotated[
    Path | None, typer.Option("--lines", help="append each row as a line of JSON as soon as it is measured")
]
Runs = Annotated[str, typer.Option(help="runs to use, e.g. 355100-355200,355210; empty: all that qualify")]
SchedulerName = Annotated[
    str, typer.Option("--scheduler", help="serial, processes:4, dask:4, htcondor:20 or tcp://HOST:PORT")
]
LogPath = Annotated[
    str, typer.Option("--log-json", help="append one JSON object a line here; - = standard error, in place of text")
]
As = Annotated[str, typer.Option("--as", help="who acts; the operator of the configuration where it is left out")]
Nonce = Annotated[str, typer.Option(help="name of this submission; the same one twice counts once")]
QUARANTINE, UNDELIVERED = 3, 4
"""Exit codes of what was done: with input in quarantine; with alerts that were given up."""
DEFAULT_CONFIG = Path("dqm.toml")


def say(text: str) -> None:
    """Human text, to standard error."""
    typer.echo(text, err=True)


def silent(text: str) -> None:
    """Say nothing, where standard error is for machines."""


def write_json(target: str, document: Any) -> None:
    """Write a document where ``--json`` asked for it."""
    text = json.dumps(_plain(document), indent=1, allow_nan=False)
    if target == "-":
        typer.echo(text)
    elif target:
        Path(target).write_text(text + "\n", encoding="utf-8")


class Documented(Protocol):
    """A row of a result."""

    def document(self) -> dict[str, Any]:
        """The row as JSON holds it."""


def line_writer(target: Path | None) -> Callable[[Documented], None]:
    """What appends a row where ``--lines`` asked for it, so that a run that is broken off keeps what it had."""

    def append(row: Documented) -> None:
        if target is not None:
            with target.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(_plain(row.document()), allow_nan=False) + "\n")

    return append


def _plain(value: Any) -> Any:
    """The document in what JSON knows: a number that is not finite is null."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, (int, str, bool, type(None))) else str(value)
