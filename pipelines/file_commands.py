"""Commands that work on files and need no store: masks, histograms, event tables, simulated data."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipelines.terminal import QUARANTINE, JsonPath, say, write_json


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (golden, inspect, convert, outliers, simulate):
        app.command()(command)


def golden(
    operation: Annotated[str, typer.Argument(help="show, union, intersection or difference")],
    files: Annotated[list[Path], typer.Argument(help="certification JSON files")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="write here instead of standard output")] = None,
) -> None:
    """Combine certification JSON files."""
    from pipelines.run.golden import combine

    data = combine(operation, files)
    if output:
        output.write_bytes(data)
    else:
        sys.stdout.buffer.write(data)


def inspect(
    file: Annotated[Path, typer.Argument(help="file of histograms: DQMIO, legacy DQM ROOT, DIALS page, ML4DQM table")],
    elements: Annotated[list[str] | None, typer.Option(help="pattern of monitor elements, may be repeated")] = None,
    json_path: JsonPath = "",
) -> None:
    """Show what a file of histograms holds: elements, runs, lumisections, binnings, empties."""
    from dqm.formats.inspection import inspect as run
    from pipelines.run.inspect import text

    found = run(file, tuple(elements or ()))
    say(text(found))
    write_json(json_path, asdict(found))


def convert(
    sources: Annotated[list[Path], typer.Argument(help="files of histograms, of any kind that dqm inspect knows")],
    target: Annotated[Path, typer.Argument(help="Parquet file to write")],
    elements: Annotated[list[str] | None, typer.Option(help="pattern of monitor elements, may be repeated")] = None,
    json_path: JsonPath = "",
) -> None:
    """Convert files of histograms, ROOT first of all, into one Parquet table."""
    from pipelines.run.convert import convert as run

    done = run(sources, target, tuple(elements or ()))
    for finding in done.findings[:20]:
        say(str(finding))
    say(done.text())
    write_json(json_path, {**vars(done), "findings": list(map(str, done.findings))})
    if any(each.severity == "quarantined" for each in done.findings):
        raise typer.Exit(QUARANTINE)


def outliers(
    background: Annotated[list[Path], typer.Option(help="event table of known background; may be repeated")],
    data: Annotated[list[Path], typer.Option(help="event table to search; may be repeated")],
    features: Annotated[str, typer.Option(help="columns between commas: NAME, log:NAME or logit:NAME")],
    signal: Annotated[Path | None, typer.Option(help="event table of a signal to inject")] = None,
    fraction: Annotated[float, typer.Option(help="share of the searched events that is injected signal")] = 0.0,
    methods: Annotated[str, typer.Option(help="scores between commas")] = "nade-ratio,nade",
    top: Annotated[int, typer.Option(help="events in the lists")] = 100,
    rejection: Annotated[float, typer.Option(help="background rejection at which the efficiency is told")] = 100.0,
    idealised: Annotated[bool, typer.Option("--idealised", help="declare the background sample idealised")] = False,
    output: Annotated[Path, typer.Option(help="folder for the lists and the page of plots")] = Path("outliers"),
    seed: Annotated[int, typer.Option(help="seed of the random numbers")] = 1,
    json_path: JsonPath = "",
) -> None:
    """Learn known backgrounds and list the events of other tables that stand out, with the features that make them."""
    from pipelines.outliers.events import Feature
    from pipelines.outliers.search import Request, methods_in, search

    request = Request(
        background=tuple(background),
        data=tuple(data),
        features=tuple(Feature.parse(each.strip()) for each in features.split(",") if each.strip()),
        signal=signal,
        fraction=fraction,
        methods=methods_in(methods),
        top=top,
        rejection=rejection,
        idealised=idealised,
        seed=seed,
    )
    found = search(request, output)
    say(found.text())
    write_json(json_path, found.document())


def simulate(
    folder: Annotated[str, typer.Argument(help="folder to write into; or cryogenics: sensor streams of cooling loops")],
    weeks: Annotated[float, typer.Option(min=0.1, help="simulated weeks of data taking")] = 2.0,
    seed: Annotated[int, typer.Option(help="seed of the random numbers")] = 1,
    histograms: Annotated[
        int, typer.Option(min=0, max=10, help="monitor elements of each of six subsystems; 0: counts and rates instead")
    ] = 0,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="cryogenics: folder to write into")] = None,
    days: Annotated[float, typer.Option(min=0.1, help="cryogenics: simulated days")] = 1.0,
    loops: Annotated[int, typer.Option(min=1, max=50, help="cryogenics: cooling loops of one sector")] = 50,
    faults: Annotated[int, typer.Option(min=0, help="cryogenics: faults at random places")] = 20,
    kind: Annotated[
        list[str] | None, typer.Option(help="cryogenics: only faults of this kind; may be repeated")
    ] = None,
    form: Annotated[str, typer.Option(help="cryogenics: parquet or timber")] = "parquet",
) -> None:
    """Write a simulated data-taking campaign, or a sector of cooling loops, with recorded truth."""
    if folder == "cryogenics":
        from pipelines.simulate.cryogenic_files import command

        say(command(output, days=days, loops=loops, seed=seed, faults=faults, kinds=tuple(kind or ()), form=form))
        return
    from pipelines.simulate.campaign import SimulationSettings
    from pipelines.simulate.campaign import simulate as run
    from pipelines.simulate.write import write_campaign

    settings = SimulationSettings(weeks=weeks, seed=seed, monitoring=histograms > 0)
    paths = write_campaign(run(settings), Path(folder), histograms)
    say(f"simulated {weeks:g} weeks; next: dqm ingest --config {paths.config}")
