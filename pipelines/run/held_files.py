"""What the files of histograms held when they were read, kept beside the store so that they need not be read again.

Of a file that is known by the digest of its bytes: its runs, rows and findings. Of a run: the files that speak of it,
its lumisections, and the digest of what was stored of it. Nothing but time hangs on these notes: where they are
missing or damaged, or what they tell of is no longer what the store holds, files are read as if they were new.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import dqm.formats
import dqm.model
import dqm.store
from dqm import __version__
from dqm.model.findings import Finding
from dqm.store.store import Store
from pipelines.run.summary_cache import DIGEST, FOLDER

NAME = "held-files"
Ranges = Mapping[str, tuple[tuple[int, int], ...]]
"""Ranges of lumisections by input."""
Elements = Mapping[str, tuple[str, ...]]
"""Monitor elements of a run, each with its binnings."""


@dataclass(frozen=True)
class HeldFile:
    """One file: rows that were read and kept, its runs, and what was found in it."""

    rows_read: int
    rows_kept: int
    runs: tuple[int, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class HeldRun:
    """One run: ``files`` is the digest of all that speak of it, ``digest`` that of its partition of histograms."""

    files: str
    digest: str
    histograms: int
    elements: Elements
    lumisections: Ranges


@dataclass(frozen=True)
class Held:
    """All notes: files by the digest that ``file_key`` gives, and runs."""

    files: Mapping[str, HeldFile] = field(default_factory=dict)
    runs: Mapping[int, HeldRun] = field(default_factory=dict)

    @classmethod
    def of(cls, store: Store) -> Held:
        """As they were kept; empty where they were not, or are damaged."""
        try:
            digest, body = (data := (store.path / FOLDER / NAME).read_bytes())[:DIGEST], data[DIGEST:]
            if hashlib.sha256(body).digest() != digest:
                return cls()
            return _from_document(json.loads(body))
        except (AttributeError, KeyError, OSError, RecursionError, TypeError, ValueError):
            return cls()

    def keep(self, store: Store) -> None:
        """Write them in the place of earlier ones; a disk that is full costs time and nothing else."""
        body = json.dumps(_document(self), separators=(",", ":")).encode()
        path = store.path / FOLDER / NAME
        try:
            path.parent.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent) as staging:
                staged = Path(staging, NAME)
                staged.write_bytes(hashlib.sha256(body).digest() + body)
                staged.replace(path)
        except OSError:
            return


def file_key(settings: str, path: Path, sha256: str) -> str:
    """What a file is known by: how it is read, by which program, its absolute path and its bytes."""
    return digest_of([settings, _code(), str(path.absolute()), sha256])


def digest_of(parts: Iterable[object]) -> str:
    """SHA-256 of something that JSON can write."""
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()


@lru_cache(maxsize=1)
def _code() -> str:
    """Digest of the modules that read and store: another program may see other things in the same bytes."""
    found = hashlib.sha256(__version__.encode())
    for package in (dqm.formats, dqm.model, dqm.store):
        for each in sorted(Path(str(package.__file__)).parent.glob("*.py")):
            found.update(each.read_bytes())
    return found.hexdigest()


def _document(held: Held) -> dict[str, Any]:
    """As JSON; most runs have the same elements, which are written once."""
    elements: dict[str, Elements] = {}
    keys: dict[int, str] = {}  # by identity: runs that were read back share theirs
    runs = {}
    for run, each in held.runs.items():
        if id(each.elements) not in keys:
            keys[id(each.elements)] = digest_of([sorted(each.elements.items())])
            elements[keys[id(each.elements)]] = each.elements
        runs[str(run)] = [each.files, each.digest, each.histograms, keys[id(each.elements)], each.lumisections]
    files = {
        key: [each.rows_read, each.rows_kept, each.runs, [asdict(finding) for finding in each.findings]]
        for key, each in held.files.items()
    }
    return {"files": files, "elements": elements, "runs": runs}


def _from_document(given: dict[str, Any]) -> Held:
    elements = {
        key: {name: tuple(binnings) for name, binnings in each.items()} for key, each in given["elements"].items()
    }
    files = {
        key: HeldFile(read, kept, tuple(runs), tuple(Finding(**each) for each in findings))
        for key, (read, kept, runs, findings) in given["files"].items()
    }
    runs = {
        int(run): HeldRun(files, digest, histograms, elements[key], {n: tuple(map(tuple, r)) for n, r in ls.items()})
        for run, (files, digest, histograms, key, ls) in given["runs"].items()
    }
    return Held(files, runs)
