"""The points that `adversarial` judges stay where they are, and are where they say: on boundaries, and an ulp beside them."""

import hashlib

import numpy as np
import pytest
import shapely

from bench.workloads.placed import KINDS, Kind, made, place


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.case)
def test_zones_are_valid_and_many_points_lie_on_or_beside_their_boundary(kind: Kind) -> None:
    zones, root = made(kind._replace(many=min(kind.many, 40)))
    assert shapely.is_valid(zones).all()
    assert len(zones) >= 0.9 * min(kind.many, 40)
    points = place(zones, 4_000, root)
    shapely.prepare(zones)
    near = zones[points.zone]
    covered, inside = (ask(near, points.lon, points.lat) for ask in (shapely.intersects_xy, shapely.contains_xy))
    assert 0.1 < covered.mean() < 0.8
    assert np.count_nonzero(covered & ~inside) > 40, "exactly on the boundary"
    along = shapely.distance(shapely.boundary(near), shapely.points(points.lon, points.lat))
    beside = np.count_nonzero((along > 0.0) & (along < 1e-12))
    assert beside > 100, "next to it"
    assert np.array_equal(np.unique(points.zone), np.arange(len(zones)))


def test_zones_of_the_meridian_lie_on_both_sides_of_it() -> None:
    zones, _ = made(KINDS[[kind.case for kind in KINDS].index("meridian")]._replace(many=20))
    assert shapely.bounds(zones)[:, [0, 2]].tolist() == [[-180.0, 180.0]] * len(zones)


def test_the_seed_places_the_same_points_for_ever() -> None:
    """To a tenth of a metre: another GEOS may cut zones with other last bits."""
    hashed = hashlib.sha256()
    for kind in KINDS:
        zones, root = made(kind._replace(many=min(kind.many, 10)))
        points = place(zones, 500, root)
        hashed.update(np.rint(np.column_stack([points.lon, points.lat]) * 1e6).astype("<i8").tobytes())
    assert hashed.hexdigest() == "4a64a152a0e1787f33a7e162d33de9f9ff444a17fb4b2f4a1e996d223ee4418c"
