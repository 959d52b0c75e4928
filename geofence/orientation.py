"""Three points become the side of a line one of them lies on, decided exactly as GEOS decides it."""

from typing import Final

from geofence.kernel import inlined, lean

# Above this share of the determinant's terms its sign cannot be a rounding error (Shewchuk's bound is 3.3e-16; GEOS takes 1e-15).
_SAFE: Final = 1e-15
_SPLIT: Final = 134217729.0  # 2**27 + 1: cuts a double into halves whose products are exact (Dekker 1971)


@inlined
def orientation(ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> int:
    """Side of the line a -> b on which c lies: 1 left, -1 right, 0 on it.

    A floating-point filter answers nearly always; what it cannot is decided in double-double arithmetic (106 bits), which is
    exact wherever the differences of the coordinates are, as they are on the scale of any zone. Steps, order and constants are
    those of GEOS, so that the two agree on every point, even those no arithmetic of this width can decide (differences below
    1e-150 degrees, whose products underflow).

    Source: Shewchuk, *Adaptive Precision Floating-Point Arithmetic* (1997), for the filter; Dekker (1971) for double-double;
    ``CGAlgorithmsDD`` of GEOS and JTS for their combination.
    """
    left = (ax - cx) * (by - cy)
    right = (ay - cy) * (bx - cx)
    det = left - right
    if (left > 0.0 and right > 0.0) or (left < 0.0 and right < 0.0):
        bound = _SAFE * abs(left + right)
        if -bound < det < bound:
            return _orientation_dd(ax, ay, bx, by, cx, cy)
    return _sign(det)


@lean
def _orientation_dd(ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> int:
    dx1, dx1_low = _sum(bx, 0.0, -ax, 0.0)
    dy1, dy1_low = _sum(by, 0.0, -ay, 0.0)
    dx2, dx2_low = _sum(cx, 0.0, -bx, 0.0)
    dy2, dy2_low = _sum(cy, 0.0, -by, 0.0)
    left, left_low = _product(dx1, dx1_low, dy2, dy2_low)
    right, right_low = _product(dy1, dy1_low, dx2, dx2_low)
    det, det_low = _sum(left, left_low, -right, -right_low)
    return _sign(det) if det != 0.0 else _sign(det_low)


@inlined
def _sign(value: float) -> int:
    if value > 0.0:
        return 1
    if value < 0.0:
        return -1
    return 0


@lean
def _sum(high: float, low: float, other: float, other_low: float) -> tuple[float, float]:
    s = high + other
    t = low + other_low
    e = s - high
    f = t - low
    s_rest = (other - e) + (high - (s - e))
    t_rest = (other_low - f) + (low - (t - f))
    e = s_rest + t
    h = s + e
    e = t_rest + (e + (s - h))
    total = h + e
    return total, e + (h - total)


@lean
def _product(high: float, low: float, other: float, other_low: float) -> tuple[float, float]:
    c = _SPLIT * high
    hx = c - (c - high)
    tx = high - hx
    c = _SPLIT * other
    hy = c - (c - other)
    ty = other - hy
    p = high * other
    rest = ((((hx * hy - p) + hx * ty) + tx * hy) + tx * ty) + (high * other_low + low * other)
    total = p + rest
    return total, rest + (p - total)
