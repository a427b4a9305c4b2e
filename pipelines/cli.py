"""The command line ``dqm``: one command per verb, human text on standard error, ``--json PATH`` for machines.

Exit codes: 0 done, 1 something failed, 2 wrong usage, 3 done with quarantined input, 4 done with alerts that
were given up, 75 another one is at work, 78 wrong configuration.
Heavy packages are imported by the command that needs them, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from dqm import __version__
from dqm.model.errors import (
    ArtifactError,
    ConfigError,
    FingerprintError,
    InputError,
    LockedError,
    RefusedError,
    StoreError,
    UnknownNameError,
)
from pipelines import compare_command, file_commands, service_commands
from pipelines.alerts.commands import app as alerts
from pipelines.benchmarks.commands import app as benchmarks
from pipelines.nightly.commands import register as register_nights
from pipelines.nightly.keeping_commands import register as register_keeping
from pipelines.overview import Overview
from pipelines.sensors.scan_commands import app as sensors
from pipelines.terminal import DEFAULT_CONFIG, QUARANTINE, ConfigPath, JsonPath, Runs, SchedulerName, say, write_json

LOCKED, CONFIG = 75, 78
KNOWN = (ArtifactError, ConfigError, FingerprintError, InputError, RefusedError, StoreError, UnknownNameError)

app = typer.Typer(
    name="dqm",
    cls=Overview,
    help="Certify detector data: from lumisections to a golden JSON, at a chosen data loss and workload.",
    epilog="A first look: dqm demo. Your own data: dqm init, ingest, train, score, certify; every night: dqm nightly",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rich help would cost a quarter of a second at every start
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(benchmarks, name="benchmark")
app.add_typer(alerts, name="alerts")
app.add_typer(sensors, name="sensors")


def main() -> None:
    """Run a command; an error that we foresaw is one line, not a traceback."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin while they wait take the cores from others
    try:
        app()
    except KNOWN as error:
        typer.secho(f"dqm: {error}", fg="red", err=True)
        sys.exit(CONFIG if isinstance(error, ConfigError) else LOCKED if isinstance(error, LockedError) else 1)
    except OSError as error:
        typer.secho(f"dqm: {error}", fg="red", err=True)
        sys.exit(1)


@app.command()
def init(
    example: Annotated[str, typer.Argument(help="clas12, cms or generic")] = "generic",
    path: Annotated[Path, typer.Option(help="where to write it")] = DEFAULT_CONFIG,
) -> None:
    """Write a commented example configuration."""
    from dqm.model import templates

    text = templates.text(example)
    if path.exists():
        raise ConfigError(f"{path} exists already; name another with --path")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    say(f"wrote {path}: name your files in it, then: dqm ingest --config {path}")


@app.command()
def ingest(config: ConfigPath = DEFAULT_CONFIG, json_path: JsonPath = "") -> None:
    """Read the inputs into the store; what cannot be used is quarantined with a reason."""
    from dqm.model.config import load
    from dqm.store.postgresql import Place
    from dqm.store.store import Store
    from pipelines.run.ingest import ingest as run

    settings = load(config)
    with Store.create(settings.store_path, place=Place.configured(settings.store)) as store:
        done = run(settings, store)
    say("\n".join([*done.said(20), done.text()]))
    write_json(json_path, {**vars(done), "findings": [str(each) for each in done.findings]})
    if done.quarantined:
        raise typer.Exit(QUARANTINE)


@app.command()
def rehearse(config: ConfigPath = DEFAULT_CONFIG, json_path: JsonPath = "") -> None:
    """Certify your own labelled runs block by block, as if each were new: what would have been lost, and asked."""
    from dqm.model.config import load
    from dqm.store.store import Store
    from pipelines.run.rehearse import rehearse as run

    settings = load(config)
    with Store.open(settings.store_path) as store:
        done = run(settings, store)
    say(done.text())
    write_json(json_path, done.document())


@app.command()
def train(
    config: ConfigPath = DEFAULT_CONFIG,
    warm: Annotated[bool, typer.Option("--warm", help="continue the newest model instead of fitting afresh")] = False,
    challenger: Annotated[bool, typer.Option("--challenger", help="keep the champion; only store this model")] = False,
    json_path: JsonPath = "",
) -> None:
    """Train on everything people have labelled and choose the working point from out-of-fold badness of those runs."""
    from dqm.model.config import load
    from dqm.store.store import Store
    from pipelines.run.train import train as run

    settings = load(config)
    with Store.open(settings.store_path) as store:
        done = run(settings, store, warm=warm, challenger=challenger)
    say(done.text())
    write_json(json_path, done.document())


@app.command()
def score(
    config: ConfigPath = DEFAULT_CONFIG, runs: Runs = "", scheduler: SchedulerName = "serial", json_path: JsonPath = ""
) -> None:
    """Give every lumisection of the newest runs a badness."""
    from dqm.model.config import load
    from dqm.store.store import Store
    from pipelines.execution.schedulers import Scheduler
    from pipelines.execution.workers import Workers
    from pipelines.run.score import chosen_runs
    from pipelines.run.score import score as run

    settings = load(config)
    with Store.open(settings.store_path) as store, Workers(Scheduler.parse(scheduler)) as workers:
        done = run(settings, store, chosen_runs(runs), workers)
    say(done.text())
    write_json(json_path, done.document())
    if done.failed:
        raise typer.Exit(1)


@app.command()
def certify(
    config: ConfigPath = DEFAULT_CONFIG,
    runs: Runs = "",
    report: Annotated[Path | None, typer.Option(help="also write a self-contained HTML report")] = None,
    output: Annotated[Path | None, typer.Option(help="folder for golden.json, anti.json and verdicts.csv")] = None,
    json_path: JsonPath = "",
) -> None:
    """Turn badness into verdicts with reasons and publish the golden JSON."""
    from dqm.model.config import load
    from dqm.store.store import Store
    from pipelines.run.certify import certify as run
    from pipelines.run.score import chosen_runs

    settings = load(config)
    with Store.open(settings.store_path) as store:
        done = run(settings, store, chosen_runs(runs), report=report, output=output)
    say(done.text())
    write_json(json_path, done.document())


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="folder of the demonstration; emptied of an earlier one")] = Path("demo"),
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="open the dashboard at the end")] = True,
    seed: Annotated[int, typer.Option(help="seed of the simulation")] = 1,
) -> None:
    """Simulate, ingest, train, certify, report; then open the dashboard."""
    from pipelines.run.demo import demo as run

    done = run(folder, seed)
    say(done.text())
    if serve:
        from pipelines.serve import serve as open_dashboard

        raise typer.Exit(open_dashboard(done.config, port=8501))


@app.command()
def models(config: ConfigPath = DEFAULT_CONFIG, json_path: JsonPath = "") -> None:
    """List the trained models of the store: aliases, detectors, runs, and what MLflow calls them."""
    from dqm.model.config import load
    from dqm.store.store import Store
    from pipelines.run.models import listed

    settings = load(config)
    with Store.open(settings.store_path) as store:
        found = listed(store)
    say("\n".join(each.text() for each in found) or "no model yet; make one with: dqm train")
    write_json(json_path, [vars(each) for each in found])


@app.command()
def detectors(json_path: JsonPath = "") -> None:
    """List the detectors that are installed, with their hyper-parameters."""
    from pipelines.run.detectors import described

    found = described()
    say("\n".join(each.text() for each in found))
    write_json(json_path, [vars(each) for each in found])


@app.command()
def onnx(
    model: Annotated[str, typer.Argument(help="a folder of a model, its name in the store, champion or challenger")],
    output: Annotated[Path, typer.Option("--output", "-o", help="file to write")] = Path("model.onnx"),
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """Export a network for a C++ host, check it against torch, and time both."""
    from pipelines.run.onnx import export, found_bundle

    done = export(found_bundle(model, config), output)
    say(done.text())
    write_json(json_path, vars(done))
    if not done.equal:
        raise typer.Exit(1)


@app.command()
def dashboard(
    config: ConfigPath = DEFAULT_CONFIG,
    port: Annotated[int, typer.Option(help="port on 127.0.0.1; 0: any free one")] = 8501,
) -> None:
    """Open the certification dashboard on 127.0.0.1."""
    from pipelines.serve import serve

    raise typer.Exit(serve(config, port=port))


@app.command()
def doctor(config: ConfigPath = DEFAULT_CONFIG, json_path: JsonPath = "") -> None:
    """Check versions, the installation and the health of the store."""
    from pipelines.doctor import examine

    checks = examine(config)
    for check in checks:
        say(check.text())
    write_json(json_path, [vars(each) for each in checks])
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


file_commands.register(app)
service_commands.register(app)
compare_command.register(app)
register_nights(app)
register_keeping(app)


def version(value: bool) -> None:
    """Print the version and leave."""
    if value:
        typer.echo(f"dqm (lumicert) {__version__}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[bool, typer.Option("--version", callback=version, is_eager=True, help="print it")] = False,
) -> None:
    """Options of every command."""


if __name__ == "__main__":
    main()
