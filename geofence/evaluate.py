"""An index of zones and a batch of fixes become hits: the one place where position and zone meet."""

import numpy as np

from geofence.gate import gate, rows
from geofence.hits import hits_of
from geofence.index import ZoneIndex
from geofence.order import ordered
from geofence.parts import in_parts
from model.arrays import I64, Array
from model.hit import HIT


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
    fixes, last = gate("fixes", fixes), gate("last", last)
    points, tags, tag_at = ordered(fixes, index.tags, index.places, threads)
    _follow(last, tags)
    tag_row = rows(tags, index.tags)

    def part(first: int, stop: int) -> Array:
        hits: Array = hits_of(index.plan, points, tag_at, tag_row, last, first, stop)
        return hits

    return in_parts(part, len(points), threads, HIT)


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
