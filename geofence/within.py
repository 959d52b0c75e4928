"""An index of zones and a batch of fixes become which zones in force cover which fixes: no distance, no verdict, no paths."""

from typing import Final

import numpy as np

from geofence.force import Room, candidates, own, plain, room
from geofence.gate import gate, rows
from geofence.grid import BOUNDARY, OUTSIDE, locate
from geofence.index import Plan, ZoneIndex
from geofence.kernel import kernel, lean
from geofence.metric import geodesic_m, near
from geofence.order import ordered
from geofence.parts import in_parts
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
    gate("fixes", fixes)
    points, tags, tag_at = ordered(fixes, index.tags, index.places, threads)
    tag_row = rows(tags, index.tags)

    def part(first: int, stop: int) -> Array:
        covers: Array = _covers_of(index.plan, points, tag_at, tag_row, first, stop)
        return covers

    return in_parts(part, len(points), threads, COVER)


@kernel
def _covers_of(plan: Plan, points: Array, tag_at: I64, tag_row: I64, first: int, stop: int) -> Array:
    """(c,) COVER rows of points ``first .. stop``, ordered by (point, zone); arguments are those of ``hits_of``."""
    out = np.empty(stop - first + 16, COVER)
    run = np.searchsorted(tag_at, first, side="right") - 1
    here = room(plan, tag_row[run : np.searchsorted(tag_at, stop, side="left")])
    n = 0
    while True:
        first, n = _cover(plan, points, tag_at, tag_row, first, stop, here, out, n)
        if first == stop:
            return out[:n]
        grown = np.empty(2 * len(out) + len(here.slots), COVER)
        grown[:n] = out[:n]
        out = grown


@lean
def _cover(
    plan: Plan, points: Array, tag_at: I64, tag_row: I64, first: int, stop: int, here: Room, out: Array, n: int
) -> tuple[int, int]:
    """Add the rows of points ``first .. stop`` to the ``n`` in ``out``: the point before which it was full, or ``stop``, and
    how many there are now.
    """
    slots, own_slot, own_time, own_box = here.slots, here.slot, here.time, here.box
    slot_of, shapes = plan.slot, plan.shapes
    shape_of, xs, ys, cell, run_of, edge = shapes.shape, shapes.x, shapes.y, shapes.cell, shapes.run, shapes.edge
    run = np.searchsorted(tag_at, first, side="right") - 1
    i = first
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
                x = near(lon, (shape["west"] + shape["east"]) * 0.5)
                if shape["radius_m"] > 0.0:
                    centre = shape["vertex_at"]
                    outside = geodesic_m(xs[centre], ys[centre], x, lat) > shape["radius_m"]
                    where = OUTSIDE if outside else -OUTSIDE
                else:
                    where = locate(shape, xs, ys, cell, run_of, edge, x, lat)
                if where == OUTSIDE:
                    continue
                cover = out[n]
                cover["fix_row"] = max(point["fix"], ~point["fix"])
                cover["zone"] = slot_of[slot]["zone"]
                cover["version"] = slot_of[slot]["version"]
                cover["boundary"] = where == BOUNDARY
                n += 1
            i += 1
        run += 1
    return stop, n
