"""The verdicts that stand: the machine's as stored, those of a signed run as they were signed, and people over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dqm.decide.resolution import NOBODY, effective, effective_codes, resolve
from dqm.model.decisions import PersonDecision
from dqm.model.errors import InputError
from dqm.model.verdicts import CODES, Decision, Verdicts
from dqm.services.history import as_of, person_decisions
from dqm.services.standing import Standing
from dqm.store.decision_codes import decision_codes
from dqm.store.partitions import Partition, read
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow

CHANGED = "data-changed"
"""Status of a lumisection whose run has other data now than its verdict was made of."""

LIGHT = ("run", "ls", "decision", "weight")
"""Columns that the state of a run needs; reasons are most of the bytes."""


@dataclass(frozen=True, eq=False)
class MachineColumns:
    """What the machine says, without reasons, as columns ``(n,)``: ``run``, ``ls``, ``weight``, ``code`` (see
    ``CODES``), read from ``partitions``."""

    run: NDArray[np.int64]
    ls: NDArray[np.int64]
    weight: NDArray[np.float64]
    code: NDArray[np.int8]
    partitions: tuple[Partition, ...]


@dataclass(frozen=True, eq=False)
class StandingVerdicts:
    """Verdicts without reasons, as columns ``(n,)``: ``run``, ``ls``, ``weight``, ``code`` of what stands (see
    ``CODES``), and ``said`` where it is a person's."""

    run: NDArray[np.int64]
    ls: NDArray[np.int64]
    weight: NDArray[np.float64]
    code: NDArray[np.int8]
    said: NDArray[np.bool_]

    @classmethod
    def of(cls, machine: MachineColumns, decisions: Iterable[PersonDecision]) -> StandingVerdicts:
        """People's decisions over the machine's."""
        people = resolve(machine.run, machine.ls, decisions)
        code = effective_codes(machine.code, people)
        return cls(machine.run, machine.ls, machine.weight, code, people.code != NOBODY)


def partitions_that_stand(store: Store, standings: Iterable[Standing]) -> list[Partition]:
    """The verdicts of every run that has any: the current ones, of a signed run those that were signed."""
    current = {each.run: each for each in store.partitions("verdicts")}
    pinned = {each.run: str(each.signed.fields["verdicts"]) for each in standings if each.signed}
    moved = {(run, digest) for run, digest in pinned.items() if run in current and current[run].digest != digest}
    for each in store.history() if moved else ():
        if each.kind == "verdicts" and (each.run, each.digest) in moved:
            current[each.run] = each
    return [current[run] for run in sorted(current)]


def machine_of(store: Store, found: Standing) -> MachineColumns:
    """What the machine says of one run; raises ``InputError`` where it was not certified yet."""
    held = store.partitions("verdicts", run=found.run)
    if not held:
        raise InputError(
            f"run {found.run} has no verdicts: it was not certified yet (dqm score, dqm certify), or the model learned "
            "from it, and then its labels stand in the inputs"
        )
    if found.signed and held[0].digest != found.signed.fields["verdicts"]:
        held = [each for each in partitions_that_stand(store, [found]) if each.run == found.run]
    return machine_columns(store, held, changed_runs(held, {found.run: found}))


def machine_verdicts(store: Store, partitions: Sequence[Partition]) -> Verdicts:
    """The machine's verdicts of these partitions, of one at least."""
    return verdicts_from_arrow(read(store.path, partitions))


def changed_runs(partitions: Iterable[Partition], standings: Mapping[int, Standing]) -> frozenset[int]:
    """Runs whose verdicts were made of other data than the store holds now; what was signed stands as it was signed."""
    return frozenset(
        each.run
        for each in partitions
        if each.run in standings
        and not standings[each.run].signed
        and each.provenance.get("data") != standings[each.run].data
    )


def without_changed(verdicts: Verdicts, runs: frozenset[int]) -> Verdicts:
    """The verdicts with UNKNOWN where the data of a run changed since they were made, until it is scored again."""
    rows = np.isin(np.asarray(verdicts.index.get_level_values("run")), sorted(runs))
    if not rows.any():
        return verdicts
    return replace(
        verdicts,
        decision=np.where(rows, Decision.UNKNOWN, verdicts.decision),
        badness=np.where(rows, np.float32(np.nan), verdicts.badness),
        status=np.where(rows, CHANGED, verdicts.status).astype(object),
    )


def decisions_that_stand(standings: Iterable[Standing]) -> list[PersonDecision]:
    """What people said, as it counts for the data of each run: those that were signed, or those there are now."""
    return [said for each in standings for said in as_of(person_decisions(each.entries), {each.run: each.signed_data})]


def with_people(verdicts: Verdicts, standings: Iterable[Standing]) -> Verdicts:
    """The verdicts with people's decisions in."""
    return effective(verdicts, decisions_that_stand(standings))


def verdicts_that_stand(store: Store, standings: Iterable[Standing]) -> Verdicts:
    """What stands in these runs, with badness and reasons; one of them at least must have verdicts."""
    given = {each.run: each for each in standings}
    wanted = [each for each in partitions_that_stand(store, given.values()) if each.run in given]
    machine = without_changed(machine_verdicts(store, wanted), changed_runs(wanted, given))
    return with_people(machine, given.values())


def standing_verdicts(store: Store, standings: Iterable[Standing]) -> StandingVerdicts:
    """What stands in these runs; runs without verdicts have no part in it."""
    given = list(standings)
    runs = {each.run for each in given}
    wanted = [each for each in partitions_that_stand(store, given) if each.run in runs]
    changed = changed_runs(wanted, {each.run: each for each in given})
    return StandingVerdicts.of(machine_columns(store, wanted, changed), decisions_that_stand(given))


def machine_columns(store: Store, partitions: list[Partition], changed: frozenset[int]) -> MachineColumns:
    """Columns of the partitions; UNKNOWN in runs whose data ``changed`` since."""
    if not partitions:
        nothing = np.zeros(0, dtype=np.int64)
        return MachineColumns(nothing, nothing, np.zeros(0), np.zeros(0, dtype=np.int8), ())
    table = read(store.path, partitions, LIGHT)
    run, ls, weight = (table[name].to_numpy() for name in ("run", "ls", "weight"))
    codes = np.where(np.isin(run, sorted(changed)), np.int8(CODES[Decision.UNKNOWN]), decision_codes(table["decision"]))
    return MachineColumns(run, ls, weight, codes.astype(np.int8), tuple(partitions))
