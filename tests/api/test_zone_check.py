"""Every way a zone can be broken, through the door an officer uses: refused with place and reason, mended where it can be."""

import json
from typing import Any

import shapely

from tests.api.client import Api
from tests.geofence import miniature
from tests.geofence.test_real import SHARED, features, needs_shared

SQUARE = [[-2.99, 53.4], [-2.97, 53.4], [-2.97, 53.41], [-2.99, 53.41], [-2.99, 53.4]]
JUMP = [[179.9, -17.0], [-179.9, -17.0], [-179.9, -16.8], [179.9, -16.8], [179.9, -17.0]]


def drawn(*rings: Any, kind: str = "Polygon") -> dict[str, Any]:
    return {"type": kind, "coordinates": list(rings)}


def circle(lon: Any, lat: Any) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [lon, lat]}


# Geometry, radius, words of the reason, and whether a repair is offered.
BROKEN: list[tuple[Any, float | None, str, bool]] = [
    (drawn(SQUARE[:-1]), None, "The outer ring is open: it begins at lon -2.990000, lat 53.400000", True),
    (drawn([*SQUARE[:2], [-2.95, 53.4], *SQUARE[1:]]), None, "Point 3 of the outer ring (lon -2.950000, lat 53.4", True),
    (drawn([[-2.99, "NaN"], *SQUARE[1:]]), None, "Point 1 of the outer ring: its latitude 'NaN' is not a number", False),
    (drawn([[-2.99, None], *SQUARE[1:]]), None, "Point 1 of the outer ring: its latitude None is not a number", False),
    (drawn([[lat, lon] for lon, lat in SQUARE]), None, "Longitude and latitude seem to be swapped", True),
    (drawn([[53.0, 103.0], [53.1, 103.0], [53.1, 103.1], [53.0, 103.0]]), None, "its latitude 103 is outside -90", True),
    (drawn([[182.0, 10.0], [182.1, 10.0], [182.1, 10.1], [182.0, 10.0]]), None, "Write it as -178.", True),
    (drawn([[333000, 390000], [334000, 390000], [334000, 391000], [333000, 390000]]), None, "metres of a map grid", False),
    (drawn([[-3.0, 53.0], [-2.5, 53.5], [-2.0, 54.0], [-3.0, 53.0]]), None, "encloses no area", False),
    (drawn([[0, 50], [1e-6, 50], [1e-6, 50.000001], [0, 50]]), None, "too small to be a place", False),
    (drawn([[-40, -40], [40, -40], [40, 40], [-40, 40], [-40, -40]]), None, "more than 1,000,000 is no zone", False),
    (drawn([[float(i % 2), 50.0 + i * 1e-5] for i in range(100_001)]), None, "more than 100,000 points", False),
    (drawn([[0, 86], [1, 86], [1, 87], [0, 86]]), None, "Point 1 of the outer ring: latitude 86 is within 5° of a pole", False),
    (drawn(), None, "The Polygon is empty", False),
    (drawn(SQUARE[:2] + SQUARE[:1]), None, "only 2 different points", False),
    (circle(-2.98, 53.4), None, "give its radius in metres", False),
    (circle(-2.98, 53.4), -5.0, "The radius is -5 m", False),
    (circle(-2.98, 53.4), 1e9, "from 1 m to 100,000 m", False),
    (circle(53.4, -2.98), 100.0, "seem to be swapped", True),
    ({"type": "LineString", "coordinates": SQUARE}, None, "A zone cannot be a LineString", False),
    *[(case["geometry"], None, case["words"], case["repaired"]) for case in json.loads(miniature.PATH.read_text())["invalid"]],
]  # fmt: skip


async def said(api: Api, geometry: Any, radius_m: float | None = None) -> Any:
    answer = await api.post(
        "/zones/check", {"type": "Feature", "geometry": geometry, "properties": {"radius_m": radius_m}}, "officer"
    )
    assert answer.status == 200, answer.body
    return answer.json


async def test_every_broken_zone_is_refused_with_the_place_and_mended_where_it_can_be(api: Api) -> None:
    for geometry, radius_m, words, mended in BROKEN:
        checked = await said(api, geometry, radius_m)
        assert checked["valid"] is False, words
        assert words in checked["reason"], checked
        assert (checked["repair"] is not None) == mended, words
        if mended:
            again = await said(api, checked["repair"]["geometry"], radius_m)
            assert (again["valid"], again["repair"]) == (True, None), words


async def test_what_is_sound_is_taken_whichever_way_round_and_wherever_it_lies(api: Api) -> None:
    for geometry in (
        drawn(SQUARE),
        drawn(SQUARE[::-1]),
        drawn(JUMP),
        drawn([[-0.01, 51.4], [0.01, 51.4], [0.01, 51.5], [-0.01, 51.4]]),
    ):
        checked = await said(api, geometry)
        assert (checked["valid"], checked["reason"], checked["repair"]) == (True, None, None)
    repeated = await said(api, drawn([*SQUARE[:2], SQUARE[1], *SQUARE[2:]]))
    assert (repeated["valid"], repeated["advice"]) == (True, ["1 repeated point was left out."])


async def test_a_number_no_json_has_is_refused_and_is_no_failure(api: Api) -> None:
    body = b'{"type": "Feature", "geometry": {"type": "Point", "coordinates": [NaN, Infinity]}, "properties": {"radius_m": 50}}'
    answer = await api.call("POST", "/zones/check", "officer", data=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.json["valid"], answer.json["repair"]) == (200, False, None)
    assert answer.json["reason"] == "The centre: its longitude nan is not a number."


@needs_shared
async def test_real_broken_boundaries_are_refused_and_mended(api: Api) -> None:
    assert SHARED.is_dir()
    for feature in features("uk_invalid"):
        checked = await said(api, feature["geometry"])
        assert (checked["valid"], "The outer ring touches itself near lon" in checked["reason"]) == (False, True)
        mended = checked["repair"]["geometry"]
        assert (await said(api, mended))["valid"] is True
        old = shapely.make_valid(shapely.geometry.shape(feature["geometry"]))
        assert shapely.symmetric_difference(old, shapely.geometry.shape(mended)).area < 1e-3 * old.area
