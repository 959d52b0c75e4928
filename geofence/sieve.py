"""Fixes in any order become points, in order, of those alone that may lie in a zone of their tag."""

from typing import Final

import numpy as np

from geofence.index import Plan
from geofence.kernel import ask, inlined, kernel, lean
from geofence.order import Ordered, find, pieces, put_by_tag, real, refuse, set_point
from geofence.parts import each
from model.arrays import I64, Array

# What is looked at for a fix is one line of the cache for its tag: a frame about all its zones, and boxes in it. The frame has
# so many columns, and as many rows.
_MOST: Final = (1 << 14) - 1
_LAST: Final = float(_MOST)
_SIDE: Final = 2.0  # columns and rows beside all zones, for fixes beside them: more than rounding to float32 moves
# A box is a word: four numbers of 14 bits, each with a bit above it. A fix's word has that bit set, a box's has not: taking one
# from the other leaves all four set where no number of the box is greater. The numbers of a fix at column c, row r are c,
# _MOST - c, r, _MOST - r; those of a box are what the first and third of them are at least, from c and r of its western and
# southern end, and the others from its eastern and northern.
_BITS: Final = 15
_LOW: Final = _MOST | _MOST << 2 * _BITS
_ABOVE: Final = (_MOST + 1) * (1 | 1 << _BITS | 1 << 2 * _BITS | 1 << 3 * _BITS)
_ORIGIN: Final = _ABOVE | _MOST << _BITS | _MOST << 3 * _BITS
_COLUMN: Final = 1 - (1 << _BITS)
_ROW: Final = (1 << 2 * _BITS) - (1 << 3 * _BITS)
_ALWAYS: Final = 0  # the box in which everything lies
_NEVER: Final = _LOW | _LOW << _BITS

_FRAME: Final = 2  # words of a line that hold the frame: four float32, west, south, columns and rows a degree
_LINE: Final = 8  # words of a line
_BLOCK: Final = 256  # fixes whose lines are asked for before the first of them is looked at


def sieved(plan: Plan, fixes: Array, tags: I64, place: I64, threads: int) -> Ordered | None:
    """The points of the fixes that may lie in a zone assigned to their tag, whenever that is; None where a tag's are too far from
    in order.

    Left out is only what lies in no such zone. A batch is read once, and what is left is moved: half of it or less.

    Parameters
    ----------
    plan : without zones for everyone
    fixes, tags, place, threads : as for ``ordered``; ``tags`` are those of the plan

    Raises
    ------
    ValueError
        Naming the row of a position or accuracy that is no number in range.
    """
    line = _lines(len(tags) + 1)
    _watch(plan, line, line.view(np.float32))
    cut = pieces(len(fixes), threads)
    many = len(cut) - 1
    count = np.zeros((many, len(tags) + 1), np.int64)
    some = np.empty((2, len(fixes)), np.int32)
    said = each(
        lambda k: _sieve(fixes, cut[k], cut[k + 1], tags, place, line, line.view(np.float32), some[0], some[1], count[k]),
        many,
        threads,
    )
    refuse(wrong for wrong, _ in said)

    def put(k: int, to: I64, points: Array) -> None:
        _put(fixes, some[0], some[1], cut[k], said[k][1], to, points)

    return put_by_tag(tags, count[:, :-1], put)


def _lines(n: int) -> I64:
    """(n, _LINE) int64, each row a line of the cache."""
    words = np.empty((n + 1) * _LINE, np.int64)
    start = -words.ctypes.data % (8 * _LINE) // 8
    return words[start : start + n * _LINE].reshape(n, _LINE)


@inlined
def _word(lon: float, lat: float, west: float, south: float, per_lon: float, per_lat: float) -> int:
    """The word of a position in a frame. Columns and rows never fall as coordinates rise: what lies in a box has none outside."""
    column = int(min(max((lon - west) * per_lon + _SIDE, 0.0), _LAST))
    row = int(min(max((lat - south) * per_lat + _SIDE, 0.0), _LAST))
    return _ORIGIN + column * _COLUMN + row * _ROW


@kernel
def _watch(plan: Plan, line: Array, frame: Array) -> None:
    """Set each tag's line, and after the last one that of a tag nobody knows; ``frame`` is ``line`` as float32."""
    boxes = _LINE - _FRAME
    box = np.empty((boxes, 4), np.float64)
    for row in range(len(line)):
        first, stop = (plan.assigned_at[row], plan.assigned_at[row + 1]) if row < len(line) - 1 else (0, 0)
        box[:, :2] = np.inf
        box[:, 2:] = -np.inf
        for j in range(first, stop):
            # A tag of more zones has several of them in one box.
            b = box[(j - first) % boxes]
            for slot in range(plan.slot_first[plan.assigned_zone[j]], plan.slot_first[plan.assigned_zone[j] + 1]):
                s = plan.shapes.shape[slot]
                b[0], b[1] = min(b[0], s["west"]), min(b[1], s["south"])
                b[2], b[3] = max(b[2], s["east"]), max(b[3], s["north"])
        west, south = max(np.min(box[:, 0]), -180.0), max(np.min(box[:, 1]), -90.0)
        east, north = min(np.max(box[:, 2]), 180.0), min(np.max(box[:, 3]), 90.0)
        frame[row, 0], frame[row, 1] = west, south
        frame[row, 2] = (_MOST - 2 * _SIDE) / max(east - west, 1e-6)
        frame[row, 3] = (_MOST - 2 * _SIDE) / max(north - south, 1e-6)
        for k in range(boxes):
            b = box[k]
            if b[0] > b[2]:
                line[row, _FRAME + k] = _NEVER
            elif b[0] <= -180.0 or b[2] >= 180.0:
                line[row, _FRAME + k] = _ALWAYS  # fixes on the other side of the meridian may lie in it
            else:
                low = _word(b[0], b[1], frame[row, 0], frame[row, 1], frame[row, 2], frame[row, 3])
                high = _word(b[2], b[3], frame[row, 0], frame[row, 1], frame[row, 2], frame[row, 3])
                line[row, _FRAME + k] = (low & _LOW) | (high & _LOW << _BITS)


@kernel
def _sieve(
    fixes: Array, first: int, stop: int, tags: I64, place: I64, line: Array, frame: Array, which: Array, row: Array, count: I64
) -> tuple[int, int]:
    """Write down the fixes among ``first .. stop`` that may lie in a zone, from ``first`` on, and their tags' rows; count these.

    The first row whose position or accuracy is no number in range, or -1: such a row ends it; and where what is written ends.
    """
    block = np.empty(_BLOCK, np.int32)
    n = first
    i = first
    while i < stop:
        end = min(i + _BLOCK, stop)
        wrong = _look(fixes, i, end, tags, place, line, block)
        if wrong >= 0:
            return wrong, n
        n = _sift(fixes, i, end, line, frame, block, which, row, count, n)
        i = end
    return -1, n


@lean
def _look(fixes: Array, first: int, stop: int, tags: I64, place: I64, line: Array, block: Array) -> int:
    """Find the tags' rows of fixes ``first .. stop`` and ask for their lines. The first that is no fix, or -1."""
    for i in range(first, stop):
        if not real(fixes[i]):
            return i
        k = find(fixes[i]["tag"], tags, place)
        if k < 0:
            k = len(tags)
        block[i - first] = k
        ask(line, k)
    return -1


@lean
def _sift(
    fixes: Array, first: int, stop: int, line: Array, frame: Array, block: Array, which: Array, row: Array, count: I64, n: int
) -> int:
    """Write down those of fixes ``first .. stop`` that may lie in a zone, from ``n`` on; where that ends."""
    for i in range(first, stop):
        k = np.uint32(block[i - first])
        word = _word(fixes[i]["lon"], fixes[i]["lat"], frame[k, 0], frame[k, 1], frame[k, 2], frame[k, 3])
        met = 0
        for j in range(_FRAME, _LINE):
            met |= ((word - line[k, j]) & _ABOVE) == _ABOVE
        # No branch: half of all fixes lie in a box, and which is as good as chance.
        which[n] = i
        row[n] = k
        count[k] += met
        n += met
    return n


@lean
def _put(fixes: Array, which: Array, row: Array, first: int, stop: int, to: I64, points: Array) -> None:
    for j in range(first, stop):
        k = to[row[j]]
        to[row[j]] = k + 1
        set_point(points[k], fixes[which[j]], which[j])
