"""Hostile names of files: whatever they say, nothing is written outside of where the product writes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np

from dqm.model.errors import StoreError
from dqm.store.backup import MANIFEST, backup, restore
from dqm.store.change import PUBLISHED
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow
from pipelines.reliability.guarantee import Guarantee
from pipelines.run.certify import write_output

UP = (
    "../",
    "..\\",
    "%2e%2e/",
    "..%2f",
    "..\u2215",
    "\uff0e\uff0e/",
    ".../",
    "....//",
    "/",
    "//",
    "~/",
    "./",
    "C:\\",
    "\\\\host\\",
)
ENDS = (
    "golden.json",
    "etc/passwd",
    "published/golden.json-1",
    "store.sqlite",
    "x\0.json",
    "x\n.json",
    "x\r\n.json",
    "CON",
    "nul.json",
    "x;rm -rf .",
    "$(touch x)",
    "`touch x`",
    "|touch x",
    "x" * 300,
    "\u202egpj.json",
    "\ud800",
    "e\u0301.json",
    " ",
    ".",
    "..",
    "",
    "-rf",
    "*",
    "x:y",
)
BAIT = "bait.txt"
Place = Callable[[str], str]


def payloads(n: int, seed: int) -> list[str]:
    """So many names, different ones: ways up and out, each repeated, with ends that file systems and shells mistake."""
    dice, found = np.random.default_rng(seed), dict[str, None]()
    while len(found) < n:
        way = UP[dice.integers(len(UP))] * int(dice.integers(0, 9))
        other = UP[dice.integers(len(UP))] if dice.random() < 0.3 else ""
        found[way + other + ENDS[dice.integers(len(ENDS))]] = None
    return list(found)


def hostile_names(store: Store, folder: Path, n: int, seed: int = 6) -> Guarantee:
    """Names of publications, of files in a copy that is restored, and of files in a folder of outputs."""
    begun = perf_counter()
    folder.mkdir()
    (folder / BAIT).write_text("untouched", encoding="utf-8")
    given, half = payloads(n, seed), n // 2
    with Store.create(folder / "deep" / "er" / "store") as empty:
        answers = [_published(empty, folder, each) for each in given[:half]]
    copy = folder / "copy"
    backup(store, copy)
    answers += [_restored(copy, folder, each) for each in given[half : n - n // 10]]
    answers += [_written(store, folder, each) for each in given[n - n // 10 :]]
    return Guarantee.of("hostile names of files", answers, perf_counter() - begun)


def _published(store: Store, folder: Path, name: str) -> str:
    """A publication is refused or lies in its folder under its own name."""
    before = _tree(folder)
    try:
        with store.transaction() as change:
            change.publish(name, b"{}", {})
    except ValueError:
        return _changed(before, folder, name)
    new = _tree(folder).keys() - before.keys()
    return "" if {Path(each).parent.name for each in new} <= {PUBLISHED, ".staging"} else f"{name!r} wrote {new}"


def _restored(copy: Path, folder: Path, name: str) -> str:
    """A copy whose list of files holds a hostile name, with a file that fits where one can be made, is refused."""
    text = (copy / MANIFEST).read_text(encoding="utf-8")
    about = json.loads(text)
    digest = next(iter(about["files"].values()))
    hostile = json.dumps(about | {"files": {**about["files"], name: digest}})
    before, target = _tree(folder), folder / "deep" / "restored"
    try:
        (copy / MANIFEST).write_text(hostile, encoding="utf-8")
        restore(copy, target)
    except StoreError:
        told = ""
    else:
        told = f"{name!r}: a copy with this name in it was restored"
    finally:
        (copy / MANIFEST).write_text(text, encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
    return told or _changed(before, folder, name)


def _written(store: Store, folder: Path, name: str) -> str:
    """Outputs are three files of fixed names in the folder that was named, or it is refused by the system."""
    plain = name.replace("/", "_")  # which folder is the choice of who asks; that it is one folder is ours
    target, before = folder / "outputs" / plain, _tree(folder)
    run = store.runs("verdicts")[0]
    try:
        target.mkdir(parents=True, exist_ok=True)
        written = write_output(target, store, verdicts_from_arrow(store.read("verdicts", [run])))
    except (OSError, ValueError):
        return _changed(before, folder, name)
    new = _tree(folder).keys() - before.keys()
    wrong = [each for each in new if Path(each).resolve() not in {path.resolve() for path in written}]
    return f"{name!r} wrote {wrong}" if wrong else ""


def _tree(folder: Path) -> dict[str, int]:
    """Every file below, but those of databases, and its size."""
    found = {}
    for root, _, names in os.walk(folder):
        found.update({str(Path(root, each)): Path(root, each).stat().st_size for each in names if "sqlite" not in each})
    return found


def _changed(before: dict[str, int], folder: Path, name: str) -> str:
    after = _tree(folder)
    return "" if after == before else f"{name!r} changed {sorted(after.items() ^ before.items())[:3]}"
