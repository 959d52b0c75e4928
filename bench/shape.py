"""Turns a zone's random key into an outline, and an outline and points into signed distances."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.chance import F64, Draw, unit

CIRCLE: Final = 0  # forms a zone can have
PLAIN: Final = 1
HOLED: Final = 2
PARTED: Final = 3

GAP_M: Final = 50.0  # between the two parts of a parted zone


class Shape(NamedTuple):
    """An outline in metres about the zone's own centre, which is always deep inside the first part.

    ``parts`` are polygons, each a tuple of open rings (k, 2), the outer one first; empty where ``radius_m`` says circle.
    """

    parts: tuple[tuple[F64, ...], ...]
    radius_m: float


def bound_m(form: Any, size_m: Any) -> Any:
    """Radius about the centre that holds the whole shape, metres; arrays of form and size."""
    return np.where(np.asarray(form) == PARTED, size_m + GAP_M + 2 * 0.6 * size_m, size_m)


def outline(key: Any, form: int, size_m: float, corners: int) -> Shape:
    """The shape of a () uint64 key.

    Parameters
    ----------
    form : CIRCLE, PLAIN, HOLED or PARTED.
    size_m : no corner of the first part is further from the centre, metres.
    corners : of the outer ring, 4 or more; holes and second parts have about a third.
    """
    if form == CIRCLE:
        return Shape((), size_m)
    rings = [_ring(key, 0, size_m, corners)]
    turn = 2 * np.pi * float(unit(key, Draw.OUTLINE, 99)[0])
    aside = np.array([np.sin(turn), np.cos(turn)])
    few = max(6, corners // 3)
    if form == HOLED:
        # A courtyard well off the centre, so that the centre stays deep inside.
        return Shape(((rings[0], _ring(key, 1, 0.11 * size_m, few)[::-1] + aside * 0.38 * size_m),), 0.0)
    if form == PARTED:
        rings.append(_ring(key, 1, 0.6 * size_m, few) + aside * (1.6 * size_m + GAP_M))
    return Shape(tuple((ring,) for ring in rings), 0.0)


def _ring(key: Any, number: int, size_m: float, corners: int) -> F64:
    """A star-shaped ring (corners, 2), anticlockwise: between a circle and a block of streets, with ragged sides."""
    step = 2 * np.pi / corners
    turn = step * (np.arange(corners) + 0.5 * (unit(key, Draw.OUTLINE, number, np.arange(corners)) - 0.5))
    square = 2 + 4 * float(unit(key, Draw.OUTLINE, number, 1001)[0])  # exponent of a superellipse: 2 circle, 6 nearly square
    tilt = 2 * np.pi * float(unit(key, Draw.OUTLINE, number, 1002)[0])
    block = (np.abs(np.cos(turn - tilt)) ** square + np.abs(np.sin(turn - tilt)) ** square) ** (-1 / square)
    wave = np.sin(3 * turn + 2 * np.pi * float(unit(key, Draw.OUTLINE, number, 1003)[0]))
    ragged = unit(key, Draw.OUTLINE, number, 2000 + np.arange(corners))
    radius = block * (1 + 0.10 * wave) * (0.92 + 0.08 * ragged)
    radius *= size_m / radius.max()
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)


def signed_distance(shape: Shape, points: F64) -> F64:
    """Metres from each of (n, 2) points to the shape's edge, negative inside; the frame is the shape's own.

    Inside is even-odd over all rings. Plain arithmetic of n x edges: meant for a few hundred points at a time.
    """
    if not shape.parts:
        return np.asarray(np.hypot(points[:, 0], points[:, 1]) - shape.radius_m)
    starts = np.concatenate([ring for part in shape.parts for ring in part])
    ends = np.concatenate([np.roll(ring, -1, axis=0) for part in shape.parts for ring in part])
    along = ends - starts
    x, y = points[:, :1], points[:, 1:]
    dx, dy = x - starts[:, 0], y - starts[:, 1]
    share = np.clip((dx * along[:, 0] + dy * along[:, 1]) / (along**2).sum(axis=1), 0, 1)
    near = np.hypot(dx - share * along[:, 0], dy - share * along[:, 1]).min(axis=1)
    rises = (starts[:, 1] <= y) != (ends[:, 1] <= y)
    left = (along[:, 0] * dy - along[:, 1] * dx > 0) == (along[:, 1] > 0)
    inside: npt.NDArray[np.bool_] = (rises & left).sum(axis=1) % 2 == 1
    return np.asarray(np.where(inside, -near, near), np.float64)
