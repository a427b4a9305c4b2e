"""What stands of every run, counted: from what was counted when verdicts were stored, and anew where people spoke."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dqm.model.aggregates import RunAggregate, Told
from dqm.services.effective import (
    CHANGED,
    StandingVerdicts,
    changed_runs,
    decisions_that_stand,
    machine_columns,
    with_people,
    without_changed,
)
from dqm.services.history import decisions_digest
from dqm.services.standing import Standing
from dqm.store.freshness import joined_digest
from dqm.store.partitions import Partition, read_one
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow

NOTHING = RunAggregate(0, {}, {}, "", "", None, b"")
"""What there is of a run that was not certified."""


def counted_runs(
    store: Store,
    standings: Mapping[int, Standing],
    partitions: Mapping[int, Partition],
    remembered: MutableMapping[str, RunAggregate],
) -> dict[int, RunAggregate]:
    """What stands of every run that has verdicts, the ``partitions``.

    ``remembered`` is asked first and filled: by the digest of a partition, and by that of all on which what stands
    depends where people spoke. Raises ``StoreError`` where a file that must be counted is missing or damaged.
    """
    stored = store.aggregates.stored()
    changed = changed_runs(partitions.values(), standings)
    found = {}
    for run, partition in partitions.items():
        standing = standings[run]
        if any(each.action == "decide" for each in standing.entries):
            key = _key(partition, standing, changed=run in changed)
            if key not in remembered:
                remembered[key] = _with_people(store, partition, standing, changed)
            found[run] = remembered[key]
            continue
        machine = stored.get(partition.digest) or remembered.get(partition.digest)
        if machine is None:
            machine = remembered[partition.digest] = store.aggregates.counted(partition)
        found[run] = machine.unknown(CHANGED) if run in changed else machine
    return found


def _key(partition: Partition, standing: Standing, *, changed: bool) -> str:
    """Digest of all on which depends what stands of a run on which people spoke."""
    return joined_digest(partition.digest, standing.signed_data, decisions_digest(standing.entries), str(changed))


def _with_people(store: Store, partition: Partition, standing: Standing, changed: frozenset[int]) -> RunAggregate:
    """Count with what people said; statuses and reasons are put together for the rows of one range alone."""
    found = StandingVerdicts.of(machine_columns(store, [partition], changed), decisions_that_stand([standing]))
    order = np.argsort(found.ls, kind="stable")

    def told(rows: NDArray[np.intp]) -> Iterator[Told]:
        table = read_one(store.path, partition).take(pa.array(order[rows]))
        verdicts = with_people(without_changed(verdicts_from_arrow(table), changed), [standing])
        for subsystem, status, reasons in zip(verdicts.subsystem, verdicts.status, verdicts.reasons, strict=True):
            yield "" if status == CHANGED else subsystem, status, reasons

    return RunAggregate.of(found.ls[order], found.code[order], found.weight[order], told)
