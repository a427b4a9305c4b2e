"""What is sent of a picture of curves, and that it is the figure which reports draw."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.canvas import curves
from dqm.store.store import Store


def test_the_trade_off_is_sent_as_lists(page: Callable[..., AppTest], filled: Store) -> None:
    given = (each.proto for each in page("trade-off").get("bidi_component"))
    (found,) = (each for each in given if each.component_name.endswith(curves.NAME))
    data = json.loads(found.json)
    assert {each["xaxis"] for each in data["data"]} == {"x", "x2"}
    assert all(len(each["x"]) == len(each["y"]) for each in data["data"])
    assert [each["text"] for each in data["layout"]["annotations"]][:2] == ["data loss", "pollution"]
    assert "in a tab below" in data["label"]
    assert "hovertemplate" not in found.json


def test_numbers_are_rounded_to_what_a_picture_shows() -> None:
    trace = {"x": np.array([1 / 3]), "y": np.array([2e-9 / 3]), "mode": "lines", "hovertemplate": "<b>"}
    found = curves._plain(trace)
    assert found == {"x": [pytest.approx(0.333333)], "y": [pytest.approx(6.66667e-10)], "mode": "lines"}
    assert found["x"][0] == 0.333333
