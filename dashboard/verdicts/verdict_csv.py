"""The verdicts of a run as a CSV file that a spreadsheet can open without running anything."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard.look.inert import for_spreadsheet
from dashboard.look.wording import reason
from dqm.model.verdicts import Reason, Verdicts

REASONS = 3
"""How many contributions of a lumisection are written."""


def verdict_csv(verdicts: Verdicts) -> bytes:
    """One row per lumisection, UTF-8: run, ls, decision, badness, weight, status, subsystem and the top reasons.

    Text that a spreadsheet would take for a formula is preceded by an apostrophe; an empty badness was not scored.
    """
    columns: dict[str, object] = {
        "run": np.asarray(verdicts.index.get_level_values("run")),
        "ls": np.asarray(verdicts.index.get_level_values("ls")),
        "decision": verdicts.decision.astype(str),
        "badness": verdicts.badness,
        "weight": verdicts.weight,
        "status": _texts(verdicts.status),
        "subsystem": _texts(verdicts.subsystem),
    }
    for place in range(REASONS):
        columns[f"reason_{place + 1}"] = [_written(each, place) for each in verdicts.reasons]
    # RFC 4180; with a bare \n the csv module leaves a \r inside a text unquoted, and what follows would begin a row
    return pd.DataFrame(columns).to_csv(index=False, lineterminator="\r\n").encode()


def _texts(column: NDArray[np.object_]) -> list[str]:
    return [for_spreadsheet(each) for each in column]


def _written(reasons: tuple[Reason, ...], place: int) -> str:
    if place >= len(reasons):
        return ""
    each = reasons[place]
    return for_spreadsheet(f"{reason(each)} {each.subsystem}".strip())
