"""Decisions are words in the store and codes in arithmetic."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dqm.model.verdicts import CODES, Decision
from dqm.store.decision_codes import decision_codes


def test_every_decision_has_its_code() -> None:
    given = pa.chunked_array([[str(each) for each in Decision], ["ACCEPT"]])
    assert decision_codes(given).tolist() == [*(CODES[each] for each in Decision), CODES[Decision.ACCEPT]]
    assert decision_codes(pa.chunked_array([], pa.string())).tolist() == []


@pytest.mark.parametrize("word", ["MAYBE", "accept", None])
def test_a_word_that_is_no_decision_is_none(word: str | None) -> None:
    """Mutant: a lookup that gives a missing value, which as a whole number is the code of ACCEPT."""
    with pytest.raises(KeyError, match=str(word)):
        decision_codes(pa.chunked_array([["ASK", word]]))
