"""Zones of three to many thousands of corners, and across 180°: both doors agree with GEOS on placed points, ulps included."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence.covers import covers
from geofence.evaluate import evaluate
from tests.chance import times
from tests.geofence import strategies
from tests.geofence.check import index_of, wrongly_covered, wrongly_measured, zone
from tests.oracle import plane

seeds = st.integers(0, 2**32 - 1)


def wrongly_covered_alone(geometry: Any, points: Any) -> Any:
    """Points that ``covers`` sees on another side than GEOS."""
    said = covers(index_of([zone(1, geometry)]), 1, points[:, 0], points[:, 1])
    return points[said != plane.covers(geometry, points[:, 0], points[:, 1])].tolist()


@given(geometry=strategies.coasts(), seed=seeds)
@settings(max_examples=times(25), deadline=None)
def test_rings_of_any_number_of_corners(geometry: Any, seed: int) -> None:
    points = strategies.placed(geometry, seed, 1500)
    assert wrongly_covered(evaluate, [geometry], [points]) == []
    assert wrongly_covered_alone(geometry, points) == []


@given(geometry=strategies.zones(), seed=seeds)
@settings(max_examples=times(60), deadline=None)
def test_containment_alone_of_every_kind(geometry: Any, seed: int) -> None:
    assert wrongly_covered_alone(geometry, strategies.placed(geometry, seed, 1500)) == []


@given(made=strategies.across(), seed=seeds)
@settings(max_examples=times(40), deadline=None)
def test_zones_across_the_meridian(made: Any, seed: int) -> None:
    split, whole = made
    points = strategies.placed(split, seed, 1000)
    assert wrongly_covered(evaluate, [split], [points]) == []
    assert wrongly_covered_alone(split, points) == []
    # The seam is no edge: what lies beside it inside the whole is inside, and its distance is to the whole's own boundary.
    rng = np.random.default_rng(seed)
    seam = rng.choice([180.0, -180.0, np.nextafter(180.0, 0.0), np.nextafter(-180.0, 0.0)], 6)
    some = np.concatenate([np.column_stack([seam, rng.choice(points[:, 1], 6)]), points[:3]])
    assert wrongly_measured(evaluate, split, some, accuracy_m=500.0, whole=whole) == []


@given(geometry=strategies.wide(), seed=seeds)
@settings(max_examples=times(60), deadline=None)
def test_wide_zones_on_both_sides_of_the_meridian(geometry: Any, seed: int) -> None:
    points = strategies.placed(geometry, seed, 1500)
    assert wrongly_covered(evaluate, [geometry], [points]) == []
    assert wrongly_covered_alone(geometry, points) == []


@given(geometry=strategies.coasts(), seed=seeds, accuracy_m=st.sampled_from([3.0, 40.0, 2_000.0]))
@settings(max_examples=times(25), deadline=None)
def test_distances_to_rings_of_any_number_of_corners(geometry: Any, seed: int, accuracy_m: float) -> None:
    rng = np.random.default_rng(seed)
    points = strategies.placed(geometry, seed, 3)
    some = points[rng.integers(0, len(points), 3)] + rng.normal(0.0, 2.0, (3, 2)) * np.array([4e-4, 3e-4])
    assert wrongly_measured(evaluate, geometry, np.concatenate([points, some]), accuracy_m) == []


@given(geometry=strategies.coasts() | strategies.zones(), seed=seeds)
@settings(max_examples=times(40), deadline=None)
def test_the_borders_of_the_indexs_own_cells(geometry: Any, seed: int) -> None:
    """Edges cut by the very columns and rows the index has, an ulp to either side."""
    index = index_of([zone(1, geometry)])
    grid = index.plan.shapes.shape[0]
    rng = np.random.default_rng(seed)
    points = strategies.placed(geometry, seed, 1000)
    low, scale = np.array([grid["west"], grid["south"]]), np.array([grid["per_lon"], grid["per_lat"]])
    border = low + np.rint((points - low) * scale) / scale
    points = np.where(rng.random(points.shape) < 0.7, border, points)
    way = rng.integers(-2, 3, points.shape)
    points = np.where(way == 0, points, np.nextafter(points, np.copysign(np.inf, way)))
    points = np.where(abs(way) == 2, np.nextafter(points, np.copysign(np.inf, way)), points)
    assert wrongly_covered(evaluate, [geometry], [points]) == []
    assert wrongly_covered_alone(geometry, points) == []
