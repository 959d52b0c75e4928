"""Data out of order, and the tag's stored track around it, become what it changes in the alerts already raised.

The track is judged twice by the same state machine from nothing, without the disordered fixes and with them. Only what differs
between the two is said: so what no fix of the track can show (the instant a zone came into force, a clock that was wrong), and
what a track that starts in the middle gets wrong, is left as it is. Live state is read and never changed.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from alerts.quality import Assessed, assess, identity_order, older
from alerts.reason import clock
from alerts.rules import Rules
from alerts.step import step
from alerts.track import look
from alerts.urgency import due, severity
from alerts.world import World
from model.alert import CONFIDENCE, FAMILY, Change, Family, Kind, Occurrence, Op
from model.arrays import Array, Bool
from model.fix import FIX, IDENTITY, Quality
from model.history import History, Window
from model.instant import FOREVER_US
from model.state import Phase, State


class Late(NamedTuple):
    """What disordered data made of it."""

    fixes: Array  # (n,) FIX of the batch, the quality of disordered ones set
    changes: list[Change]
    requalified: Array  # (r,) FIX stored as implausible that disordered ones have confirmed


def windows(rules: Rules, state: State, fixes: Array) -> list[Window]:
    """The stored history that judging (n,) FIX, in any order, needs: none for data in order. Nothing is changed."""
    fixes = fixes[fixes["fix_at_us"] - fixes["received_us"] <= rules.skew_us]
    tags, of_tag = np.unique(fixes["tag"], return_inverse=True)
    fixes = fixes[older(fixes, state.at(state.find(tags)), of_tag)]
    return _windows(rules, fixes)


def _windows(rules: Rules, fixes: Array) -> list[Window]:
    """Windows round (n,) FIX, overlapping ones as one; ordered by tag and time."""
    found: list[Window] = []
    for tag, at_us in sorted(zip(fixes["tag"].tolist(), fixes["fix_at_us"].tolist(), strict=True)):
        window = Window(tag, at_us - rules.history_us, at_us + rules.history_us)
        if found and found[-1].tag == tag and window.from_us <= found[-1].to_us:
            found[-1] = found[-1]._replace(to_us=window.to_us)
        else:
            found.append(window)
    return found


def judge_late(world: World, state: State, assessed: Assessed, live: Iterable[Change], history: History) -> Late:
    """Judge the disordered fixes of a batch whose other fixes have been judged.

    Parameters
    ----------
    state : after the live judging of the batch; its pairs tell which occurrences live judging still holds
    live : changes of the live judging: what they raised is known too
    """
    fixes, changes = assessed.fixes.copy(), list[Change]()
    requalified = [np.zeros(0, FIX)]
    known = _Known(history.occurrences, live)
    stored = _without(history.fixes, fixes)
    everything = np.concatenate([stored, fixes])
    origin = np.concatenate([np.full(len(stored), -1), np.arange(len(fixes))])
    out_of_order = np.concatenate([np.zeros(len(stored), bool), assessed.disordered])
    # Windows of one tag are judged one after another, those of different tags together.
    for turn in _turns(_windows(world.rules, fixes[assessed.disordered])):
        chosen = _within(everything, turn)
        track, added, row = everything[chosen], out_of_order[chosen], origin[chosen]
        before, anew = _replay(world, track[~added]), _replay(world, track)
        fixes["quality"][row[added]] = anew.quality[added]
        sure = anew.quality[~added] != Quality.IMPLAUSIBLE
        sure &= (before.quality == Quality.IMPLAUSIBLE) & (track["quality"][~added] == Quality.IMPLAUSIBLE) & (row[~added] < 0)
        confirmed = track[~added][sure]
        confirmed["quality"] = anew.quality[~added][sure]
        requalified.append(confirmed)
        for window in turn:
            lane_us = int(assessed.lane_us[row[added & (track["tag"] == window.tag)]].max())
            changes += _compare(world, state, assessed.after, window, before, anew, known, lane_us)
    return Late(fixes, changes, np.concatenate(requalified))


class _Span(NamedTuple):
    """From when to when something was said of a zone; ``stop_us`` FOREVER_US while it is not over."""

    zone: int
    family: Family
    start_us: int
    stop_us: int

    def meets(self, other: "_Span", gap_us: int) -> bool:
        """Whether the two are one occurrence: the same thing, and no more than the re-entry time between them."""
        same = (self.zone, self.family) == (other.zone, other.family)
        return same and self.start_us <= other.stop_us + gap_us and other.start_us <= self.stop_us + gap_us


class _Shown(NamedTuple):
    """One occurrence as a replay shows it."""

    span: _Span
    opened: Change
    now: Change  # the last change to it: it as it stands at the track's end
    evidence: Array  # (k,) FIX that opened, worsened and ended it
    newest_us: int  # when the tag's track ends


class _Replay(NamedTuple):
    quality: Array  # (n,) int16 of the fixes given
    shown: dict[int, list[_Shown]]  # by tag, in order of zone, family and time


class _Known:
    """The occurrences that have been raised, by tag; told of those that are raised on the way."""

    def __init__(self, occurrences: Iterable[Occurrence], live: Iterable[Change]) -> None:
        self._by_tag: dict[int, dict[tuple[int, Family, int], Occurrence]] = {}
        for occurrence in occurrences:
            self._put(occurrence)
        for change in live:
            self.tell(change)

    def tell(self, change: Change) -> None:
        """A change has been made."""
        if change.op is Op.WITHDRAW:
            self._by_tag[change.tag].pop((change.zone, FAMILY[change.kind], change.occurrence_us), None)
            return
        occurrence = Occurrence(
            change.wearer,
            change.tag,
            change.zone,
            change.kind,
            change.occurrence_us,
            change.event_at_us,
            change.ended_us,
            change.detected_us,
            change.late,
            change.severity,
            change.zone_version,
            change.order,
        )
        self._put(occurrence)

    def _put(self, occurrence: Occurrence) -> None:
        key = (occurrence.zone, FAMILY[occurrence.kind], occurrence.occurrence_us)
        self._by_tag.setdefault(occurrence.tag, {})[key] = occurrence

    def of(self, tag: int) -> list[Occurrence]:
        """Those of a tag, in order of zone, family and time."""
        return [occurrence for _, occurrence in sorted(self._by_tag.get(tag, {}).items())]


def _span(of: Change | Occurrence) -> _Span:
    return _Span(of.zone, FAMILY[of.kind], of.event_at_us, FOREVER_US if of.ended_us is None else of.ended_us)


def _replay(world: World, fixes: Array) -> _Replay:
    """What (n,) FIX would have raised, had they come in the order they were taken."""
    state = State()
    order = np.argsort(np.where(fixes["quality"] == Quality.SKEWED, fixes["received_us"], fixes["fix_at_us"]), kind="stable")
    arrived = fixes[order]
    assessed = assess(world.rules, world.terms, state, arrived)
    hits = look(world.look, assessed.track, assessed.before)
    quality = np.empty(len(fixes), np.int16)
    quality[order[identity_order(arrived)]] = assessed.fixes["quality"]
    newest = dict(zip(assessed.after["tag"].tolist(), assessed.after["last"]["fix_at_us"].tolist(), strict=True))
    changes: dict[tuple[int, int, Family, int], list[Change]] = {}
    for change in step(world.rules, world.terms, state, assessed.track, hits):
        changes.setdefault((change.tag, change.zone, FAMILY[change.kind], change.occurrence_us), []).append(change)
    shown: dict[int, list[_Shown]] = {}
    for (tag, *_), made in sorted(changes.items()):
        evidence = _each_once(np.concatenate([change.evidence for change in made]))
        shown.setdefault(tag, []).append(_Shown(_span(made[-1]), made[0], made[-1], evidence, newest[tag]))
    return _Replay(quality, shown)


def _compare(
    world: World, state: State, tags: Array, window: Window, before: _Replay, anew: _Replay, known: _Known, lane_us: int
) -> list[Change]:
    """What one tag's track with the disordered fixes shows that it did not show without them."""
    old, new, raised = before.shown.get(window.tag, []), anew.shown.get(window.tag, []), known.of(window.tag)
    last_us = int(tags["last"]["fix_at_us"][np.searchsorted(tags["tag"], window.tag)])
    whereabouts = lane_us - last_us <= world.rules.whereabouts_us
    said = [_span(occurrence) for occurrence in raised] + [one.span for one in old]
    changes = [
        _opened(world, one, lane_us, whereabouts)
        for one in new
        if not any(one.span.meets(other, world.rules.reenter_us) for other in said)
    ]
    for occurrence in raised:
        changes += _amended(world, state, window, occurrence, raised, old, new, lane_us, whereabouts)
    for change in changes:
        known.tell(change)
    return changes


def _opened(world: World, one: _Shown, lane_us: int, whereabouts: bool) -> Change:
    """An occurrence that only late data shows.

    It is never left open: live judging, which alone can end it, knows nothing of it. Where the track does not show its end, it is
    said to be over as of the track's last fix, from which live judging goes on.
    """
    now = one.now
    level = _level(world, now, lane_us, whereabouts)
    by = due(lane_us, level)
    text = f"by late data: {one.opened.reason}"
    ended_us = now.ended_us
    if ended_us is None:
        ended_us = max(one.newest_us, now.event_at_us)
        text += "; not shown to be over by then, what follows is judged as it comes"
    return now._replace(
        op=Op.OPEN,
        severity=level,
        late=True,
        detected_us=lane_us,
        ended_us=ended_us,
        due_acknowledge_us=by.acknowledge_us,
        due_contact_us=by.contact_us,
        due_decision_us=by.decision_us,
        changed_us=lane_us,
        reason=text,
        evidence=one.evidence,
    )


def _amended(
    world: World,
    state: State,
    window: Window,
    occurrence: Occurrence,
    raised: list[Occurrence],
    old: list[_Shown],
    new: list[_Shown],
    lane_us: int,
    whereabouts: bool,
) -> list[Change]:
    """What the difference between the two replays says of one known occurrence: nothing, an amendment or a withdrawal.

    An occurrence that live judging holds open is neither ended nor withdrawn here. Where late data would make two known
    occurrences one, or one known occurrence two, they stay as they were told.
    """
    span, gap_us = _span(occurrence), world.rules.reenter_us
    was = [one for one in old if one.span.meets(span, gap_us)]
    now = [one for one in new if one.span.meets(span, gap_us)]
    pair = state.pairs.get(occurrence.tag, occurrence.zone)
    held = occurrence.ended_us is None or (
        pair is not None and pair["phase"][0] == Phase.ACTIVE and pair["occurrence_us"][0] == occurrence.occurrence_us
    )
    if was and not now:
        inside = window.from_us <= span.start_us and span.stop_us <= window.to_us
        return [_withdrawn(occurrence, was, lane_us)] if inside and not held else []
    if not now:
        return []
    others = [_span(other) for other in raised if other is not occurrence]
    joined = [other for other in others if any(one.span.meets(other, gap_us) for one in now)]
    event_us, ended_us, kind = occurrence.event_at_us, occurrence.ended_us, occurrence.kind
    earlier = now[0].span.start_us < min([event_us, *(one.span.start_us for one in was)])
    if earlier and all(other.start_us > span.start_us for other in joined):
        event_us = now[0].span.start_us
    ends = now[-1].now.ended_us
    retold = not held and ends is not None and bool(was) and was[-1].now.ended_us == ended_us
    if ends is not None and retold and all(other.start_us < span.start_us for other in joined):
        ended_us = max(ends, event_us)
    if _definite(now) and not _definite(was) and kind is Kind.EXCLUSION_POSSIBLE:
        kind = Kind.EXCLUSION
    if (event_us, ended_us, kind) == (occurrence.event_at_us, occurrence.ended_us, occurrence.kind):
        return []
    stands = occurrence._replace(event_at_us=event_us, ended_us=ended_us, kind=kind)
    level, clock_us = occurrence.severity, occurrence.detected_us
    if kind is not occurrence.kind:
        level = min(level, _level(world, _definite(now)[0], lane_us, whereabouts))
        clock_us = lane_us if level < occurrence.severity else clock_us
    evidence = _each_once(np.concatenate([one.evidence for one in now]))
    text = f"by late data: {'; '.join(_differences(occurrence, stands))}"
    change = _said(Op.AMEND, stands._replace(severity=level), clock_us, lane_us, text, evidence, now[-1].now.distance_m)
    return [change]


def _definite(shown: list[_Shown]) -> list[Change]:
    return [one.now for one in shown if one.now.kind is Kind.EXCLUSION]


def _differences(was: Occurrence, now: Occurrence) -> list[str]:
    """What an amendment changed, in words."""
    words = []
    if now.kind is not was.kind:
        words.append("definitely inside")
    if now.event_at_us != was.event_at_us:
        words.append(f"began at {clock(now.event_at_us)}, not {clock(was.event_at_us)}")
    if now.ended_us != was.ended_us and now.ended_us is not None and was.ended_us is not None:
        words.append(f"was over at {clock(now.ended_us)}, not {clock(was.ended_us)}")
    return words


def _withdrawn(occurrence: Occurrence, was: list[_Shown], lane_us: int) -> Change:
    text = "by late data: the fixes taken in between show that it was not so"
    evidence = _each_once(np.concatenate([one.evidence for one in was]))
    return _said(Op.WITHDRAW, occurrence, occurrence.detected_us, lane_us, text, evidence, was[-1].now.distance_m)


def _said(op: Op, of: Occurrence, clock_us: int, lane_us: int, text: str, evidence: Array, distance_m: float) -> Change:
    return Change(
        op,
        of.wearer,
        of.tag,
        of.zone,
        of.occurrence_us,
        of.kind,
        of.severity,
        CONFIDENCE[of.kind],
        of.late,
        of.event_at_us,
        of.detected_us,
        of.ended_us,
        of.zone_version,
        of.order,
        *due(clock_us, of.severity),
        lane_us,
        text,
        evidence,
        distance_m,
    )


def _level(world: World, now: Change, lane_us: int, whereabouts: bool) -> int:
    """Severity of what late data shows."""
    zone = world.zones[now.zone, now.zone_version]
    return severity(world.rules, zone, now.kind, late=True, age_us=lane_us - now.event_at_us, known=whereabouts)


def _each_once(fixes: Array) -> Array:
    """FIX rows in identity order, each identity once."""
    fixes = fixes[identity_order(fixes)]
    same: Bool = np.ones(len(fixes), bool)
    for name in IDENTITY:
        same[1:] &= fixes[name][1:] == fixes[name][:-1]
    same[:1] = False
    once: Array = fixes[~same]
    return once


def _without(fixes: Array, batch: Array) -> Array:
    """The stored fixes that are not in the batch itself."""
    own = set(batch[list(IDENTITY)].tolist())
    new = np.fromiter((identity not in own for identity in fixes[list(IDENTITY)].tolist()), bool, len(fixes))
    return np.asarray(fixes[new])


def _turns(windows: list[Window]) -> list[list[Window]]:
    """Windows in turns, each holding at most one of a tag."""
    turns: list[list[Window]] = []
    turn = 0
    for before, window in zip([None, *windows], windows, strict=False):
        turn = turn + 1 if before is not None and before.tag == window.tag else 0
        if turn == len(turns):
            turns.append([])
        turns[turn].append(window)
    return turns


def _within(fixes: Array, turn: list[Window]) -> Bool:
    """Which of (n,) FIX lie in the turn's windows, ordered by tag and at most one each; a wrong clock's by time of receipt."""
    tags, from_us, to_us = np.array(turn, np.int64).T
    found = np.minimum(np.searchsorted(tags, fixes["tag"]), len(tags) - 1)
    at_us = np.where(fixes["quality"] == Quality.SKEWED, fixes["received_us"], fixes["fix_at_us"])
    inside: Bool = (tags[found] == fixes["tag"]) & (from_us[found] <= at_us) & (at_us <= to_us[found])
    return inside
