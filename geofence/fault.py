"""What is wrong with a ring becomes a sentence that names the place, for somebody who draws zones, not topologies."""

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import numpy as np

from model.arrays import Array

_REASON: Final = re.compile(r"(?P<reason>[^\[]+?)\s*(?:\[(?P<lon>\S+) (?P<lat>\S+)\])?")

_SAME: Final = "are the same ring, given twice,"

# What GEOS says, what an officer reads: about one ring, or two.
_WORDS: Final = {
    "Self-intersection": ("crosses itself", "cross, overlap or run along each other"),
    "Ring Self-intersection": ("touches itself", "touch each other"),
    "Hole lies outside shell": (
        "lies outside the outer ring it should be a hole in",
        "meet where a hole lies outside its outer ring",
    ),
    "Holes are nested": ("lies inside another hole", "meet where one hole lies inside another"),
    "Nested holes": ("lies inside another hole", "meet where one hole lies inside another"),
    "Nested shells": ("lies inside another part", "meet where one part lies inside another"),
    "Duplicate Rings": ("is given twice", _SAME),
    "Interior is disconnected": ("cuts the zone in two where it touches", "touch so that they cut the zone in two"),
}
_NEAR_DEG: Final = 1e-9  # a tenth of a millimetre: how far GEOS's rounded place may lie from the edges it means


class Fault(Exception):
    """Why a geometry is refused, one sentence."""


def ring_name(part: int, ring: int, parts: int) -> str:
    """``The outer ring``, ``Hole 2 of part 3``; part and ring count from 0."""
    name = "The outer ring" if ring == 0 else f"Hole {ring}"
    return name if parts == 1 else f"{name} of part {part + 1}"


def point_name(number: int, ring: str) -> str:
    """``Point 5 of the outer ring``; points count from 1."""
    return f"Point {number} of {_inside(ring)}"


def where(point: Sequence[float] | Array) -> str:
    """``lon -0.127800, lat 51.507400``: a tenth of a metre, brought within ±180."""
    lon = (point[0] + 180.0) % 360.0 - 180.0 if abs(point[0]) > 180.0 else point[0]
    return f"lon {lon:.6f}, lat {point[1]:.6f}"


def spike(points: Array) -> int | None:
    """Row of the first point of a closed ring, (n, 2), at which the line turns straight back; None where there is none. Exact."""
    open_ring = points[:-1]
    back = np.roll(open_ring, 1, axis=0) - open_ring
    on = np.roll(open_ring, -1, axis=0) - open_ring
    cross = back[:, 0] * on[:, 1] - back[:, 1] * on[:, 0]
    dot = (back * on).sum(axis=1)
    for i in np.flatnonzero((dot > 0) & (np.abs(cross) <= 1e-9 * dot)).tolist():
        if _turn(open_ring[i - 1], open_ring[i], open_ring[(i + 1) % len(open_ring)]) == 0:
            return int(i)
    return None


def straight(points: Array) -> bool:
    """Whether all points of a closed ring, (n, 2), lie on one line, so that it encloses nothing. Exact."""
    a = points[0]
    b = points[int(np.argmax(np.abs(points - a).max(axis=1)))]
    cross = (b[0] - a[0]) * (points[:, 1] - a[1]) - (b[1] - a[1]) * (points[:, 0] - a[0])
    if np.any(np.abs(cross) > 1e-9 * np.abs(b - a).max() ** 2):
        return False
    return all(_turn(a, b, c) == 0 for c in points)


def _turn(a: Array, b: Array, c: Array) -> Fraction:
    (ax, ay), (bx, by), (cx, cy) = ([Fraction(float(v)) for v in p] for p in (a, b, c))
    return (bx - ax) * (cy - by) - (by - ay) * (cx - bx)


def sentence(reason: str, rings: Sequence[tuple[str, Array, Array]]) -> str:
    """A sentence for GEOS's validity reason.

    Parameters
    ----------
    reason : as ``shapely.is_valid_reason`` gives it, ``Self-intersection[lon lat]``
    rings : for each ring its name, its (n, 2) points and the (n,) numbers they were given as, from 1
    """
    found = _REASON.fullmatch(reason)
    words = _WORDS.get(found["reason"]) if found else None
    if found is None or words is None or found["lon"] is None:
        return f"The zone is not valid: {reason}."
    place = np.array([float(found["lon"]), float(found["lat"])])
    edges = [(name, points, numbers, i) for name, points, numbers in rings for i in _edges_at(points, place)]
    names = list(dict.fromkeys(edge[0] for edge in edges))
    if len(names) >= 2:
        corners = [{tuple(point) for point in points.tolist()} for name, points, _ in rings if name in names[:2]]
        said = _SAME if corners[0] == corners[1] else words[1]
        return f"{names[0]} and {_inside(names[1])} {said} near {where(place)}."
    return f"{names[0] if names else 'The zone'} {words[0]} near {where(place)}{_meeting(words[0], place, edges)}."


def _meeting(words: str, place: Array, edges: Sequence[tuple[str, Array, Array, int]]) -> str:
    """Which of a ring's own points or lines meet at a place, where that is what is wrong with it."""
    if "itself" not in words:
        return ""
    on = [int(numbers[i]) for _, points, numbers, i in edges if np.abs(points[i] - place).max() <= _NEAR_DEG]
    if len(on) >= 2:
        return f": points {on[0]} and {on[-1]} are the same place"
    lines = [(int(numbers[i]), int(numbers[i + 1])) for _, _, numbers, i in edges]
    for first in lines:
        for second in lines:
            if second[0] > first[1] and not (first[0] == 1 and second[1] == int(edges[0][2][-1])):
                return f": its line from point {first[0]} to {first[1]} meets its line from point {second[0]} to {second[1]}"
    return ""


def _inside(name: str) -> str:
    """A name as it stands inside a sentence."""
    return name[0].lower() + name[1:]


def _edges_at(points: Array, place: Array) -> list[int]:
    """Rows of the edges that pass through a place."""
    a, along = points[:-1] - place, np.diff(points, axis=0)
    length2 = np.maximum((along**2).sum(axis=1), np.finfo(float).tiny)
    t = np.clip(-(a * along).sum(axis=1) / length2, 0.0, 1.0)
    apart = np.hypot(*(a + t[:, None] * along).T)
    rows: list[int] = np.flatnonzero(apart <= _NEAR_DEG).tolist()
    return rows
