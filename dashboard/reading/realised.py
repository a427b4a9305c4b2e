"""Earlier decisions of the machine beside labels that came in later."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import streamlit as st

from dashboard.trade_off.realised import Block, Judged, blocks
from dqm.model.labels import Labels
from dqm.model.tables import lumisection_index
from dqm.services.labels import overlaid, person_labels
from dqm.store.partitions import Partition
from dqm.store.store import Store
from dqm.store.tables import labels_from_arrow


@st.cache_resource(max_entries=4, show_spinner="Comparing earlier decisions with labels…")
def realised(path: str, snapshot: int, entry: int) -> tuple[Block, ...]:
    """Blocks of certified runs whose truth is known by now, the newest last.

    No model certifies runs that it learned from, so the labels came in after what decided.
    """
    with Store.open(Path(path)) as store:
        held, people = set(store.runs("labels")), person_labels(store)
        spoken = set(np.asarray(people.index.get_level_values("run")).tolist())
        certified = [each for each in store.partitions("verdicts") if each.run in held | spoken]
        if not certified:
            return ()
        runs = [each.run for each in certified]
        given = [run for run in runs if run in held]
        labels = overlaid(labels_from_arrow(store.read("labels", given)), people) if given else people
        points = [each.working_point for each in store.working_points()]
        return tuple(blocks(_judged(store, certified, labels), points))


def _judged(store: Store, certified: Sequence[Partition], labels: Labels) -> Judged:
    table = store.read("verdicts", [each.run for each in certified], ["run", "ls", "decision", "weight"])
    run, ls = table["run"].to_numpy(), table["ls"].to_numpy()
    digests = np.array([each.provenance.get("working_point", "") for each in certified], dtype=object)
    return Judged(
        run=run,
        decision=np.asarray(table["decision"].to_pylist(), dtype=object),
        label=labels.aligned(lumisection_index(run, ls)),
        weight=table["weight"].to_numpy(),
        point=np.repeat(digests, [each.rows for each in certified]),
    )
