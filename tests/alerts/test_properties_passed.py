"""Fixes received after what they are judged by has ended: the same however they are cut, and as though they had come in time."""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

import numpy as np
import pytest

from model.alert import FAMILY, Change, Family
from model.arrays import Array
from model.fix import FIX, Source
from model.hit import HIT
from model.instant import BEGINNING_US, FOREVER_US, SECOND_US
from model.zone import Monitored, Purpose, Zone, ZoneKind
from tests.alerts.story import MONITORED, ORDER, WEARER, ZONE, Memory, Scripted, Story, us, zone_of
from tests.alerts.test_properties import by_alert, clock, remembered
from tests.chance import times

START_US = us("08:00")


@dataclass(frozen=True)
class Row:
    """One fix of a made-up stream, and how long its tag keeps it, with all that it takes meanwhile."""

    gap_s: int
    distance_m: float
    kept_s: int
    accuracy_m: float
    source: Source


NEAR = zone_of(buffer_m=400.0)
STAY = zone_of(kind=ZoneKind.INCLUSION, purpose=Purpose.AREA)


class Moved(Scripted):
    """A world whose zone's second version lies 300 m further."""

    def look(self, fixes: Array, last: Array) -> Array:
        """HIT rows by the rule of model/hit.py."""
        found = [np.zeros(0, HIT)]
        for row, fix in enumerate(fixes):
            zone = self.terms.applied(int(fix["tag"]), ZONE, int(fix["fix_at_us"]))
            by_m = 300.0 if zone is not None and zone.version == 2 else 0.0
            said = [(zone_id, metres + by_m, crossed) for zone_id, metres, crossed in self.script[int(fix["seq"])]]
            hits = Scripted.of(self.terms, self.rules, {int(fix["seq"]): said}).look(fixes[row : row + 1], last)
            hits["fix_row"] = row
            found.append(hits)
        return np.concatenate(found)


class Upload(Story):
    """A story in frames, taken as a lane does: last fixes are judged again at each instant between two frames."""

    frames: tuple[Array, ...] = ()
    instants: tuple[int, ...] = ()

    @property
    def world(self) -> Scripted:
        return Moved.of(self.terms, self.rules, self.script)

    def send(self, rows: Iterable[Row], *, keeps: bool = True) -> None:
        """Frames in the order they are received, in each what the tag kept."""
        at_us, received_us = START_US, START_US
        frames: list[list[Array]] = []
        for row in rows:
            at_us += row.gap_s * SECOND_US
            if at_us > received_us or not frames or not keeps:
                received_us = at_us + (row.kept_s * SECOND_US if keeps else 0) + SECOND_US
                frames.append([])
            self.at(clock(at_us), received=clock(received_us), accuracy=row.accuracy_m, source=row.source).add(row.distance_m)
            frames[-1].append(self.waiting())
        self.frames = tuple(np.concatenate(frame) for frame in frames)

    def run(self, sizes: list[int]) -> tuple[Memory, list[Change]]:
        """In batches of so many frames, over and over."""
        self.memory = Memory()
        changes: list[Change] = []
        left, turn = list(self.frames), 0
        while left:
            size = sizes[turn % len(sizes)]
            some, left, turn = left[:size], left[size:], turn + 1
            last_us = int(some[-1]["received_us"][0])
            for at_us in [one for one in self.instants if self.memory.state.watermark_us < one <= last_us]:
                changes += self._take([frame for frame in some if frame["received_us"][0] < at_us])
                some = [frame for frame in some if frame["received_us"][0] >= at_us]
                changes += self.rejudged_changes(clock(at_us))
            changes += self._take(some)
        for at_us in [one for one in self.instants if self.memory.state.watermark_us < one]:
            changes += self.rejudged_changes(clock(at_us))
        return self.memory, changes

    def _take(self, frames: list[Array]) -> list[Change]:
        return self.memory.take(self.world, np.concatenate([np.zeros(0, FIX), *frames])) if frames else []


def instants(zones: Iterable[Zone], monitored: Iterable[Monitored]) -> tuple[int, ...]:
    found = {at_us for zone in zones for span in zone.intervals for at_us in span}
    found |= {at_us for zone in zones for at_us in (zone.in_force_from_us, zone.in_force_to_us)}
    found |= {at_us for span in monitored for at_us in (span.from_us, span.to_us)}
    return tuple(sorted(found - {BEGINNING_US, FOREVER_US}))


@pytest.mark.parametrize("zone", [NEAR, STAY], ids=["entries", "exits"])
def test_batches_do_not_matter(zone: Zone) -> None:
    """A zone with a gap in its schedule is moved; an order ends, and another wearer's begins."""
    for seed in range(times(30)):
        random = Random(seed)
        at = sorted(START_US + second * SECOND_US for second in random.sample(range(300, 2400), 5))
        schedule = ((BEGINNING_US, at[0]), (at[1], FOREVER_US))
        zones = [
            zone._replace(intervals=schedule, in_force_to_us=at[2]),
            zone._replace(version=2, intervals=schedule, in_force_from_us=at[2]),
        ]
        monitored = [MONITORED._replace(to_us=at[3]), MONITORED._replace(wearer=WEARER + 1, order=ORDER + 1, from_us=at[4])]
        story = Upload(*zones, monitored=monitored)
        story.send([drawn(random) for _ in range(20)])
        story.instants = instants(zones, monitored)
        whole, changes = story.run([len(story.frames)])
        for cut in ([1], [random.randrange(1, 4) for _ in range(9)]):
            memory, said = story.run(cut)
            assert by_alert(said) == by_alert(changes)
            assert memory.kept() == whole.kept()
            assert remembered(memory.state) == remembered(whole.state)
        assert all(one.ended_us is not None for one in whole.occurrences.values() if one.wearer == WEARER)


@pytest.mark.parametrize(("zone", "ends"), [(NEAR, "order"), (NEAR, "schedule"), (STAY, "order"), (STAY, "zone")])
def test_what_has_ended_since_ends_at_its_instant_as_though_all_had_come_in_time(zone: Zone, ends: str) -> None:
    """All but what begins once more within ten minutes, which docs/alerts.md says under "Control changes"."""
    exact, total = 0, times(36)
    for seed in range(total):
        random = Random(seed)
        rows = [drawn(random) for _ in range(14)]
        at_us = START_US + random.randrange(600, 1800) * SECOND_US
        zones, monitored = [zone], [MONITORED]
        if ends == "order":
            monitored = [MONITORED._replace(to_us=at_us)]
        elif ends == "schedule":
            zones = [zone._replace(intervals=((BEGINNING_US, at_us),))]
        else:
            zones = [zone._replace(in_force_to_us=at_us)]
        kept, in_time = (told(zones, monitored, rows, keeps=keeps) for keeps in (True, False))
        exact += kept == in_time
    assert exact >= total - 1, f"{exact} of {total} are as though they had come in time"


def drawn(random: Random) -> Row:
    """A row by chance."""
    distances = [-400.0, -400.0, -400.0, -40.0, 0.0, 30.0, 60.0, 200.0, 340.0, 5000.0, 5000.0]
    source = random.choice([Source.GNSS] * 6 + [Source.WIFI])
    return Row(random.choice([15, 60, 60, 120, 240]), random.choice(distances), random.choice([0, 300, 700]), 10.0, source)


def told(zones: list[Zone], monitored: list[Monitored], rows: list[Row], *, keeps: bool) -> list[tuple[Family, int, int]]:
    """What is said in the end, approaches apart: their dwell goes by lane time."""
    story = Upload(*zones, monitored=monitored)
    story.send(rows, keeps=keeps)
    story.instants = instants(zones, monitored)
    memory, _ = story.run([1])
    found = [(FAMILY[one.kind], one.event_at_us, one.ended_us or 0) for one in memory.occurrences.values()]
    return sorted(one for one in found if one[0] is not Family.APPROACH)
