"""What a person began to write about a run and has not entered: a file of its own per person, run and form.

A draft is a convenience and no record: it stands outside the audit chain and in no backup; nothing follows from one
that vanishes or cannot be read. It survives a reload of the page and a lost connection, and is deleted once entered.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import uuid
from dataclasses import asdict, dataclass, fields
from pathlib import Path

FOLDER = "drafts"
MOST = 65_536
"""Bytes of a draft; a comment has 10 kB at most, so that more is no draft."""


@dataclass(frozen=True)
class Draft:
    """Lumisections as they were written, the verdict and the code of the reason, "" where not chosen, the comment."""

    ranges: str = ""
    verdict: str = ""
    reason: str = ""
    comment: str = ""


def read_draft(store: Path, person: str, run: int, form: str = "") -> Draft:
    """What the person began on the run; an empty one where there is none that can be read.

    ``form`` names the form by letters, digits and hyphens, "" the one that decides about lumisections.
    """
    try:
        with _file(store, person, run, form).open("rb") as stream:
            found = json.loads(stream.read(MOST))
        return Draft(**{each.name: _text(found[each.name]) for each in fields(Draft)})
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return Draft()


def _text(value: object) -> str:
    """As text that a page can show: what is no Unicode in it becomes a question mark."""
    return str(value).encode(errors="replace").decode()


def write_draft(store: Path, person: str, run: int, draft: Draft, form: str = "") -> bool:
    """Keep a draft in place of the one before, whole or not at all; an empty one is deleted. Whether it is kept.

    What cannot be written is lost with the page, and nothing else: the disk may be full or read-only.
    """
    if draft == Draft():
        delete_draft(store, person, run, form)
        return True
    file = _file(store, person, run, form)
    written = file.with_suffix(f".{uuid.uuid4().hex}")
    try:
        data = json.dumps(asdict(draft)).encode()
        if len(data) > MOST:
            return False
        file.parent.mkdir(exist_ok=True)
        written.write_bytes(data)
        written.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            written.unlink(missing_ok=True)
        return False
    return True


def delete_draft(store: Path, person: str, run: int, form: str = "") -> None:
    """Forget a draft, if there is one."""
    with contextlib.suppress(OSError):  # what could not be deleted is shown again, and nothing follows from it
        _file(store, person, run, form).unlink(missing_ok=True)


def _file(store: Path, person: str, run: int, form: str) -> Path:
    """Where it lies: named by a digest, since the name of a person may hold anything."""
    digest = hashlib.sha256(person.encode("utf-8", "surrogatepass")).hexdigest()
    return store / FOLDER / f"{digest[:32]}-{run}{f'-{form}' if form else ''}.json"
