"""A batch is cut into pieces that threads share; their rows become one array, in order."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import numpy as np

from model.arrays import Array

T = TypeVar("T")

_CHUNK: Final = 8192  # points a piece, whatever the number of threads: the answer never depends on it


def each(work: Callable[[int], T], count: int, threads: int) -> list[T]:
    """``work`` of 0, 1 .. ``count`` less one, done by so many threads."""
    if threads < 2 or count < 2:
        return [work(k) for k in range(count)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, range(count)))


def in_parts(part: Callable[[int, int], Array], n: int, threads: int, dtype: np.dtype) -> Array:
    """The rows of ``part(first, stop)`` over all of ``n`` points, one after the other.

    Rows are put together by all threads too: a fresh array's first touch costs more than what is written there. They are copied
    as bytes: NumPy copies records field by field, which took five times as long.
    """
    starts = range(0, n, _CHUNK)
    parts = each(lambda k: part(starts[k], min(starts[k] + _CHUNK, n)), len(starts), threads)
    at = np.cumsum([0, *map(len, parts)]).tolist()
    whole = np.empty(at[-1], dtype)
    plain = np.dtype((np.void, dtype.itemsize))
    to = whole.view(plain)

    def put(k: int) -> None:
        to[at[k] : at[k + 1]] = parts[k].view(plain)

    each(put, len(parts), threads)
    return whole
