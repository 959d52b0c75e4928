"""Outlines: valid in every form, inside their bound, deep at the centre; distances as shapely has them."""

import numpy as np
import pytest
import shapely

from bench.chance import bits
from bench.shape import CIRCLE, HOLED, PARTED, PLAIN, Shape, bound_m, outline, signed_distance


def polygon(shape: Shape) -> shapely.MultiPolygon:
    return shapely.MultiPolygon([shapely.Polygon(part[0], part[1:]) for part in shape.parts])


@pytest.mark.parametrize("form", [PLAIN, HOLED, PARTED])
@pytest.mark.parametrize("corners", [8, 13, 60, 200])
def test_outlines_are_valid_bounded_and_deep(form: int, corners: int) -> None:
    rng = np.random.default_rng(form * 1000 + corners)
    for number in range(40):
        shape = outline(bits(np.uint64(number), form)[0], form, 300.0, corners)
        whole = polygon(shape)
        assert whole.is_valid
        assert len(whole.geoms) == (2 if form == PARTED else 1)
        assert len(whole.geoms[0].interiors) == (1 if form == HOLED else 0)
        assert len(shape.parts[0][0]) == corners
        assert np.hypot(*shapely.get_coordinates(whole).T).max() <= bound_m(form, 300.0) + 1e-6
        points = rng.uniform(-900, 900, (100, 2))
        away = shapely.distance(whole.boundary, shapely.points(points))
        signed = np.where(shapely.covers(whole, shapely.points(points)), -away, away)
        assert np.allclose(signed_distance(shape, points), signed, atol=1e-9)
        # Half an excursion's deepest accuracy and its worst error fit in: definite inside is certain there.
        assert signed_distance(shape, np.zeros((1, 2)))[0] < -0.25 * 300


def test_a_circle() -> None:
    shape = outline(np.uint64(1), CIRCLE, 200.0, 0)
    assert shape == Shape((), 200.0)
    assert signed_distance(shape, np.array([[0.0, 0.0], [200.0, 0.0], [0.0, 260.0]])).tolist() == [-200.0, 0.0, 60.0]
