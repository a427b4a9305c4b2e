"""A progress bar on standard error for whatever takes more than two seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def track(steps: Sequence[T], description: str) -> Iterator[T]:
    """Yield the steps one by one under a bar; silent where standard error is not a terminal."""
    from rich.console import Console
    from rich.progress import track as bar

    console = Console(stderr=True)
    yield from bar(steps, description=description, console=console, disable=not console.is_terminal, transient=True)


@contextmanager
def showing(description: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done now: the function that is given takes a name; silent where nobody looks at a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda name: None
        return
    with console.status(description) as shown:
        yield lambda name: shown.update(f"{description}: {name}")


@contextmanager
def steps(description: str) -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar of what is done: the function takes what is at work, how many steps are done and of how many (0: not
    known); silent where nobody looks at a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as shown:
        task = shown.add_task(description, total=None)

        def advance(name: str, done: int, total: int) -> None:
            shown.update(task, description=f"{description}: {name}", completed=done, total=total or None)

        yield advance
