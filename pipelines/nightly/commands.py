"""The commands of a night that runs itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from pipelines.desk import desk, nonce_of
from pipelines.terminal import (
    DEFAULT_CONFIG,
    QUARANTINE,
    UNDELIVERED,
    As,
    ConfigPath,
    JsonPath,
    LogPath,
    Nonce,
    Runs,
    SchedulerName,
    say,
    silent,
    write_json,
)

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
    app.command()(watch)
    app.command()(end_run)
    app.command()(status)
    app.command()(serve_health)
    app.command()(promote)
    app.command()(explain)


def nightly(
    config: ConfigPath = DEFAULT_CONFIG,
    runs: Runs = "",
    since: Since = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be done and write nothing")] = False,
    scheduler: SchedulerName = "serial",
    log_path: LogPath = "",
    json_path: JsonPath = "",
) -> None:
    """Do a whole night: ingest what arrived, score what is due, decide, publish, tell, report.

    Run it as often as you like: a night that finds nothing new changes nothing. Exit code 75: another one runs; 4:
    alerts were given up, see dqm alerts dead.
    """
    _night(config, runs, since, scheduler, (log_path, json_path), dry=dry_run)


def backfill(
    config: ConfigPath = DEFAULT_CONFIG,
    runs: Runs = "",
    since: Since = None,
    scheduler: SchedulerName = "serial",
    log_path: LogPath = "",
    json_path: JsonPath = "",
) -> None:
    """A night that scores again every run that the champion did not learn from, whatever was scored before."""
    _night(config, runs, since, scheduler, (log_path, json_path), again=True)


def _night(
    config: ConfigPath,
    runs: str,
    since: datetime | None,
    scheduler: str,
    written: tuple[str, str],
    *,
    again: bool = False,
    dry: bool = False,
) -> None:
    from dqm.model.config import load
    from dqm.store.postgresql import Place
    from dqm.store.store import Store
    from pipelines.execution.schedulers import Scheduler
    from pipelines.nightly.log import STANDARD_ERROR, logging_to
    from pipelines.nightly.night import dry_run
    from pipelines.nightly.night import nightly as run
    from pipelines.nightly.work import NightRequest
    from pipelines.progress import showing
    from pipelines.run.score import chosen_runs

    log_path, json_path = written
    settings = load(config)
    begin = None if since is None else since.replace(tzinfo=UTC)
    request = NightRequest(chosen_runs(runs), begin, Scheduler.parse(scheduler), again)
    with Store.open(settings.store_path, place=Place.configured(settings.store)) as store:
        if dry:
            say(dry_run(settings, store, request))
            return
        with showing("night") as started, logging_to(log_path) as log:
            done = run(settings, store, request, started, log)
    (silent if log_path == STANDARD_ERROR else say)(done.text())
    write_json(json_path, done.document())
    if done.failed:
        raise typer.Exit(1)
    if done.dead:
        raise typer.Exit(UNDELIVERED)
    if done.quarantined:
        raise typer.Exit(QUARANTINE)


def watch(
    config: ConfigPath = DEFAULT_CONFIG,
    interval: Annotated[float, typer.Option(help="seconds from one look at the files to the next")] = 1.0,
    seconds: Annotated[float | None, typer.Option("--for", help="stop after so many seconds")] = None,
    once: Annotated[bool, typer.Option("--once", help="look once and stop")] = False,
    log_path: LogPath = "",
    json_path: JsonPath = "",
) -> None:
    """Score lumisections as their files appear; stops after the pass at work on Ctrl-C or SIGTERM.

    Verdicts of a run that still grows are provisional. Exit code 1: something failed in a pass.
    """
    from dqm.model.config import load
    from dqm.store.postgresql import Place
    from dqm.store.store import Store
    from pipelines.nightly.log import STANDARD_ERROR, logging_to
    from pipelines.nightly.watch import stopping
    from pipelines.nightly.watch import watch as run

    settings = load(config)
    place = Place.configured(settings.store)
    tell = silent if log_path == STANDARD_ERROR else say
    with Store.open(settings.store_path, place=place) as store, stopping() as stop, logging_to(log_path) as log:
        done = run(settings, store, interval=interval, seconds=seconds, once=once, stop=stop, say=tell, log=log)
    tell(done.text())
    write_json(json_path, vars(done))
    if done.failed:
        raise typer.Exit(1)


def end_run(
    run: Annotated[int, typer.Argument(help="run")],
    comment: Annotated[str, typer.Option(help="in your words")] = "",
    who: As = "",
    nonce: Nonce = "",
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """Say that a run has ended, so that its verdicts become final with the next certification."""
    from dqm.services.growing import end_run as service

    with desk(config) as (_, store, people):
        done = service(store, people, who, run, comment, nonce=nonce_of(nonce))
    say(done.text())
    write_json(json_path, done.document())


def status(
    config: ConfigPath = DEFAULT_CONFIG,
    within: Annotated[
        float, typer.Option(help="exit with 1, and post nightly.missed, where no night finished for so many hours")
    ] = 0.0,
    json_path: JsonPath = "",
) -> None:
    """Say how things stand: nights, models, alerts, what is published.

    Exit code 1: no night finished in time; 4: alerts were given up (dqm alerts dead).
    """
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
    if found.dead:
        raise typer.Exit(UNDELIVERED)


def serve_health(
    config: ConfigPath = DEFAULT_CONFIG,
    port: Annotated[int, typer.Option(help="port; 0: any free one", min=0, max=65535)] = 8502,
    host: Annotated[str, typer.Option(help="address to listen at")] = "127.0.0.1",
    within: Annotated[float, typer.Option(help="hours within which a night must have finished to be ready")] = 0.0,
) -> None:
    """Answer /healthz, /readyz and /metrics (Prometheus) about the store."""
    from dqm.model.config import load
    from pipelines.nightly.health import HealthServer

    settings = load(config)
    with HealthServer((host, port), settings.store_path, within) as server:
        say(f"http://{host}:{server.server_address[1]}/ answers {', '.join(server.answers)}; stop with Ctrl-C")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def promote(
    why: Annotated[str, typer.Option(help="the reason, for the audit")] = "",
    who: As = "",
    compare_only: Annotated[bool, typer.Option("--compare", help="only compare; change nothing")] = False,
    back: Annotated[bool, typer.Option("--back", help="go back to the model before the last promotion")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="promote though the comparison speaks against it")] = False,
    nonce: Nonce = "",
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """Compare the challenger with the champion on the latest labelled runs, and let it score from now on."""
    from pipelines.promotion.promote import compared, roll_back
    from pipelines.promotion.promote import promote as run

    name = nonce_of(nonce)
    with desk(config) as (settings, store, people):
        if compare_only:
            found = compared(settings, store)
            say(found.text())
            write_json(json_path, found.document())
            return
        if back:
            done = roll_back(settings, store, people, who, why, nonce=name)
        else:
            done = run(settings, store, people, who, why, nonce=name, anyway=anyway)
    say(done.text())
    write_json(json_path, done.document())


def explain(
    run: Annotated[int, typer.Argument(help="run")],
    ls: Annotated[int, typer.Argument(help="lumisection")],
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """Print the chain from the data of a lumisection to its decision, with the digest of every step."""
    from dqm.model.config import load
    from dqm.store.store import Store
    from features.asked import asked_of
    from pipelines.run.explain import explain as service

    settings = load(config)
    with Store.open(settings.store_path) as store:
        found = service(store, run, ls, asked_of(settings.features, settings.limits).digest)
    say(found.text())
    write_json(json_path, found.document())
