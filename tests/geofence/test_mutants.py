"""Geofences that measure or judge nearly rightly are told apart by the comparison that the real one passes."""

from typing import Any

import numpy as np
import pytest
import shapely

from geofence.evaluate import evaluate
from tests.geofence import mutants
from tests.geofence.check import wrongly_measured
from tests.oracle import plane

# A square of about 300 m by 200 m, and fixes from 90 m inside to 160 m outside it, on all sides.
SQUARE = shapely.box(-3.0, 53.0, -2.9955, 53.0018)
AROUND = [
    (direct["lon2"], direct["lat2"])
    for start in ((-3.0, 53.0009), (-2.9955, 53.0009), (-2.99775, 53.0), (-2.99775, 53.0018), (-3.0, 53.0))
    for bearing in (0.0, 90.0, 180.0, 270.0)
    for off_m in (5.0, 9.5, 11.0, 60.0, 140.0, 155.0)
    for direct in [plane.Geodesic.WGS84.Direct(start[1], start[0], bearing, off_m)]
]


def test_the_real_one_passes() -> None:
    assert wrongly_measured(evaluate, SQUARE, np.array(AROUND), 3.0) == []


@pytest.mark.parametrize("mutant", mutants.MEASURING)
def test_a_mutant_does_not(mutant: Any) -> None:
    assert wrongly_measured(mutant, SQUARE, np.array(AROUND), 3.0) != []
