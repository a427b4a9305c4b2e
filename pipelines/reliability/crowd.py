"""Many processes that decide at the same time on what they saw, and attempts to alter what was entered."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np

from dqm.model.errors import StaleError
from dqm.services.decide import decide
from dqm.services.standing import standing_of
from dqm.store.database import DATABASE
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow
from pipelines.reliability.forked import answers
from pipelines.reliability.guarantee import Guarantee
from pipelines.reliability.people import AT, PEOPLE

NAMES = ("ada", "eve", "lea")
ALTERING = (
    "UPDATE audit SET actor = 'nobody' WHERE id = {}",
    "DELETE FROM audit WHERE id = {}",
    "INSERT OR REPLACE INTO audit SELECT id, at, 'nobody', role, action, subject, run, fields, nonce, previous, hash "
    "FROM audit WHERE id = {}",
    "REPLACE INTO audit SELECT id, at, 'nobody', role, action, subject, run, fields, nonce || 'x', previous, hash "
    "FROM audit WHERE id = {}",
)


def crowd(path: Path, processes: int, times: int) -> list[Guarantee]:
    """So many processes decide so often on one run of the store at ``path``; then every entry is attacked."""
    return [deciding(path, processes, times), altering(path)]


def deciding(path: Path, processes: int, times: int) -> Guarantee:
    """So many processes decide so often on one run of the store at ``path``."""
    begun = perf_counter()
    with Store.open(path) as store:
        before, run = len(store.audit()), store.runs("verdicts")[0]
        ls = np.asarray(verdicts_from_arrow(store.read("verdicts", [run])).index.get_level_values("ls")).tolist()
    cases = [partial(_acts, path, run, ls, number, times) for number in range(processes)]
    said = answers(cases, processes, "a crowd decides")
    counts = [json.loads(each) for each in said if each.startswith("[")]
    wrong = [each for each in said if not each.startswith("[")]
    accepted, refused = (sum(each[k] for each in counts) for k in (0, 1))
    asked = processes * times
    with Store.open(path) as store:
        entered, whole = len(store.audit()) - before, store.verify_audit() - before
    failed = abs(asked - accepted - refused) + abs(entered - accepted) + abs(whole - accepted) + len(wrong)
    note = f"{accepted} accepted, {refused} refused as stale, chain of {whole} whole"
    return Guarantee("a crowd decides at the same time", asked, failed, perf_counter() - begun, note, tuple(wrong))


def _acts(path: Path, run: int, ls: list[int], number: int, times: int) -> str:
    """Decide on what was seen just before; how often that was accepted, and refused as stale."""
    accepted = refused = 0
    with Store.open(path) as store:
        for turn in range(times):
            one = ls[(number + turn) % len(ls)]
            seen = standing_of(store, run, AT).last
            said = ("GOOD", "BAD")[(number + turn) % 2]
            form = {"nonce": f"crowd {number} {turn}", "expected": seen, "at": AT}
            try:
                decide(store, PEOPLE, NAMES[number % 3], run, [(one, one)], said, "noise", **form)  # type: ignore[arg-type]
                accepted += 1
            except StaleError:
                refused += 1
    return json.dumps([accepted, refused])


def altering(path: Path) -> Guarantee:
    """UPDATE, DELETE and REPLACE of every entry of the audit, past the product, with the database in hand."""
    begun, answered = perf_counter(), list[str]()
    with closing(sqlite3.connect(path / DATABASE)) as connection:
        numbers = [row[0] for row in connection.execute("SELECT id FROM audit ORDER BY id")]
        before = connection.execute("SELECT * FROM audit ORDER BY id").fetchall()
        for number in numbers:
            for statement in ALTERING:
                answered.append(_refused(connection, statement.format(number)))
        if connection.execute("SELECT * FROM audit ORDER BY id").fetchall() != before:
            answered.append("the audit is not what it was")
    with Store.open(path) as store:
        store.verify_audit()
    return Guarantee.of("UPDATE, DELETE, REPLACE of the audit refused", answered, perf_counter() - begun)


def _refused(connection: sqlite3.Connection, statement: str) -> str:
    try:
        with connection:
            connection.execute(statement)
    except sqlite3.DatabaseError:
        return ""
    return f"was accepted: {statement}"
