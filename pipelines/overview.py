"""``dqm --help``: the commands in the order in which somebody meets them, by what they are for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

SECTIONS = {
    "Begin": ("demo", "init", "doctor", "dashboard"),
    "Data": ("inspect", "convert", "ingest", "sensors", "compare", "simulate"),
    "Learn": ("rehearse", "train", "working-point", "models", "promote", "detectors", "onnx"),
    "Certify": ("score", "certify", "explain", "golden", "outliers"),
    "Decide": ("runs", "claim", "release", "decide", "escalate", "sign", "sign-many", "reopen", "publish", "audit"),
    "Nights": ("nightly", "backfill", "watch", "end-run", "status", "alerts", "serve-health"),
    "Keep": ("backup", "restore", "prune"),
    "Measure": ("benchmark",),
}
"""Commands by what they are for; one that stands in no section is listed under *Other*."""


class Overview(TyperGroup):
    """The group of all commands, listed by section, each with the first clause of its help."""

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the sections."""
        placed = {name for names in SECTIONS.values() for name in names}
        left = tuple(name for name in self.list_commands(ctx) if name not in placed)
        width = max(map(len, self.list_commands(ctx)))
        for title, names in {**SECTIONS, "Other": left}.items():
            rows = [(name.ljust(width), self._clause(ctx, name)) for name in names]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def _clause(self, ctx: Context, name: str) -> str:
        command = self.get_command(ctx, name)
        sentence = command.get_short_help_str(1000) if command else ""
        return re.split("[;:]", sentence)[0].rstrip(".")
