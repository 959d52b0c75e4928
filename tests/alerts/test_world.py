"""The judge through the real geofence: terms and index agree, tracks over drawn zones, control changes."""

import numpy as np
import pytest
import shapely

from alerts.judge import judge, rejudge
from alerts.late import windows
from alerts.rules import Rules
from alerts.terms import Terms
from alerts.world import World
from model.alert import Change
from model.arrays import Array
from model.batch import Batch
from model.event import empty_events
from model.fix import FIX, Flag, Source, empty_fixes
from model.history import History
from model.instant import BEGINNING_US, FOREVER_US, MINUTE_US, SECOND_US
from model.state import State
from model.zone import Assignment, Monitored, Purpose, Zone, ZoneKind
from model.zones import Zones
from tests.alerts.story import Memory, line, us
from tests.rows import empty_hits

LON, LAT = -2.98, 53.4
DEGREE_M = 66_500.0  # of longitude there, a little short


def square(number: int, version: int = 1, size_m: float = 1000.0, **given: object) -> Zone:
    """A victim's square round the place, so many metres across."""
    half = size_m / 2 / DEGREE_M
    wkb = shapely.to_wkb(shapely.box(LON - half, LAT - half, LON + half, LAT + half))
    zone = Zone(number, version, ZoneKind.EXCLUSION, Purpose.VICTIM, wkb, 0.0, 0.0, BEGINNING_US)
    return zone._replace(**given)  # type: ignore[arg-type]


def fixes(*rows: tuple[str, float], tag: int = 1, delay_s: int = 2) -> Array:
    """(time, metres east of the zone's middle)."""
    found = empty_fixes(len(rows))
    found["tag"] = tag
    found["fix_at_us"] = [us(clock) for clock, _ in rows]
    found["received_us"] = found["fix_at_us"] + delay_s * SECOND_US
    found["lon"] = [LON + east_m / DEGREE_M for _, east_m in rows]
    found["lat"] = LAT
    found["accuracy_m"] = 8.0
    return found


def world_of(*zones: Zone, tags: tuple[int, ...] = (1,), shared: tuple[int, ...] = ()) -> World:
    monitored = [Monitored(tag, tag + 50, tag + 500, BEGINNING_US, FOREVER_US) for tag in tags]
    own = {zone.id for zone in zones} - set(shared)
    assigned = [Assignment(tag, number, BEGINNING_US, FOREVER_US) for tag in tags for number in own]
    return World.build(zones, assigned, monitored, shared, Rules(), 9)


def run(world: World, given: Array) -> list[str]:
    return [line(change) for change in Memory().take(world, given)]


def test_a_walk_through_a_drawn_zone() -> None:
    walk = fixes(("08:00:00", -900), ("08:02:00", -495), ("08:04:00", 0), ("08:06:00", 520), ("08:08:00", 540))
    told = ["08:04:02 OPEN exclusion P1 from 08:04:00", "08:08:02 END exclusion P1 from 08:04:00 to 08:06:00"]
    assert run(world_of(square(7)), walk) == told
    assert run(world_of(square(7), shared=(7,)), walk) == told


def test_a_drive_through_between_two_fixes_is_a_crossing_and_an_older_fix_makes_it_an_entry() -> None:
    world, memory = world_of(square(7, size_m=400)), Memory()
    drive = fixes(("08:00:00", -900), ("08:04:00", 900))
    assert [line(change) for change in memory.take(world, drive)] == ["08:04:02 OPEN crossed P2 from 08:04:00 to 08:04:00"]
    assert [line(change) for change in memory.take(world, fixes(("08:02:00", 0), delay_s=300))] == [
        "08:07:00 OPEN exclusion P1 from 08:02:00 to 08:04:00 late",
        "08:07:00 WITHDRAW crossed P2 from 08:04:00 to 08:04:00",
    ]


def test_a_batch_of_people_without_a_home_is_judged_though_others_have_one() -> None:
    zones = square(7), square(8, kind=ZoneKind.HOME)
    monitored = [Monitored(tag, tag + 50, tag + 500, BEGINNING_US, FOREVER_US) for tag in (1, 2)]
    assigned = [Assignment(tag, zone, BEGINNING_US, FOREVER_US) for tag, zone in ((1, 7), (2, 8))]
    world = World.build(zones, assigned, monitored, (), Rules(), 9)
    assert run(world, fixes(("08:00:00", 0))) == ["08:00:02 OPEN exclusion P1 from 08:00:00"]


def test_too_long_or_too_fast_a_way_is_no_crossing() -> None:
    world = world_of(square(7, size_m=400))
    assert run(world, fixes(("08:00:00", -900), ("08:05:01", 900))) == []
    assert run(world, fixes(("08:00:00", -9000), ("08:01:00", 9000), ("08:02:00", 9000))) == []


def test_a_shared_zone_applies_only_while_monitored() -> None:
    world = world_of(square(7), shared=(7,), tags=(1,))
    assert run(world, fixes(("08:00:00", 0), tag=2)) == []


@pytest.mark.parametrize("shared", [(), (7, 8)])
def test_terms_and_index_say_the_same_of_what_is_in_force(shared: tuple[int, ...]) -> None:
    random = np.random.default_rng(7)
    cuts = np.arange(0, 24 * 60, 60) * MINUTE_US + us("00:00")

    def span() -> tuple[int, int]:
        start, stop = sorted(random.choice(cuts, 2, replace=False).tolist())
        return start, stop

    zones = []
    for number in (7, 8):
        for version in (1, 2, 3):
            start, stop = span()
            intervals = tuple(sorted({span(), span()}))
            zones.append(square(number, version, in_force_from_us=start, in_force_to_us=stop, intervals=intervals))
    monitored = [Monitored(tag, tag, tag, *span()) for tag in (1, 2, 2, 3)]
    assigned = [Assignment(tag, number, *span()) for tag in (1, 2, 3, 3) for number in (7, 8) if number not in shared]
    world = World.build(zones, assigned, monitored, shared, Rules(), 1)
    moments = np.unique(np.concatenate([cuts - 1, cuts, cuts + 1]))
    seen = 0
    for tag in (1, 2, 3, 4):
        given = empty_fixes(len(moments))
        given["tag"], given["fix_at_us"], given["lon"], given["lat"], given["accuracy_m"] = tag, moments, LON, LAT, 8.0
        hits = world.look(given, np.zeros(1, FIX))
        found = {(int(hit["fix_row"]), int(hit["zone"])): int(hit["version"]) for hit in hits}
        for row, at_us in enumerate(moments.tolist()):
            for number in (7, 8):
                zone = world.terms.exclusion(tag, number, at_us)
                assert (None if zone is None else zone.version) == found.get((row, number)), (tag, number, at_us)
                seen += zone is not None
            assert world.terms.covered(given["tag"][:1], np.array([at_us]))[0] == (world.terms.authority(tag, at_us) is not None)
    assert seen > 100


def test_a_changed_world_is_the_world_built_anew() -> None:
    old = world_of(square(7), square(8, size_m=300))
    zones = [square(7, in_force_to_us=us("08:01:00")), square(7, 2, size_m=100, in_force_from_us=us("08:01:00")), square(9)]
    assigned = [Assignment(1, number, BEGINNING_US, FOREVER_US) for number in (7, 9)]
    monitored = [Monitored(1, 51, 501, BEGINNING_US, FOREVER_US)]
    given = Zones.of(zones).outlined(lambda key, _: key != (7, 1))
    changed = World.build(given, assigned, monitored, (), Rules(), 10, compiled=old.index.compiled, before=old.terms)
    anew = World.build(zones, assigned, monitored, (), Rules(), 10)
    walk = fixes(*((f"08:0{minute}:00", 200 * minute - 400) for minute in range(6)))
    assert (changed.zones, changed.monitored, changed.control_seq) == (anew.zones, anew.monitored, 10)
    assert np.array_equal(changed.look(walk, np.zeros(1, FIX)), anew.look(walk, np.zeros(1, FIX)))
    assert len(run(changed, walk)) > 2
    assert run(changed, walk) == run(anew, walk)


def test_a_zone_drawn_round_a_last_fix_and_taken_away_again() -> None:
    state = State()
    before = world_of(square(8, size_m=100))
    judge(before, state, Batch(fixes(("08:00:00", 300)), empty_events(), "gw", us("08:00:02")), us("08:00:02"))
    drawn = world_of(square(7, in_force_from_us=us("08:01:00"), in_force_to_us=us("08:02:00")), square(8, size_m=100))
    assert [line(c) for c in rejudge(drawn, state, [1, 99], us("08:01:00")).changes] == [
        "08:01:00 OPEN exclusion P1 from 08:01:00"
    ]
    assert state.control_seq == 9
    assert [line(c) for c in rejudge(drawn, state, [1], us("08:02:00")).changes] == [
        "08:02:00 END exclusion P1 from 08:01:00 to 08:02:00"
    ]


def test_hits_of_a_version_the_terms_do_not_hold_are_an_error() -> None:
    hits = empty_hits(1)
    hits["zone"], hits["version"] = 7, 1
    for zones in ([], [square(7, 2)]):
        with pytest.raises(KeyError, match="build index and terms together"):
            Terms(zones, [], [], []).of_hits(hits)


def test_what_a_door_wrote_as_quality_and_flags_is_replaced_but_for_assumed_accuracy() -> None:
    given = fixes(("08:00:00", 0))
    given["quality"], given["flags"] = 3, Flag.LATE | Flag.ACCURACY_ASSUMED | Flag.DISORDERED
    judged = judge(world_of(square(7)), State(), Batch(given, empty_events(), "gw", us("08:00:02")), us("08:00:02"))
    assert judged.fixes["quality"].tolist() == [0]
    assert judged.fixes["flags"].tolist() == [Flag.ACCURACY_ASSUMED]


def test_an_event_is_contact_and_time_passes_without_records() -> None:
    state = State()
    events = empty_events(2)
    events["tag"], events["at_us"], events["received_us"] = 5, us("08:00:00"), [us("08:00:09"), us("08:00:03")]
    judge(world_of(square(7)), state, Batch(empty_fixes(), events, "gw", us("08:00:09")), us("08:00:09"))
    record = state.peek(5)
    assert record is not None
    assert (record["contact_us"], record["last"]["tag"]) == (us("08:00:09"), 0)
    judged = judge(world_of(square(7)), state, Batch(empty_fixes(), empty_events(), "gw", 0), us("08:05:00"))
    assert (judged.changes, len(judged.fixes), state.watermark_us) == ((), 0, us("08:05:00"))


def test_lane_time_is_never_before_the_watermark_nor_before_an_earlier_record() -> None:
    state = State()
    state.watermark_us = us("08:00:30")
    given = np.concatenate([fixes(("08:00:00", 0)), fixes(("08:00:40", 0), tag=2), fixes(("08:00:35", 0), tag=3)])
    changes = judge(world_of(square(7), tags=(1, 2, 3)), state, Batch(given, empty_events(), "gw", 0), us("08:01:00")).changes
    assert [(change.tag, line(change)[:8]) for change in changes] == [(1, "08:00:30"), (2, "08:00:42"), (3, "08:00:42")]


def test_everyone_at_once_says_what_each_alone_would() -> None:
    """Twenty thousand fixes of three hundred tags, some wild: one batch, and one tag at a time."""
    random = np.random.default_rng(11)
    count = 20_000
    given = empty_fixes(count)
    given["tag"] = random.integers(1, 301, count)
    given["fix_at_us"] = us("08:00:00") + np.arange(count) * SECOND_US // 5
    given["received_us"] = given["fix_at_us"] + SECOND_US
    given["lon"] = LON + random.normal(0, 450, count) / DEGREE_M + np.where(random.random(count) < 0.02, 1.0, 0.0)
    given["lat"] = LAT
    given["accuracy_m"] = random.choice([6.0, 40.0, 300.0], count)
    given["source"] = random.choice([Source.GNSS, Source.GNSS, Source.WIFI], count)
    given["fix_at_us"] += np.where(random.random(count) < 0.01, 3600 * SECOND_US, 0)
    world = world_of(square(7), square(8, purpose=Purpose.AREA, size_m=600), tags=tuple(range(1, 301)))
    end_us = int(given["received_us"].max())
    whole = judge(world, State(), Batch(given, empty_events(), "gw", 0), end_us).changes
    assert len(whole) > 300
    alone: list[Change] = []
    for tag in range(1, 301):
        alone += judge(world, State(), Batch(given[given["tag"] == tag], empty_events(), "gw", 0), end_us).changes
    assert [line(c) for c in sorted(whole, key=_order)] == [line(c) for c in sorted(alone, key=_order)]


def _order(change: Change) -> tuple[int, ...]:
    return change.tag, change.zone, change.occurrence_us, change.op, change.changed_us


def test_history_may_hold_rows_of_the_batch_itself() -> None:
    world, state = world_of(square(7)), State()
    judge(world, state, Batch(fixes(("08:30:00", 900)), empty_events(), "gw", 0), us("08:30:02"))
    late = fixes(("08:10:00", 0), ("08:12:00", 900), delay_s=1800)
    assert len(windows(world.rules, world.terms, state, late, np.ones(len(late), bool))) == 1
    twice = History(np.concatenate([fixes(("08:30:00", 900)), late]), ())
    changes = judge(world, state, Batch(late, empty_events(), "gw", 0), us("08:45:00"), twice).changes
    assert [line(change) for change in changes] == ["08:42:00 OPEN exclusion P1 from 08:10:00 to 08:12:00 late"]
