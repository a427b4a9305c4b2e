"""Elements that come, go, are renamed or binned otherwise are told once a run."""

from __future__ import annotations

import numpy as np

from dqm.formats.histogram_drift import schema_drift
from dqm.model.histograms import Axis, HistogramBatch


def batch(element: str, *runs: int, high: float = 1.0) -> HistogramBatch:
    n = len(runs)
    return HistogramBatch(element, (Axis(2, 0.0, high),), np.array(runs), np.ones(n, int), np.ones((n, 4)), np.ones(n))


def reasons(*batches: HistogramBatch) -> dict[int | None, str]:
    return {each.run: each.reason for each in schema_drift(batches)}


def test_nothing_changed_is_nothing_told() -> None:
    assert schema_drift([batch("a", 1, 2, 3), batch("b", 1, 2, 3)]) == []
    assert schema_drift([batch("a", 1)]) == schema_drift([]) == []


def test_gone_new_and_back_again() -> None:
    assert reasons(batch("Pixel/charge", 1, 2, 3, 4), batch("Ecal/time", 1, 2, 4)) == {
        3: "compared with run 2: Ecal/time gone",
        4: "compared with run 3: Ecal/time new",
    }


def test_a_renamed_element_is_named_by_both_names() -> None:
    """Mutant: one gone and one new, and nobody sees that they are the same."""
    found = reasons(batch("Pixel/charge_layer_1", 1), batch("Pixel/charge_PXLayer_1", 2), batch("a", 1, 2))
    assert found == {2: "compared with run 1: Pixel/charge_layer_1 may be called Pixel/charge_PXLayer_1 now"}


def test_another_binning_and_many_names() -> None:
    many = [batch(f"{name * 3}/{k}", 1) for k, name in enumerate("vwxyz")]
    found = reasons(*many, batch("a", 1), batch("a", 2, high=2.0))
    assert found == {2: "compared with run 1: vvv/0, www/1, xxx/2 and 2 more gone; a binned otherwise"}


def test_the_finding_is_a_note_of_its_run() -> None:
    (found,) = schema_drift([batch("a", 1), batch("zzz", 2)])
    assert (found.code, found.severity, found.run) == ("schema.drift", "note", 2)
