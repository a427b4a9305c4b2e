"""Reading only the files that are new, and those that share a run with them, gives what reading all of them gives."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqm.formats.reading import ReadResult, read_input
from dqm.model.config import Config, InputConfig, load
from dqm.model.errors import InputError
from dqm.store.store import Store
from pipelines.run.held_files import NAME
from pipelines.run.ingest import IngestSummary, ingest
from pipelines.run.summary_cache import FOLDER

CONFIG = """\
[[inputs]]
kind = "ml4dqm"
files = ["a*.csv"]
[[inputs]]
kind = "ml4dqm"
files = ["b*.csv"]
required = false
[[inputs]]
kind = "canonical"
files = ["lumi.csv"]
required = false
[inputs.columns.lumi]
role = "weight"
"""
LUMI = "run,ls,lumi\n" + "".join(f"{run},{ls},0.5\n" for run in range(1, 5) for ls in (1, 2, 3))

Deeds = list[tuple[str, str, list[int]]]
"""What happens to the files: what is done to which of them, and the runs that are written."""
NAMES = st.sampled_from(["a1.csv", "a2.csv", "a3.csv", "b1.csv"])
DEEDS = st.one_of(
    st.tuples(st.just("write"), NAMES, st.lists(st.integers(1, 4), min_size=1, max_size=2, unique=True)),
    st.tuples(st.just("remove"), NAMES, st.just([])),
    st.tuples(st.just("cut"), NAMES, st.just([])),
    st.tuples(st.just("deliver again"), NAMES, st.just([])),
)


def rows(runs: list[int], level: int = 1, elements: tuple[str, ...] = ("charge", "phi"), bins: int = 3) -> pd.DataFrame:
    """Three lumisections of every run; the same ``level`` means the same contents."""
    made = []
    for run in runs:
        for ls in (1, 2, 3):
            for element in elements:
                counts = [level, run, *([ls] * bins), 2]
                about = {
                    "fromrun": run,
                    "fromlumi": ls,
                    "hname": element,
                    "metype": 3,
                    "histo": str(counts[: bins + 2]),
                }
                axes = {"Xmax": 3.0, "Xmin": 0.0, "Xbins": bins, "Ymax": 1.0, "Ymin": 0.0, "Ybins": 1}
                made.append(about | axes | {"entries": sum(counts[: bins + 2])})
    return pd.DataFrame(made)


def write(path: Path, runs: list[int], level: int = 1, elements: tuple[str, ...] = ("charge", "phi")) -> None:
    rows(runs, level, elements).to_csv(path, index=False)


def config_of(folder: Path, store: str = "certification") -> Config:
    config = load(folder / "dqm.toml")
    return config.model_copy(update={"store": config.store.model_copy(update={"path": Path(store)})})


def do(folder: Path, deed: str, name: str, runs: list[int], level: int) -> None:
    path = folder / name
    if deed == "write":
        elements = ("charge", "phi") if level % 3 else ("charge",)
        write(path, runs, 1 + level % 2, elements)
    elif not path.exists():
        return
    elif deed == "remove":
        path.unlink()
    elif deed == "cut":
        path.write_bytes(path.read_bytes()[:40])
    else:
        shutil.copy(path, path.with_name(f"{path.stem}-again.csv"))


def held(store: Store) -> object:
    """All that an ingestion leaves in a store, but the numbers of its rows."""
    kinds = {kind: store.partitions(kind) for kind in ("quantities", "histograms", "labels")}
    return kinds, set(store.findings()), set(store.quarantine()), store.intake.files


def start(folder: Path) -> None:
    (folder / "dqm.toml").write_text(CONFIG, encoding="utf-8")
    (folder / "lumi.csv").write_text(LUMI, encoding="utf-8")
    write(folder / "a1.csv", [1])
    write(folder / "b1.csv", [1], elements=("time",))


def outcome(config: Config, store: Store, *, again: bool) -> object:
    """What an ingestion says of itself, or why it was refused."""
    try:
        done: IngestSummary = ingest(config, store, again=again)
    except InputError as error:
        return str(error)
    return done.runs, done.lumisections, done.files, done.histograms, set(done.findings)


def compare(folder: Path, deeds: Deeds) -> None:
    """After every deed, one store that reads what is new holds what another holds that reads all."""
    start(folder)
    few, every = config_of(folder, "few"), config_of(folder, "every")
    with Store.create(few.store_path) as one, Store.create(every.store_path) as other:
        for level, (deed, name, runs) in enumerate([("nothing", "none.csv", []), *deeds]):
            do(folder, deed, name, runs, level)
            for least in ("a1.csv", "b1.csv"):
                if not any(folder.glob(f"{least[0]}*.csv")):
                    write(folder / least, [1])
            assert outcome(few, one, again=False) == outcome(every, other, again=True)
            assert held(one) == held(other)


def test_late_changed_removed_and_repeated_files_leave_the_same_store(tmp_path: Path) -> None:
    """Mutants: a run is known although another file speaks of it now, or a file that spoke of it is gone."""
    shared = [("write", "a2.csv", [1, 2]), ("deliver again", "a2.csv", []), ("write", "a2.csv", [2, 3])]
    compare(tmp_path, [*shared, ("cut", "a2.csv", []), ("remove", "a2-again.csv", []), ("write", "b1.csv", [2])])


@pytest.mark.slow
@given(deeds=st.lists(DEEDS, min_size=3, max_size=6))
def test_so_do_any_files(tmp_path_factory: pytest.TempPathFactory, deeds: Deeds) -> None:
    compare(tmp_path_factory.mktemp("inputs"), deeds)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    start(tmp_path)
    write(tmp_path / "a2.csv", [2, 3])
    write(tmp_path / "a3.csv", [3, 4], elements=("time",))
    return tmp_path


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with Store.create(config_of(folder).store_path) as made:
        ingest(config_of(folder), made)
        yield made


def reads(folder: Path, store: Store) -> list[str]:
    """The files that a night reads."""
    found: list[str] = []

    def read(described: InputConfig, config: Config) -> ReadResult:
        found.extend(path.name for path in config.files(described.files) if described.kind == "ml4dqm")  # type: ignore[union-attr]
        return read_input(described, config)

    ingest(config_of(folder), store, read=read, again=False)
    return found


def test_only_what_is_new_is_read_and_what_shares_a_run_with_it(folder: Path, store: Store) -> None:
    assert reads(folder, store) == []
    write(folder / "a9.csv", [9])
    assert reads(folder, store) == ["a9.csv"]
    write(folder / "a3.csv", [3, 4], elements=("time", "angle"))
    assert reads(folder, store) == ["a3.csv", "a2.csv"]
    (folder / "a3.csv").unlink()
    assert reads(folder, store) == ["a2.csv"], "run 3 has lost a part; nobody speaks of run 4 any more"


def test_notes_are_trusted_only_while_the_store_holds_what_they_tell_of(folder: Path, store: Store) -> None:
    notes = store.path / FOLDER / NAME
    good = notes.read_bytes()
    for damaged in (b"", good[:-1], good[:40] + b"[]"):
        notes.write_bytes(damaged)
        assert reads(folder, store) == ["a1.csv", "a2.csv", "a3.csv", "b1.csv"]
    (two,) = store.partitions("histograms", run=2)
    (store.path / two.path).unlink()
    assert reads(folder, store) == ["a2.csv"], "run 3, which lies there too, is as it was"
    assert (store.path / two.path).exists()
    with store.transaction() as change:
        change.put("histograms", 1, store.read("histograms", [2]).set_column(2, "run", [[1] * 6]), {})
    assert reads(folder, store) == ["a1.csv", "b1.csv"]


def test_a_file_that_cannot_be_opened_is_not_known(folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: ``os.access`` is not asked; a run then passes for whole while one of its files cannot be read."""
    write(folder / "a9.csv", [9])
    monkeypatch.setattr("pipelines.run.file_by_file.os.access", lambda path, mode: path.name != "a2.csv")
    assert reads(folder, store) == ["a2.csv", "a9.csv"]


def test_files_that_contradict_each_other_are_looked_at_every_time(folder: Path, store: Store) -> None:
    write(folder / "a9.csv", [2], level=2)
    for _ in range(2):
        assert set(reads(folder, store)) == {"a9.csv", "a2.csv"}
        assert [each.run for each in store.quarantine()] == [2, 2]


def test_a_file_that_contradicts_itself_is_read_with_all_the_others(folder: Path, store: Store) -> None:
    """Mutant: its files are merged one by one; the third version of a histogram then passes for the only one."""
    write(folder / "a8.csv", [9])
    both = pd.concat([rows([9]), rows([9], bins=2)])
    both.to_csv(folder / "a9.csv", index=False)
    reads(folder, store)
    assert 9 not in store.runs("histograms")
    assert len(reads(folder, store)) > 4
