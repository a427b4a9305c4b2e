"""One interruption: do the work in a copy of its place, let it be broken off, look, do it again, compare."""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from dqm.model.config import Config
from dqm.model.keys import LumiMask
from dqm.store.store import Store
from pipelines.reliability.crossings import COMMIT, Crossings
from pipelines.reliability.forked import done
from pipelines.reliability.receiver import taken
from pipelines.reliability.season import Season
from pipelines.reliability.state import OF_A_NIGHT, State, damage, golden_mask
from pipelines.reliability.work import Work, settle


@dataclass(frozen=True)
class Course:
    """How the work goes where nothing interrupts it: ``points`` by name, digests of the ``states`` that it commits,
    what is ``golden`` in any of them, how it ends (``final``), the ids of what was ``told``, its ``seconds``, and the
    ``modules`` that it imported."""

    points: tuple[str, ...]
    states: frozenset[str]
    golden: LumiMask
    final: State
    told: frozenset[str]
    seconds: float
    modules: tuple[str, ...]


@dataclass(frozen=True)
class Bench:
    """A ``work``, the place where it begins, a receiver at ``url`` that writes what it takes into ``log``."""

    work: Work
    base: Season
    url: str
    log: Path

    def course(self) -> Course:
        """Do the work once without interruption, in a child."""
        with tempfile.TemporaryDirectory() as folder:
            written = Path(folder, "course.json")
            raised = done(lambda: self._recorded(Path(folder), written), Path(folder, "raised"))
            if raised:
                raise RuntimeError(f"{self.work.name} fails without any fault:\n{raised}")
            found = json.loads(written.read_text(encoding="utf-8"))
        return Course(
            points=tuple(found["points"]),
            states=frozenset(found["states"]),
            golden=LumiMask({int(run): _tuples(ranges) for run, ranges in found["golden"].items()}),
            final=State(**{name: _tuples(value) for name, value in found["final"].items()}),
            told=frozenset(told(self.log, f"/{self.work.name}-course")[0]),
            seconds=found["seconds"],
            modules=tuple(found["modules"]),
        )

    def _recorded(self, folder: Path, written: Path) -> None:
        """Write the course: the committed state is looked at whenever a point comes after a commit."""
        config = self.base.copy(folder / "place").config(f"{self.url}/{self.work.name}-course", self.work.types)
        with Store.open(config.store_path) as store, Store.open(config.store_path) as looking:
            states, golden, spent = {digest(State.of(looking))}, [golden_mask(looking)], [0.0]

            def look(number: int, name: str) -> None:
                if number > 1 and crossings.names[-2] == COMMIT:
                    begun, crossings.resting = perf_counter(), True
                    states.add(digest(State.of(looking)))
                    golden[0] |= golden_mask(looking)
                    spent[0], crossings.resting = spent[0] + perf_counter() - begun, False

            crossings, begun = Crossings(look), perf_counter()
            with crossings.installed():
                self.work.do(config, store)
            seconds = perf_counter() - begun - spent[0]
            settle(config, store)
            final = State.of(store)
            states.add(digest(final))
            wrong = damage(store)
            if wrong:
                raise RuntimeError(wrong)
            golden[0] |= golden_mask(store)
        document: dict[str, Any] = {"points": crossings.names, "states": sorted(states), "golden": golden[0].ranges}
        document |= {"seconds": seconds, "final": asdict(final), "modules": sorted(sys.modules)}
        written.write_text(json.dumps(document), encoding="utf-8")

    def tried(
        self,
        name: str,
        course: Course,
        broken_off: Callable[[Config, Path], str],
        right: Callable[[Store], str] | None = None,
    ) -> str:
        """What is wrong after an interruption, or after the work was done again; empty where nothing is.

        ``broken_off`` does the work with a fault, and says so where the fault did not happen. What it left must be a
        state that the uninterrupted work commits, and the end must be reached by the same revisions, versions and
        events. With ``right``, which judges what was left, another way there is allowed: a night that could not write
        goes on with what it has, says so, and the next one publishes again.
        """
        where = f"{self.work.name}-{name}"
        with tempfile.TemporaryDirectory() as folder:
            config = self.base.copy(Path(folder, "place")).config(f"{self.url}/{where}", self.work.types)
            missed = broken_off(config, Path(folder, "raised"))
            if missed:
                return f"{where}: {missed}"
            with Store.open(config.store_path) as store:
                wrong = right(store) if right else _half(State.of(store), course)
                if wrong:
                    return f"{where}: right after it {wrong}"
                self.work.do(config, store)
                settle(config, store)
                if right:
                    wrong = _unlike(State.of(store).standing, course.final.standing, store)
                else:
                    wrong = self._end(store, where, course)
        return f"{where}: done again {wrong}" if wrong else ""

    def _end(self, store: Store, where: str, course: Course) -> str:
        """What is not as in the uninterrupted work."""
        ids, differing = told(self.log, f"/{where}")
        lost, much = len(course.told - ids), len(ids - course.told)
        unlike = _unlike(State.of(store), course.final, store)
        if unlike or lost or much or differing:
            return f"{unlike}; {lost} never told, {much} unknown, {differing} told in two ways"
        return ""


def told(log: Path, path: str) -> tuple[frozenset[str], int]:
    """Ids of the events that a receiver took under a path, nights' own left out, and how many came in two ways."""
    found = taken(log, path)
    ids = {id_ for id_, bodies in found.items() if OF_A_NIGHT not in json.loads(bodies[0])["type"]}
    return frozenset(ids), sum(len(set(bodies)) > 1 for bodies in found.values())


def digest(state: State) -> str:
    """A state in short."""
    return hashlib.sha256(json.dumps(asdict(state), sort_keys=True).encode()).hexdigest()


def _unlike(found: State, expected: State, store: Store) -> str:
    """How the end differs, what cannot be read, and what is still to be told."""
    left = {state: n for state, n in store.deliveries.counts().items() if state in ("pending", "dead") and n}
    return found.unlike(expected) or damage(store) or (f"deliveries {left}" if left else "")


def _half(state: State, course: Course) -> str:
    return "" if digest(state) in course.states else "the store is in a state that is never committed"


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
