"""Fixes in any order become points in the order of tag and time, with no more of each than judging it needs."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from geofence.kernel import Record, inlined, kernel, lean
from geofence.parts import each
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
_MANY: Final = 1 << 15  # fixes from which on threads share the work
_MOVES: Final = 32  # a fix, on average, from which on sorting by insertion is given up


class Ordered(NamedTuple):
    """The points of a batch."""

    points: Array  # (n,) POINT in the order of tag and time; fixes of one instant keep theirs
    tags: I64  # (k,) the distinct tags in order
    tag_at: I64  # (k + 1,) where each tag's points begin


def ordered(fixes: Array, tags: I64, place: I64, threads: int = 1) -> Ordered:
    """The points of fixes.

    Fixes in order are copied. Others are counted by tag and put where they belong, in two passes, if most of their tags are
    known and they are many; few are sorted.

    Parameters
    ----------
    fixes : (n,) FIX
    tags : (t,) int64, the tags that are likely, in order
    place : ``places(tags)``
    threads : how many share the work; the points are the same for any number

    Raises
    ------
    ValueError
        Naming the row of a position or accuracy that is no number in range.
    """
    if len(fixes) > np.iinfo(np.int32).max:
        raise ValueError(f"fixes: {len(fixes)} at once; give at most {np.iinfo(np.int32).max}")
    cut = pieces(len(fixes), threads)
    counts = 4 * len(fixes) > len(tags)
    said = each(lambda k: _survey(fixes, cut[k], cut[k + 1], not counts), len(cut) - 1, threads)
    in_order = all(part for _, part in said)
    if in_order or not counts:
        refuse(wrong for wrong, _ in said)
    else:
        counted = _counted(fixes, tags, place, cut)
        if counted is not None:
            return counted
    points = np.empty(len(fixes), POINT)
    if not in_order:
        order = np.lexsort((fixes["fix_at_us"], fixes["tag"]))
        _pick(fixes, order, points)
        tag = fixes["tag"][order]
    else:
        _copy(fixes, points)
        tag = fixes["tag"]
    at = np.flatnonzero(np.concatenate([[True], tag[1:] != tag[:-1], [True]])) if len(tag) else np.zeros(1, np.int64)
    return Ordered(points, tag[at[:-1]], at)


def pieces(n: int, threads: int) -> list[int]:
    """Where the pieces of a batch of ``n`` fixes begin, one a thread, and its end; few fixes are one piece."""
    cut: list[int] = np.linspace(0, n, (threads if n > _MANY else 1) + 1).astype(np.int64).tolist()
    return cut


def refuse(wrong: Iterable[int]) -> None:
    """Raise ValueError where a piece names a row; -1 is none."""
    for row in wrong:
        if row >= 0:
            raise ValueError(f"fixes row {row}: position or accuracy is no number in range; doors must refuse such a fix")


def _counted(fixes: Array, tags: I64, place: I64, cut: Sequence[int]) -> Ordered | None:
    """The points by counting, each piece of the fixes by a thread; None where a tag's fixes are too far from in order."""
    many = len(cut) - 1
    row = np.empty(len(fixes), np.int32)
    count = np.zeros((many, len(tags)), np.int64)
    said = each(lambda k: _count(fixes, cut[k], cut[k + 1], tags, place, row, count[k]), many, many)
    if not all(known for _, known in said):
        # A tag nobody knows: then by those there are.
        tags = np.unique(fixes["tag"])
        place = places(tags)
        count = np.zeros((many, len(tags)), np.int64)
        said = each(lambda k: _count(fixes, cut[k], cut[k + 1], tags, place, row, count[k]), many, many)
    refuse(wrong for wrong, _ in said)

    def put(k: int, to: I64, points: Array) -> None:
        _put(fixes, cut[k], cut[k + 1], row, to, points)

    return put_by_tag(tags, count, put)


def put_by_tag(tags: I64, count: I64, put: Callable[[int, I64, Array], None]) -> Ordered | None:
    """The points of pieces of a batch, each put by a thread; None where a tag's points are too far from in order.

    Parameters
    ----------
    tags : (t,) int64 distinct tags in order
    count : (pieces, t) int64, how many points each piece has of each
    put : puts those of a piece into ``points``, of each tag where ``to`` says, and counts that on
    """
    many = len(count)
    total = count.sum(axis=0)
    at = np.concatenate([[0], np.cumsum(total)])
    to = at[:-1] + np.cumsum(count, axis=0) - count  # of a tag, what came in an earlier piece comes first
    points = np.empty(at[-1], POINT)
    each(lambda k: put(k, to[k], points), many, many)
    present = np.flatnonzero(total)
    at = np.append(at[present], len(points))
    run = np.linspace(0, len(present), many + 1).astype(np.int64).tolist()
    settled = each(lambda k: _settle(points, at[run[k] : run[k + 1] + 1]), many, many)
    return Ordered(points, tags[present], at) if all(settled) else None


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


@inlined
def find(tag: int, tags: I64, place: I64) -> int:
    """Row of a tag in ``tags``, -1 where it is none of them; ``place`` is ``places(tags)``."""
    last = len(place) - 1
    k = _hash(tag) & last
    while place[k] >= 0 and tags[place[k]] != tag:
        k = (k + 1) & last
    row: int = place[k]
    return row


@inlined
def real(fix: Record) -> bool:
    """Whether the position and accuracy of a fix are numbers in range."""
    is_real: bool = (abs(fix["lon"]) <= 180.0) & (abs(fix["lat"]) <= 90.0) & (fix["accuracy_m"] == fix["accuracy_m"])
    return is_real


@lean
def _survey(fixes: Array, first: int, stop: int, whole: bool) -> tuple[int, bool]:
    """Of rows ``first .. stop`` the first whose position or accuracy is no number in range, or -1; and whether they are in order,
    also after the one before them. If not, the rest is looked at only where ``whole`` asks for it.
    """
    in_order = True
    for i in range(first, stop):
        f = fixes[i]
        if not real(f):
            return i, in_order
        if in_order and i > 0:
            before = fixes[i - 1]
            in_order = before["tag"] < f["tag"] or (before["tag"] == f["tag"] and before["fix_at_us"] <= f["fix_at_us"])
            if not (in_order or whole):
                break
    return -1, in_order


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
def _count(fixes: Array, first: int, stop: int, tags: I64, place: I64, row: Array, count: I64) -> tuple[int, bool]:
    """Set the row of ``tags`` of each fix from ``first`` to ``stop`` and count them.

    The first row whose position or accuracy is no number in range, or -1, and whether all tags are known: one that is not ends
    it. All in one reading, as a batch does not fit the cache.
    """
    for i in range(first, stop):
        if not real(fixes[i]):
            return i, True
        k = find(fixes[i]["tag"], tags, place)
        if k < 0:
            return -1, False
        row[i] = k
        count[k] += 1
    return -1, True


@lean
def _put(fixes: Array, first: int, stop: int, row: Array, to: I64, points: Array) -> None:
    for i in range(first, stop):
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
