"""The baselines: what an engineer would write with shapely, each fix against each fence of its tag. Fixed for good."""

from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from bench.chance import F64
from bench.city import metres_per_degree
from bench.workloads.town import FENCES, I64
from model.arrays import Array

Bool = npt.NDArray[np.bool_]

# In the baselines' favour, and not timed: which tag a fix is of, columns in one piece, fences prepared and used once already
# (GEOS builds its search tree at the first use), and for distances the fences in metres. One thread.


class Degrees:
    """Containment, on the fences as they are.

    Parameters
    ----------
    polygons : (z,) polygons in degrees, ``FENCES`` a tag
    middle : (z, 2) float64, a point inside each
    """

    def __init__(self, polygons: Array, middle: F64) -> None:
        shapely.prepare(polygons)
        shapely.contains_xy(polygons, middle[:, 0], middle[:, 1])
        shapely.intersects_xy(polygons, middle[:, 0], middle[:, 1])
        self._polygons: Final = polygons.reshape(-1, FENCES)

    def contains(self, lon: F64, lat: F64, row: I64) -> Bool:
        """(n, FENCES) whether each fix is inside, the boundary left out; the call everybody knows."""
        return np.asarray(shapely.contains_xy(self._polygons[row], lon[:, None], lat[:, None]))

    def covers(self, lon: F64, lat: F64, row: I64) -> Bool:
        """(n, FENCES) whether each fix is inside or on the boundary: for a point, GEOS ``covers`` and ``intersects`` are one."""
        return np.asarray(shapely.intersects_xy(self._polygons[row], lon[:, None], lat[:, None]))


class Metres:
    """Signed distance in metres, each fence in a plane of its own about its middle.

    Degrees are taken for as many metres as they have at the fence's middle: an affine change, so that straight stays straight,
    and right to under 4e-4 of the distance within 1.5 km of the middle below 60 degrees of latitude.
    """

    def __init__(self, polygons: Array, middle: F64, within_m: float) -> None:
        scale = np.column_stack(metres_per_degree(middle[:, 1]))
        coordinates, fence = shapely.get_coordinates(polygons, return_index=True)
        rings = shapely.linearrings((coordinates - middle[fence]) * scale[fence], indices=fence)
        flat = np.asarray(shapely.polygons(rings))
        shapely.prepare(flat)
        shapely.contains_xy(flat, 0.0, 0.0)
        self._middle: Final = middle.reshape(-1, FENCES, 2)
        self._scale: Final = scale.reshape(-1, FENCES, 2)
        self._polygons: Final = flat.reshape(-1, FENCES)
        self._rings: Final = np.asarray(rings).reshape(-1, FENCES)
        self._boxes: Final = shapely.bounds(flat).reshape(-1, FENCES, 4) + within_m * np.array([-1.0, -1.0, 1.0, 1.0])

    def every(self, lon: F64, lat: F64, row: I64) -> F64:
        """(n, FENCES) signed metres to the boundary, negative inside, of every fix to every fence of its tag."""
        x, y = self._plane(lon, lat, row)
        inside = shapely.contains_xy(self._polygons[row], x, y)
        away_m = shapely.distance(self._rings[row], shapely.points(x, y))
        return np.asarray(np.where(inside, -away_m, away_m))

    def boxed(self, lon: F64, lat: F64, row: I64) -> F64:
        """The same, but inf wherever a comparison with boxes already shows that the fence is farther than ``within_m``."""
        x, y = self._plane(lon, lat, row)
        box = self._boxes[row]
        near = (x >= box[..., 0]) & (y >= box[..., 1]) & (x <= box[..., 2]) & (y <= box[..., 3])
        fix, k = np.nonzero(near)
        x, y = x[near], y[near]
        inside = shapely.contains_xy(self._polygons[row[fix], k], x, y)
        away_m = shapely.distance(self._rings[row[fix], k], shapely.points(x, y))
        signed = np.full(near.shape, np.inf)
        signed[near] = np.where(inside, -away_m, away_m)
        return signed

    def _plane(self, lon: F64, lat: F64, row: I64) -> tuple[F64, F64]:
        middle, scale = self._middle[row], self._scale[row]
        return (lon[:, None] - middle[..., 0]) * scale[..., 0], (lat[:, None] - middle[..., 1]) * scale[..., 1]
