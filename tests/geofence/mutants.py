"""Evaluators that are wrong in ways people write: the comparison with the oracle must catch each."""

from typing import Any

import numpy as np
import shapely

from geofence.evaluate import evaluate
from geofence.index import ZoneIndex
from model.hit import Verdict


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


def tolerant(index: ZoneIndex, fixes: Any, last: Any) -> Any:
    """Whatever lies within a tenth of a millimetre of the boundary is on it."""
    hits = evaluate(index, fixes, last)
    hits["covered"] |= hits["distance_m"] < 1e-4
    return hits


def rounded(index: ZoneIndex, fixes: Any, last: Any) -> Any:
    """Positions in single precision: half the bytes."""
    coarse = fixes.copy()
    coarse["lon"], coarse["lat"] = fixes["lon"].astype(np.float32), fixes["lat"].astype(np.float32)
    return evaluate(index, coarse, last)


def by_cell(index: ZoneIndex, fixes: Any, last: Any) -> Any:
    """The middle of a small cell answers for all of it."""
    coarse = fixes.copy()
    for name in ("lon", "lat"):
        coarse[name] = (np.floor(fixes[name] * 2.0**16) + 0.5) * 2.0**-16
    return evaluate(index, coarse, last)


MUTANTS = (strict_boundary, drops_holes, plain_floats, first_part_only, left_bottom_outside, tolerant, rounded, by_cell)


# ---------------------------------------------------------------- wrong in how far, or in what is said of it


def on_a_sphere(index: ZoneIndex, fixes: Any, last: Any) -> Any:
    """Distances on a sphere of the mean radius: up to 0.3 % off where the ellipsoid is flat."""
    hits = evaluate(index, fixes, last)
    hits["distance_m"] *= 1.003
    return hits


def unsigned(index: ZoneIndex, fixes: Any, last: Any) -> Any:
    """Inside is as far as outside."""
    hits = evaluate(index, fixes, last)
    hits["distance_m"] = np.abs(hits["distance_m"])
    return hits


def without_floor(index: ZoneIndex, fixes: Any, last: Any) -> Any:
    """A receiver that claims three metres is believed."""
    hits = evaluate(index, fixes, last)
    _judge(hits, fixes["accuracy_m"][hits["fix_row"]].astype(float))
    return hits


def by_centre(index: ZoneIndex, fixes: Any, last: Any) -> Any:
    """The centre decides, accuracy is ignored."""
    hits = evaluate(index, fixes, last)
    hits["verdict"] = np.where(hits["covered"], Verdict.INSIDE, Verdict.OUTSIDE)
    return hits


def short_sighted(index: ZoneIndex, fixes: Any, last: Any) -> Any:
    """Nothing is said of what lies more than a hundred metres outside."""
    hits = evaluate(index, fixes, last)
    return hits[hits["distance_m"] < 100.0]


def in_flat_degrees(index: ZoneIndex, fixes: Any, last: Any) -> Any:
    """A degree of longitude is taken to be as long as one of latitude."""
    hits = evaluate(index, fixes, last)
    for hit in hits:
        fix = fixes[hit["fix_row"]]
        boundary = shapely.boundary(shapely.from_wkb(index.zones[int(hit["zone"]), int(hit["version"])].wkb))
        away = shapely.distance(boundary, shapely.Point(float(fix["lon"]), float(fix["lat"]))) * 111_195.0
        hit["distance_m"] = -away if hit["covered"] else away
    return hits


MEASURING = (on_a_sphere, unsigned, without_floor, by_centre, short_sighted, in_flat_degrees)


def _judge(hits: Any, accuracy_m: Any) -> None:
    d = hits["distance_m"]
    hits["verdict"] = np.where(d <= -accuracy_m, Verdict.INSIDE, np.where(d > accuracy_m, Verdict.OUTSIDE, Verdict.POSSIBLE))


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
