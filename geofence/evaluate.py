"""An index of zones and a batch of fixes become hits: the one place where position and zone meet."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from geofence.hits import hits_of
from geofence.index import ZoneIndex
from geofence.order import ordered
from model.arrays import I64, Array
from model.fix import FIX
from model.hit import HIT

_CHUNK: Final = 8192  # fixes a call of the kernel, whatever the number of threads: the answer never depends on it


def evaluate(index: ZoneIndex, fixes: Array, last: Array, threads: int = 1) -> Array:
    """What the zones say of fixes.

    A row for every fix and zone in force for its tag at ``fix_at`` where the signed distance is at most
    max(accuracy, floor, buffer, REACH_M), or which the way from the previous ok fix crossed. The verdict comes of distance and
    accuracy alone: inside where ``d <= -a``, outside where ``d > a``, else possible; the boundary itself is inside.

    Parameters
    ----------
    index : zones and to whom they apply
    fixes : (n,) FIX in any order; sorted by (tag, fix_at_us) they are read once less. Of fixes of one tag and instant the one
        that stands first comes first
    last : (k,) FIX, one for each distinct tag of ``fixes`` in order of tags: the tag's ok fix before them, tag 0 where there is
        none
    threads : how many threads share the work; the answer is the same for any number

    Returns
    -------
    (h,) HIT, ordered by (tag, fix_at_us, zone); ``fix_row`` is the row of ``fixes`` as they were given, so that for sorted ones
    the order is (fix_row, zone)

    Raises
    ------
    ValueError
        If the arrays are not as said, or a position or an accuracy is not a number: doors let no such fix through.
    """
    _gate("fixes", fixes)
    _gate("last", last)
    points, tags, tag_at = ordered(fixes, index.tags, index.places)
    _follow(last, tags)
    tag_row = _rows(tags, index.tags)

    def part(first: int) -> Array:
        hits: Array = hits_of(index.plan, points, tag_at, tag_row, last, first, min(first + _CHUNK, len(points)))
        return hits

    starts = range(0, len(points), _CHUNK)
    if threads > 1 and len(starts) > 1:
        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(part, starts))
    else:
        parts = [part(first) for first in starts]
    return np.concatenate(parts) if parts else np.zeros(0, HIT)


def _gate(name: str, array: Array) -> None:
    """Raise ValueError unless an array is of FIX: the kernels take it for granted."""
    if array.dtype != FIX or array.ndim != 1:
        raise ValueError(f"{name}: give a one-dimensional array of FIX, not {array.ndim}-dimensional {array.dtype}")


def _follow(last: Array, tags: I64) -> None:
    """Raise ValueError unless each row of ``last`` can be what the fixes of its tag follow."""
    if len(last) != len(tags):
        raise ValueError(f"last: {len(last)} rows for {len(tags)} tags; give one a tag, tag 0 where there is none")
    given = last["tag"] != 0
    wrong = np.flatnonzero(given & (last["tag"] != tags))
    if len(wrong):
        raise ValueError(f"last row {wrong[0]}: tag {last['tag'][wrong[0]]} where tag {tags[wrong[0]]} is judged")
    real = (np.abs(last["lon"]) <= 180.0) & (np.abs(last["lat"]) <= 90.0) & ~np.isnan(last["accuracy_m"])
    wrong = np.flatnonzero(given & ~real)
    if len(wrong):
        raise ValueError(f"last row {wrong[0]}: position or accuracy is no number in range; doors must refuse such a fix")


def _rows(tags: I64, known: I64) -> I64:
    """Row of each tag among those known, -1 where it is none of them."""
    found = np.searchsorted(known, tags)
    if not len(known):
        return np.full(len(tags), -1, np.int64)
    return np.where(known[np.minimum(found, len(known) - 1)] == tags, found, -1)
