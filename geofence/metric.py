"""Degrees become metres on the WGS84 ellipsoid: between two points, to an edge, and the degrees a distance can span."""

from math import atan, atan2, cos, hypot, pi, sin, sqrt, tan
from typing import Final

import numpy as np

from geofence.kernel import inlined, lean
from model.arrays import Array

_A_M: Final = 6378137.0  # WGS84 semi-major axis
_F: Final = 1.0 / 298.257223563  # WGS84 flattening
_B_M: Final = _A_M * (1.0 - _F)
_E2: Final = _F * (2.0 - _F)  # first eccentricity squared
_RAD: Final = pi / 180.0

# The shortest degree of latitude (on the equator, 110,574 m) and of longitude there (111,319 m), taken a little shorter: a box of
# so many degrees always holds the whole distance.
_LAT_DEGREE_M: Final = 110_450.0
_LON_DEGREE_M: Final = 111_200.0


def _radii() -> Array:
    """(181, 8) float64: for each whole degree of latitude the cubics of both measures in the degrees from it, constants first.

    Source: radii of curvature in the prime vertical and in the meridian (Snyder, *Map Projections*, 1987, 4-18 to 4-20).
    """
    off = 0.5 * np.cos(np.pi * (np.arange(4) + 0.5) / 4.0)  # Chebyshev's places: the error is spread evenly
    lat = np.radians(np.arange(-90.0, 91.0)[:, None] + off)
    w = np.sqrt(1.0 - _E2 * np.sin(lat) ** 2)
    measures = _RAD * _A_M * np.cos(lat) / w, _RAD * _A_M * (1.0 - _E2) / w**3
    solve = np.linalg.inv(np.vander(off, increasing=True)).T
    return np.hstack([measure @ solve for measure in measures])


_RADII: Final = _radii()  # a line of the cache a degree; no sine in any kernel that measures polygons


@inlined
def metres_per_degree(lat: float) -> tuple[float, float]:
    """Metres a degree of longitude and a degree of latitude measure at latitude ``lat`` (degrees), to 4 micrometres a degree."""
    row = int(lat + 90.5)
    d = lat - (row - 90.0)
    lon_m = _RADII[row, 0] + d * (_RADII[row, 1] + d * (_RADII[row, 2] + d * _RADII[row, 3]))
    return lon_m, _RADII[row, 4] + d * (_RADII[row, 5] + d * (_RADII[row, 6] + d * _RADII[row, 7]))


@inlined
def near(lon: float, other: float) -> float:
    """A longitude, moved by a whole turn where that brings it nearer to another one; exact beyond 128° on either side."""
    if lon - other > 180.0:
        return lon - 360.0
    if lon - other < -180.0:
        return lon + 360.0
    return lon


@inlined
def apart_m(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Metres between two points by the radii at their middle latitude: within 7e-6 of the geodesic up to 20 km, below 75 degrees.

    Longitudes are taken as they are: the caller has brought them within 180 degrees of each other.
    """
    lon_m, lat_m = metres_per_degree((lat1 + lat2) * 0.5)
    east_m = (lon2 - lon1) * lon_m
    north_m = (lat2 - lat1) * lat_m
    return sqrt(east_m * east_m + north_m * north_m)


@inlined
def to_edge_m(lon: float, lat: float, x1: float, y1: float, x2: float, y2: float) -> float:
    """Metres from a point to an edge that is straight in lon/lat.

    The foot is sought twice: with the radii at the point's own latitude, then with those halfway to the first foot. What is left
    of the foot's error enters the distance only squared: under 1e-5 up to 20 km below 75° (docs/decisions/0003-geometry.md).
    """
    lon_m, lat_m = metres_per_degree(lat)
    t = _foot(lon, lat, x1, y1, x2, y2, lon_m, lat_m)
    lon_m, lat_m = metres_per_degree((lat + y1 + t * (y2 - y1)) * 0.5)
    t = _foot(lon, lat, x1, y1, x2, y2, lon_m, lat_m)
    return apart_m(lon, lat, x1 + t * (x2 - x1), y1 + t * (y2 - y1))


@inlined
def beside_edge_m(lon: float, lat: float, x1: float, y1: float, x2: float, y2: float, lon_m: float, lat_m: float) -> float:
    """The same for an edge so near that the radii hardly change on the way: the foot is sought once.

    ``lon_m`` and ``lat_m`` are the measures at the point. Where they change by the share e on the way the foot is off by as much
    of the way, and the distance by less than the square of e.
    """
    t = _foot(lon, lat, x1, y1, x2, y2, lon_m, lat_m)
    return apart_m(lon, lat, x1 + t * (x2 - x1), y1 + t * (y2 - y1))


@inlined
def _foot(lon: float, lat: float, x1: float, y1: float, x2: float, y2: float, lon_m: float, lat_m: float) -> float:
    """Place of the nearest point on the edge, 0 at its start to 1 at its end, where a degree measures ``lon_m`` and ``lat_m``."""
    dx = (x2 - x1) * lon_m
    dy = (y2 - y1) * lat_m
    length2 = dx * dx + dy * dy
    if length2 == 0.0:
        return 0.0
    t = ((lon - x1) * lon_m * dx + (lat - y1) * lat_m * dy) / length2
    return min(max(t, 0.0), 1.0)


@lean
def geodesic_m(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Metres of the geodesic between two points less than a quarter of the globe apart, to a micrometre.

    Source: Vincenty, *Direct and Inverse Solutions of Geodesics on the Ellipsoid* (Survey Review XXIII, 1975), inverse formula.
    """
    u1 = atan((1.0 - _F) * tan(lat1 * _RAD))
    u2 = atan((1.0 - _F) * tan(lat2 * _RAD))
    sin1, cos1, sin2, cos2 = sin(u1), cos(u1), sin(u2), cos(u2)
    across = (lon2 - lon1) * _RAD
    lam = across
    sigma = sin_sigma = cos_sigma = cos2_alpha = mid = 0.0
    for _ in range(50):  # two or three rounds settle it; fifty only end a case nobody should ask for
        sin_lam, cos_lam = sin(lam), cos(lam)
        sin_sigma = hypot(cos2 * sin_lam, cos1 * sin2 - sin1 * cos2 * cos_lam)
        if sin_sigma == 0.0:
            return 0.0
        cos_sigma = sin1 * sin2 + cos1 * cos2 * cos_lam
        sigma = atan2(sin_sigma, cos_sigma)
        sin_alpha = cos1 * cos2 * sin_lam / sin_sigma
        cos2_alpha = 1.0 - sin_alpha * sin_alpha
        mid = cos_sigma - 2.0 * sin1 * sin2 / cos2_alpha if cos2_alpha > 1e-15 else 0.0
        c = _F / 16.0 * cos2_alpha * (4.0 + _F * (4.0 - 3.0 * cos2_alpha))
        before = lam
        lam = across + (1.0 - c) * _F * sin_alpha * (sigma + c * sin_sigma * (mid + c * cos_sigma * (2.0 * mid * mid - 1.0)))
        if abs(lam - before) < 1e-13:
            break
    k = cos2_alpha * (_A_M * _A_M - _B_M * _B_M) / (_B_M * _B_M)
    a = 1.0 + k / 16384.0 * (4096.0 + k * (-768.0 + k * (320.0 - 175.0 * k)))
    b = k / 1024.0 * (256.0 + k * (-128.0 + k * (74.0 - 47.0 * k)))
    last = b / 6.0 * mid * (4.0 * sin_sigma * sin_sigma - 3.0) * (4.0 * mid * mid - 3.0)
    rest = b * sin_sigma * (mid + b / 4.0 * (cos_sigma * (2.0 * mid * mid - 1.0) - last))
    return _B_M * a * (sigma - rest)


@lean
def span_deg(reach_m: float, lat_far: float) -> tuple[float, float]:
    """Degrees of longitude and of latitude within which everything ``reach_m`` away lies; never too few.

    ``lat_far`` is the largest distance from the equator, in degrees, of what the reach is measured from.
    """
    lat_deg = reach_m / _LAT_DEGREE_M
    farthest = lat_far + lat_deg
    if farthest >= 89.9:
        return 360.0, lat_deg
    return min(reach_m / (_LON_DEGREE_M * cos(farthest * _RAD)), 360.0), lat_deg
