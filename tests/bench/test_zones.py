"""Placement: clear of every way and place of the wearer's life, by shapely over the routes' own corners."""

import numpy as np
import shapely

from bench.fleet import PLACES, build
from bench.routine import LEGS, corner
from bench.zones import APART_M, DEMO_OWNERS, MOVING_CLEAR_M, STILL_CLEAR_M, Zones, clearance, place


def test_zones_keep_clear_of_their_wearers_lives_and_of_each_other() -> None:
    fleet = build(9, 300)
    sites = place(fleet, np.arange(300), 5)
    assert sites.found.all()
    for row in range(300):
        ways = [shapely.LineString(np.stack(corner(fleet, row, at, np.arange(LEGS + 1)), axis=1)) for at in range(PLACES)]
        places = shapely.MultiPoint([(0, 0), *zip(fleet.place_x[row], fleet.place_y[row], strict=True)])
        for zone in range(5):
            bound = shapely.Point(sites.x[row, zone], sites.y[row, zone]).buffer(sites.bound_m[row, zone])
            assert shapely.distance(bound, places) >= STILL_CLEAR_M - 0.01
            assert shapely.distance(bound, shapely.MultiLineString(ways)) >= MOVING_CLEAR_M - 0.01
            others = np.delete(np.arange(5), zone)
            between = np.hypot(sites.x[row, others] - sites.x[row, zone], sites.y[row, others] - sites.y[row, zone])
            assert (between - sites.bound_m[row, others] - sites.bound_m[row, zone] >= APART_M - 1e-6).all()


def test_clearance_sees_what_is_too_near() -> None:
    fleet = build(9, 50)
    rows = np.arange(50)
    assert (clearance(fleet, rows, np.zeros(50), np.zeros(50)) < 0).all()
    middle_x, middle_y = corner(fleet, rows, 0, np.int64(LEGS // 2))
    assert (clearance(fleet, rows, middle_x, middle_y) < 0).all()
    assert (clearance(fleet, rows, np.full(50, 20_000.0), np.zeros(50)) > 10_000).all()


def test_a_wearers_zones_do_not_depend_on_who_else_is_asked_about() -> None:
    fleet = build(9, 200)
    whole, alone = place(fleet, np.arange(200), 5), place(fleet, np.array([123]), 5)
    for one, other in zip(whole, alone, strict=True):
        assert np.array_equal(one[123], other[0])


def test_nobody_in_the_demo_lives_near_a_zone_for_everybody() -> None:
    for seed in range(5):
        zones = Zones(build(seed, 300, True))
        assert len(zones.owners) == DEMO_OWNERS
        rows = np.arange(300)
        for zone in zones.shared:
            x, y = zones.fleet.metres(rows, zone.x, zone.y)
            assert (clearance(zones.fleet, rows, x, y) > zone.bound_m).all()
