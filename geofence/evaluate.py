"""An index of zones and a batch of fixes become hits: the one place where position and zone meet."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from geofence.hits import hits_of
from geofence.index import ZoneIndex
from model.arrays import Array
from model.fix import FIX, Quality
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
    fixes : (n,) FIX, sorted by (tag, fix_at_us)
    last : (k,) FIX, one for each distinct tag of ``fixes`` in order: the tag's ok fix before them, tag 0 where there is none
    threads : how many threads share the work; the answer is the same for any number

    Returns
    -------
    (h,) HIT, ordered by (fix_row, zone)

    Raises
    ------
    ValueError
        If the arrays are not as said, or a position or an accuracy is not a number: doors let no such fix through.
    """
    tag_at = gate(fixes, last)
    run = np.diff(np.append(tag_at, len(fixes)))
    tags = fixes["tag"][tag_at]
    found = np.searchsorted(index.tags, tags)
    known = index.tags[np.minimum(found, len(index.tags) - 1)] == tags if len(index.tags) else np.zeros(len(tags), bool)
    tag_row = np.repeat(np.where(known, found, -1), run).astype(np.int64)
    before = previous(fixes, last, np.repeat(tag_at, run), np.repeat(np.arange(len(tags)), run))

    def part(first: int) -> Array:
        hits: Array = hits_of(index.plan, fixes, last, before, tag_row, first, min(first + _CHUNK, len(fixes)))
        return hits

    starts = range(0, len(fixes), _CHUNK)
    if threads > 1 and len(starts) > 1:
        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(part, starts))
    else:
        parts = [part(first) for first in starts]
    return np.concatenate(parts) if parts else np.zeros(0, HIT)


def gate(fixes: Array, last: Array) -> Array:
    """Where each tag's fixes begin, (k,) int64, once both arrays are proven to be what the kernels take for granted.

    Raises
    ------
    ValueError
        Naming the array, the row and what is wrong with it.
    """
    for name, array in (("fixes", fixes), ("last", last)):
        if array.dtype != FIX or array.ndim != 1:
            raise ValueError(f"{name}: give a one-dimensional array of FIX, not {array.ndim}-dimensional {array.dtype}")
        real = np.isfinite(array["lon"]) & np.isfinite(array["lat"]) & ~np.isnan(array["accuracy_m"])
        real &= (np.abs(array["lon"]) <= 180.0) & (np.abs(array["lat"]) <= 90.0)
        wrong = np.flatnonzero(~real & (array["tag"] != 0))
        if len(wrong):
            raise ValueError(f"{name} row {wrong[0]}: position or accuracy is no number in range; doors must refuse such a fix")
    tag, at = fixes["tag"], fixes["fix_at_us"]
    step = np.diff(tag)
    wrong = np.flatnonzero((step < 0) | ((step == 0) & (np.diff(at) < 0)))
    if len(wrong):
        raise ValueError(f"fixes row {wrong[0] + 1}: sort fixes by tag and fix_at (model.fix.sorted_fixes)")
    tag_at = np.flatnonzero(np.append(True, step != 0)) if len(fixes) else np.zeros(0, np.int64)
    if len(last) != len(tag_at):
        raise ValueError(f"last: {len(last)} rows for {len(tag_at)} tags; give one a tag, tag 0 where there is none")
    wrong = np.flatnonzero((last["tag"] != 0) & (last["tag"] != tag[tag_at]))
    if len(wrong):
        raise ValueError(f"last row {wrong[0]}: tag {last['tag'][wrong[0]]} where tag {tag[tag_at][wrong[0]]} is judged")
    return tag_at


def previous(fixes: Array, last: Array, run_at: Array, run: Array) -> Array:
    """The ok fix each ok fix follows, (n,) int64: its row, or -2 - k for row k of ``last``, or -1 for none.

    Fixes that are not ok are passed over, as if they had not come. ``run_at`` and ``run`` are, for each fix, the first row of its
    tag and the tag's row of ``last``.
    """
    ok = fixes["quality"] == Quality.OK
    rows = np.arange(len(fixes))
    newest = np.maximum.accumulate(np.where(ok, rows, -1)) if len(fixes) else rows
    before = np.concatenate([[-1], newest[:-1]])[: len(fixes)]
    before = np.where(before >= run_at, before, np.where(last["tag"][run] != 0, -2 - run, -1))
    return np.where(ok, before, -1).astype(np.int64)
