"""When a lumisection is beyond all that the past showed: configuration record."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator


class GuardConfig(BaseModel):
    """What keeps a single lumisection from being accepted, whatever the model says of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    excursion: float = Field(
        1.5,
        ge=0,
        lt=1000,  # so many times are not told apart (detectors.excursions): nothing would be beyond
        allow_inf_nan=False,
        description="times the largest excursion of good past lumisections beyond which a person is asked; 0: never",
    )

    @field_validator("excursion")
    @classmethod
    def _not_inside_the_past(cls, value: float) -> float:
        if 0 < value < 1:
            raise ValueError(
                f"{value:g} times the largest excursion lies inside what good lumisections showed; "
                "write 1 or more, or 0 for no guard"
            )
        return value
