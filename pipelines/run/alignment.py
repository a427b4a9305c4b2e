"""The quantities that a model knows, in its order, whatever the data hold today.

A monitor element that came, went or was renamed after the training must not keep all others from being judged: one that
the model does not know is left out, one that it knows and the data lack is missing, and a guard then asks a person.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np

from dqm.model.errors import FingerprintError, nearest
from dqm.model.tables import Column, QuantityTable, records
from dqm.store.stored import StoredModel

QUANTITIES = "quantities"
"""Entry of a model's provenance: the columns of the quantity table that it was trained on, as JSON."""
HISTOGRAMS = "histograms"
"""Source of columns whose unit is a matter of an axis title, and of no scale."""
SHOWN = 5


@dataclass(frozen=True)
class Drift:
    """How the quantities of today differ from those of the training: names that are ``unknown``, and ``lacking``."""

    unknown: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()

    def text(self) -> str:
        """For people; empty where nothing differs."""
        lines = []
        if self.unknown:
            lines.append(f"{len(self.unknown)} quantities are new to the model and not used: {_some(self.unknown)}")
        if self.lacking:
            like = f" ({nearest(self.lacking[0], self.unknown)})" if self.unknown else ""
            lines.append(
                f"{len(self.lacking)} quantities that the model knows are not there: {_some(self.lacking)}{like}"
            )
        if lines:
            lines.append("train again when this is the new normal: dqm train")
        return "\n".join(lines)


def described(table: QuantityTable) -> str:
    """The columns of a training, for the provenance of its model."""
    return json.dumps(records(table.columns), separators=(",", ":"))


def known_to(model: StoredModel) -> tuple[Column, ...] | None:
    """The columns that a model was trained on; None where it was stored before they were written down."""
    text = model.provenance.get(QUANTITIES)
    return None if text is None else tuple(Column(**each) for each in json.loads(text))


def aligned(table: QuantityTable, known: tuple[Column, ...] | None) -> tuple[QuantityTable, Drift]:
    """The known columns in their order, NaN where the data lack one, and how far the data have drifted.

    Raises ``FingerprintError`` where the weight, or what a column means, is another one than in the training.
    """
    if known is None or known == table.columns:
        return table, Drift()
    here = {each.name: j for j, each in enumerate(table.columns)}
    values = np.full((len(table), len(known)), np.nan)
    for j, column in enumerate(known):
        at = here.get(column.name)
        if at is None:
            if column.role == "weight":
                raise FingerprintError(f"the weight {column.name!r} of the training is not in the data; see dqm ingest")
            continue
        found = table.columns[at]
        if (replace(found, unit=column.unit) if column.source == HISTOGRAMS else found) != column:
            table.take(slice(0, 0)).require(known)  # tells which field differs
        values[:, j] = table.values[:, at]
    names = {each.name for each in known}
    unknown = tuple(name for name in here if name not in names)
    lacking = tuple(each.name for each in known if each.name not in here)
    return replace(table, columns=known, values=values), Drift(unknown, lacking)


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(repr(each) for each in names[:SHOWN]) + more
