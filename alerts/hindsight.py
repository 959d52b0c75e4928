"""A tag's track and events, in the order things happened, become what they would have raised had they come in that order.

By the same state machines as live judging, from nothing: entries, what goes on near zones and in them, and curfews. Lane time is
when things were taken; only contact is when a message was received, as for the wearer's record (``alerts.timeline``).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from operator import attrgetter, itemgetter
from typing import Final, NamedTuple

import numpy as np

from alerts.absence import Curfews, Now, Sight
from alerts.passed import with_passed
from alerts.presence import TOLD, sights, with_afar
from alerts.quality import Assessed, assess, identity_order
from alerts.rules import Rules
from alerts.standing import Standing, stand
from alerts.step import ranked
from alerts.track import Track, look, runs
from alerts.world import World
from model.alert import FAMILY, NO_EVENTS, Change, Family, Op
from model.arrays import I64, Array, taken
from model.event import sent_us
from model.fix import FIX, IDENTITY, Quality
from model.history import Window
from model.instant import FOREVER_US
from model.state import State

CURFEWS: Final = frozenset({Family.CURFEW_ABSENCE, Family.CURFEW_UNVERIFIED})
EVENT_IDENTITY: Final = ("tag", "at_us", "seq", "kind")
_NO_FIXES: Final = np.zeros(0, FIX)


class Span(NamedTuple):
    """From when to when something was said of a zone; ``stop_us`` FOREVER_US while it is not over."""

    zone: int
    family: Family
    order: int  # of a curfew, as two may ask for one home; else 0
    start_us: int
    stop_us: int

    @classmethod
    def of(cls, zone: int, family: Family, order: int, start_us: int, stop_us: int | None) -> "Span":
        """The span of an occurrence by whatever authority."""
        return cls(zone, family, order if family in CURFEWS else 0, start_us, FOREVER_US if stop_us is None else stop_us)

    def meets(self, other: "Span", gap_us: int) -> bool:
        """Whether the two are one occurrence: the same thing, and no more than the re-entry time between them."""
        return self[:3] == other[:3] and self.start_us <= other.stop_us + gap_us and other.start_us <= self.stop_us + gap_us


class Shown(NamedTuple):
    """One occurrence as a replay shows it."""

    span: Span
    opened: Change
    now: Change  # the last change to it: it as it stands at the track's end
    evidence: Array  # (k,) FIX that opened, worsened and ended it
    events: Array  # (j,) EVENT likewise
    newest_us: int  # when the tag's track ends


class Past(NamedTuple):
    """What the store and a batch hold of some tags in one window each, as far as it is replayed."""

    fixes: Array  # (n,) FIX
    events: Array  # (m,) EVENT in order of tags and times
    contact_us: Mapping[int, I64]  # by tag, (c,) times of receipt of all its messages, ascending
    windows: Sequence[Window]
    upto_us: Mapping[int, int]  # by tag, lane time: its clock runs no further


Told = dict[int, list[Shown]]  # by tag, in order of zone, family and time


class Replay(NamedTuple):
    """What the past would have raised of zones to keep out of, to stay in, and to keep away from."""

    quality: Array  # (n,) int16 of the fixes given
    shown: Told


class Record(NamedTuple):
    """What the past would have raised of curfews."""

    shown: Told
    known_us: dict[tuple[int, int], int]  # by tag and home, until when presence was known as far as its clock ran


def replay(world: World, past: Past, only: Collection[int] | None = None) -> Replay:
    """Judge the past of zones from nothing.

    Parameters
    ----------
    only : tags of which it is asked what is shown; of all where not given. Quality and lane time come of all fixes in any case
    """
    rules, terms, fixes, state = world.rules, world.terms, past.fixes, State()
    assessed, order = _assessed(world, fixes)
    quality = np.empty(len(fixes), np.int16)
    quality[order] = assessed.fixes["quality"]
    track, ends_us = assessed.track, _ends_us(past)
    if only is not None:
        track = track.taken(np.isin(track.fixes["tag"], np.fromiter(only, np.int64)))
    if not len(track.at_us):
        return Replay(quality, {})
    hits = look(world.look, track, assessed.before)
    newest = dict(zip(assessed.after["tag"].tolist(), assessed.after["last"]["fix_at_us"].tolist(), strict=True))
    track, hits = with_passed(world, state, track, hits, ends_us)
    entered = ranked(rules, terms, state, track, hits)
    made = [change for _, change in entered]
    # Entries are told by when fixes came, for what is late about them; the clocks of all else run as things were taken.
    made += stand(world, state, _as_taken(track), hits, entered)
    for tag in list(state.places.tags):
        one = Standing(rules, terms, state, tag, newest[tag])
        one.run_to(ends_us[tag])
        made += one.changes
    return Replay(quality, _shown(made, newest))


def record(world: World, live: State, past: Past) -> Record:
    """Judge the past of curfews from nothing.

    Parameters
    ----------
    live : what the lane knows; of it only that a beacon or motion was last told before a window counts
    """
    assessed, _ = _assessed(world, past.fixes)
    track = _as_taken(assessed.track)
    seen = sights(world.rules, world.terms, track, look(world.look, assessed.track, assessed.before))
    seen = with_afar(world.look, world.rules, track, seen, live, past.events)
    newest = dict(zip(assessed.after["tag"].tolist(), assessed.after["last"]["fix_at_us"].tolist(), strict=True))
    made: list[Change] = []
    known_us: dict[tuple[int, int], int] = {}
    ends_us = _ends_us(past)
    for window in past.windows:
        at_home = _AtHome(world, live, window, past, ends_us[window.tag])
        at_home.run(track, seen)
        made += at_home.changes
        known_us |= {(window.tag, zone): until_us for zone, until_us in at_home.known_us().items()}
    return Record(_shown(made, newest), known_us)


def _assessed(world: World, fixes: Array) -> tuple[Assessed, I64]:
    """(n,) FIX as though they had come in the order they were taken, and the place of each assessed one among those given."""
    order = np.argsort(np.where(fixes["quality"] == Quality.SKEWED, fixes["received_us"], fixes["fix_at_us"]), kind="stable")
    arrived = taken(fixes, order)
    return assess(world.rules, world.terms, State(), arrived), order[identity_order(arrived)]


def each_once(rows: Array, identity: Sequence[str] = IDENTITY) -> Array:
    """(n,) FIX, or rows of another identity, in order of it and each once."""
    rows = rows[np.lexsort([rows[name] for name in reversed(identity)])]
    same = np.ones(len(rows), bool)
    for name in identity:
        same[1:] &= rows[name][1:] == rows[name][:-1]
    same[:1] = False
    once: Array = rows[~same]
    return once


def _ends_us(past: Past) -> dict[int, int]:
    """Until when each tag's clock runs."""
    return {window.tag: min(past.upto_us[window.tag], window.to_us) for window in past.windows}


def _as_taken(track: Track) -> Track:
    """The track with the times its rows are judged at as lane time; a jump confirmed later is one at its confirmation."""
    lane_us = track.at_us.copy()
    for first, stop in pairwise(runs(track.fixes["tag"]).tolist()):
        np.maximum.accumulate(lane_us[first:stop], out=lane_us[first:stop])
    return track._replace(lane_us=lane_us)


def _shown(made: Iterable[Change], newest: Mapping[int, int]) -> Told:
    changes: dict[tuple[int, int, Family, int, int], list[Change]] = {}
    for change in made:
        family = FAMILY[change.kind]
        key = change.tag, change.zone, family, change.order if family in CURFEWS else 0, change.occurrence_us
        if change.op is Op.WITHDRAW:
            changes.pop(key, None)
        else:
            changes.setdefault(key, []).append(change)
    shown: Told = {}
    for (tag, zone, family, order, _), told in sorted(changes.items()):
        evidence = each_once(np.concatenate([change.evidence for change in told]))
        events = each_once(np.concatenate([change.events for change in told]), EVENT_IDENTITY)
        span = Span.of(zone, family, order, told[-1].event_at_us, told[-1].ended_us)
        shown.setdefault(tag, []).append(Shown(span, told[0], told[-1], evidence, events, newest.get(tag, span.start_us)))
    return shown


class _Word(NamedTuple):
    """One thing that a tag told of a home, or that it was heard of again after a while."""

    at_us: int
    fix: Array = _NO_FIXES
    event: Array = NO_EVENTS
    sights: tuple[Sight, ...] = ()
    contact_us: int = 0  # it is contact, as is all that follows up to then


class _AtHome:
    """One tag's curfews in a window, from what it told in the order it happened."""

    def __init__(self, world: World, live: State, window: Window, past: Past, end_us: int) -> None:
        self.changes: list[Change] = []
        self._world, self._window, self._past = world, window, past
        self._lane_us, self._end_us, self._last = window.from_us, end_us, _NO_FIXES
        self._contact_us = 0
        state = State()
        state.listening_us = window.from_us  # what it was before is beyond this
        told = live.beacons.get(window.tag)
        if told is not None and max(int(sent_us(told["beacon"])[0]), *told[0][["moved_us", "still_us"]].item()) < window.from_us:
            state.put(state.beacons, told.copy())
        self._curfews = Curfews(self._ruled, world.terms, state, window.tag, self._now, self.changes)

    def run(self, track: Track, seen: Array) -> None:
        """Take everything the tag told, and let the clock run between and after it."""
        words = sorted(self._told(track, seen), key=attrgetter("at_us"))
        for at_us, together in groupby((one for one in words if one.at_us <= self._end_us), key=attrgetter("at_us")):
            self._run_to(at_us)
            for one in together:
                self._curfews.expect(at_us, one.sights, one.event)
                self._contact_us = one.contact_us or self._contact_us
                self._curfews.hear(at_us, at_us, one.fix, one.sights, one.event)
                self._last = one.fix if len(one.fix) else self._last
            self._run_to(at_us)
        self._run_to(self._end_us)

    def known_us(self) -> dict[int, int]:
        """Until when presence at each home is known, by all that was told."""
        return self._curfews.known_us()

    def _ruled(self) -> Rules:
        return self._world.terms.rules(self._world.rules, self._window.tag, self._lane_us)

    def _now(self) -> Now:
        return Now(self._lane_us, self._contact_us, self._last, {})

    def _run_to(self, lane_us: int) -> None:
        while True:
            due = ((max(at_us, self._lane_us), act) for at_us, act in self._curfews.due())
            at_us, act = min(due, key=itemgetter(0), default=(FOREVER_US, None))
            if act is None or at_us > lane_us:
                break
            self._lane_us = at_us
            act()
        self._lane_us = max(self._lane_us, lane_us)

    def _told(self, track: Track, seen: Array) -> Iterator[_Word]:
        tag = self._window.tag
        events = self._past.events[slice(*np.searchsorted(self._past.events["tag"], [tag, tag + 1]))]
        events = events[np.isin(events["kind"], [*TOLD])]
        at_us = sent_us(events)
        first, stop = np.searchsorted(track.fixes["tag"], [tag, tag + 1])
        yield from self._thinned(track, seen[slice(*np.searchsorted(seen["row"], [first, stop]))], at_us)
        for row in range(len(events)):
            yield _Word(int(at_us[row]), event=events[row : row + 1])
        # Of messages that follow each other while the one before still says that the tag is in contact, the last one counts.
        received_us = self._past.contact_us[tag]
        ends = np.append(np.diff(received_us) > self._ruled().contact_us, True)[: len(received_us)]
        for begun_us, ended_us in zip(received_us[np.append(True, ends)[:-1]].tolist(), received_us[ends].tolist(), strict=True):
            yield _Word(begun_us, contact_us=ended_us)

    def _thinned(self, track: Track, seen: Array, turns_us: I64) -> Iterator[_Word]:
        """What fixes say, less those that say what the one before said and the one after says again while it still speaks.

        Of a run of fixes that say the same the first two and the last are kept, so that it says the same with less.

        Parameters
        ----------
        turns_us : when something else was told, that ends a run
        """
        spoken: list[_Word] = []
        before: list[tuple[int, ...]] = []
        rows = seen["row"].tolist()
        for first, stop in pairwise(runs(seen["row"]).tolist()):
            row = rows[first]
            said = tuple(Sight(*one) for one in seen[["zone", "version", "says", "distance_m", "afar"]][first:stop].tolist())
            spoken.append(_Word(int(track.at_us[row]), track.fixes[row : row + 1], NO_EVENTS, said))
            before.append(
                (int(np.searchsorted(turns_us, spoken[-1].at_us)), *(part for one in said for part in (*one[:3], one.afar)))
            )
        kept_us = -FOREVER_US
        for k, one in enumerate(spoken):
            same = 2 <= k < len(spoken) - 1 and before[k - 2] == before[k - 1] == before[k] == before[k + 1]
            if not same or spoken[k + 1].at_us - kept_us > self._ruled().whereabouts_us:
                kept_us = one.at_us
                yield one
