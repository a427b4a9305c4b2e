"""What a night does beside scoring: configuration records."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class NightlyConfig(BaseModel):
    """Retraining and the watch over drift."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    retrain_after: int = Field(
        0,
        ge=0,
        description="labelled runs unknown to the champion after which a challenger is trained; 0: never",
    )
    drift_runs: int = Field(10, ge=3, description="newest scored runs that are compared with the past")
    drift_level: float = Field(
        1e-4,
        gt=0,
        lt=0.5,
        description="how unlikely a difference must be by chance to be called drift",
    )
    run_ends_after: float = Field(
        60.0,
        ge=0,
        description="minutes in which nothing came after which the newest run has ended and its verdicts are final",
    )
    on_drift: Literal["tell", "ask"] = Field(
        "tell", description="ask: while it drifts nothing is accepted or rejected automatically but broken limits"
    )
