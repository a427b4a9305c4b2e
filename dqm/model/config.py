"""The configuration: one TOML file into frozen records; an unknown key is answered with the nearest valid one.

Every field is documented where it stands; ``dqm init`` writes a commented example. Paths are relative to the file.
"""

from __future__ import annotations

import glob
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dqm.model.alerts_config import AlertsConfig
from dqm.model.config_errors import explained, keys
from dqm.model.errors import ConfigError, nearest
from dqm.model.guard_config import GuardConfig
from dqm.model.nightly_config import NightlyConfig
from dqm.model.people_config import PeopleConfig
from dqm.model.reference_config import ExpectationConfig, ReferencesConfig, ShapesConfig
from dqm.model.sensors_config import SensorFeaturesConfig, SensorsConfig


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExperimentConfig(_Record):
    """What is certified."""

    name: str = "experiment"
    lumisection: str = Field("lumisection", description="what one unit is called on pages and plots")
    weight: str = Field("", description="column lost with a lumisection; empty: as the inputs say")
    weight_unit: str = Field("", description="unit of the weight, shown on axes")


class StoreConfig(_Record):
    """Where everything is kept."""

    path: Path = Field(Path("certification"), description="folder of the store")
    url: str = Field(
        "", description="database, e.g. postgresql+psycopg://dqm@db.example.org/dqm; empty: SQLite in the folder"
    )
    url_env: str = Field("", description="environment variable that holds the URL, with its password")

    @model_validator(mode="after")
    def _one_place_and_no_secret(self) -> StoreConfig:
        if self.url and self.url_env:
            raise ValueError("url and url_env name two databases; keep one of them")
        if re.match(r"[^/]*//[^/@]*:[^/@]*@", self.url):
            raise ValueError(
                "url holds a password; put the whole URL into an environment variable and name it, url_env"
            )
        return self


class ColumnConfig(_Record):
    """How one column of a canonical table is to be understood."""

    subsystem: str = ""
    role: Literal["feature", "condition", "weight"] = "feature"
    kind: Literal["value", "count", "rate", "fraction", "flag"] = "value"
    unit: str = ""


class _FilesInput(_Record):
    files: tuple[str, ...] = Field(description="paths or glob patterns, relative to the configuration file")
    required: bool = Field(True, description="a lumisection that it lacks is UNKNOWN")


class Clas12QadbInput(_Record):
    """CLAS12 quality-assurance database: ``qaTree.json`` and ``chargeTree.json`` of one data set."""

    kind: Literal["clas12-qadb"]
    qa: str = Field(description="path of qaTree.json")
    charge: str = Field(description="path of chargeTree.json")
    task: Literal["cut", "expert"] = Field("expert", description="bad = defect bits 0-4 (cut) or 0-5 (expert)")
    required: bool = True


class Clas12TableInput(_FilesInput):
    """The flat table of the same columns as the CLAS12 database."""

    kind: Literal["clas12-table"]
    dataset: str = Field("", description="value of the column 'dataset' to read; empty: the table has only one")
    task: Literal["cut", "expert"] = "expert"


class OmsInput(_FilesInput):
    """CMS OMS per-lumisection quantities: columnar JSON, Parquet or CSV; a column ``golden`` gives labels."""

    kind: Literal["oms"]


class GoldenInput(_FilesInput):
    """Certification JSON as labels: good inside; bad where the run is covered and the lumisection is not inside."""

    kind: Literal["golden"]
    dcs: tuple[str, ...] = Field((), description="DCS-only JSON files: only lumisections in them are labelled")
    coverage: Literal["listed", "span"] = Field(
        "listed", description="runs it speaks of: those listed, or all between its first and last"
    )
    required: bool = False


class BrilcalcInput(_FilesInput):
    """brilcalc ``lumi --byls`` CSV: delivered and recorded luminosity, pile-up."""

    kind: Literal["brilcalc"]


class CanonicalInput(_FilesInput):
    """The canonical form for anybody's per-lumisection quantities: Parquet or CSV with ``run``, ``ls`` and numbers."""

    kind: Literal["canonical"]
    columns: dict[str, ColumnConfig] = Field({}, description="meaning of the columns; empty: all numbers, kind value")


class _HistogramsInput(_FilesInput):
    elements: tuple[str, ...] = Field((), description="patterns of the monitor elements to read; empty: all")


class DqmioInput(_HistogramsInput):
    """CMS DQMIO: ROOT files of monitor elements per lumisection, read without ROOT."""

    kind: Literal["dqmio"]


class DqmRootInput(_HistogramsInput):
    """Histograms as objects of ROOT files: legacy DQM files, or keys such as ``run367094_ls1_<element>``."""

    kind: Literal["dqm-root"]
    runs_as_lumisection: int = Field(0, ge=0, description="lumisection for which a histogram of a whole run stands")


class DialsInput(_HistogramsInput):
    """DIALS: JSON pages of histograms, from files or from the service."""

    kind: Literal["dials"]
    files: tuple[str, ...] = Field((), description="pages, paths or glob patterns; empty: they come from url")
    url: str = Field("", description="first page of the service; the links to the next are followed")
    token_env: str = Field("", description="name of the environment variable that holds the token of the service")


class Ml4dqmInput(_HistogramsInput):
    """ML4DQM: one histogram per row, CSV or Parquet, with or without under- and overflow."""

    kind: Literal["ml4dqm"]


class PluginInput(_FilesInput):
    """A reader that a plug-in registers in the group ``dqm.readers``."""

    kind: Literal["plugin"]
    reader: str
    options: dict[str, str | int | float | bool] = {}


InputConfig = Annotated[
    Union[  # noqa: UP007
        Clas12QadbInput,
        Clas12TableInput,
        OmsInput,
        GoldenInput,
        BrilcalcInput,
        CanonicalInput,
        DqmioInput,
        DqmRootInput,
        DialsInput,
        Ml4dqmInput,
        PluginInput,
    ],
    Field(discriminator="kind"),
]


class _Quotient(_Record):
    quantity: str
    per: str = Field("", description="divide by this quantity")
    required: bool = Field(True, description="false: where the inputs lack the quantity it is missing, not an error")

    @property
    def title(self) -> str:
        """Its name in column names."""
        return f"{self.quantity}/{self.per}" if self.per else self.quantity


class CourseConfig(_Quotient):
    """A quantity, or the ratio of two, whose course along the run is judged."""

    floor: float = Field(1e-5, gt=0, description="smallest value that is told from zero, in the unit of the quantity")
    bad: Literal["low", "high", "either"] = Field("either", description="side on which a deviation speaks for bad data")


class LimitConfig(_Quotient):
    """A documented limit: outside it a lumisection is bad, whatever a model says."""

    least: float | None = None
    most: float | None = None
    because: str = Field("", description="where the limit is written down; shown as the reason")


class FeaturesConfig(_Record):
    """How quantities become features."""

    past_runs: int = Field(10, ge=1, description="earlier runs whose medians make the longest reference")
    levels: tuple[Literal["count", "rate", "fraction", "value"], ...] = Field(
        ("count", "rate", "fraction", "value"), description="kinds of quantities that are compared with earlier runs"
    )
    rates_within: str = Field(
        "", description="condition, such as a prescale index, within which rates are compared; empty: with all"
    )
    percentiles: tuple[float, ...] = Field(
        (0.05, 0.25, 0.5, 0.75, 0.95), description="percentiles of histograms, rising within [0, 1]"
    )
    coverage: float = Field(
        0.5, ge=0, le=1, description="share of the monitor elements below which a lumisection is UNKNOWN"
    )
    references: ReferencesConfig = Field(ReferencesConfig(), description="what histograms are compared with")
    expectation: ExpectationConfig = Field(ExpectationConfig(), description="normalisation to a condition")
    shapes: ShapesConfig = Field(ShapesConfig(), description="histograms that are columns bin by bin")
    sensors: SensorFeaturesConfig = Field(SensorFeaturesConfig(), description="features of sensors beside them")
    label_delay: int = Field(0, ge=0, description="runs by which labels come late: references use no younger ones")
    course: tuple[CourseConfig, ...] = Field((), description="quantities whose course along the run is judged")
    flags: bool = Field(True, description="judge status bits (columns of kind flag)")
    position: bool = Field(False, description="judge where in its run a lumisection stands")

    @property
    def look_at_labels(self) -> bool:
        """Whether features of a run use labels of earlier runs."""
        return self.references.kind in ("certified", "adaptive") or bool(self.expectation.condition)


class ModelConfig(_Record):
    """One detector: its registered ``kind``, ``seed`` and ``columns``, and its hyper-parameters as further keys.

    Which hyper-parameters a kind has is the detector's own business, built-in or plug-in: it is checked where the
    detector is made, and ``dqm detectors`` lists them.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str = "boosted"
    seed: int = 1
    columns: tuple[str, ...] = Field(
        (), description="patterns of the columns that it sees; empty: all but the bins of histograms"
    )

    @property
    def parameters(self) -> dict[str, str | int | float | bool]:
        """The hyper-parameters that were given."""
        return dict(self.__pydantic_extra__ or {})

    @model_validator(mode="after")
    def _parameters_are_plain(self) -> ModelConfig:
        odd = [name for name, value in self.parameters.items() if isinstance(value, list | dict)]
        if odd:
            raise ValueError(f"{odd[0]} must be a number, a text, true or false, not {self.parameters[odd[0]]!r}")
        return self


class RollingConfig(_Record):
    """The walk-forward: runs in time order are cut into blocks; each is scored by a model of the blocks before it."""

    blocks: int = Field(10, ge=3, description="equal blocks of runs")
    warm_up: int = Field(3, ge=1, description="first blocks, labelled by people and not scored")
    label_delay: int = Field(1, ge=0, description="blocks by which labels come late")
    window: int = Field(0, ge=0, description="blocks that are learned from; 0: all")
    refit_every: int = Field(1, ge=1, description="steps from one full fit to the next; between them a warm start")


class WorkingPointConfig(_Record):
    """Budgets of the trade-off."""

    data_loss: float = Field(0.01, gt=0, lt=1, description="largest share of good weight rejected automatically")
    pollution: float = Field(0.01, gt=0, lt=1, description="largest bad share of the weight accepted automatically")
    confidence: float = Field(0.9, gt=0.5, lt=1, description="one-sided level of what the past runs can promise")


class TrackingConfig(_Record):
    """Where trainings are recorded with MLflow."""

    uri: str = Field("", description="sqlite:///FILE relative to the configuration, or of a server; empty: nowhere")


class Config(_Record):
    """The whole configuration."""

    experiment: ExperimentConfig = ExperimentConfig()
    store: StoreConfig = StoreConfig()
    inputs: tuple[InputConfig, ...] = ()
    features: FeaturesConfig = FeaturesConfig()
    limits: tuple[LimitConfig, ...] = ()
    model: ModelConfig = ModelConfig()
    fuse: tuple[ModelConfig, ...] = ()
    guard: GuardConfig = GuardConfig()
    rolling: RollingConfig = RollingConfig()
    working_point: WorkingPointConfig = WorkingPointConfig()
    tracking: TrackingConfig = TrackingConfig()
    nightly: NightlyConfig = NightlyConfig()
    alerts: AlertsConfig = AlertsConfig()
    people: PeopleConfig = PeopleConfig()
    sensors: SensorsConfig = SensorsConfig()
    folder: Path = Field(Path(), exclude=True, description="folder of the file; set by load, not in the file")

    @property
    def store_path(self) -> Path:
        """Folder of the store, resolved against the configuration file."""
        return self.folder / self.store.path

    def files(self, patterns: tuple[str, ...]) -> list[Path]:
        """Files that match the patterns, sorted; a pattern without a match is a ``ConfigError``."""
        found: list[Path] = []
        for pattern in patterns:
            matches = sorted(glob.glob(str(self.folder / pattern), recursive=True))  # noqa: PTH207 (patterns may be absolute)
            if not matches:
                raise ConfigError(f"no file matches {pattern!r} under {self.folder.resolve()}")
            found += [Path(each) for each in matches]
        return found

    @model_validator(mode="after")
    def _warm_up_leaves_something(self) -> Config:
        if self.rolling.warm_up + self.rolling.label_delay >= self.rolling.blocks:
            raise ValueError("rolling.warm_up + rolling.label_delay must leave blocks to score")
        return self


def load(path: Path) -> Config:
    """Read a configuration; raises ``ConfigError`` naming the file, the key and the nearest valid key, in one line."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such configuration; write one with: dqm init clas12|cms|generic") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    if "folder" in raw:
        raise ConfigError(f"{path}: unknown key 'folder'; {nearest('folder', keys(Config))}")
    try:
        return Config.model_validate(raw | {"folder": path.parent})
    except ValidationError as error:
        raise ConfigError(f"{path}: " + "; ".join(explained(each, Config) for each in error.errors())) from None
