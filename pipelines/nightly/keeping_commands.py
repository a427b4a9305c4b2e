"""The commands that keep a store: backup, restore, prune."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.desk import desk
from pipelines.terminal import DEFAULT_CONFIG, As, ConfigPath, JsonPath, say, write_json


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(backup)
    app.command()(restore)
    app.command()(prune)


def prune(
    keep_nights: Annotated[int, typer.Option(help="reports of so many newest nights stay")] = 60,
    older_than: Annotated[float, typer.Option(help="what was replaced or told so many days ago goes")] = 90.0,
    cache: Annotated[bool, typer.Option("--cache", help="also the cache; the next night takes longer once")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="list what would go and change nothing")] = False,
    who: As = "",
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """Remove what a store need not keep: old reports, replaced data, deliveries that ended, leftovers.

    Never what is current, verdicts, published files, models, what people did, events, or anything of a signed run.
    """
    from pipelines.nightly.prune import prune as run

    with desk(config) as (_, store, people):
        done = run(store, people.person(who), nights=keep_nights, days=older_than, cache=cache, dry=dry_run)
    say(done.text())
    write_json(json_path, done.document())


def backup(
    folder: Annotated[Path, typer.Argument(help="new folder for the copy")],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Copy the store into a new folder and verify every byte; a night may go on meanwhile."""
    from dqm.model.config import load
    from dqm.store.backup import backup as run
    from dqm.store.store import Store

    with Store.open(load(config).store_path) as store:
        say(run(store, folder).text())


def restore(
    source: Annotated[Path, typer.Argument(help="folder that dqm backup made")],
    folder: Annotated[Path, typer.Argument(help="new folder for the store")],
) -> None:
    """Make a store of a copy; point [store] path at it afterwards."""
    from dqm.store.backup import restore as run

    say(run(source, folder).text())
