"""Working points that decided, and what was proposed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dqm.services.working_points import Proposal, obstacle, proposals
from dqm.store.store import Store
from dqm.store.stored import StoredWorkingPoint


@dataclass(frozen=True)
class PointHistory:
    """Working points in the order in which they decided, and proposals, oldest first.

    ``obstacles`` tells of each proposal why it cannot be approved any more, "" where it can.
    """

    decided: tuple[StoredWorkingPoint, ...]
    proposals: tuple[Proposal, ...]
    obstacles: tuple[str, ...]

    @property
    def waiting(self) -> list[Proposal]:
        """The proposals that may still be approved."""
        return [each for each, why in zip(self.proposals, self.obstacles, strict=True) if not why]


@st.cache_resource(max_entries=8, show_spinner=False)
def point_history(path: str, snapshot: int, entry: int) -> PointHistory:
    """Everything that decided or was to decide."""
    with Store.open(Path(path)) as store:
        given = tuple(proposals(store))
        return PointHistory(tuple(store.working_points()), given, tuple(obstacle(store, each) for each in given))
