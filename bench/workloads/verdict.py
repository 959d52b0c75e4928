"""Workload `verdict`: how many metres is each of 4 million fixes inside or outside the five fences of its tag, up to 1 km?"""

from typing import Final

import numpy as np

from bench.chance import F64
from bench.rows import Measured
from bench.workloads import Tell, ours
from bench.workloads.ours import Answers
from bench.workloads.pairwise import Bool, Metres
from bench.workloads.race import Own, Rival, race
from bench.workloads.town import FULL, QUICK, town
from model.fix import ACCURACY_FLOOR_M
from model.hit import Verdict

CUT_M: Final = 1_000.0  # distances beyond are of no interest
SLACK_M: Final = 0.1  # what DOMAIN.md allows of a distance: so much,
SLACK: Final = 1e-3  # or such a share of it


def measure(quick: bool, tell: Tell) -> list[Measured]:
    """Signed distance and verdict, ours against shapely pair by pair."""
    size = QUICK if quick else FULL
    tell(f"drawing {size.tags:,} tags and {size.tags * size.each:,} fixes")
    world = town(size)
    tell("compiling the fences")
    index = ours.indexed(world, buffer_m=CUT_M)
    shapes = Metres(ours.polygons(world), world.middle, CUT_M)
    every = "shapely prepared contains_xy + distance, pairwise"
    boxed = "the same, of pairs whose boxes are within 1 km"
    rivals = [
        Rival("unsorted", every, False, 100.0, shapes.every, _wrong),
        Rival("sorted", every, True, 100.0, shapes.every, _wrong),
        # Whoever needs distances up to 1 km only would compare boxes first. No aim was set against it; shown all the same.
        Rival("unsorted boxes", boxed, False, None, shapes.boxed, _wrong),
        Rival("sorted boxes", boxed, True, None, shapes.boxed, _wrong),
    ]
    own = Own(lambda fixes, threads: ours.hits(index, fixes, len(world.tags), threads), ours.answers)
    return race("verdict", world, own, rivals, tell)


def _wrong(said: Answers, accuracy_m: F64, signed_m: F64) -> Bool:
    """A distance off by more than DOMAIN.md allows, both cut off at CUT_M, or a verdict that no allowed distance gives."""
    away_m = np.minimum(signed_m, CUT_M)
    slack_m = np.maximum(SLACK_M, SLACK * np.abs(away_m))
    off = np.abs(np.minimum(said.distance_m, CUT_M) - away_m) > slack_m
    limit_m = np.maximum(accuracy_m, ACCURACY_FLOOR_M)[:, None]
    least, most = _verdict(away_m + slack_m, limit_m), _verdict(away_m - slack_m, limit_m)
    return np.asarray(off | (said.verdict < least) | (said.verdict > most))


def _verdict(distance_m: F64, limit_m: F64) -> F64:
    """DOMAIN.md in one line, written again: a mistake in the geofence must not be in its checker as well."""
    return np.where(distance_m <= -limit_m, Verdict.INSIDE, np.where(distance_m > limit_m, Verdict.OUTSIDE, Verdict.POSSIBLE))
