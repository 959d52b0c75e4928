"""The straight way between two fixes and the rings of a zone become whether it passes through the zone."""

from math import inf

from geofence.chain import near_chain
from geofence.grid import INSIDE, locate
from geofence.kernel import lean
from geofence.orientation import orientation
from geofence.shape import Shapes


@lean
def passes(px: float, py: float, qx: float, qy: float, shapes: Shapes, slot: int) -> bool:
    """Whether the way p -> q, straight in lon/lat, passes through the inside; neither end may be inside or on the boundary.

    Touching a corner or running along an edge is not passing through.
    """
    s = shapes.shape[slot]
    x, y = shapes.x, shapes.y
    west, east = min(px, qx), max(px, qx)
    south, north = min(py, qy), max(py, qy)
    touches = 0
    c = 0
    while True:
        c, first, stop = near_chain(s, shapes.chain, shapes.box, c, west, south, east, north)
        if c < 0:
            break
        for i in range(first, stop):
            x1, y1, x2, y2 = x[i], y[i], x[i + 1], y[i + 1]
            if (x1 < west and x2 < west) or (x1 > east and x2 > east):
                continue
            if (y1 < south and y2 < south) or (y1 > north and y2 > north):
                continue
            side1 = orientation(px, py, qx, qy, x1, y1)
            side2 = orientation(px, py, qx, qy, x2, y2)
            if side2 == 0 and west <= x2 <= east and south <= y2 <= north:
                touches += 1
            if side1 * side2 < 0 and orientation(x1, y1, x2, y2, px, py) * orientation(x1, y1, x2, y2, qx, qy) < 0:
                return True
    # No edge is crossed in its middle: a way in and out can only lead through corners.
    return touches >= 2 and _passes_by_corners(px, py, qx, qy, shapes, slot)


@lean
def _passes_by_corners(px: float, py: float, qx: float, qy: float, shapes: Shapes, slot: int) -> bool:
    """The rare case: corners lie exactly on the way. Between one and the next it is wholly inside, outside or along an edge."""
    s = shapes.shape[slot]
    wide = abs(qx - px) >= abs(qy - py)
    t = _next_corner(-inf, wide, px, py, qx, qy, shapes, slot)
    while True:
        after = _next_corner(t, wide, px, py, qx, qy, shapes, slot)
        if after == inf:
            return False
        middle = (t + after) * 0.5
        if not _along(middle, wide, px, py, qx, qy, shapes, slot):
            lon, lat = px + middle * (qx - px), py + middle * (qy - py)
            if locate(s, shapes.x, shapes.y, shapes.cell, shapes.run, shapes.edge, lon, lat) == INSIDE:
                return True
        t = after


@lean
def _next_corner(t: float, wide: bool, px: float, py: float, qx: float, qy: float, shapes: Shapes, slot: int) -> float:
    """The place of the first corner on the way after ``t`` (0 at p, 1 at q), inf where there is none."""
    s = shapes.shape[slot]
    least = inf
    for r in range(s["ring_at"], s["ring_at"] + s["rings"]):
        for i in range(s["vertex_at"] + shapes.ring[r, 0], s["vertex_at"] + shapes.ring[r, 1] - 1):
            x2, y2 = shapes.x[i + 1], shapes.y[i + 1]
            if min(px, qx) > x2 or x2 > max(px, qx) or min(py, qy) > y2 or y2 > max(py, qy):
                continue
            if orientation(px, py, qx, qy, x2, y2) == 0:
                at = (x2 - px) / (qx - px) if wide else (y2 - py) / (qy - py)
                if t < at < least:
                    least = at
    return least


@lean
def _along(t: float, wide: bool, px: float, py: float, qx: float, qy: float, shapes: Shapes, slot: int) -> bool:
    """Whether the way runs along an edge at ``t`` (0 at p, 1 at q)."""
    s = shapes.shape[slot]
    for r in range(s["ring_at"], s["ring_at"] + s["rings"]):
        for i in range(s["vertex_at"] + shapes.ring[r, 0], s["vertex_at"] + shapes.ring[r, 1] - 1):
            x1, y1, x2, y2 = shapes.x[i], shapes.y[i], shapes.x[i + 1], shapes.y[i + 1]
            if orientation(px, py, qx, qy, x1, y1) == 0 and orientation(px, py, qx, qy, x2, y2) == 0:
                t1 = (x1 - px) / (qx - px) if wide else (y1 - py) / (qy - py)
                t2 = (x2 - px) / (qx - px) if wide else (y2 - py) / (qy - py)
                if min(t1, t2) <= t <= max(t1, t2):
                    return True
    return False
