"""Turns where a wearer truly is into what the tag reports: position with its error, accuracy, source, battery.

``accuracy_m`` is the 95 % radius and the error keeps to it: in each direction normal with accuracy / 2.4477, changing smoothly
as a real receiver's does (a minute of it is a step, not noise), and cut off at ``WORST`` times the radius. The cut is what lets
a world promise that a compliant wearer never seems to be where they are not; real receivers promise nothing.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.chance import F64, Draw, between, bits, drift, unit
from bench.fleet import Fleet

WORST: Final = 1.2  # no error is longer than this many accuracy radii
_SIGMAS: Final = 2.4477  # 95 % of a two-dimensional normal lies within this many standard deviations

# 95 % radii by surroundings, metres: low and high ends.
OPEN_M: Final = (4.0, 20.0)
CANYON_M: Final = (25.0, 60.0)  # streets between tall houses
INDOORS_M: Final = (8.0, 50.0)
WIFI_M: Final = (35.0, 75.0)
CELL_M: Final = (250.0, 600.0)

MOVING_ERROR_M: Final = WORST * WIFI_M[1]  # no fix taken on the way is farther from the truth than this
STILL_ERROR_M: Final = WORST * CELL_M[1]  # nor one taken at home or at a place than this

GNSS, WIFI, CELL = 0, 1, 2
SOURCES: Final = ("gnss", "wifi", "cell")

_BLOCK_S: Final = 240  # surroundings hold for so long


class Reported(NamedTuple):
    """What tags report, each (n,); ``heard`` is False where no position came of it at all."""

    heard: npt.NDArray[np.bool_]
    x: F64
    y: F64
    accuracy_m: F64
    source: npt.NDArray[np.int8]
    hdop: F64  # NaN where not GNSS
    satellites: npt.NDArray[np.int16]  # -1 where not GNSS


def report(fleet: Fleet, rows: Any, t_us: Any, truth: tuple[F64, F64], still: Any, forced: tuple[F64, F64]) -> Reported:
    """What the tags of ``rows`` report at ``t_us`` (n,) from true positions (x, y) in metres about home.

    Parameters
    ----------
    still : (n,) bool, at home or at a place: indoors, where Wi-Fi and cells stand in for satellites now and then.
    forced : two (n,) arrays of metres, the 95 % radius to report and the one the error really has: an open sky, GNSS, nothing
        missed; NaN for whatever the surroundings give.
    """
    key = fleet.key[rows]
    t_s = np.asarray(t_us) / 1e6
    block = np.floor(t_s / _BLOCK_S)
    fixed = ~np.isnan(forced[0])
    chance = unit(key, Draw.SOURCE, block)
    canyon = ~still & (unit(key, Draw.CANYON, block) < 0.15)
    cell = still & (chance < 0.006)
    wifi = ~cell & np.where(still, chance < 0.12, canyon & (chance < 0.25))

    device = between(0.9, 1.25, key, Draw.DEVICE)
    sky, _ = drift(key, Draw.SKY, t_s, 420.0)
    accuracy: Any = np.clip(7.0 * device * np.exp(0.35 * sky), *OPEN_M)
    accuracy = np.where(still, np.clip(16.0 * device * np.exp(0.40 * sky), *INDOORS_M), accuracy)
    accuracy = np.where(canyon, np.clip(36.0 * device * np.exp(0.25 * sky), *CANYON_M), accuracy)
    place = unit(key, Draw.SKY, block)
    accuracy = np.where(wifi, WIFI_M[0] + (WIFI_M[1] - WIFI_M[0]) * place, accuracy)
    accuracy = np.where(cell, CELL_M[0] + (CELL_M[1] - CELL_M[0]) * place, accuracy)
    accuracy = np.round(np.where(fixed, forced[0], accuracy), 1)

    source = np.where(fixed, GNSS, np.where(cell, CELL, np.where(wifi, WIFI, GNSS))).astype(np.int8)
    missed = unit(key, Draw.MISSED, np.floor(t_s)) < np.where(canyon, 0.06, 0.012)
    east, north = _unit_error(key, t_s)
    radius = np.where(fixed, forced[1], accuracy)
    x, y = truth[0] + radius * east, truth[1] + radius * north
    satellite = source == GNSS
    hdop = np.where(satellite, np.round(np.clip(accuracy / 9, 0.6, 9.9), 1), np.nan)
    seen = np.clip(15 - accuracy / 5 + 2 * unit(key, Draw.SATELLITES, np.floor(t_s)), 4, 16).astype(np.int16)
    return Reported(~missed | fixed, x, y, accuracy, source, hdop, np.where(satellite, seen, np.int16(-1)))


def _unit_error(key: Any, t_s: F64) -> tuple[F64, F64]:
    """Error east and north in accuracy radii: part changes over a minute, part over ten."""
    fast_east, fast_north = drift(key, Draw.ERROR_FAST, t_s, 75.0)
    slow_east, slow_north = drift(key, Draw.ERROR_SLOW, t_s, 600.0)
    east = (np.sqrt(0.6) * fast_east + np.sqrt(0.4) * slow_east) / _SIGMAS
    north = (np.sqrt(0.6) * fast_north + np.sqrt(0.4) * slow_north) / _SIGMAS
    cut = np.minimum(1.0, WORST / np.maximum(np.hypot(east, north), 1e-9))
    return east * cut, north * cut


# Battery: full after the evening's charge, which is now and then forgotten and made up for in the morning.
DRAIN_PCT_PER_H: Final = (1.9, 2.75)
_EVENING_H: Final = (19.8, 21.4)  # charging begins between
_MORNING_H: Final = (6.3, 6.9)
_CHARGE_H: Final = 1.6  # whatever was left: charging slows as it fills
_FORGOTTEN: Final = 0.03


class Battery(NamedTuple):
    """State of charge of some tags, each (n,)."""

    percent: npt.NDArray[np.int16]
    charging: npt.NDArray[np.bool_]


def battery(fleet: Fleet, rows: Any, t_us: Any) -> Battery:
    """State of charge at ``t_us`` (n,): a function of the instant alone, from the last charge and the one before it."""
    key = fleet.key[rows]
    hours = np.asarray(t_us) / 3.6e9
    day = np.floor(hours / 24)
    drain = between(*DRAIN_PCT_PER_H, key, Draw.DRAIN)
    full = np.full(len(key), -np.inf)  # when the last finished charge ended, hours
    begun, before = np.full(len(key), -np.inf), np.full(len(key), -np.inf)  # a charge under way, and the full one before it
    for back in (3, 2, 1, 0):
        start = _charge_h(key, day - back)
        under_way = (start <= hours) & (hours < start + _CHARGE_H)
        begun, before = np.where(under_way, start, begun), np.where(under_way, full, before)
        full = np.where(start + _CHARGE_H <= hours, start + _CHARGE_H, full)
    charging = np.isfinite(begun)
    level = 100 - drain * (hours - full)
    with np.errstate(invalid="ignore"):
        at_start = np.maximum(100 - drain * (begun - before), 1)
        rising = at_start + (100 - at_start) * np.sqrt(np.clip((hours - begun) / _CHARGE_H, 0, 1))
    percent = np.clip(np.where(charging, rising, level), 1, 100)
    return Battery(np.floor(percent).astype(np.int16), charging)


def _charge_h(key: Any, day: F64) -> F64:
    """When the charge of each evening begins, hours since 1970: that evening, or next morning where it was forgotten."""
    root = bits(key, Draw.CHARGE, day)
    share = unit(root, 0)
    evening = _EVENING_H[0] + (_EVENING_H[1] - _EVENING_H[0]) * share
    morning = 24 + _MORNING_H[0] + (_MORNING_H[1] - _MORNING_H[0]) * share
    return np.asarray(24.0 * day + np.where(unit(root, 1) < _FORGOTTEN, morning, evening))
