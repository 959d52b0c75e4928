"""Every refusal names the place and the reason; what is offered instead is valid; what is accepted is what was drawn."""

import json
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geofence import feature as module
from geofence.evaluate import evaluate
from geofence.feature import Geometry, parse, repair
from model.batch import Rejected
from tests.chance import times
from tests.geofence import strategies
from tests.geofence.check import wrongly_covered

SQUARE = [[-3.0, 53.0], [-2.9, 53.0], [-2.9, 53.1], [-3.0, 53.1], [-3.0, 53.0]]


def polygon(*rings: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": list(rings)}}


def circle(lon: Any, lat: Any, radius_m: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"radius_m": radius_m}, "geometry": {"type": "Point", "coordinates": [lon, lat]}}


def accepted(feature: Any) -> Geometry:
    read = parse(feature)
    assert isinstance(read, Geometry), read
    assert shapely.is_valid(shapely.from_wkb(read.wkb))
    return read


def at(i: int, point: Any) -> list[Any]:
    """The square with its i-th point replaced."""
    return [*SQUARE[:i], point, *SQUARE[i + 1 :]]


@pytest.mark.parametrize(
    ("feature", "words"),
    [
        (
            polygon(SQUARE[:-1]),
            "The outer ring is open: it begins at lon -3.000000, lat 53.000000 and ends at lon -3.000000, lat 53.100000",
        ),
        (polygon(SQUARE, SQUARE[:-1]), "Hole 1 is open"),
        (polygon([SQUARE[0]] * 5), "only 1 different point"),
        (polygon([SQUARE[0], SQUARE[1], SQUARE[0]]), "only 2 different points"),
        (polygon(at(2, [float("nan"), 53.1])), "Point 3 of the outer ring: its longitude nan is not a number"),
        (polygon(at(2, [-2.9, float("inf")])), "Point 3 of the outer ring: its latitude inf is not a number"),
        (polygon(at(2, [-2.9, "53"])), "Point 3 of the outer ring: its latitude '53' is not a number"),
        (polygon(at(2, [True, 53.0])), "Point 3 of the outer ring: its longitude True is not a number"),
        (polygon(at(2, [-2.9])), "Point 3 of the outer ring is not a position"),
        (polygon(at(2, None)), "Point 3 of the outer ring is not a position"),
        (
            polygon(at(2, [-2.9, 90.5])),
            "Point 3 of the outer ring: its latitude 90.5 is outside -90 to 90. Longitude and latitude seem",
        ),
        (polygon(at(2, [-97.7, 190.0])), "Point 3 of the outer ring: its latitude 190 is outside -90 to 90."),
        (polygon(at(2, [182.5, 53.0])), "its longitude 182.5 is outside -180 to 180. Write it as -177.5."),
        (polygon(at(2, [360.0, 53.0])), "its longitude 360 is outside -180 to 180. Write it as 0."),
        (
            polygon(at(2, [530.402, -2.9])),
            "its longitude 530.402 is outside -180 to 180. Is a digit or the decimal point wrong, or is it a latitude?",
        ),
        (polygon(at(2, [1e300, 53.0])), "Point 3 of the outer ring (1e+300, 53) is no place in degrees"),
        (
            polygon([[333000, 390000], [334000, 390000], [334000, 391000], [333000, 390000]]),
            "Point 1 of the outer ring (333000, 390000) is no place in degrees: these seem to be metres of a map grid.",
        ),
        (circle(-330000.5, 7000000, 50), "The centre (-330000.5, 7000000) is no place in degrees"),
        (
            polygon([[-3.0, 53.0], [-2.5, 53.5], [-2.0, 54.0], [-3.0, 53.0]]),
            "The outer ring encloses no area: all its points lie on one line from lon -3.000000, lat 53.000000 to lon -2.000000, "
            "lat 54.000000.",
        ),
        (polygon(SQUARE, [[-2.98, 53.02], [-2.96, 53.02], [-2.94, 53.02], [-2.98, 53.02]]), "Hole 1 encloses no area"),
        (polygon([[0, 86], [1, 86], [1, 87], [0, 86]]), "within 5° of a pole"),
        (polygon(), "The Polygon is empty"),
        (polygon([]), "The outer ring is empty"),
        (polygon(SQUARE, []), "Hole 1 is empty"),
        (polygon(7), "The outer ring is empty"),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE], []]}, "Part 2 is empty"),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE], [SQUARE[:-1]]]}, "The outer ring of part 2 is open"),
        (polygon([[0, 50], [1e-6, 50], [1e-6, 50.000001], [0, 50]]), "too small to be a place"),
        (
            polygon([[-40, -40], [40, -40], [40, 40], [-40, 40], [-40, -40]]),
            "square kilometres: more than 1,000,000 is no zone. It reaches from lon -40.000000, lat -40.000000 to lon 40.",
        ),
        (
            polygon([[-100, 50], [70, 50], [70, 51], [-100, 50]]),
            "170 degrees of longitude wide, from lon -100.000000, lat 50.000000 to lon 70.000000, lat 50.000000: that is no",
        ),
        (
            polygon([[0, 70], [120, 70], [-120, 70], [0, 70]]),
            "The outer ring goes round the globe or spans more than half of it: see its line from point 2 (lon 120.000000, "
            "lat 70.000000) to point 3 (lon -120.000000, lat 70.000000).",
        ),
        (polygon([[170, 70], [-60, 70], [50, 71], [170, 70]]), "goes round the globe"),
        (
            {"type": "MultiPolygon", "coordinates": [[SQUARE], [[[0, 70], [120, 70], [-120, 70], [0, 70]]]]},
            "The outer ring of part 2 goes round the globe",
        ),
        (polygon([[float(i % 2), 50.0 + i * 1e-5] for i in range(100_001)]), "more than 100,000 points"),
        (circle(-3.0, 53.0, None), "give its radius in metres as properties.radius_m"),
        (circle(-3.0, 53.0, 0), "The radius is 0 m: it must be from 1 m to 100,000 m"),
        (circle(-3.0, 53.0, -5), "The radius is -5 m"),
        (circle(-3.0, 53.0, 1e9), "it must be from 1 m to 100,000 m"),
        (circle(-3.0, 53.0, float("nan")), "The radius nan is not a number"),
        (circle(-3.0, 53.0, "50"), "The radius '50' is not a number"),
        (circle(-3.0, 53.0, True), "The radius True is not a number"),
        (
            circle(53.0, 103.0, 50),
            "The centre: its latitude 103 is outside -90 to 90. Longitude and latitude seem to be swapped",
        ),
        (circle("a", 53.0, 50), "The centre: its longitude 'a' is not a number"),
        ({"type": "Point", "coordinates": [-3.0, 53.0]}, "give its radius"),
        ({"type": "Point", "coordinates": 5}, "The Point is empty"),
        ({"type": "Polygon", "coordinates": "abc"}, "The Polygon is empty"),
        ({"type": "Feature", "properties": {}, "geometry": None}, "has no geometry"),
        ({"type": "Feature", "properties": [], "geometry": 5}, "has no geometry"),
        ({"type": "LineString", "coordinates": SQUARE}, "A zone cannot be a LineString"),
        ({"type": "FeatureCollection", "features": []}, "A zone cannot be a FeatureCollection"),
        ({}, "A zone cannot be a None"),
        ([], "A zone is a GeoJSON Feature"),
        (None, "A zone is a GeoJSON Feature"),
    ],
)
def test_a_refusal_names_the_place_and_the_reason(feature: Any, words: str) -> None:
    refused = parse(feature)
    assert isinstance(refused, Rejected)
    assert words in refused.reason
    assert len(refused.reason) < 250, "one sentence or two"
    assert "Traceback" not in refused.reason


@pytest.mark.parametrize(
    ("feature", "words"),
    [
        (polygon([*SQUARE[:2], SQUARE[1], SQUARE[1], *SQUARE[2:]]), "2 repeated points were left out."),
        (polygon([[*point, 17.0] for point in SQUARE]), "Heights were left out"),
        (circle(-3.0, 53.0, 8), "The radius is 8 m: no fix is better than 10 m"),
        (polygon([[0, 50], [1e-4, 50], [1e-4, 50.0001], [0, 50]]), "square metres: no fix is better than 10 m"),
        (polygon([[0, 50], [2, 50], [2, 51], [0, 51], [0, 50]]), "square kilometres: is that meant?"),
        (
            polygon([[lat, lon] for lon, lat in SQUARE], position_checked=True),
            "exchanged the zone would lie in the British Isles near lon -2.950000, lat 53.050000",
        ),
    ],
)
def test_advice_where_a_valid_zone_may_not_be_what_is_meant(feature: Any, words: str) -> None:
    assert any(words in line for line in accepted(feature).advice)


SWAPPED = [
    (polygon([[lat, lon] for lon, lat in SQUARE]), polygon(SQUARE), "the British Isles near lon -2.950000, lat 53.050000"),
    (
        {"type": "MultiPolygon", "coordinates": [[[[lat, lon] for lon, lat in SQUARE]]]},
        polygon(SQUARE),
        "the British Isles near lon -2.950000, lat 53.050000",
    ),
    (circle(40.7, -74.0, 500), circle(-74.0, 40.7, 500), "the United States near lon -74.000000, lat 40.700000"),
]


@pytest.mark.parametrize(("feature", "meant", "place"), SWAPPED, ids=["polygon", "multipolygon", "circle"])
def test_a_zone_that_seems_swapped_is_refused_and_exchanged(feature: Any, meant: Any, place: str) -> None:
    refused = parse(feature)
    assert isinstance(refused, Rejected)
    assert refused.reason == (
        f"Longitude and latitude seem to be swapped: the other way round the zone lies in {place}. "
        "If it is really there, set properties.position_checked to true."
    )
    offered = repair(feature)
    assert offered is not None
    read = accepted(offered)
    assert shapely.from_wkb(read.wkb).equals(shapely.from_wkb(accepted(meant).wkb))
    assert (read.radius_m, read.advice) == (meant["properties"].get("radius_m", 0.0), ())


def test_a_tangled_and_swapped_zone_is_mended_of_both() -> None:
    bow = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]
    offered = repair(polygon([[lat, lon] for lon, lat in bow]))
    assert offered is not None
    assert shapely.bounds(shapely.from_wkb(accepted(offered).wkb)).tolist() == [-3.0, 53.0, -2.9, 53.1]


@pytest.mark.parametrize("word", ["true", 1, None, False])
def test_only_true_says_that_a_position_was_checked(word: Any) -> None:
    swapped = [[lat, lon] for lon, lat in SQUARE]
    assert isinstance(parse(polygon(swapped, position_checked=word)), Rejected)
    read = accepted(polygon(swapped, position_checked=True))
    assert shapely.get_coordinates(shapely.from_wkb(read.wkb)).tolist() == swapped


def test_a_plain_zone_needs_no_advice_and_is_kept_to_the_last_bit() -> None:
    read = accepted(polygon(SQUARE, name="anything"))
    assert read.advice == ()
    assert read.radius_m == 0.0
    assert shapely.get_coordinates(shapely.from_wkb(read.wkb)).tolist() == SQUARE
    round_one = accepted(circle(-2.98, 53.4, 250))
    assert (round_one.radius_m, round_one.advice) == (250.0, ())
    assert shapely.from_wkb(round_one.wkb) == shapely.Point(-2.98, 53.4)


def test_a_bare_geometry_is_read_by_the_same_rules() -> None:
    assert accepted({"type": "Polygon", "coordinates": [SQUARE]}) == accepted(polygon(SQUARE))
    assert isinstance(parse({"type": "Polygon", "coordinates": [SQUARE[:-1]]}), Rejected)


@pytest.mark.parametrize("geometry", [shapely.box(-3.0, 53.0, -2.9, 53.1) - shapely.box(-2.98, 53.02, -2.95, 53.05)])
def test_which_way_round_a_ring_is_drawn_does_not_matter(geometry: Any) -> None:
    outer, hole = (list(map(list, ring.coords)) for ring in (geometry.exterior, *geometry.interiors))
    for drawn in ((outer, hole), (outer[::-1], hole), (outer, hole[::-1]), (outer[::-1], hole[::-1])):
        read = accepted(polygon(*drawn))
        assert read.advice == ()
        assert shapely.from_wkb(read.wkb).equals(geometry)
        placed = strategies.placed(shapely.from_wkb(read.wkb), most=400)
        assert wrongly_covered(evaluate, [shapely.from_wkb(read.wkb)], [placed]) == []


def test_greenwich_is_nothing_special() -> None:
    across = [[-0.01, 51.4], [0.01, 51.4], [0.01, 51.5], [-0.01, 51.5], [-0.01, 51.4]]
    assert accepted(polygon(across)).advice == ()
    assert accepted(circle(0.0, 0.0, 50)).advice == ()


def test_a_jump_over_the_meridian_is_split_and_said() -> None:
    jump = [[179.9, -17.0], [-179.9, -17.0], [-179.9, -16.8], [179.9, -16.8], [179.9, -17.0]]
    hole = [[179.95, -16.95], [-179.95, -16.95], [-179.95, -16.85], [179.95, -16.85], [179.95, -16.95]]
    read = accepted(polygon(jump, hole))
    assert any("crosses the 180° meridian" in line for line in read.advice)
    parts = shapely.from_wkb(read.wkb)
    assert parts.geom_type == "MultiPolygon"
    assert shapely.bounds(parts).tolist() == [-180.0, -17.0, 180.0, -16.8]
    assert parts.area == pytest.approx(0.2 * 0.2 - 0.1 * 0.1)
    # The same zone as RFC 7946 writes it needs no word.
    again = accepted(json.loads(shapely.to_geojson(parts)))
    assert again.advice == ()
    assert shapely.from_wkb(again.wkb).equals(parts)


@pytest.mark.parametrize("east", [180.0, 179.95], ids=["one touches it", "none does"])
def test_parts_on_both_sides_of_the_meridian_are_one_zone_and_need_no_word(east: float) -> None:
    islands = shapely.MultiPolygon([shapely.box(179.9, -17.0, east, -16.9), shapely.box(-179.9, -17.0, -179.8, -16.9)])
    read = accepted(json.loads(shapely.to_geojson(islands)))
    assert read.advice == ()
    assert shapely.from_wkb(read.wkb) == islands


def test_parts_half_the_globe_apart_are_no_place() -> None:
    parts = shapely.MultiPolygon([shapely.box(100.0, 10.0, 100.1, 10.1), shapely.box(-100.0, 10.0, -99.9, 10.1)])
    refused = parse(json.loads(shapely.to_geojson(parts)))
    assert isinstance(refused, Rejected)
    assert "160 degrees of longitude wide" in refused.reason


def test_minus_180_meant_as_180_is_no_crossing() -> None:
    edge = [[179.9, -17.0], [-180.0, -17.0], [-180.0, -16.8], [179.9, -16.8], [179.9, -17.0]]
    parts = shapely.from_wkb(accepted(polygon(edge)).wkb)
    assert shapely.bounds(parts).tolist() == [179.9, -17.0, 180.0, -16.8]


def test_parts_that_overlap_only_across_the_meridian_are_refused() -> None:
    one = [[179.9, 10.0], [-179.9, 10.0], [-179.9, 10.1], [179.9, 10.1], [179.9, 10.0]]
    other = [[-179.95, 10.05], [-179.8, 10.05], [-179.8, 10.2], [-179.95, 10.05]]
    assert isinstance(parse({"type": "MultiPolygon", "coordinates": [[one], [other]]}), Rejected)


# ---------------------------------------------------------------- repair


@pytest.mark.parametrize(
    ("feature", "area"),
    [
        (polygon(SQUARE[:-1]), 0.01),  # open
        (polygon([[lat + 100, lon] for lon, lat in SQUARE]), None),  # not to be mended: nowhere on the globe
        (polygon([[53.0, 103.0], [53.1, 103.0], [53.1, 103.1], [53.0, 103.0]]), 0.005),  # exchanged
        (polygon([[0, 50], [0.1, 50.1], [0.1, 50], [0, 50.1], [0, 50]]), 0.005),  # a bow tie
        (polygon([[0, 50], [0.2, 50], [0.1, 50], [0.1, 50.1], [0, 50]]), 0.005),  # a spike
        (polygon(SQUARE, [[5, 50], [6, 50], [6, 51], [5, 50]]), 0.01),  # a hole elsewhere takes nothing away
        (polygon([[182.0, 10.0], [182.1, 10.0], [182.1, 10.1], [182.0, 10.0]]), 0.005),  # beyond 180
        (circle(53.0, 103.0, 50), 0.0),
        (circle(-3.0, 53.0, 0), None),
        (polygon(at(2, [float("nan"), 53.1])), None),
        (polygon(7), None),
        (polygon(SQUARE, SQUARE), None),  # a hole as large as the zone
        (polygon(SQUARE), None),  # nothing to mend
        ({}, None),
    ],
)
def test_a_repair_is_offered_where_one_can_be(feature: Any, area: float | None) -> None:
    offered = repair(feature)
    assert (offered is None) == (area is None)
    if offered is not None and area is not None:
        assert shapely.from_wkb(accepted(offered).wkb).area == pytest.approx(area)
        assert offered["properties"] == feature["properties"]
        assert json.loads(json.dumps(offered)) is not None


def coast(points: int, off_deg: float) -> list[list[float]]:
    """A closed ring of a tenth of a degree round Liverpool whose every other point lies so far inside."""
    turn = np.linspace(0.0, 2 * np.pi, points)
    radius = 0.1 - off_deg * (np.arange(points) % 2)
    ring = np.column_stack([-3.0 + radius * np.cos(turn), 53.0 + radius * np.sin(turn)])
    ring[-1] = ring[0]
    return ring.tolist()  # type: ignore[no-any-return]


def test_a_zone_may_have_a_hundred_thousand_points() -> None:
    ring = coast(100_000, 1e-3)
    read = accepted(polygon(ring))
    geometry = shapely.from_wkb(read.wkb)
    assert shapely.get_num_coordinates(geometry) == 100_000
    assert wrongly_covered(evaluate, [geometry], [strategies.placed(geometry, most=3_000)]) == []


@pytest.mark.parametrize("off_deg", [1e-7, 5e-6, 2e-5], ids=["a centimetre", "half a metre", "two metres"])
def test_of_too_many_points_fewer_are_offered_that_lie_within_ten_metres(off_deg: float) -> None:
    ring, hole = coast(150_001, off_deg), shapely.Point(-3.0, 53.0).buffer(0.01, 25_000)
    feature = polygon(ring, [list(point) for point in hole.exterior.coords], name="Wirral")
    refused = parse(feature)
    assert isinstance(refused, Rejected)
    lon, lat = ring[100_000]
    passed = f"the outer ring passes it at lon {lon:.6f}, lat {lat:.6f}"
    assert refused.reason == f"The zone has more than 100,000 points ({passed}): simplify it."
    offered = repair(feature)
    assert offered is not None
    assert offered["properties"] == {"name": "Wirral"}
    read = shapely.from_wkb(accepted(offered).wkb)
    assert 10_000 < shapely.get_num_coordinates(read) <= 100_000
    assert len(read.interiors) == 1
    there = np.array(ring)[:-1]
    assert {*read.exterior.coords} <= {*map(tuple, there.tolist())}, "no point is anywhere new"
    shapely.prepare(read.exterior)
    away = shapely.distance(read.exterior, shapely.points(there[::300]))
    assert away.max() * 111_320.0 < 10.0


@pytest.mark.parametrize("strange", [None, [], ["a", 1.0], 5, [1.0, 1e300]])
def test_the_point_too_many_may_be_none_at_all(strange: Any) -> None:
    refused = parse(polygon(coast(90_000, 0.0), [*coast(10_000, 1e-3), strange]))
    assert isinstance(refused, Rejected)
    assert refused.reason == "The zone has more than 100,000 points (hole 1 passes it): simplify it."


def islands(many: int, lon: float = -3.0) -> list[Any]:
    """The coordinates of so many triangles, apart."""
    corners = [(0.0, 0.0), (0.004, 0.0), (0.0, 0.004), (0.0, 0.0)]
    return [[[[lon + x + 0.01 * (i % 20), 53.0 + y + 0.01 * (i // 20)] for x, y in corners]] for i in range(many)]


def small_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a hundred points be the most of a zone, and 250 of one that is thinned."""
    monkeypatch.setattr(module, "POINTS_MOST", 100)
    monkeypatch.setattr(module, "POINTS_THINNED", 250)


@pytest.mark.parametrize(("many", "looks"), [(60, 0), (26, 0), (25, 1)])
def test_where_the_fewest_points_of_so_many_rings_are_too_many_none_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, many: int, looks: int
) -> None:
    small_zones(monkeypatch)
    read, thinned = Mock(wraps=module._readable), Mock(wraps=module._thinned)
    monkeypatch.setattr(module, "_readable", read)
    monkeypatch.setattr(module, "_thinned", thinned)
    parts = islands(many)
    parts[0][0].pop()  # open
    feature = {"type": "MultiPolygon", "coordinates": parts}
    assert isinstance(parse(feature), Rejected)
    assert (repair(feature) is not None) == bool(looks)
    assert (read.call_count, thinned.call_count) == (looks * many, looks)


def dotted(lon: float, pieces: int) -> list[list[float]]:
    """A triangle each side of which has so many pieces."""
    corners = np.array([(lon, 55.0), (lon + 0.4, 55.0), (lon, 55.4), (lon, 55.0)])
    along = np.arange(3 * pieces + 1) / pieces
    return np.column_stack([np.interp(along, range(4), corners[:, axis]) for axis in (0, 1)]).tolist()  # type: ignore[no-any-return]


def test_of_too_many_points_every_ring_loses_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each second one where that lies in line, of rings of an odd and an even number; no ring is left with fewer than four."""
    small_zones(monkeypatch)
    odd, even = dotted(-3.0, 20), dotted(-4.0, 13)
    square = [[-6.0, 55.0], [-5.8, 55.0], [-5.8, 55.2], [-5.9, 55.1], [-6.0, 55.0]]
    speck = [[-7.0, 55.0], [-7.0 + 5e-7, 55.0], [-7.0, 55.0 + 5e-7], [-7.0, 55.0]]
    parts = [*islands(5), [odd], [speck], *islands(4, -3.5), [square], [even]]
    assert sum(len(outer) for (outer,) in parts) == 146
    offered = repair({"type": "MultiPolygon", "coordinates": parts})
    assert offered is not None
    fewer = [odd[::2], [even[i] for i in range(40) if i % 2 == 0 or i == 13], square[:3]]
    expected = [outer for (outer,) in [*islands(5), *islands(4, -3.5)]] + [speck, *fewer]
    kept = [outer for (outer,) in offered["geometry"]["coordinates"]]
    assert sorted(sorted({*map(tuple, ring)}) for ring in kept) == sorted(sorted({*map(tuple, ring)}) for ring in expected)


def test_twice_as_many_parts_are_twice_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """To find the rings of each part all rings were looked through: of a zone of 25,000 islands for ten seconds."""
    looks = 0
    part = module._Ring.part

    def looked(ring: Any) -> Any:
        nonlocal looks
        looks += 1
        return part.__get__(ring)

    monkeypatch.setattr(module._Ring, "part", property(looked))
    counts = []
    for many in (50, 100):
        looks = 0
        accepted({"type": "MultiPolygon", "coordinates": islands(many)})
        counts.append(looks)
    assert counts[1] == 2 * counts[0] > 0


@pytest.mark.parametrize("coordinates", [[[]], [[], *islands(1)], [*islands(1), []]])
def test_for_a_part_without_rings_nothing_is_offered(coordinates: Any) -> None:
    feature = {"type": "MultiPolygon", "coordinates": coordinates}
    assert isinstance(parse(feature), Rejected)
    assert repair(feature) is None


def test_of_too_many_points_that_all_matter_none_are_offered() -> None:
    assert repair(polygon(coast(150_001, 1e-4))) is None, "eleven metres"
    assert repair(polygon(coast(300_001, 0.0))) is None, "nobody draws so many"


coordinates = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=9)


@example(rings=[[(4, 4), (0, 0), (1, 3), (0, 2), (6, 5)]])  # GEOS cannot take it apart: nothing is offered
@given(rings=st.lists(coordinates, min_size=1, max_size=3))
@settings(max_examples=times(300), deadline=None)
def test_scribbles_are_valid_or_refused_and_repairs_always_valid(rings: Any) -> None:
    """Rings drawn at random on a small grid: parse accepts exactly what GEOS calls valid, and whatever is offered is accepted."""
    closed = [[[x * 0.01, 50.0 + y * 0.01] for x, y in (*ring, ring[0])] for ring in rings]
    feature = polygon(*closed)
    read = parse(feature)
    few = any(len({tuple(point) for point in ring}) < 3 for ring in closed)
    cleaned = [[p for i, p in enumerate(ring) if i == 0 or p != ring[i - 1]] for ring in closed]
    good = not few and bool(shapely.is_valid(shapely.Polygon(cleaned[0], cleaned[1:])))
    assert isinstance(read, Geometry) == good
    offered = repair(feature)
    if offered is not None:
        accepted(offered)


@given(geometry=strategies.zones())
@settings(max_examples=times(100), deadline=None)
def test_valid_zones_pass_unchanged(geometry: Any) -> None:
    read = parse({"type": "Feature", "properties": {}, "geometry": json.loads(shapely.to_geojson(geometry))})
    if isinstance(read, Rejected):
        assert "too small" in read.reason
        return
    # Of a tiny zone two corners may be the same floats: that one is left out, as it says.
    given = shapely.remove_repeated_points(geometry)
    np.testing.assert_array_equal(shapely.get_coordinates(shapely.from_wkb(read.wkb)), shapely.get_coordinates(given))


@pytest.mark.parametrize("bad", [True, "1.0", None, float("nan"), [1.0]])
def test_one_bad_number_among_good_ones_is_named_as_before(bad: Any) -> None:
    ring = [[-3.0, 53.0], [-2.9, 53.0], [-2.9, bad], [-3.0, 53.1], [-3.0, 53.0]]
    said = parse({"type": "Polygon", "coordinates": [ring]})
    assert isinstance(said, Rejected)
    assert said.reason.startswith("Point 3 of the outer ring: its latitude")


@pytest.mark.parametrize("more", [[1.0], [1.0, "x"]])
def test_heights_are_left_out_and_whole_numbers_taken(more: list[Any]) -> None:
    flat = parse({"type": "Polygon", "coordinates": [[[-3, 53], [-2, 53], [-2, 54], [-3, 53]]]})
    high = parse({"type": "Polygon", "coordinates": [[[-3, 53, *more], [-2, 53], [-2, 54], [-3, 53]]]})
    assert isinstance(flat, Geometry)
    assert isinstance(high, Geometry)
    assert flat.wkb == high.wkb
