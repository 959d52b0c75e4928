"""A town becomes an index, and fixes as they arrive become our answers, one for each fix and each fence of its tag."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from bench.chance import F64
from bench.workloads.town import FENCES, I64, Town
from geofence.covers import covers
from geofence.evaluate import evaluate
from geofence.index import ZoneIndex
from geofence.within import within
from model.arrays import Array
from model.fix import FIX
from model.hit import Verdict
from model.instant import FOREVER_US
from model.zone import Assignment, Purpose, Zone, ZoneKind

Bool = npt.NDArray[np.bool_]


class Answers(NamedTuple):
    """What was said of each of (n,) fixes and each fence of its tag.

    Where nothing was said the fence is farther away than what was asked for, and the fix is outside.
    """

    covered: Bool  # (n, FENCES) inside or on the boundary
    distance_m: F64  # (n, FENCES) signed, inf where nothing was said
    verdict: npt.NDArray[np.int8]  # (n, FENCES) Verdict
    stray: int  # rows that have no place here: another tag's fence, a pair said twice or out of order

    def of(self, rows: I64) -> "Answers":
        """The answers of some fixes."""
        return Answers(self.covered[rows], self.distance_m[rows], self.verdict[rows], self.stray)


class Located(NamedTuple):
    """What was said of each fix (n) and each fence of its tag, containment alone."""

    covered: Bool  # (n, FENCES) inside or on the boundary
    boundary: Bool  # (n, FENCES) on the boundary
    stray: int  # as of ``Answers``

    def of(self, rows: I64) -> "Located":
        """The answers of some fixes."""
        return Located(self.covered[rows], self.boundary[rows], self.stray)


def polygons(town: Town) -> Array:
    """(z,) polygons of the town's fences, degrees."""
    ring = np.repeat(np.arange(len(town.middle)), np.diff(town.ring_at))
    return np.asarray(shapely.polygons(shapely.linearrings(np.column_stack([town.lon, town.lat]), indices=ring)))


def zones(town: Town, buffer_m: float) -> list[Zone]:
    """The town's fences as the store hands zones over; zone ``z + 1`` is fence ``z``."""
    return [zone(z + 1, body, buffer_m=buffer_m) for z, body in enumerate(shapely.to_wkb(polygons(town)))]


def zone(number: int, wkb: bytes, radius_m: float = 0.0, buffer_m: float = 0.0) -> Zone:
    """A zone that always holds."""
    return Zone(number, 1, ZoneKind.EXCLUSION, Purpose.VICTIM, wkb, radius_m, buffer_m, 0)


def assignments(town: Town) -> list[Assignment]:
    """Each fence for its tag, for ever."""
    of = np.repeat(town.tags, FENCES).tolist()
    return [Assignment(tag, z + 1, 0, FOREVER_US) for z, tag in enumerate(of)]


def indexed(town: Town, buffer_m: float) -> ZoneIndex:
    """An index of the town; something is said of fixes up to ``buffer_m`` metres outside a fence."""
    return ZoneIndex.build(zones(town, buffer_m), assignments(town))


def ring_index(polygon: Any) -> ZoneIndex:
    """An index of one polygon alone, zone 1."""
    return ZoneIndex.build([zone(1, shapely.to_wkb(polygon))])


def covered(index: ZoneIndex, zone: int, lon: F64, lat: F64) -> Bool:
    """(n,) whether each point is inside a zone or on its boundary; containment alone, on one thread."""
    return covers(index, zone, lon, lat)


def hits(index: ZoneIndex, arrived: Array, tags: int, threads: int) -> Array:
    """Fixes of so many tags, as they arrive, become hits: what is timed, sorting and gathering included."""
    return evaluate(index, arrived, np.zeros(tags, FIX), threads)  # nobody was seen before


def located(index: ZoneIndex, arrived: Array, threads: int) -> Array:
    """Fixes as they arrive become COVER rows: containment alone, likewise."""
    return within(index, arrived, threads)


def answers(found: Array, row: I64, place: I64) -> Answers:
    """Hits as answers, in the order of the fixes; of each, ``row`` is its tag's row, ``place`` its place by tag and time."""
    pair, stray = _pairs(found, row, place)
    covered = np.zeros(len(row) * FENCES, np.bool_)
    distance_m = np.full(len(row) * FENCES, np.inf)
    verdict = np.full(len(row) * FENCES, Verdict.OUTSIDE, np.int8)
    covered[pair], distance_m[pair], verdict[pair] = found["covered"], found["distance_m"], found["verdict"]
    shape = (len(row), FENCES)
    return Answers(covered.reshape(shape), distance_m.reshape(shape), verdict.reshape(shape), stray)


def locations(found: Array, row: I64, place: I64) -> Located:
    """COVER rows as answers, likewise."""
    pair, stray = _pairs(found, row, place)
    covered, boundary = np.zeros(len(row) * FENCES, np.bool_), np.zeros(len(row) * FENCES, np.bool_)
    covered[pair], boundary[pair] = True, found["boundary"]
    shape = (len(row), FENCES)
    return Located(covered.reshape(shape), boundary.reshape(shape), stray)


def _pairs(found: Array, row: I64, place: I64) -> tuple[Array, int]:
    """Which fix and fence each row is of, flat, and how many rows are stray."""
    fix, fence = found["fix_row"], found["zone"] - 1
    pair = fix * FENCES + fence % FENCES
    own = fence // FENCES == row[fix]
    return pair, int(np.count_nonzero(~own) + np.count_nonzero(np.diff(place[fix] * FENCES + fence % FENCES) <= 0))


def placed(fixes: Array) -> I64:
    """(n,) int64 place of each fix by tag and time."""
    place = np.empty(len(fixes), np.int64)
    place[np.lexsort((fixes["fix_at_us"], fixes["tag"]))] = np.arange(len(fixes))
    return place
