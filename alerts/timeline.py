"""A tag's fixes and events, and what a curfew asked, become the wearer's record: at home, away, or not known, stretch by stretch.

Unlike alerts, which tell what was known at the time, it is judged with hindsight: by when things were taken, whenever they were
received. What counts as contact is when a message was received.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from alerts.demand import Demand, asked, demands
from alerts.presence import TOLD, Beacon, Evidence, Presence, Says, sights, with_afar
from alerts.quality import assess
from alerts.rules import Rules
from alerts.track import look
from alerts.world import World
from model.arrays import Array
from model.curfew import Curfew, Span
from model.event import EVENT, EventKind, sent_us
from model.fix import FIX
from model.instant import FOREVER_US
from model.state import State
from model.zone import Monitored


class Standing(StrEnum):
    """What the record says of a stretch inside a window."""

    COMPLIANT = "compliant"
    CONSISTENT = "consistent"  # not proven
    APPARENT = "apparent_non_compliance"
    UNVERIFIED = "unverified"
    UNMONITORED = "not_monitored"  # the curfew asked, and no order held over the tag


class Stretch(NamedTuple):
    """Half-open microseconds ``[from, to)``."""

    from_us: int
    to_us: int
    standing: Standing


# Half-open microseconds ``[from, to)`` and the rules by which each moment between them is judged.
Ruled = tuple[int, int, Rules]


class Heard(NamedTuple):
    """One thing that a tag told. Fields that do not concern it are 0."""

    at_us: int
    kind: int = EventKind.CONTACT  # EventKind
    says: int = Says.NOTHING  # of a fix, what it says of the home
    afar: bool = False  # as in ``SIGHT``


def heard(world: World, tag: int, home: int, fixes: Array, events: Array) -> list[Heard]:
    """What a tag told of a home, in the order it happened.

    Parameters
    ----------
    fixes : (n,) FIX of the tag, in any order
    events : (m,) EVENT of it
    """
    state = State()
    order = np.argsort(fixes["fix_at_us"], kind="stable")
    assessed = assess(world.rules, world.terms, state, fixes[order])
    seen = sights(world.rules, world.terms, assessed.track, look(world.look, assessed.track, assessed.before))
    seen = with_afar(world.look, world.rules, assessed.track, seen[seen["zone"] == home], state, events)
    columns = (assessed.track.at_us[seen["row"]], seen["says"], seen["afar"])
    told = [Heard(at_us, says=says, afar=afar) for at_us, says, afar in zip(*(one.tolist() for one in columns), strict=True)]
    told += [Heard(received_us) for received_us in (*fixes["received_us"].tolist(), *events["received_us"].tolist())]
    told += [Heard(at, kind) for at, kind in zip(sent_us(events).tolist(), events["kind"].tolist(), strict=True) if kind in TOLD]
    return sorted(told, key=lambda one: one.at_us)


def timeline(
    ruled: Sequence[Ruled], versions: Sequence[Curfew], monitored: Sequence[Monitored], told: Iterable[Heard]
) -> list[Stretch]:
    """The record of one tag under one curfew between two instants, in order; where the curfew asked nothing there is none.

    Parameters
    ----------
    ruled : from when to when the tag was judged by which rules, in order and touching: from the one instant to the other. Of each
        moment is said what its own rules make of what was known then, as live judging does
    versions : of the curfew
    monitored : of the tag
    told : what it told of the curfew's home, in the order it happened; from some time before the first instant on
    """
    from_us, to_us = ruled[0][0], ruled[-1][1]
    spans = [span for span in demands(versions, monitored) if span.from_us < to_us and span.to_us > from_us]
    found = _Record(ruled, spans)
    presence = Presence(Evidence(0, 0), Beacon(0), 0)
    before_us = 0
    for one in told:
        if one.at_us > before_us:
            found.note(presence, before_us, one.at_us)
        before_us = max(before_us, one.at_us)
        presence = _after(presence, one)
    found.note(presence, before_us, to_us)
    nobody = [Stretch(low, high, Standing.UNMONITORED) for low, high in _unmonitored(versions, spans)]
    stretches = _overlaid(found.said, found.away) + nobody
    return _joined(_cut(stretches, from_us, to_us))


def away_us(stretches: Iterable[Stretch], versions: Sequence[Curfew], monitored: Sequence[Monitored]) -> int:
    """How long the wearer was away, microseconds: absences within the grace are not counted, of others the grace is."""
    spans, total_us = demands(versions, monitored), 0
    for one in stretches:
        demand = asked(spans, one.from_us) if one.standing is Standing.APPARENT else None
        if demand is not None and one.to_us - one.from_us > demand.at(one.from_us).grace_us:
            total_us += one.to_us - one.from_us
    return total_us


class _Record:
    """Stretches as they are found: what was known at each time, and, with hindsight, what contradicts it."""

    def __init__(self, ruled: Sequence[Ruled], spans: Sequence[Demand]) -> None:
        self._ruled, self._spans = ruled, spans
        self.said: list[Stretch] = []
        self.away: list[Span] = []

    def note(self, presence: Presence, from_us: int, to_us: int) -> None:
        """Nothing was told between two instants."""
        for low_us, high_us, rules in self._ruled:
            for demand in self._spans:
                low, high = max(demand.from_us, from_us, low_us), min(demand.to_us, to_us, high_us)
                if low < high:
                    self._note(rules, presence, demand, low, high)

    def _note(self, rules: Rules, presence: Presence, demand: Demand, low: int, high: int) -> None:
        proven_us = min(max(presence.proven_until(rules), low), high)
        known_us = min(max(presence.known_until(rules), proven_us), high)
        self.said += [
            Stretch(low, proven_us, Standing.COMPLIANT),
            Stretch(proven_us, known_us, Standing.CONSISTENT),
            Stretch(known_us, high, Standing.UNVERIFIED),
        ]
        for one in presence.contradictions(rules, demand.from_us):
            if one.effective_us < high:
                self.away.append((max(one.since_us, demand.from_us), high))


def _after(presence: Presence, one: Heard) -> Presence:
    """Presence once something more was told."""
    evidence, beacon, _ = presence
    if one.says:
        if presence.takes(one.says, afar=one.afar):
            fix = np.zeros(1, FIX)
            fix["fix_at_us"] = one.at_us
            evidence.see(one.says, one.at_us, 0, fix)
        return presence
    if one.kind in TOLD:
        event = np.zeros(1, EVENT)
        event["kind"], event["at_us"], event["received_us"] = one.kind, one.at_us, one.at_us
        if beacon.tell(event):
            evidence.prove(event)
    return presence._replace(contact_us=one.at_us) if one.kind == EventKind.CONTACT else presence


def _overlaid(said: Iterable[Stretch], away: Sequence[Span]) -> list[Stretch]:
    """Stretches with those in which the wearer was away laid over them."""
    left: list[Stretch] = []
    gone = union(away)
    for one in said:
        low = one.from_us
        for away_from, away_to in gone:
            if away_to > low and away_from < one.to_us:
                left.append(Stretch(low, max(away_from, low), one.standing))
                low = min(away_to, one.to_us)
        left.append(Stretch(low, one.to_us, one.standing))
    return left + [Stretch(*span, Standing.APPARENT) for span in gone]


def union(spans: Iterable[Span]) -> list[Span]:
    """The same time in as few half-open spans as possible, in order."""
    joined: list[Span] = []
    for low, high in sorted(spans):
        if joined and low <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], high)
        else:
            joined.append((low, high))
    return joined


def _unmonitored(versions: Iterable[Curfew], spans: Sequence[Demand]) -> Iterator[Span]:
    """Where a curfew would have asked, had its order held over the tag."""
    for curfew in versions:
        everywhere = Monitored(0, curfew.wearer, curfew.order, 0, FOREVER_US)
        for demand in demands([curfew], [everywhere]):
            low = demand.from_us
            for span in spans:
                if span.to_us > low and span.from_us < demand.to_us:
                    if span.from_us > low:
                        yield low, span.from_us
                    low = max(low, span.to_us)
            if low < demand.to_us:
                yield low, demand.to_us


def _cut(stretches: Iterable[Stretch], from_us: int, to_us: int) -> Iterator[Stretch]:
    for one in stretches:
        low, high = max(one.from_us, from_us), min(one.to_us, to_us)
        if low < high:
            yield Stretch(low, high, one.standing)


def _joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """In order, those that touch and say the same made one."""
    joined: list[Stretch] = []
    for one in sorted(stretches):
        last = joined[-1] if joined else None
        if last is not None and last.to_us == one.from_us and last.standing is one.standing:
            joined[-1] = last._replace(to_us=one.to_us)
        else:
            joined.append(one)
    return joined
