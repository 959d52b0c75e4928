"""A batch's fixes become a track: each with its quality and flags, in the order and at the times they are judged."""

from typing import NamedTuple

import numpy as np

from alerts.pace import Places, apart_m, plausible
from alerts.rules import Rules
from alerts.terms import Terms
from alerts.track import Track, runs, track_of
from model.arrays import I64, Array, Bool, copied, plain, taken
from model.fix import FIX, Flag, Quality
from model.state import State


class Assessed(NamedTuple):
    """What quality found; the state is as it was."""

    fixes: Array  # (n,) FIX in identity order, quality and flags set, as they are to be stored
    track: Track  # those judged forward
    disordered: Bool  # (n,) of ``fixes``: older than what their tag was judged by, to be judged from history
    requalified: Array  # (r,) FIX stored earlier as implausible, confirmed by a fix of this batch
    lane_us: I64  # (n,) lane time of each of ``fixes``
    rows: I64  # (k,) where the state has each of the distinct tags, in order; -1 where it was never seen
    before: Array  # (k,) TAG of them as remembered; but for the tag, zeros where it was never seen
    after: Array  # (k,) TAG as they are to be remembered
    came: Array  # (n,) FIX as ``fixes``, but as they came: a jump is one though a later fix of the batch confirmed it
    overtaken: Bool  # (n,) of ``fixes``: judged forward, though a newer one of the tag's came before it, in this batch
    came_us: I64  # (n,) lane time at which each of ``fixes`` came: not ``lane_us`` where a tag's were overtaken


class _Jumps(NamedTuple):
    """What became of jumps. Rows are those of the fixes; tags their places among the batch's tags."""

    implausible: I64  # rows that were implausible when they came, confirmed later or not
    confirmed: list[tuple[int, int, int]]  # (tag, row of the jump or -1 for the state's doubt, row that confirmed it)
    doubt: dict[int, int]  # tag -> row of the jump that still waits for a second one


def assess(rules: Rules, terms: Terms, state: State, arrived: Array) -> Assessed:
    """Quality, flags and order of (n,) FIX given in arrival order; what a door wrote there is replaced.

    Lane time of a record is the newest time of receipt up to it in arrival order, and never before the state's watermark; a
    record judged after a later arrival of its own tag has that one's.
    """
    order = identity_order(arrived)
    fixes = taken(arrived, order)
    tag_at = runs(fixes["tag"])
    distinct = fixes["tag"][tag_at[:-1]]
    rows = state.find(distinct)
    tags = state.at(rows)
    tags["tag"] = distinct
    of_tag = np.repeat(np.arange(len(tags)), np.diff(tag_at))

    skewed = fixes["fix_at_us"] - fixes["received_us"] > rules.skew_us
    disordered = ~skewed & older(fixes, tags, of_tag)
    at_us = np.where(skewed, fixes["received_us"], fixes["fix_at_us"])
    late = fixes["received_us"] - fixes["fix_at_us"] > rules.late_us
    fixes["flags"] = (
        fixes["flags"] & Flag.ACCURACY_ASSUMED
        | np.where(late, Flag.LATE, 0)
        | np.where(disordered, Flag.DISORDERED, 0)
        | np.where(terms.covered(fixes["tag"], at_us), 0, Flag.UNASSIGNED)
    )
    fixes["quality"] = _quality(rules, fixes)
    fixes["quality"][skewed] = Quality.SKEWED

    good = np.flatnonzero(~skewed & ~disordered)
    jumps = _jumps(rules, fixes, good, of_tag, tags)
    rank = order.astype(np.int64)
    received_us = np.maximum.accumulate(arrived["received_us"]) if len(arrived) else arrived["received_us"]
    overtaken = _overtaken(received_us[order], good, of_tag, tags, jumps)
    rank[good] = _running_max(rank[good], of_tag[good])
    by_place = np.maximum(received_us, state.watermark_us)
    lane_us = by_place[rank]
    of_overtaken = np.isin(of_tag, of_tag[overtaken]) if overtaken.any() else overtaken

    row = np.flatnonzero(~disordered)
    track = _track(rules, fixes, jumps, row, at_us, lane_us, rank, tags)
    confirmed = np.array([jump for _, jump, _ in jumps.confirmed if jump >= 0], np.int64)
    came = fixes if not len(confirmed) else fixes.copy()
    came["quality"][jumps.implausible] = Quality.IMPLAUSIBLE
    if overtaken.any():
        came = came.copy()
        came["flags"][overtaken] |= Flag.DISORDERED
    came_us = np.where(of_overtaken, by_place[order], lane_us)
    fixes["quality"][np.setdiff1d(jumps.implausible, confirmed)] = Quality.IMPLAUSIBLE
    requalified = tags["doubt"][np.array([tag for tag, jump, _ in jumps.confirmed if jump < 0], np.int64)]
    requalified["quality"] = _quality(rules, requalified)
    after = _after(tags, fixes, good, of_tag, tag_at, jumps)
    return Assessed(fixes, track, disordered, requalified, lane_us, rows, tags, after, came, overtaken, came_us)


def identity_order(fixes: Array) -> I64:
    """(n,) places of (n,) FIX in identity order; equal identities keep their arrival order."""
    order: I64 = np.lexsort((fixes["fix_at_us"], fixes["tag"]))
    tag, at_us = fixes["tag"][order], fixes["fix_at_us"][order]
    if ((tag[1:] == tag[:-1]) & (at_us[1:] == at_us[:-1])).any():
        order = np.lexsort((fixes["source"], fixes["seq"], fixes["fix_at_us"], fixes["tag"]))
    return order


def older(fixes: Array, tags: Array, of_tag: Array) -> Bool:
    """Which of (n,) FIX do not come after what their tag was last judged by; (n,) bool.

    Fixes of one instant follow each other by seq and source, so that a device's two positions a moment are both in order.

    Parameters
    ----------
    tags : (k,) TAG
    of_tag : (n,) int64, the row of ``tags`` of each fix
    """
    old = np.zeros(len(fixes), bool)
    for judged in (tags["last"], tags["doubt"]):
        newest_us = np.where(judged["tag"] != 0, judged["fix_at_us"], -1)[of_tag]
        old |= fixes["fix_at_us"] < newest_us
        same = np.flatnonzero(fixes["fix_at_us"] == newest_us)
        seq, source = judged["seq"][of_tag[same]], judged["source"][of_tag[same]]
        then = fixes[same]
        old[same] |= (then["seq"] < seq) | ((then["seq"] == seq) & (then["source"] <= source))
    return old


def _jumps(rules: Rules, fixes: Array, good: I64, of_tag: I64, tags: Array) -> _Jumps:
    """Which of the ``good`` rows are jumps: tags without one are seen to be so at once, the few others are walked."""
    jumps = _Jumps(np.zeros(0, np.int64), [], {})
    if not len(good):
        return jumps
    tag = of_tag[good]
    first = np.concatenate(([True], tag[1:] != tag[:-1]))
    starts = np.flatnonzero(first)
    here = Places.of(fixes).taken(good)
    before = here.taken(np.maximum(np.arange(len(good)) - 1, 0))
    for column, remembered in zip(before, Places.of(tags["last"]), strict=True):
        column[starts] = remembered[tag[starts]]
    odd = ~plausible(before, here, rules.plausible_mps)
    odd[starts] &= tags["last"]["tag"][tag[starts]] != 0
    odd[starts] |= tags["doubt"]["tag"][tag[starts]] != 0
    implausible: list[int] = []
    bounds = np.append(starts, len(good))
    for number in np.unique(np.cumsum(first)[odd] - 1).tolist():
        rows = good[bounds[number] : bounds[number + 1]]
        implausible += _walk(rules, fixes, rows, int(tag[bounds[number]]), tags, jumps)
    return jumps._replace(implausible=np.array(implausible, np.int64))


def _walk(rules: Rules, fixes: Array, rows: I64, tag: int, tags: Array, jumps: _Jumps) -> list[int]:
    """One tag's good fixes in turn; its implausible rows. ``jumps`` is told of those confirmed and of one still in doubt.

    A fix agrees with a jump before it when the way between them is plausible and it is not as well explained by the last ok fix:
    the way from there is implausible, or longer. (Wait long enough, and the way from a jump to anywhere is slow.)
    """
    last = Places.of(tags["last"][tag]) if tags["last"][tag]["tag"] else None
    doubt = Places.of(tags["doubt"][tag]) if tags["doubt"][tag]["tag"] else None
    doubt_row = -1
    implausible = []
    for row in rows.tolist():
        fix = Places.of(fixes[row])
        follows = last is None or bool(plausible(last, fix, rules.plausible_mps))
        agrees = doubt is not None and bool(plausible(doubt, fix, rules.plausible_mps))
        if agrees and follows and last is not None and doubt is not None:
            agrees = bool(apart_m(doubt, fix) < apart_m(last, fix))
        if agrees:
            jumps.confirmed.append((tag, doubt_row, row))
        if agrees or follows:
            last, doubt, doubt_row = fix, None, -1
        else:
            doubt, doubt_row = fix, row
            implausible.append(row)
    if doubt_row >= 0:
        jumps.doubt[tag] = doubt_row
    return implausible


def _overtaken(received_us: I64, good: I64, of_tag: I64, tags: Array, jumps: _Jumps) -> Bool:
    """Which rows were received after a newer one of their tag: (n,) bool. In one frame any order is in order.

    Not of tags with a jump: what is a jump depends on the order, and theirs is that of the batch.
    """
    overtaken = np.zeros(len(received_us), bool)
    tag = of_tag[good]
    after = came_after(received_us[good], tag)
    if not after.any():
        return overtaken
    jumped = np.isin(tag, of_tag[jumps.implausible]) | (tags["doubt"]["tag"][tag] != 0)
    overtaken[good] = after & ~jumped
    return overtaken


def came_after(received_us: I64, of_tag: I64) -> Bool:
    """Which of (n,) fixes, in order of (n,) int64 ``of_tag`` and of when they were taken, were received after a newer one."""
    if ((np.diff(received_us) >= 0) | (np.diff(of_tag) > 0)).all():
        return np.zeros(len(received_us), bool)
    place = np.unique(received_us, return_inverse=True)[1]
    size = len(place)
    first_later = size - _running_max((size - place)[::-1], (of_tag.max() - of_tag)[::-1])[::-1]
    after: Bool = place > first_later
    return after


def _running_max(values: I64, of_tag: I64) -> I64:
    """(n,) the largest of (n,) values up to each, within its tag; ``of_tag`` is in order and values are at least 0."""
    if not len(values):
        return values
    step = int(values.max()) + 1
    largest: I64 = np.maximum.accumulate(values + of_tag * step) - of_tag * step
    return largest


def _track(rules: Rules, fixes: Array, jumps: _Jumps, row: I64, at_us: I64, lane_us: I64, rank: I64, tags: Array) -> Track:
    """The track of the rows judged forward, in identity order but where arrival or a confirmed jump asks for another."""
    judged = taken(fixes, row)
    if len(jumps.implausible):
        judged["quality"][np.isin(row, jumps.implausible)] = Quality.IMPLAUSIBLE
    forward = (judged["quality"] == Quality.OK) | (judged["quality"] == Quality.LOW_ACCURACY)
    track = track_of(judged, at_us[row], lane_us[row], rank[row], forward)
    if not (judged["quality"] == Quality.SKEWED).any() and not jumps.confirmed:
        return track
    place = 2 * row
    if jumps.confirmed:
        # A confirmed jump is judged once more, as ok, just before the fix that confirmed it.
        by = np.array([confirming for _, _, confirming in jumps.confirmed], np.int64)
        again = np.concatenate(
            [fixes[jump : jump + 1] if jump >= 0 else tags["doubt"][tag : tag + 1] for tag, jump, _ in jumps.confirmed]
        )
        again["quality"] = _quality(rules, again)
        more = track_of(again, again["fix_at_us"], lane_us[by], rank[by], np.ones(len(by), bool))
        track = Track(*(np.concatenate(pair) for pair in zip(track, more, strict=True)))
        place = np.concatenate((place, 2 * by - 1))
    return track.taken(np.lexsort((place, track.rank, track.fixes["tag"])))


def _quality(rules: Rules, fixes: Array) -> Array:
    """(n,) int16 quality of fixes that are neither jumps nor from a wrong clock."""
    return np.where(fixes["accuracy_m"] > rules.low_accuracy_m, Quality.LOW_ACCURACY, Quality.OK).astype(np.int16)


def _after(before: Array, fixes: Array, good: I64, of_tag: I64, tag_at: I64, jumps: _Jumps) -> Array:
    """(k,) TAG: what the batch's fixes, their quality final, leave behind."""
    after = copied(before)
    if not len(fixes):
        return after
    after["newest_us"] = np.maximum(before["newest_us"], fixes["fix_at_us"][tag_at[1:] - 1])
    after["contact_us"] = np.maximum(before["contact_us"], np.maximum.reduceat(fixes["received_us"], tag_at[:-1]))
    # A good fix either settles its tag's doubt or becomes it.
    settled = np.flatnonzero(before["doubt"]["tag"])
    if len(settled):
        after["doubt"][settled[np.isin(settled, of_tag[good])]] = np.zeros((), FIX)
    for tag, row in jumps.doubt.items():
        after["doubt"][tag] = fixes[row]
    onward = good[fixes["quality"][good] != Quality.IMPLAUSIBLE]
    newest = onward[np.append(of_tag[onward][1:] != of_tag[onward][:-1], True)] if len(onward) else onward
    plain(after["last"])[of_tag[newest]] = plain(fixes)[newest]
    return after
