"""A point and the rings of a zone become inside, boundary or outside, and the metres to the nearest edge."""

from math import sqrt
from typing import Final

import numpy as np

from geofence.kernel import kernel
from geofence.metric import metres_per_degree, to_edge_m
from geofence.orientation import orientation
from model.arrays import Array

INSIDE: Final = 1
BOUNDARY: Final = 0
OUTSIDE: Final = -1

# While the radii of curvature change by less than this on the way to the nearest edge, the edge nearest by the point's own radii
# is the nearest one, or within a fifth of what DOMAIN.md allows of it.
_STEADY: Final = 1e-4
_EARTH_M: Final = 6_356_000.0


@kernel
def locate(lon: float, lat: float, x: Array, y: Array, ring_at: Array, first: int, stop: int) -> int:
    """Where a point lies: ``INSIDE``, ``BOUNDARY`` (of the outer ring or of a hole) or ``OUTSIDE``.

    Counts the edges that a ray to the east crosses, over rings ``first .. stop``; edge rules and orientation are those of GEOS
    (``RayCrossingCounter``), so ``!= OUTSIDE`` equals its ``covers``.

    Parameters
    ----------
    x, y : (v,) float64 degrees, each ring closed
    ring_at : (r + 1,) int64, where each ring's coordinates begin
    """
    crossings = 0
    for ring in range(first, stop):
        for i in range(ring_at[ring], ring_at[ring + 1] - 1):
            y1 = y[i]
            y2 = y[i + 1]
            if (y1 > lat and y2 > lat) or (y1 < lat and y2 < lat):
                continue
            x1 = x[i]
            x2 = x[i + 1]
            if x1 < lon and x2 < lon:
                continue
            if x2 == lon and y2 == lat:
                return BOUNDARY
            if y1 == lat and y2 == lat:
                if min(x1, x2) <= lon <= max(x1, x2):
                    return BOUNDARY
                continue
            # An edge owns its lower end, not its upper one: a vertex the ray meets is counted once.
            if (y1 > lat) != (y2 > lat):
                side = orientation(x1, y1, x2, y2, lon, lat)
                if side == 0:
                    return BOUNDARY
                if (side > 0) == (y2 > y1):
                    crossings += 1
    return INSIDE if crossings & 1 else OUTSIDE


@kernel
def edge_m(lon: float, lat: float, x: Array, y: Array, ring_at: Array, first: int, stop: int) -> float:
    """Metres to the nearest edge of rings ``first .. stop``; unsigned. Parameters as for ``locate``.

    All edges are compared by the radii of curvature at the point's own latitude. Near ones (some kilometres) need no more than a
    better measure of the winner; for far ones everything that might be nearer is measured better.
    """
    lon_m, lat_m = metres_per_degree(lat)
    best2 = np.inf
    nearest = -1
    for ring in range(first, stop):
        start = ring_at[ring]
        bx = (x[start] - lon) * lon_m
        by = (y[start] - lat) * lat_m
        for i in range(start, ring_at[ring + 1] - 1):
            ax = bx
            ay = by
            bx = (x[i + 1] - lon) * lon_m
            by = (y[i + 1] - lat) * lat_m
            d2 = _origin_to_edge2(ax, ay, bx, by)
            if d2 < best2:
                best2 = d2
                nearest = i
    best = to_edge_m(lon, lat, x[nearest], y[nearest], x[nearest + 1], y[nearest + 1])
    change = lat_m / max(lon_m, 1.0) * sqrt(best2) / _EARTH_M  # at least tan(lat) times the way in radians
    if change < _STEADY:
        return best
    worth2 = (best * (1.0 + 2.0 * change)) ** 2
    for ring in range(first, stop):
        start = ring_at[ring]
        bx = (x[start] - lon) * lon_m
        by = (y[start] - lat) * lat_m
        for i in range(start, ring_at[ring + 1] - 1):
            ax = bx
            ay = by
            bx = (x[i + 1] - lon) * lon_m
            by = (y[i + 1] - lat) * lat_m
            if _origin_to_edge2(ax, ay, bx, by) <= worth2:
                best = min(best, to_edge_m(lon, lat, x[i], y[i], x[i + 1], y[i + 1]))
    return best


@kernel
def _origin_to_edge2(ax: float, ay: float, bx: float, by: float) -> float:
    dx = bx - ax
    dy = by - ay
    length2 = dx * dx + dy * dy
    if length2 > 0.0:
        t = min(max(-(ax * dx + ay * dy) / length2, 0.0), 1.0)
        ax += t * dx
        ay += t * dy
    return ax * ax + ay * ay
