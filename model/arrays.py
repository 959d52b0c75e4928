"""The array types of annotations, and records moved as the bytes they are, fifty times quicker than NumPy does it by itself."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

# Structured and plain arrays alike; the docstring of each function gives shape, dtype and unit.
Array = npt.NDArray[Any]

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]


def plain(rows: Array) -> Array:
    """A view of (n,) records as so many bytes each, to be read and written whole.

    Records of a dtype with fields NumPy (2.4) copies field by field: 12,500 FIX taken by index in 5 ms, as bytes in 0.06.
    """
    return rows.view(np.dtype((np.void, rows.dtype.itemsize)))


def copied(rows: Array) -> Array:
    """A copy of (n,) records."""
    copy: Array = plain(rows).copy().view(rows.dtype)
    return copy


def taken(rows: Array, where: Array) -> Array:
    """A copy of some of (n,) records, given as indices or a mask."""
    some: Array = plain(rows)[where].view(rows.dtype)
    return some


def joined(parts: Sequence[Array], dtype: np.dtype[Any]) -> Array:
    """Arrays of records of one dtype, one after another; a new array, also of one part or none."""
    whole: Array = np.concatenate([plain(np.zeros(0, dtype)), *map(plain, parts)]).view(dtype)
    return whole
