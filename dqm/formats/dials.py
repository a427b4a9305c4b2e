"""DIALS, the histogram service of CMS: JSON pages from disk or, through any client, from the service itself.

A page is ``{results, next, previous}``. A one-dimensional result holds ``me`` (in older pages ``title``),
``run_number`` and ``ls_number``, ``x_min x_max x_bin``, ``entries`` and ``data``; a two-dimensional one also ``y_min
y_max y_bin`` and ``data[y][x]``. Under- and overflow are not there. Older pages name the lumisection by the number that
it has in the pages of lumisections (``id, ls_number, run``), which must be among the files then.
"""

from __future__ import annotations

import hashlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from dqm.formats.histogram_rows import ParsedHistograms, Rows, read_histogram_files, valid_key
from dqm.formats.results import ReadResult
from dqm.formats.sources import Source, parse_json
from dqm.model.config import Config, DialsInput
from dqm.model.errors import ConfigError, InputError
from dqm.model.histograms import Axis
from dqm.model.patterns import asked_for

Get = Callable[[str], bytes]
"""The client: the bytes behind an address; raises ``OSError`` where there are none."""

PAGES_MOST = 100_000
SECONDS = 60.0
LARGEST = 256 * 2**20
"""Bytes of one page."""


def read_dials(described: DialsInput, config: Config, get: Get | None = None) -> ReadResult:
    """Read the pages that the configuration names, from files or from ``url`` through ``get``."""
    if described.url:
        pages = fetch(described.url, get or client(described.token_env))
        return read_histogram_files([Path(described.url)], lambda path: parse_pages(str(path), pages, described, {}))
    paths = config.files(described.files)
    trees = {path: _read(path) for path in paths}
    known = _lumisections([tree for tree in trees.values() if not isinstance(tree, InputError)])

    def parse(path: Path) -> ParsedHistograms:
        return parse_pages(str(path), iter([Source.open(path).data]), described, known)

    return read_histogram_files([path for path in paths if _has_histograms(trees[path])], parse)


def fetch(url: str, get: Get) -> Iterator[bytes]:
    """Every page from ``url`` on, by the links to the next; a link that leads to another host is not followed."""
    host = urlsplit(url).netloc
    seen: set[str] = set()
    while url:
        if url in seen or len(seen) >= PAGES_MOST:
            raise InputError(f"{url}: the pages lead in a circle; nothing more was read")
        if urlsplit(url).netloc != host:
            raise InputError(f"{url}: the next page lies on another host than {host}; it was not asked for")
        seen.add(url)
        try:
            page = get(url)
        except OSError as error:
            raise InputError(f"{url}: cannot be read: {error}") from None
        yield page
        url = str(_tree(page, url).get("next") or "")


def client(token_env: str) -> Get:
    """A client that sends the token of an environment variable, if one is named; raises ``ConfigError`` without it."""
    headers = {"Accept": "application/json"}
    if token_env:
        if not os.environ.get(token_env):
            raise ConfigError(f"the environment variable {token_env} holds no token for the service; set it")
        headers["Authorization"] = f"Bearer {os.environ[token_env]}"

    def get(url: str) -> bytes:
        if urlsplit(url).scheme not in ("http", "https"):
            raise OSError("not a web address")
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=SECONDS) as answer:
                data: bytes = answer.read(LARGEST + 1)
        except urllib.error.HTTPError as error:
            error.close()
            raise OSError(f"the service answers {error.code} {error.reason}") from None
        if len(data) > LARGEST:
            raise OSError(f"the page is larger than {LARGEST} bytes")
        return data

    return get


def parse_pages(
    path: str, pages: Iterator[bytes], described: DialsInput, known: Mapping[int, tuple[int, int]]
) -> ParsedHistograms:
    """The histograms of some pages; ``known`` tells run and LS by the number of a lumisection."""
    rows, digest = Rows(path), hashlib.sha256()
    for page in pages:
        digest.update(page)
        for result in _tree(page, path)["results"]:
            rows.read += 1
            _add(rows, result, described, known)
    batches = rows.batches()
    return ParsedHistograms(
        path, digest.hexdigest(), batches, tuple(rows.findings), rows.read, sum(len(each) for each in batches)
    )


def _tree(page: bytes, path: str) -> dict[str, Any]:
    try:
        text = page.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text: byte {error.start} cannot be decoded") from None
    tree = parse_json(text, path)
    if not isinstance(tree, dict) or not isinstance(tree.get("results"), list):
        raise InputError(f"{path}: not a page of the service: no list 'results'")
    return tree


def _lumisections(trees: list[Any]) -> dict[int, tuple[int, int]]:
    """Run and LS by the number of the lumisection, from the pages that hold some."""
    found = {}
    for tree in trees:
        results = tree.get("results") if isinstance(tree, dict) else None
        for each in results if isinstance(results, list) else []:
            if isinstance(each, dict) and {"id", "ls_number", "run"} <= set(each):
                found[each["id"]] = (each["run"], each["ls_number"])
    return found


def _read(path: Path) -> Any:
    """The tree of a file, or why it has none."""
    try:
        return Source.open(path).json()
    except InputError as error:
        return error


def _has_histograms(tree: Any) -> bool:
    """Pages of runs and of lumisections are no histograms; a page of nothing known is parsed, and refused there."""
    results = tree.get("results") if isinstance(tree, dict) else None
    if not isinstance(results, list) or not results or not isinstance(results[0], dict):
        return True
    return "data" in results[0] or not {"ls_number", "run_number"} & set(results[0])


def _add(rows: Rows, result: Any, described: DialsInput, known: Mapping[int, tuple[int, int]]) -> None:
    """Add one result, or say why not."""
    if not isinstance(result, dict):
        rows.refuse("row", f"a result is {json.dumps(result)[:40]} and no histogram")
        return
    element = str(result.get("me") or result.get("title") or "")
    if "run_number" in result:
        run, ls = result["run_number"], result.get("ls_number")
    else:
        run, ls = known.get(result.get("lumisection", -1), (None, None))
    if run is None or ls is None or not element or not valid_key(run, ls):
        shown = f"{element or 'a histogram without a name'}, run {run!r}, LS {ls!r}"
        rows.refuse("key", f"{shown}: name, run and LS are needed; older pages need those of the lumisections too")
        return
    if not asked_for(element, described.elements):
        return
    try:
        names = ("x", "y") if "y_bin" in result else ("x",)
        axes = tuple(Axis(int(result[f"{n}_bin"]), float(result[f"{n}_min"]), float(result[f"{n}_max"])) for n in names)
        rows.add(element, run, ls, axes, np.asarray(result["data"], dtype=float), float(result.get("entries", np.nan)))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        rows.refuse("histogram", f"{element}: {why}", run, ls)
