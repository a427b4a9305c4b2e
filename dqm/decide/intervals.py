"""When an anomaly begins and ends: from a severity for every window to stretches that open, go on and are resolved.

A stretch *opens* with the first window whose severity is at least ``opens`` and goes on while it is at least
``closes`` (hysteresis: a severity that trembles about one threshold would open and close all the time). It has ended
when no window reached ``opens`` for ``merge`` seconds after its last one; what opens again within them belongs to it.
A stretch shorter than ``least`` seconds is none. A window without a severity (NaN) is unknown: it opens nothing, and
it ends nothing, so that nobody takes the silence for a recovery.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dqm.model.sensors import SECOND

Moments = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class IntervalRules:
    """``opens`` and ``closes`` in units of the severity, ``least`` and ``merge`` in seconds.

    Raises ``ValueError`` where a stretch would close above the severity at which it opens, or a time is negative.
    """

    opens: float
    closes: float
    least: float = 60.0
    merge: float = 600.0

    def __post_init__(self) -> None:
        if not self.closes <= self.opens:
            raise ValueError(f"an anomaly that opens at {self.opens} cannot close at {self.closes}; close it below")
        if self.least < 0 or self.merge < 0:
            raise ValueError(f"least {self.least} s and merge {self.merge} s are times; none may be negative")


@dataclass(frozen=True, slots=True)
class Stretch:
    """``[begin, end)`` in ns of UTC, ``end`` None while it goes on, with the largest severity inside it."""

    begin: int
    end: int | None
    severity: float


class IntervalStream:
    """The stretches of one loop, window by window: however the windows are cut into pieces, they are the same."""

    def __init__(self, rules: IntervalRules) -> None:
        self.rules = rules
        self._held: tuple[int, int, float] | None = None
        """Begin, end so far and largest severity of the stretch that is being made."""
        self._within = False
        """Whether the window before belonged to it, so that the next may go on."""

    def feed(self, begin: Moments, end: Moments, severity: NDArray[np.float64]) -> list[Stretch]:
        """The stretches that these windows ``(w,)`` show to be resolved; they must be later than those before."""
        done: list[Stretch] = []
        for since, until, height in zip(begin.tolist(), end.tolist(), severity.tolist(), strict=True):
            if self._held and not self._within and since - self._held[1] > self.rules.merge * SECOND:
                done += self._taken_out()
            self._take(since, until, height)
        return done

    @property
    def current(self) -> Stretch | None:
        """What is going on, or may still go on: its ``end`` is None; None where nothing is or it is still too short."""
        return Stretch(self._held[0], None, self._held[2]) if self._held and self._lasts(self._held) else None

    def finish(self) -> list[Stretch]:
        """The last stretch where there is one, with ``end`` None if its last window was in it, and forget it."""
        found = self._taken_out()
        return [replace(each, end=None) for each in found] if self._within else found

    def _take(self, begin: int, end: int, severity: float) -> None:
        if np.isnan(severity):
            if self._held and self._within:
                self._held = self._held[0], end, self._held[2]
            return
        self._within = severity >= (self.rules.closes if self._within else self.rules.opens)
        if self._within:
            since, highest = (self._held[0], self._held[2]) if self._held else (begin, severity)
            self._held = since, end, max(highest, severity)

    def _taken_out(self) -> list[Stretch]:
        held, self._held = self._held, None
        return [Stretch(*held)] if held and self._lasts(held) else []

    def _lasts(self, held: tuple[int, int, float]) -> bool:
        return held[1] - held[0] >= self.rules.least * SECOND


def stretches(begin: Moments, end: Moments, severity: NDArray[np.float64], rules: IntervalRules) -> list[Stretch]:
    """All stretches of windows ``(w,)`` in order of time; the last one is open (``end`` None) if it still goes on."""
    stream = IntervalStream(rules)
    return [*stream.feed(begin, end, severity), *stream.finish()]


def united(found: Sequence[Stretch], merge: float) -> list[Stretch]:
    """Stretches that overlap or lie at most ``merge`` seconds apart as one; one that goes on has no end."""
    joined: list[Stretch] = []
    for each in sorted(found, key=lambda one: one.begin):
        last = joined[-1] if joined else None
        if last is not None and (last.end is None or each.begin - last.end <= merge * SECOND):
            end = None if last.end is None or each.end is None else max(last.end, each.end)
            joined[-1] = Stretch(last.begin, end, max(last.severity, each.severity))
        else:
            joined.append(each)
    return joined
