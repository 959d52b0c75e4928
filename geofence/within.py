"""An index of zones and a batch of fixes become which zones in force cover which fixes: no distance, no verdict, no paths."""

from typing import Final

import numpy as np

from geofence.force import Room, candidates, own, plain, room
from geofence.gate import gate, rows
from geofence.grid import BOUNDARY, OUTSIDE, ask_for, locate
from geofence.index import Plan, ZoneIndex
from geofence.kernel import kernel, lean
from geofence.metric import geodesic_m, near
from geofence.order import Ordered, ordered
from geofence.parts import each
from geofence.sieve import sieved
from model.arrays import I64, Array

# That a zone covers a fix.
COVER: Final = np.dtype(
    [
        ("fix_row", "<i8"),  # row of the FIX array
        ("zone", "<i8"),  # zone id
        ("version", "<i4"),  # zone version, chosen by fix_at
        ("boundary", "?"),  # exactly on the boundary, which is inside; of circles never said
    ]
)

_SIEVED: Final = 4  # from a fix for so many tags on, a line of the cache is made for each tag
_PIECE: Final = 1 << 15  # points that a thread looks at in one call


def within(index: ZoneIndex, fixes: Array, threads: int = 1) -> Array:
    """Which zones in force for its tag at ``fix_at`` cover each fix; what ``evaluate`` calls ``covered``, without the rest.

    Parameters
    ----------
    index, fixes, threads : as for ``evaluate``

    Returns
    -------
    (c,) COVER, ordered by (tag, fix_at_us, zone); ``fix_row`` is the row of ``fixes`` as they were given

    Raises
    ------
    ValueError
        If the array is not of FIX, or a position or an accuracy is not a number.
    """
    fixes = gate("fixes", fixes)
    points, tags, tag_at = _points(index, fixes, threads)
    plan, tag_row = index.plan, rows(tags, index.tags)
    starts = range(0, len(points), _PIECE)
    found = each(
        lambda k: _found(plan, points, tag_at, tag_row, starts[k], min(starts[k] + _PIECE, len(points))), len(starts), threads
    )
    at = np.cumsum([0, *map(len, found)]).tolist()
    covers = np.empty(at[-1], COVER)
    each(lambda k: _write(plan, points, found[k], covers[at[k] : at[k + 1]]), len(found), threads)
    return covers


def _points(index: ZoneIndex, fixes: Array, threads: int) -> Ordered:
    """The points of a batch, or of those of its fixes that may lie in a zone, where finding these pays."""
    if _SIEVED * len(fixes) > len(index.tags) and not len(index.plan.tree.item):
        some = sieved(index.plan, fixes, index.tags, index.places, threads)
        if some is not None:
            return some
    return ordered(fixes, index.tags, index.places, threads)


@kernel
def _found(plan: Plan, points: Array, tag_at: I64, tag_row: I64, first: int, stop: int) -> Array:
    """(c, 2) int32 of points ``first .. stop``, ordered: a point and a slot that covers it, ~slot on its boundary.

    Arguments are those of ``hits_of``.
    """
    out = np.empty((stop - first + 16, 2), np.int32)
    run = np.searchsorted(tag_at, first, side="right") - 1
    here = room(plan, tag_row[run : np.searchsorted(tag_at, stop, side="left")])
    n = 0
    while True:
        first, n = _find(plan, points, tag_at, tag_row, first, stop, here, out, n)
        if first == stop:
            return out[:n]
        grown = np.empty((2 * len(out) + len(here.slots), 2), np.int32)
        grown[:n] = out[:n]
        out = grown


@lean
def _find(
    plan: Plan, points: Array, tag_at: I64, tag_row: I64, first: int, stop: int, here: Room, out: Array, n: int
) -> tuple[int, int]:
    """Add the rows of points ``first .. stop`` to the ``n`` in ``out``: the point before which it was full, or ``stop``, and
    how many there are now.
    """
    slots, own_slot, own_time, own_box = here.slots, here.slot, here.time, here.box
    shapes = plan.shapes
    shape_of, xs, ys, cell, run_of, edge = shapes.shape, shapes.x, shapes.y, shapes.cell, shapes.run, shapes.edge
    run = np.searchsorted(tag_at, first, side="right") - 1
    i = first
    asked = -1
    while i < stop:
        end = min(tag_at[run + 1], stop)
        row = tag_row[run]
        if row < 0:
            i = end
            run += 1
            continue
        zones, is_plain = own(plan, row, here)
        while i < end:
            point = points[i]
            lon, lat, at_us = point["lon"], point["lat"], point["at_us"]
            if is_plain:
                found = plain(own_slot, own_time, own_box, zones, at_us, lon, lat, lon, lat, slots)
            else:
                found = candidates(plan, row, at_us, zones, lon, lat, lon, lat, here)
            if n + found > len(out):
                return i, n
            for j in range(found):
                slot = slots[j]
                shape = shape_of[slot]
                if slot != asked:
                    # Where one fix of a tag lies there will be others: what they need of the zone comes while this one waits.
                    ask_for(shape, xs, ys, cell, run_of, edge)
                    asked = slot
                x = near(lon, (shape["west"] + shape["east"]) * 0.5)
                if shape["radius_m"] > 0.0:
                    centre = shape["vertex_at"]
                    outside = geodesic_m(xs[centre], ys[centre], x, lat) > shape["radius_m"]
                    where = OUTSIDE if outside else -OUTSIDE
                else:
                    where = locate(shape, xs, ys, cell, run_of, edge, x, lat)
                out[n, 0] = i
                out[n, 1] = slot if where != BOUNDARY else ~slot
                n += where != OUTSIDE
            i += 1
        run += 1
    return stop, n


@lean
def _write(plan: Plan, points: Array, found: Array, covers: Array) -> None:
    """Set the COVER rows of what was found."""
    for k in range(len(found)):
        slot = found[k, 1]
        at = plan.slot[max(slot, ~slot)]
        cover = covers[k]
        cover["fix_row"] = max(points[found[k, 0]]["fix"], ~points[found[k, 0]]["fix"])
        cover["zone"] = at["zone"]
        cover["version"] = at["version"]
        cover["boundary"] = slot < 0
