"""Evaluators that are wrong in ways people write: the comparison with the oracle must catch each."""

from typing import Any

import numpy as np
import shapely

from geofence.evaluate import evaluate
from geofence.index import ZoneIndex


def strict_boundary(index: ZoneIndex, fixes: Any, last: Any) -> Any:
    """The boundary is outside."""
    hits = evaluate(index, fixes, last)
    hits["covered"] &= hits["distance_m"] < 0.0
    return hits


def drops_holes(index: ZoneIndex, fixes: Any, last: Any) -> Any:
    """Only outer rings count."""
    filled = [zone._replace(wkb=shapely.to_wkb(_without_holes(shapely.from_wkb(zone.wkb)))) for zone in index.zones.values()]
    return evaluate(index.changed(put=filled), fixes, last)


def plain_floats(index: ZoneIndex, fixes: Any, last: Any) -> Any:
    """Ray casting as it stands in textbooks: half-open edges, a cross product in floats, no care for the boundary."""
    hits = evaluate(index, fixes, last)
    geometries = {key: shapely.from_wkb(zone.wkb) for key, zone in index.zones.items()}
    for hit in hits:
        fix = fixes[hit["fix_row"]]
        hit["covered"] = _cast(geometries[int(hit["zone"]), int(hit["version"])], float(fix["lon"]), float(fix["lat"]))
    return hits


def first_part_only(index: ZoneIndex, fixes: Any, last: Any) -> Any:
    """Of a multipolygon the first polygon counts."""
    cut = [zone._replace(wkb=shapely.to_wkb(shapely.get_parts(shapely.from_wkb(zone.wkb))[0])) for zone in index.zones.values()]
    return evaluate(index.changed(put=cut), fixes, last)


def left_bottom_outside(index: ZoneIndex, fixes: Any, last: Any) -> Any:
    """A box's left and bottom edges are outside, its right and top ones inside."""
    hits = evaluate(index, fixes, last)
    for hit in hits:
        west, south, _, _ = shapely.bounds(shapely.from_wkb(index.zones[int(hit["zone"]), int(hit["version"])].wkb))
        fix = fixes[hit["fix_row"]]
        hit["covered"] &= fix["lon"] > west and fix["lat"] > south
    return hits


MUTANTS = (strict_boundary, drops_holes, plain_floats, first_part_only, left_bottom_outside)


def _without_holes(geometry: Any) -> Any:
    return shapely.union_all([shapely.Polygon(part.exterior) for part in shapely.get_parts(geometry)])


def _cast(geometry: Any, lon: float, lat: float) -> bool:
    inside = False
    for ring in shapely.get_rings(shapely.get_parts(geometry)):
        points = shapely.get_coordinates(ring)
        a, b = points[:-1], points[1:]
        over = (a[:, 1] > lat) != (b[:, 1] > lat)
        a, b = a[over], b[over]
        cross = a[:, 0] + (lat - a[:, 1]) * (b[:, 0] - a[:, 0]) / (b[:, 1] - a[:, 1])
        inside ^= bool(np.count_nonzero(lon < cross) & 1)
    return inside
