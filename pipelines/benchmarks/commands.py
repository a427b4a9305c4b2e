"""``dqm benchmark …``: one command per benchmark; each imports what it measures when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.terminal import JsonPath, LinesPath, line_writer, say, write_json

app = typer.Typer(help="Measure on real, expert-labelled data, beside the peers.", no_args_is_help=True)


@app.command("certification")
def benchmark_certification(
    data: Annotated[str, typer.Option(help="folder of the public data sets", envvar="DQM_DATA")] = "",
    table: Annotated[list[str] | None, typer.Option(help="NAME=FILE: benchmark this table alone")] = None,
    labels: Annotated[str, typer.Option(help="labels that lumicert may train on: all or asked")] = "all",
    development: Annotated[bool, typer.Option(help="only what development may see")] = False,
    quick: Annotated[bool, typer.Option(help="one budget, without the slow peers; two minutes at most")] = False,
    plots: Annotated[Path | None, typer.Option(help="folder for the plots")] = None,
    json_path: JsonPath = "",
) -> None:
    """Certify real runs block by block with thresholds of the past; print realised loss, pollution and workload."""
    from pipelines.benchmarks.certification import Request, run

    request = Request(data=data, tables=tuple(table or ()), labels=labels, development=development, quick=quick)
    result = run(request, plots=plots)
    say(result.text())
    write_json(json_path, result.document())


@app.command("io")
def benchmark_io(
    file: Annotated[Path | None, typer.Option(help="a DQMIO file of your own instead of the simulated ones")] = None,
    cache: Annotated[Path | None, typer.Option(help="folder of the large files; default: the user's cache")] = None,
    quick: Annotated[bool, typer.Option(help="100,000 histograms instead of a million")] = False,
    json_path: JsonPath = "",
) -> None:
    """Read, store and reduce histograms, beside uproot and ROOT's own loop; ROOT writes the large files."""
    from pipelines.benchmarks.io import run

    result = run(quick=quick, file=file, cache=cache)
    say(result.text())
    write_json(json_path, result.document())


@app.command("sensor-faults")
def benchmark_sensor_faults(
    quick: Annotated[bool, typer.Option(help="27 faults instead of 2,002")] = False,
    plot: Annotated[Path | None, typer.Option(help="page to write: found by kind and strength")] = None,
    json_path: JsonPath = "",
) -> None:
    """Inject faults into simulated cooling loops and count what dqm sensors scan finds, by kind and strength."""
    from pipelines.benchmarks.sensor_faults import run

    result = run(quick=quick, plot=plot)
    say(result.text())
    write_json(json_path, result.document())


@app.command("kernels")
def benchmark_kernels(
    quick: Annotated[bool, typer.Option(help="100,000 histograms instead of a million")] = False,
    json_path: JsonPath = "",
) -> None:
    """Percentiles, moments and comparisons of simulated histograms, beside NumPy and boost-histogram."""
    from pipelines.benchmarks.kernels import run

    result = run(quick=quick)
    say(result.text())
    write_json(json_path, result.document())


@app.command("faults")
def benchmark_faults(
    quick: Annotated[bool, typer.Option(help="one run for every fault and strength")] = False,
    seed: Annotated[int, typer.Option(help="seed of the simulation")] = 5,
    json_path: JsonPath = "",
) -> None:
    """How many lumisections with a simulated fault are noticed, by kind and strength of the fault."""
    from pipelines.benchmarks.faults import run

    result = run(quick=quick, seed=seed)
    say(result.text())
    write_json(json_path, result.document())


@app.command("night")
def benchmark_night(
    lumisections: Annotated[int, typer.Option(help="lumisections of the night", min=80)] = 2000,
    elements: Annotated[int, typer.Option(help="monitor elements", min=6)] = 500,
    watch: Annotated[bool, typer.Option("--watch", help="only from a file to its alert; needs no ROOT")] = False,
    scheduler: Annotated[str, typer.Option(help="who works, as dqm nightly --scheduler takes it")] = "serial",
    json_path: JsonPath = "",
) -> None:
    """A night from DQMIO files to published verdicts, whole and by stage, and a watch; needs ROOT for the files."""
    from pipelines.benchmarks.night import run

    if watch:
        from pipelines.benchmarks.night import watch_row
        from pipelines.benchmarks.watch import measure

        found = measure()
        say(found.text())
        write_json(json_path, {"benchmark": "night", "rows": [watch_row(found).document()]})
        return
    result = run(lumisections, elements, scheduler)
    say(result.text())
    write_json(json_path, result.document())


@app.command("density")
def benchmark_density(
    data: Annotated[str, typer.Option(help="folder of the public data sets", envvar="DQM_DATA")] = "",
    sets: Annotated[list[str] | None, typer.Option(help="only this set; may be repeated")] = None,
    methods: Annotated[list[str] | None, typer.Option(help="only this method; may be repeated")] = None,
    quick: Annotated[bool, typer.Option(help="one fold of three sets, without the slow methods; two minutes")] = False,
    json_path: JsonPath = "",
    lines: LinesPath = None,
) -> None:
    """Test log-likelihood of NADE, flows and mixtures on published sets, beside the published figures."""
    from pipelines.benchmarks.density import Request, run

    result = run(
        Request(data=data, sets=tuple(sets or ()), methods=tuple(methods or ()), quick=quick), line_writer(lines)
    )
    say(result.text())
    write_json(json_path, result.document())


@app.command("detectors")
def benchmark_detectors(
    data: Annotated[str, typer.Option(help="folder of the public data sets", envvar="DQM_DATA")] = "",
    table: Annotated[list[str] | None, typer.Option(help="NAME=FILE with a column label: this table alone")] = None,
    method: Annotated[list[str] | None, typer.Option(help="only this method; may be given again")] = None,
    quick: Annotated[bool, typer.Option(help="one seed, without the slow methods; two minutes at most")] = False,
    json_path: JsonPath = "",
    lines: LinesPath = None,
) -> None:
    """Rank labelled public tables without their labels, every detector beside PyOD's; print AUC and precision."""
    from pipelines.benchmarks.unsupervised import run

    result = run(
        data=data, tables=tuple(table or ()), quick=quick, methods=tuple(method or ()), found=line_writer(lines)
    )
    say(result.text())
    write_json(json_path, result.document())


@app.command("training")
def benchmark_training(
    rows: Annotated[int, typer.Option(help="rows of the simulated table; 0 = 20,000", min=0)] = 0,
    columns: Annotated[int, typer.Option(help="its columns; 0 = 100", min=0)] = 0,
    device: Annotated[str, typer.Option(help="where networks train: cpu or cuda")] = "cpu",
    method: Annotated[list[str] | None, typer.Option(help="only this method; may be given again")] = None,
    quick: Annotated[bool, typer.Option(help="2,000 rows of 20 columns")] = False,
    json_path: JsonPath = "",
    lines: LinesPath = None,
) -> None:
    """Rows a second of fit and score, every registered detector beside PyOD's, on one simulated table."""
    from pipelines.benchmarks.throughput import run

    result = run(
        rows=rows, columns=columns, device=device, quick=quick, methods=tuple(method or ()), found=line_writer(lines)
    )
    say(result.text())
    write_json(json_path, result.document())


@app.command("outliers")
def benchmark_outliers(
    data: Annotated[str, typer.Option(help="folder of the public data sets", envvar="DQM_DATA")] = "",
    table: Annotated[list[str] | None, typer.Option(help="NAME=FILE: benchmark this table alone")] = None,
    methods: Annotated[str, typer.Option(help="methods between commas; empty: all")] = "",
    quick: Annotated[bool, typer.Option(help="one fold, small networks, no flows; two minutes at most")] = False,
    json_path: JsonPath = "",
    lines: LinesPath = None,
) -> None:
    """Find a resonance among events: densities and their ratios on the LHC Olympics and on simulated events."""
    from pipelines.benchmarks.outliers import Request, run

    names = tuple(each.strip() for each in methods.split(",") if each.strip())
    result = run(Request(data=data, tables=tuple(table or ()), methods=names, quick=quick), line_writer(lines))
    say(result.text())
    write_json(json_path, result.document())


@app.command("reliability")
def benchmark_reliability(
    sample: Annotated[int, typer.Option(help="about so many fault points instead of all; two minutes", min=0)] = 0,
    part: Annotated[list[str] | None, typer.Option(help="only this part; may be given again")] = None,
    workers: Annotated[int, typer.Option(help="cases at the same time", min=1, max=64)] = 2,
    markdown: Annotated[Path | None, typer.Option(help="write the table as Markdown to this path")] = None,
    json_path: JsonPath = "",
) -> None:
    """Break things and count: kills, full disks, failing receivers, crowds, hostile input, any order of arrival."""
    from pipelines.benchmarks.reliability import run

    say(f"{'guarantee':44} {'tried':>6} {'failed':>6} {'seconds':>8}")
    result = run(sample=sample, parts=tuple(part or ()), workers=workers, found=lambda row: say(row.text()))
    say(result.text())
    if markdown:
        markdown.write_text(result.markdown(), encoding="utf-8")
    write_json(json_path, result.document())
    if result.failed:
        raise typer.Exit(1)


@app.command("sensors")
def benchmark_sensors(
    data: Annotated[str, typer.Option(help="folder of the public data sets", envvar="DQM_DATA")] = "",
    sets: Annotated[list[str] | None, typer.Option("--set", help="only skab, nab or load; may be given again")] = None,
    table: Annotated[list[str] | None, typer.Option(help="NAME=FILE: this labelled CSV alone; may be repeated")] = None,
    quick: Annotated[bool, typer.Option(help="without networks and NAB's baseline, a small load")] = False,
    json_path: JsonPath = "",
) -> None:
    """Find faults in sensor records (SKAB) and streams (NAB) by published protocols, beside the published figures."""
    from pipelines.benchmarks.sensors import Request, run

    result = run(Request(data=data, sets=tuple(sets or ()), tables=tuple(table or ()), quick=quick))
    say(result.text())
    write_json(json_path, result.document())


@app.command("dashboard")
def benchmark_dashboard(
    folder: Annotated[Path | None, typer.Option(help="keep the simulated store here and use it again")] = None,
    repeats: Annotated[int, typer.Option(help="loads and changes of every page; 0 = 20", min=0)] = 0,
    quick: Annotated[bool, typer.Option(help="50 runs instead of 2,000, three repeats")] = False,
    json_path: JsonPath = "",
) -> None:
    """Load and change pages over a simulated million of lumisections in a real browser, beside an empty page."""
    from pipelines.benchmarks.dashboard import run

    result = run(folder=folder, quick=quick, repeats=repeats, told=say)
    say(result.text())
    write_json(json_path, result.document())
