"""Containment equals GEOS covers on points placed to tell, and mutants that are nearly right are told apart by the same check."""

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence.evaluate import evaluate
from geofence.index import ZoneIndex
from model.fix import Quality
from model.hit import HIT
from model.instant import MINUTE_US
from model.zone import Assignment
from tests.chance import times
from tests.geofence import mutants, strategies
from tests.geofence.check import fixes_at, index_of, no_last, wrongly_covered, wrongly_measured, zone
from tests.oracle import plane

# One of every kind, on a grid so that halves of edges are exact: what the mutants must fail on.
SQUARE = shapely.box(-3.0, 53.0, -2.5, 53.5)
KINDS = {
    "square": SQUARE,
    "holed": shapely.Polygon(SQUARE.exterior, [shapely.box(-2.875, 53.125, -2.75, 53.25).exterior]),
    "parts": shapely.MultiPolygon([SQUARE, shapely.box(-2.25, 53.0, -2.0, 53.5)]),
    "slanted": shapely.Polygon([(-3.0, 53.0), (-2.3, 53.1), (-2.7, 53.7), (-2.9, 53.3)]),
}
POINTS = [strategies.placed(geometry) for geometry in KINDS.values()]


def test_every_kind_of_zone_agrees_with_geos() -> None:
    assert wrongly_covered(evaluate, list(KINDS.values()), POINTS) == []


@pytest.mark.parametrize("mutant", mutants.MUTANTS)
def test_the_same_check_fails_a_mutant(mutant: Any) -> None:
    assert wrongly_covered(mutant, list(KINDS.values()), POINTS) != []


@given(geometry=strategies.zones(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=times(200), deadline=None)
def test_containment_equals_geos_on_placed_points(geometry: Any, seed: int) -> None:
    assert wrongly_covered(evaluate, [geometry], [strategies.placed(geometry, seed, 1500)]) == []


@given(geometry=strategies.zones(), seed=st.integers(0, 2**32 - 1), accuracy_m=st.sampled_from([3.0, 10.0, 40.0, 400.0]))
@settings(max_examples=times(40), deadline=None)
def test_distance_and_verdict_agree_with_geodesics(geometry: Any, seed: int, accuracy_m: float) -> None:
    points = strategies.placed(geometry, seed, 4)
    rng = np.random.default_rng(seed)
    some = points[rng.integers(0, len(points), 6)] + rng.normal(0.0, 2.0, (6, 2)) * np.array([4e-4, 3e-4])
    assert wrongly_measured(evaluate, geometry, np.concatenate([points, some]), accuracy_m) == []


@given(
    lat=st.floats(-75.0, 75.0),
    lon=st.sampled_from([0.0, -0.0003, 179.9999, -180.0, 12.5]),
    radius_m=st.floats(5.0, 20_000.0),
    bearing=st.floats(0.0, 360.0),
    off_m=st.sampled_from([-30.0, -10.05, -9.95, -0.1, 0.1, 9.95, 10.05, 149.0, 151.0]),
)
@settings(max_examples=times(150), deadline=None)
def test_a_circle_has_its_true_radius(lat: float, lon: float, radius_m: float, bearing: float, off_m: float) -> None:
    off_m = max(off_m, -radius_m)
    there = plane.Geodesic.WGS84.Direct(lat, lon, bearing, radius_m + off_m)
    points = [(there["lon2"], there["lat2"])]
    assert wrongly_measured(evaluate, shapely.Point(lon, lat), points, radius_m=radius_m) == []
    hits = evaluate(index_of([zone(1, shapely.Point(lon, lat), radius_m)]), fixes_at(1, points), no_last(1))
    assert hits["covered"].tolist() == ([off_m <= 0.0] if off_m <= 150.0 else [])
    assert np.all(np.abs(hits["distance_m"] - off_m) < 0.01), "a centimetre, whatever the radius"


@pytest.mark.parametrize("lat", [0.0, 20.0, 53.4, 65.0, -75.0])
@pytest.mark.parametrize("far_m", [200.0, 5_000.0, 19_900.0])
def test_twenty_kilometres_inside_or_outside_are_within_a_thousandth(lat: float, far_m: float) -> None:
    rng = np.random.default_rng(int(lat) + int(far_m))
    size = far_m / 111_000.0
    corners = rng.uniform(1.2, 3.0, 40)[:, None] * size * np.column_stack([np.cos(t := np.linspace(0, 6.2, 40)), np.sin(t)])
    ring = shapely.Polygon(corners / (np.cos(np.radians(lat)), 1.0) + (10.0, lat))
    rim = shapely.get_coordinates(ring)[rng.integers(0, 40, 10)] - (10.0, lat)
    points = np.array([10.0, lat]) + rim * rng.uniform(0.0, 1.8, (10, 1))
    assert wrongly_measured(evaluate, ring, points, accuracy_m=25_000.0) == []


def test_a_zone_across_the_meridian_is_one_zone() -> None:
    whole = shapely.Polygon([(179.95, -16.6), (180.05, -16.7), (180.06, -16.5), (179.94, -16.45)])
    halves = [whole.intersection(shapely.box(170, -20, 180, 0)), whole.intersection(shapely.box(180, -20, 190, 0))]
    split = shapely.MultiPolygon([halves[0], shapely.transform(halves[1], lambda c: c - (360.0, 0.0))])
    rng = np.random.default_rng(1)
    wide = np.array([180.0, -16.55]) + rng.uniform(-0.09, 0.09, (60, 2))
    seam = np.array([[180.0, -16.55], [-180.0, -16.55], [180.0, -16.9], [-179.999, -16.55], [179.999, -16.55]])
    points = np.concatenate([wide, seam])
    points[:, 0] = (points[:, 0] + 180.0) % 360.0 - 180.0
    assert wrongly_covered(evaluate, [split], [np.concatenate([points, strategies.placed(split)])]) == []
    assert wrongly_measured(evaluate, split, points, accuracy_m=3_000.0) == []


@pytest.mark.parametrize("south", [10.005, 10.015, 10.02, 10.03], ids=["within", "partly", "corner", "apart"])
def test_only_where_a_zone_goes_on_across_the_meridian_is_there_a_seam(south: float) -> None:
    """Where its other side is no zone, the meridian is its boundary: on it, and to either side of it."""
    split = shapely.MultiPolygon([shapely.box(179.99, 10.0, 180.0, 10.02), shapely.box(-180.0, south, -179.99, south + 0.01)])
    heights = [10.0005, 10.0075, 10.012, 10.0195, 10.0225, 10.035]
    points = [(lon, lat) for lat in heights for lon in (180.0, -180.0, 179.9999, -179.9999, 179.999, -179.999)]
    assert wrongly_covered(evaluate, [split], [np.concatenate([points, strategies.placed(split)])]) == []
    assert wrongly_measured(evaluate, split, points, accuracy_m=3_000.0) == []
    ends = [(180.0, 10.0005, 0.0), (-179.9999, 10.0005, 10.96), (179.9999, 10.0005, -10.96)]
    hits = evaluate(index_of([zone(1, split)]), fixes_at(1, [point[:2] for point in ends]), no_last(1))
    np.testing.assert_allclose(hits["distance_m"], [point[2] for point in ends], atol=0.01)


@pytest.mark.parametrize("gap_deg", [0.0, 0.001], ids=["one touches it", "none does"])
def test_parts_on_both_sides_of_the_meridian_are_near_to_whatever_lies_between_them(gap_deg: float) -> None:
    """Two islands: nothing was split there, and the way from one to the other does not lead round the globe."""
    islands = shapely.MultiPolygon([shapely.box(179.9, 10.0, 180.0 - gap_deg, 10.02), shapely.box(-179.9, 10.1, -179.8, 10.12)])
    rng = np.random.default_rng(2)
    points = np.array([180.0, 10.06]) + rng.uniform(-0.22, 0.22, (60, 2))
    points = np.concatenate([points, [[180.06, 10.01], [180.0, 10.01], [179.95, 10.11], [180.02, 10.06]]])
    points[:, 0] = (points[:, 0] + 180.0) % 360.0 - 180.0
    assert wrongly_covered(evaluate, [islands], [np.concatenate([points, strategies.placed(islands)])]) == []
    assert wrongly_measured(evaluate, islands, points, accuracy_m=20_000.0) == []
    fixes = fixes_at(1, [(179.89, 10.01), (-179.79, 10.11)], step_us=5 * MINUTE_US)
    fixes["accuracy_m"] = 15_000.0
    assert evaluate(index_of([zone(1, islands)]), fixes, no_last(1))["crossed"].tolist() == [False, True]


@pytest.mark.parametrize("ends", [-170.0, -128.0, -112.3], ids=["near", "at 128 W", "far"])
def test_a_wide_zone_across_the_meridian_is_one_zone_too(ends: float) -> None:
    """Whichever of its parts are moved: the seam is no edge, and its ends are found from both sides."""
    split = shapely.MultiPolygon([shapely.box(171.7, 10.0, 180.0, 10.05), shapely.box(-180.0, 10.0, ends, 10.05)])
    heights = [9.995, 10.001, 10.025, 10.049, 10.055]
    beside = [180.0, -180.0, 179.9999, -179.9999, 171.699, 171.701, ends - 0.001, ends + 0.001]
    points = [(lon, lat) for lon in beside for lat in heights]
    assert wrongly_covered(evaluate, [split], [np.array(points)]) == []
    # Metres by the whole of the place, of which a hundredth of a degree each way is all that these points are near to.
    for at in (180.0, 171.7, ends):
        near = [point for point in points if abs((point[0] - at + 180.0) % 360.0 - 180.0) < 0.01]
        assert len(near) >= 10
        here = shapely.box(at if at == 171.7 else at - 0.2, 10.0, at if at == ends else at + 0.2, 10.05)
        assert wrongly_measured(evaluate, split, near, accuracy_m=4_000.0, whole=here) == []
    fixes = fixes_at(1, [(179.9, 9.95), (-179.9, 10.1)], step_us=5 * MINUTE_US)
    fixes["accuracy_m"] = 15_000.0
    assert evaluate(index_of([zone(1, split)]), fixes, no_last(1))["crossed"].tolist() == [False, True]


@pytest.mark.parametrize("lat", [10.01, 10.03, 10.05, 10.07, 10.09])
def test_an_edge_that_lies_on_the_meridian_is_one_from_both_sides(lat: float) -> None:
    """The zone goes on beside it: a bay whose shore is the meridian, and a hole that ends there."""
    west = shapely.box(179.9, 10.0, 180.0, 10.1)
    east = shapely.box(-180.0, 10.0, -179.9, 10.1)
    bay, hole = shapely.box(179.9, 10.05, 180.0, 10.1), shapely.box(179.95, 10.02, 180.0, 10.08)
    beside = [180.0, -180.0, np.nextafter(180.0, 0.0), np.nextafter(-180.0, 0.0), 179.9999, -179.9999, 179.97, -179.97]
    points = np.array([(lon, lat) for lon in beside])
    for away in (bay, hole):
        split = shapely.MultiPolygon([west.difference(away), east])
        assert wrongly_covered(evaluate, [split], [np.concatenate([points, strategies.placed(split)])]) == []
        assert wrongly_measured(evaluate, split, points, accuracy_m=5_000.0) == []


def test_a_zone_beside_the_meridian_is_near_to_the_other_side_of_it() -> None:
    beside = shapely.box(179.9, -16.6, 179.9995, -16.5)
    points = [(-179.9999, -16.55), (179.9999, -16.55), (-180.0, -16.55), (-179.99, -16.55)]
    assert wrongly_measured(evaluate, beside, points) == []


def test_a_far_fix_has_no_row_and_a_vague_one_has() -> None:
    index = index_of([zone(1, SQUARE)])
    near = [(-3.0 - 0.002, 53.25), (-3.0 - 0.003, 53.25)]  # 133 m and 200 m
    assert evaluate(index, fixes_at(1, near, 5.0), no_last(1))["fix_row"].tolist() == [0]
    assert evaluate(index, fixes_at(1, near, 250.0), no_last(1))["fix_row"].tolist() == [0, 1]
    buffered = index_of([zone(1, SQUARE, buffer_m=300.0)])
    assert evaluate(buffered, fixes_at(1, near, 5.0), no_last(1))["fix_row"].tolist() == [0, 1]


def test_an_endless_accuracy_does_not_upset_anything() -> None:
    index = index_of([zone(1, SQUARE)])
    assert evaluate(index, fixes_at(1, [(170.0, -80.0), (-3.0, 53.0)], np.inf), no_last(1))["fix_row"].tolist() == [1]


# ---------------------------------------------------------------- the gate


def test_nothing_in_nothing_out() -> None:
    index = index_of([zone(1, SQUARE)])
    assert evaluate(index, fixes_at(1, np.zeros((0, 2))), no_last(0)).dtype == HIT
    assert len(evaluate(ZoneIndex.build([]), fixes_at(1, [(0.0, 0.0)]), no_last(1))) == 0
    assert len(evaluate(index, fixes_at(2, [(-2.9, 53.1)]), no_last(1))) == 0, "a tag no zone applies to"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f, last: (f[["tag", "lon", "lat"]], last), "array of FIX"),
        (lambda f, last: (f.reshape(1, -1), last), "array of FIX"),
        (lambda f, last: (f, last[:0]), "last: 0 rows for 1 tags"),
        (lambda f, last: (f, fixes_at(9, [(0.0, 0.0)])), "last row 0: tag 9 where tag 1"),
        (lambda f, last: (_set(f, "lon", np.nan), last), "fixes row 1: position or accuracy"),
        (lambda f, last: (_set(f, "lat", np.inf), last), "fixes row 1: position or accuracy"),
        (lambda f, last: (_set(f, "lat", 90.5), last), "fixes row 1: position or accuracy"),
        (lambda f, last: (_set(f, "lon", -181.0), last), "fixes row 1: position or accuracy"),
        (lambda f, last: (_set(f, "accuracy_m", np.nan), last), "fixes row 1: position or accuracy"),
    ],
)
def test_one_gate_names_the_row_and_the_reason(change: Any, words: str) -> None:
    fixes, last = change(fixes_at(1, [(0.0, 0.0), (1.0, 1.0)]), no_last(1))
    with pytest.raises(ValueError, match=words):
        evaluate(index_of([zone(1, SQUARE)]), fixes, last)


@pytest.mark.parametrize(("tag", "known"), [(1, 1), (1, 40), (99, 1)], ids=["counted", "sorted", "unknown tag"])
def test_a_batch_that_is_not_in_order_names_the_row_too(tag: int, known: int) -> None:
    fixes = fixes_at(tag, [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)])[::-1].copy()
    fixes["lat"][2] = np.nan
    index = ZoneIndex.build([zone(1, SQUARE)], [Assignment(t + 1, 1, 0, 2**62) for t in range(known)])
    with pytest.raises(ValueError, match="fixes row 2: position or accuracy"):
        evaluate(index, fixes, no_last(1))


def _set(fixes: Any, name: str, value: float) -> Any:
    fixes[name][1] = value
    return fixes


# ---------------------------------------------------------------- the same answer always


def test_any_number_of_threads_gives_the_same_bytes() -> None:
    rng = np.random.default_rng(3)
    angle = np.linspace(0.0, 60.0, 40_000)[:, None]
    points = np.array([-2.75, 53.25]) + 0.354 * np.hstack([np.cos(angle), np.sin(angle)]) + rng.normal(0.0, 0.01, (40_000, 2))
    fixes = fixes_at(1, points, step_us=60_000_000)
    index = ZoneIndex.build(
        [zone(i + 1, g) for i, g in enumerate(KINDS.values())], [Assignment(1, i + 1, 0, 2**62) for i in range(4)]
    )
    one = evaluate(index, fixes, no_last(1), threads=1)
    assert len(one) > 5_000
    assert one["crossed"].any()
    for threads in (2, 3, 8):
        assert evaluate(index, fixes, no_last(1), threads=threads).tobytes() == one.tobytes()


def test_a_batch_cut_in_two_says_the_same_as_the_whole() -> None:
    rng = np.random.default_rng(4)
    fixes = fixes_at(1, np.array([-2.75, 53.25]) + rng.normal(0.0, 0.02, (400, 2)).cumsum(axis=0), step_us=60_000_000)
    fixes["quality"] = rng.choice([Quality.OK, Quality.IMPLAUSIBLE], 400, p=[0.8, 0.2])
    index = index_of([zone(1, KINDS["holed"])])
    whole = evaluate(index, fixes, no_last(1))
    cut = int(np.flatnonzero(fixes["quality"] == Quality.OK)[150])
    first = evaluate(index, fixes[: cut + 1], no_last(1))
    second = evaluate(index, fixes[cut + 1 :], fixes[cut : cut + 1])
    second["fix_row"] += cut + 1
    assert np.concatenate([first, second]).tobytes() == whole.tobytes()


def test_the_order_of_fixes_changes_no_more_than_their_rows() -> None:
    rng = np.random.default_rng(8)
    tags = rng.integers(1, 60, 3000)
    fixes = fixes_at(1, np.array([-2.75, 53.25]) + rng.normal(0.0, 0.3, (3000, 2)), step_us=60_000_000)
    fixes["tag"] = tags
    index = ZoneIndex.build(
        [zone(i + 1, g) for i, g in enumerate(KINDS.values())],
        [Assignment(tag, i + 1, 0, 2**62) for i in range(4) for tag in range(1, 60)],
    )
    order = np.lexsort((fixes["fix_at_us"], tags))
    expected = evaluate(index, fixes[order], no_last(59))
    assert len(expected) > 3000
    expected["fix_row"] = order[expected["fix_row"]]
    assert evaluate(index, fixes, no_last(59)).tobytes() == expected.tobytes(), "counted by tag"
    backwards = evaluate(index, fixes[::-1], no_last(59))
    backwards["fix_row"] = 2999 - backwards["fix_row"]
    assert backwards.tobytes() == expected.tobytes(), "too far from in order to be put right by insertion"
    fixes["tag"][7] = 10**15
    some = evaluate(index, fixes, no_last(60))
    assert some.tobytes() == expected[expected["fix_row"] != 7].tobytes() or some["crossed"].any(), "a tag nobody knows"
    few = fixes[order[[5, 3, 4]]]
    assert evaluate(index, few, no_last(len(np.unique(few["tag"]))))["fix_row"].tolist() == sorted(
        evaluate(index, few, no_last(len(np.unique(few["tag"]))))["fix_row"].tolist(),
        key=lambda i: (few["tag"][i], few["fix_at_us"][i]),
    )
