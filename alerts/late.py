"""Data out of order, and the tag's stored track around it, become what it changes in the alerts already raised.

The track is judged twice by the same state machines from nothing, without the disordered data and with it (``hindsight``). Only
what differs between the two is said: so what no fix of the track can show (the instant a zone came into force, a clock that was
wrong), and what a track that starts in the middle gets wrong, is left as it is. Live state is not rewound: it is told what late
data made of what it remembers to have told.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from alerts.demand import asked
from alerts.hearing import wind
from alerts.hindsight import CURFEWS, EVENT_IDENTITY, Past, Shown, Span, Told, each_once, record, replay
from alerts.presence import TOLD, Says, sights
from alerts.quality import Assessed, came_after, identity_order, older
from alerts.reason import clock
from alerts.rules import CLOCKS, Rules
from alerts.terms import Terms
from alerts.track import look, track_of
from alerts.urgency import due, severity
from alerts.world import World
from model.alert import CONFIDENCE, FAMILY, NO_EVENTS, Change, Family, Kind, Occurrence, Op, kept
from model.arrays import I64, Array, Bool, among, copied, joined, taken
from model.event import EventKind, sent_us
from model.fix import FIX, IDENTITY, Quality
from model.history import History, Window
from model.state import Phase, State

_ENTRIES: Final = frozenset({Family.EXCLUSION, Family.CROSSED})
_PLACES: Final = frozenset({Family.APPROACH, Family.INCLUSION_EXIT})


class Late(NamedTuple):
    """What disordered data made of it."""

    fixes: Array  # (n,) FIX of the batch, the quality of disordered ones set
    changes: list[Change]
    requalified: Array  # (r,) FIX stored as implausible that disordered ones have confirmed


class _Disorder(NamedTuple):
    """What came out of order: (n,) int64 tags, when each thing happened, and when it was received."""

    tags: I64
    at_us: I64
    received_us: I64


def windows(rules: Rules, terms: Terms, state: State, fixes: Array, doubtful: Bool, events: Array = NO_EVENTS) -> list[Window]:
    """The stored history that judging (n,) FIX and (m,) EVENT needs: none for data in order. Nothing is changed.

    Parameters
    ----------
    doubtful : (n,) bool, fixes that may be older than what their tag was judged by; of the others it is certain that they are not
    """
    doubted = _right(rules, fixes[doubtful])
    tags, of_tag = np.unique(doubted["tag"], return_inverse=True)
    older_ones = doubted[older(doubted, state.at(state.find(tags)), of_tag)]
    found = _windows(rules, _disorder(older_ones, events[:0]))
    if not len(terms.curfewed):
        return found
    back, told_back = out_of_order(rules, terms, state, fixes, events)
    return found + _asked(rules, terms, _disorder(fixes[back], events[told_back]))


def out_of_order(rules: Rules, terms: Terms, state: State, fixes: Array, events: Array) -> tuple[Bool, Bool]:
    """Which of (n,) FIX and (m,) EVENT, in arrival order, came after something newer of a tag that a curfew asks for.

    Of fixes: newer than what their tag was judged by, or in the batch itself. Of events: as ``overtaken`` says.
    """
    back, told_back = np.zeros(len(fixes), bool), overtaken(rules, terms, state, fixes, events)
    if not len(terms.curfewed) or _are_in_order(state, fixes):
        return back, told_back
    rows = np.flatnonzero(among(fixes["tag"], terms.curfewed) & _is_right(rules, fixes))
    if len(rows):
        received_us = np.maximum.accumulate(fixes["received_us"])[rows]
        own = fixes[rows]
        order = identity_order(own)
        tags, of_tag = np.unique(own["tag"], return_inverse=True)
        back[rows] = older(own, state.at(state.find(tags)), of_tag)
        back[rows[order[came_after(received_us[order], own["tag"][order])]]] = True
    return back, told_back


def _are_in_order(state: State, fixes: Array) -> bool:
    """Whether (n,) FIX plainly came in order, as most do: of each tag each newer than the one before, and than all judged."""
    tag, at_us = fixes["tag"], fixes["fix_at_us"]
    order = np.argsort(tag, kind="stable")
    tag, at_us = tag[order], at_us[order]
    first = np.append(True, tag[1:] != tag[:-1])[: len(tag)]
    if (at_us[1:][~first[1:]] <= at_us[:-1][~first[1:]]).any():
        return False
    rows = state.find(tag[first])
    known = state.at(rows)
    judged_us = np.maximum(known["last"]["fix_at_us"], known["doubt"]["fix_at_us"])
    return bool((at_us[first] > np.where(rows < 0, -1, judged_us)).all())


def _right(rules: Rules, fixes: Array) -> Array:
    """Those of (n,) FIX whose clock is right."""
    right: Array = fixes[_is_right(rules, fixes)]
    return right


def _is_right(rules: Rules, fixes: Array) -> Bool:
    right: Bool = fixes["fix_at_us"] - fixes["received_us"] <= rules.skew_us
    return right


def overtaken(rules: Rules, terms: Terms, state: State, fixes: Array, events: Array) -> Bool:
    """Which of (m,) EVENT came out of order, as far as that matters to a curfew; (m,) bool.

    Of beacon and motion: those that live judging passes over, as something newer was told of the same; and those received late,
    after a fix that is newer.

    Parameters
    ----------
    fixes : (n,) FIX of the same batch, both in arrival order
    """
    old = np.zeros(len(events), bool)
    if not len(events) or not len(terms.curfewed):
        return old
    newest: dict[tuple[int, int], int] = {}
    heard: dict[tuple[int, int], tuple[int, int]] = {}  # of one time of receipt: in one frame any order is in order
    rows = np.flatnonzero(np.isin(events["kind"], [*TOLD]) & among(events["tag"], terms.curfewed))
    for row in rows.tolist():
        tag, kind = int(events["tag"][row]), int(events["kind"][row])
        at_us, received_us = int(sent_us(events[row])), int(events["received_us"][row])
        told, contact = state.beacons.get(tag), state.contacts.get(tag)
        field = {EventKind.MOTION: "moved_us", EventKind.MOTION_CLEAR: "still_us"}.get(EventKind(kind), "beacon")
        key = tag, kind if field != "beacon" else 0
        if key not in newest:
            newest[key] = 0 if told is None else int(sent_us(told["beacon"])[0] if field == "beacon" else told[field][0])
            if contact is not None and field == "beacon":
                newest[key] = max(newest[key], int(contact["beacon_us"][0]))
        if key in heard and heard[key][0] != received_us:
            newest[key] = max(newest[key], heard[key][1])
            del heard[key]
        old[row] = at_us < newest[key]
        heard[key] = received_us, max(at_us, heard.get(key, (0, 0))[1])
        if received_us - at_us > rules.late_us:
            old[row] |= at_us < _newest_us(rules, state, fixes, tag, received_us)
    return old


def _newest_us(rules: Rules, state: State, fixes: Array, tag: int, before_us: int) -> int:
    """When the newest fix of a tag was taken, of those received before a time."""
    known = state.peek(tag)
    earlier = _right(rules, fixes[(fixes["tag"] == tag) & (fixes["received_us"] < before_us)])
    return int(earlier["fix_at_us"].max(initial=0 if known is None else int(known["last"]["fix_at_us"])))


def _disorder(fixes: Array, events: Array) -> _Disorder:
    taken = fixes["fix_at_us"], sent_us(events)
    parts = (fixes["tag"], events["tag"]), taken, (fixes["received_us"], events["received_us"])
    return _Disorder(*(np.concatenate(pair).astype(np.int64) for pair in parts))


def _windows(rules: Rules, disorder: _Disorder) -> list[Window]:
    """Windows round what came out of order, overlapping ones as one; ordered by tag and time."""
    order = np.lexsort((disorder.at_us, disorder.tags))
    tags, at_us = disorder.tags[order], disorder.at_us[order]
    apart = (tags[1:] != tags[:-1]) | (np.diff(at_us) > 2 * rules.history_us)
    first, last = np.append(True, apart)[: len(tags)], np.append(apart, True)[: len(tags)]
    columns = tags[first], at_us[first] - rules.history_us, at_us[last] + rules.history_us
    return [Window(*one) for one in zip(*(column.tolist() for column in columns), strict=True)]


def _asked(rules: Rules, terms: Terms, disorder: _Disorder) -> list[Window]:
    """Windows of the spans in which a curfew asks round what came out of order, no farther from it than the rules say.

    From a little before each span, as what was told then still speaks as it begins; overlapping ones as one, by tag and time.
    """
    curfewed = among(disorder.tags, terms.curfewed)
    disorder = _Disorder(*(column[curfewed] for column in disorder))
    known_us = _lanes(disorder.tags, disorder.received_us)
    found: list[Window] = []
    for tag, from_us, to_us in _windows(rules, disorder):
        first_us, last_us = from_us + rules.history_us, to_us - rules.history_us
        begun_us = min(last_us + rules.curfew_us, known_us[tag])  # of what has not begun nothing was said yet
        spans = [span for of_one in terms.demands(tag).values() for span in of_one]
        spans = [span for span in spans if span.from_us <= begun_us and first_us < span.to_us]
        if not spans:
            continue
        low_us = max(min(span.from_us for span in spans) - rules.history_us, first_us - rules.curfew_us)
        high_us = min(max(span.to_us for span in spans), last_us + rules.curfew_us)
        if found and found[-1].tag == tag and low_us <= found[-1].to_us:
            found[-1] = found[-1]._replace(to_us=max(high_us, found[-1].to_us))
        else:
            found.append(Window(tag, low_us, high_us))
    return found


def judge_late(
    world: World, state: State, assessed: Assessed, events: Array, passed: Bool, live: Iterable[Change], history: History
) -> Late:
    """Judge what came out of order in a batch that has been judged otherwise.

    Parameters
    ----------
    state : after the live judging of the batch; it tells which occurrences live judging still holds, and is told what became of
        those it remembers
    events : (m,) EVENT of the batch
    passed : (m,) bool, which of them came out of order
    live : changes of the live judging: what they raised is known too
    """
    known = Known(history.occurrences, live)
    late = _of_zones(world, state, assessed, known, history)
    if len(world.terms.curfewed):
        late.changes.extend(_of_curfews(world, state, assessed, events, passed, known, history))
    if late.changes:
        tags = np.unique(np.array([change.tag for change in late.changes], np.int64))
        wind(world.rules, world.terms, state, state.rows(tags))
    return late


def _of_zones(world: World, state: State, assessed: Assessed, known: "Known", history: History) -> Late:
    """What fixes out of order say of zones, and of each other's quality."""
    fixes, changes = copied(assessed.fixes), list[Change]()
    requalified = [np.zeros(0, FIX)]
    stored = _without(history.fixes, fixes, IDENTITY)
    everything = joined([stored, fixes], FIX)
    origin = np.concatenate([np.full(len(stored), -1), np.arange(len(fixes))])
    out_of_order = np.concatenate([np.zeros(len(stored), bool), assessed.disordered])
    disorder = fixes[assessed.disordered]
    lane_us = _lanes(disorder["tag"], assessed.lane_us[assessed.disordered])
    # Windows of one tag are judged one after another, those of different tags together.
    for turn in _turns(_windows(world.rules, _disorder(disorder, NO_EVENTS))):
        chosen = _within(everything, turn)
        track, added, row = taken(everything, chosen), out_of_order[chosen], origin[chosen]
        anew = replay(world, Past(track, NO_EVENTS, {}, turn, lane_us))
        fixes["quality"][row[added]] = anew.quality[added]
        doubted = ~added & (track["quality"] == Quality.IMPLAUSIBLE) & (row < 0) & (anew.quality != Quality.IMPLAUSIBLE)
        concerned = _concerned(turn, anew.shown, known)
        if not concerned and not doubted.any():
            continue
        before = replay(world, Past(taken(track, ~added), NO_EVENTS, {}, turn, lane_us), [window.tag for window in concerned])
        doubted[~added] &= before.quality == Quality.IMPLAUSIBLE
        confirmed = taken(track, doubted)
        confirmed["quality"] = anew.quality[doubted]
        requalified.append(confirmed)
        for window in concerned:
            changes += _compare(world, state, window, before.shown, anew.shown, known, lane_us[window.tag])
    return Late(fixes, changes, np.concatenate(requalified))


def _concerned(turn: list[Window], anew: Told, known: "Known") -> list[Window]:
    """The windows of whose tags anything may come.

    Most were nowhere near a zone. Of whom nothing is shown with the disordered data, and nothing known, nothing comes, whatever
    was shown without it: so nobody asks what was.
    """
    told = anew.keys() | known.told(_ENTRIES | _PLACES)
    return [window for window in turn if window.tag in told]


def _of_curfews(
    world: World, state: State, assessed: Assessed, events: Array, passed: Bool, known: "Known", history: History
) -> list[Change]:
    """What fixes and events out of order say of presence, those included that a newer one of this very batch came before."""
    changes: list[Change] = []
    came, back = assessed.fixes, assessed.disordered | assessed.overtaken
    stored = _without(history.fixes, came, IDENTITY)
    fixes, added = np.concatenate([stored, came]), np.concatenate([np.zeros(len(stored), bool), back])
    told = _without(history.events, events, EVENT_IDENTITY)
    told, told_back = np.concatenate([told, events]), np.concatenate([np.zeros(len(told), bool), passed])
    order = np.lexsort((told["at_us"], told["received_us"], sent_us(told), told["tag"]))
    told, told_back = told[order], told_back[order]
    of_events = np.maximum(events["received_us"][passed], state.watermark_us)
    lane_us = _lanes(np.append(came["tag"][back], events["tag"][passed]), np.append(assessed.came_us[back], of_events))
    stirred = _stirred(world, assessed, came[back], events[passed]) | known.told(CURFEWS)
    disorder = _disorder(came[back], events[passed])
    theirs = np.isin(disorder.tags, np.fromiter(stirred, np.int64))
    for turn in _turns(_asked(world.rules, world.terms, _Disorder(*(column[theirs] for column in disorder)))):
        chosen, said = _within(fixes, turn), _in_windows(told["tag"], sent_us(told), turn)
        track, late, heard = fixes[chosen], added[chosen], told[said]
        contacts = _contacts(track, heard, turn)
        before = record(world, state, Past(track[~late], heard[~told_back[said]], contacts, turn, lane_us))
        anew = record(world, state, Past(track, heard, contacts, turn, lane_us))
        for window in turn:
            changes += _compare(
                world, state, window, before.shown, anew.shown, known, lane_us[window.tag], anew.known_us, only=CURFEWS
            )
    return changes


def _stirred(world: World, assessed: Assessed, fixes: Array, events: Array) -> set[int]:
    """The tags of which what came out of order may raise anything: all but those that were where they are to be, as most are."""
    nothing = np.zeros(len(fixes), np.int64)
    track = track_of(fixes, fixes["fix_at_us"], nothing, nothing, nothing.astype(bool))
    seen = sights(world.rules, world.terms, track, look(world.look, track, assessed.before))
    out = seen["row"][seen["says"] == Says.OUTSIDE]
    return {*fixes["tag"][out].tolist(), *events["tag"][events["kind"] != EventKind.BEACON_IN].tolist()}


def _lanes(tags: Array, at_us: Array) -> dict[int, int]:
    """The latest of (n,) times by tag."""
    lane_us: dict[int, int] = {}
    for tag, one_us in zip(tags.tolist(), at_us.tolist(), strict=True):
        lane_us[tag] = max(one_us, lane_us.get(tag, 0))
    return lane_us


def _contacts(fixes: Array, events: Array, turn: Iterable[Window]) -> dict[int, I64]:
    """When each tag was heard, in order."""
    tags = np.concatenate([fixes["tag"], events["tag"]])
    received_us = np.concatenate([fixes["received_us"], events["received_us"]])
    order = np.lexsort((received_us, tags))
    tags, received_us = tags[order], received_us[order]
    return {window.tag: received_us[slice(*np.searchsorted(tags, [window.tag, window.tag + 1]))] for window in turn}


class Known:
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
            # One that live judging withdraws need not have been asked for: it may lie outside every window.
            self._by_tag.get(change.tag, {}).pop((change.zone, FAMILY[change.kind], change.occurrence_us), None)
            return
        key = (change.zone, FAMILY[change.kind], change.occurrence_us)
        self._put(kept(self._by_tag.get(change.tag, {}).get(key), change))

    def _put(self, occurrence: Occurrence) -> None:
        key = (occurrence.zone, FAMILY[occurrence.kind], occurrence.occurrence_us)
        self._by_tag.setdefault(occurrence.tag, {})[key] = occurrence

    def free_us(self, change: Change) -> int:
        """A name for a new occurrence: that of one which was found to have begun earlier may be the time this one begins."""
        taken = self._by_tag.get(change.tag, {})
        at_us = change.occurrence_us
        while (change.zone, FAMILY[change.kind], at_us) in taken:
            at_us += 1
        return at_us

    def told(self, families: Collection[Family]) -> set[int]:
        """The tags of which anything is known of some families."""
        return {tag for tag, own in self._by_tag.items() if any(family in families for _, family, _ in own)}

    def all(self) -> Iterator[Occurrence]:
        """All of them, by tag and time of occurrence."""
        for _, own in sorted(self._by_tag.items()):
            yield from sorted(own.values(), key=lambda one: one.occurrence_us)

    def of(self, tag: int) -> list[Occurrence]:
        """Those of a tag, in order of zone, family and time."""
        return [occurrence for _, occurrence in sorted(self._by_tag.get(tag, {}).items())]


def _span(of: Change | Occurrence) -> Span:
    return Span.of(of.zone, FAMILY[of.kind], of.order, of.event_at_us, of.ended_us)


def _compare(
    world: World,
    state: State,
    window: Window,
    before: Told,
    anew: Told,
    known: Known,
    lane_us: int,
    known_us: Mapping[tuple[int, int], int] = MappingProxyType({}),
    only: Collection[Family] = _ENTRIES | _PLACES,
) -> list[Change]:
    """What one tag's track with the disordered data shows that it did not show without it.

    Parameters
    ----------
    known_us : by tag and home, until when presence was known, as is seen now
    """
    old, new = before.get(window.tag, []), anew.get(window.tag, [])
    raised = [occurrence for occurrence in known.of(window.tag) if FAMILY[occurrence.kind] in only]
    last = state.peek(window.tag)
    last_us = 0 if last is None else int(last["last"]["fix_at_us"])
    whereabouts = lane_us - last_us <= world.rules.whereabouts_us
    said = [_span(occurrence) for occurrence in raised] + [one.span for one in old]
    changes = [
        _opened(world, one, lane_us, whereabouts, known)
        for one in new
        if not any(one.span.meets(other, _gap_us(world, window.tag, one.span)) for other in said)
    ]
    for occurrence in raised:
        told, parts = _Compared.of(world, window, occurrence, old, new).parted(state, raised)
        changes += [_opened(world, part, lane_us, whereabouts, known) for part in parts]
        change = told.withdrawn(state, lane_us) if not told.now else told.amended(state, raised, lane_us, whereabouts)
        if change is not None:
            changes.append(change)
            _teach(world, state, change, min(known_us.get((window.tag, occurrence.zone), 0), lane_us))
    for change in changes:
        known.tell(change)
    return changes


def _opened(world: World, one: Shown, lane_us: int, whereabouts: bool, known: Known) -> Change:
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
        occurrence_us=known.free_us(now),
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
        events=one.events,
        held_under=None,
        retold=True,
    )


class _Compared(NamedTuple):
    """A known occurrence, and what the two replays show of it.

    What live judging holds open is not ended here, nor withdrawn, but for presence that was not known and, as is seen now, was.
    Where late data would make two known occurrences one, they stay two, and the first goes on up to the second.
    """

    world: World
    window: Window
    known: Occurrence
    was: list[Shown]  # without the disordered data
    now: list[Shown]  # with it

    @classmethod
    def of(cls, world: World, window: Window, known: Occurrence, old: list[Shown], new: list[Shown]) -> "_Compared":
        """What of two replays is the same occurrence as a known one."""
        span = _span(known)
        gap_us = _gap_us(world, window.tag, span)
        was, now = ([one for one in shown if one.span.meets(span, gap_us)] for shown in (old, new))
        return cls(world, window, known, was, now)

    def parted(self, state: State, raised: list[Occurrence]) -> tuple["_Compared", list[Shown]]:
        """What is left of it, and what of it is shown as occurrences of their own, unless they are known as such."""
        if _is_held(state, self.known) or len(self.was) != 1 or len(self.now) < len(self.was) + 1:
            return self, []
        others, gap_us = [_span(other) for other in raised if other is not self.known], self._gap_us
        parts = [one for one in self.now[1:] if not any(one.span.meets(other, gap_us) for other in others)]
        return self._replace(now=self.now[: len(self.now) - len(parts)]), parts

    def withdrawn(self, state: State, lane_us: int) -> Change | None:
        """It is shown no more."""
        known = self.known
        over = not _is_held(state, known) or known.kind is Kind.CURFEW_UNVERIFIED
        within = self.window.from_us <= known.event_at_us and (known.ended_us or 0) <= self.window.to_us
        if not self.was or not over or not within:
            return None
        by = "what was told of the time in between shows" if FAMILY[known.kind] in CURFEWS else "the fixes taken in between show"
        ended_us = known.ended_us or max(lane_us, known.event_at_us)
        return self._said(Op.WITHDRAW, known._replace(ended_us=ended_us), lane_us, f"{by} that it was not so", self.was)

    def amended(self, state: State, raised: list[Occurrence], lane_us: int, whereabouts: bool) -> Change | None:
        """It is shown otherwise, where it is."""
        known, now = self.known, self.now
        others = [_span(other) for other in raised if other is not known]
        joined = [other for other in others if any(one.span.meets(other, self._gap_us) for one in now)]
        later = [other for other in joined if other.start_us > known.event_at_us]
        ended_us = known.ended_us if _is_held(state, known) else self._ended_us(later)
        event_us = self._event_us() if len(later) == len(joined) else known.event_at_us
        if ended_us is not None and event_us > ended_us:
            event_us = known.event_at_us
            ended_us = max(ended_us, event_us)
        kind, level = known.kind, known.severity
        if _definite(now) and not _definite(self.was) and kind is Kind.EXCLUSION_POSSIBLE:
            kind = Kind.EXCLUSION
            level = min(level, _level(self.world, _definite(now)[0], lane_us, whereabouts))
        if FAMILY[kind] not in _ENTRIES and _gravest(now) < _gravest(self.was):
            level = min(level, _gravest(now))
        stands = known._replace(event_at_us=event_us, ended_us=ended_us, kind=kind, severity=level)
        if stands == known:
            return None
        return self._said(Op.AMEND, stands, lane_us, "; ".join(_differences(known, stands)), now)

    @property
    def _gap_us(self) -> int:
        return _gap_us(self.world, self.window.tag, _span(self.known))

    def _event_us(self) -> int:
        """When it began: earlier than anything showed; or later, where what it was said to begin with is no part of it."""
        event_us, begun_us = self.known.event_at_us, self.now[0].span.start_us
        before_us = self.was[0].span.start_us if self.was else event_us
        if begun_us < min(event_us, before_us) or (before_us == event_us and begun_us > event_us):
            return begun_us
        return event_us

    def _ended_us(self, later: list[Span]) -> int | None:
        """When it was over, where the new data moves that."""
        ended_us, ends = self.known.ended_us, self.now[-1].now.ended_us
        if not self.was or ended_us is None:
            return ended_us
        if later:  # it goes on into one that is known: up to there
            next_us = min(span.start_us for span in later)
            now, was = (any(one.span.start_us <= next_us <= one.span.stop_us for one in shown) for shown in (self.now, self.was))
            return max(next_us, ended_us) if now and not was else ended_us
        before = self.was[-1].now.ended_us
        if ends is None or before not in (None, ended_us):
            return ended_us
        # What no track showed to be over was ended by something else, or by late data for want of more.
        return ends if before is not None or self.known.late else min(ends, ended_us)

    def _said(self, op: Op, stands: Occurrence, lane_us: int, text: str, shown: list[Shown]) -> Change:
        clock_us = lane_us if stands.severity < self.known.severity else stands.detected_us
        return Change(
            op,
            stands.wearer,
            stands.tag,
            stands.zone,
            stands.occurrence_us,
            stands.kind,
            stands.severity,
            CONFIDENCE[stands.kind],
            stands.late,
            stands.event_at_us,
            stands.detected_us,
            stands.ended_us,
            stands.zone_version,
            stands.order,
            *due(clock_us, stands.severity),
            lane_us,
            f"by late data: {text}",
            each_once(np.concatenate([one.evidence for one in shown])),
            shown[-1].now.distance_m,
            each_once(np.concatenate([one.events for one in shown]), EVENT_IDENTITY),
            retold=True,
        )


def _gap_us(world: World, tag: int, span: Span) -> int:
    """How long after its end the same thing is the same occurrence."""
    return world.terms.rules(world.rules, tag, span.start_us, span.zone).reenter_us


def _is_held(state: State, known: Occurrence) -> bool:
    """Whether live judging holds it open: it ends it, and nothing else."""
    if known.ended_us is None:
        return True
    pair, place = state.pairs.get(known.tag, known.zone), state.places.get(known.tag, known.zone)
    for held, families in ((pair, _ENTRIES), (place, _PLACES)):
        if held is not None and FAMILY[known.kind] in families and held["occurrence_us"][0] == known.occurrence_us:
            return bool(held["phase"][0] == Phase.ACTIVE and not held["ended_us"][0])
    absence = _absence(state, known)
    return absence is not None and not absence["ended_us"][0]


def _absence(state: State, of: Change | Occurrence) -> Array | None:
    """The (1,) ABSENCE record of an occurrence, where live judging remembers it."""
    if FAMILY[of.kind] not in CURFEWS:
        return None
    unverified = of.kind is Kind.CURFEW_UNVERIFIED
    return next(
        (
            one
            for one in state.absences.of_tag(of.tag)
            if (one["zone"][0], one["order"][0], one["occurrence_us"][0]) == (of.zone, of.order, of.occurrence_us)
            and one["number"][0] % 2 == unverified
        ),
        None,
    )


def _teach(world: World, state: State, change: Change, known_us: int) -> None:
    """Have live judging know of what it remembers to have told what late data made of it.

    Whether it goes on, it decides itself. What is withdrawn is not gone on with by whoever comes back within ten minutes.

    Parameters
    ----------
    known_us : until when, as is seen now, presence at the home was known
    """
    if FAMILY[change.kind] in CURFEWS:
        _teach_absence(world, state, change, known_us)
        return
    table = {Family.EXCLUSION: state.pairs}.get(FAMILY[change.kind], state.places)
    held = table.get(change.tag, change.zone)
    if FAMILY[change.kind] is Family.CROSSED or held is None or held["occurrence_us"][0] != change.occurrence_us:
        return
    held = held.copy()
    if change.op is not Op.WITHDRAW:
        held["event_us"] = change.event_at_us
        if held["ended_us"][0] and held["ended_us"][0] != change.ended_us:
            held["phase"] = Phase.LEFT  # not at an instant, which a fix may move yet
        held["ended_us"] = change.ended_us or 0
        state.put(table, held)
        return
    for name in ("occurrence_us", "event_us", "detected_us", "clock_us", "ended_us", "severity", "late"):
        held[name] = 0
    if table is state.pairs:
        held["kind"] = 0
        goes_on = held["run"][0] or held["skewed_run"][0]
        held["phase"] = Phase.SUSPECT if goes_on else Phase.CROSSED if held["crossed_us"][0] else 0
    else:
        held["phase"] = Phase.SUSPECT if held["run"][0] or held["since_us"][0] else 0
    if held["phase"][0]:
        state.put(table, held)
    else:
        state.drop(table, change.tag, change.zone)


def _teach_absence(world: World, state: State, change: Change, known_us: int) -> None:
    """When it ended stays: what live judging knows of the time before would be told once more."""
    held = _absence(state, change)
    if held is None:
        return
    told = held.copy()
    if change.op is Op.WITHDRAW:
        told["occurrence_us"] = 0
        told["ended_us"] = told["ended_us"] if told["ended_us"][0] else max(known_us, int(told["from_us"][0]))
    else:
        from_us, event_us = int(told["from_us"][0]), change.event_at_us
        spans = world.terms.demands(change.tag).get(int(told["number"][0]) // 2, ())
        if from_us == told["event_us"][0] and asked(spans, from_us) == asked(spans, event_us):
            told["from_us"] = event_us
        told["event_us"] = event_us
    state.put(state.absences, told)


def _definite(shown: list[Shown]) -> list[Change]:
    return [one.now for one in shown if one.now.kind is Kind.EXCLUSION]


def _gravest(shown: list[Shown]) -> int:
    return min((one.now.severity for one in shown), default=len(CLOCKS))


def _differences(was: Occurrence, now: Occurrence) -> list[str]:
    """What an amendment changed, in words."""
    words = []
    if now.kind is not was.kind:
        words.append("definitely inside")
    if now.event_at_us != was.event_at_us:
        words.append(f"began at {clock(now.event_at_us)}, not {clock(was.event_at_us)}")
    if now.ended_us != was.ended_us and now.ended_us is not None and was.ended_us is not None:
        words.append(f"was over at {clock(now.ended_us)}, not {clock(was.ended_us)}")
    if now.severity < was.severity and now.kind is was.kind:
        words.append(f"P{now.severity}, not P{was.severity}")
    return words


def _level(world: World, now: Change, lane_us: int, whereabouts: bool) -> int:
    """Severity of what late data shows: of an entry it depends on how late, of anything else it is what it is."""
    if FAMILY[now.kind] not in _ENTRIES:
        return now.severity
    zone = world.zones[now.zone, now.zone_version]
    rules = world.terms.rules(world.rules, now.tag, now.event_at_us, now.zone)
    return severity(rules, zone, now.kind, late=True, age_us=lane_us - now.event_at_us, known=whereabouts)


def _without(rows: Array, batch: Array, identity: Sequence[str]) -> Array:
    """The stored rows that are not in the batch itself."""
    names, at = list(identity), identity[1]
    maybe = np.flatnonzero(among(rows[at], np.sort(batch[at])))  # others were at no time of the batch
    own = set(batch[names].tolist()) if len(maybe) else ()
    new = np.ones(len(rows), bool)
    new[maybe] = [one not in own for one in rows[maybe][names].tolist()]
    return taken(rows, new)


def within(asked: list[Window], rows: Array, at: str) -> Array:
    """Those of (n,) FIX or EVENT that are in any of some windows."""
    held, tags, at_us = np.zeros(len(rows), bool), np.ascontiguousarray(rows["tag"]), np.ascontiguousarray(rows[at])
    for turn in _turns(_merged(asked)):
        held |= _in_windows(tags, at_us, turn)
    return taken(rows, held)


def going_on(asked: list[Window], occurrences: Iterable[Occurrence]) -> tuple[Occurrence, ...]:
    """The occurrences that were going on in any of some windows."""
    windows_of: dict[int, list[Window]] = {}
    for window in asked:
        windows_of.setdefault(window.tag, []).append(window)
    return tuple(
        one
        for one in occurrences
        if any(
            one.event_at_us <= window.to_us and (not one.ended_us or one.ended_us >= window.from_us)
            for window in windows_of.get(one.tag, ())
        )
    )


def _merged(windows: Iterable[Window]) -> list[Window]:
    """The same time in windows that do not overlap, by tag and time."""
    found: list[Window] = []
    for window in sorted(windows):
        if found and found[-1].tag == window.tag and window.from_us <= found[-1].to_us:
            found[-1] = found[-1]._replace(to_us=max(found[-1].to_us, window.to_us))
        else:
            found.append(window)
    return found


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
    """Which of (n,) FIX lie in the turn's windows; a wrong clock's by time of receipt."""
    at_us = np.where(fixes["quality"] == Quality.SKEWED, fixes["received_us"], fixes["fix_at_us"])
    return _in_windows(fixes["tag"], at_us, turn)


def _in_windows(tags: Array, at_us: Array, turn: list[Window]) -> Bool:
    """Which of (n,) int64 tags and times lie in windows, ordered by tag and at most one each."""
    own, from_us, to_us = np.array(turn, np.int64).T
    found = np.minimum(np.searchsorted(own, tags), len(own) - 1)
    inside: Bool = (own[found] == tags) & (from_us[found] <= at_us) & (at_us <= to_us[found])
    return inside
