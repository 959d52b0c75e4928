"""Rows as tests make and compare them."""

import numpy as np

from model.arrays import Array
from model.hit import HIT


def sorted_fixes(fixes: Array) -> Array:
    """The same FIX rows ordered by identity (tag, fix_at_us, seq, source); equal identities keep their arrival order."""
    order = np.lexsort((fixes["source"], fixes["seq"], fixes["fix_at_us"], fixes["tag"]))
    return fixes[order]


def empty_hits(n: int = 0) -> Array:
    """(n,) HIT rows of zeros."""
    return np.zeros(n, HIT)
