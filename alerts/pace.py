"""Two places and two times become whether anything on the ground could have gone that way."""

from typing import Final, NamedTuple

import numpy as np

from model.arrays import Array, Bool
from model.fix import ACCURACY_FLOOR_M
from model.instant import SECOND_US

_A_M: Final = 6378137.0  # WGS84 semi-major axis
_E2: Final = 0.0066943799901413165  # WGS84 first eccentricity squared


class Places(NamedTuple):
    """The columns of (n,) FIX, or of one, that pace depends on."""

    lon: Array  # degrees
    lat: Array  # degrees
    accuracy_m: Array  # 95 % radius, not floored
    at_us: Array  # int64

    @classmethod
    def of(cls, fixes: Array) -> "Places":
        """The columns as they are, not copied."""
        return cls(fixes["lon"], fixes["lat"], fixes["accuracy_m"], fixes["fix_at_us"])

    def taken(self, rows: Array) -> "Places":
        """Those of some rows."""
        return Places(*(column[rows] for column in self))


def apart_m(one: Places, other: Places) -> Array:
    """Metres between places, (n,) and (n,) or (), by the ellipsoid's radii at their middle latitude.

    Within 1e-5 of the geodesic up to 20 km and within 1 % up to 1,000 km below 60 degrees, which is all that a threshold of speed
    needs; verdicts use ``geofence``. Longitudes are compared the short way round.
    """
    middle = np.radians((one.lat + other.lat) * 0.5)
    w2 = 1.0 - _E2 * np.sin(middle) ** 2
    lon_deg = np.abs(one.lon - other.lon)
    lon_deg = np.minimum(lon_deg, 360.0 - lon_deg)
    east_m = np.radians(lon_deg) * _A_M * np.cos(middle) / np.sqrt(w2)
    north_m = np.radians(one.lat - other.lat) * _A_M * (1.0 - _E2) / (w2 * np.sqrt(w2))
    distance: Array = np.hypot(east_m, north_m)
    return distance


def plausible(earlier: Places, later: Places, limit_mps: float) -> Bool:
    """Whether the way between places, both accuracies (floored) taken off, needs at most ``limit_mps``; (n,) bool.

    At one and the same instant it must need no way at all.
    """
    blur_m = np.maximum(earlier.accuracy_m.astype(np.float64), ACCURACY_FLOOR_M)
    blur_m = blur_m + np.maximum(later.accuracy_m.astype(np.float64), ACCURACY_FLOOR_M)
    gap_s = (later.at_us - earlier.at_us) / SECOND_US
    possible: Bool = apart_m(earlier, later) - blur_m <= limit_mps * gap_s
    return possible
