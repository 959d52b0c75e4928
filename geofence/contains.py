"""Two geometries become whether one is certain to lie wholly in the other."""

from typing import Final

import numpy as np
import shapely

from geofence.metric import geodesic_m
from geofence.shape import joined

_TURNS_DEG: Final = (0.0, -360.0, 360.0)  # exact wherever two that are moved by it can meet
_ROUNDING_M = 1e-6  # far below any accuracy: a circle lies in itself


def contains(outer: bytes, outer_radius_m: float, inner: bytes, inner_radius_m: float) -> bool:
    """Whether every point of ``inner`` is certain to be one of ``outer``; the boundary is inside.

    A circle and a polygon are not compared: never certain. Of two polygons either may lie on both sides of the 180° meridian.

    Parameters
    ----------
    outer, inner : as ``Geometry.wkb``
    outer_radius_m, inner_radius_m : of circles, metres by the geodesic; 0 for polygons
    """
    one, other = joined(shapely.from_wkb(outer)), joined(shapely.from_wkb(inner))
    if outer_radius_m and inner_radius_m:
        (lon, lat), (other_lon, other_lat) = (shapely.get_coordinates(centre)[0].tolist() for centre in (one, other))
        apart_m = float(geodesic_m(lon, lat, other_lon, other_lat))
        return apart_m + inner_radius_m <= outer_radius_m + _ROUNDING_M
    if outer_radius_m or inner_radius_m:
        return False
    # One on both sides has longitudes beyond 180 or beyond -180, and the other may lie on one side, or be turned the other way.
    return any(bool(shapely.covers(one, _turned(other, turn))) for turn in _TURNS_DEG)


def _turned(geometry: shapely.Geometry, turn_deg: float) -> shapely.Geometry:
    return shapely.transform(geometry, lambda points: points + np.array([turn_deg, 0.0]))
