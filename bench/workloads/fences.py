"""Workload `fences`: is each of 4 million fixes inside any of the five fences of its tag?"""

import numpy as np

from bench.chance import F64
from bench.rows import Measured
from bench.workloads import Tell, ours
from bench.workloads.ours import Answers
from bench.workloads.pairwise import Bool, Degrees
from bench.workloads.race import Rival, race
from bench.workloads.town import FULL, QUICK, town
from model.hit import Verdict


def measure(quick: bool, tell: Tell) -> list[Measured]:
    """Containment, ours against prepared shapely geometries pair by pair."""
    size = QUICK if quick else FULL
    tell(f"drawing {size.tags:,} tags and {size.tags * size.each:,} fixes")
    world = town(size)
    tell("compiling the fences")
    index = ours.indexed(world, buffer_m=0.0)
    shapes = Degrees(ours.polygons(world), world.middle)
    contains, covers = "shapely prepared contains_xy, pairwise", "shapely prepared intersects_xy, pairwise"
    rivals = [
        Rival("unsorted", contains, False, 30.0, shapes.contains, _wrong_by_contains),
        Rival("sorted", contains, True, 10.0, shapes.contains, _wrong_by_contains),
        # Quicker, and the very question we answer, boundary included. No aim was set against it; shown all the same.
        Rival("unsorted covers", covers, False, None, shapes.covers, _wrong_by_covers),
        Rival("sorted covers", covers, True, None, shapes.covers, _wrong_by_covers),
    ]
    return race("fences", world, index, rivals, tell)


def _wrong_by_covers(said: Answers, accuracy_m: F64, covered: Bool) -> Bool:
    """Covered otherwise than GEOS has it, or a verdict that denies it."""
    denied = np.where(covered, said.verdict == Verdict.OUTSIDE, said.verdict == Verdict.INSIDE)
    return np.asarray((said.covered != covered) | denied)


def _wrong_by_contains(said: Answers, accuracy_m: F64, inside: Bool) -> Bool:
    """The same where the baseline leaves the boundary out: what we say lies exactly on it must not be inside by the baseline."""
    on_boundary = said.covered & (said.distance_m == 0.0)
    return np.asarray(np.where(on_boundary, inside, _wrong_by_covers(said, accuracy_m, inside)))
