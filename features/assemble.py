"""From quantities to the feature table: one row per lumisection, every column described.

======================  =======  ========================================================================
``counts.near``         feature  largest |z| over the columns; z: σ from the nearest reference (``features.levels``)
``counts.low``          feature  −(smallest z): a loss
``counts.high``         feature  largest z: noise or double counting
``counts.second``       feature  second largest |z|: more than one column
``counts.contrast``     feature  largest |z − median z|: one column against the others
``counts.own``          feature  largest deviation from the run's own median
``counts.local``        feature  largest |median of z over five neighbours|: a fault that lasts
``counts.run``          detail   largest |z| of the run's own level
``counts.held``         guard    1: the whole run is at a level never seen
``counts.missing``      guard    1: a quantity is missing that is to be expected (``features.presence``)
``<quantity>.z``        detail   z of one column; likewise ``.own .local .log_ratio .poisson .share .missing``
``course.<q>.<view>``   feature  see ``features.course``; of known bad side: its sign such that large is bad
``flags.down .near``    feature  see ``features.flags``
``position.*``          feature  see ``features.position``
``shapes.ks .emd``      feature  largest distance of a histogram from the nearest reference; ``.pull`` largest pull
``shapes.chi2``         feature  largest χ² against an adaptive reference
``shapes.dead .hot``    feature  largest share of dead, hot cells of a map; ``.region`` of connected dead ones
``shapes.second``       feature  second largest KS distance: more than one histogram
``shapes.missing``      guard    1: a comparison is missing that is to be expected
``<element>:ks.shape``  detail   the distance of one element; likewise ``emd`` and ``pull``
``<condition>``         condition  as it was given: it explains and is not judged
``limit.<name>``        limit    1 where a documented limit is broken
``limit.<name>.missing``  guard  1 where a required limit cannot be checked
======================  =======  ========================================================================

The same for rates, fractions and values with the prefixes ``rates``, ``fractions`` and ``values``. ``.poisson`` is the
signed root of the Poisson deviance of N given the expectation of the reference, ``.share`` the column's share of the
sum over its group; both for counts and rates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.model.config import CourseConfig, FeaturesConfig, LimitConfig
from dqm.model.tables import Column, FeatureTable, Kind, QuantityTable
from features.course import ASPECTS, course, logarithm
from features.flags import NAMES as FLAG_NAMES
from features.flags import flags
from features.levels import Levels, LevelSettings, levels, levels_within, per_weight, relative
from features.position import NAMES as POSITION_NAMES
from features.position import position
from features.presence import expected
from features.runs import Grouped, nan_extreme, nan_median

EXTRACTOR = "quantities-3"
"""Changes whenever a column changes its meaning; part of the fingerprint, so that an old model refuses new columns."""

GROUPS = {"count": "counts", "rate": "rates", "fraction": "fractions", "value": "values"}
"""Kinds of quantities that are compared with earlier runs, and the prefix of their columns."""

SENSE: dict[str, tuple[float, Kind]] = {
    "low": (-1.0, "deviation"),
    "high": (1.0, "deviation"),
    "either": (1.0, "value"),
}
"""Sign and kind of a course by the side on which it is bad: a deviation can only speak for BAD the larger it is."""

CAP = 50.0
"""Largest deviation in σ that is told apart: beyond it a deviation is not more of a deviation."""

TOGETHER = 64
"""Columns that are written at a time: neighbours stand beside each other in memory, so that caches serve them."""

Columns = list[tuple[Column, NDArray[np.floating]]]


def assemble(table: QuantityTable, settings: FeaturesConfig, limits: tuple[LimitConfig, ...] = ()) -> FeatureTable:
    """Features of every lumisection of ``table``, in its order; shape ``(n, d)``.

    Looks at the run to its end and at earlier runs. Rows with a status are not looked at and come out all NaN. Raises
    ``UnknownNameError`` where the settings name a quantity that the table lacks.
    """
    order = np.lexsort((table.ls, table.run))
    rising = bool((np.diff(order) == 1).all())
    ordered = table if rising else table.take(order)
    if not ordered.usable.all():
        ordered = replace(ordered, values=np.where(ordered.usable[:, None], ordered.values, np.nan))
    rows = Grouped.of(ordered.run)
    broken = _limits(ordered, limits)
    kept = ordered.usable & (ordered.weight > 0)
    for _, values in broken:
        kept &= ~(values == 1)
    found = [
        *broken,
        *_levels(ordered, rows, settings),
        *_shapes(ordered, rows, settings),
        *_course(ordered, kept, rows, settings),
    ]
    if settings.flags:
        found += _flags(ordered, rows)
    if settings.position:
        place = position(ordered.ls, rows)
        found += [(Column(name, "position"), place[:, j]) for j, name in enumerate(POSITION_NAMES)]
    members = [i for i in ordered.where(role="condition") if ordered.columns[i].name not in {c.name for c, _ in found}]
    found += [(ordered.columns[i], ordered.values[:, i]) for i in members]
    values = np.empty((len(table), len(found)), dtype=np.float32)
    for first in range(0, len(found), TOGETHER):
        some = [each for _, each in found[first : first + TOGETHER]]
        values[slice(None) if rising else order, first : first + len(some)] = np.stack(some, axis=1)
    values[~table.usable] = np.nan
    return FeatureTable(table.index, tuple(column for column, _ in found), values, extractor_of(settings, limits))


def extractor_of(settings: FeaturesConfig, limits: tuple[LimitConfig, ...] = ()) -> str:
    """What stands behind features beside the data: version, settings and limits; a part of their fingerprint.

    Bins and columns of sensors are told apart by what they are: models that see none know nothing of them.
    """
    said = settings.model_dump_json(exclude={"shapes", "sensors"})
    return f"{EXTRACTOR} {said} {[each.model_dump_json() for each in limits]}"


def quantity(table: QuantityTable, asked: CourseConfig | LimitConfig) -> NDArray[np.float64]:
    """A column, or its ratio to another, shape ``(n,)``; 0 where the other is zero: there was nothing of either.

    A ratio of which one part is missing or negative is NaN, and so is what the table lacks and is not required.
    """
    absent = [name for name in (asked.quantity, asked.per) if name and name not in table]
    if absent and not asked.required:
        return np.full(len(table), np.nan)
    value: NDArray[np.float64] = table[asked.quantity].astype(np.float64)
    if not asked.per:
        return value
    other = table[asked.per]
    told = np.isfinite(value) & (value >= 0) & (other >= 0)
    ratio = np.divide(value, other, out=np.zeros(len(value)), where=told & (other > 0))
    return np.where(told, ratio, np.nan)


def _subsystem(table: QuantityTable, asked: CourseConfig | LimitConfig) -> str:
    return table.columns[table.position(asked.quantity)].subsystem if asked.quantity in table else ""


def _limits(table: QuantityTable, limits: tuple[LimitConfig, ...]) -> Columns:
    """One column per limit: 1 where it is broken, 0 where it is kept, NaN where the quantity is missing."""
    found: Columns = []
    for limit in limits:
        value = quantity(table, limit)
        broken = np.zeros(len(value), dtype=bool)
        if limit.least is not None:
            broken |= value < limit.least
        if limit.most is not None:
            broken |= value > limit.most
        column = Column(f"limit.{limit.title}", limit.because, _subsystem(table, limit), role="limit", kind="flag")
        found.append((column, np.where(np.isfinite(value), broken.astype(float), np.nan)))
        if limit.required:  # a limit that cannot be checked is not kept
            guard = Column(f"{column.name}.missing", column.name, column.subsystem, "guard", kind="flag")
            found.append((guard, (~np.isfinite(value)).astype(float)))
    return found


def _levels(table: QuantityTable, rows: Grouped, settings: FeaturesConfig) -> Columns:
    found: Columns = []
    constants = LevelSettings(past_runs=settings.past_runs)
    for kind, prefix in GROUPS.items():
        members = table.where(role="feature", kind=kind) if kind in settings.levels else []
        if not members:
            continue
        amount, about = table.values[:, members], [table.columns[i] for i in members]
        counted = kind in ("count", "rate")
        y = per_weight(amount, table.weight) if counted else relative(amount, rows)
        if kind == "rate" and settings.rates_within:
            compared = levels_within(y, table[settings.rates_within], rows, constants)
        else:
            compared = levels(y, rows, constants)
        found += _judged(compared, prefix) + list(_views(compared, about, prefix))
        if counted:
            found += _counted(compared, amount, table.weight, about, prefix)
        found += _gone(_missing(amount, rows, settings.past_runs), about, prefix)
    return found


def _gone(missing: NDArray[np.bool_], about: list[Column], prefix: str) -> Columns:
    source = f"{prefix}.missing"
    guard = Column(source, source, role="guard", kind="flag")
    details = [Column(f"{each.name}.missing", source, each.subsystem, "detail", kind="flag") for each in about]
    columns = [missing.any(axis=1), *missing.T]
    return [(column, values.astype(float)) for column, values in zip([guard, *details], columns, strict=True)]


def _missing(amount: NDArray[np.float64], rows: Grouped, recent: int) -> NDArray[np.bool_]:
    """Which values ``(n, d)`` are missing although their column is to be expected in their run."""
    return np.asarray(~np.isfinite(amount) & expected(rows.present(amount), recent)[rows.code])


def _judged(compared: Levels, prefix: str) -> Columns:
    """What the classifier sees of a group of columns: extremes over the columns, which every subsystem shares."""
    z = compared.z
    present = np.isfinite(z).any(axis=1)
    most = min(2, z.shape[1])
    magnitude = -np.partition(-np.abs(z), range(most), axis=1)[:, :most]  # largest first, NaN last
    columns = {
        "near": (magnitude[:, 0], "z"),
        "low": (nan_extreme(-z), "z"),
        "high": (nan_extreme(z), "z"),
        "second": (magnitude[:, most - 1], "z"),
        "contrast": (nan_extreme(np.abs(z - nan_median(z)[:, None])), "z"),
        "own": (nan_extreme(np.abs(compared.own)), "own"),
        "local": (np.where(present, nan_extreme(np.abs(compared.local)), np.nan), "local"),
    }
    found: Columns = []
    for name, (values, source) in columns.items():
        column = Column(f"{prefix}.{name}", f"{prefix}.{source}", unit="sigma", kind="deviation")
        found.append((column, np.clip(values, -CAP, CAP)))
    run = Column(f"{prefix}.run", f"{prefix}.run", role="detail", unit="sigma", kind="deviation")
    held = Column(f"{prefix}.held", f"{prefix}.run", role="guard", kind="flag")
    return [*found, (run, compared.run_z), (held, compared.held)]


def _views(compared: Levels, about: list[Column], prefix: str) -> Iterator[tuple[Column, NDArray[np.floating]]]:
    """What is shown of every single column, so that a deviation has a name and a subsystem."""
    views = {"z": compared.z, "own": compared.own, "local": compared.local, "log_ratio": compared.log_ratio}
    for j, column in enumerate(about):
        for view, values in views.items():
            unit = "" if view == "log_ratio" else "sigma"
            yield Column(f"{column.name}.{view}", f"{prefix}.{view}", column.subsystem, "detail", unit), values[:, j]


def _counted(
    compared: Levels, amount: NDArray[np.float64], weight: NDArray[np.float64], about: list[Column], prefix: str
) -> Columns:
    """Poisson significance given the weight, and share of the group, of every count or rate."""
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.exp(compared.expected) * weight[:, None]
        surprise = amount * np.log(np.where(amount > 0, amount / expected, 1.0)) - (amount - expected)
        poisson = np.sign(amount - expected) * np.sqrt(2 * np.maximum(surprise, 0))
        share = amount / np.nansum(amount, axis=1, keepdims=True)
    found: Columns = []
    for j, column in enumerate(about):
        for view, values, unit in (("poisson", poisson, "sigma"), ("share", share, "")):
            about_view = Column(f"{column.name}.{view}", f"{prefix}.{view}", column.subsystem, "detail", unit)
            found.append((about_view, values[:, j]))
    return found


def _shapes(table: QuantityTable, rows: Grouped, settings: FeaturesConfig) -> Columns:
    """What histograms look like beside those of earlier runs, over all of them and one by one."""
    found: Columns = []
    for measure in ("ks", "emd", "pull", "chi2", "dead", "hot", "region"):
        members = [i for i in table.where(kind="deviation") if table.columns[i].name.endswith(f":{measure}")]
        if not members:
            continue
        values = table.values[:, members]
        source = f"shapes.{measure}"
        found.append((Column(source, source, kind="deviation"), nan_extreme(values)))
        if measure == "ks":
            second = np.sort(np.where(np.isnan(values), -np.inf, values), axis=1)[:, -2:][:, 0]
            second = np.where(np.isneginf(second), np.nan, second)
            found.append((Column("shapes.second", source, kind="deviation"), second))
            missing = _missing(values, rows, settings.past_runs)
            found += _gone(missing, [table.columns[i] for i in members], "shapes")
        for j, i in enumerate(members):
            about = table.columns[i]
            found.append((Column(f"{about.name}.shape", source, about.subsystem, "detail"), values[:, j]))
    return found


def _course(table: QuantityTable, kept: NDArray[np.bool_], rows: Grouped, settings: FeaturesConfig) -> Columns:
    if not settings.course:
        return []
    v = np.stack([_floored(table, each) for each in settings.course], axis=1)
    views = course(v, kept, rows, settings.past_runs)
    found: Columns = []
    for j, each in enumerate(settings.course):
        subsystem = _subsystem(table, each)
        sign, kind = SENSE[each.bad]
        for aspect in ASPECTS if kind == "deviation" else ASPECTS[1:]:
            column = Column(f"course.{each.title}.{aspect}", f"course.{aspect}", subsystem, unit="ln", kind=kind)
            found.append((column, sign * views[aspect][:, j]))
    return found


def _floored(table: QuantityTable, each: CourseConfig) -> NDArray[np.float64]:
    return np.where(table.usable, logarithm(quantity(table, each), each.floor), np.nan)


def _flags(table: QuantityTable, rows: Grouped) -> Columns:
    members = table.where(role="feature", kind="flag")
    if not members:
        return []
    found: Columns = [
        (Column(name, "flags", kind="deviation"), values)
        for name, values in zip(FLAG_NAMES, flags(table.values[:, members], rows).T, strict=True)
    ]
    for i in members:
        about = table.columns[i]
        down = np.where(np.isfinite(table.values[:, i]), table.values[:, i] == 0, np.nan)
        found.append((Column(f"{about.name}.down", "flags", about.subsystem, "detail", kind="flag"), down))
    return found


def to_frame(table: FeatureTable, role: str) -> pd.DataFrame:
    """The columns of one role as a DataFrame with the key as its index."""
    members = table.where(role=role)
    return pd.DataFrame(table.values[:, members], index=table.index, columns=[table.columns[i].name for i in members])
