"""What a kernel takes for granted of its arrays is checked, once, before it."""

import numpy as np

from model.arrays import I64, Array
from model.fix import FIX


def gate(name: str, array: Array) -> Array:
    """An array of FIX as kernels were compiled for: itself, or a copy of one in pieces, out of line or not to be written.

    For any other form a kernel would be compiled anew, half a minute in which nobody is watched.

    Raises
    ------
    ValueError
        If it is no one-dimensional array of FIX.
    """
    if array.dtype != FIX or array.ndim != 1:
        raise ValueError(f"{name}: give a one-dimensional array of FIX, not {array.ndim}-dimensional {array.dtype}")
    return np.require(array, FIX, ("C", "A", "W"))


def rows(tags: I64, known: I64) -> I64:
    """Row of each tag among those known, -1 where it is none of them."""
    found = np.searchsorted(known, tags)
    if not len(known):
        return np.full(len(tags), -1, np.int64)
    return np.where(known[np.minimum(found, len(known) - 1)] == tags, found, -1)
