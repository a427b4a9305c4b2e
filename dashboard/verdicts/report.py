"""The report of a certification: one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io

from dashboard.look.palette import MACHINE
from dashboard.trade_off.figures import trade_off_figure
from dashboard.trade_off.tables import PastCurve
from dashboard.verdicts.figures import run_figure
from dashboard.verdicts.run_tables import RunSummary, summaries
from dqm.model.amounts import counted
from dqm.model.config import Config
from dqm.model.past import Past
from dqm.model.verdicts import Decision, Verdicts, WorkingPoint
from dqm.store.stored import Publication

SHOWN_RUNS = 6
"""Runs that are drawn one by one: those that leave most to people."""

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;margin:1rem 0;width:100%}th,td{padding:.3rem .6rem;border-bottom:1px solid #ddd}
th{text-align:left;font-weight:600}td.n{text-align:right;font-variant-numeric:tabular-nums}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.5rem}p.note{color:#555}
"""


def write_report(
    path: Path, config: Config, verdicts: Verdicts, point: WorkingPoint, published: Publication, past: Past
) -> None:
    """Write the report of the certified ``verdicts``."""
    path.write_text(report_html(config, verdicts, point, published, past), encoding="utf-8")


def report_html(config: Config, verdicts: Verdicts, point: WorkingPoint, published: Publication, past: Past) -> str:
    """The report of the ``verdicts`` as one page that loads nothing."""
    runs = summaries(verdicts)
    asking = runs[:SHOWN_RUNS]
    unit = config.experiment.lumisection
    parts = [
        f"<h1>Certification of {escape(config.experiment.name)}</h1>",
        _totals(verdicts, runs, config),
        f"<p>Golden JSON version {published.version}, SHA-256 <code>{published.sha256}</code>.</p>",
        "<h2>Working point</h2>",
        _promise(point),
        _figure(_trade_off(past, point), script=True),
        "<h2>Runs</h2>",
        _runs(runs),
        *(_run(verdicts, each.run, point, unit) for each in asking),
    ]
    title = escape(f"Certification of {config.experiment.name}")
    head = f"<meta charset='utf-8'><title>{title}</title><style>{STYLE}</style>"
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def _totals(verdicts: Verdicts, runs: tuple[RunSummary, ...], config: Config) -> str:
    weight, rows = verdicts.weight, []
    words = verdicts.decision.astype(str)
    for decision in (*MACHINE, *(each for each in Decision if each not in MACHINE and (words == each).any())):
        these = words == decision
        share = weight[these].sum() / weight.sum() if weight.sum() > 0 else 0.0
        rows.append(f"<tr><td>{decision}</td><td class='n'>{these.sum()}</td><td class='n'>{share:.1%}</td></tr>")
    told = f"{len(verdicts)} {escape(config.experiment.lumisection)}s of {counted(len(runs), 'run')}"
    unit = escape(config.experiment.weight_unit or "weight")
    head = "<tr><th>decision</th><th>number</th><th>share of the weight</th></tr>"
    return f"<p>{told}, {weight.sum():.6g} {unit} in all.</p><table>{head}{''.join(rows)}</table>"


def _promise(point: WorkingPoint) -> str:
    chosen = (
        f"Accepted below a badness of {point.accept_below:.4g}, rejected from {point.reject_above:.4g} on; chosen for "
        f"{point.data_loss_budget:.2%} data loss and {point.pollution_budget:.2%} pollution "
        f"on {point.runs} labelled past runs."
    )
    promise = (
        f"That is a policy and not a guarantee: with no loss seen at all, {point.runs} runs bound the risk "
        f"at {point.alpha_min:.1%} with {point.confidence:.0%} confidence."
    )
    return f"<p>{chosen}</p><p class='note'>{promise}</p>"


def _trade_off(past: Past, point: WorkingPoint) -> go.Figure | None:
    curve = PastCurve.of(past)
    return None if curve is None else trade_off_figure(curve, point)


def _runs(runs: tuple[RunSummary, ...]) -> str:
    head = "".join(f"<th>{each}</th>" for each in ("run", *MACHINE, "subsystem", "main reason"))
    rows = []
    for each in runs:
        numbers = "".join(f"<td class='n'>{each.counts[decision]}</td>" for decision in MACHINE)
        texts = f"<td>{escape(each.subsystem)}</td><td>{escape(each.reason)}</td>"
        rows.append(f"<tr><td>{each.run}</td>{numbers}{texts}</tr>")
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _run(verdicts: Verdicts, run: int, point: WorkingPoint, unit: str) -> str:
    rows = np.asarray(verdicts.index.get_level_values("run")) == run
    ls = np.asarray(pd.Index(verdicts.index.get_level_values("ls"))[rows], dtype=np.int64)
    figure = run_figure(ls, verdicts.decision[rows], verdicts.badness[rows], point, unit=unit)
    return f"<h2>Run {run}</h2>{_figure(figure)}"


def _figure(figure: go.Figure | None, *, script: bool = False) -> str:
    if figure is None:
        return "<p>No labelled lumisection was scored, so there is no operating curve.</p>"
    figure.update_layout(template="plotly_white")
    options = {"displayModeBar": False}
    return str(plotly.io.to_html(figure, config=options, include_plotlyjs=script, full_html=False))
