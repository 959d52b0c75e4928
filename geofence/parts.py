"""A batch is cut into pieces that threads share; their rows become one array, in order."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from model.arrays import Array

_CHUNK: Final = 8192  # points a piece, whatever the number of threads: the answer never depends on it


def in_parts(part: Callable[[int, int], Array], n: int, threads: int, dtype: np.dtype) -> Array:
    """The rows of ``part(first, stop)`` over all of ``n`` points, one after the other.

    Rows are put together by all threads too: a fresh array's first touch costs more than what is written there.
    """
    starts = range(0, n, _CHUNK)

    def made(first: int) -> Array:
        return part(first, min(first + _CHUNK, n))

    if threads < 2 or len(starts) < 2:
        parts = [made(first) for first in starts]
        return np.concatenate(parts) if parts else np.zeros(0, dtype)
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(made, starts))
        at = np.cumsum([0, *map(len, parts)]).tolist()
        whole = np.empty(at[-1], dtype)

        def put(k: int) -> None:
            whole[at[k] : at[k + 1]] = parts[k]

        list(pool.map(put, range(len(parts))))
    return whole
