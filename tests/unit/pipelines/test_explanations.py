"""What is kept of the reasons in full: the input stands beside a reconstruction, and every feature has its unit."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dqm.model.tables import Column, FeatureTable, lumisection_index
from pipelines.run.explanations import explanations

TABLE = FeatureTable(
    lumisection_index([7, 7], [1, 2]),
    (Column("hits", unit="Hz"), Column("pileup", role="condition"), Column("noise", unit="ADC")),
    np.arange(6, dtype=np.float32).reshape(2, 3),
)


def model(**offers: float) -> SimpleNamespace:
    """A model of one detector whose methods answer one number everywhere."""
    methods = {name: lambda table, value=value: np.full(table.values.shape, value) for name, value in offers.items()}
    member = SimpleNamespace(detector=SimpleNamespace(**methods), told=lambda offer, table, _: offer(table))
    return SimpleNamespace(titles=("net",), members=(member,))


@pytest.mark.parametrize("offers", [{"reconstruct": 0.5}, {"surprise": 2.0}, {}])
def test_the_input_is_kept_beside_a_reconstruction_alone(offers: dict[str, float]) -> None:
    found = explanations(model(**offers), TABLE, np.ones((2, 3), dtype=np.float32))  # type: ignore[arg-type]  # a stub
    assert (found.names, found.units) == (("hits", "noise"), ("Hz", "ADC"))
    assert ("input" in found.terms) == ("reconstruct" in offers)
    if "reconstruct" in offers:
        assert np.array_equal(found.terms["input"], TABLE.values[:, [0, 2]])
        assert (found.terms["reconstruction of net"] == 0.5).all()
    if "surprise" in offers:
        assert found.terms["surprise of net"].shape == (2, 2)
