"""A tag's messages and the clock become curfew alerts: absence from home, and presence that cannot be verified.

Pure. One tag at a time, as a part of ``alerts.device``, which has the tag's clock; what presence is, ``alerts.presence`` says.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from alerts.demand import Demand, asked, since
from alerts.presence import TOLD, Beacon, Evidence, Presence, Says, is_late
from alerts.reason import clock, minutes
from alerts.rules import Rules
from alerts.signal import Signal
from alerts.terms import Terms, until
from alerts.urgency import due
from model.alert import CONFIDENCE, NO_EVENTS, Change, Family, Kind, Op
from model.arrays import Array
from model.event import EventKind, sent_us
from model.fix import FIX
from model.instant import FOREVER_US
from model.state import ABSENCE, CONTACT, State
from model.state import Signal as Number
from model.zone import Monitored

AWAY: Final = 0  # ABSENCE.number less twice the curfew's id
UNVERIFIED: Final = 1
_KIND: Final = {AWAY: Kind.CURFEW_ABSENCE, UNVERIFIED: Kind.CURFEW_UNVERIFIED}

# What may be the reason why presence cannot be verified, the nearest first.
_CAUSES: Final = (Number.BATTERY_DEAD, Number.NO_CONTACT, Number.JAMMING)

Due = tuple[int, Callable[[], None]]


class Sight(NamedTuple):
    """What a fix of the tag says of a home."""

    zone: int
    version: int
    says: int  # Says
    distance_m: float
    afar: bool = False  # as in ``SIGHT``


class Now(NamedTuple):
    """What the tag's device knows at the instant that is judged."""

    lane_us: int
    contact_us: int
    last: Array  # (1,) FIX, or (0,): the last that said where the tag is
    signals: Mapping[int, Signal]


@dataclass(slots=True)
class Absence:
    """``ABSENCE`` with its fields as plain numbers. Units as there."""

    tag: int
    number: int
    wearer: int
    order: int
    zone: int
    occurrence_us: int
    event_us: int
    detected_us: int
    clock_us: int
    ended_us: int
    from_us: int
    away_us: int
    version: int
    held: int
    severity: int
    late: int

    @classmethod
    def of(cls, record: Array) -> "Absence":
        """The object of a (1,) ABSENCE record."""
        return cls(*record[0].item())

    def record(self) -> Array:
        """The (1,) ABSENCE record."""
        return np.array([tuple(getattr(self, name) for name in _NAMES)], ABSENCE)

    @property
    def active(self) -> bool:
        """Whether it is not over."""
        return self.ended_us == 0

    @property
    def whole(self) -> bool:
        """Whether its present stretch is its first."""
        return self.from_us == self.event_us and not self.away_us

    @property
    def kind(self) -> Kind:
        """What it says."""
        return _KIND[self.number % 2]


_NAMES: Final = tuple(part.name for part in fields(Absence))
assert ABSENCE.names == _NAMES, "an absence's object and record must name the same fields in the same order"


class Curfews:
    """One tag and its wearers' curfews while its messages and its clock are judged; ``keep`` writes what came of it.

    Parameters
    ----------
    rules : those in force at the instant that is judged
    state : before these messages
    now : what the tag's device knows at the moment
    changes : where to tell what happens
    """

    def __init__(
        self,
        rules: Callable[[], Rules],
        terms: Terms,
        state: State,
        tag: int,
        now: Callable[[], Now],
        changes: list[Change],
    ) -> None:
        self.terms, self.state, self.tag = terms, state, tag
        self._rules = rules
        self._now, self._changes = now, changes
        self._demands = terms.demands(tag)
        self._evidence = {int(known["zone"][0]): Evidence.of(known) for known in state.presences.of_tag(tag)}
        contact, beacon = state.contacts.get(tag), state.beacons.get(tag)
        # Since when the tag has been in contact without a gap, 0 where that is not known.
        self._from_us = 0 if contact is None else int(contact["from_us"][0])
        told_us = 0 if contact is None else int(contact["beacon_us"][0])
        self._beacon = Beacon(tag, told_us=told_us) if beacon is None else Beacon.of(beacon, told_us)
        self._absences = {int(known["number"][0]): Absence.of(known) for known in state.absences.of_tag(tag)}
        self._tables = {
            "home": state.presences,
            "beacon": state.beacons,
            "contact": state.contacts,
            "absence": state.absences,
        }
        self._before = self._records()
        if contact is None:
            self._before.pop(("contact", 0), None)  # as the beacon's record tells of its newest word as well
        self._homes_then: dict[int, list[int]] = {}  # homes in force when the beacon last told something
        self._until: dict[int, int] = {}  # as of just before the message that is being taken
        self._contact_us = 0  # likewise

    @property
    def rules(self) -> Rules:
        """Those in force at the instant that is judged."""
        return self._rules()

    # -- what happens

    def expect(self, at_us: int, sights: Sequence[Sight], event: Array) -> None:
        """A message has come and is not taken yet: what is told of the time before it is judged by what was known before it."""
        if sights or (len(event) and int(event["kind"][0]) in TOLD):
            self._catch_up(min(at_us, self._now().lane_us))
        self._until, self._contact_us = self._known_until(), self._now().contact_us

    def hear(self, at_us: int, received_us: int, fix: Array, sights: Sequence[Sight], event: Array) -> None:
        """A message, that it is contact having been noted."""
        kind = int(event["kind"][0]) if len(event) else 0
        for sight in sights:
            self._see(sight, at_us, fix)
        if kind in TOLD:
            self._told(event)
        contact_us = self._now().contact_us
        begun = contact_us - self._contact_us > self.rules.contact_us
        lost = begun and self._contact_us
        if begun:
            self._from_us = received_us
        for zone, until_us in self._known_until().items():
            # What a message takes back was known until then all the same; and so it was while the tag was in contact before.
            before_us = self._until.get(zone, 0)
            if lost or until_us < before_us:
                known = self._evidence[zone]
                known.known_us = max(known.known_us, min(before_us, contact_us if lost else at_us))
        shown = bool(sights) or kind == EventKind.BEACON_IN
        self._settle(at_us if shown else received_us, fix, event if kind in TOLD else NO_EVENTS)

    def lapse(self, at_us: int, fix: Array, sights: Sequence[Sight]) -> None:
        """Controls changed at an instant: the last fix is looked at once more where a home is not what it was."""
        contact_us = self._now().contact_us
        if not self._from_us and at_us - contact_us <= self.rules.contact_us:
            self._from_us = contact_us  # perhaps a curfew asks from now on: in contact since then at the latest
        for sight in sights:
            known = self._evidence.get(sight.zone)
            if known is None or known.version != sight.version:
                if known is None or not (known.outs and sight.says == Says.OUTSIDE):
                    self._see(sight, int(fix["fix_at_us"][0]), fix)
                else:
                    known.version = sight.version  # one fix never counts twice
        self._settle(at_us, fix, NO_EVENTS)
        for _, absence in sorted(self._absences.items()):
            if absence.active and self._asked(absence) is None:
                self._ask_no_more(absence, at_us, fix)

    def _ask_no_more(self, absence: Absence, at_us: int, fix: Array) -> None:
        """What the present stretch was told by is not asked: by whatever changed, or because nobody might judge even then."""
        if self._wearer(absence.from_us) == absence.wearer:
            self._end(absence, at_us, f"the curfew asks nothing any more at {clock(at_us)}", fix)
            return
        held_us = until(self.terms.spans(self.tag), absence.wearer, absence.event_us)
        text = f"as is known now, no order allowed judging at {clock(absence.from_us)}"
        if held_us:
            absence.from_us = absence.ended_us = held_us
            self._tell(Op.END, absence, text, fix)
        else:
            self._withdraw(absence, absence.from_us, text, fix)

    def home_and_still(self, span: Monitored, at_us: int) -> bool:
        """Whether the wearer of a span was last proven to be at a home that is theirs at an instant, and is there and still."""
        proven = {zone for zone, known in self._evidence.items() if span.from_us <= known.proven_us < span.to_us}
        return bool(proven) and any(
            self._presence(zone, span.wearer).home_and_still for zone in sorted(proven.intersection(self._homes(at_us)))
        )

    def known_us(self) -> dict[int, int]:
        """Until when presence at each home is known, or was by what has since been overtaken."""
        return {zone: max(until_us, self._evidence[zone].known_us) for zone, until_us in self._known_until().items()}

    def due(self) -> Iterator[Due]:
        """What is pending, and its own instant, which may be long past where it has only now become known."""
        yield from self._away_due()
        yield from self._blanks_due()

    def keep(self) -> None:
        """Write what changed to the state."""
        for number, absence in list(self._absences.items()):
            if not absence.active and not self._matters(absence):
                del self._absences[number]
        if not self._demands:
            self._from_us = self._beacon.told_us = 0  # where no curfew asks nobody sees to it that gaps are noticed
        after = self._records()
        for key in self._before.keys() - after.keys():
            self.state.drop(self._tables[key[0]], self.tag, key[1])
        for key, record in after.items():
            before = self._before.get(key)
            if before is None or before.tobytes() != record.tobytes():
                self.state.put(self._tables[key[0]], record)

    def _records(self) -> dict[tuple[str, int], Array]:
        records = {("home", zone): known.record() for zone, known in self._evidence.items()}
        if self._beacon.at_us or self._beacon.moved_us or self._beacon.still_us:
            records["beacon", 0] = self._beacon.record()
        if self._from_us or self._beacon.told_us:
            records["contact", 0] = np.array([(self.tag, self._from_us, self._beacon.told_us)], CONTACT)
        return records | {("absence", number): absence.record() for number, absence in self._absences.items()}

    def _matters(self, absence: Absence) -> bool:
        """Whether one that is over may still go on, or would be told once more if it were forgotten."""
        if self._now().lane_us - absence.ended_us <= self.rules.reenter_us + self.rules.history_us:
            return True  # what happened soon after it may be heard of later
        spans = self._demands.get(absence.number // 2, ())
        if absence.number % 2 == UNVERIFIED:
            if any(0 < known.shown_us < absence.ended_us for known in self._evidence.values()):
                return True  # the next message that tells of homes has all the time since then looked at
            anew = self._blank(spans, None)
            if anew is not None and anew[1] < absence.ended_us:
                return True
            found = self._blank(spans, absence)
        else:
            told = self._presence(absence.zone, absence.wearer).contradictions(self.rules, 0)
            if any(one.since_us < absence.ended_us for one in told):
                return True
            found = self._stretch(spans, absence.ended_us)
        return found is not None and found[1] - absence.ended_us <= self.rules.reenter_us

    # -- what messages say

    def _see(self, sight: Sight, at_us: int, fix: Array) -> None:
        known = self._evidence.get(sight.zone)
        if known is None:
            known = self._evidence[sight.zone] = Evidence(self.tag, sight.zone)
        if self._presence(sight.zone, self._wearer(at_us)).takes(sight.says, afar=sight.afar):
            known.see(sight.says, at_us, sight.version, fix)

    def _told(self, event: Array) -> None:
        at_us = int(sent_us(event)[0])
        if self._wearer(at_us) != (self._wearer(self._now().lane_us) or self._wearer(at_us)):
            return  # of the time of another wearer
        if self._beacon.tell(event):
            for zone in self._homes(at_us):
                self._evidence.setdefault(zone, Evidence(self.tag, zone)).prove(event)

    def _known_until(self) -> dict[int, int]:
        """Until when presence at each home is known without a further message."""
        wearer = self._wearer(self._now().lane_us)
        return {zone: self._presence(zone, wearer).known_until(self.rules) for zone in self._evidence}

    def _wearer(self, at_us: int) -> int:
        """Who was monitored by the tag at an instant, 0 where nobody was."""
        return next((span.wearer for span in self.terms.spans(self.tag) if span.from_us <= at_us < span.to_us), 0)

    def _homes(self, at_us: int) -> list[int]:
        _, zones, _ = self.terms.homes_at(np.array([self.tag]), np.array([at_us]))
        found: list[int] = zones.tolist()
        return found

    def _presence(self, zone: int, wearer: int) -> Presence:
        known = self._evidence.get(zone) or Evidence(self.tag, zone)
        return Presence(known, self._beacon_of(zone, wearer), self._now().contact_us)

    def _beacon_of(self, zone: int, wearer: int) -> Beacon:
        """What the beacon has told of a home and wearer: nothing where another wore the tag then, or it stood in another home."""
        beacon = self._beacon
        if not beacon.at_us:
            return beacon
        if beacon.at_us not in self._homes_then:
            self._homes_then = {beacon.at_us: self._homes(beacon.at_us)}
        homes = self._homes_then[beacon.at_us]
        if self._wearer(beacon.at_us) in (0, wearer) and (not homes or zone in homes):
            return beacon
        return Beacon(self.tag, moved_us=beacon.moved_us, still_us=beacon.still_us)

    def _of(self, demand: Demand) -> Presence:
        return self._presence(demand.home, demand.pieces[0].curfew.wearer)

    def _asked(self, absence: Absence) -> Demand | None:
        """The span in which its present stretch began, if it is asked for still."""
        demand = asked(self._demands.get(absence.number // 2, ()), absence.from_us)
        return demand if demand is not None and demand.home == absence.zone else None

    def _settle(self, at_us: int, fix: Array, events: Array) -> None:
        """End what a message has shown to be over."""
        for _, absence in sorted(self._absences.items()):
            demand = self._asked(absence) if absence.active else None
            if demand is None:
                continue
            presence = self._of(demand)
            if absence.number % 2 == UNVERIFIED:
                if presence.unknown_from(self.rules, demand.from_us) > at_us:
                    self._known_again(absence, min(at_us, demand.to_us), fix, events)
            elif not any(one.effective_us <= at_us for one in presence.contradictions(self.rules, demand.from_us)):
                self._back(absence, min(at_us, demand.to_us), presence, fix, events)

    # -- absence

    def _catch_up(self, at_us: int) -> None:
        """Let everything happen that what is known so far makes of the time up to ``at_us``."""
        while True:
            due = (*self._away_due(upto_us=at_us), *self._blanks_due(upto_us=at_us))
            nominal_us, act = min(due, key=lambda one: one[0], default=(FOREVER_US, None))
            if act is None or nominal_us > at_us:
                return
            act()

    def _away_due(self, upto_us: int | None = None) -> Iterator[Due]:
        for number, spans in self._demands.items():
            absence = self._absences.get(2 * number)
            if absence is not None and absence.active:
                if (demand := self._asked(absence)) is not None:
                    yield from self._lasting(absence, demand)
            elif (found := self._stretch(spans, 0 if absence is None else absence.ended_us)) is not None:
                at_us, start_us, demand = found
                yield at_us, partial(self._away, 2 * number, at_us, start_us, demand, upto_us)

    def _stretch(self, spans: Sequence[Demand], ended_us: int) -> tuple[int, int, Demand] | None:
        """The next absence that outlasts its grace: when it does, when it began and what asks."""
        known = self._evidence.values()
        began = [int(one.first["fix_at_us"][0]) for one in known if one.outs]
        horizon_us = max((one.shown_us + self.rules.whereabouts_us for one in known), default=0)
        if self._beacon.out_of_range:
            began.append(self._beacon.at_us)
            horizon_us = FOREVER_US
        for demand in since(spans, max(ended_us, min(began))) if began else ():
            if demand.from_us > horizon_us:
                return None
            found = self._of(demand).contradictions(self.rules, demand.from_us)
            starts = [(max(one.since_us, demand.from_us, ended_us), one.effective_us) for one in found]
            raised = [(max(start_us + demand.at(start_us).grace_us, effective_us), start_us) for start_us, effective_us in starts]
            at_us = min((at for at, _ in raised), default=FOREVER_US)
            if at_us < demand.to_us:
                return at_us, min(start_us for start_us, effective_us in starts if effective_us <= at_us), demand
        return None

    def _lasting(self, absence: Absence, demand: Demand) -> Iterator[Due]:
        """What an absence that goes on comes to."""
        if absence.severity > 1:
            for piece in demand.pieces:
                if piece.curfew.high_risk and piece.to_us > absence.from_us:
                    words = "the curfew is one of high risk"
                    yield max(piece.from_us, absence.from_us), partial(self._graver, absence, 1, words)
                start_us, end_us = piece.window
                if absence.from_us <= start_us and piece.to_us == end_us:
                    yield end_us, partial(self._graver, absence, 1, f"away for the whole window, since {clock(start_us)}")
        if absence.severity > 2:
            at_us = absence.from_us + self.rules.absent_us - absence.away_us
            if at_us < demand.to_us:
                words = f"away for {minutes(self.rules.absent_us)}"
                yield at_us, partial(self._graver, absence, 2, words)
        yield demand.to_us, partial(self._over, absence, demand)

    def _away(self, number: int, at_us: int, start_us: int, demand: Demand, upto_us: int | None) -> None:
        """The grace is over."""
        now, before = self._now(), self._absences.get(number)
        wearer = demand.pieces[0].curfew.wearer
        known = self._evidence.get(demand.home)
        first = known.first if known is not None and known.outs else np.zeros(0, FIX)
        fixes = np.concatenate([first, *([now.last] if len(first) and now.last.tobytes() != first.tobytes() else [])])
        beacon = self._of(demand).beacon
        events = beacon.beacon if beacon.out_of_range else NO_EVENTS
        absence = self._again(before, wearer, demand.home, start_us)
        if absence is None:
            absence = self._new(number, demand, start_us, now)
            absence.late = int(now.lane_us > at_us and self._known_late(known))
        asks = demand.at(start_us)
        gone_us = min(now.lane_us if upto_us is None else upto_us, demand.to_us) - start_us
        if asks.high_risk:
            level = 1
        elif absence.away_us + gone_us >= self.rules.absent_us:
            level = 2
        else:
            level = 3
        words = "two fixes show it" if known is not None and known.outs > 1 else "the beacon at home is out of range"
        text = f"away from home since {clock(start_us)}: {words}"
        self._raise(absence, before, level, text, fixes, events)

    def _known_late(self, known: Evidence | None) -> bool:
        """Whether what contradicts presence was received late."""
        if known is not None and known.outs > 1:
            return bool(known.late)
        event = self._beacon.beacon
        return int(event["received_us"][0]) - int(event["at_us"][0]) > self.rules.late_us

    def _back(self, absence: Absence, at_us: int, presence: Presence, fix: Array, events: Array) -> None:
        """Something shows otherwise. Late data that shows less than the grace shows that it was no absence."""
        gone_us = max(at_us, absence.from_us) - absence.from_us
        demand = self._asked(absence)
        assert demand is not None, "its span was asked for just now"
        if self._told_late(fix, events) and absence.whole and gone_us < demand.at(absence.from_us).grace_us:
            text = f"by late data: back at {clock(at_us)}, within the grace"
            self._withdraw(absence, at_us, text, fix, events)
            return
        says = "at home" if presence.evidence.says == Says.INSIDE or len(events) else "perhaps at home"
        self._end(absence, at_us, f"{says} again at {clock(at_us)}", fix, events)

    def _told_late(self, fix: Array, events: Array) -> bool:
        """Whether what was told, a (1,) FIX or (1,) EVENT, was received late."""
        kept_us = int((events["received_us"] - events["at_us"]).max(initial=0))
        return is_late(fix) or kept_us > self.rules.late_us

    def _withdraw(self, absence: Absence, at_us: int, text: str, fix: Array, events: Array = NO_EVENTS) -> None:
        """It never was."""
        absence.ended_us = max(at_us, absence.event_us)
        self._tell(Op.WITHDRAW, absence, text, fix, events)
        del self._absences[absence.number]

    def _over(self, absence: Absence, demand: Demand) -> None:
        self._end(absence, demand.to_us, _why(demand), self._now().last)

    def _graver(self, absence: Absence, level: int, text: str) -> None:
        absence.severity, absence.clock_us = level, self._now().lane_us
        self._tell(Op.AMEND, absence, text, self._now().last)

    # -- presence that cannot be verified

    def _blanks_due(self, upto_us: int | None = None) -> Iterator[Due]:
        for number, spans in self._demands.items():
            absence = self._absences.get(2 * number + UNVERIFIED)
            if absence is not None and absence.active:
                if (demand := self._asked(absence)) is not None:
                    yield from self._unverified_lasting(absence, demand)
            elif (found := self._blank(spans, absence, upto_us)) is not None:
                at_us, unknown_us, demand = found
                yield at_us, partial(self._unknown, 2 * number + UNVERIFIED, at_us, unknown_us, demand)

    def _blank(
        self, spans: Sequence[Demand], before: Absence | None, upto_us: int | None = None
    ) -> tuple[int, int, Demand] | None:
        """When presence will next have been unknown for too long: when, since when, and what asks.

        Not of spans that are over in lane time, as nobody could have looked any more; but where a late message tells of a time up
        to ``upto_us``, of all the time since something was told before it.
        """
        now = self._now()
        if not now.contact_us:
            return None
        ended_us = 0 if before is None else before.ended_us
        if upto_us is None:
            begin_us = now.lane_us
        elif (begin_us := min((one.shown_us for one in self._evidence.values() if one.shown_us), default=upto_us)) >= upto_us:
            return None
        for demand in since(spans, max(begin_us, ended_us)):
            if upto_us is not None and demand.from_us > upto_us:
                return None
            presence = self._of(demand)
            if upto_us is not None and presence.contact_us > upto_us:
                # What has come since says nothing of then, unless contact has never been lost since before.
                presence = presence._replace(contact_us=upto_us if 0 < self._from_us <= upto_us else 0)
            if upto_us is not None and not presence.evidence.shown_us:
                continue
            unknown_us = max(presence.unknown_from(self.rules, demand.from_us), self.state.listening_us, ended_us)
            at_us = unknown_us + self.rules.unverified_us
            told = presence.contradictions(self.rules, demand.from_us)
            last_us = now.lane_us if upto_us is None else at_us
            if max(at_us, last_us) < demand.to_us and not any(one.effective_us <= at_us for one in told):
                return at_us, unknown_us, demand
        return None

    def _unverified_lasting(self, absence: Absence, demand: Demand) -> Iterator[Due]:
        for one in self._of(demand).contradictions(self.rules, demand.from_us):
            at_us = max(one.effective_us, absence.from_us)
            if at_us < demand.to_us:
                text = f"the beacon at home has been out of range for too long at {clock(at_us)}"
                yield at_us, partial(self._end, absence, at_us, text, self._now().last, self._beacon.beacon)
        cause, now = self._cause(), self._now()
        held = now.signals.get(absence.held)
        if cause is not None and (held is None or not held.active):
            yield cause.detected_us, partial(self._hold, absence, cause)
        elif absence.held and cause is None:
            yield now.lane_us, partial(self._let_go, absence)
        yield demand.to_us, partial(self._over, absence, demand)

    def _known_again(self, absence: Absence, at_us: int, fix: Array, events: Array) -> None:
        """Something has shown where the wearer is. Late data that shows it soon enough shows that presence was known."""
        if self._told_late(fix, events) and absence.whole and at_us - absence.from_us < self.rules.unverified_us:
            self._withdraw(absence, at_us, f"by late data: presence was known at {clock(at_us)}", fix, events)
        else:
            self._end(absence, at_us, f"presence is known again at {clock(at_us)}", fix, events)

    def _unknown(self, number: int, at_us: int, unknown_us: int, demand: Demand) -> None:
        now, before = self._now(), self._absences.get(number)
        absence = self._again(before, demand.pieces[0].curfew.wearer, demand.home, unknown_us)
        if absence is None:
            absence = self._new(number, demand, unknown_us, now)
            absence.late = int(now.lane_us - at_us > self.rules.late_us)
        cause = self._cause()
        absence.held = 0 if cause is None else cause.signal
        text = f"nothing has shown whether the wearer is at home since {clock(unknown_us)}"
        self._raise(absence, before, self.rules.unverified_level, text, now.last, NO_EVENTS, _family(absence.held))

    def _cause(self) -> Signal | None:
        """The alert of the tag that explains why nothing is known."""
        found = (self._now().signals.get(number) for number in _CAUSES)
        return next((signal for signal in found if signal is not None and signal.active), None)

    def _hold(self, absence: Absence, cause: Signal) -> None:
        absence.held = cause.signal
        family = _family(absence.held)
        self._tell(Op.AMEND, absence, f"follows from {family}", self._now().last, held_under=family)

    def _let_go(self, absence: Absence) -> None:
        """What explained it is over, and still nothing is known: it stands alone."""
        text = f"goes on though {_family(absence.held)} is over"
        absence.held = 0
        self._tell(Op.AMEND, absence, text, self._now().last, released=True)

    # -- occurrences

    def _again(self, before: Absence | None, wearer: int, home: int, start_us: int) -> Absence | None:
        """The occurrence before, going on with a new stretch, if it ended less than the re-entry time ago, at the same home."""
        if (
            before is None
            or not before.occurrence_us
            or (before.wearer, before.zone) != (wearer, home)
            or start_us - before.ended_us > self.rules.reenter_us
        ):
            return None
        before.ended_us, before.from_us = 0, start_us
        return before

    def _new(self, number: int, demand: Demand, start_us: int, now: Now) -> Absence:
        curfew, home = demand.at(start_us), self.terms.home(self.tag, demand.home, start_us)
        # Two curfews at one home may begin an absence at one instant; each occurrence has a name of its own.
        taken = {
            one.occurrence_us
            for one in self._absences.values()
            if one.zone == demand.home and one.number != number and (one.number - number) % 2 == 0
        }
        name_us = next(us for us in range(start_us, start_us + len(taken) + 1) if us not in taken)
        version = 0 if home is None else home.version
        whose = self.tag, number, curfew.wearer, curfew.order, demand.home
        return Absence(*whose, name_us, start_us, now.lane_us, now.lane_us, 0, start_us, 0, version, 0, 3, 0)

    def _raise(
        self,
        absence: Absence,
        before: Absence | None,
        level: int,
        text: str,
        fixes: Array,
        events: Array,
        held_under: Family | None = None,
    ) -> None:
        resumed = absence is before
        if not resumed:
            absence.severity = level
        elif level < absence.severity:
            absence.severity, absence.clock_us = level, self._now().lane_us
        self._absences[absence.number] = absence
        self._tell(Op.RESUME if resumed else Op.OPEN, absence, f"again: {text}" if resumed else text, fixes, events, held_under)

    def _end(self, absence: Absence, at_us: int, text: str, fixes: Array, events: Array = NO_EVENTS) -> None:
        """It is over; what it lasted is added up, grace included."""
        absence.ended_us = max(at_us, absence.from_us)
        absence.away_us += absence.ended_us - absence.from_us
        if absence.number % 2 == AWAY:
            text += f"; away for {minutes(absence.away_us)} in all"
        self._tell(Op.END, absence, text, fixes, events)

    def _tell(
        self,
        op: Op,
        absence: Absence,
        text: str,
        fixes: Array,
        events: Array = NO_EVENTS,
        held_under: Family | None = None,
        *,
        released: bool = False,
    ) -> None:
        kind = absence.kind
        self._changes.append(
            Change(
                op,
                absence.wearer,
                absence.tag,
                absence.zone,
                absence.occurrence_us,
                kind,
                absence.severity,
                CONFIDENCE[kind],
                bool(absence.late),
                absence.event_us,
                absence.detected_us,
                absence.ended_us or None,
                absence.version,
                absence.order,
                *due(absence.clock_us, absence.severity),
                self._now().lane_us,
                text,
                fixes,
                float("nan"),
                events,
                held_under,
                released=released,
            )
        )


def _family(signal: int) -> Family | None:
    return Family[Number(signal).name] if signal else None


def _why(demand: Demand) -> str:
    """Why a span asks nothing any more from its end on."""
    piece, at = demand.pieces[-1], clock(demand.to_us)
    if piece.to_us == piece.window[1]:
        return f"the window ended at {at}"
    if any(away_from == piece.to_us for away_from, _ in piece.curfew.excused):
        return f"an authorised absence began at {at}"
    if piece.to_us == piece.curfew.in_force_to_us:
        return f"the curfew was changed or ended at {at}"
    return f"no order allowed judging at {at}"
