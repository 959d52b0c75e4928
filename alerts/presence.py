"""What fixes, beacon and messages say of a home becomes how long presence there is known, and since when it is contradicted.

DOMAIN.md, "Presence for a curfew": proven, consistent, contradicted, unknown. Pure, one tag and one home.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np

from alerts.pair import NO_FIX
from alerts.quality import Assessed
from alerts.rules import Rules
from alerts.terms import Terms
from alerts.track import Track
from model.arrays import Array
from model.event import EVENT, EventKind, sent_us
from model.fix import ACCURACY_FLOOR_M, FIX, IDENTITY, Flag, Quality
from model.hit import Verdict
from model.instant import FOREVER_US
from model.state import BEACON, PRESENCE, State

SIGHT: Final = np.dtype(
    [
        ("row", "<i8"),  # of the track
        ("zone", "<i8"),  # id of the home zone
        ("distance_m", "<f8"),  # signed metres to its boundary, NaN where far away
        ("version", "<i4"),  # of the zone
        ("says", "<i2"),  # Says, never NOTHING
        ("afar", "?"),  # outside, and so far that no beacon of the home is heard there: only ``with_afar`` tells
    ]
)
NO_EVENT: Final = np.zeros(1, EVENT)
NO_EVENT.flags.writeable = False
TWO: Final = 2  # definite fixes outside, in a row, that contradict presence

_IN, _OUT = int(EventKind.BEACON_IN), int(EventKind.BEACON_OUT)
_TAKEN, _PUT_BACK = int(EventKind.HOME_UNIT_MOVED), int(EventKind.HOME_UNIT_MOVED_CLEAR)

# What is told of the beacon, of what sends it, and of motion; every other event is contact and no more.
TOLD: Final = frozenset(
    {
        EventKind.BEACON_IN,
        EventKind.BEACON_OUT,
        EventKind.HOME_UNIT_MOVED,
        EventKind.HOME_UNIT_MOVED_CLEAR,
        EventKind.MOTION,
        EventKind.MOTION_CLEAR,
    }
)


class Says(IntEnum):
    """What a fix says of a home. One that says nothing neither counts nor breaks a run."""

    NOTHING = 0
    OUTSIDE = 1  # definite
    POSSIBLE = 2  # and accurate enough to be consistent with being there
    INSIDE = 3  # definite


def sights(rules: Rules, terms: Terms, track: Track, hits: Array) -> Array:
    """(s,) SIGHT: what a track says of its tags' homes, in order of track row and zone.

    A jump, or a fix from a wrong clock, says nothing: it can neither end an absence nor begin one.
    """
    rows, zones, versions = terms.homes_at(track.fixes["tag"], track.at_us)
    if not len(rows):
        return np.zeros(0, SIGHT)
    seen = np.zeros(len(rows), SIGHT)
    seen["row"], seen["zone"], seen["version"], seen["distance_m"] = rows, zones, versions, np.nan
    verdict = np.full(len(rows), int(Verdict.OUTSIDE))
    places = {pair: place for place, pair in enumerate(zip(rows.tolist(), zones.tolist(), strict=True))}
    near = np.isin(hits["zone"], zones)
    pairs = zip(hits["fix_row"][near].tolist(), hits["zone"][near].tolist(), strict=True)
    of_hit = np.array([places.get(pair, -1) for pair in pairs], np.int64)
    hits, of_hit = hits[near][of_hit >= 0], of_hit[of_hit >= 0]
    verdict[of_hit], seen["distance_m"][of_hit] = hits["verdict"], hits["distance_m"]
    quality, accuracy_m = track.fixes["quality"][rows], np.maximum(track.fixes["accuracy_m"][rows], ACCURACY_FLOOR_M)
    sound = (quality != Quality.IMPLAUSIBLE) & (quality != Quality.SKEWED) & (accuracy_m <= rules.consistent_m)
    able = track.able[rows]
    definite = np.where(verdict == Verdict.INSIDE, Says.INSIDE, Says.OUTSIDE)
    doubtful = np.where(sound & (verdict != Verdict.OUTSIDE), Says.POSSIBLE, Says.NOTHING)
    seen["says"] = np.where(able & (verdict != Verdict.POSSIBLE), definite, doubtful)
    said: Array = seen[seen["says"] != Says.NOTHING]
    return said


def with_afar(
    look: Callable[[Array, Array], Array], rules: Rules, track: Track, seen: Array, state: State, events: Array
) -> Array:
    """(s,) SIGHT of a track with ``afar`` told, of the tags of which a beacon was ever told: for others it does not matter.

    A hit tells no distance so far out, so these few fixes are looked at once more, as though their accuracy were worse by that.

    Parameters
    ----------
    look : as ``World.look``
    state : with the beacons known before (m,) ``events``
    """
    outside = np.flatnonzero(seen["says"] == Says.OUTSIDE)
    tags = track.fixes["tag"][seen["row"][outside]]
    outside = outside[state.has(state.find(tags), state.beacons) | np.isin(tags, events["tag"][events["kind"] == _IN])]
    if not len(outside):
        return seen
    rows = np.unique(seen["row"][outside])
    fixes = track.fixes[rows].copy()
    fixes["fix_at_us"] = track.at_us[rows]
    fixes["accuracy_m"] = np.maximum(fixes["accuracy_m"], ACCURACY_FLOOR_M) + rules.beacon_far_m
    hits = look(fixes, np.zeros(len(np.unique(fixes["tag"])), FIX))
    near = set(zip(rows[hits["fix_row"]].tolist(), hits["zone"].tolist(), strict=True))
    pairs = zip(seen["row"][outside].tolist(), seen["zone"][outside].tolist(), strict=True)
    seen = seen.copy()
    seen["afar"][outside] = [pair not in near for pair in pairs]
    return seen


def as_it_came(assessed: Assessed, seen: Array) -> tuple[Track, Array]:
    """A batch's track by when each fix came, and (s,) SIGHT of it without fixes that came after a newer one.

    In a batch of their own nothing would be heard of those, and what is said of homes may not depend on how batches are cut.
    """
    track, fixes = assessed.track, assessed.fixes
    if not assessed.overtaken.any():
        return track, seen
    rows = np.flatnonzero(np.isin(fixes["tag"], fixes["tag"][assessed.overtaken]))
    row_of = dict(zip(fixes[list(IDENTITY)][rows].tolist(), rows.tolist(), strict=True))
    of_track = np.array([row_of.get(identity, -1) for identity in track.fixes[list(IDENTITY)].tolist()], np.int64)
    ours = of_track >= 0
    track = track._replace(lane_us=np.where(ours, assessed.came_us[of_track], track.lane_us))
    return track, seen[~(ours & assessed.overtaken[of_track])[seen["row"]]]


def is_late(fix: Array) -> bool:
    """Whether a (1,) FIX was received late or out of order; of none, no."""
    return bool(len(fix)) and bool(fix["flags"][0] & (Flag.LATE | Flag.DISORDERED))


@dataclass(slots=True)
class Evidence:
    """``PRESENCE`` with its fields as plain numbers; ``first`` is (1,) FIX. Units as there."""

    tag: int
    zone: int
    shown_us: int = 0
    inside_us: int = 0
    known_us: int = 0
    proven_us: int = 0
    second_us: int = 0
    first: Array = field(default_factory=lambda: NO_FIX)
    version: int = 0
    says: int = 0
    outs: int = 0
    late: int = 0

    @classmethod
    def of(cls, record: Array) -> "Evidence":
        """The object of a (1,) PRESENCE record."""
        evidence = cls(*record[0].item())
        evidence.first = record["first"].copy() if evidence.outs else NO_FIX
        return evidence

    def record(self) -> Array:
        """The (1,) PRESENCE record."""
        record = np.zeros(1, PRESENCE)
        for name in _NAMES:
            record[name] = getattr(self, name)
        return record

    def see(self, says: int, at_us: int, version: int, fix: Array) -> None:
        """A fix says something of the home; older than the newest that did, it is not news."""
        if at_us < self.shown_us:
            return
        self.shown_us, self.says, self.version = at_us, says, version
        if says == Says.OUTSIDE:
            if not self.outs:
                self.first = fix
            if self.outs == 1:
                self.second_us, self.late = at_us, int(is_late(fix))
            self.outs = min(self.outs + 1, TWO)
            self.proven_us = 0
            return
        self._inside_again()
        if says == Says.INSIDE:
            self.inside_us = self.proven_us = at_us

    def prove(self, event: Array) -> None:
        """The beacon says that the tag is at home, or was until then: a (1,) EVENT. Not where fixes afar have shown better."""
        at_us = int(sent_us(event)[0])
        if self.outs and event["kind"][0] == _OUT:
            return
        self._inside_again()
        self.proven_us = max(self.proven_us, at_us)

    def _inside_again(self) -> None:
        self.outs, self.first, self.second_us, self.late = 0, NO_FIX, 0, 0


_NAMES: Final = tuple(part.name for part in fields(Evidence))
assert PRESENCE.names == _NAMES, "evidence's object and record must name the same fields in the same order"


@dataclass(slots=True)
class Beacon:
    """``BEACON`` with its fields as plain numbers, and ``told_us``, its newest word; ``beacon`` is (1,) EVENT. Units as there."""

    tag: int
    beacon: Array = field(default_factory=lambda: NO_EVENT)
    moved_us: int = 0
    still_us: int = 0
    told_us: int = 0
    at_us: int = field(init=False)  # when it was last told of, repetitions that it is out of range apart; 0 where it never was
    in_range: bool = field(init=False)  # whether the tag last said that it is, and what sends it was not moved since
    out_of_range: bool = field(init=False)  # whether the tag last said that it is not

    def __post_init__(self) -> None:
        # Asked for at every turn of the machine, and to look into an array takes a microsecond.
        self.at_us, kind = int(sent_us(self.beacon)[0]), int(self.beacon["kind"][0])
        self.in_range, self.out_of_range = kind in (_IN, _PUT_BACK), kind == _OUT

    @classmethod
    def of(cls, record: Array, told_us: int) -> "Beacon":
        """The object of a (1,) BEACON record, and of when the beacon was last told of, 0 where that is not kept."""
        tag, _, moved_us, still_us = record[0].item()
        return cls(tag, record["beacon"].copy(), moved_us, still_us, max(told_us, int(sent_us(record["beacon"])[0])))

    def record(self) -> Array:
        """The (1,) BEACON record."""
        record = np.zeros(1, BEACON)
        record["tag"], record["beacon"] = self.tag, self.beacon
        record["moved_us"], record["still_us"] = self.moved_us, self.still_us
        return record

    def tell(self, event: Array) -> bool:
        """A (1,) EVENT of those in ``TOLD``; whether it proves that the tag is, or was until then, at home."""
        kind, at_us = int(event["kind"][0]), int(sent_us(event)[0])
        if kind == EventKind.MOTION:
            self.moved_us = max(self.moved_us, at_us)
        elif kind == EventKind.MOTION_CLEAR:
            self.still_us = max(self.still_us, at_us)
        elif at_us >= self.told_us:  # older than that it is no news, also where it was only told once more
            self.told_us = at_us
            if kind in (_TAKEN, _PUT_BACK):  # what was in range is not, until it is again, or until the home unit is back
                news = self.in_range if kind == _TAKEN else self.beacon["kind"][0] == _TAKEN
                if news:
                    self.beacon = event
                    self.__post_init__()
                return False
            was_in_range = self.in_range
            if not (self.out_of_range and kind == EventKind.BEACON_OUT):  # told again while it lasts, it is the same
                self.beacon = event
                self.__post_init__()
            return was_in_range or self.in_range
        return False

    def still(self, proven_us: int) -> bool:
        """Whether the tag has not been moved since it was last proven to be at home."""
        return self.moved_us <= self.still_us and self.moved_us <= proven_us


class Contradiction(NamedTuple):
    """That the wearer is not at home."""

    since_us: int  # from when
    effective_us: int  # it is one only from then on: by the second fix, or once the beacon has been waited for
    by_beacon: bool


class Presence(NamedTuple):
    """All that is known of one tag and one home, up to its newest message."""

    evidence: Evidence
    beacon: Beacon
    contact_us: int  # time of receipt of the newest message of any kind

    def contradictions(self, rules: Rules, from_us: int) -> list[Contradiction]:
        """What contradicts presence in a span that asks from ``from_us`` on, where no message follows.

        Fixes contradict where they still spoke when the span began, or came later; then they stand until something shows
        otherwise. They and the beacon may both.
        """
        evidence, found = self.evidence, list[Contradiction]()
        if evidence.outs >= TWO and evidence.shown_us + rules.whereabouts_us >= from_us:
            first_us = int(evidence.first["fix_at_us"][0])
            found.append(Contradiction(first_us, evidence.second_us, by_beacon=False))
        if self.beacon.out_of_range:
            since_us = self.beacon.at_us
            effective_us = since_us + rules.beacon_us
            if evidence.inside_us >= since_us:  # a fix inside goes before the beacon, while it speaks
                since_us = evidence.inside_us + rules.whereabouts_us
                effective_us = max(effective_us, since_us)
            found.append(Contradiction(since_us, effective_us, by_beacon=True))
        return found

    @property
    def vouched(self) -> bool:
        """Whether the beacon is in range, and no two fixes afar in a row have belied it."""
        return self.beacon.in_range and self.evidence.outs < TWO

    def takes(self, says: int, *, afar: bool) -> bool:
        """Whether a fix counts: the beacon in range goes before positions that drift, but not before those from afar."""
        return says != Says.OUTSIDE or afar or not self.vouched

    def proven_until(self, rules: Rules) -> int:
        """Until when it is proven that the wearer is at home, without a further message."""
        until_us = self.evidence.shown_us + rules.whereabouts_us if self.evidence.says == Says.INSIDE else 0
        return max(until_us, self.contact_us + rules.contact_us) if self.vouched else until_us

    def known_until(self, rules: Rules) -> int:
        """Until when presence is known without a further message, where nothing contradicts it."""
        evidence, until_us = self.evidence, 0
        if evidence.says in (Says.POSSIBLE, Says.INSIDE) or evidence.outs >= TWO:
            until_us = evidence.shown_us + rules.whereabouts_us  # one outside alone says nothing that is known
        if self.vouched or self._stands:  # out of range, it contradicts before long
            until_us = max(until_us, self.contact_us + rules.contact_us)
        return until_us

    @property
    def home_and_still(self) -> bool:
        """Whether the wearer was last proven to be at home, has not been moved since, and is not out of the beacon's range."""
        return self._stands and not self.beacon.out_of_range

    @property
    def _stands(self) -> bool:
        """Whether nothing has come since the last proof that would take it away, the beacon apart."""
        return self.evidence.proven_us > 0 and self.beacon.still(self.evidence.proven_us)

    def unknown_from(self, rules: Rules, from_us: int) -> int:
        """From when on, in a span that asks from ``from_us`` on, presence is unknown where no message follows; or for ever."""
        unknown_us = max(self.known_until(rules), self.evidence.known_us, from_us)
        for contradiction in self.contradictions(rules, from_us):
            if not contradiction.by_beacon or contradiction.effective_us <= unknown_us:
                return FOREVER_US
        return unknown_us
