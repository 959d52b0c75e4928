"""Fixes in the order and at the times they are judged: what quality makes of a batch and the state machine reads."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from model.arrays import I64, Array, Bool, joined, taken
from model.fix import FIX, Flag, Quality, Source
from model.hit import HIT


class Track(NamedTuple):
    """One row a judgement: ordered by tag, then as each tag's fixes are judged.

    A fix stands here twice where a second one confirmed it: first as the implausible one it was, then as ok.
    """

    fixes: Array  # (n,) FIX as judged: evidence
    at_us: Array  # int64 (n,) the time it is judged at: fix_at_us, but received_us where the tag's clock is wrong
    lane_us: Array  # int64 (n,) lane time
    rank: Array  # int64 (n,) place of the deciding record in the batch's arrival order
    forward: Array  # bool (n,) moves its tag forward; others only speak of where it may be
    able: Array  # bool (n,) can be definite
    late: Array  # bool (n,) what it raises is late
    alone: Array  # bool (n,) one possible verdict suffices to raise: no second is to be had

    def taken(self, rows: Array) -> "Track":
        """The track of some of its rows, given as indices or a mask."""
        return Track(taken(self.fixes, rows), *(column[rows] for column in self[1:]))


def track_of(fixes: Array, at_us: Array, lane_us: Array, rank: Array, forward: Array) -> Track:
    """A track of (n,) FIX whose quality is known; the other columns follow from it."""
    return Track(
        fixes,
        at_us,
        lane_us,
        rank,
        forward,
        able(fixes),
        (fixes["flags"] & (Flag.LATE | Flag.DISORDERED)) != 0,
        np.zeros(len(fixes), bool),
    )


def able(fixes: Array) -> Bool:
    """Which of (n,) FIX can be definite: GNSS or RF, neither an implausible jump nor from a wrong clock.

    A low-accuracy one can: its verdict follows from its radius, which already says how little it knows.
    """
    sure = (fixes["quality"] == Quality.OK) | (fixes["quality"] == Quality.LOW_ACCURACY)
    placed: Bool = sure & ((fixes["source"] == Source.GNSS) | (fixes["source"] == Source.RF))
    return placed


def runs(values: Array) -> I64:
    """(k + 1,) where each run of equal values begins, and the end; of no values, the end alone."""
    if not len(values):
        return np.zeros(1, np.int64)
    return np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1], [True])))


def look(at: Callable[[Array, Array], Array], track: Track, tags: Array) -> Array:
    """(h,) HIT of a track, ``fix_row`` its rows.

    Paths are looked for between fixes that move a tag forward; the others are looked at alone, at the time they are judged.

    Parameters
    ----------
    at : turns (n,) FIX and (k,) last FIX into hits: ``World.look``
    tags : TAG rows in order of tag, as remembered before the track, of at least all its tags
    """
    parts = []
    for forward in (True, False):
        rows = np.flatnonzero(track.forward == forward)
        if not len(rows):
            continue
        fixes = taken(track.fixes, rows)
        fixes["fix_at_us"] = track.at_us[rows]
        fixes["quality"] = Quality.OK  # paths go from one such fix to the next, whatever its accuracy
        present = fixes["tag"][runs(fixes["tag"])[:-1]]
        last = np.zeros(len(present), FIX)
        if forward:
            last = taken(tags["last"], np.searchsorted(tags["tag"], present))
        hits = at(fixes, last)
        hits["fix_row"] = rows[hits["fix_row"]]
        parts.append(hits)
    return joined(parts, HIT)
