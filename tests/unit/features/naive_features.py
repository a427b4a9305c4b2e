"""Features as loops over lists, the way their docstrings say them: slow, obvious, and what the fast ones must equal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from features.levels import LevelSettings

NAN = math.nan
Array = NDArray[np.floating]


def middle(values: Sequence[float]) -> float:
    """Median of what is finite, NaN of nothing."""
    finite = [float(each) for each in values if math.isfinite(each)]
    return median(finite) if finite else NAN


def largest(values: Sequence[float]) -> float:
    known = [float(each) for each in values if not math.isnan(each)]
    return max(known) if known else NAN


def groups(run: NDArray[np.int64]) -> list[list[int]]:
    """Rows of every run, in order of the runs."""
    return [[i for i in range(len(run)) if run[i] == each] for each in sorted(set(run.tolist()))]


def medians(values: Array, run: NDArray[np.int64]) -> Array:
    return np.array([[middle(values[rows, j]) for j in range(values.shape[1])] for rows in groups(run)])


def means(values: Array, run: NDArray[np.int64]) -> Array:
    found = []
    for rows in groups(run):
        known = [[x for x in values[rows, j] if math.isfinite(x)] for j in range(values.shape[1])]
        found.append([sum(each) / len(each) if each else NAN for each in known])
    return np.array(found)


def spread(values: Array, centre: Array, run: NDArray[np.int64]) -> Array:
    away = np.full(values.shape, NAN)
    for r, rows in enumerate(groups(run)):
        for i in rows:
            away[i] = abs(values[i] - centre[r])
    return 1.4826 * medians(away, run)


def past_median(by_run: Array, runs: int) -> Array:
    m, d = by_run.shape
    return np.array([[middle(by_run[max(0, r - runs) : r, j]) for j in range(d)] for r in range(m)])


def neighbours(i: int, run: NDArray[np.int64], reach: int) -> list[int]:
    return [k for k in range(i - reach, i + reach + 1) if 0 <= k < len(run) and run[k] == run[i]]


def local_median(values: Array, run: NDArray[np.int64], reach: int) -> Array:
    n, d = values.shape
    return np.array([[middle(values[neighbours(i, run, reach), j]) for j in range(d)] for i in range(n)])


def per_weight(amount: Array, weight: Array) -> Array:
    found = np.full(amount.shape, NAN)
    for i, j in np.ndindex(amount.shape):
        if weight[i] > 0 and amount[i, j] > -0.5:
            found[i, j] = math.log((amount[i, j] + 0.5) / weight[i])
    return found


def relative(value: Array, run: NDArray[np.int64]) -> Array:
    found = np.full(value.shape, NAN)
    by_run = medians(value, run)
    for j in range(value.shape[1]):
        had = [x for x in by_run[:, j] if math.isfinite(x)]
        found[:, j] = value[:, j] / (abs(had[0]) if had and had[0] != 0 else 1.0)
    return found


def flags(bits: Array, run: NDArray[np.int64], reach: int = 2) -> Array:
    down = [
        NAN if not any(map(math.isfinite, row)) else float(any(bit == 0 for bit in row if math.isfinite(bit)))
        for row in bits
    ]
    near = []
    for i in range(len(run)):
        told = [down[k] for k in neighbours(i, run, reach) if math.isfinite(down[k])]
        near.append(sum(told) / len(told) if told else NAN)
    return np.array([down, near]).T


def position(ls: NDArray[np.int64], run: NDArray[np.int64]) -> Array:
    found = np.zeros((len(ls), 3))
    for rows in groups(run):
        for place, i in enumerate(rows):
            gap = 0 if place == 0 else ls[i] - ls[i - 1] - 1
            found[i] = math.log(1 + ls[i] - ls[rows[0]]), math.log(1 + ls[rows[-1]] - ls[i]), min(gap, 20)
    return found


def course(
    v: Array, judged: NDArray[np.bool_], run: NDArray[np.int64], past_runs: int, enough: int
) -> dict[str, Array]:
    """The six views; ``enough`` judged lumisections make a run a full one."""
    names = ("level", "past", "own", "before", "after", "local")
    found = {name: np.full(v.shape, NAN) for name in names}
    for j in range(v.shape[1]):
        full: list[float] = []
        for rows in groups(run):
            seen = [i for i in rows if judged[i]]
            own, earlier = middle(v[seen, j]), middle(full[-past_runs:])
            for place, i in enumerate(rows):
                found["level"][i, j] = v[i, j]
                found["past"][i, j] = v[i, j] - earlier
                found["own"][i, j] = v[i, j] - own
                if place > 0:
                    found["before"][i, j] = v[i, j] - v[i - 1, j]
                if place < len(rows) - 1:
                    found["after"][i, j] = v[i, j] - v[i + 1, j]
                if 2 <= place < len(rows) - 2:
                    found["local"][i, j] = v[i, j] - middle(v[i - 2 : i + 3, j])
            if len(seen) >= enough:
                full.append(own)
    return found


def nearest(away: list[list[float]], sigma: list[float]) -> int:
    """Which of the references is nearest: of smallest largest distance in σ; a missing one is farthest."""
    distance = [largest([abs(a) / s for a, s in zip(each, sigma, strict=True)]) for each in away]
    known = [math.inf if math.isnan(each) else each for each in distance]
    return known.index(min(known))


def levels(y: Array, run: NDArray[np.int64], settings: LevelSettings) -> dict[str, Array]:
    """Runs in order against the last ``past_runs``, three and one runs that served as references."""
    n, d = y.shape
    names = ("log_ratio", "z", "own", "expected")
    found = {name: np.full((n, d), NAN) for name in names} | {"run_z": np.full(n, NAN), "held": np.ones(n)}
    served: list[list[float]] = []
    residuals: list[list[list[float]]] = []
    refused = 0
    for rows in groups(run):
        seen = [i for i in rows if any(math.isfinite(x) for x in y[i])]
        if not seen:
            continue
        own = [middle(y[rows, j]) for j in range(d)]
        odd = False
        if served:
            references = [[middle([m[j] for m in served[-k:]]) for j in range(d)] for k in (settings.past_runs, 3, 1)]
            last = [row for each in residuals[-settings.past_runs :] for row in each]
            spreads = [1.4826 * middle([abs(row[j]) for row in last]) for j in range(d)]
            sigma = [s if math.isnan(s) else max(s, settings.floor) for s in spreads]
            shift = [[own[j] - ref[j] for j in range(d)] for ref in references]
            near = nearest(shift, sigma)
            common = middle(shift[near])
            apart = [abs(s - common) for s in shift[near]]
            stands_out = largest([a / s for a, s in zip(apart, sigma, strict=True)]) > settings.alone
            odd = (stands_out and largest(apart) > abs(common)) or abs(common) > settings.step
            if len(served) >= settings.references:
                run_z = largest([abs(a) / s for a, s in zip(shift[near], sigma, strict=True)])
                far_z = largest([abs(a) / s for a, s in zip(shift[0], sigma, strict=True)])
                for i in rows:
                    away = [[y[i, j] - ref[j] for j in range(d)] for ref in references]
                    k = nearest(away, sigma)
                    for j in range(d):
                        found["log_ratio"][i, j] = away[k][j]
                        found["z"][i, j] = away[k][j] / sigma[j]
                        found["own"][i, j] = (y[i, j] - own[j]) / sigma[j]
                        found["expected"][i, j] = NAN if math.isnan(y[i, j]) else references[k][j]
                    found["run_z"][i] = run_z
                    known = not math.isnan(run_z)
                    found["held"][i] = not known or run_z > settings.guard or far_z > settings.far
        if len(seen) >= settings.enough:
            if odd and refused < settings.refusals:
                refused += 1
            else:
                refused = 0
                served.append(own)
                residuals.append([[y[i, j] - own[j] for j in range(d)] for i in seen])
    return found | {"local": local_median(found["z"], run, settings.reach)}


def levels_within(y: Array, condition: Array, run: NDArray[np.int64], settings: LevelSettings) -> dict[str, Array]:
    """Every value of the condition on its own, as if there were no other lumisections."""
    found: dict[str, Array] = {}
    for each in sorted(set(condition.tolist())):
        rows = np.flatnonzero(condition == each)
        for name, values in levels(y[rows], run[rows], settings).items():
            found.setdefault(name, np.full((len(y), *values.shape[1:]), NAN))[rows] = values
    return found
