"""A program: so many operators, each a process, work through one store as the pages do; prints what each did.

Every one reads the queue, claims what nobody has, decides what is open, signs, and publishes now and then, always with
what it saw before. It forks when everything is imported and before there is any thread.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from dqm.model.decisions import OPEN_DECISIONS, RunState
from dqm.model.errors import RefusedError
from dqm.model.keys import LumiMask
from dqm.model.people_config import PeopleConfig
from dqm.model.verdicts import CODES, Asked
from dqm.services.decide import decide
from dqm.services.effective import StandingVerdicts, decisions_that_stand, machine_of
from dqm.services.people import ConfiguredPeople
from dqm.services.publish import publish
from dqm.services.queue import QueueRow, queue
from dqm.services.runs import claim, release, sign
from dqm.services.shown import Shown
from dqm.services.standing import standing_of
from dqm.store.store import Store
from pipelines.reliability.forked import answers

PEOPLE = ConfiguredPeople(
    PeopleConfig.model_validate(
        {
            "operator": "operator-0",
            "person": [{"name": f"operator-{number}", "role": "expert"} for number in range(20)],
        }
    )
)
ASKED = Asked("a" * 64, labels=False)
FREE = (RunState.OPEN, RunState.REOPENED)


def works(path: Path, number: int) -> str:
    """Work until no run is free; how many runs were signed and how many actions refused."""
    name, done, luck = f"operator-{number}", Counter[str](), random.Random(number)
    with Store.open(path) as store:
        while free := [each for each in queue(store, datetime.now(UTC)) if _free(each, name)]:
            try:
                _finishes(store, name, luck.choice(free[:3]), f"{number} {sum(done.values())}")
                done["signed"] += 1
            except RefusedError:
                done["refused"] += 1
        publish(store, PEOPLE, name, asked=ASKED, nonce=f"{number} publishes")
    return json.dumps(done)


def _free(row: QueueRow, name: str) -> bool:
    """Whether this operator may take the run: nobody has it, or an attempt of their own was refused half way."""
    return bool(row.counts) and (row.state in FREE or row.claimed_by == name)


def _finishes(store: Store, name: str, row: QueueRow, form: str) -> None:
    """Claim a run on what the queue showed, decide what is open in it, now and then give it back, sign it."""
    claim(store, PEOPLE, name, row.run, nonce=f"claim {form}", expected=Shown.parse(row.shown))
    if len(form) % 2:  # a second thought
        release(store, PEOPLE, name, row.run, nonce=f"release {form}")
        seen = standing_of(store, row.run, datetime.now(UTC)).last
        claim(store, PEOPLE, name, row.run, nonce=f"claim again {form}", expected=seen)
    found = standing_of(store, row.run, datetime.now(UTC))
    machine = machine_of(store, found)
    code = StandingVerdicts.of(machine, decisions_that_stand([found])).code
    wanted = np.isin(code, [CODES[each] for each in OPEN_DECISIONS])
    if wanted.any():
        ranges = LumiMask.of_lumisections(machine.run[wanted], machine.ls[wanted]).ranges[row.run]
        decide(store, PEOPLE, name, row.run, ranges, "GOOD", "harmless", nonce=f"decide {form}", expected=found.last)
    sign(store, PEOPLE, name, row.run, asked=ASKED, nonce=f"sign {form}")


if __name__ == "__main__":
    place, operators = Path(sys.argv[1]), int(sys.argv[2])
    cases = [partial(works, place, number) for number in range(operators)]
    print(json.dumps(answers(cases, operators, "operators work")))
