"""A few zones of every kind and a walk through them, the same in every process."""

from typing import Any

import numpy as np
import shapely

from geofence.index import ZoneIndex
from model.instant import FOREVER_US, MINUTE_US
from model.zone import Assignment, Monitored
from tests.geofence import strategies
from tests.geofence.check import fixes_at, zone


def small_world() -> tuple[ZoneIndex, Any]:
    """An index with assigned and shared zones, holes, parts, many corners, a circle and a zone across 180°; (n,) FIX of tag 1."""
    square = shapely.box(-3.0, 53.0, -2.996, 53.004)
    holed = shapely.box(-3.0, 53.0, -2.98, 53.02) - shapely.box(-2.995, 53.005, -2.985, 53.015)
    split = shapely.MultiPolygon([shapely.box(179.99, 10.0, 180.0, 10.01), shapely.box(-180.0, 10.0, -179.99, 10.01)])
    angle = np.linspace(0.0, 2 * np.pi, 400, endpoint=False)
    teeth = 0.008 + 0.001 * np.random.default_rng(12).random(400)
    coast = shapely.Polygon(np.array([-2.99, 53.01]) + np.column_stack([teeth * np.cos(angle), teeth * np.sin(angle)]))
    zones = [zone(1, square), zone(2, holed), zone(3, split), zone(4, shapely.Point(-2.99, 53.01), 300.0, buffer_m=200.0)]
    zones.append(zone(5, coast))
    everyone = [zone(10 + i, shapely.box(-3.0 + 0.002 * i, 53.0, -2.999 + 0.002 * i, 53.02)) for i in range(20)]
    index = ZoneIndex.build(
        [*zones, *everyone],
        [Assignment(1, z.id, 0, FOREVER_US) for z in zones],
        [Monitored(1, 1, 1, 0, FOREVER_US)],
        [z.id for z in everyone],
    )
    rng = np.random.default_rng(11)
    walk = np.array([-2.99, 53.01]) + np.clip(rng.normal(0.0, 0.004, (150, 2)).cumsum(axis=0), -0.02, 0.02)
    placed = np.concatenate([strategies.placed(g, 3, 40) for g in (square, holed, split, coast)])
    points = np.concatenate([walk, placed])
    return index, fixes_at(1, points, step_us=MINUTE_US)
