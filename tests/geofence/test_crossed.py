"""A path through a zone with both ends outside is said; touching, running along, hurrying and waiting are not."""

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from geofence.evaluate import evaluate
from geofence.index import ZoneIndex
from model.fix import FIX, Quality
from model.hit import Verdict
from model.instant import FOREVER_US, MINUTE_US
from model.zone import Assignment, Monitored
from tests.chance import times
from tests.geofence import strategies
from tests.geofence.check import fixes_at, index_of, no_last, zone
from tests.oracle import plane

# A square 444 m high and 266 m wide. Its corners are binary fractions, so that a diagonal goes exactly through them.
WEST, SOUTH, SIDE = -3.0, 53.5, 2.0**-8
EAST, NORTH = WEST + SIDE, SOUTH + SIDE
SQUARE = shapely.box(WEST, SOUTH, EAST, NORTH)
FAR = 2.0**-7


def crossed(
    index: ZoneIndex, *points: tuple[float, float], minutes: float = 4.0, last: Any = None, quality: int = Quality.OK
) -> list[bool]:
    """Whether zone 1 was crossed on the way to the last point."""
    fixes = fixes_at(1, points, step_us=int(minutes * MINUTE_US))
    fixes["quality"] = quality
    hits = evaluate(index, fixes, no_last(1) if last is None else last)
    return [bool(h["crossed"]) for h in hits if h["fix_row"] == len(points) - 1]


@given(geometry=strategies.zones(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=times(60), deadline=None)
def test_paths_through_placed_points_agree_with_exact_arithmetic(geometry: Any, seed: int) -> None:
    west, _, east, _ = shapely.bounds(geometry)
    assume(west > -180.0 and east < 180.0)
    rng = np.random.default_rng(seed)
    size = min(np.ptp(shapely.bounds(geometry).reshape(2, 2), axis=0).max(), 0.05)  # stays plausible in five minutes
    through = strategies.placed(geometry, seed, 16)
    through[np.abs(through) < 1e-150] = 0.0  # below it products underflow, here as in GEOS: 1e-145 m is no way in
    # From one side of a placed point to the other: by halves and quarters, so that the point itself is often exactly on the way.
    step = rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0], (len(through), 2)) * 2.0 ** np.floor(np.log2(size))
    starts, ends = through - step, through + step * rng.choice([0.5, 1.0], (len(through), 1))
    tags = np.arange(1, len(through) + 1)
    index = ZoneIndex.build([zone(1, geometry)], [Assignment(int(tag), 1, 0, FOREVER_US) for tag in tags])
    fixes = np.concatenate(
        [fixes_at(int(tag), [start, end], step_us=5 * MINUTE_US) for tag, start, end in zip(tags, starts, ends, strict=True)]
    )
    hits = evaluate(index, fixes, no_last(len(tags)))
    said = set(hits["fix_row"][hits["crossed"]].tolist())
    expected = set()
    for i, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        if plane.apart_m(*start, *end) - 20.0 <= 70.0 * 300.0 and plane.passes(geometry, 0.0, tuple(start), tuple(end)):
            expected.add(2 * i + 1)
    assert said == expected, [(starts[i // 2].tolist(), ends[i // 2].tolist(), geometry.wkt) for i in said ^ expected]


@given(
    geometry=st.one_of(strategies.zones(), st.floats(20.0, 3000.0)),
    step_m=st.sampled_from([5.0, 40.0, 300.0, 2000.0]),
    buffer_m=st.sampled_from([0.0, 1000.0]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=times(80), deadline=None)
def test_a_walk_is_judged_as_its_steps_one_by_one(geometry: Any, step_m: float, buffer_m: float, seed: int) -> None:
    """What is remembered of the fix before spares work, and changes nothing: neither ways nor distances."""
    rng = np.random.default_rng(seed)
    if isinstance(geometry, float):
        of, middle, size = shapely.Point(-2.9, 53.4), np.array([-2.9, 53.4]), geometry / 111_000.0
        it = zone(1, of, radius_m=geometry, buffer_m=buffer_m)
    else:
        west, south, east, north = shapely.bounds(geometry)
        middle, size = np.array([west + east, south + north]) / 2, max(east - west, north - south) / 2
        it = zone(1, geometry, buffer_m=buffer_m)
    # Now and then back to the zone's middle, so that a walk stays about it.
    steps = rng.normal(0.0, step_m / 111_000.0, (60, 2))
    points = middle + size * rng.uniform(-1.5, 1.5, 2) + np.cumsum(steps, axis=0)
    points[::9] = middle + size * rng.uniform(-1.2, 1.2, (len(points[::9]), 2))
    points = np.clip(points, (-180.0, -85.0), (180.0, 85.0))
    fixes = fixes_at(1, points, step_us=MINUTE_US)
    fixes["quality"] = np.where(rng.random(len(fixes)) < 0.9, Quality.OK, Quality.IMPLAUSIBLE)
    index = index_of([it])
    walk = evaluate(index, fixes, no_last(1))
    last, singly = no_last(1), []
    for i in range(len(fixes)):
        hit = evaluate(index, fixes[i : i + 1], last)
        hit["fix_row"] = i
        singly.append(hit)
        if fixes["quality"][i] == Quality.OK:
            last = fixes[i : i + 1]
    np.testing.assert_array_equal(walk, np.concatenate(singly))


@given(
    radius_m=st.floats(20.0, 3000.0),
    bearing=st.floats(0.0, 360.0),
    off=st.floats(-1.5, 1.5),
    lon=st.sampled_from([-2.9, 0.0, 180.0]),
)
@example(100.0, 90.0, 0.0, 180.0)
@settings(max_examples=times(150), deadline=None)
def test_a_path_through_a_circle(radius_m: float, bearing: float, off: float, lon: float) -> None:
    assume(abs(abs(off) - 1.0) > 0.01)
    geodesic = plane.Geodesic.WGS84
    side = geodesic.Direct(53.4, lon, bearing + 90.0, off * radius_m)
    ends = [geodesic.Direct(side["lat2"], side["lon2"], bearing + turn, 1.7 * radius_m) for turn in (180.0, 0.0)]
    points = [(end["lon2"], end["lat2"]) for end in ends]
    index = index_of([zone(1, shapely.Point(lon, 53.4), radius_m)])
    expected = plane.passes(shapely.Point(lon, 53.4), radius_m, *points)
    assert expected == (abs(off) < 1.0)
    assert crossed(index, *points) == (
        [expected] if expected or 0.98 * radius_m < 100.0 else [False] * len(crossed(index, *points))
    )


def test_straight_through_is_said_and_the_fix_itself_is_outside() -> None:
    index = index_of([zone(1, SQUARE)])
    middle = (SOUTH + NORTH) / 2
    fixes = fixes_at(1, [(WEST - FAR, middle), (EAST + FAR, middle)], step_us=MINUTE_US)
    (hit,) = evaluate(index, fixes, no_last(1))
    assert hit["crossed"]
    assert (hit["fix_row"], hit["verdict"], hit["covered"]) == (1, Verdict.OUTSIDE, False)
    assert hit["distance_m"] > 500.0, "a crossing has a row however far its end lies"


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ((WEST - FAR, SOUTH - FAR), (EAST + FAR, NORTH + FAR), [True]),  # corner to corner
        ((WEST - FAR, SOUTH), (EAST + FAR, SOUTH), [False]),  # along the southern edge
        ((WEST, SOUTH - FAR), (WEST, NORTH + FAR), [False]),  # along the western edge
        ((WEST - FAR, NORTH - FAR), (WEST + FAR, NORTH + FAR), [False]),  # touches the north-western corner
        ((WEST - FAR, NORTH + FAR), (EAST + FAR, NORTH + FAR), [False]),  # passes by
        ((WEST - FAR, SOUTH + SIDE / 2), (WEST, SOUTH + SIDE / 2), [False]),  # ends on the boundary: that is inside, not crossed
        ((WEST, SOUTH + SIDE / 2), (EAST + FAR, SOUTH + SIDE / 2), [False]),  # begins there
    ],
)
def test_corners_edges_and_ends(start: Any, end: Any, expected: list[bool]) -> None:
    got = crossed(index_of([zone(1, SQUARE, buffer_m=2000.0)]), start, end)
    assert got == expected


def test_a_path_through_a_hole_alone_is_no_crossing_but_its_ends_are_outside() -> None:
    holed = shapely.Polygon(shapely.box(-3.0, 53.5, -2.0, 54.5).exterior, [shapely.box(-2.75, 53.75, -2.25, 54.25).exterior])
    index = index_of([zone(1, holed, buffer_m=50_000.0)])
    assert crossed(index, (-2.55, 54.0), (-2.45, 54.0)) == [False]
    thin = shapely.Polygon(shapely.box(-3.0, 53.5, -2.0, 54.5).exterior, [shapely.box(-2.999, 53.501, -2.001, 54.499).exterior])
    assert crossed(index_of([zone(1, thin)]), (-3.01, 54.0), (-2.99, 54.0)) == [True], "through the rim into the hole"


WAY = ((WEST - FAR, SOUTH + SIDE / 2), (EAST + FAR, SOUTH + SIDE / 2))  # 1.3 km


@pytest.mark.parametrize(("minutes", "expected"), [(5.0, [True]), (5.0 + 1 / 60, []), (0.31, [True]), (0.29, [])])
def test_only_between_fixes_near_in_time_and_at_a_plausible_speed(minutes: float, expected: list[bool]) -> None:
    # 1,295 m less twice ten metres of accuracy are 18.2 s at 70 m/s.
    assert crossed(index_of([zone(1, SQUARE)]), *WAY, minutes=minutes) == expected


def test_a_fix_that_is_not_ok_is_passed_over() -> None:
    index = index_of([zone(1, SQUARE)])
    fixes = fixes_at(1, [WAY[0], (-2.0, 50.0), WAY[1]], step_us=MINUTE_US)
    fixes["quality"][1] = Quality.IMPLAUSIBLE
    assert evaluate(index, fixes, no_last(1))["crossed"].tolist() == [True]
    fixes["quality"] = Quality.OK, Quality.OK, Quality.SKEWED
    assert not evaluate(index, fixes, no_last(1))["crossed"].any()


def test_the_way_from_the_last_batch_counts() -> None:
    index = index_of([zone(1, SQUARE)])
    fixes = fixes_at(1, WAY, step_us=MINUTE_US)
    assert evaluate(index, fixes[1:], fixes[:1])["crossed"].tolist() == [True]
    assert len(evaluate(index, fixes[1:], np.zeros(1, FIX))) == 0


def test_a_path_is_the_tags_own() -> None:
    index = ZoneIndex.build([zone(1, SQUARE)], [Assignment(tag, 1, 0, FOREVER_US) for tag in (1, 2)])
    fixes = np.concatenate([fixes_at(1, WAY[:1], step_us=MINUTE_US), fixes_at(2, WAY[1:], step_us=2 * MINUTE_US)])
    assert len(evaluate(index, fixes, no_last(2))) == 0


def test_a_path_across_the_meridian() -> None:
    split = shapely.MultiPolygon([shapely.box(179.999, 10.0, 180.0, 10.001), shapely.box(-180.0, 10.0, -179.999, 10.001)])
    index = index_of([zone(1, split)])
    assert crossed(index, (179.99, 10.0005), (-179.99, 10.0005)) == [True]
    assert crossed(index, (-179.99, 10.0005), (179.99, 10.0005)) == [True]
    assert crossed(index, (179.99, 10.0015), (-179.99, 10.0015)) == []
    circle = index_of([zone(1, shapely.Point(180.0, 10.0), 100.0)])
    assert crossed(circle, (179.99, 10.0), (-179.99, 10.0)) == [True]


def test_a_shared_zone_far_from_the_fix_is_found_by_its_path() -> None:
    index = ZoneIndex.build([zone(1, SQUARE)], monitored=[Monitored(1, 1, 1, 0, FOREVER_US)], shared=[1])
    assert crossed(index, *WAY) == [True]


def test_a_zone_must_have_applied_at_both_ends() -> None:
    start_us, end_us = MINUTE_US, 2 * MINUTE_US  # of the two fixes
    late = zone(1, SQUARE, intervals=((start_us + 1, FOREVER_US),))
    assert crossed(index_of([late]), *WAY, minutes=1.0) == []
    fresh = [zone(1, SQUARE, in_force_to_us=end_us), zone(1, SQUARE, version=2, in_force_from_us=end_us)]
    both = ZoneIndex.build(fresh, [Assignment(1, 1, 0, FOREVER_US)])
    assert crossed(both, *WAY, minutes=1.0) == [True], "an edited zone applied all along"
    worn = ZoneIndex.build([zone(1, SQUARE)], [Assignment(1, 1, end_us, FOREVER_US)])
    assert crossed(worn, *WAY, minutes=1.0) == []
