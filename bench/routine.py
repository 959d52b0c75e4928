"""Turns (wearer, instant) into where a compliant wearer is: asleep at home, at work, on an errand, on the way.

Nothing is stored: the day's outings are drawn from (seed, wearer, day) whenever they are asked for, and every day begins and
ends at home, so any instant of any day can be asked for alone. A route's bends are drawn from (seed, wearer, place): the same
way every day. Days are UTC days; no clock changes in this town.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.chance import F64, Draw, between, bits, unit
from bench.fleet import Fleet

DAY_S: Final = 86_400

LEGS: Final = 12  # straight pieces of a route
BOW: Final = 0.10  # a route bows to one side by up to this share of its length ...
BEND: Final = 0.22  # ... and each corner leaves the bow by up to this share of a piece
WALK_UP_TO_M: Final = 1500.0  # further than this people drive, or take a bus

WALK_MPS: Final = (1.15, 1.40)  # along the straight line; bends and pauses make it 1.4 on the ground
DRIVE_MPS: Final = (8.0, 11.0)

# How speed swings about its mean (stops at lights; a walker's dawdling), and how often on the way.
_SWING_DRIVE: Final = 0.85
_SWING_WALK: Final = 0.12
_STOPS: Final = 5

# Outings of a day, hours: (leaves between, stays between, chance). The longest way takes 22 minutes, so none overlap.
_WORK: Final = ((7.0, 8.4), (15.6, 17.3))  # leaves home between, leaves work between
_ERRANDS: Final = (((9.0, 10.5), (0.4, 1.6), 0.85), ((13.5, 15.0), (0.3, 1.6), 0.80), ((18.4, 19.2), (0.3, 1.5), 0.60))
_NOON_S: Final = int(13.2 * 3600)  # the first errand is over, the second not begun
_EVENING_S: Final = int(18.2 * 3600)


class Whereabouts(NamedTuple):
    """Where some wearers are, each (n,)."""

    x: F64  # metres east of home
    y: F64  # metres north of home
    speed_mps: F64
    heading_deg: F64  # clockwise from north, NaN while still
    still: npt.NDArray[np.bool_]  # at home or at a place: indoors


def locate(fleet: Fleet, rows: Any, t_us: Any) -> Whereabouts:
    """Where the compliant routine has each of ``rows`` (n,) at ``t_us``, microseconds since 1970 UTC, one or (n,)."""
    rows = np.asarray(rows, np.int64)
    t = np.broadcast_to(np.asarray(t_us, np.int64), rows.shape)
    day, within_us = t // (DAY_S * 1_000_000), t % (DAY_S * 1_000_000)
    clock_s = within_us / 1e6
    out = _outing(fleet, rows, day, clock_s)
    x, y = np.zeros(len(rows)), np.zeros(len(rows))
    speed, heading = np.zeros(len(rows)), np.full(len(rows), np.nan)

    there = out.goes & (clock_s >= out.arrive_s) & (clock_s < out.leave_s)
    x[there] = fleet.place_x[rows[there], out.place[there]]
    y[there] = fleet.place_y[rows[there], out.place[there]]

    going = out.goes & (clock_s >= out.depart_s) & (clock_s < out.arrive_s)
    coming = out.goes & (clock_s >= out.leave_s) & (clock_s < out.leave_s + out.way_s)
    moving = np.flatnonzero(going | coming)
    if len(moving):
        m = moving
        since_s = np.where(going[m], clock_s[m] - out.depart_s[m], clock_s[m] - out.leave_s[m])
        share = np.clip(since_s / out.way_s[m], 0, 1)
        share, rate = _eased(share, out.drives[m])
        back = coming[m]
        x[m], y[m], dx, dy = _along(fleet, rows[m], out.place[m], np.where(back, 1 - share, share))
        speed[m] = np.hypot(dx, dy) * rate / out.way_s[m]
        sign = np.where(back, -1.0, 1.0)
        heading[m] = np.degrees(np.arctan2(dx * sign, dy * sign)) % 360
    still = np.ones(len(rows), np.bool_)
    still[moving] = False
    return Whereabouts(x, y, speed, heading, still)


class _Outing(NamedTuple):
    goes: npt.NDArray[np.bool_]
    place: npt.NDArray[np.int64]
    depart_s: F64
    arrive_s: F64
    leave_s: F64
    way_s: F64
    drives: npt.NDArray[np.bool_]


def _outing(fleet: Fleet, rows: Any, day: Any, clock_s: F64) -> _Outing:
    """The one outing of the day that could be under way at this time of it."""
    key = fleet.key[rows]
    root = bits(key, day)
    weekday = (day + 3) % 7 < 5  # 1970-01-01 was a Thursday
    works = weekday & (unit(key, Draw.JOB) < 0.5) & (unit(root, Draw.WORKS) < 0.92) & (clock_s < _EVENING_S)
    slot = np.where(works, 3, (clock_s >= _NOON_S).astype(np.int64) + (clock_s >= _EVENING_S))
    leaves = np.array([errand[0] for errand in _ERRANDS] + [_WORK[0]]) * 3600
    stays = np.array([errand[1] for errand in _ERRANDS] + [_WORK[1]]) * 3600
    chance = np.array([errand[2] for errand in _ERRANDS] + [1.0])
    goes = unit(root, Draw.OUTING, slot) < chance[slot]
    place = np.where(works, 0, 1 + (3 * unit(root, Draw.WHERE, slot)).astype(np.int64))
    way_s, drives = _way_s(fleet, rows, place)
    depart_s = leaves[slot, 0] + (leaves[slot, 1] - leaves[slot, 0]) * unit(root, Draw.DEPART, slot)
    arrive_s = depart_s + way_s
    stay = stays[slot, 0] + (stays[slot, 1] - stays[slot, 0]) * unit(root, Draw.STAY, slot)
    leave_s = np.where(works, stay, arrive_s + stay)
    return _Outing(goes, place, depart_s, arrive_s, leave_s, way_s, drives)


def _way_s(fleet: Fleet, rows: Any, place: Any) -> tuple[F64, npt.NDArray[np.bool_]]:
    """Seconds from home to a place and whether by road, both (n,)."""
    length_m = np.hypot(fleet.place_x[rows, place], fleet.place_y[rows, place]).astype(np.float64)
    drives = length_m > WALK_UP_TO_M
    gait = between(0, 1, fleet.key[rows], Draw.GAIT)
    low = np.where(drives, DRIVE_MPS[0], WALK_MPS[0])
    high = np.where(drives, DRIVE_MPS[1], WALK_MPS[1])
    return np.maximum(length_m, 1) / (low + (high - low) * gait), drives


def _eased(share: F64, drives: Any) -> tuple[F64, F64]:
    """Share of the way gone after a share of the time, and its derivative: speed swings, start and end stay."""
    swing = np.where(drives, _SWING_DRIVE, _SWING_WALK)
    turn = 2 * np.pi * _STOPS * share
    return share - swing * np.sin(turn) / (2 * np.pi * _STOPS), 1 - swing * np.cos(turn)


def _along(fleet: Fleet, rows: Any, place: Any, share: F64) -> tuple[F64, F64, F64, F64]:
    """Point (x, y) metres at a share of the route, and d(x, y)/d(share)."""
    piece = np.minimum((share * LEGS).astype(np.int64), LEGS - 1)
    rest = share * LEGS - piece
    x0, y0 = corner(fleet, rows, place, piece)
    x1, y1 = corner(fleet, rows, place, piece + 1)
    return x0 + (x1 - x0) * rest, y0 + (y1 - y0) * rest, (x1 - x0) * LEGS, (y1 - y0) * LEGS


def corner(fleet: Fleet, rows: Any, place: Any, number: Any) -> tuple[F64, F64]:
    """Corner ``number`` (0 home .. LEGS the place) of the route to a place, metres from home; arguments broadcast."""
    x = fleet.place_x[rows, place].astype(np.float64)
    y = fleet.place_y[rows, place].astype(np.float64)
    key = fleet.key[rows]
    inner = (number > 0) & (number < LEGS)
    bow = BOW * (2 * unit(key, Draw.BOW, place) - 1) * np.sin(np.pi * number / LEGS)
    bend = BEND / LEGS * (2 * unit(key, Draw.BEND, place, number) - 1)
    aside = np.where(inner, bow + bend, 0.0)  # share of the route's length, to the right of it
    along = number / LEGS
    return x * along + y * aside, y * along - x * aside
