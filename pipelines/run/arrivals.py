"""What the inputs hold now, known by digests, so that a night in which nothing arrived reads nothing.

A file is digested again only where its size or its time of change differs from what the last ingestion saw; a clock
that was set back therefore costs a digest and hides nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dqm import __version__
from dqm.model.config import Config, InputConfig
from dqm.model.errors import ConfigError
from dqm.store.store import Store

NAMED = ("files", "dcs")
"""Fields of an input that hold patterns of files."""
SINGLE = ("qa", "charge")
"""Fields of an input that hold the path of one file."""


SETTINGS = "how the inputs are read (configuration, version)"
"""What stands for it among the files: other settings, or another program, read the same files anew."""


@dataclass(frozen=True)
class Seen:
    """One file as it was seen: ``size`` in bytes, ``changed`` in ns, ``digest`` SHA-256 of its bytes."""

    size: int
    changed: int
    digest: str


@dataclass(frozen=True)
class Arrivals:
    """Every file of the inputs by its absolute path, and what could not be found."""

    files: Mapping[str, Seen]
    missing: tuple[str, ...] = ()
    live: bool = field(default=False)

    @classmethod
    def of(cls, config: Config, before: Arrivals | None = None) -> Arrivals:
        """What is there now; ``live`` where an input comes from a service, which has no files to compare."""
        known = {} if before is None else dict(before.files)
        files, missing = dict[str, Seen](), []
        for patterns in (each for described in config.inputs for each in _patterns(described)):
            try:
                found = config.files(patterns)
            except ConfigError as error:
                missing.append(str(error))
                continue
            for path in found:
                seen = file_seen(path, known.get(known_as(path)))
                if seen is not None:
                    files[known_as(path)] = seen
        files[SETTINGS] = Seen(0, 0, _settings_digest(config))
        return cls(files, tuple(missing), any(getattr(each, "url", "") for each in config.inputs))

    def differ(self, before: Arrivals | None) -> list[str]:
        """Paths that are new, changed or gone since."""
        then = {} if before is None else {path: each.digest for path, each in before.files.items()}
        now = {path: each.digest for path, each in self.files.items()}
        return sorted(path for path in then.keys() | now.keys() if then.get(path) != now.get(path))

    def gone(self, before: Arrivals | None) -> list[str]:
        """Paths that were there before and are not any more."""
        return sorted(set() if before is None else before.files.keys() - self.files.keys())

    def told(self, before: Arrivals | None) -> str:
        """The names of what differs, what is gone by itself: of that nothing was read, and what was stays."""
        gone = self.gone(before)
        fresh = [each for each in self.differ(before) if each not in set(gone)]
        return f"new or changed: {_names(fresh)}" + (f"; gone: {_names(gone)}" if gone else "")

    def document(self) -> dict[str, list[int | str]]:
        """For the store."""
        return {path: [each.size, each.changed, each.digest] for path, each in self.files.items()}

    @classmethod
    def taken(cls, store: Store) -> Arrivals | None:
        """What the newest ingestion saw; None where it is not known, so that all is read."""
        files = store.intake.files
        if not files:
            return None
        found = cls.from_document(files).files
        return cls({path if path == SETTINGS else known_as(Path(path)): each for path, each in found.items()})

    @classmethod
    def from_document(cls, given: Mapping[str, list[int | str]]) -> Arrivals:
        """As it was written."""
        return cls(
            {path: Seen(int(size), int(changed), str(digest)) for path, (size, changed, digest) in given.items()}
        )


def _names(paths: Sequence[str]) -> str:
    return (", ".join(Path(each).name for each in paths[:3]) or "nothing") + (" …" if len(paths) > 3 else "")


def known_as(path: Path) -> str:
    """The absolute path in the folder as it is on the disk, by its own name there.

    So a file is the same one from whatever folder a command is called, and by whatever way to it.
    """
    return str(path.parent.resolve() / path.name)


def _settings_digest(config: Config) -> str:
    about = {name: config.model_dump(mode="json")[name] for name in ("inputs", "experiment")}
    return hashlib.sha256(json.dumps([about, __version__], sort_keys=True).encode()).hexdigest()


def paths_of(described: InputConfig, config: Config) -> list[Path]:
    """The files of one input; raises ``ConfigError`` where a pattern finds none."""
    return [path for patterns in _patterns(described) for path in config.files(patterns)]


def _patterns(described: InputConfig) -> Iterable[tuple[str, ...]]:
    for name in NAMED:
        for pattern in getattr(described, name, ()):
            yield (pattern,)
    for name in SINGLE:
        if getattr(described, name, ""):
            yield (getattr(described, name),)


def file_seen(path: Path, before: Seen | None) -> Seen | None:
    """A file as it is; None where it went away meanwhile or is a folder."""
    try:
        state = path.stat()
        if before is not None and (before.size, before.changed) == (state.st_size, state.st_mtime_ns):
            return before
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
    return Seen(state.st_size, state.st_mtime_ns, digest)
