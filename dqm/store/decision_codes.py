"""Decisions as they are stored, words, and as they are computed with, codes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dqm.model.verdicts import CODES


def decision_codes(column: pa.ChunkedArray) -> NDArray[np.int8]:
    """Stored decisions as ``CODES``, ``(n,)``; raises ``KeyError`` for one that there is not."""
    words = pc.dictionary_encode(column.combine_chunks(), null_encoding="encode")
    by_word = {str(each): code for each, code in CODES.items()}
    codes = np.array([by_word[word] for word in words.dictionary.to_pylist()], dtype=np.int8)
    return np.asarray(codes[words.indices.to_numpy()], dtype=np.int8)
