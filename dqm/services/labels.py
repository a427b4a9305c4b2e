"""What people decided in signed runs, as labels for the next training."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from dqm.model.decisions import RunState
from dqm.model.labels import Label, Labels
from dqm.model.tables import lumisection_index
from dqm.model.verdicts import CODES, Decision
from dqm.services.effective import standing_verdicts
from dqm.services.standing import standings
from dqm.store.store import Store

PERSON = "person"
"""The source of such a label."""


def person_labels(store: Store, at: datetime | None = None) -> Labels:
    """GOOD and BAD of people in signed runs whose data are still those that were signed.

    What only the machine decided is no label, and EXCLUDED says nothing of the detector.
    """
    found = standings(store, at or datetime.now(UTC))
    signed = [each for each in found.values() if each.state is RunState.SIGNED]
    verdicts = standing_verdicts(store, signed)
    good, bad = CODES[Decision.GOOD], CODES[Decision.BAD]
    rows = verdicts.said & np.isin(verdicts.code, [good, bad])
    index: pd.MultiIndex = lumisection_index(verdicts.run[rows], verdicts.ls[rows])
    return Labels.of(index, np.where(verdicts.code[rows] == bad, int(Label.BAD), int(Label.GOOD)), PERSON)


def overlaid(labels: Labels, above: Labels) -> Labels:
    """The labels, those of ``above`` in their place where both speak."""
    below = labels.take(~labels.index.isin(above.index)) if len(labels) else labels
    parts = [each for each in (below, above) if len(each)]
    if len(parts) < 2:
        return parts[0] if parts else labels
    return Labels(
        parts[0].index.append(parts[1].index),
        np.concatenate([each.values for each in parts]),
        np.concatenate([each.source for each in parts]),
        np.concatenate([each.comment for each in parts]),
    )
