"""A slow plain judge of a fleet's fixes: shapely distances in a frame about each zone, from the WORLD document alone."""

from typing import Any

import numpy as np
import shapely
from geographiclib.geodesic import Geodesic

FLOOR_M = 10.0


def shapes(feature: dict[str, Any]) -> tuple[Any, float, float, float, float]:
    """The zone's shapely shape in metres about (lon, lat), and the metres a degree there, by geographiclib."""
    geometry = feature["geometry"]
    whole = shapely.geometry.shape(geometry)
    lon, lat = whole.centroid.x, whole.centroid.y
    east = Geodesic.WGS84.Inverse(lat, lon - 0.005, lat, lon + 0.005)["s12"] / 0.01
    north = Geodesic.WGS84.Inverse(lat - 0.005, lon, lat + 0.005, lon)["s12"] / 0.01
    scaled = shapely.transform(whole, lambda c: (c - [lon, lat]) * [east, north])
    if geometry["type"] == "Point":
        scaled = scaled.buffer(feature["properties"]["radius_m"], quad_segs=256)
    assert scaled.is_valid
    return scaled, lon, lat, east, north


def distances(feature: dict[str, Any], fixes: Any) -> Any:
    """Signed metres (n,) from fixes to a zone's edge, negative inside."""
    shape, lon, lat, east, north = shapes(feature)
    points = shapely.points((fixes["lon"] - lon) * east, (fixes["lat"] - lat) * north)
    shapely.prepare(shape)
    away = shapely.distance(shape.boundary, points)
    return np.where(shapely.covers(shape, points), -away, away)


def verdicts(feature: dict[str, Any], fixes: Any) -> tuple[Any, Any]:
    """Signed distances (n,), and per fix 2 definite inside, 1 possible, 0 outside (DOMAIN.md, "A verdict")."""
    away = distances(feature, fixes)
    radius = np.maximum(fixes["accuracy_m"], FLOOR_M)
    verdict = np.where(away <= -radius, 2, np.where(away <= radius, 1, 0))
    return away, np.where(fixes["source"] == 0, verdict, np.minimum(verdict, 1))


def zones_by_wearer(world: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The exclusion zones that apply to each wearer, shared ones included."""
    found: dict[str, list[dict[str, Any]]] = {one["ref"]: [] for one in world["wearers"]}
    for feature in world["zones"]:
        if feature["properties"]["kind"] != "exclusion":
            continue
        applies = feature["properties"]["applies_to"]
        for ref in found if applies == {"all": True} else [applies["wearer"]]:
            found[ref].append(feature)
    return found
