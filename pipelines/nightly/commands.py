"""The commands of a night that runs itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from pipelines.terminal import DEFAULT_CONFIG, ConfigPath, JsonPath, Runs, SchedulerName, say, write_json

QUARANTINE = 3

Since = Annotated[
    datetime | None,
    typer.Option(
        help="only runs with a lumisection that begins at or after this UTC moment",
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(nightly)
    app.command()(backfill)
    app.command()(status)


def nightly(
    config: ConfigPath = DEFAULT_CONFIG,
    runs: Runs = "",
    since: Since = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be done and write nothing")] = False,
    scheduler: SchedulerName = "serial",
    json_path: JsonPath = "",
) -> None:
    """Do a whole night: ingest what arrived, score what is due, decide, publish, tell, report.

    Run it as often as you like: a night that finds nothing new changes nothing. Exit code 75: another one runs.
    """
    _night(config, runs, since, scheduler, json_path, dry=dry_run)


def backfill(
    config: ConfigPath = DEFAULT_CONFIG,
    runs: Runs = "",
    since: Since = None,
    scheduler: SchedulerName = "serial",
    json_path: JsonPath = "",
) -> None:
    """A night that scores again every run that the champion did not learn from, whatever was scored before."""
    _night(config, runs, since, scheduler, json_path, again=True)


def _night(
    config: ConfigPath,
    runs: str,
    since: datetime | None,
    scheduler: str,
    json_path: str,
    *,
    again: bool = False,
    dry: bool = False,
) -> None:
    from dqm.model.config import load
    from dqm.store.store import Store
    from pipelines.execution.schedulers import Scheduler
    from pipelines.nightly.night import NightRequest, dry_run
    from pipelines.nightly.night import nightly as run
    from pipelines.progress import showing
    from pipelines.run.score import chosen_runs

    settings = load(config)
    begin = None if since is None else since.replace(tzinfo=UTC)
    request = NightRequest(chosen_runs(runs), begin, Scheduler.parse(scheduler), again)
    with Store.open(settings.store_path) as store:
        if dry:
            say(dry_run(settings, store, request))
            return
        with showing("night") as started:
            done = run(settings, store, request, started)
    say(done.text())
    write_json(json_path, done.document())
    if done.failed:
        raise typer.Exit(1)
    if done.quarantined:
        raise typer.Exit(QUARANTINE)


def status(
    config: ConfigPath = DEFAULT_CONFIG,
    within: Annotated[
        float, typer.Option(help="exit with 1, and post nightly.missed, where no night finished for so many hours")
    ] = 0.0,
    json_path: JsonPath = "",
) -> None:
    """Say how things stand: nights, models, alerts, what is published."""
    from dqm.model.config import load
    from dqm.store.store import Store
    from pipelines.nightly.status import status as run
    from pipelines.nightly.status import watched

    settings = load(config)
    with Store.open(settings.store_path) as store:
        found = watched(store, within) if within else run(store)
    say(found.text())
    write_json(json_path, found.document())
    if found.overdue:
        raise typer.Exit(1)
