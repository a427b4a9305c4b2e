"""``dqm working-point``: what decides, what is proposed, and a candidate from budgets or thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np

from dqm.decide.definitions import Outcome, outcome
from dqm.decide.policy import MarginPolicy
from dqm.model.config import Config
from dqm.model.errors import InputError
from dqm.model.past import Past
from dqm.model.verdicts import WorkingPoint
from dqm.services.history import told
from dqm.services.working_points import approval, by_hand, proposals
from dqm.store.store import Store
from pipelines.run.certify import past_of


def candidate(
    config: Config, store: Store, budgets: tuple[float, float], thresholds: tuple[float, float]
) -> WorkingPoint:
    """A working point for budgets of loss and pollution (0: as configured), or for named thresholds (−1: none).

    Raises ``InputError`` for budgets or thresholds that cannot be, and where there is no past.
    """
    past, wanted = past_of(store), config.working_point
    loss, pollution = budgets[0] or wanted.data_loss, budgets[1] or wanted.pollution
    if not (0 < loss < 1 and 0 < pollution < 1):
        raise InputError(f"budgets lie between 0 and 1, not {loss:g} and {pollution:g}; 0.01 is one in a hundred")
    chosen = MarginPolicy().choose(past, loss, pollution, wanted.confidence)
    if thresholds == (-1.0, -1.0):
        return chosen
    return by_hand(chosen, *thresholds)


def shown(store: Store) -> tuple[dict[str, Any], str]:
    """The working point that decides, what it did on the past, and the proposals: as a document and as text."""
    point = store.working_point()
    if point is None:
        raise InputError(f"{store.path} holds no working point; choose one with: dqm train")
    by, past = approval(store), past_of(store)
    waiting = [each for each in proposals(store) if each.approved is None]
    document = {
        "working_point": vars(point),
        "approved": {"by": by.actor, "at": by.at, "alone": by.fields["alone"]} if by else None,
        "past": vars(_on_past(past, point)),
        "proposals": [{"id": each.entry.id, "by": each.entry.actor, **vars(each.working_point)} for each in waiting],
    }
    lines = [f"decides: {_words(past, point)}", told(by) if by else "chosen by the last training, approved by nobody"]
    for each in waiting:
        lines += [f"proposal {each.entry.id}: {_words(past, each.working_point)}", f"  {told(each.entry)}"]
    return document, "\n".join(lines)


def _words(past: Past, point: WorkingPoint) -> str:
    seen = _on_past(past, point)
    loss, pollution = ("n/a" if each is None else f"{each:.2%}" for each in (seen.data_loss, seen.pollution))
    return (
        f"accept below {point.accept_below:.4g}, reject from {point.reject_above:.4g}; on {point.runs} past runs that "
        f"loses {loss}, pollutes {pollution} and asks {seen.workload or 0:.1%} of the lumisections"
    )


def _on_past(past: Past, point: WorkingPoint) -> Outcome:
    decision = point.decide(past.badness, past.held)
    run = np.asarray(past.run, dtype=np.int64)
    return outcome(decision, past.label, past.weight, run)
