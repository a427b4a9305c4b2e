"""Golden and DCS-only JSON, ``{"355100": [[1, 10], [12, 50]]}``: read strictly, written in one canonical form."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from dqm.formats.results import Certification, ReadFile, ReadResult
from dqm.formats.sources import Repeated, Source, parse_json
from dqm.model.config import Config, GoldenInput
from dqm.model.errors import InputError
from dqm.model.findings import Finding
from dqm.model.keys import LS_LAST, LumiMask

Ranges = dict[int, list[tuple[int, int]]]
EVERY = (0, LS_LAST)
"""What ``[[-1]]`` stands for: every lumisection of the run."""


def read_mask(source: Path | str) -> LumiMask:
    """Read a mask from a file (``Path``) or from the text itself (``str``).

    Takes certification JSON, in which ``[[-1]]`` means every lumisection, or lines ``run lumi``. Ranges may stand in
    any order but must not overlap or run backwards, and no run may occur twice: ``InputError`` names run and LS.

    >>> read_mask('{"355100": [[1, 10], [12, 50]]}')
    LumiMask({355100: [(1, 10), (12, 50)]})
    """
    if isinstance(source, Path):
        return LumiMask(_ranges(Source.open(source).text(), str(source)))
    return LumiMask(_ranges(source, "certification text"))


def golden_bytes(mask: LumiMask) -> bytes:
    """Write a mask in its canonical form: runs ascending, one per line, ASCII, a final newline.

    Equal masks give equal bytes, and ``read_mask`` of the bytes gives the mask.

    >>> golden_bytes(LumiMask({355101: [(3, 4)], 355100: [(1, 10)]})).decode()
    '{\\n  "355100": [[1, 10]],\\n  "355101": [[3, 4]]\\n}\\n'
    """
    lines = [f'  "{run}": {_written(ranges)}' for run, ranges in mask.ranges.items()]
    return ("{\n" + ",\n".join(lines) + "\n}\n" if lines else "{}\n").encode("ascii")


def read_golden(described: GoldenInput, config: Config) -> ReadResult:
    """Read certification JSON as labels; a file that cannot be trusted is an ``InputError`` and labels nothing."""
    golden, runs, files, findings = _united(config.files(described.files))
    dcs = None
    if described.dcs:
        dcs, _, dcs_files, _ = _united(config.files(described.dcs))
        files += dcs_files
    span = (min(runs), max(runs)) if described.coverage == "span" and runs else None
    certification = Certification(golden, frozenset(runs), dcs, span)
    return ReadResult(None, None, tuple(findings), tuple(files), certification)


def _united(paths: Iterable[Path]) -> tuple[LumiMask, set[int], list[ReadFile], list[Finding]]:
    mask, runs, files, findings = LumiMask(), set[int](), [], []
    for path in paths:
        source = Source.open(path)
        ranges = _ranges(source.text(), str(path))
        mask, runs = mask | LumiMask(ranges), runs | set(ranges)
        rows = sum(map(len, ranges.values()))
        files.append(ReadFile(str(path), source.digest, rows, rows))
        reason = "the run is listed without ranges: none of its lumisections is certified"
        findings += [Finding("empty-run", "note", reason, str(path), run) for run, each in ranges.items() if not each]
    return mask, runs, files, findings


def _written(ranges: list[tuple[int, int]]) -> str:
    if ranges == [EVERY]:
        return "[[-1]]"
    return "[" + ", ".join(f"[{first}, {last}]" for first, last in ranges) + "]"


def _ranges(text: str, name: str) -> Ranges:
    """The ranges of every listed run, each run sorted; a listed run without ranges stays listed."""
    is_json = text.lstrip().startswith(("{", "["))
    ranges = _of_json(parse_json(text, name), name) if is_json else _of_lines(text, name)
    for run, each in ranges.items():
        each.sort()
        for (_, last), (first, _) in pairwise(each):
            if first <= last:
                raise InputError(f"{name}: run {run}, LS {first}: ranges overlap; each lumisection may be listed once")
    return ranges


def _of_json(content: Any, name: str) -> Ranges:
    if not isinstance(content, dict | Repeated):
        raise InputError(f'{name}: not a certification JSON: expected an object like {{"355100": [[1, 10]]}}')
    ranges: Ranges = {}
    for key, each in content if isinstance(content, Repeated) else content.items():
        if (run := _number(key)) is None:
            raise InputError(f"{name}: {key[:40]!r} is not a run number")
        if run in ranges:
            raise InputError(f"{name}: run {run} is listed twice; join its ranges")
        if not isinstance(each, list):
            raise InputError(f"{name}: run {run}: expected a list of ranges like [[1, 10], [12, 50]]")
        ranges[run] = [EVERY] if each == [[-1]] else [_range(pair, run, name) for pair in each]
    return ranges


def _number(word: str) -> int | None:
    """A run or lumisection number, or None; ten digits hold every number below 2³¹."""
    number = int(word) if word.isascii() and word.isdecimal() and len(word) <= 10 else LS_LAST + 1
    return number if number <= LS_LAST else None


def _range(pair: Any, run: int, name: str) -> tuple[int, int]:
    if not (isinstance(pair, list) and len(pair) == 2 and all(type(each) is int for each in pair)):
        raise InputError(f"{name}: run {run}: {pair!r} is not a range of two whole numbers like [1, 10]")
    first, last = pair
    if not 0 <= first <= LS_LAST or not 0 <= last <= LS_LAST:
        raise InputError(f"{name}: run {run}: the range [{first}, {last}] lies outside [0, {LS_LAST}]")
    if last < first:
        raise InputError(f"{name}: run {run}, LS {first}: the range [{first}, {last}] runs backwards")
    return first, last


def _of_lines(text: str, name: str) -> Ranges:
    ranges: Ranges = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        run, ls = map(_number, words) if len(words) == 2 else (None, None)
        if run is None or ls is None:
            raise InputError(f"{name}: line {number} is neither JSON nor a line 'run lumi': {line.strip()[:40]!r}")
        ranges.setdefault(run, []).append(_range([ls, ls], run, name))
    return ranges
