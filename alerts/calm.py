"""What a batch says of homes becomes the few tags for which that may change anything; of all others it is only written down.

Most wearers are at home and stay there, or away and stay away: for them a fix moves the time of the newest one, and no more.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from alerts.device import Message
from alerts.presence import TWO, Beacon, Evidence, Presence, Says, is_late
from alerts.rules import Rules
from alerts.terms import Terms
from alerts.track import Track, runs
from model.arrays import I64, Array, among
from model.event import EventKind, sent_us
from model.fix import Quality
from model.instant import FOREVER_US
from model.state import CONTACT, State


class Calm(NamedTuple):
    """What a batch says of each tag and home."""

    stirred: I64  # (k,) tags that have to be looked at one message after another
    said: list[tuple[int, int, int, int, int, int]]  # of the others: tag, zone, newest time, what it says, version, newest inside

    def write(self, state: State, but: Collection[int]) -> None:
        """Note the newest of what was said, of all tags but those that are looked at anyway; their rows are touched elsewhere."""
        for tag, zone, shown_us, says, version, inside_us in self.said:
            if tag in but:
                continue
            record = state.presences[tag, zone][0]
            record["shown_us"], record["says"], record["version"] = shown_us, says, version
            if inside_us:
                record["inside_us"] = record["proven_us"] = inside_us


def calm(state: State, track: Track, seen: Array) -> Calm:
    """Tell the tags whose presence may have changed from those that go on as they were.

    Parameters
    ----------
    state : before the track
    seen : (s,) SIGHT of the track
    """
    if not len(seen):
        return Calm(np.zeros(0, np.int64), [])
    tags, at_us = track.fixes["tag"][seen["row"]], track.at_us[seen["row"]]
    order = np.lexsort((seen["row"], seen["zone"], tags))
    seen, tags, at_us = seen[order], tags[order], at_us[order]
    bounds = np.union1d(runs(tags), runs(seen["zone"]))
    first, last = bounds[:-1], bounds[1:] - 1
    outside = np.add.reduceat((seen["says"] == Says.OUTSIDE).astype(np.int64), first)
    inside_us = np.maximum.reduceat(np.where(seen["says"] == Says.INSIDE, at_us, 0), first)
    columns = (tags[last], seen["zone"][last], at_us[last], seen["says"][last], seen["version"][last], inside_us)
    stirred, said = [], []
    for row, outs, count in zip(
        zip(*(column.tolist() for column in columns), strict=True), outside.tolist(), np.diff(bounds).tolist(), strict=True
    ):
        tag, zone = row[:2]
        record = state.presences.get(tag, zone)
        before = -1 if record is None else int(record["outs"][0])
        if not ((outs == 0 and before == 0) or (outs == count and before == TWO)):
            stirred.append(tag)
        else:
            said.append(row)
    return Calm(np.array(stirred, np.int64), said)


def resume(rules: Rules, terms: Terms, state: State, tag: int, messages: Sequence[Message]) -> bool:
    """Note that a tag was heard again after a while out of contact, where no more can come of it than that.

    No clock of its runs out before the last message, and nothing of its device goes on: the caller knows. Then no more can come
    of fixes in order where no beacon was ever told of, and nobody was asked to be at home since presence was last shown, or it
    was shown again each time before it counted as not verified.

    Parameters
    ----------
    messages : of this batch, in the order of lane time; what they say of homes is nothing new (``calm``)

    Returns
    -------
    bool
        False where only the machine can tell; then nothing was noted.
    """
    contact, record = state.contacts.get(tag), state.peek(tag)
    curfewed = bool(among(np.array([tag]), terms.curfewed)[0])
    if record is None or state.beacons.get(tag) is not None or (contact is not None and not curfewed):
        return False
    if any(len(one.event) or one.again or is_late(one.fix) or one.fix["quality"][0] >= Quality.IMPLAUSIBLE for one in messages):
        return False
    known = {int(one["zone"][0]): Evidence.of(one) for one in state.presences.of_tag(tag)}
    if curfewed:
        since_us = min((int(one.first["fix_at_us"][0]) if one.outs else one.shown_us for one in known.values()), default=0)
        asked = not since_us or terms.asks_from(tag, since_us) <= messages[-1].lane_us
        if asked and not _stays(rules, terms, known, messages):
            return False
    beacon, contact_us = Beacon(tag), int(record["contact_us"])
    from_us, told_us = (0, 0) if contact is None else contact[0][["from_us", "beacon_us"]].item()
    for message in messages:
        before_us = {zone: Presence(one, beacon, contact_us).known_until(rules) for zone, one in known.items()}
        for sight in message.sights:
            if sight.zone not in known:
                return False
            known[sight.zone].see(sight.says, message.at_us, sight.version, message.fix)
        lost = message.received_us - contact_us > rules.contact_us
        contact_us = max(contact_us, message.received_us)
        if lost:
            from_us = message.received_us
            for zone, one in known.items():
                one.known_us = max(one.known_us, min(before_us[zone], contact_us))
    for zone, one in known.items():
        held = state.presences.get(tag, zone)
        assert held is not None, "it was read just now"
        held["known_us"] = one.known_us
    if curfewed and (from_us or told_us):
        made = np.array([(tag, from_us, told_us)], CONTACT)
        if contact is None or contact.tobytes() != made.tobytes():
            state.put(state.contacts, made)
    return True


def _stays(rules: Rules, terms: Terms, known: dict[int, Evidence], messages: Sequence[Message]) -> bool:
    """Whether every message shows the tag at each of its homes, or perhaps, and soon enough after the one before."""
    if not known or any(one.outs or one.says not in (Says.POSSIBLE, Says.INSIDE) for one in known.values()):
        return False
    shown_us = min(one.shown_us for one in known.values())
    for message in messages:
        said = {sight.zone: sight.says for sight in message.sights}
        if said.keys() != known.keys() or Says.OUTSIDE in said.values():
            return False
        ruled = terms.rules(rules, int(message.fix["tag"][0]), message.at_us)
        if message.at_us - shown_us >= ruled.whereabouts_us + ruled.unverified_us:
            return False
        shown_us = message.at_us
    return True


def calm_until(rules: Rules, terms: Terms, state: State, tag: int, lane_us: int, *, again: bool = False) -> int:
    """The lane time before which the clock alone cannot raise anything of a tag's curfews; 0 where only the machine can tell.

    Parameters
    ----------
    lane_us : up to which the tag has been judged: whatever the spans before it make of what is known has been told
    again : whether there may be other spans before it than those it was judged by
    """
    asks_us = terms.asks_from(tag, min(lane_us, _gone_us(state, tag)) if again else lane_us)
    if tag not in state.absences and asks_us > lane_us:
        return asks_us  # at work by day, most of them: until somebody is asked to be at home it matters to nobody where they are
    known = state.presences.of_tag(tag)
    if not known or tag in state.absences:
        return 0
    beacon = state.beacons.get(tag)
    if beacon is not None and beacon["beacon"]["kind"][0] == EventKind.BEACON_OUT:
        return 0
    until_us, rules = FOREVER_US, terms.rules(rules, tag, lane_us)
    for record in known:
        shown_us, says, outs = record[["shown_us", "says", "outs"]][0].item()
        if outs or says == Says.OUTSIDE or not says:
            return 0
        until_us = min(until_us, shown_us + rules.whereabouts_us + rules.unverified_us)
    return until_us


def _gone_us(state: State, tag: int) -> int:
    """Since when anything has said that a tag is not at some home, or for ever."""
    found = [known[0] for known in state.presences.of_tag(tag)]
    gone_us = [int(known["first"]["fix_at_us"]) for known in found if known["outs"]]
    beacon = state.beacons.get(tag)
    if beacon is not None and beacon["beacon"]["kind"][0] == EventKind.BEACON_OUT:
        gone_us.append(int(sent_us(beacon["beacon"])[0]))
    return min(gone_us, default=FOREVER_US)
