"""The town that benchmarks judge stays the same for ever, and is what it says; the baselines answer what they say they answer."""

import hashlib

import numpy as np
import pytest
import shapely
from geographiclib.geodesic import Geodesic

from bench.workloads import ours
from bench.workloads.pairwise import Degrees, Metres
from bench.workloads.town import CORNERS, FENCES, LEG, QUICK, Size, Town, town
from model.instant import MINUTE_US


@pytest.fixture(scope="module")
def small() -> Town:
    return town(QUICK)


def test_the_seed_makes_the_same_town_for_ever(small: Town) -> None:
    hashed = hashlib.sha256()
    for degrees in (small.lon, small.lat, small.fixes["lon"], small.fixes["lat"]):
        hashed.update(np.rint(degrees * 1e7).astype("<i8").tobytes())
    for name in ("tag", "fix_at_us", "received_us"):
        hashed.update(small.fixes[name].tobytes())
    hashed.update(np.rint(small.fixes["accuracy_m"] * 10).astype("<i8").tobytes())
    assert hashed.hexdigest() == "19f6a7636fa81730235c962c511218e6afb670b9fcab11c2f80b1a0170205346"


def test_a_tag_and_its_fences_do_not_depend_on_how_many_others_there_are(small: Town) -> None:
    fewer = town(Size(40, QUICK.each))
    corners = fewer.ring_at[-1]
    assert np.array_equal(fewer.lon, small.lon[:corners])
    assert np.array_equal(fewer.tags, small.tags[:40])


def test_fences_are_valid_polygons_of_8_to_200_corners_all_over_the_range(small: Town) -> None:
    polygons = ours.polygons(small)
    corners = np.diff(small.ring_at) - 1
    assert shapely.is_valid(polygons).all()
    assert shapely.contains_xy(polygons, small.middle[:, 0], small.middle[:, 1]).all()
    assert CORNERS[0] <= corners.min() < 10
    assert 190 < corners.max() <= CORNERS[1]


def test_fixes_come_as_they_would_arrive_one_a_minute_and_tag(small: Town) -> None:
    fixes = small.fixes
    assert (np.diff(fixes["received_us"]) >= 0).all()
    assert np.array_equal(fixes["tag"], small.tags[small.row])
    assert np.count_nonzero(np.diff(fixes["tag"])) > 0.99 * len(fixes)
    own = np.sort(fixes["fix_at_us"][small.row == 17])
    assert (np.diff(own) == MINUTE_US).all()


def test_half_of_the_fixes_are_near_the_boundary_and_some_exactly_on_it(small: Town) -> None:
    rows = np.arange(len(small.fixes))
    lon, lat = small.fixes["lon"], small.fixes["lat"]
    away_m = np.abs(Metres(ours.polygons(small), small.middle, 1000.0).every(lon, lat, small.row)).min(axis=1)
    assert 0.5 < np.mean(away_m <= 50.0) < 0.65  # the walks, and those of the places that happen to be near
    degrees = Degrees(ours.polygons(small), small.middle)
    on = degrees.covers(lon, lat, small.row) & ~degrees.contains(lon, lat, small.row)
    assert np.count_nonzero(on) >= len(rows) // 2 // 1024
    assert 0.2 < np.mean(degrees.covers(lon, lat, small.row).any(axis=1)) < 0.5


def test_a_wearer_does_not_jump_about(small: Town) -> None:
    order = np.lexsort((small.fixes["fix_at_us"], small.fixes["tag"]))
    fixes = small.fixes[order]
    step_m = np.hypot(np.diff(fixes["lon"]) * 66_000.0, np.diff(fixes["lat"]) * 111_000.0)
    within = (np.diff(fixes["tag"]) == 0) & ((fixes["seq"][1:] % LEG) != 0)
    assert np.median(step_m[within]) < 90.0
    assert step_m[within].max() < 400.0


def test_covers_is_what_geos_calls_covers(small: Town) -> None:
    rows = np.arange(0, len(small.fixes), 7)
    lon, lat, row = small.fixes["lon"][rows], small.fixes["lat"][rows], small.row[rows]
    polygons = ours.polygons(small)
    plain = shapely.covers(polygons.reshape(-1, FENCES)[row], shapely.points(lon, lat)[:, None])
    assert np.array_equal(Degrees(polygons, small.middle).covers(lon, lat, row), plain)


def test_metres_are_metres_of_the_ellipsoid_up_to_where_they_are_cut_off(small: Town) -> None:
    polygons = ours.polygons(small)
    rows = np.arange(0, len(small.fixes), 97)
    lon, lat, row = small.fixes["lon"][rows], small.fixes["lat"][rows], small.row[rows]
    metres = Metres(polygons, small.middle, 1000.0).every(lon, lat, row)
    near = np.argwhere(np.abs(metres) < 1000.0)
    assert len(near) > 100
    for fix, k in near.tolist():
        # The nearest point of the boundary, found in a plane whose degrees of longitude are as long as those of latitude.
        squeeze = np.array([np.cos(np.radians(lat[fix])), 1.0])
        ring = shapely.transform(polygons[row[fix] * FENCES + k].exterior, lambda points, by=squeeze: points * by)
        there = ring.interpolate(ring.project(shapely.Point(lon[fix] * squeeze[0], lat[fix])))
        exact = Geodesic.WGS84.Inverse(lat[fix], lon[fix], there.y, there.x / squeeze[0])["s12"]
        assert abs(metres[fix, k]) == pytest.approx(exact, rel=5e-4, abs=0.03)


def test_boxes_leave_out_only_what_is_too_far(small: Town) -> None:
    metres = Metres(ours.polygons(small), small.middle, 1000.0)
    given = small.fixes["lon"][:5000], small.fixes["lat"][:5000], small.row[:5000]
    every, boxed = metres.every(*given), metres.boxed(*given)
    assert np.array_equal(np.minimum(every, 1000.0), np.minimum(boxed, 1000.0))
    assert np.isinf(boxed).sum() > every.size / 2
