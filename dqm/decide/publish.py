"""From verdicts to what is published: the golden mask, the anti mask, and the reasons for whatever is not golden.

Golden is what a GOLDEN decision was given, never what is left when the rejected is taken away: a lumisection that
nobody decided is in neither mask but among the undecided. The byte form of a golden JSON belongs to ``dqm.formats``.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from dqm.model.errors import InputError
from dqm.model.keys import LumiMask, decode, encode
from dqm.model.verdicts import GOLDEN, REJECTED, Decision, Reason, Verdicts

FIELDS = ("first", "last", "decision", "subsystem", "reason")


@dataclass(frozen=True)
class ReasonRange:
    """Neighbouring lumisections ``first`` to ``last`` (inclusive) of one run that share decision and reason.

    ``subsystem`` is the leading one; ``reason`` the status of an UNKNOWN, otherwise what contributed most, in words,
    "" where neither is known.
    """

    run: int
    first: int
    last: int
    decision: str
    subsystem: str
    reason: str


@dataclass(frozen=True)
class AntiReasons:
    """Why lumisections are not golden: ``anti`` the rejected ones, ``undecided`` those that still ask for a person.

    Both ascend by run and lumisection. As JSON: ``{"anti": {run: [range, …]}, "undecided": {run: [range, …]}}`` with
    the run as a string and each range ``{"first", "last", "decision", "subsystem", "reason"}``.
    """

    anti: tuple[ReasonRange, ...]
    undecided: tuple[ReasonRange, ...]

    def to_bytes(self) -> bytes:
        """The canonical form: ASCII, one range per line, fixed key order, a final newline."""
        parts = (("anti", self.anti), ("undecided", self.undecided))
        body = ",\n".join(f'"{name}": {_section(ranges)}' for name, ranges in parts)
        return f"{{\n{body}\n}}\n".encode("ascii")

    @classmethod
    def from_bytes(cls, data: bytes) -> AntiReasons:
        """Read the form back; raises ``InputError`` naming the section, run and range that cannot be used."""
        try:
            tree = json.loads(data)
        except ValueError as error:
            raise InputError(f"the anti-JSON is not JSON: {error}") from error
        if not isinstance(tree, dict) or set(tree) != {"anti", "undecided"}:
            raise InputError('the anti-JSON must hold exactly the sections "anti" and "undecided"')
        return cls(_ranges("anti", tree["anti"]), _ranges("undecided", tree["undecided"]))


def masks(verdicts: Verdicts) -> tuple[LumiMask, LumiMask]:
    """The golden and the anti mask of ``n`` verdicts: disjoint, and neither holds an undecided lumisection.

    Raises ``ValueError`` for a lumisection with two verdicts, and for one that the machine accepted without a badness
    or in spite of a status that says it cannot be scored.
    """
    code = _checked_codes(verdicts)
    return _mask(code[verdicts.having(GOLDEN)]), _mask(code[verdicts.having(REJECTED)])


def anti_reasons(verdicts: Verdicts, words: Callable[[Reason], str] = attrgetter("feature")) -> AntiReasons:
    """The leading reasons of all that is not golden, put into ``words``, in ranges; raises as ``masks`` does."""
    code = _checked_codes(verdicts)
    golden, rejected = verdicts.having(GOLDEN), verdicts.having(REJECTED)
    return AntiReasons(_joined(verdicts, code, rejected, words), _joined(verdicts, code, ~(golden | rejected), words))


def golden_ranges(verdicts: Verdicts) -> tuple[ReasonRange, ...]:
    """What is golden, in ranges by decision alone: nobody asks for the reason of what is good; raises as ``masks``."""
    code, found = _checked_codes(verdicts), []
    for decision in sorted(GOLDEN):
        mask = _mask(code[verdicts.having(frozenset({decision}))])
        found += [ReasonRange(run, a, b, str(decision), "", "") for run, each in mask.ranges.items() for a, b in each]
    return tuple(sorted(found, key=lambda each: (each.run, each.first)))


def _checked_codes(verdicts: Verdicts) -> NDArray[np.int64]:
    """The key of every verdict as an integer ``(n,)``, once nothing in them contradicts itself."""
    code = encode(verdicts.index.get_level_values("run"), verdicts.index.get_level_values("ls"))
    ordered = np.sort(code)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if twice.size:
        raise ValueError(f"{_name(twice[0])} has two verdicts; a lumisection has one: resolve them before publishing")
    accepted = verdicts.having(frozenset({Decision.ACCEPT}))
    blind = accepted & (~np.isfinite(verdicts.badness) | (verdicts.status != ""))
    if blind.any():
        at = int(np.flatnonzero(blind)[0])
        raise ValueError(
            f"{_name(code[at])} is ACCEPT with badness {verdicts.badness[at]} and status {verdicts.status[at]!r}; "
            "what was not scored is UNKNOWN: score it again"
        )
    return code


def _name(code: np.int64) -> str:
    run, ls = decode(np.asarray([code]))
    return f"run {run[0]} LS {ls[0]}"


def _mask(code: NDArray[np.int64]) -> LumiMask:
    return LumiMask.of_lumisections(*decode(code))


def _joined(
    verdicts: Verdicts, code: NDArray[np.int64], chosen: NDArray[np.bool_], words: Callable[[Reason], str]
) -> tuple[ReasonRange, ...]:
    """Join the chosen verdicts that follow each other with the same decision, subsystem and reason."""
    rows = np.flatnonzero(chosen)
    rows = rows[np.argsort(code[rows])]
    if not rows.size:
        return ()
    told = [(str(verdicts.decision[i]), str(verdicts.subsystem[i]), _reason(verdicts, i, words)) for i in rows.tolist()]
    unlike = np.fromiter((a != b for a, b in itertools.pairwise(told)), dtype=bool, count=len(told) - 1)
    # Codes of one run differ by one between neighbours; the last of a run and the first of the next never do.
    begins = np.concatenate([[True], (np.diff(code[rows]) != 1) | unlike])
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(rows)) - 1
    run, begin = decode(code[rows[first]])
    _, end = decode(code[rows[last]])
    ends = zip(run.tolist(), begin.tolist(), end.tolist(), first.tolist(), strict=True)
    return tuple(ReasonRange(r, a, b, *told[i]) for r, a, b, i in ends)


def _reason(verdicts: Verdicts, row: int, words: Callable[[Reason], str]) -> str:
    status, contributions = str(verdicts.status[row]), verdicts.reasons[row]
    return status or (words(contributions[0]) if contributions else "")


def _section(ranges: Iterable[ReasonRange]) -> str:
    by_run: dict[int, list[str]] = {}
    for each in ranges:
        by_run.setdefault(each.run, []).append("  " + json.dumps({name: getattr(each, name) for name in FIELDS}))
    runs = (f'"{run}": [\n' + ",\n".join(lines) + "\n]" for run, lines in by_run.items())
    return "{" + ",\n".join(runs) + "}"


def _ranges(section: str, tree: object) -> tuple[ReasonRange, ...]:
    if not isinstance(tree, dict):
        raise InputError(f'section "{section}" of the anti-JSON must map runs to lists of ranges')
    found = [_range(section, run, each) for run, listed in tree.items() for each in _listed(section, run, listed)]
    return tuple(found)


def _listed(section: str, run: str, listed: object) -> list[object]:
    if not (run.isascii() and run.isdecimal()) or not isinstance(listed, list):
        raise InputError(f'section "{section}" of the anti-JSON: run {run!r} must be a number with a list of ranges')
    return listed


def _range(section: str, run: str, each: object) -> ReasonRange:
    """One range of the JSON, refused unless it has exactly the documented fields with their types."""
    kinds = (int, int, str, str, str)
    if not isinstance(each, dict) or set(each) != set(FIELDS):
        raise InputError(f'section "{section}", run {run}: a range must have exactly the fields {", ".join(FIELDS)}')
    values = [each[name] for name in FIELDS]
    for name, value, kind in zip(FIELDS, values, kinds, strict=True):
        if type(value) is not kind:
            raise InputError(f'section "{section}", run {run}: {name} = {value!r} must be of type {kind.__name__}')
    if not 0 <= values[0] <= values[1]:
        raise InputError(f'section "{section}", run {run}: the range [{values[0]}, {values[1]}] runs backwards')
    return ReasonRange(int(run), *values)
