"""Named arrays as npz bytes, the same bytes every time, and back without pickle.

NumPy believes the header of an array and allocates what it announces; here a header must agree with the bytes that
follow it, and only plain numbers pass.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

ENDING = ".npy"


def bytes_from_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """An uncompressed npz archive, sorted by name; raises ``TypeError`` for an array that is not of numbers."""
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise TypeError(f"array {name!r} of type {array.dtype}: only numbers and truth values are kept")
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{name: np.asarray(arrays[name], order="C") for name in sorted(arrays)})
    return buffer.getvalue()


def arrays_from_bytes(data: bytes) -> dict[str, NDArray[Any]]:
    """The arrays again; raises ``ValueError`` for an archive that ``bytes_from_arrays`` does not write."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {each.filename.removesuffix(ENDING): _array(archive, each) for each in archive.infolist()}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, struct.error) as error:
        raise ValueError(f"not an npz archive: {error}") from None


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """One array; the archive is not compressed, so that no member can be larger than the archive."""
    name = member.filename
    if not name.endswith(ENDING) or member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"member {name!r} is compressed or no array")
    content = io.BytesIO(archive.read(member))
    if npy.read_magic(content) != (1, 0):
        raise ValueError(f"array {name!r} is of another version than 1.0")
    shape, fortran, dtype = npy.read_array_header_1_0(content)
    rest = content.read()
    if dtype.kind not in "biuf" or fortran or math.prod(shape) * dtype.itemsize != len(rest):
        raise ValueError(f"array {name!r} announces {dtype} of shape {shape} and holds {len(rest)} bytes")
    return np.frombuffer(rest, dtype=dtype).reshape(shape).copy()
