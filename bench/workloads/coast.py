"""Turns a number of corners into one ring and the points round it: what `rings` and `scale` judge, the same for ever."""

from typing import Any, Final, NamedTuple

import numpy as np
import shapely

from bench.chance import F64, bits, unit
from bench.city import metres_per_degree

SEED: Final = 20_261_125  # part of the benchmark: changing it needs a decision page (docs/decisions/0009-benchmarks.md)

MIDDLE: Final = (-2.94, 53.41)  # lon, lat degrees
RADIUS_M: Final = 5_000.0  # of the ring, before it is made jagged: a large town
JAG: Final = 0.03  # of the radius: each corner of a jagged ring stands so much farther in, at most, however near the next one is
OCTAVES: Final = 10  # of a coast, bays of bays: each half as deep and twice as many as those before
BAYS: Final = 5  # of the first octave
DEPTH: Final = 0.12  # of the radius, the first octave's bays
NEAR_M: Final = 50.0  # half of the points lie so near to the ring, at most
ON_CORNER: Final = 1 / 512  # share of these exactly on a corner: the boundary is inside
_STEP: Final = 1e7  # positions are multiples of 1e-7 degrees, about a centimetre, as devices and GeoJSON give them


class Coast(NamedTuple):
    """One closed ring and points, degrees WGS84, in no order."""

    ring: F64  # (corners + 1, 2) lon, lat
    lon: F64  # (n,)
    lat: F64  # (n,)

    @property
    def polygon(self) -> Any:
        """The ring as a polygon."""
        return shapely.Polygon(self.ring)


def coast(corners: int, points: int, jagged: bool, seed: int = SEED) -> Coast:
    """A ring of so many corners, and so many points: half within ``NEAR_M`` of the ring, half anywhere in its box.

    Corners stand at rising bearings round the middle, so that no ring crosses itself. A jagged ring has teeth of one size, and
    more of them side by side the more corners there are: a line across it meets ever more edges. Else it is like a coast: bays
    of bays as fine as corners allow, and no longer teeth than corners are apart.
    """
    root = bits(np.uint64(seed), corners)[0]
    k = np.arange(corners)
    step = 2 * np.pi / corners
    turn = step * (k + 0.5 * unit(root, 1, k))
    teeth = unit(root, 2, k)
    off = 1.0 - JAG * teeth if jagged else 1.0 - _bays(root, turn) - 0.5 * step * teeth
    ring_m = RADIUS_M * off[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
    ring = _degrees(ring_m)
    near, at = points // 2, np.arange(points)
    edge = (unit(root, 10, at[:near]) * corners).astype(np.int64)
    here_m, there_m = ring_m[edge], ring_m[(edge + 1) % corners]
    share = unit(root, 11, at[:near])[:, None]
    aside = 2 * np.pi * unit(root, 12, at[:near])
    by_m = NEAR_M * np.sqrt(unit(root, 13, at[:near]))[:, None]
    near_m = here_m + share * (there_m - here_m) + by_m * np.column_stack([np.cos(aside), np.sin(aside)])
    low_m, high_m = ring_m.min(axis=0), ring_m.max(axis=0)
    far_m = low_m + (high_m - low_m) * np.column_stack([unit(root, 14, at[near:]), unit(root, 15, at[near:])])
    spread = _degrees(np.concatenate([near_m, far_m]))
    on = np.flatnonzero(unit(root, 16, at[:near]) < ON_CORNER)
    spread[on] = ring[edge[on]]
    spread = spread[np.argsort(unit(root, 17, at), kind="stable")]
    return Coast(np.vstack([ring, ring[:1]]), *np.ascontiguousarray(spread.T))


def _bays(root: Any, turn: F64) -> F64:
    """(corners,) how far in the bays reach at each bearing, as a share of the radius; no bay narrower than eight corners."""
    deep = np.zeros_like(turn)
    for octave in range(OCTAVES):
        bays = BAYS * 2**octave
        if 8 * bays <= len(turn):
            deep += DEPTH * 0.5**octave * np.sin(bays * turn + 2 * np.pi * unit(root, 3, octave)[0])
    return deep


def _degrees(metres: F64) -> F64:
    """(n, 2) metres about ``MIDDLE`` as degrees of lon, lat."""
    scale = np.column_stack(metres_per_degree(np.array([MIDDLE[1]])))
    rounded: F64 = np.rint((np.array(MIDDLE) + metres / scale) * _STEP) / _STEP
    return rounded
