"""Files under a manifest: written whole or not at all, read only as they were written."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dqm.model.errors import ArtifactError

FORMAT = 1
MANIFEST = "manifest.json"
BYTES_MOST = 2**30
"""The largest file that is read; a bigger one is no model of ours."""

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files and their manifest into a new folder, under another name first; equal files twice are no error."""
    if folder.exists() or folder.is_symlink():
        if read_files(folder) != files:
            raise ArtifactError(f"{folder}: holds another model; models are never overwritten, choose another name")
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder.parent) as staging:
        written = Path(staging) / folder.name
        written.mkdir()
        for name, data in files.items():
            (written / name).write_bytes(data)
        (written / MANIFEST).write_bytes(manifest(files))
        written.rename(folder)


def read_files(folder: Path) -> dict[str, bytes]:
    """Every file that the manifest lists, with the digest it lists.

    Raises ``ArtifactError``, naming the file, where one is missing, changed, too many, a link or not of a plain name.
    """
    listed = _listed(folder)
    present = {each.name for each in folder.iterdir()} - {MANIFEST}
    for name in sorted(present - set(listed)):
        raise ArtifactError(f"{folder / name}: is not in the manifest; a bundle holds nothing else")
    for name in sorted(set(listed) - present):
        raise ArtifactError(f"{folder / name}: is in the manifest and missing")
    files = {name: _bytes(folder / name) for name in sorted(listed)}
    for name, data in files.items():
        if hashlib.sha256(data).hexdigest() != listed[name]:
            raise ArtifactError(f"{folder / name}: was changed, its SHA-256 is not that of the manifest")
    return files


def manifest(files: Mapping[str, bytes]) -> bytes:
    """Canonical bytes of the manifest of some files."""
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return json_bytes({"format": FORMAT, "files": digests})


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """Canonical JSON: sorted keys, a final newline; raises ``ValueError`` for a number that JSON has no word for."""
    return (json.dumps(content, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def json_object(path: Path, data: bytes) -> dict[str, Any]:
    """An object from JSON; raises ``ArtifactError`` naming the file."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise ArtifactError(f"{path}: holds a {type(content).__name__} where an object is expected")
    return content


def _listed(folder: Path) -> dict[str, str]:
    """Names and digests of the manifest; a name that could lead elsewhere is refused before anything is opened."""
    path = folder / MANIFEST
    if folder.is_symlink() or not path.exists():
        raise ArtifactError(f"{folder}: is a link or has no {MANIFEST}; this is no bundle")
    content = json_object(path, _bytes(path))
    found, files = content.get("format"), content.get("files")
    if isinstance(found, int) and found > FORMAT:
        raise ArtifactError(f"{path}: format {found} was written by a newer program, this one reads {FORMAT}; upgrade")
    if found != FORMAT or not isinstance(files, dict):
        raise ArtifactError(f"{path}: format {found!r} is not {FORMAT}, or no files are listed")
    for name in files:
        if not _NAME.fullmatch(name) or name == MANIFEST:
            raise ArtifactError(f"{path}: lists {name!r}, which is no plain file name of a bundle")
    return files


def _bytes(path: Path) -> bytes:
    if path.is_symlink() or not path.is_file():
        raise ArtifactError(f"{path}: is a link or no plain file")
    if path.stat().st_size > BYTES_MOST:
        raise ArtifactError(f"{path}: {path.stat().st_size} bytes are more than any model of ours has")
    return path.read_bytes()
