"""Fixes in any order become points in the order of tag and time, with no more of each than judging it needs."""

from typing import Final, NamedTuple

import numpy as np

from geofence.kernel import Record, inlined, kernel, lean
from model.arrays import I64, Array
from model.fix import ACCURACY_FLOOR_M, Quality

# A 95 % radius beyond this says nothing of any zone and is taken as this: it keeps a search on one side of the globe.
FARTHEST_M: Final = 100_000.0

# Half a line of the cache, a quarter of a FIX: a batch that does not fit the cache is read once, and this is what is moved.
POINT: Final = np.dtype(
    [
        ("lon", "<f8"),
        ("lat", "<f8"),
        ("at_us", "<i8"),
        ("accuracy_m", "<f4"),  # floored
        ("fix", "<i4"),  # row of the fix; ~row where it is not ok, and no path leads to it or from it
    ]
)
_OK: Final = int(Quality.OK)
_MOVES: Final = 32  # a fix, on average, from which on sorting by insertion is given up


class Ordered(NamedTuple):
    """The points of a batch."""

    points: Array  # (n,) POINT in the order of tag and time; fixes of one instant keep theirs
    tags: I64  # (k,) the distinct tags in order
    tag_at: I64  # (k + 1,) where each tag's points begin


def ordered(fixes: Array, tags: I64, place: I64) -> Ordered:
    """The points of fixes.

    Fixes in order are copied. Others are counted by tag and put where they belong, in two passes, if most of their tags are
    known and they are many; few are sorted.

    Parameters
    ----------
    fixes : (n,) FIX
    tags : (t,) int64, the tags that are likely, in order
    place : ``places(tags)``

    Raises
    ------
    ValueError
        Naming the row of a position or accuracy that is no number in range.
    """
    if len(fixes) > np.iinfo(np.int32).max:
        raise ValueError(f"fixes: {len(fixes)} at once; give at most {np.iinfo(np.int32).max}")
    points = np.empty(len(fixes), POINT)
    wrong, runs = _survey(fixes)
    if wrong >= 0:
        raise ValueError(f"fixes row {wrong}: position or accuracy is no number in range; doors must refuse such a fix")
    if runs < 0 and 4 * len(fixes) > len(tags):
        counted = _counted(fixes, tags, place, points)
        if counted is not None:
            return counted
    if runs < 0:
        order = np.lexsort((fixes["fix_at_us"], fixes["tag"]))
        _pick(fixes, order, points)
        tag = fixes["tag"][order]
    else:
        _copy(fixes, points)
        tag = fixes["tag"]
    at = np.flatnonzero(np.concatenate([[True], tag[1:] != tag[:-1], [True]])) if len(tag) else np.zeros(1, np.int64)
    return Ordered(points, tag[at[:-1]], at)


def _counted(fixes: Array, tags: I64, place: I64, points: Array) -> Ordered | None:
    """The points by counting; None where a tag's fixes are too far from in order."""
    row = np.empty(len(fixes), np.int32)
    count = np.zeros(len(tags), np.int64)
    if not _count(fixes, tags, place, row, count):  # a tag nobody knows: then by those there are
        tags = np.unique(fixes["tag"])
        count = np.zeros(len(tags), np.int64)
        _count(fixes, tags, places(tags), row, count)
    at = np.concatenate([[0], np.cumsum(count)])
    _put(fixes, row, at[:-1].copy(), points)
    present = np.flatnonzero(count)
    at = np.append(at[present], len(fixes))
    return Ordered(points, tags[present], at) if _settle(points, at) else None


@kernel
def places(tags: I64) -> I64:
    """A table that finds the row of a tag: open addressing, -1 where nothing lies; a power of two, at most half full."""
    size = 2
    while size < 2 * len(tags):
        size *= 2
    table = np.full(size, -1, np.int64)
    for row in range(len(tags)):
        k = _hash(tags[row]) & (size - 1)
        while table[k] >= 0:
            k = (k + 1) & (size - 1)
        table[k] = row
    return table


@inlined
def _hash(tag: int) -> int:
    """Low bits that differ wherever tags do: multiplied (Knuth), without overflow."""
    return ((int(tag) & 0x3FFFFFFF) * 0x9E3779B1 >> 15) ^ (int(tag) >> 30)


@lean
def _survey(fixes: Array) -> tuple[int, int]:
    """The first row whose position or accuracy is no number in range, or -1; and how many runs of one tag, -1 if not in order."""
    runs = 0
    tag = at_us = np.int64(-(2**63))
    for i in range(len(fixes)):
        f = fixes[i]
        if not (abs(f["lon"]) <= 180.0 and abs(f["lat"]) <= 90.0 and f["accuracy_m"] == f["accuracy_m"]):
            return i, runs
        if f["tag"] != tag or i == 0:
            if runs >= 0:
                runs = -1 if f["tag"] < tag else runs + 1
        elif f["fix_at_us"] < at_us:
            runs = -1
        tag = f["tag"]
        at_us = f["fix_at_us"]
    return -1, runs


@inlined
def set_point(point: Record, fix: Record, i: int) -> None:
    """Set a POINT to what a FIX in row ``i`` says."""
    point["lon"] = fix["lon"]
    point["lat"] = fix["lat"]
    point["at_us"] = fix["fix_at_us"]
    point["accuracy_m"] = min(max(np.float64(fix["accuracy_m"]), ACCURACY_FLOOR_M), FARTHEST_M)
    point["fix"] = i if fix["quality"] == _OK else ~i


@lean
def _copy(fixes: Array, points: Array) -> None:
    for i in range(len(fixes)):
        set_point(points[i], fixes[i], i)


@lean
def _pick(fixes: Array, order: I64, points: Array) -> None:
    for k in range(len(order)):
        set_point(points[k], fixes[order[k]], order[k])


@lean
def _count(fixes: Array, tags: I64, place: I64, row: Array, count: I64) -> bool:
    """Set each fix's row of ``tags`` and count them; False where a tag is not among them."""
    last = len(place) - 1
    for i in range(len(fixes)):
        tag = fixes[i]["tag"]
        k = _hash(tag) & last
        while place[k] >= 0 and tags[place[k]] != tag:
            k = (k + 1) & last
        if place[k] < 0:
            return False
        row[i] = place[k]
        count[place[k]] += 1
    return True


@lean
def _put(fixes: Array, row: Array, to: I64, points: Array) -> None:
    for i in range(len(fixes)):
        k = to[row[i]]
        to[row[i]] = k + 1
        set_point(points[k], fixes[i], i)


@kernel
def _settle(points: Array, at: I64) -> bool:
    """Sort the points of each tag by time, by insertion: nearly all are in order. False, and given up, where they are not."""
    held = np.empty(1, POINT)
    left = _MOVES * len(points)
    for run in range(len(at) - 1):
        for k in range(at[run] + 1, at[run + 1]):
            if points[k]["at_us"] >= points[k - 1]["at_us"]:
                continue
            held[0] = points[k]
            j = k
            while j > at[run] and points[j - 1]["at_us"] > held[0]["at_us"]:
                points[j] = points[j - 1]
                j -= 1
            points[j] = held[0]
            left -= k - j
            if left < 0:
                return False
    return True
