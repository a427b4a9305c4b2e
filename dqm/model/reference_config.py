"""How histograms are compared with the past, what is expected of them, and which are columns: configuration records."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ReferencesConfig(BaseModel):
    """What a histogram is compared with; always of earlier runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["nearest", "run", "certified", "adaptive"] = Field(
        "nearest",
        description="the nearest of the last ten, three and one runs; one run; the last certified runs; a moving mean",
    )
    run: int = Field(0, ge=0, description="the run of kind run")
    runs: int = Field(8, ge=1, description="how many certified runs")
    alpha: float = Field(0.9, gt=0, lt=1, description="how much of the moving mean stays when a run is added")
    matched: str = Field("", description="condition, such as pile-up, within classes of which is compared; empty: none")
    step: float = Field(10.0, gt=0, description="width of a class, in the unit of the condition")

    @model_validator(mode="after")
    def _run_is_named(self) -> ReferencesConfig:
        if (self.kind == "run") != bool(self.run):
            raise ValueError('kind = "run" and run = <its number> go together; name both or neither')
        return self


class ExpectationConfig(BaseModel):
    """Numbers of histograms as they would be at the usual value of a condition, fitted on past good lumisections."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    condition: str = Field("", description="condition, such as pile-up; empty: numbers stay as they are")
    columns: tuple[str, ...] = Field(
        ("*:p*", "*:mean", "*:std", "*:filled", "*:entries"), description="patterns of the columns"
    )
    degree: int = Field(1, ge=1, le=3, description="degree of the polynomial in the condition")


class ShapesConfig(BaseModel):
    """Monitor elements whose histograms are columns bin by bin, for detectors that ask for them with ``columns``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    elements: tuple[str, ...] = Field((), description="patterns of the monitor elements; empty: none")
    scale: Literal["share", "root", "log"] = Field(
        "root", description="a bin is its share of the counts, the root of that, or its logarithm"
    )
    bins: int = Field(64, ge=2, description="most bins of a histogram; of more, neighbours are added together")
    side: int = Field(16, ge=2, description="most cells along an edge of a map; of more, neighbours are added together")
    entries: bool = Field(True, description="beside the bins how much was filled, as a condition")
