"""What is left out of a batch lies in no zone of its tag: the rest is covered as by a look at every fix."""

from typing import Any

import numpy as np
import shapely

from geofence.evaluate import evaluate
from geofence.index import ZoneIndex
from geofence.sieve import sieved
from geofence.within import within
from model.fix import empty_fixes
from model.instant import FOREVER_US, HOUR_US, SECOND_US
from model.zone import Assignment, Zone
from tests.geofence.check import no_last, zone

TAGS = 40
STRANGER = 99


def zones_of(tag: int, dice: np.random.Generator) -> list[Zone]:
    """Of the k-th tag k zones, up to ten: boxes of any size, a circle, one that moved, and every fourth tag's about 180°."""
    home = np.array([dice.uniform(-3.0, 3.0), dice.uniform(-60.0, 60.0)]) if tag % 4 else np.array([179.9, 10.0])
    zones = []
    for k in range(tag % 11):
        number = 100 * tag + k
        lon, lat = (home + dice.uniform(-0.05, 0.05, 2)).tolist()
        box = shapely.box(lon, lat, lon + dice.uniform(1e-5, 0.03), lat + dice.uniform(1e-5, 0.03))
        if k == 1 and tag % 4 == 0:
            parts = (shapely.box(179.95, lat, 180.0, lat + 0.02), shapely.box(-180.0, lat, -179.97, lat + 0.02))
            zones.append(zone(number, shapely.MultiPolygon(parts)))
        elif k == 3:
            zones.append(zone(number, shapely.Point(lon, lat), 900.0))
        elif k == 5:
            zones.append(zone(number, box, in_force_to_us=HOUR_US))
            zones.append(zone(number, shapely.box(lon + 0.1, lat, lon + 0.12, lat + 0.02), version=2, in_force_from_us=HOUR_US))
        else:
            zones.append(zone(number, box))
    return zones


def world() -> tuple[ZoneIndex, Any]:
    """An index of some tags' zones; (n,) FIX in the order of time: on their corners, beside them, and anywhere."""
    dice = np.random.default_rng(17)
    zones = [of for tag in range(1, TAGS) for of in zones_of(tag, dice)]
    corners = np.concatenate([[(of.id // 100, *at) for at in shapely.get_coordinates(shapely.from_wkb(of.wkb))] for of in zones])
    tag, lon, lat = corners[dice.integers(0, len(corners), 9_000)].T
    kind = dice.integers(0, 5, len(tag))
    fixes = empty_fixes(len(tag))
    fixes["tag"] = np.where(dice.random(len(tag)) < 0.02, STRANGER, tag)
    fixes["fix_at_us"] = np.arange(len(tag)) * SECOND_US
    off = dice.normal(0.0, 0.01, (2, len(tag)))
    anywhere = dice.uniform(-1.0, 1.0, (2, len(tag)))
    fixes["lon"] = np.choose(np.minimum(kind, 2), [lon, 180.0 * anywhere[0], lon + off[0]])
    fixes["lat"] = np.choose(np.minimum(kind, 2), [lat, 90.0 * anywhere[1], lat + off[1]])
    fixes["lon"] -= 360.0 * np.sign(fixes["lon"]) * (np.abs(fixes["lon"]) > 180.0)
    fixes["accuracy_m"] = 5.0
    assignments = [Assignment(number // 100, number, 0, FOREVER_US) for number in {of.id for of in zones}]
    return ZoneIndex.build(zones, assignments), fixes


def test_what_is_left_out_lies_in_no_zone() -> None:
    index, fixes = world()
    hits = evaluate(index, fixes, no_last(len(np.unique(fixes["tag"]))))
    covered = hits[hits["covered"]]
    said = within(index, fixes)
    assert len(covered) > 1_500
    assert (covered["version"] == 2).any()
    assert said[["fix_row", "zone", "version"]].tolist() == covered[["fix_row", "zone", "version"]].tolist()
    some = sieved(index.plan, fixes, index.tags, index.places, 1)
    assert some is not None
    assert len(np.unique(covered["fix_row"])) <= len(some.points) < 0.8 * len(fixes)


def test_of_a_tag_far_from_in_order_all_fixes_are_ordered_instead() -> None:
    index, fixes = world()
    backwards = fixes[::-1]
    assert sieved(index.plan, backwards, index.tags, index.places, 1) is None
    said, expected = within(index, backwards), within(index, fixes)
    said["fix_row"] = len(fixes) - 1 - said["fix_row"]
    assert said.tobytes() == expected.tobytes()
