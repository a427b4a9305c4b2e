"""``dqm rehearse``: how the certification would have gone on your own labelled runs, block by block."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dqm.decide.definitions import Interval, Intervals, Outcome, RunSums, bootstrap_intervals, outcome
from dqm.model.amounts import counted
from dqm.model.config import Config, RollingConfig
from dqm.model.errors import InputError
from dqm.store.store import Store
from pipelines.run.learn import make_detector, make_others
from pipelines.run.rolling import Budget, Walker
from pipelines.run.schedule import Schedule
from pipelines.run.train import labelled_evidence

RESAMPLES, SEED = 1000, 1


@dataclass(frozen=True)
class RehearsalSummary:
    """What the past would have realised at the budgets of the configuration, with run-bootstrap 90% intervals."""

    budget: Budget
    blocks: tuple[int, int]
    outcome: Outcome
    intervals: Intervals
    seconds: float

    def text(self) -> str:
        """For people."""
        found, seen = self.outcome, self.intervals
        return (
            f"blocks {self.blocks[0]} to {self.blocks[1]}: {counted(found.lumisections, 'lumisection')} of "
            f"{counted(found.runs, 'run')}, "
            f"each decided with what was known before it; {found.unscored} could not be scored and count as work, "
            f"{found.without_truth} more carry no label and count in nothing\n"
            f"data loss {_cell(found.data_loss, seen.data_loss)} for a budget of {self.budget.data_loss:.2%}\n"
            f"pollution {_cell(found.pollution, seen.pollution)} for a budget of {self.budget.pollution:.2%}\n"
            f"left to people {_cell(found.workload, seen.workload)} of the lumisections, "
            f"{_cell(found.workload_runs, seen.workload_runs)} of the runs"
        )

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "budget": vars(self.budget),
            "blocks": self.blocks,
            "outcome": vars(self.outcome),
            "intervals": asdict(self.intervals),
            "seconds": self.seconds,
        }


def _with_late_labels(config: Config, runs: int) -> Config:
    """The configuration where features, too, see labels only as many blocks later as the schedule says."""
    features, rolling = config.features, config.rolling
    if not features.look_at_labels:
        return config
    delay = max(features.label_delay, (rolling.label_delay + 1) * -(-runs // rolling.blocks))
    return config.model_copy(update={"features": features.model_copy(update={"label_delay": delay})})


def rehearse(config: Config, store: Store) -> RehearsalSummary:
    """Walk the rolling schedule over the labelled runs of the store; nothing is written.

    Raises ``InputError`` where there are fewer labelled runs than blocks.
    """
    schedule = schedule_of(config.rolling)
    evidence, _ = labelled_evidence(_with_late_labels(config, len(store.runs("labels"))), store)
    runs = len(np.unique(evidence.run))
    if runs < schedule.blocks:
        raise InputError(f"{runs} labelled runs do not make {schedule.blocks} blocks; lower rolling.blocks or add runs")
    budget = Budget(config.working_point.data_loss, config.working_point.pollution)
    walker = Walker(
        make_detector(config.model),
        schedule,
        seed=config.model.seed,
        others=make_others(config),
        excursion=config.guard.excursion,
    )
    walk = walker.walk(evidence, (budget,))
    decision = walk.decision[0]
    rows = decision != ""
    given = decision[rows], evidence.label[rows], evidence.weight[rows], evidence.run[rows]
    intervals = bootstrap_intervals(RunSums.of(*given), resamples=RESAMPLES, seed=SEED)
    blocks = schedule.warm_up + 1, schedule.blocks
    return RehearsalSummary(budget, blocks, outcome(*given), intervals, walk.seconds)


def schedule_of(rolling: RollingConfig) -> Schedule:
    """The schedule that a configuration describes."""
    return Schedule(**rolling.model_dump())


def _cell(value: float | None, interval: Interval | None) -> str:
    if value is None or interval is None:
        return "n/a"
    return f"{value:.2%} [{interval.lo:.2%}, {interval.hi:.2%}]"
