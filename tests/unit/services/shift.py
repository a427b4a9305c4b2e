"""A shift of six people, and a store of two certified runs and one that waits, made quickly."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np

from dqm.model.events import Event
from dqm.model.people_config import PeopleConfig
from dqm.model.tables import Column, QuantityTable, lumisection_index
from dqm.model.verdicts import Asked, Decision, Reason, Verdicts, WorkingPoint
from dqm.services import decide, growing, publish, runs, silences, working_points
from dqm.services.effective import standing_verdicts
from dqm.services.outdated import Basis
from dqm.services.people import ConfiguredPeople
from dqm.services.standing import Standing, standing_of
from dqm.services.submission import Recorded
from dqm.store.freshness import data_digests
from dqm.store.store import Store
from dqm.store.tables import store_quantities, verdicts_to_arrow, with_provenance

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
RUN, QUIET, WAITING = 10, 11, 12
"""A run with all four states of the machine, one with nothing open, one without verdicts."""
LENGTH = 10
MACHINE = "AAAAQQQRRU"
"""What the machine says of LS 1 to 10 of RUN: accept, ask, reject, unknown."""
WORDS = {"A": Decision.ACCEPT, "Q": Decision.ASK, "R": Decision.REJECT, "U": Decision.UNKNOWN}
ROLES = {"ada": "shifter", "bob": "shifter", "eve": "expert", "eli": "expert", "lea": "leader", "leo": "leader"}
POINT = WorkingPoint(0.01, 0.99, 0.01, 0.01, 0.9, "test", 60, 0.038)
ASKED = Asked("a" * 64, labels=False)
ASKS: dict[str, dict[str, Any]] = {"sign": {"asked": ASKED}, "publish": {"asked": ASKED}}
"""What some actions are told besides: what the configuration asks of features."""
ACTIONS: dict[str, Callable[..., Recorded]] = {
    "claim": runs.claim,
    "release": runs.release,
    "decide": decide.decide,
    "escalate": runs.escalate,
    "sign": runs.sign,
    "reopen": runs.reopen,
    "end_run": growing.end_run,
    "publish": publish.publish,
    "propose": working_points.propose,
    "approve": working_points.approve,
    "silence": silences.silence,
    "end_silence": silences.end_silence,
    "acknowledge": silences.acknowledge,
}


class Shift:
    """People at one store; every action is a submission of its own unless the test names it."""

    def __init__(self, store: Store, people: ConfiguredPeople | None = None) -> None:
        listed = [{"name": name, "role": role} for name, role in ROLES.items()]
        config = PeopleConfig.model_validate({"operator": "ada", "person": listed})
        self.store, self.people = store, people or ConfiguredPeople(config)
        self._numbers = itertools.count()

    def __call__(self, action: str, name: str, *given: Any, **more: Any) -> Recorded:
        more = {"nonce": f"form {next(self._numbers)}", "at": AT} | ASKS.get(action, {}) | more
        return ACTIONS[action](self.store, self.people, name, *given, **more)

    def decide(self, name: str, ranges: list[tuple[int, int]], verdict: str, run: int = RUN, **more: Any) -> Recorded:
        """Decide for the reason that fits anything."""
        return self("decide", name, run, ranges, verdict, "noise", **more)

    def settled(self, name: str = "eve", run: int = RUN) -> None:
        """Decide everything that is open in RUN."""
        self.decide(name, [(5, 7), (10, 10)], "GOOD", run)

    def signed(self, name: str = "eve") -> None:
        """Sign RUN with everything decided."""
        self.settled(name)
        self("sign", name, RUN)

    def standing(self, run: int = RUN, at: datetime = AT) -> Standing:
        """Where a run stands."""
        return standing_of(self.store, run, at)

    def states(self, run: int = RUN) -> list[str]:
        """What stands of every lumisection of a run."""
        code = standing_verdicts(self.store, [self.standing(run)]).code
        return [str(list(Decision)[each]) for each in code]


def fill(store: Store) -> None:
    """Two certified runs and one that waits."""
    put_data(store, RUN, QUIET, WAITING)
    put_verdicts(store, RUN, MACHINE)
    put_verdicts(store, QUIET, "A" * LENGTH)
    with store.transaction(at=AT) as change:
        change.add_model("model-1", "models/model-1", "f" * 64, {"manifest": "m" * 64})
        change.point("champion", "model-1")
        change.add_working_point(POINT)
        change.emit([Event("anomaly.opened", f"run {RUN}", {}, RUN, "tracker")])


def put_data(store: Store, *numbers: int, charge: float = 1.0) -> None:
    """Quantities of runs; another ``charge`` is other data."""
    run, ls = np.repeat(numbers, LENGTH), np.tile(np.arange(1, LENGTH + 1), len(numbers))
    columns = (Column("charge", "daq", "tracker", "weight", "nC"),)
    table = QuantityTable(lumisection_index(run, ls), columns, np.full((len(run), 1), charge))
    with store.transaction(at=AT) as change:
        store_quantities(change, table, {})


def put_verdicts(store: Store, run: int, words: str) -> None:
    """Verdicts of the machine, made of the data that the store holds now."""
    decision = np.array([WORDS[each] for each in words], dtype=object)
    n, unknown = len(words), decision == Decision.UNKNOWN
    verdicts = Verdicts(
        index=lumisection_index(np.full(n, run), np.arange(1, n + 1)),
        decision=decision,
        badness=np.where(unknown, np.nan, 0.5).astype(np.float32),
        weight=np.full(n, 0.5),
        status=np.where(unknown, "missing:oms", "").astype(object),
        subsystem=np.full(n, "tracker", dtype=object),
        reasons=((Reason("charge", "tracker", 1.0, 2.0),),) * n,
    )
    with store.transaction(at=AT) as change:
        made_from = {"data": data_digests(store, run=run)[run], **Basis.of(store, ASKED).notes(run)}
        change.put("verdicts", run, with_provenance(verdicts_to_arrow(verdicts), made_from), made_from)
