"""Fixes in the order and at the times they are judged: what quality makes of a batch and the state machine reads."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from geofence.hits import CROSS_GAP_US
from model.arrays import I64, Array, Bool, copied, joined, taken
from model.fix import FIX, Flag, Quality, Source
from model.hit import HIT
from model.state import State


class Track(NamedTuple):
    """One row a judgement: ordered by tag, then as each tag's fixes are judged.

    A fix stands here twice where a second one confirmed it: first as the implausible one it was, then as ok; and once more for
    each instant that had passed before it came (``alerts.passed``).
    """

    fixes: Array  # (n,) FIX as judged: evidence
    at_us: Array  # int64 (n,) the time it is judged at: fix_at_us, but received_us where the tag's clock is wrong
    lane_us: Array  # int64 (n,) lane time
    rank: Array  # int64 (n,) place of the deciding record in the batch's arrival order
    forward: Array  # bool (n,) moves its tag forward; others only speak of where it may be
    able: Array  # bool (n,) can be definite
    late: Array  # bool (n,) what it raises is late
    alone: Array  # bool (n,) one possible verdict suffices to raise: no second is to be had
    passed: Array  # bool (n,) no fix, but an instant at which controls changed, seen by the fix before: it can only end something

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
        np.zeros(len(fixes), bool),
    )


def able(fixes: Array) -> Bool:
    """Which of (n,) FIX can be definite: GNSS or RF, neither an implausible jump nor from a wrong clock.

    A low-accuracy one can: its verdict follows from its radius, which already says how little it knows.
    """
    sure = (fixes["quality"] == Quality.OK) | (fixes["quality"] == Quality.LOW_ACCURACY)
    placed: Bool = sure & ((fixes["source"] == Source.GNSS) | (fixes["source"] == Source.RF))
    return placed


def sure_of(state: State, tags: Array) -> Array:
    """(k,) TAG as remembered, but ``last`` the last fix of each that could be definite, from which paths go; zeros for none."""
    unsure = _unsure(tags["last"])
    if not unsure.any():
        return tags
    tags = copied(tags)
    tags["last"][unsure] = np.zeros((), FIX)
    for row in np.flatnonzero(unsure & state.has(state.find(tags["tag"]), state.sures)).tolist():
        tags["last"][row] = state.sures[int(tags["tag"][row]), 0][0]
    return tags


def remember_sure(state: State, track: Track, before: Array, after: Array) -> None:
    """Write down the last fix of each tag that could be definite, where its last one cannot and a path may yet go from it.

    Parameters
    ----------
    before, after : (k,) TAG in order of tag: before the track, ``last`` as ``sure_of`` says, and after it
    """
    unsure = _unsure(after["last"])
    if not unsure.any() and not len(state.sures):
        return
    held = state.has(state.find(after["tag"]), state.sures)
    sure = before["last"].copy()
    rows = np.flatnonzero(track.forward & track.able)
    tags = track.fixes["tag"][rows]
    newest = rows[np.append(tags[1:] != tags[:-1], True)] if len(rows) else rows
    sure[np.searchsorted(after["tag"], track.fixes["tag"][newest])] = track.fixes[newest]
    kept = unsure & (sure["tag"] != 0) & (after["last"]["fix_at_us"] - sure["fix_at_us"] <= CROSS_GAP_US)
    for row in np.flatnonzero(kept).tolist():
        known = state.sures.get(int(after["tag"][row]))
        if known is None or known.tobytes() != sure[row].tobytes():
            state.put(state.sures, sure[row : row + 1].copy())
    for tag in after["tag"][held & ~kept].tolist():
        state.drop(state.sures, tag)


def _unsure(last: Array) -> Bool:
    """Which of (k,) FIX that moved their tags forward cannot be definite, by where they come from; of none, no."""
    source = last["source"]
    unsure: Bool = (source != Source.GNSS) & (source != Source.RF)
    return unsure & (last["tag"] != 0) if unsure.any() else unsure


def runs(values: Array) -> I64:
    """(k + 1,) where each run of equal values begins, and the end; of no values, the end alone."""
    if not len(values):
        return np.zeros(1, np.int64)
    return np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1], [True])))


def look(at: Callable[[Array, Array], Array], track: Track, tags: Array) -> Array:
    """(h,) HIT of a track, ``fix_row`` its rows.

    Paths go between fixes that move a tag forward and can be definite, whatever comes between two of them; the others are
    looked at alone, at the time they are judged.

    Parameters
    ----------
    at : turns (n,) FIX and (k,) last FIX into hits: ``World.look``
    tags : TAG rows in order of tag, as ``sure_of`` says, of at least all its tags
    """
    parts = []
    for forward in (True, False):
        rows = np.flatnonzero((track.forward & track.able) == forward)
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
