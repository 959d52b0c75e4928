"""Messages and the clock become changes that have no zone: Python only for the few tags for which either may change something."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from alerts.absence import Sight
from alerts.calm import calm, calm_until, resume
from alerts.device import HEARD, Device, Message
from alerts.fault import Fault
from alerts.presence import TOLD
from alerts.rules import Rules
from alerts.standing import Standing
from alerts.terms import Terms
from alerts.track import Track, runs
from model.alert import Change
from model.arrays import I64, Array, Bool, among, taken
from model.event import EVENT, sent_us
from model.fix import FIX, Quality
from model.instant import FOREVER_US
from model.state import State

_NO_FIX: Final = np.zeros(0, FIX)
_NO_EVENT: Final = np.zeros(0, EVENT)
_HEARD: Final = np.array(sorted({*HEARD, *TOLD}), np.int64)

# What a tag's fixes say of its homes, each with its row of the track, by the fix's time, seq and source, and lane time.
Sights = dict[tuple[int, int, int, int], tuple[int, tuple[Sight, ...]]]


class Heard(NamedTuple):
    """The messages of a batch, and what was made of them before devices are told."""

    fixes: Array  # (n,) FIX in order of tags, quality and flags set: as they came
    lane_us: I64  # (n,) lane time of each
    events: Array  # (m,) EVENT in arrival order
    track: Track  # the fixes that are judged forward
    seen: Array  # (s,) SIGHT of that track
    faults: Sequence[Fault]  # those that these messages settle


def hear(rules: Rules, terms: Terms, state: State, heard: Heard) -> list[Change]:
    """What messages say of devices, of silence and of presence at home; of the state only what is not in ``pairs`` changes.

    Parameters
    ----------
    state : before these messages
    """
    fixes, lane_us, events, track, seen, faults = heard
    wind(rules, terms, state)
    event_lane_us = np.maximum(np.maximum.accumulate(events["received_us"]), state.watermark_us) if len(events) else lane_us[:0]
    tags, first_us, last_us = _heard(fixes["tag"], lane_us, events["tag"], event_lane_us)
    rows = state.find(tags)
    before_us = np.where(rows < 0, 0, state.tags["contact_us"][rows])
    patience_us, guarded_us = terms.patience(rules, tags)
    patience_us = np.where(terms.ever_guarded(tags), guarded_us, patience_us)
    spoken = _Spoken(
        *(tags, before_us, first_us, last_us),
        np.concatenate([fixes["tag"], events["tag"]]),
        np.concatenate([lane_us, event_lane_us]),
    )
    due = spoken.paused(patience_us)
    # What is known of a tag may begin anew once it has been out of contact.
    curfewed = among(tags, terms.curfewed)
    again = spoken.paused(np.minimum(patience_us, rules.contact_us)) & (curfewed | ((rows >= 0) & state.busy[rows]))
    due |= state.has(rows, state.devices, state.signals, state.absences, state.lost, state.faults)
    due[np.searchsorted(tags, np.array([fault.tag for fault in faults], np.int64))] = True
    due[np.searchsorted(tags, fixes["tag"][fixes["quality"] == Quality.SKEWED])] = True
    due[np.searchsorted(tags, events["tag"][_unlocated(rules, state, events)])] = True
    low = (fixes["battery_pct"] >= 0) & (fixes["battery_pct"] <= terms.battery_low_pct(rules, fixes["tag"]))
    due[np.searchsorted(tags, fixes["tag"][low])] = True
    due[np.searchsorted(tags, events["tag"][np.isin(events["kind"], _HEARD)])] = True
    due |= (rows >= 0) & (state.due_us[rows] <= last_us)  # a clock runs out before the last message here, or perhaps between two
    due |= (rows < 0) & curfewed  # its clock was never wound, and its first frame may hold hours
    steady = calm(state, track, seen)
    due[np.searchsorted(tags, steady.stirred)] = True
    changes: list[Change] = []
    told, perhaps = set(tags[due].tolist()), set(tags[again & ~due].tolist())
    looked = told | perhaps
    ordered = np.array(sorted(looked), np.int64)
    bounds = np.searchsorted(fixes["tag"], np.column_stack([ordered, ordered + 1])).tolist()
    sights_of, events_of = _sights(track, seen, looked), _rows_of(events["tag"], looked)
    for tag, (first, stop) in zip(ordered.tolist(), bounds, strict=True):
        sights = sights_of.get(tag, {})
        messages = []
        for row in range(first, stop):
            fix, heard_us = fixes[row], int(lane_us[row])
            said = sights.pop((fix["fix_at_us"], fix["seq"], fix["source"], heard_us), None)
            at_us, received_us = int(fix["fix_at_us"]), int(fix["received_us"])
            messages.append(Message(heard_us, at_us, received_us, fixes[row : row + 1], _NO_EVENT, said[1] if said else ()))
        for (at_us, _, _, heard_us), (row, said_later) in sights.items():
            messages.append(Message(heard_us, at_us, heard_us, track.fixes[row : row + 1], _NO_EVENT, said_later, again=True))
        for row in events_of.get(tag, ()):
            event = events[row : row + 1]
            at_us, received_us = int(sent_us(event)[0]), int(event["received_us"][0])
            messages.append(Message(int(event_lane_us[row]), at_us, received_us, _NO_FIX, event))
        if tag in perhaps and resume(rules, terms, state, tag, messages):
            continue
        told.add(tag)
        device = Device(rules, terms, state, tag, state.watermark_us)
        settled = [fault for fault in faults if fault.tag == tag]
        device.hear(sorted(messages, key=lambda message: message.lane_us), settled)
        device.keep()
        changes += device.changes
    steady.write(state, told)
    return changes


def _unlocated(rules: Rules, state: State, events: Array) -> Bool:
    """Which of (m,) EVENT were sent by a tag that moves and whose last location is old enough to be missed."""
    rows = state.find(events["tag"])
    known = state.at(rows)
    located_us = np.maximum(known["last"]["fix_at_us"], known["doubt"]["fix_at_us"])
    since_us = np.maximum(located_us, state.motion_us[rows])
    unlocated: Bool = (rows >= 0) & (state.motion_us[rows] > 0) & (events["at_us"] - since_us >= rules.lost_least_us)
    return unlocated


def _heard(fix_tags: Array, fix_us: I64, event_tags: Array, event_us: I64) -> tuple[Array, I64, I64]:
    """(k,) distinct tags in order, and the least and the greatest lane time of each; ``fix_tags`` are in order."""
    at = runs(fix_tags)
    tags = fix_tags[at[:-1]]
    first_us, last_us = fix_us, fix_us
    if len(tags):
        first_us, last_us = np.minimum.reduceat(fix_us, at[:-1]), np.maximum.reduceat(fix_us, at[:-1])
    if len(event_tags):
        own, of_event = np.unique(event_tags, return_inverse=True)
        new = own[~np.isin(own, tags)]
        to = np.searchsorted(tags, new)
        tags = np.insert(tags, to, new)
        first_us, last_us = np.insert(first_us, to, FOREVER_US), np.insert(last_us, to, 0)
        place = np.searchsorted(tags, own)[of_event]
        np.minimum.at(first_us, place, event_us)
        np.maximum.at(last_us, place, event_us)
    return tags, first_us, last_us


class _Spoken(NamedTuple):
    """When the tags of a batch were heard: (k,) of each tag in order, (n,) of each message. All times are lane times."""

    tags: Array
    before_us: I64  # (k,) last before the batch, 0 where never
    first_us: I64  # (k,)
    last_us: I64  # (k,)
    of_message: Array  # (n,) tags
    lane_us: I64  # (n,)

    def paused(self, patience_us: I64) -> Bool:
        """Which of (k,) tags were silent for so long, before the batch or between two of its messages; (k,) bool."""
        paused: Bool = (self.before_us > 0) & (self.first_us - self.before_us >= patience_us)
        if (self.last_us - self.first_us >= patience_us).any():  # a batch of hours: look between its messages
            order = np.lexsort((self.lane_us, self.of_message))
            of_message = self.of_message[order]
            place = np.searchsorted(self.tags, of_message[1:])
            gap = (np.diff(self.lane_us[order]) >= patience_us[place]) & (np.diff(of_message) == 0)
            paused[place[gap]] = True
        return paused


def _rows_of(tags: Array, some: Collection[int]) -> dict[int, list[int]]:
    """Which of (m,) int64 ``tags`` each of some is, in order."""
    found: dict[int, list[int]] = {}
    for row, tag in enumerate(tags.tolist() if some else ()):
        if tag in some:
            found.setdefault(tag, []).append(row)
    return found


def _sights(track: Track, seen: Array, some: Collection[int]) -> dict[int, Sights]:
    """What the fixes of some tags say of their homes, by tag."""
    found: dict[int, Sights] = {}
    if not len(seen) or not some:
        return found
    tags = track.fixes["tag"][seen["row"]]
    ours = np.isin(tags, np.fromiter(some, np.int64))
    seen, tags = seen[ours], tags[ours]
    fixes, lane_us = taken(track.fixes, seen["row"]), track.lane_us[seen["row"]]
    keys = zip(*(column.tolist() for column in (fixes["fix_at_us"], fixes["seq"], fixes["source"], lane_us)), strict=True)
    said = zip(seen["row"].tolist(), seen[["zone", "version", "says", "distance_m", "afar"]].tolist(), strict=True)
    for tag, key, (row, sight) in zip(tags.tolist(), keys, said, strict=True):
        of_tag = found.setdefault(tag, {})
        of_tag[key] = row, (*of_tag.get(key, (row, ()))[1], Sight(*sight))
    return found


def lapse(rules: Rules, terms: Terms, state: State, tags: Iterable[int], at_us: int, track: Track, seen: Array) -> list[Change]:
    """What an instant at which controls changed makes of what is going on, of tags that the state knows.

    Parameters
    ----------
    track : their last fixes
    seen : (s,) SIGHT of that track
    """
    changes: list[Change] = []
    looked = set(track.fixes["tag"][seen["row"]].tolist())
    sights_of = _sights(track, seen, looked)
    for tag in tags:
        if tag in state.signals or tag in state.absences or tag in state.faults or tag in looked:
            device = Device(rules, terms, state, tag, state.watermark_us)
            sights = tuple(sight for _, said in sights_of.get(tag, {}).values() for sight in said)
            device.lapse(at_us, sights)
            device.keep()
            changes += device.changes
        _let_go(rules, terms, state, tag, at_us)
    return changes


def _let_go(rules: Rules, terms: Terms, state: State, tag: int, at_us: int) -> None:
    """Forget what was said of homes that have not applied for a while, and of whoever wore the tag before.

    What was taken before a home ceased to apply may be received after: it goes on from what was known then.
    """
    spans = terms.spans(tag)
    wearer = next((span.wearer for span in spans if span.from_us <= at_us < span.to_us), 0)
    others_us = max((span.to_us for span in spans if wearer and span.wearer != wearer and span.to_us <= at_us), default=0)
    beacon = state.beacons.get(tag)
    if beacon is not None and max(*beacon[0][["moved_us", "still_us"]].item(), int(sent_us(beacon["beacon"])[0])) < others_us:
        state.drop(state.beacons, tag)
    going_on = {int(one["zone"][0]) for one in state.absences.of_tag(tag) if not one["ended_us"][0]}
    for known in state.presences.of_tag(tag):
        zone = int(known["zone"][0])
        told_us = max(known[0][["shown_us", "proven_us"]].item())
        if zone not in going_on and (told_us < others_us or zone not in terms.homes_after(tag, at_us - rules.history_us)):
            state.drop(state.presences, tag, zone)


def sweep(rules: Rules, terms: Terms, state: State, now_us: int, stood: Mapping[int, int] = MappingProxyType({})) -> list[Change]:
    """What the clock alone causes up to ``now_us``, each thing at its own instant.

    Parameters
    ----------
    state : its lane time is the one before
    stood : by tag, up to when ``alerts.standing`` has judged it since then
    """
    wind(rules, terms, state)
    rows = np.flatnonzero(state.due_us[: state.count] <= now_us)
    changes: list[Change] = []
    for tag in state.tags["tag"][rows].tolist():
        standing = Standing(rules, terms, state, tag, max(state.watermark_us, stood.get(tag, 0)))
        for one in (standing, Device(rules, terms, state, tag, state.watermark_us)):
            one.run_to(now_us)
            one.keep()
            changes += one.changes
    wind(rules, terms, state, rows, now_us)
    changes.sort(key=lambda change: change.changed_us)
    return changes


def wind(rules: Rules, terms: Terms, state: State, rows: I64 | None = None, now_us: int = 0, *, again: bool = False) -> None:
    """Set when the clock alone may next cause something: of (n,) rows, or of all where that is not known yet.

    Never later than it does; where that would be at lane time or before, the machine is asked for the very instant. ``again``
    where controls changed, and with them perhaps what was asked in the past.
    """
    if rows is None:
        if state.wound:
            return
        rows = np.arange(state.count)
        state.motion_us[:] = 0
        for motion in state.motions:
            state.motion_us[state.row_of[int(motion["tag"][0])]] = motion["motion_us"][0]
    tags, contact_us = state.tags["tag"][rows], state.tags["contact_us"][rows]
    # Round the last message: in a batch of hours it may be long after the lane time before it.
    from_us, to_us = terms.around(tags, np.maximum(contact_us, state.watermark_us))
    standard_us, guarded_us = terms.patience(rules, tags)
    patience_us = np.where(terms.ever_guarded(tags), guarded_us, standard_us)
    due_us = np.maximum(np.maximum(contact_us, from_us), state.listening_us) + patience_us
    # Where nobody is monitored the next instant at which somebody is winds the tag again.
    state.due_us[rows] = np.where((from_us >= 0) & (contact_us > 0) & (due_us < to_us), due_us, FOREVER_US)
    special = state.has(rows, state.devices, state.signals, state.lost, state.faults, state.places)
    asked = np.flatnonzero(among(tags, terms.curfewed))
    judged_us = np.maximum(contact_us[asked], max(state.watermark_us, now_us)).tolist()
    asked_of = zip(tags[asked].tolist(), judged_us, strict=True)
    calm_us = np.fromiter((calm_until(rules, terms, state, *one, again=again) for one in asked_of), np.int64, len(asked))
    state.due_us[rows[asked]] = np.minimum(state.due_us[rows[asked]], calm_us)
    # Guarded now and then only, at home and silent, about to be asked: the exact answer is the machine's.
    special |= (due_us <= max(state.watermark_us, now_us)) | (state.due_us[rows] <= max(state.watermark_us, now_us))
    for row, tag in zip(rows[special].tolist(), tags[special].tolist(), strict=True):
        next_us = Device(rules, terms, state, tag, state.watermark_us).next_us()
        if tag in state.places:
            next_us = min(next_us, Standing(rules, terms, state, tag, state.watermark_us).next_us())
        state.due_us[row] = next_us
    state.wound = True
