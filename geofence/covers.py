"""One zone and many points become which of them it covers: containment alone, for whoever needs no distance."""

import numpy as np

from geofence.grid import OUTSIDE, locate
from geofence.index import ZoneIndex
from geofence.kernel import lean
from geofence.metric import geodesic_m, near
from geofence.shape import Shapes
from model.arrays import Array, Bool


def covers(index: ZoneIndex, zone: int, lon: Array, lat: Array) -> Bool:
    """Which points the newest version of a zone covers, whenever and to whomever it applies.

    The boundary is inside; the answer equals GEOS ``covers``, and of a circle that of its geodesic radius.

    Parameters
    ----------
    zone : id of the zone
    lon, lat : (n,) float64 degrees WGS84, -180..180 and -90..90

    Returns
    -------
    (n,) bool

    Raises
    ------
    KeyError
        If the index has no such zone.
    ValueError
        If the arrays are not of one length, or a coordinate is no number in range.
    """
    lon, lat = (np.require(axis, np.float64, ("C", "A", "W")) for axis in (lon, lat))
    if lon.ndim != 1 or lon.shape != lat.shape:
        raise ValueError(f"give lon and lat as one-dimensional arrays of one length, not {lon.shape} and {lat.shape}")
    slot = int(np.searchsorted(index.plan.slot["zone"], zone, side="right")) - 1
    if slot < 0 or index.plan.slot["zone"][slot] != zone:
        raise KeyError(zone)
    out = np.empty(len(lon), np.bool_)
    if not _cover(index.plan.shapes, slot, lon, lat, out):
        raise ValueError("a coordinate is no number in range")
    return out


@lean
def _cover(shapes: Shapes, slot: int, lon: Array, lat: Array, out: Array) -> bool:
    """Set ``out``; False where a coordinate is no number in range."""
    s = shapes.shape[slot]
    middle = (s["west"] + s["east"]) * 0.5
    centre = s["vertex_at"]
    real = True
    for i in range(len(lon)):
        real &= (abs(lon[i]) <= 180.0) & (abs(lat[i]) <= 90.0)
        x = near(lon[i], middle)
        if s["radius_m"] > 0.0:
            out[i] = geodesic_m(shapes.x[centre], shapes.y[centre], x, lat[i]) <= s["radius_m"]
        else:
            out[i] = locate(s, shapes.x, shapes.y, shapes.cell, shapes.run, shapes.edge, x, lat[i]) != OUTSIDE
    return real
