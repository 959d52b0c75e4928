"""Containment alone says what ``evaluate`` says of it, for any kind of zone and in any order of points."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence.covers import covers
from geofence.index import ZoneIndex
from tests.chance import times
from tests.geofence import strategies
from tests.geofence.check import index_of, zone
from tests.oracle import plane


@given(geometry=strategies.zones(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=times(60), deadline=None)
def test_covers_equals_geos_on_placed_points(geometry: shapely.Geometry, seed: int) -> None:
    points = strategies.placed(geometry, seed, 1500)
    said = covers(index_of([zone(1, geometry)]), 1, points[:, 0], points[:, 1])
    np.testing.assert_array_equal(said, plane.covers(geometry, points[:, 0], points[:, 1]))


def test_a_circle_covers_what_lies_within_its_radius_on_both_sides_of_the_meridian() -> None:
    index = index_of([zone(1, shapely.Point(180.0, 10.0), 1000.0)])
    lon = np.array([179.992, 179.99, -179.992, -179.99, 0.0])
    assert covers(index, 1, lon, np.full(5, 10.0)).tolist() == [True, False, True, False, False]


def test_the_newest_version_answers() -> None:
    index = ZoneIndex.build(
        [zone(3, shapely.box(0, 0, 1, 1)), zone(3, shapely.box(2, 2, 3, 3), version=2), zone(4, shapely.box(9, 9, 10, 10))]
    )
    assert covers(index, 3, np.array([0.5, 2.5]), np.array([0.5, 2.5])).tolist() == [False, True]


def test_what_cannot_be_answered_is_refused() -> None:
    index = index_of([zone(3, shapely.box(0, 0, 1, 1))])
    nothing = np.zeros(0)
    assert covers(index, 3, nothing, nothing).tolist() == []
    for unknown in (2, 4):
        with pytest.raises(KeyError):
            covers(index, unknown, nothing, nothing)
    with pytest.raises(ValueError, match="one length"):
        covers(index, 3, np.zeros(2), np.zeros(3))
    for bad in (np.nan, 181.0):
        with pytest.raises(ValueError, match="no number in range"):
            covers(index, 3, np.array([bad]), np.zeros(1))
