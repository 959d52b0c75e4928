"""Workload `fences`: is each of 4 million fixes inside any of the five fences of its tag?"""

import numpy as np

from bench.chance import F64
from bench.rows import Measured
from bench.workloads import Tell, ours
from bench.workloads.ours import Located
from bench.workloads.pairwise import Bool, Degrees
from bench.workloads.race import Own, Rival, race
from bench.workloads.town import FULL, QUICK, town


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
    own = Own(lambda fixes, threads: ours.located(index, fixes, threads), ours.locations)
    return race("fences", world, own, rivals, tell)


def _wrong_by_covers(said: Located, accuracy_m: F64, covered: Bool) -> Bool:
    """Covered otherwise than GEOS has it."""
    return np.asarray(said.covered != covered)


def _wrong_by_contains(said: Located, accuracy_m: F64, inside: Bool) -> Bool:
    """The same where the baseline leaves the boundary out: what we say lies exactly on it must not be inside by the baseline."""
    return np.asarray(np.where(said.boundary, inside, said.covered != inside))
