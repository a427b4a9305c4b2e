"""Whether scores still say what the data say: what each run was scored from, and what the store holds of it now.

The features of a run look at the run itself and at earlier ones. Scores therefore carry four digests: ``data`` of what
the store holds of the run, ``past`` of all earlier runs, with their labels and with the readings of sensors till its
end where features look at them, ``values`` of the features that judged it, and ``asked`` of the features and limits
that the configuration asked for. Scores are stale where the data of their run or what is asked for changed; where only
an earlier run or sensors changed or came late, the features are made again and the scores are stale where these are no
longer the same.
"""

from __future__ import annotations

import hashlib

import numpy as np

from dqm.model.config import Config
from dqm.model.tables import FeatureTable
from dqm.store.freshness import data_digests, made_beside
from dqm.store.store import Store
from features.asked import asked_of
from pipelines.run.alignment import aligned, known_to
from pipelines.run.evidence import Evidence
from pipelines.run.quantities import all_quantities
from pipelines.run.shapes import Shapes


def values_digest(table: FeatureTable) -> str:
    """Digest of all features in their order, for any of them may be judged or given as a reason.

    Bins of histograms are left out: they hang on their run alone, whose data have a digest of their own.
    """
    canonical = np.where(np.isnan(table.values), np.float32(np.nan), table.values + np.float32(0))  # one NaN, no −0
    return hashlib.sha256(np.ascontiguousarray(canonical).tobytes()).hexdigest()


def stale_runs(config: Config, store: Store, snapshot: int | None = None) -> frozenset[int]:
    """The scored runs of a snapshot whose scores were made from other data than it holds, or for other limits."""
    scored = {each.run: each.provenance for each in store.partitions("scores", snapshot)}
    data = data_digests(store, snapshot)
    asking = asked_of(config.features, config.limits)
    past, asked = made_beside(store, asking, data, snapshot), asking.digest
    changed = {
        run for run, made in scored.items() if made["data"] != data.get(run) or made.get("asked", asked) != asked
    }
    doubtful = sorted(
        run for run in scored.keys() - changed if scored[run].get("past") != past[run] or "asked" not in scored[run]
    )
    if not doubtful:
        return frozenset(changed)
    quantities, shapes = all_quantities(store, config, snapshot), Shapes.of(config, store, snapshot)
    models = {each.provenance["manifest"]: each for each in store.models()}
    for manifest in {scored[run]["model"] for run in doubtful}:
        known = known_to(models[manifest]) if manifest in models else None
        evidence = Evidence.of(aligned(quantities, known)[0], None, config)
        features = shapes.fingerprint(evidence.table)
        for run in (each for each in doubtful if scored[each]["model"] == manifest):
            made, table = scored[run], evidence.table.take(evidence.run == run)
            same = made["features"] == features and made.get("values") == values_digest(table)
            if not same:
                changed.add(run)
    return frozenset(changed)
