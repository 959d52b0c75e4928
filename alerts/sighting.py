"""A hit, or none, and how far its fix can be trusted become what that fix says of one zone."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from alerts.rules import Rules
from alerts.track import Track
from model.arrays import F64, I64, Array
from model.hit import Verdict
from model.instant import FOREVER_US
from model.zone import Monitored, Zone


class Said(IntEnum):
    """What a fix says of a zone once source and quality are weighed, ordered by how far in."""

    SILENT = 0  # nothing: it cannot be definite and does not reach the zone, or is possible but too wide to tell
    FAR = 1  # definite outside, farther than one fix needs to end a condition
    OUTSIDE = 2  # definite outside
    POSSIBLE = 3  # possible, with the centre near enough to raise on
    INSIDE = 4  # definite inside


class Sighting(NamedTuple):
    """One fix and one zone, with all that the state machine needs to know of them."""

    said: int  # Said
    crossed: bool
    distance_m: float  # NaN where there is no hit: farther than anything that matters
    zone: Zone | None  # the version in force, None where the zone does not apply
    authority: Monitored | None  # None where nobody may judge
    zone_id: int
    at_us: int  # time it is judged at
    lane_us: int
    fix: Array  # (1,) FIX
    skewed: bool
    late: bool
    alone: bool
    known: bool  # whether the wearer's whereabouts are known at lane time; only asked where ``late``
    before: Array  # (1,) FIX, tag 0 for none: the fix a crossing path came from; only where ``crossed``
    held_us: int = FOREVER_US  # where controls changed: until when whom an occurrence is of was monitored when it began, 0 if not


def weigh(rules: Rules, track: Track, hits: Array, buffer_m: F64) -> I64:
    """(h,) Said of (h,) HIT whose ``fix_row`` is a row of the track; ``buffer_m`` (h,) the zones' own."""
    able = track.able[hits["fix_row"]]
    near = hits["distance_m"] <= rules.raise_within_m
    far_m = np.where(buffer_m > 0.0, buffer_m, rules.leave_far_m)
    out = np.where(hits["distance_m"] > far_m, Said.FAR, Said.OUTSIDE)
    verdict = hits["verdict"]
    said: I64 = np.where(
        verdict == Verdict.OUTSIDE,
        np.where(able, out, Said.SILENT),
        np.where((verdict == Verdict.INSIDE) & able, Said.INSIDE, np.where(near, Said.POSSIBLE, Said.SILENT)),
    ).astype(np.int64)
    return said
