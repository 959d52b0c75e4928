"""The geofence on real boundaries and published cases where the shared data lies beside the clone, on a miniature everywhere."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from geofence.evaluate import evaluate
from geofence.feature import Geometry, parse, repair
from geofence.grid import BOUNDARY, INSIDE, OUTSIDE, locate
from geofence.shape import compile_shapes
from model.batch import Rejected
from model.zones import Zones
from tests.geofence import miniature, strategies
from tests.geofence.check import wrongly_covered, zone

SHARED = Path(__file__).parents[3] / "shared" / "data"
MINIATURE = json.loads(miniature.PATH.read_text())
PLACES = {"INTERIOR": INSIDE, "BOUNDARY": BOUNDARY, "EXTERIOR": OUTSIDE}
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not beside this clone; its miniature is tested")


def features(name: str) -> list[dict[str, Any]]:
    body = json.loads((SHARED / "zones" / f"{name}.geojson").read_text())["features"]
    assert isinstance(body, list)
    return body


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SHARED / "geometry" / f"{name}.jsonl").read_text().splitlines()]


def parsed(all_features: list[dict[str, Any]]) -> list[Any]:
    """Geometries of features, the repaired one of each that is refused."""
    out = []
    for feature in all_features:
        read = parse(feature)
        if isinstance(read, Rejected):
            offered = repair(feature)
            assert offered is not None, read
            read = parse(offered)
        assert isinstance(read, Geometry), read
        out.append(shapely.from_wkb(read.wkb))
    return out


def located(geometry: Any, point: Any) -> int:
    shapes = compile_shapes(Zones.of([zone(1, geometry)]))
    return locate(shapes.shape[0], shapes.x, shapes.y, shapes.cell, shapes.run, shapes.edge, float(point[0]), float(point[1]))


def test_the_miniature_is_what_its_generator_makes() -> None:
    assert json.loads(json.dumps(miniature.made())) == MINIATURE, "run python -m tests.geofence.miniature"


def test_miniature_zones_agree_with_geos() -> None:
    geometries = parsed(MINIATURE["zones"])
    assert wrongly_covered(evaluate, geometries, [strategies.placed(geometry) for geometry in geometries]) == []


def test_geometry_off_the_globe_is_located_all_the_same() -> None:
    """A published case: there are no radii at such a latitude, and none must be read from beyond their table."""
    triangle = shapely.Polygon([(642.0, 815.0), (69.0, 764.0), (394.0, 966.0)])
    assert located(triangle, (97.96039603960396, 782.0)) == INSIDE
    assert located(triangle, (642.0, 815.0)) == BOUNDARY
    assert located(triangle, (642.0, 815.1)) == OUTSIDE


def test_a_border_between_neighbours_belongs_to_both() -> None:
    wards = parsed(MINIATURE["zones"][:9])
    shared = shapely.get_coordinates(shapely.intersection(wards[0], wards[1]))
    assert len(shared) > 5
    for point in shared:
        assert located(wards[0], point) == located(wards[1], point) == BOUNDARY


@pytest.mark.parametrize("case", MINIATURE["points"], ids=lambda case: f"{case['name']} {case['point']}")
def test_miniature_points_lie_where_fractions_say(case: Any) -> None:
    assert located(shapely.from_wkt(case["wkt"]), case["point"]) == PLACES[case["expected"]]


@pytest.mark.parametrize("case", MINIATURE["invalid"], ids=lambda case: case["words"])
def test_miniature_invalid_zones_are_refused_with_the_place(case: Any) -> None:
    refused = parse(case["geometry"])
    assert isinstance(refused, Rejected)
    assert case["words"] in refused.reason
    assert (repair(case["geometry"]) is not None) == case["repaired"]


# ---------------------------------------------------------------- shared data


@needs_shared
@pytest.mark.parametrize("name", ["uk_wards_liverpool", "uk_lsoa_liverpool", "uk_with_holes", "uk_many_vertices"])
def test_real_zones_agree_with_geos(name: str) -> None:
    geometries = parsed(features(name))
    most = min(400_000, 200_000_000 // max(shapely.get_num_coordinates(geometries))) // len(geometries)
    assert wrongly_covered(evaluate, geometries, [strategies.placed(geometry, most=most) for geometry in geometries]) == []


@needs_shared
def test_real_invalid_zones_are_refused_and_repaired() -> None:
    for feature in features("uk_invalid"):
        refused = parse(feature)
        assert isinstance(refused, Rejected)
        assert "The outer ring touches itself near lon" in refused.reason
        offered = repair(feature)
        assert offered is not None
        mended = parse(offered)
        assert isinstance(mended, Geometry)
        old = shapely.make_valid(shapely.geometry.shape(feature["geometry"]))
        assert shapely.symmetric_difference(old, shapely.from_wkb(mended.wkb)).area < 1e-3 * old.area, "the same zone"


@needs_shared
def test_published_point_locations() -> None:
    tested = 0
    for case in lines("jts_point_location"):
        geometry = shapely.from_wkt(case["wkt"])
        if geometry.geom_type not in {"Polygon", "MultiPolygon"} or geometry.is_empty:
            continue
        assert located(geometry, case["point"]) == PLACES[case["expected"]], case
        tested += 1
    assert tested > 20


@needs_shared
def test_published_predicates_between_areas_and_points() -> None:
    tested = 0
    for case in lines("jts_predicates"):
        if case["op"] not in {"covers", "coveredBy", "contains", "within", "intersects"}:
            continue
        first, second = (shapely.from_wkt(case[case[arg].lower()]) for arg in ("arg1", "arg2"))
        area, points = (second, first) if case["op"] in {"coveredBy", "within"} else (first, second)
        if case["op"] == "intersects" and area.geom_type.endswith("Point"):
            area, points = points, area
        if not area.geom_type.endswith("Polygon") or not points.geom_type.endswith("Point") or points.is_empty:
            continue
        places = [located(area, point) for point in shapely.get_coordinates(points)]
        said = {
            "covers": all(p != OUTSIDE for p in places),
            "contains": all(p != OUTSIDE for p in places) and INSIDE in places,
            "intersects": any(p != OUTSIDE for p in places),
        }[{"coveredBy": "covers", "within": "contains"}.get(case["op"], case["op"])]
        assert said == (case["expected"] == "true"), case
        tested += 1
    assert tested > 60


@needs_shared
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_published_validity() -> None:
    """Shrunk by a power of two, which moves no crossing, into the range of longitude and latitude."""
    valid = invalid = 0
    for case in lines("jts_predicates"):
        if case["op"] != "isValid" or "POLYGON" not in case["a"].upper() or "EMPTY" in case["a"].upper():
            continue
        geometry = shapely.from_wkt(case["a"])
        if not geometry.geom_type.endswith("Polygon"):
            continue
        size = float(np.nanmax(np.abs(shapely.get_coordinates(geometry))))
        shrunk = shapely.transform(geometry, lambda c, size=size: c / 2.0 ** np.ceil(np.log2(max(size, 1.0))))
        said = parse({"type": "Feature", "geometry": shapely.geometry.mapping(shrunk), "properties": {}})
        if isinstance(said, Rejected) and "too small" in said.reason:
            continue
        assert isinstance(said, Geometry) == (case["expected"] == "true"), (case, said)
        valid += isinstance(said, Geometry)
        invalid += isinstance(said, Rejected)
    assert valid > 100
    assert invalid > 15
