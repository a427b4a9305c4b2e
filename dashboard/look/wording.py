"""Numbers and working points in plain words, the same on every page."""

from __future__ import annotations

import math
from datetime import datetime

import pandas as pd

from dqm.decide.definitions import Interval
from dqm.model.verdicts import Reason, WorkingPoint
from features.words import in_words


def number_of_runs(number: int) -> str:
    """So many runs, in words.

    >>> number_of_runs(1), number_of_runs(2000)
    ('1 run', '2,000 runs')
    """
    return f"{number:,} run{'' if number == 1 else 's'}"


def percent(fraction: float | None, digits: int = 2) -> str:
    """A fraction as a percentage; "n/a" where it is undefined.

    >>> percent(0.0123)
    '1.23%'
    """
    return "n/a" if fraction is None or math.isnan(fraction) else f"{100 * fraction:.{digits}f}%"


def interval(ends: Interval | None) -> str:
    """Both ends of a 90% interval in percent."""
    return "no interval" if ends is None else f"90%: {100 * ends.lo:.2f} to {100 * ends.hi:.2f}%"


def weight(value: float, unit: str) -> str:
    """A weight with its unit.

    >>> weight(1234.5, "/pb")
    '1,234 /pb'
    """
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 3
    return f"{value:,.{digits}f} {unit}".strip()


def thresholds(point: WorkingPoint) -> str:
    """What the two thresholds do."""
    accept = f"accept below {point.accept_below:.3g}" if point.accept_below > 0 else "accept nothing"
    reject = f"reject from {point.reject_above:.3g}" if point.reject_above <= 1 else "reject nothing"
    reject = "reject what breaks a limit" if point.reject_above == 1 else reject
    return f"badness: {accept}, {reject}, ask between"


def promise(point: WorkingPoint) -> str:
    """What a working point was chosen for and what its past can promise at best."""
    return (
        f"Chosen so that at most {percent(point.data_loss_budget, 1)} of the good weight is rejected and at most "
        f"{percent(point.pollution_budget, 1)} of the accepted weight is bad, from the {point.runs} labelled runs that "
        "were predicted before their labels were seen."
    )


def limits(point: WorkingPoint) -> str:
    """Why this is a policy and no guarantee, with α_min in plain words."""
    return (
        f"A policy, not a guarantee: even if none of these {point.runs} runs had lost anything, they exclude only "
        f"a loss above {percent(point.alpha_min, 1)} at {100 * point.confidence:.0f}% confidence (α_min). The policy "
        "keeps a margin below the budgets instead, which holds as long as the next runs resemble the past ones."
    )


def reason(each: Reason) -> str:
    """One reason in a few words; a broken limit and a guard speak for themselves and add no log-odds.

    >>> reason(Reason("counts.near: ecal_hits.z", "ecal", 7.25, 2.5))
    'ecal_hits is 7.2 σ above earlier runs (+2.5)'
    """
    share = f"{each.contribution:+.2g}"
    if math.isinf(each.contribution):
        share = "limit"
    elif each.contribution == 0:
        share = "guard"
    return f"{in_words(each)} ({share})"


def utc(at: datetime | None) -> pd.Timestamp | pd.api.typing.NaTType:
    """A moment of UTC without its zone, as tables show it."""
    return pd.NaT if at is None else pd.Timestamp(at.replace(tzinfo=None))


def ago(then: datetime, now: datetime) -> str:
    """How long ago in words.

    >>> ago(datetime(2030, 1, 1, 10), datetime(2030, 1, 1, 12, 40))
    '2 h ago'
    """
    passed = int((now - then).total_seconds() // 60)
    if passed < 1:
        return "just now"
    if passed < 60:
        return f"{passed} min ago"
    return f"{passed // 60} h ago" if passed < 48 * 60 else f"{passed // 1440} days ago"
