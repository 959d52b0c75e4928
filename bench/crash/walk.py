"""A seed and a tag become a walk past three zones, such that nobody can argue about any of its verdicts."""

import random
from typing import Final, NamedTuple

LON: Final = -2.98
LAT: Final = 53.4
METRES_A_DEGREE: Final = 111_288.0  # of latitude at LAT (WGS84); good to a metre in ten kilometres
ZONES_AT_M: Final = (0.0, 3000.0, 5000.0)  # middles of the zones, metres north of (LON, LAT)
RADIUS_M: Final = 400.0
PACE_M: Final = (60.0, 600.0)  # between two fixes: under a zone's diameter, so that nobody passes through unseen
STEP_S: Final = 61  # not 60: ten minutes, the time for coming back, lie between two fixes
CLEAR_M: Final = 3.0  # no fix is nearer than this to a distance at which a verdict changes
LEAVE_M: Final = 50.0  # metres outside after which one fix ends an entry (DOMAIN.md)


class Point(NamedTuple):
    """One fix of a walk."""

    tag: int
    seq: int
    at_us: int  # fix_at, microseconds since 1970 UTC
    north_m: float
    accuracy_m: float


def walk(seed: int, tag: int, begin_us: int, count: int) -> list[Point]:
    """``count`` fixes from ``begin_us`` on, ``STEP_S`` apart, from one place to another, in and out of the zones between."""
    dice = random.Random(f"{seed} {tag}")
    north_m, goal_m = dice.uniform(-2000, 7000), 0.0
    points = []
    for seq in range(1, count + 1):
        if seq % 20 == 1:
            goal_m = dice.choice((*ZONES_AT_M, -2000.0, 1500.0, 7000.0))
        pace_m, accuracy_m = dice.uniform(*PACE_M), round(dice.uniform(10, 30), 1)
        north_m += max(-pace_m, min(pace_m, goal_m - north_m)) + dice.uniform(-20, 20)
        while not _clear(north_m, accuracy_m):
            north_m += CLEAR_M
        points.append(Point(tag, seq, begin_us + seq * STEP_S * 1_000_000, round(north_m, 2), accuracy_m))
    return points


def outside_m(zone: int, point: Point) -> float:
    """Metres from a zone's edge, negative inside."""
    return abs(point.north_m - ZONES_AT_M[zone]) - RADIUS_M


def _clear(north_m: float, accuracy_m: float) -> bool:
    outside = [abs(north_m - at_m) - RADIUS_M for at_m in ZONES_AT_M]
    return all(min(abs(d - edge) for edge in (-accuracy_m, 0.0, accuracy_m, LEAVE_M)) >= CLEAR_M for d in outside)
