"""Damaged files: whatever bytes are flipped, cut or put in, there are batches or one of our own errors."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from dqm.formats.dqmio import open_dqmio
from dqm.formats.root_bytes import RootFileError

from .dqmio_truth import FIXTURES

NAMES = ("plain_none", "plain_lz4", "plain_zlib", "plain_zstd", "plain_lzma", "changing", "nasty")
INTERESTING = (
    b"\0",
    b"\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff",
    b"\x40\0\0\0",
    b"\0\0\0\x01",
    b"\x80\0\0\0\0\0\0\0",
)
MEMORY = 3 << 30
"""Address space of the slow test, of which the imports and the threads take most."""


def mutated(data: bytes, dice: random.Random) -> bytes:
    """One to four flips, overwrites, cuts, insertions and deletions."""
    found = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(found)) if dice.random() < 0.7 else dice.randrange(min(2500, len(found)))
        kind = dice.randrange(6)
        if kind <= 1:
            found[at] ^= 1 << dice.randrange(8)
        elif kind == 2:
            word = dice.choice(INTERESTING)
            found[at : at + len(word)] = word
        elif kind == 3:
            found[at] = dice.randrange(256)
        elif kind == 4:
            size = dice.randint(1, 40)
            found[at:at] = dice.randbytes(size) if dice.random() < 0.5 else b""
            if dice.random() < 0.7:  # the file keeps its length: what follows stays in its place
                del found[at + size : at + 2 * size]
        elif dice.random() < 0.2:
            del found[at:]
        else:
            found[at : at + 8] = found[at + 8 : at + 16]
        if len(found) < 100:
            break
    return bytes(found)


def outcome(path: Path) -> str:
    """``read`` or the reason; any other exception passes."""
    try:
        with open_dqmio(path) as file:
            for batch in file.read():
                assert batch.counts.shape[0] == len(batch.run) > 0
            for tree in ("Ints", "Floats", "Strings"):
                file.scalars(tree)
    except RootFileError as error:
        return "refused" if str(path) in str(error) else f"refused without its place: {error}"
    return "told" if file.findings else "read"


def sweep(folder: Path, count: int, seed: int) -> dict[str, int]:
    dice = random.Random(seed)
    sources = [(FIXTURES / f"{name}.root").read_bytes() for name in NAMES]
    found = {"read": 0, "told": 0, "refused": 0}
    path = folder / "mutated.root"
    for i in range(count):
        path.write_bytes(mutated(sources[i % len(sources)], dice))
        found[outcome(path)] += 1  # a KeyError: an error that does not name the file
    return found


@pytest.mark.parametrize("count", [120, pytest.param(350, marks=pytest.mark.slow)])
def test_some_hundred_mutations(tmp_path: Path, count: int) -> None:
    found = sweep(tmp_path, count, seed=20)
    assert min(found.values()) > 10, found


@pytest.mark.slow
@pytest.mark.timeout(580)
@pytest.mark.parametrize("seed", [1, 2])
def test_ten_thousand_mutations_in_little_memory(tmp_path: Path, seed: int, repository: Path) -> None:
    """In a process of its own whose memory is capped; a crash or a hang of compiled code would be seen."""
    program = (
        f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))\n"
        "import pathlib, sys\n"
        "sys.path.insert(0, '.')\n"
        "from tests.unit.formats.test_dqmio_mutations import sweep\n"
        f"print(sweep(pathlib.Path({str(tmp_path)!r}), 10_000, {seed}))\n"
        "from pipelines.benchmarks.memory import peak_mib\n"
        "print(peak_mib())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=False, timeout=560
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout.split()[-1]) < 1024, "more than 1 GiB"
