"""A story told in times and distances becomes fixes and hand-made hits, and what the judge makes of them lines to read aloud.

No geometry: each fix says itself how far from the zone it is. Behind the judge stands the smallest store that keeps its promises:
what is stored once, history for data out of order, and occurrences that only ever begin earlier.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from alerts.judge import doubtful, judge, rejudge
from alerts.late import going_on, windows, within
from alerts.rules import Rules
from alerts.standing import missed_windows
from alerts.terms import Terms
from alerts.world import World
from geofence.hits import CROSS_GAP_US
from geofence.index import ZoneIndex
from model.alert import FAMILY, NO_EVENTS, Change, Family, Kind, Occurrence, Op, kept
from model.arrays import Array
from model.batch import Batch
from model.curfew import Curfew
from model.event import EventKind, empty_events
from model.fix import ACCURACY_FLOOR_M, FIX, Source, empty_fixes
from model.history import History
from model.hit import HIT, REACH_M, Verdict
from model.instant import BEGINNING_US, DAY_US, FOREVER_US, MINUTE_US, SECOND_US, from_us, parse
from model.setting import Setting
from model.state import State
from model.visit import Visit
from model.zone import Assignment, Monitored, Purpose, Zone, ZoneKind
from tests.rows import sorted_fixes

DAY = "2026-11-22"
TAG, WEARER, ORDER, ZONE, HOME = 1, 50, 500, 7, 8
FAR_M = 20_000.0
NEVER_SILENT = Rules()._replace(silent_us=400 * DAY_US, silent_guarded_us=400 * DAY_US)  # silence has stories of its own


def us(clock: str) -> int:
    """Microseconds of a time on the story's day: ``08:00``, ``08:00:05``; ``+1 08:00`` is the day after."""
    days, clock = (int(clock[1]), clock[3:]) if clock.startswith("+") else (0, clock)
    return parse(f"{DAY}T{clock if clock.count(':') == 2 else clock + ':00'}Z") + days * 24 * 60 * MINUTE_US


def said(at_us: int) -> str:
    return from_us(at_us).strftime("%H:%M:%S")


def line(change: Change) -> str:
    """``08:00:07 OPEN exclusion P1 from 08:00:05``."""
    text = f"{said(change.changed_us)} {change.op.name} {change.kind} P{change.severity} from {said(change.event_at_us)}"
    if change.ended_us is not None:
        text += f" to {said(change.ended_us)}"
    return text + (" late" if change.late else "")


def zone_of(version: int = 1, **given: object) -> Zone:
    """A victim's exclusion zone, unless said otherwise; its geometry is never looked at."""
    base = Zone(ZONE, version, ZoneKind.EXCLUSION, Purpose.VICTIM, b"", 1.0, 0.0, BEGINNING_US)
    return base._replace(**given)  # type: ignore[arg-type]


MONITORED = Monitored(TAG, WEARER, ORDER, BEGINNING_US, FOREVER_US)


def home_of(version: int = 1, **given: object) -> Zone:
    """A wearer's home; its geometry is never looked at."""
    base = Zone(HOME, version, ZoneKind.HOME, Purpose.AREA, b"", 75.0, 0.0, BEGINNING_US)
    return base._replace(**given)  # type: ignore[arg-type]


def curfew_of(*windows: tuple[str, str], **given: object) -> Curfew:
    """At home, with five minutes' grace, in windows told by their times; from 19:00 to 07:00 where none is."""
    spans = tuple((us(start), us(end)) for start, end in windows or (("19:00", "+1 07:00"),))
    base = Curfew(1, 1, ORDER, WEARER, HOME, 5 * MINUTE_US, spans)
    return base._replace(**given)  # type: ignore[arg-type]


def terms_of(
    *zones: Zone,
    monitored: Iterable[Monitored] = (MONITORED,),
    curfews: Iterable[Curfew] = (),
    visits: Iterable[Visit] = (),
    settings: Iterable[Setting] = (),
) -> Terms:
    """Every zone applies to every tag for ever."""
    monitored = list(monitored)
    tags = sorted({TAG, *(span.tag for span in monitored)})
    assigned = [Assignment(tag, number, BEGINNING_US, FOREVER_US) for tag in tags for number in {zone.id for zone in zones}]
    return Terms(zones, assigned, monitored, (), curfews, visits, settings=settings)


Script = dict[int, list[tuple[int, float, bool]]]  # seq of a fix -> (zone, signed metres, crossed)


class Scripted(World):
    """A world whose zones say what the story says."""

    script: Script

    @classmethod
    def of(cls, terms: Terms, rules: Rules, script: Script) -> "Scripted":
        world = cls(ZoneIndex.build([]), terms, rules, 1)
        object.__setattr__(world, "script", script)
        return world

    def look(self, fixes: Array, last: Array) -> Array:
        """HIT rows by the rule of model/hit.py; a path is looked at from a fix before it, as long ago as paths go."""
        rows = []
        before_us = {int(fix["tag"]): int(fix["fix_at_us"]) for fix in last}
        for row, fix in enumerate(fixes):
            tag, at_us = int(fix["tag"]), int(fix["fix_at_us"])
            near = at_us - before_us.get(tag, BEGINNING_US) <= CROSS_GAP_US
            before_us[tag] = at_us
            for zone_id, distance_m, told in self.script.get(int(fix["seq"]), []):
                crossed = told and near
                zone = self.terms.applied(tag, zone_id, at_us)
                accuracy_m = max(float(fix["accuracy_m"]), ACCURACY_FLOOR_M)
                if zone is None or (distance_m > max(accuracy_m, zone.buffer_m, REACH_M) and not crossed):
                    continue
                verdict = Verdict.POSSIBLE if -accuracy_m < distance_m <= accuracy_m else Verdict.OUTSIDE
                verdict = Verdict.INSIDE if distance_m <= -accuracy_m else verdict
                rows.append((row, zone_id, distance_m, zone.version, verdict, crossed, distance_m <= 0.0))
        return np.array(rows, HIT)


@dataclass
class Memory:
    """The smallest store: fixes by identity, occurrences by theirs, and the lane's state."""

    state: State = field(default_factory=State)
    fixes: Array = field(default_factory=lambda: np.zeros(0, FIX))
    occurrences: dict[tuple[int, int, Family, int], Occurrence] = field(default_factory=dict)
    shadow: State = field(default_factory=State)  # rebuilt from what changed, as recovery does
    events: Array = field(default_factory=empty_events)

    def take(self, world: World, fixes: Array, now_us: int | None = None, events: Array = NO_EVENTS) -> list[Change]:
        """Store what is new, judge it, keep what comes of it."""
        doubt = doubtful(self.state, fixes)
        stored = {identity(fix) for fix in self.fixes}
        new = []
        for fix, may_be_stored in zip(fixes, doubt, strict=True):
            assert may_be_stored or identity(fix) not in stored, "a fix that is stored already was not doubted"
            new.append(identity(fix) not in stored)
            stored.add(identity(fix))
        admitted = fixes[np.array(new, bool)]
        asked = windows(world.rules, world.terms, self.state, admitted, np.ones(len(admitted), bool), events)
        doubted = windows(world.rules, world.terms, self.state, admitted, doubt[np.array(new, bool)], events)
        assert doubted == asked, "a fix that needs history was not doubted"
        fixes_then, events_then = within(asked, self.fixes, "fix_at_us"), within(asked, self.events, "at_us")
        history = History(fixes_then, going_on(asked, self.occurrences.values()), events_then)
        received_us = max(int(rows["received_us"].max(initial=0)) for rows in (fixes, events))
        batch = Batch(admitted, events, "gw", received_us)
        judged = judge(world, self.state, batch, now_us or received_us, history)
        self.shadow.apply(self.state.take_delta())
        self.shadow.watermark_us, self.shadow.control_seq = self.state.watermark_us, self.state.control_seq
        assert self.shadow.digest() == self.state.digest(), "a recovered state would not be the one that was lost"
        assert len(judged.fixes) == len(admitted)
        self.fixes = np.concatenate([self.fixes, judged.fixes])
        self.events = np.concatenate([self.events, events])
        for row in judged.requalified:
            where = [identity(fix) == identity(row) for fix in self.fixes]
            assert sum(where) == 1, "requalified a fix that is not stored"
            self.fixes[np.array(where)] = row
        self.keep(judged.changes)
        return list(judged.changes)

    def again(self, state: State) -> "Memory":
        """The same store with another state."""
        return Memory(state, self.fixes.copy(), dict(self.occurrences), events=self.events.copy())

    def kept(self) -> tuple[bytes, dict[tuple[int, int, Family, int], Occurrence]]:
        """What is stored, to compare."""
        return sorted_fixes(self.fixes).tobytes(), self.occurrences

    def keep(self, changes: Iterable[Change]) -> None:
        """Occurrences as they stand after changes; one never begins later than it was said to."""
        for change in changes:
            key = (change.tag, change.zone, FAMILY[change.kind], change.occurrence_us)
            known = self.occurrences.get(key)
            if known is None and change.op is Op.WITHDRAW and change.kind is Kind.ATTENDANCE_MISSED:
                continue  # of another tag of the wearer's, of which nothing was told
            # Live judging does not know what late data has raised: it may raise the same occurrence once more.
            assert (known is None) == (change.op is Op.OPEN) or (known is not None and known.late), f"out of turn: {line(change)}"
            if change.op is Op.WITHDRAW:
                del self.occurrences[key]
                continue
            self.occurrences[key] = kept(known, change)


def identity(fix: Array) -> tuple[int, ...]:
    return tuple(int(fix[name]) for name in ("tag", "fix_at_us", "seq", "source"))


class Story:
    """``story.at("08:00:05").inside(by=42)``, and so on; then ``story.told()``."""

    def __init__(
        self,
        *zones: Zone,
        rules: Rules | None = None,
        monitored: Iterable[Monitored] = (MONITORED,),
        curfews: Iterable[Curfew] = (),
        visits: Iterable[Visit] = (),
        settings: Iterable[Setting] = (),
    ) -> None:
        said = tuple(settings)
        self.terms = terms_of(*(zones or (zone_of(),)), monitored=monitored, curfews=curfews, visits=visits, settings=said)
        self.rules = rules or NEVER_SILENT
        self.script: Script = {}
        self.memory = Memory()
        self._waiting: list[Array] = []
        self._count = 0

    @property
    def world(self) -> World:
        return Scripted.of(self.terms, self.rules, self.script)

    def change_world(
        self,
        *zones: Zone,
        monitored: Iterable[Monitored] = (MONITORED,),
        curfews: Iterable[Curfew] = (),
        visits: Iterable[Visit] = (),
    ) -> None:
        """From here on these zones, curfews and visits, and these alone."""
        self.terms = terms_of(*zones, monitored=monitored, curfews=curfews, visits=visits)

    def at(self, clock: str, **given: object) -> "Moment":
        """A fix: 10 m GNSS received two seconds later; ``accuracy``, ``source``, ``received``, ``battery``... say otherwise."""
        return Moment(self, clock, given)

    def add(self, clock: str, given: dict[str, object], zone: int, distance_m: float, crossed: bool) -> None:
        self._count += 1
        fix = empty_fixes(1)
        fix["tag"] = given.pop("tag", TAG)
        fix["seq"] = self._count
        fix["fix_at_us"] = us(clock)
        received = given.pop("received", None)
        fix["received_us"] = us(str(received)) if received is not None else us(clock) + 2 * SECOND_US
        fix["accuracy_m"] = given.pop("accuracy", 10.0)
        fix["source"] = given.pop("source", Source.GNSS)
        fix["battery_pct"] = given.pop("battery", -1)
        fix["lon"] = float(str(given.pop("east_km", 0.0))) / 69.17
        fix["lat"] = 51.5  # where a degree of longitude measures 69.4 km
        assert not given, f"a fix knows nothing of {given}"
        self.script[self._count] = [(zone, distance_m, crossed)]
        self._waiting.append(fix)

    def event(self, clock: str, kind: EventKind, *, received: str | None = None, tag: int = TAG) -> list[str]:
        """What a device event raises, received two seconds later unless said otherwise; sent at once and alone."""
        return self.events((clock, kind), received=received, tag=tag)

    def events(self, *told: tuple[str, EventKind], received: str | None = None, tag: int = TAG) -> list[str]:
        """What several events in one frame raise."""
        return [line(change) for change in self.event_changes(*told, received=received, tag=tag)]

    def event_changes(self, *told: tuple[str, EventKind], received: str | None = None, tag: int = TAG) -> list[Change]:
        """The same as changes."""
        events = empty_events(len(told))
        events["tag"], events["kind"] = tag, [kind for _, kind in told]
        events["at_us"] = [us(clock) for clock, _ in told]
        events["received_us"] = us(received) if received else events["at_us"].max() + 2 * SECOND_US
        return self.memory.take(self.world, self.waiting(), events=events)

    def clock(self, clock: str) -> list[str]:
        """What the clock alone causes up to then."""
        return [line(change) for change in self.clock_changes(clock)]

    def clock_changes(self, clock: str) -> list[Change]:
        """The same as changes."""
        return self.memory.take(self.world, self.waiting(), us(clock))

    def waiting(self) -> Array:
        """(n,) FIX told since the last call, not sent."""
        fixes, self._waiting = self._waiting, []
        return np.concatenate([np.zeros(0, FIX), *fixes])

    def told(self, batch: int | None = None) -> list[str]:
        """What the fixes told since the last call raise, sent in batches of so many, or all at once."""
        return [line(change) for change in self.changes(batch)]

    def changes(self, batch: int | None = None) -> list[Change]:
        """The same as changes."""
        fixes = self.waiting()
        made: list[Change] = []
        size = batch or max(len(fixes), 1)
        for first in range(0, len(fixes), size):
            made += self.memory.take(self.world, fixes[first : first + size])
        return made

    def rejudged(self, clock: str) -> list[str]:
        """What a control change in force from then on makes of the tag's last fix."""
        return [line(change) for change in self.rejudged_changes(clock)]

    def rejudged_changes(self, clock: str) -> list[Change]:
        """The same as changes."""
        tags = sorted(tag for tag in self.terms.monitored if tag in self.memory.state.row_of) or [TAG]
        asked = missed_windows(self.terms, tags, us(clock))
        history = History(within(asked, self.memory.fixes, "fix_at_us"), ())
        judged = rejudge(self.world, self.memory.state, tags, us(clock), history)
        self.memory.keep(judged.changes)
        return list(judged.changes)

    def quality(self) -> list[int]:
        """Quality of the stored fixes, in the order they were taken."""
        return [int(quality) for quality in sorted_fixes(self.memory.fixes)["quality"]]


@dataclass
class Moment:
    """One fix, before it is said where."""

    story: Story
    clock: str
    given: dict[str, object]

    def add(self, distance_m: float, zone: int = ZONE, *, crossed: bool = False) -> None:
        """So many metres from the boundary, negative inside."""
        self.story.add(self.clock, self.given, zone, distance_m, crossed)

    def inside(self, by: float, zone: int = ZONE) -> None:
        """So many metres inside."""
        self.story.add(self.clock, self.given, zone, -by, False)

    def outside(self, by: float, zone: int = ZONE) -> None:
        """So many metres outside."""
        self.story.add(self.clock, self.given, zone, by, False)

    def away(self, zone: int = ZONE) -> None:
        """Nowhere near."""
        self.story.add(self.clock, self.given, zone, FAR_M, False)

    def beyond(self, by: float = 300.0, zone: int = ZONE) -> None:
        """So many metres outside, the path from the fix before having passed through."""
        self.story.add(self.clock, self.given, zone, by, True)
