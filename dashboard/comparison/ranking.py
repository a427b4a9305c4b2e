"""Which monitor elements and quantities stand out in some lumisections: those that reasons name, or by their pulls."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dqm.model.verdicts import Reason, Verdicts

PROJECTIONS = ("/x", "/y", "/cells")
"""What features of a map add to its name."""


@dataclass(frozen=True, slots=True)
class Named:
    """A monitor element, or a ``quantity`` without a histogram, with a ``note`` that says how it stands out."""

    name: str
    note: str
    quantity: bool

    def text(self) -> str:
        """As a list shows it."""
        kind = "quantity" if self.quantity else ""
        told = ", ".join(filter(None, [kind, self.note]))
        return f"{self.name} ({told})" if told else self.name


def behind(feature: str, known: Collection[str]) -> str:
    """The element or quantity behind a feature, "" where it is none of ``known``.

    >>> behind("shapes.ks: ecal/charge:ks.shape", {"ecal/charge"}), behind("course.hits.own", {"hits"})
    ('ecal/charge', 'hits')
    """
    detail = feature.partition(": ")[2]
    for start in (detail, feature, feature.removeprefix("course."), feature.removeprefix("limit.")):
        rest = start
        while rest:
            if rest in known:
                return rest
            for ending in PROJECTIONS:
                if rest.endswith(ending) and rest.removesuffix(ending) in known:
                    return rest.removesuffix(ending)
            rest = rest[: max(rest.rfind(":"), rest.rfind("."), 0)]
    return ""


def contributions(verdicts: Verdicts, rows: NDArray[np.bool_], known: Collection[str]) -> dict[str, float]:
    """What each element or quantity added to the anomaly of the lumisections ``rows`` ``(n,)``: the mean, in log-odds.

    Infinite where a limit on it is broken.
    """
    names: dict[str, str] = {}
    total: dict[str, float] = {}
    at = np.flatnonzero(rows)
    for each in (reason for i in at.tolist() for reason in verdicts.reasons[i]):
        if each.feature not in names:
            names[each.feature] = behind(each.feature, known)
        if name := names[each.feature]:
            total[name] = total.get(name, 0.0) + _positive(each)
    return {name: value / len(at) for name, value in total.items() if value > 0}


def _positive(reason: Reason) -> float:
    return max(float(reason.contribution), 0.0)


def ranked(
    elements: Collection[str], quantities: Collection[str], added: Mapping[str, float], pulls: Mapping[str, float]
) -> list[Named]:
    """All elements and quantities: the largest pull first where ``pulls`` are given, else the largest contribution."""
    known = [*((name, False) for name in elements), *((name, True) for name in quantities if name not in elements)]
    value = pulls or added
    order = sorted(known, key=lambda each: (-value.get(each[0], -np.inf), each[1], each[0]))
    return [Named(name, _note(name, added, pulls), quantity) for name, quantity in order]


def _note(name: str, added: Mapping[str, float], pulls: Mapping[str, float]) -> str:
    if name in pulls:
        return f"{pulls[name]:.1f} σ"
    if name in added:
        return "limit broken" if np.isinf(added[name]) else f"{added[name]:+.2g} log-odds"
    return ""
