"""Turns (seed, who, what, when) into the same random number every time: chance without a state to carry or lose."""

from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
F64 = npt.NDArray[np.float64]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: splitmix64's step
_MIX1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX2: Final = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11, _S32 = (np.uint64(n) for n in (30, 27, 31, 11, 32))
_LOW32: Final = np.uint64(0xFFFFFFFF)


class Draw(IntEnum):
    """What a number is drawn for. Values are part of every world: change one and all worlds change."""

    TAG = 1
    CITY = 2
    HOME = 3
    PLACE = 4
    JOB = 5
    PHASE = 6
    BATCH = 7
    GAIT = 8
    DEVICE = 9
    WORKS = 20
    OUTING = 21
    DEPART = 22
    STAY = 23
    WHERE = 24
    BOW = 30
    BEND = 31
    ZONE = 40
    FORM = 41
    OUTLINE = 42
    PLAN = 50
    PLAN_KIND = 51
    PLAN_ZONE = 52
    PLAN_STAY = 53
    ERROR_FAST = 60
    ERROR_SLOW = 61
    SKY = 62
    SOURCE = 63
    MISSED = 64
    CANYON = 65
    SATELLITES = 66
    DRAIN = 70
    CHARGE = 71
    OUTAGE = 80
    LATENCY = 81


def _mixed(x: U64) -> U64:
    """splitmix64's finaliser (Steele, Lea, Flood 2014): every input bit reaches every output bit. Works in place."""
    x ^= x >> _S30
    x *= _MIX1
    x ^= x >> _S27
    x *= _MIX2
    x ^= x >> _S31
    return x


def _word(key: Any) -> U64:
    """A key as uint64; negative numbers wrap."""
    return np.asarray(key).astype(np.int64, copy=False).astype(np.uint64)


def bits(root: Any, *keys: Any) -> U64:
    """64 random bits for each element of the broadcast of a uint64 root and integer keys; the same for the same keys.

    Parameters
    ----------
    root : uint64, a seed or the result of an earlier call.
    keys : integers or integer arrays that broadcast with it.
    """
    with np.errstate(over="ignore"):
        x = np.atleast_1d(np.asarray(root, np.uint64))
        for key in keys:
            x = _mixed((x ^ (_word(key) * _MIX2)) + _GOLDEN)
        return x


def unit(root: Any, *keys: Any) -> F64:
    """Uniform numbers in [0, 1)."""
    share: F64 = (bits(root, *keys) >> _S11).astype(np.float64)
    share *= 2.0**-53
    return share


def between(low: float, high: float, root: Any, *keys: Any) -> F64:
    """Uniform numbers in [low, high)."""
    return low + (high - low) * unit(root, *keys)


def normal_pair(root: Any, *keys: Any) -> tuple[F64, F64]:
    """Two independent standard normal numbers for each element (Box and Muller 1958), from 32 bits each."""
    x = bits(root, *keys)
    radius = np.sqrt(-2.0 * np.log(((x >> _S32) + 1.0) * 2.0**-32)).astype(np.float64, copy=False)
    angle = ((x & _LOW32) * (2.0 * np.pi * 2.0**-32)).astype(np.float64, copy=False)
    east: F64 = np.asarray(radius * np.cos(angle), np.float64)
    north: F64 = np.asarray(radius * np.sin(angle), np.float64)
    return east, north


def drift(root: Any, what: Draw, t_s: F64, period_s: float) -> tuple[F64, F64]:
    """Two standard normal numbers that change smoothly over ``period_s``: what a moment ago was high still is.

    Neighbouring knots are blended with weights whose squares sum to 1, so the result is standard normal at every instant.
    """
    knot = np.floor(t_s / period_s)
    blend: F64 = np.asarray((t_s / period_s - knot) * (np.pi / 2), np.float64)
    east0, north0 = normal_pair(root, what, knot)
    east1, north1 = normal_pair(root, what, knot + 1)
    now, then = np.cos(blend), np.sin(blend)
    return now * east0 + then * east1, now * north0 + then * north1
