"""What is listed for spreadsheets is text, whatever a file or a feature is called."""

from __future__ import annotations

import pandas as pd

from pipelines.outliers.listing import _inert


def test_no_cell_and_no_heading_is_a_formula() -> None:
    """Mutant: the table as it is; a feature called ``=cmd|...`` runs when the list is opened."""
    table = pd.DataFrame({"rank": [1, 2], "file": ["=1+1.parquet", "plain.parquet"], "-score": [-1.5, 2.0]})
    safe = _inert(table.assign(leading=["@x", "y"]))
    assert list(safe) == ["rank", "file", "'-score", "leading"]
    assert safe["file"].tolist() == ["'=1+1.parquet", "plain.parquet"]
    assert safe["leading"].tolist() == ["'@x", "y"]
    assert safe["'-score"].tolist() == [-1.5, 2.0], "numbers stay numbers"
    assert table["file"][0] == "=1+1.parquet"
