"""``dqm inspect``: what a file of histograms holds, as a table."""

from __future__ import annotations

from dqm.formats.inspection import ElementSummary, Inspection
from dqm.model.amounts import counted

SHOWN = 60


def text(found: Inspection) -> str:
    """For people; at most ``SHOWN`` elements."""
    empty = sum(each.empty for each in found.elements)
    elements, runs = {each.element for each in found.elements}, counted(len(found.runs), "run")
    lines = [
        f"{found.path}: {found.kind}, {counted(found.histograms, 'histogram')} of {counted(len(elements), 'element')} "
        f"in {runs}{_span(found.runs)}, {empty} of them empty"
    ]
    if found.elements:
        width = max(len(each.element) for each in found.elements[:SHOWN])
        lines.append(f"{'element':{width}}  {'LS':>7} {'runs':>5} {'empty':>6} {'entries':>12}  axes")
        lines += [_line(each, width) for each in found.elements[:SHOWN]]
    if len(found.elements) > SHOWN:
        lines.append(f"… and {len(found.elements) - SHOWN} more; narrow it with --elements, or take --json for all")
    return "\n".join(lines + [str(each) for each in found.findings])


def _line(each: ElementSummary, width: int) -> str:
    lumisections = each.lumisections or "run"
    return (
        f"{each.element:{width}}  {lumisections:>7} {each.runs:>5} {each.empty:>6} {each.entries:>12.0f}  {each.axes}"
    )


def _span(runs: tuple[int, ...]) -> str:
    return f" ({runs[0]}–{runs[-1]})" if runs else ""
