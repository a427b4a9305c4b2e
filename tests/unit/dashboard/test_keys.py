"""Shortcuts are told apart, do nothing by themselves, and press what the pages have."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import app as application
from dashboard.keys.shortcuts import HELP, SHORTCUTS
from dqm.store.store import Store


def test_no_shortcut_hides_another() -> None:
    """Mutant: ``d`` beside ``d g``: the first key of the second would never wait for its second."""
    pressed = [each.keys.split() for each in SHORTCUTS]
    for one, other in itertools.permutations(pressed, 2):
        assert one != other[: len(one)], f"{one} begins {other}"


def test_every_shortcut_leads_somewhere() -> None:
    assert all(bool(each.targets) != bool(each.page) for each in SHORTCUTS if each.heading != HELP)
    assert [each.page for each in SHORTCUTS if each.first] == [next(iter(application.SHIFT))]


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("queue", ["next_run", "previous_run", "open_run", "claim_run", "open_sign_off"]),
        ("sign-off", ["next_run", "previous_run", "open_run"]),
    ],
)
def test_pages_have_the_keys_that_shortcuts_press(
    name: str, here: list[str], page: Callable[..., AppTest], filled: Store
) -> None:
    app = page(name)
    held = {each.key for each in app.button}
    known = {target for each in SHORTCUTS for target in each.targets}
    assert set(here) <= held
    assert set(here) <= known


def test_the_component_runs_no_text_as_markup() -> None:
    """Mutant: the overlay built with ``innerHTML``."""
    source = (Path(application.__file__).parent / "keys" / "keyboard.js").read_text(encoding="utf-8")
    assert "innerHTML" not in source
    assert "fetch(" not in source
