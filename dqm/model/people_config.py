"""Who works here: configuration records."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(max_length=100, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]+$")]


class PersonConfig(BaseModel):
    """One person and what that person may do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    role: Literal["shifter", "expert", "leader"] = "shifter"


class PeopleConfig(BaseModel):
    """Who may decide; without a list the operator is the only one, and leader."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operator: Name = Field("operator", description="who acts where a command does not say --as")
    claim_hours: float = Field(8.0, gt=0, le=168, description="hours after which a claim of a run ends by itself")
    person: tuple[PersonConfig, ...] = Field((), description="everybody who may act; nobody else may")

    @model_validator(mode="after")
    def _each_once(self) -> PeopleConfig:
        names = [each.name for each in self.person]
        twice = sorted({each for each in names if names.count(each) > 1})
        if twice:
            raise ValueError(f"person {twice[0]!r} is listed twice; a person has one role")
        return self
