"""What a device says of itself, and its silence, become changes: the state machine of strap, case, battery, radio and contact.

Pure: what it knows is its tag's record, the messages and the clock it is given. One tag at a time; ``alerts.hearing`` says which
tags need it at all.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from alerts.absence import Curfews, Now, Sight
from alerts.fault import Fault
from alerts.location import Location
from alerts.reason import clock, minutes
from alerts.rules import Rules
from alerts.signal import Signal
from alerts.terms import Terms, until
from model.alert import NO_EVENTS, Change, Family, Op
from model.arrays import Array
from model.event import EVENT, EventKind, sent_us
from model.fix import FIX, Flag, Quality
from model.instant import DAY_US, FOREVER_US, HOUR_US
from model.state import DEVICE, FAULT, State
from model.state import Signal as Number
from model.visit import Visit
from model.zone import Monitored

_NO_EVENT: Final = np.zeros((), EVENT)
_NO_FIXES: Final = np.zeros(0, FIX)
_NUMBER: Final = {"strap": Number.STRAP, "case": Number.CASE, "jamming": Number.JAMMING, "shielding": Number.JAMMING}
_VISITED: Final = {"strap": Number.STRAP, "case": Number.CASE}  # what work at the door opens, and an inspection proves closed
_GUARDED: Final = (Number.BATTERY_DEAD, Number.NO_CONTACT, Number.JAMMING)  # grave where a victim is to be protected
# Fields of DEVICE that only say when something was, and how long that matters.
_KEPT: Final[tuple[tuple[str, Callable[[Rules], int]], ...]] = (
    *((f"{name}_clear_us", lambda rules: rules.clear_us) for name in _NUMBER),
    *((name, lambda rules: rules.brief_us) for name in ("brief_us", "brief_before_us")),
)
_SILENT_WORDS: Final = "nothing was heard of the tag"


class Message(NamedTuple):
    """One fix or event of the tag; the other has no rows."""

    lane_us: int
    at_us: int  # when it was taken; an event no later than it was received, as its device's clock may be ahead
    received_us: int
    fix: Array  # (1,) FIX or (0,)
    event: Array  # (1,) EVENT or (0,)
    sights: tuple[Sight, ...] = ()  # what the fix says of the tag's homes
    again: bool = False  # no message of its own: a fix heard before has been confirmed, and only now says something


class Device:
    """One tag while its messages and its clock are judged; ``keep`` writes what it has become to the state.

    Parameters
    ----------
    state : before these messages
    lane_us : lane time up to which the tag has been judged
    """

    def __init__(self, rules: Rules, terms: Terms, state: State, tag: int, lane_us: int) -> None:
        self.terms, self.state, self.tag = terms, state, tag
        self._rules, self._as_of_us = rules, 0
        self.changes: list[Change] = []
        known, doubt = state.peek(tag), state.doubts.get(tag)
        self._last = np.zeros(0, FIX) if known is None or not known["last"]["tag"] else known["last"].reshape(1).copy()
        judged = [fix for fix in (self._last, doubt) if fix is not None and len(fix)]
        self._contact_us = 0 if known is None else int(known["contact_us"])
        self.lane_us = max(lane_us, self._contact_us)  # within a batch the tag has been judged up to its newest message
        # The newest message, by the order of messages.
        self._newest = self._before_it = (0, 0)
        if known is not None:
            # Of a fix from a wrong clock it is only known that it was received.
            newest_us = min(int(known["newest_us"]), self._contact_us)
            self._newest = max([(newest_us, newest_us), *(_fix_order(fix[0]) for fix in judged)])
        held = state.devices.get(tag)
        self._device = np.zeros(1, DEVICE) if held is None else held.copy()
        self._device["tag"] = tag
        self._before = self._device.tobytes()
        located_us = max((int(fix["fix_at_us"][0]) for fix in judged), default=0)
        self._location = Location(lambda: self.rules, state, tag, located_us)
        faulty = state.faults.get(tag)
        self._faults = np.zeros(1, FAULT) if faulty is None else faulty.copy()
        self._faults["tag"] = tag
        self._faults_before = self._faults.tobytes()
        self._signals = {int(held["signal"][0]): Signal.of(held) for held in state.signals.of_tag(tag)}
        self._visits = terms.visits(tag)
        self._signals_before = {number: signal.record().tobytes() for number, signal in self._signals.items()}
        self._curfews = Curfews(lambda: self.rules, terms, state, tag, self._now, self.changes)

    @property
    def rules(self) -> Rules:
        """Those in force at the instant that is judged: when a message was sent, or the lane time at which a clock runs."""
        return self.terms.rules(self._rules, self.tag, self._as_of_us or self.lane_us)

    # -- what happens

    def hear(self, messages: Iterable[Message], faults: Sequence[Fault] = ()) -> None:
        """Messages in the order of lane time, and the faults they settled; what a clock made due before one comes before it."""
        waiting: list[Message] = []
        for message in messages:
            if waiting and message.lane_us != waiting[0].lane_us:
                self._take(waiting, faults)
                waiting = []
            waiting.append(message)
        self._take(waiting, faults)

    def _take(self, messages: list[Message], faults: Sequence[Fault]) -> None:
        """Messages of one lane time, in the order the device says things happened; then what they alone made due."""
        if not messages:
            return
        self.run_to(messages[0].lane_us)
        for message in sorted(messages, key=_order):
            self._as_of_us = _when(message)
            self._curfews.expect(message.at_us, message.sights, message.event)
            if not message.again:
                self._contact(message)
                self._before_it, self._newest = self._newest, max(self._newest, _order(message))
            self._curfews.hear(message.at_us, message.received_us, message.fix, message.sights, message.event)
            if message.again:
                continue
            if len(message.fix):
                self._fix(message)
            else:
                self._event(message)
        self._as_of_us = 0
        for fault in faults:
            if fault.lane_us == messages[0].lane_us:
                self._fault(fault)
        self.run_to(self.lane_us)

    def run_to(self, lane_us: int) -> None:
        """Let the clock run: everything due up to ``lane_us`` happens, each at its own instant."""
        as_of_us, self._as_of_us = self._as_of_us, 0
        for name in _VISITED:
            self._settle(name)
        while True:
            at_us, act = min(self._due(), key=lambda due: due[0], default=(FOREVER_US, None))
            if act is None or at_us > lane_us:
                break
            self.lane_us = max(self.lane_us, at_us)
            act()
        self.lane_us = max(self.lane_us, lane_us)
        self._as_of_us = as_of_us

    def lapse(self, at_us: int, sights: tuple[Sight, ...] = ()) -> None:
        """Nothing may be said any more of whoever is not monitored by this tag at an instant.

        Parameters
        ----------
        sights : what the last fix says of homes as they are from then on
        """
        self.lane_us = max(self.lane_us, at_us)
        for due_us, act in list(self._inspections()):
            if due_us <= self.lane_us:
                act()
        authority = self.terms.authority(self.tag, at_us)
        for number, signal in list(self._signals.items()):
            held_us = until(self.terms.spans(self.tag), signal.wearer, signal.event_us) if signal.active else FOREVER_US
            if held_us > at_us:
                continue
            gone = "no order allowed judging" if authority is None else "the tag was another wearer's"
            if held_us:
                self.changes.append(signal.end(held_us, self.lane_us, f"{gone} at {clock(held_us)}", self._last))
            else:
                signal.ended_us = signal.event_us
                text = f"as is known now, {gone} at {clock(signal.event_us)}"
                self.changes.append(signal.change(Op.WITHDRAW, self.lane_us, text, self._last))
                del self._signals[number]
        if authority is None or self._allowed_since(at_us) == at_us:
            self._faults = np.zeros(1, FAULT)  # nobody's, or somebody else's
            self._faults["tag"] = self.tag
        self._protect(at_us)
        self._curfews.lapse(at_us, self._last, sights)

    def _protect(self, at_us: int) -> None:
        """From an instant on a victim is to be protected, perhaps: what goes on is as grave as if it began then."""
        for signal in filter(None, map(self._active, _GUARDED)):
            if signal.severity > 1 and self._grave(signal.severity) == 1:
                signal.press(1, self.lane_us)
                text = f"a victim is to be protected at {clock(at_us)}, and it goes on"
                self.changes.append(signal.change(Op.AMEND, self.lane_us, text, self._last))

    def _now(self) -> Now:
        return Now(self.lane_us, self._contact_us, self._last, self._signals)

    def next_us(self) -> int:
        """The lane time at which the clock alone next causes something."""
        return min((at_us for at_us, _ in self._due()), default=FOREVER_US)

    def keep(self) -> None:
        """Write what changed to the state."""
        self._curfews.keep()
        self._forget()
        if self._device.tobytes() != self._before:
            self.state.put_device(self._device)
        for number in self._signals_before.keys() - self._signals.keys():
            self.state.drop(self.state.signals, self.tag, number)
        for number, signal in self._signals.items():
            kept = number in self._signals_before
            if not signal.active and not self._matters(number, signal):
                if kept:
                    self.state.drop(self.state.signals, self.tag, number)
            elif not kept or signal.record().tobytes() != self._signals_before[number]:
                self.state.put(self.state.signals, signal.record())
        self._location.keep()
        if self._faults.tobytes() != self._faults_before:
            if self._faults["last_us"][0]:
                self.state.put(self.state.faults, self._faults)
            else:
                self.state.drop(self.state.faults, self.tag)

    def _matters(self, number: int, signal: Signal) -> bool:
        """Whether one that is over may still go on: what it would go on with began soon after, or may be heard of later."""
        if self.lane_us - signal.ended_us <= self.rules.reenter_us + self.rules.history_us:
            return True
        began_us = {
            int(Number.NO_CONTACT): self._contact_us,
            int(Number.BATTERY_DEAD): int(sent_us(self._device["off"])[0]) or self._contact_us,
            int(Number.JAMMING): self._jammed_us(),
            int(Number.BATTERY_LOW): int(self._device["low_us"][0]),
            int(Number.NO_LOCATION): self._location.since_us,
        }.get(number, 0)
        return signal.ended_us <= began_us <= signal.ended_us + self.rules.reenter_us

    def _forget(self) -> None:
        """Let go of what is too old to matter: a tag of which nothing is remembered costs nothing."""
        for name, kept_us in _KEPT:
            if self._device[name][0] and self.lane_us - int(self._device[name][0]) > kept_us(self.rules):
                self._device[name] = 0
        for name in ("low_us", "charging_us"):  # negative: only for what comes later and is older
            if self._device[name][0] < 0 and self.lane_us + int(self._device[name][0]) > self.rules.history_us:
                self._device[name] = 0

    # -- what the clock does

    def _due(self) -> Iterable[tuple[int, Callable[[], None]]]:
        """What is pending, and the lane time at which it happens: never before what the tag has been judged up to."""
        for nominal_us, act in self._pending():
            at_us = self._allowed(max(nominal_us, self.lane_us))
            if at_us < FOREVER_US:
                yield at_us, act
        yield from self._silence()
        yield from self._inspections()
        for nominal_us, act in self._curfews.due():  # only ever asked for while somebody is monitored
            yield max(nominal_us, self.lane_us), act
        if not self._is_active(Number.NO_LOCATION) and (at_us := self._lost_us()) < FOREVER_US:
            yield at_us, self._no_location
        if self._faults["last_us"][0]:
            yield max(int(self._faults["last_us"][0]) + self.rules.fault_us, self.lane_us), self._quiet
        if (at_us := self._location.expires_us) < FOREVER_US:
            yield max(at_us, self.lane_us), self._location.forget

    def _pending(self) -> Iterable[tuple[int, Callable[[], None]]]:
        rules, device = self.rules, self._device
        if self._is_news("strap", Number.STRAP):
            yield self._told_us("strap", rules.strap_us), self._strap
        if self._is_news("case", Number.CASE):
            yield self._told_us("case", 0), self._case
        if device["off"]["kind"][0] and not self._is_active(Number.BATTERY_DEAD):
            yield int(sent_us(device["off"])[0]), self._off
        if (jammed_us := self._jammed_us()) and not self._is_active(Number.JAMMING):
            yield jammed_us + rules.jammed_us, self._jamming
        told = self._is_active(Number.BATTERY_LOW) or self._is_active(Number.BATTERY_DEAD)  # dead says more than low
        if (low_us := int(device["low_us"][0])) > 0 and not told:
            yield low_us + rules.battery_low_us, self._low

    def _silence(self) -> Iterable[tuple[int, Callable[[], None]]]:
        """Silence counts from the last message, and only while somebody is monitored by the tag."""
        if not self._contact_us or self._is_active(Number.NO_CONTACT):
            return
        for span in self.terms.spans(self.tag):
            since_us = max(self._contact_us, span.from_us, self.state.listening_us)
            at_home = self._curfews.home_and_still(span, since_us)
            silent_us = self.rules.silent_home_us if at_home else self.rules.silent_us
            # Nobody is told of later because a victim is to be protected, whatever numbers are set.
            at_us = max(since_us + min(self.rules.silent_guarded_us, silent_us), self.lane_us)
            if not self.terms.guarded(self.tag, at_us):
                at_us = max(since_us + silent_us, self.lane_us)
            if at_us < span.to_us:
                yield at_us, self._no_contact
                return

    def _lost_us(self) -> int:
        """When it is to be told that a moving tag gives no location."""
        at_us = self._location.due_us(self.lane_us)
        allowed_us = self._allowed(at_us) if at_us < FOREVER_US else FOREVER_US
        return at_us if allowed_us == at_us else self._location.due_us(allowed_us) if allowed_us < FOREVER_US else FOREVER_US

    def _allowed(self, at_us: int) -> int:
        """The first instant from ``at_us`` on at which somebody is monitored by the tag."""
        for span in self.terms.spans(self.tag):
            if at_us < span.to_us:
                return max(at_us, span.from_us)
        return FOREVER_US

    def _allowed_since(self, at_us: int) -> int:
        """Since when somebody has been monitored by the tag, at an instant at which somebody is."""
        return next(span.from_us for span in self.terms.spans(self.tag) if span.from_us <= at_us < span.to_us)

    def _strap(self) -> None:
        event = self._device["strap"].copy()
        since_us = int(sent_us(event)[0])
        self._supersede(Number.STRAP, since_us)
        visit = self._visit(since_us)
        text = f"strap open for {self.rules.strap_us // 1_000_000} s since {_at(event)}"
        text = text if visit is None else f"strap opened at {_at(event)}{self._unproven(visit)}"
        self._raise(Number.STRAP, event, 1, text)
        if visit is not None:
            self._closed_at_the_door("strap", Number.STRAP)

    def _case(self) -> None:
        event = self._device["case"].copy()
        since_us = int(sent_us(event)[0])
        self._supersede(Number.CASE, since_us)
        visit = self._visit(since_us)
        self._raise(Number.CASE, event, 1, f"case opened at {_at(event)}" + ("" if visit is None else self._unproven(visit)))
        if visit is not None:
            self._closed_at_the_door("case", Number.CASE)

    # -- visits

    def _visit(self, at_us: int) -> Visit | None:
        """The visit during which the device said something; of several one that accounts for it."""
        during = [visit for visit in self._visits if visit.from_us <= at_us < visit.to_us]
        return next((visit for visit in during if visit.proven), during[0] if during else None)

    def _told_us(self, name: str, after_us: int) -> int:
        """When an opening is to be told: so long after it; at the door not before sign-out, nor before a visit is long enough."""
        at_us = int(sent_us(self._device[name])[0])
        visit = self._visit(at_us)
        if visit is None:
            return at_us + after_us
        return max(at_us + after_us, min(visit.to_us, visit.from_us + self.rules.visit_us))

    def _waits(self, name: str) -> bool:
        """Whether what is open has joined a visit that is not over."""
        device = self._device[name]
        joined = self._visit(int(sent_us(device)[0])) is not None and not self._is_told(_VISITED[name])
        return joined and self._told_us(name, 0) > self.lane_us

    def _settle(self, name: str) -> None:
        """What somebody did at the door, and proved to be put right, is no tamper; nor is what was open before they fitted it."""
        at_us = int(sent_us(self._device[name])[0])
        if not self._device[name]["kind"][0] or self._is_told(_VISITED[name]):
            return
        spans = self.terms.spans(self.tag)
        fitted_us = next((span.from_us for span in spans if at_us < span.to_us), 0)
        for visit in self._visits:
            if visit.proven and at_us < visit.to_us and (visit.from_us <= at_us or at_us < fitted_us <= visit.to_us):
                self._device[name] = _NO_EVENT

    def _unproven(self, visit: Visit) -> str:
        late = self.lane_us < visit.to_us
        when = f"{minutes(self.rules.visit_us)} of it passed without sign-out" if late else "not proven closed at sign-out"
        return f" during visit {visit.id}, signed in by {visit.by} at {clock(visit.from_us)}; {when}"

    def _closed_at_the_door(self, name: str, number: Number) -> None:
        """Told now with the clear that came during the visit, if one did."""
        clear_us = int(self._device[f"{name}_clear_us"][0])
        if clear_us >= int(sent_us(self._device[name])[0]):
            self._device[name] = _NO_EVENT
            closed = Message(self.lane_us, clear_us, clear_us, _NO_FIXES, NO_EVENTS)
            self._cleared(number, closed, f"the device says the {name} is closed")

    def _inspections(self) -> Iterable[tuple[int, Callable[[], None]]]:
        """Visits that prove what was told to be closed and whole again."""
        for name, number in _VISITED.items():
            signal = self._active(number)
            if signal is None:
                continue
            for visit in self._visits:
                if visit.proven and visit.wearer == signal.wearer and signal.event_us < visit.to_us:
                    yield max(visit.to_us, self.lane_us), partial(self._inspected, name, signal, visit)
                    break

    def _inspected(self, name: str, signal: Signal, visit: Visit) -> None:
        """Somebody has seen to it."""
        text = f"proven closed and whole at visit {visit.id} by {visit.by}, signed out at {clock(visit.to_us)}"
        self.changes.append(signal.end(visit.to_us, self.lane_us, f"{name} {text}", self._last))
        if sent_us(self._device[name])[0] < visit.to_us:
            self._device[name] = _NO_EVENT

    def _off(self) -> None:
        event = self._device["off"].copy()
        self._raise(
            Number.BATTERY_DEAD, event, self._grave(self.rules.battery_dead_level), f"the tag switched itself off at {_at(event)}"
        )

    def _jamming(self) -> None:
        on = [name for name in ("jamming", "shielding") if self._device[name]["kind"][0]]
        events = np.concatenate([self._device[name] for name in on])
        # The one of which the record is may be over already, and have gone over into the other.
        names = sorted({*on, *(EventKind(kind).name.lower() for kind in events["kind"].tolist())})
        text = f"{' and '.join(names)} since {clock(self._jammed_us())}"
        self._raise(Number.JAMMING, events, self._grave(self.rules.jamming_level), text, event_us=self._jammed_us())

    def _low(self) -> None:
        low_us = int(self._device["low_us"][0])
        # In time it is told at the very instant; later where it only became known then.
        known_us = max(low_us, self.lane_us - self.rules.battery_low_us)
        text = f"battery at {self.rules.battery_low_pct} % or less since {clock(low_us)} and not charging"
        level = self.rules.battery_low_level
        self._raise(Number.BATTERY_LOW, NO_EVENTS, level, text, event_us=low_us, received_us=known_us)

    def _no_contact(self) -> None:
        silent_us = self._contact_us
        battery_pct = int(self._last["battery_pct"][0]) if len(self._last) else -1
        if 0 <= battery_pct <= self.rules.battery_dead_pct and not self._is_active(Number.BATTERY_DEAD):
            text = f"{_SILENT_WORDS} since {clock(silent_us)}, with {battery_pct} % of battery at last"
            self._raise(Number.BATTERY_DEAD, NO_EVENTS, self._grave(self.rules.battery_dead_level), text, event_us=silent_us)
        under = Family.BATTERY_DEAD if self._is_active(Number.BATTERY_DEAD) else None
        text = f"{_SILENT_WORDS} for {minutes(self.lane_us - silent_us)}, since {clock(silent_us)}"
        level = self._grave(self.rules.no_contact_level)
        self._raise(Number.NO_CONTACT, NO_EVENTS, level, text, event_us=silent_us, held_under=under)

    def _no_location(self) -> None:
        since_us = self._location.since_us
        under = Family.JAMMING if self._is_active(Number.JAMMING) else None
        text = f"moving and heard from, and no location since {clock(since_us)}"
        level = self.rules.no_location_level
        self._raise(Number.NO_LOCATION, NO_EVENTS, level, text, event_us=since_us, held_under=under)

    def _quiet(self) -> None:
        """A day without a fault."""
        self._faults = np.zeros(1, FAULT)
        self._faults["tag"] = self.tag
        if (signal := self._active(Number.TAG_FAULT)) is not None:
            text = f"no fault for {minutes(self.rules.fault_us)}, up to {clock(self.lane_us)}"
            self.changes.append(signal.end(self.lane_us, self.lane_us, text, self._last))

    # -- what messages do

    def _contact(self, message: Message) -> None:
        """Any message is contact. It ends silence; a battery is not dead that lets the device speak."""
        self._contact_us = max(self._contact_us, message.received_us)
        if (signal := self._active(Number.NO_CONTACT)) is not None:
            self.changes.append(
                signal.end(message.received_us, self.lane_us, f"heard again at {clock(message.received_us)}", message.fix)
            )
        off = self._device["off"]
        if off["kind"][0] and _order(message) <= _told_order(off):
            return  # sent before it switched itself off
        if len(message.event) and int(message.event["kind"][0]) == EventKind.POWER_OFF:
            return
        self._device["off"] = _NO_EVENT
        if (signal := self._active(Number.BATTERY_DEAD)) is not None:
            text = f"heard again at {clock(message.received_us)}"
            self.changes.append(signal.end(message.received_us, self.lane_us, text, message.fix, message.event))
            if self._is_low:  # as it was before it died; how it is now the next fix may say
                self._device["low_us"] = max(int(self._device["low_us"][0]), _when(message))

    def _fix(self, message: Message) -> None:
        """A fix in order tells of the battery; it is where the wearer was last seen."""
        fix = message.fix
        if fix["quality"][0] == Quality.SKEWED:
            self._location.told(message.received_us)
            return
        if fix["flags"][0] & Flag.DISORDERED:
            return
        # One in doubt as well: whether it is confirmed may only be known when the next comes.
        self._location.located(message.at_us)
        if (signal := self._active(Number.NO_LOCATION)) is not None:
            self.changes.append(signal.end(message.at_us, self.lane_us, f"a location at {clock(message.at_us)}", fix))
        battery_pct, at_us = int(fix["battery_pct"][0]), _when(message)
        recovered = battery_pct > self.rules.battery_low_pct and at_us >= self._device["low_us"][0]
        if recovered:
            self._known_low(at_us)
        if fix["quality"][0] != Quality.IMPLAUSIBLE:
            self._last = fix
        if recovered:
            self._not_low(at_us, f"battery at {battery_pct} % at {clock(at_us)}", NO_EVENTS)
        elif 0 <= battery_pct <= self.rules.battery_low_pct:
            # Taken on the charger, and off it since: as it says just before.
            off_us = -int(self._device["charging_us"][0])
            if at_us >= -self._device["low_us"][0] and off_us - at_us <= self.rules.whereabouts_us:
                self._now_low(max(at_us, off_us))

    def _event(self, message: Message) -> None:
        self._location.told(_when(message))
        act = HEARD.get(int(message.event["kind"][0]))
        if act is not None:
            act(self, message)

    def _opened(self, name: str, message: Message) -> None:
        """A condition began; told again while it lasts, it is the same. One whose clear came before it is over already."""
        clear_us = int(self._device[f"{name}_clear_us"][0])
        if name in _VISITED:
            self._settle(name)
        over = not _follows(message.event, clear_us)
        if self._device[name]["kind"][0] and (over or _follows(self._device[name], clear_us)):
            return
        if over:
            told = self._signals.get(_NUMBER[name])
            if told is not None and told.event_us <= message.at_us:
                return  # told again within what it was told of
        self._device[name] = message.event[0]
        if over:
            self._closed(name, message._replace(at_us=clear_us))

    def _switched_off(self, message: Message) -> None:
        """It switched itself off; no news where it was heard of from later on."""
        if _order(message) >= self._before_it:
            self._device["off"] = message.event[0]

    def _closed(self, name: str, message: Message) -> None:
        """A condition is over, or one that will be heard of later."""
        cleared = f"{name}_clear_us"
        self._device[cleared] = max(int(self._device[cleared][0]), message.at_us)
        if name == "strap":
            self._strap_closed(message)
        elif name == "case":
            self._case_closed(message)
        else:
            self._radio_free(name, message)

    def _strap_closed(self, message: Message) -> None:
        opened = self._device["strap"].copy()
        if not opened["kind"][0] or message.at_us < sent_us(opened)[0] or self._waits("strap"):
            return
        self._device["strap"] = _NO_EVENT
        if self._is_told(Number.STRAP):
            self._cleared(Number.STRAP, message, "the device says the strap is closed")
        elif _lasted_us(opened, message) >= self.rules.strap_us:
            # Opened and closed again before either was known: cut all the same.
            self._device["strap"] = opened[0]
            self._tell(self._strap)
            self._device["strap"] = _NO_EVENT
            self._cleared(Number.STRAP, message, "the device says the strap is closed")
        else:
            self._brief(opened, message)

    def _brief(self, opened: Array, message: Message) -> None:
        """Open for less than a cut takes: told as over; the third within a week, of the same wearer, is graver."""
        authority = self.terms.authority(self.tag, self.lane_us)
        if authority is None:
            return
        since_us, device = self._allowed_since(self.lane_us), self._device
        if message.at_us < since_us:
            return  # in the depot, or somebody else's
        opened_us = int(sent_us(opened)[0])
        began_us = max(opened_us, since_us)
        before_us = int(device["brief_before_us"][0])
        third = before_us >= since_us and began_us - before_us <= self.rules.brief_us
        device["brief_before_us"], device["brief_us"] = device["brief_us"].copy(), began_us
        lasted_us = _lasted_us(opened, message) - (began_us - opened_us)
        text = f"strap open for {lasted_us / 1e6:.0f} s at {clock(began_us)}"
        text += f", the third time within {_span(self.rules.brief_us)}" if third else ""
        signal = self._new(
            Number.STRAP_BRIEF, authority, began_us, 1 if third else self.rules.strap_brief_level, message.received_us
        )
        signal.ended_us = max(message.at_us, began_us)
        self._signals[Number.STRAP_BRIEF] = signal
        events = np.concatenate([opened, message.event])
        self.changes.append(signal.change(Op.OPEN, self.lane_us, text, self._last, events))

    def _case_closed(self, message: Message) -> None:
        if self._device["case"]["kind"][0] and message.at_us >= sent_us(self._device["case"])[0] and not self._waits("case"):
            if not self._is_told(Number.CASE):
                self._tell(self._case)
            self._device["case"] = _NO_EVENT
            self._cleared(Number.CASE, message, "the device says the case is closed")

    def _radio_free(self, name: str, message: Message) -> None:
        if not self._device[name]["kind"][0] or message.at_us < sent_us(self._device[name])[0]:
            return
        other = "shielding" if name == "jamming" else "jamming"
        on = [self._device[one] for one in (name, other) if self._device[one]["kind"][0]]
        lasted_us = _lasted_us(min(on, key=_told_order), message)
        if lasted_us >= self.rules.jammed_us and not self._is_active(Number.JAMMING):
            self._tell(self._jamming)  # lasted long enough, though both ends became known at once
        began, later = _told_order(self._device[name]), _told_order(self._device[other])
        if self._device[other]["kind"][0] and began < later <= _order(message):
            self._device[other] = self._device[name]  # never free between the two: it has been so since the first of them
        self._device[name] = _NO_EVENT
        if not self._jammed_us() and (signal := self._active(Number.JAMMING)) is not None:
            text = f"{name} over at {clock(message.at_us)}"
            self.changes.append(signal.end(message.at_us, self.lane_us, text, self._last, message.event))

    def _charging(self, message: Message) -> None:
        if message.at_us < abs(self._device["charging_us"][0]):
            return  # what came later is known
        self._device["charging_us"] = message.at_us
        self._known_low(message.at_us)
        self._not_low(message.at_us, f"charging since {clock(message.at_us)}", message.event)

    def _unplugged(self, message: Message) -> None:
        """Low from now on where a fix said so just before, on the charger: the next may be long in coming."""
        if message.at_us < abs(self._device["charging_us"][0]):
            return
        self._device["charging_us"] = -message.at_us
        if not len(self._last) or message.at_us - int(self._last["fix_at_us"][0]) > self.rules.whereabouts_us:
            return
        if 0 <= self._last["battery_pct"][0] <= self.rules.battery_low_pct:
            self._now_low(message.at_us)

    def _critical(self, message: Message) -> None:
        if message.at_us >= max(self._level_us(), -int(self._device["charging_us"][0])):
            self._now_low(message.at_us)

    def _recovered(self, message: Message) -> None:
        if message.at_us < max(self._level_us(), int(self._device["low_us"][0])):
            return
        text = f"the device says its battery is no longer low, at {clock(message.at_us)}"
        self._known_low(message.at_us)
        self._not_low(message.at_us, text, message.event)
        self._device["low_us"] = -message.at_us

    def _level_us(self) -> int:
        """When the newest fix that tells of the battery was taken, or the device last said that it is no longer low."""
        told_us = -int(self._device["low_us"][0])
        if len(self._last) and self._last["battery_pct"][0] >= 0:
            told_us = max(told_us, _fix_order(self._last[0])[0])
        return told_us

    @property
    def _is_low(self) -> bool:
        return bool(self._device["low_us"][0] > 0)

    def _now_low(self, at_us: int) -> None:
        if self._device["charging_us"][0] <= 0 and not self._is_low:
            self._device["low_us"] = at_us

    def _known_low(self, at_us: int) -> None:
        """Low for long enough, though it became known only as it was over."""
        told = self._is_active(Number.BATTERY_LOW) or self._is_active(Number.BATTERY_DEAD)
        if self._is_low and not told and at_us - self._device["low_us"][0] >= self.rules.battery_low_us:
            self._tell(self._low)

    def _not_low(self, at_us: int, text: str, events: Array) -> None:
        if self._is_low:
            self._device["low_us"] = 0
        if (signal := self._active(Number.BATTERY_LOW)) is not None:
            self.changes.append(signal.end(at_us, self.lane_us, text, self._last, events))

    def _fault(self, fault: Fault) -> None:
        """Nothing each; the third within a day is told, and each puts off the end of what is."""
        authority = self.terms.authority(self.tag, self.lane_us)
        if authority is None:
            return
        before = self._faults["shown"][0]
        recent = [Fault(self.tag, 0, one.reshape(1).copy()) for one in before if one["tag"]]
        recent = [*(one for one in recent if fault.at_us - one.at_us <= self.rules.fault_us), fault]
        kept = recent[-2:]
        self._faults["shown"][0] = np.concatenate([*(one.fix for one in kept), np.zeros(2, FIX)])[:2]
        self._faults["last_us"] = self.lane_us
        if len(recent) < self.rules.faults or self._is_active(Number.TAG_FAULT):
            return
        words = [f"{_wrong(one)} at {clock(one.at_us)}" for one in recent]
        text = f"{len(recent)} faults within {_span(self.rules.fault_us)}: {', '.join(words)}"
        shown = np.concatenate([one.fix for one in recent])
        self._raise(Number.TAG_FAULT, NO_EVENTS, self.rules.tag_fault_level, text, event_us=recent[0].at_us, shown=shown)

    # -- occurrences

    def _jammed_us(self) -> int:
        """Since when the device's radio is jammed or shielded, 0 where it is not."""
        on = [int(sent_us(self._device[name])[0]) for name in ("jamming", "shielding") if self._device[name]["kind"][0]]
        return min(on, default=0)

    def _grave(self, standard: int) -> int:
        """P1 where a victim is to be protected."""
        return 1 if self.terms.guarded(self.tag, self.lane_us) else standard

    def _active(self, number: Number) -> Signal | None:
        signal = self._signals.get(number)
        return signal if signal is not None and signal.active else None

    def _is_active(self, number: Number) -> bool:
        return self._active(number) is not None

    def _is_told(self, number: Number) -> bool:
        """Whether an occurrence goes on that the device has not said to be over: what is open now is what it was raised for."""
        signal = self._active(number)
        return signal is not None and not signal.cleared_us

    def _is_news(self, name: str, number: Number) -> bool:
        return bool(self._device[name]["kind"][0]) and not self._is_told(number)

    def _supersede(self, number: Number, at_us: int) -> None:
        """A new opening after the device said it was closed: the one before is over, the alert goes on with the new one."""
        if (signal := self._active(number)) is not None:
            self.changes.append(signal.end(at_us, self.lane_us, f"opened once more at {clock(at_us)}", self._last))

    def _cleared(self, number: Number, message: Message, text: str) -> None:
        """Recorded; it ends nothing: active until somebody has inspected the tag."""
        signal = self._active(number)
        if signal is None or signal.cleared_us:
            return
        signal.cleared_us = message.at_us
        text = f"{text} since {clock(message.at_us)}; active until an inspection"
        self.changes.append(signal.change(Op.AMEND, self.lane_us, text, self._last, message.event))

    def _tell(self, act: Callable[[], None]) -> None:
        """Now, where somebody is monitored: it has lasted by the device's own clock, whatever lane time says."""
        if self.terms.authority(self.tag, self.lane_us) is None:
            return
        as_of_us, self._as_of_us = self._as_of_us, 0
        act()
        self._as_of_us = as_of_us

    def _new(self, number: Number, authority: Monitored, event_us: int, severity: int, received_us: int) -> Signal:
        late = int(received_us - event_us > self.rules.late_us)
        whose = self.tag, authority.wearer, authority.order
        return Signal(*whose, event_us, event_us, self.lane_us, self.lane_us, 0, 0, number, severity, late)

    def _raise(
        self,
        number: Number,
        events: Array,
        severity: int,
        text: str,
        *,
        event_us: int | None = None,
        held_under: Family | None = None,
        shown: Array | None = None,
        received_us: int | None = None,
    ) -> None:
        """Open an occurrence at the present lane time, or go on with one that ended less than the re-entry time before."""
        authority = self.terms.authority(self.tag, self.lane_us)
        assert authority is not None, "nothing is due while nobody is monitored"
        event_us = int(sent_us(events)[0]) if event_us is None else event_us
        # What was so before anybody was monitored is an occurrence from then on.
        event_us = max(event_us, self._allowed_since(self.lane_us))
        signal = self._signals.get(number)
        if held_under is not None and (parent := self._signals.get(Number[held_under.name])) is not None:
            before = parent.severity
            parent.press(severity, self.lane_us)
            if parent.severity < before:
                words = "graver for what follows from it"
                self.changes.append(parent.change(Op.AMEND, self.lane_us, words, self._last))
        resumed = (
            signal is not None
            and not signal.active
            and number not in (Number.STRAP, Number.CASE)
            and signal.wearer == authority.wearer
            and event_us - signal.ended_us <= self.rules.reenter_us
        )
        if resumed and signal is not None:
            text = f"again, {minutes(max(event_us - signal.ended_us, 0))} after it ended: {text}"
            signal.ended_us = 0
            signal.press(severity, self.lane_us)
        else:
            if received_us is None:
                received_us = int(events["received_us"].max(initial=event_us))  # of a clock that runs out nothing is late
            signal = self._new(number, authority, event_us, severity, received_us)
            self._signals[number] = signal
        op = Op.RESUME if resumed else Op.OPEN
        fixes = self._last if shown is None else shown
        self.changes.append(signal.change(op, self.lane_us, text, fixes, events, held_under))


def _when(message: Message) -> int:
    """When a message was sent: no later than it was received, whatever the device's clock says."""
    return min(message.at_us, message.received_us)


def _order(message: Message) -> tuple[int, int]:
    """When a message was sent; of one instant by our clock alone the order is the device's own."""
    return _when(message), int(message.event["at_us"][0]) if len(message.event) else message.at_us


def _told_order(event: Array) -> tuple[int, int]:
    """The same of a (1,) EVENT."""
    return int(sent_us(event)[0]), int(event["at_us"][0])


def _fix_order(fix: Array) -> tuple[int, int]:
    """The same of a () FIX."""
    at_us = int(fix["fix_at_us"])
    return min(at_us, int(fix["received_us"])), at_us


def _follows(opened: Array, clear_us: int) -> bool:
    """Whether a (1,) EVENT came after a clear; with a clock ahead, after one taken before it at the same instant."""
    at_us, own_us = _told_order(opened)
    return at_us > clear_us or at_us == clear_us < own_us


def _lasted_us(opened: Array, message: Message) -> int:
    """From an (1,) EVENT to a message by the device's own clock; by ours where that was put back in between."""
    own_us = int(message.event["at_us"][0]) - int(opened["at_us"][0])
    return max(own_us, message.at_us - int(sent_us(opened)[0]))


def _wrong(fault: Fault) -> str:
    """What was wrong."""
    if fault.fix["quality"][0] == Quality.SKEWED:
        return f"the clock {minutes(int(fault.fix['fix_at_us'][0]) - int(fault.fix['received_us'][0]))} ahead"
    return "an implausible jump"


def _span(us: int) -> str:
    """``a day``, ``a week``, or in hours."""
    return {DAY_US: "a day", 7 * DAY_US: "a week"}.get(us, f"{us / HOUR_US:g} h")


def _at(event: Array) -> str:
    return clock(int(sent_us(event)[0]))


# Kinds of events that say something of the device; all others are contact and no more.
HEARD: Final[dict[int, Callable[[Device, Message], None]]] = {
    EventKind.STRAP_TAMPER: lambda device, message: device._opened("strap", message),
    EventKind.STRAP_TAMPER_CLEAR: lambda device, message: device._closed("strap", message),
    EventKind.CASE_TAMPER: lambda device, message: device._opened("case", message),
    EventKind.CASE_TAMPER_CLEAR: lambda device, message: device._closed("case", message),
    EventKind.BATTERY_CRITICAL: Device._critical,
    EventKind.BATTERY_CRITICAL_CLEAR: Device._recovered,
    EventKind.CHARGING: Device._charging,
    EventKind.CHARGING_CLEAR: Device._unplugged,
    EventKind.JAMMING: lambda device, message: device._opened("jamming", message),
    EventKind.JAMMING_CLEAR: lambda device, message: device._closed("jamming", message),
    EventKind.SHIELDING: lambda device, message: device._opened("shielding", message),
    EventKind.SHIELDING_CLEAR: lambda device, message: device._closed("shielding", message),
    EventKind.POWER_OFF: Device._switched_off,
    EventKind.MOTION: lambda device, message: device._location.moves(_when(message)),
    EventKind.MOTION_CLEAR: lambda device, message: device._location.rests(_when(message)),
}
