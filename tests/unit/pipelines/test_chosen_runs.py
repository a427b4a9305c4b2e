"""``--runs``: what a person writes, and what is refused in one line."""

from __future__ import annotations

import pytest

from dqm.model.errors import InputError
from pipelines.run.score import MOST_RUNS, chosen_runs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", set()),
        (" , ", set()),
        ("355100", {355100}),
        ("5,3,5", {3, 5}),
        ("7-9", {7, 8, 9}),
        ("7-7", {7}),
        (" 1 - 3 , 2-4,9", {1, 2, 3, 4, 9}),
        ("0-0", {0}),
    ],
)
def test_runs_and_ranges(text: str, expected: set[int]) -> None:
    assert chosen_runs(text) == expected


@pytest.mark.parametrize(
    "part",
    ["x", "3-", "-3", "9-7", "1-2-3", "1.5", "1e3", "²", "٣", "0x1f", "--", "1 2", f"0-{MOST_RUNS + 1}", "9" * 400],
)
def test_anything_else_is_named(part: str) -> None:
    """Mutants: ``isdigit``, which takes a superscript two that ``int`` refuses; a range that fills the memory."""
    with pytest.raises(InputError, match="is no run and no range") as told:
        chosen_runs(f"355100,{part}")
    assert repr(part) in str(told.value)
    assert "\n" not in str(told.value)
