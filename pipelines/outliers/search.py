"""``dqm outliers``: learn known backgrounds, optionally inject a signal into data, list what stands out and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqm.model.errors import ConfigError, InputError
from pipelines.outliers.events import Events, Feature, read_events
from pipelines.outliers.listing import write_listing
from pipelines.outliers.merit import Merit, efficiency_at_rejection, merit
from pipelines.outliers.methods import Effort, method_of
from pipelines.progress import track

LEAST = 200
"""Events with every feature that a density is learned from, at least."""


@dataclass(frozen=True)
class Request:
    """What to look for, and where.

    ``background`` files are learned as one mixture, ``data`` are searched. ``fraction`` of the searched events is drawn
    from ``signal`` where that is named. ``idealised``: the background sample is one that an experiment would not have.
    """

    background: tuple[Path, ...]
    data: tuple[Path, ...]
    features: tuple[Feature, ...]
    signal: Path | None = None
    fraction: float = 0.0
    methods: tuple[str, ...] = ("nade-ratio", "nade")
    top: int = 100
    rejection: float = 100.0
    idealised: bool = False
    seed: int = 1
    effort: Effort = field(default_factory=Effort)

    def __post_init__(self) -> None:
        if not self.features or not self.background or not self.data:
            raise ConfigError("name at least one of --features, --background and --data each")
        names = [each.column for each in self.features]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ConfigError(f"--features names column {twice!r} twice; write it on one scale only")
        if not 0 <= self.fraction < 1:
            raise ConfigError(f"--fraction {self.fraction}: write a share of the events, from 0 to below 1")
        if (self.signal is None) != (self.fraction == 0):
            raise ConfigError("--signal and --fraction belong together: name both or neither")
        if self.top < 1 or self.rejection < 1:
            raise ConfigError(f"--top {self.top} and --rejection {self.rejection:g} must be at least 1")


@dataclass(frozen=True, eq=False)
class Scored:
    """One method over the ``n`` searched events: ``score`` ``(n,)``, ``terms`` ``(n, d)`` or None, and its worth."""

    method: str
    score: NDArray[np.float64]
    terms: NDArray[np.float32] | None
    merit: Merit | None
    efficiency: float | None


@dataclass(frozen=True, eq=False)
class Search:
    """What was found. ``injected`` ``(n,)``; ``unscored`` events of each sample lack a feature: UNKNOWN, in no list."""

    request: Request
    events: Events
    injected: NDArray[np.bool_]
    unscored: dict[str, int]
    scored: tuple[Scored, ...]
    files: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The result as ``--json`` writes it."""
        return {
            "events": len(self.events),
            "injected": int(self.injected.sum()),
            "unscored": self.unscored,
            "idealised_background": self.request.idealised,
            "seed": self.request.seed,
            "rejection": self.request.rejection,
            "methods": [
                {
                    "method": each.method,
                    "metrics": None if each.merit is None else asdict(each.merit),
                    "efficiency_at_rejection": each.efficiency,
                }
                for each in self.scored
            ],
            "files": list(self.files),
        }

    def text(self) -> str:
        """For people."""
        lines = [f"searched {len(self.events)} events, {int(self.injected.sum())} of them injected signal"]
        lines += [f"{n} events of {name} lack a feature: UNKNOWN" for name, n in self.unscored.items() if n]
        for each in self.scored:
            lines.append(f"{each.method}: {_worth(each, self.request.rejection)}")
        if self.request.idealised:
            lines.append("the background sample is declared idealised: an experiment would not have it")
        return "\n".join([*lines, *(f"wrote {file}" for file in self.files)])


def search(request: Request, output: Path | None = None) -> Search:
    """Read, inject, fit, score; with ``output`` also lists as Parquet and CSV and one page of plots."""
    samples = {"background": read_events(request.background, request.features)}
    samples["data"] = read_events(request.data, request.features)
    if request.signal is not None:
        samples["signal"] = read_events([request.signal], request.features)
    unscored = {name: int((~each.complete).sum()) for name, each in samples.items()}
    known, data = (_enough(name, samples[name]) for name in ("background", "data"))
    events, injected = inject(data, samples.get("signal"), request.fraction, request.seed)
    steps = track(request.methods, "fitting")
    scored = tuple(_scored(name, known, events, injected, request) for name in steps)
    found = Search(request, events, injected, unscored, scored)
    if output is None:
        return found
    return Search(request, events, injected, unscored, scored, write_listing(found, output))


def inject(data: Events, signal: Events | None, fraction: float, seed: int) -> tuple[Events, NDArray[np.bool_]]:
    """The data and so many signal events that they are ``fraction`` of all; which events those are, ``(n,)``.

    Raises ``InputError`` where the signal has too few events with every feature.
    """
    if signal is None:
        return data, np.zeros(len(data), dtype=bool)
    number = round(len(data) * fraction / (1 - fraction))
    usable = np.flatnonzero(signal.complete)
    if not 0 < number <= len(usable):
        raise InputError(
            f"a fraction {fraction:g} of {len(data)} events takes {number} signal events, and there are {len(usable)} "
            "with every feature; choose another --fraction or a larger --signal file"
        )
    drawn = np.random.default_rng(seed).choice(usable, number, replace=False)
    joined = Events.joined([data, signal.take(np.sort(drawn))])
    return joined, np.arange(len(joined)) >= len(data)


def _scored(name: str, known: Events, events: Events, injected: NDArray[np.bool_], request: Request) -> Scored:
    """Score every event by a fit that did not learn from it."""
    score, terms = np.full(len(events), np.nan), np.zeros(events.table.values.shape, dtype=np.float32)
    explained = True
    for which, (learn, judge) in enumerate(_folds(len(events), request, name)):
        method = method_of(name, request.effort)
        method.fit(known.table, events.table.take(learn), seed=request.seed + which)
        judged = events.table.take(judge)
        score[judge], found = method.score(judged), method.terms(judged)
        explained = explained and found is not None
        terms[judge] = 0 if found is None else found
    worth = efficiency = None
    if injected.any():
        worth = merit(score[injected], score[~injected])
        efficiency = efficiency_at_rejection(score[injected], score[~injected], request.rejection)
    return Scored(name, score, terms if explained else None, worth, efficiency)


def _folds(n: int, request: Request, name: str) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Positions to learn from and to score: two halves, each once; everything at once where no data are learned."""
    if not method_of(name, request.effort).compares:
        return [(np.zeros(0, dtype=np.int64), np.arange(n))]
    one, other = np.array_split(np.random.default_rng(request.seed).permutation(n), 2)
    return [(one, other), (other, one)]


def _enough(name: str, events: Events) -> Events:
    """The events with every feature; raises ``InputError`` where they are too few to learn from."""
    whole = np.flatnonzero(events.complete)
    if len(whole) < LEAST:
        raise InputError(
            f"{len(whole)} of {len(events)} {name} events have every feature, and {LEAST} are needed; "
            "name more files, or fewer --features"
        )
    found = events.take(whole)
    if not np.ptp(found.table.values, axis=0).any():
        raise InputError(f"no feature of the {name} events varies: there is nothing to learn from {found.table.names}")
    return found


def _worth(each: Scored, rejection: float) -> str:
    if each.merit is None or each.efficiency is None:
        return "no signal injected, nothing to measure"
    found = each.merit
    sic = "n/a (fewer than 100 background events)"
    if found.max_sic is not None:
        sic = f"{found.max_sic:.2f} ± {found.max_sic_err:.2f}"
    return f"AUC {found.auc:.4f}, max SIC {sic}, ε_S {each.efficiency:.3f} at a background rejection of {rejection:g}"


def methods_in(text: str) -> tuple[str, ...]:
    """Names between commas, each one known; raises ``UnknownNameError`` for another."""
    names: Sequence[str] = [each.strip() for each in text.split(",") if each.strip()]
    for name in names:
        method_of(name, Effort())
    if not names:
        raise ConfigError("--methods names none; write for example nade-ratio,nade")
    return tuple(names)
