"""What verdicts depend on, read from the control tables at one moment."""

import asyncpg
import numpy as np
import pytest

from model.instant import DAY_US, FOREVER_US, HOUR_US
from model.zone import Assignment, Monitored, Purpose, ZoneKind
from model.zones import ROW
from store import controls, feed, world
from store.controls import AIM, NOBODY, assign, joined
from store.pool import Store
from store.world import NewActivation, NewOrder, NewWearer, NewZone
from tests.store import told
from tests.store.fake import START_US

FEATURE = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [-2.98, 53.4]}, "properties": {"name": "Test"}}


def zone(wearer: int | None = 0, **fields: object) -> NewZone:
    return NewZone(wearer, "Test", b"\x01", FEATURE, START_US, **fields)  # type: ignore[arg-type]


async def made(store: Store, *zones: NewZone, status: str = "active") -> world.Created:
    return await world.create(
        store,
        [NewWearer("Test Wearer"), NewWearer("Another")],
        [NewOrder(0, START_US, START_US + 30 * DAY_US, status=status), NewOrder(1, START_US)],
        [NewActivation(0, 11, START_US - DAY_US, START_US + 10 * DAY_US), NewActivation(1, 22, START_US + DAY_US)],
        zones,
    )


async def test_a_wearer_is_monitored_while_a_tag_is_fitted_and_an_order_holds(store: Store) -> None:
    created = await made(store)
    said = await told.load(store, START_US)
    assert said.monitored == [
        Monitored(11, created.wearers[0], created.orders[0], START_US, START_US + 10 * DAY_US, START_US - DAY_US),
        Monitored(22, created.wearers[1], created.orders[1], START_US + DAY_US, FOREVER_US, START_US + DAY_US),
    ]


@pytest.mark.parametrize(
    ("status", "monitored"),
    [("unlawfully_at_large", True), ("pending", False), ("in_custody", False), ("paused_by_court", False)],
)
async def test_only_some_orders_give_authority(store: Store, status: str, monitored: bool) -> None:
    await made(store, zone(), status=status)
    said = await told.load(store, START_US)
    assert (11 in {span.tag for span in said.monitored}) is monitored
    assert bool(said.assignments) is monitored


async def test_zones_apply_to_their_wearers_tags_and_shared_ones_to_all(store: Store) -> None:
    created = await made(store, zone(0), zone(1), zone(None))
    said = await told.load(store, START_US)
    own, other, everyone = created.zones
    assert said.assignments == [
        Assignment(11, own, START_US, START_US + 10 * DAY_US),
        Assignment(22, other, START_US + DAY_US, FOREVER_US),
    ]
    assert said.shared == [everyone]


async def test_a_zone_says_what_was_saved(store: Store) -> None:
    created = await made(
        store, zone(kind="home", purpose="area", radius_m=75.0, buffer_m=5.0, confirm_fixes=3, valid_to_us=START_US + HOUR_US)
    )
    (read,) = (await told.load(store, START_US)).zones
    assert (read.id, read.version, read.kind, read.purpose, read.wkb) == (
        created.zones[0],
        1,
        ZoneKind.HOME,
        Purpose.AREA,
        b"\x01",
    )
    assert (read.radius_m, read.buffer_m, read.confirm_fixes) == (75.0, 5.0, 3)
    assert (read.in_force_from_us, read.in_force_to_us) == (START_US, FOREVER_US)
    assert read.intervals == ((0, START_US + HOUR_US),)
    feature = await store.pool.fetchval("SELECT feature FROM zone_version")
    assert feature["properties"] == {"name": "Test", "applies_to": {"wearer": created.wearers[0]}}


FRIDAYS = {"timezone": "Europe/London", "windows": [{"days": ["fri"], "from": "09:00", "to": "10:00"}]}


async def test_a_zone_for_attendance_is_read_as_one(store: Store) -> None:
    await made(store, zone(kind="inclusion", purpose="area", schedule=FRIDAYS, attendance=True))
    (read,) = (await told.load(store, START_US)).zones
    assert read.attendance


@pytest.mark.parametrize("fields", [{"schedule": FRIDAYS}, {"kind": "inclusion"}])
async def test_no_other_zone_is_kept_as_one_for_attendance(store: Store, fields: dict[str, object]) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await made(store, zone(attendance=True, **fields))


async def test_a_schedule_becomes_intervals_around_the_time_asked_for(store: Store) -> None:
    schedule = {"timezone": "Europe/London", "windows": [{"days": ["fri"], "from": "19:00", "to": "07:00"}]}
    await made(store, zone(schedule=schedule, valid_from_us=START_US))
    (read,) = (await told.load(store, START_US)).zones  # Friday, 20 March 2026, 09:46:40 UTC
    evening = START_US - START_US % DAY_US + 19 * HOUR_US
    assert read.intervals[0] == (evening, evening + 12 * HOUR_US)
    assert read.intervals[1] == (evening + 7 * DAY_US, evening + 7 * DAY_US + 12 * HOUR_US)
    assert read.intervals[2] == (evening + 14 * DAY_US - HOUR_US, evening + 14 * DAY_US + 11 * HOUR_US)  # summer time
    assert read.intervals[-1][0] < START_US + controls.AHEAD_US


async def test_a_version_applies_to_whom_it_names_while_it_is_in_force(store: Store) -> None:
    created = await made(store, zone(0))
    change_us = START_US + 2 * DAY_US
    await store.pool.execute("UPDATE zone_version SET in_force_to = $1", change_us)
    await store.pool.execute(
        """
        INSERT INTO zone_version (zone, version, kind, purpose, name, wkb, feature, in_force_from, applies_wearer, control_seq)
        SELECT zone, 2, kind, purpose, name, wkb, feature, $1, $2, 2 FROM zone_version
        """,
        change_us,
        created.wearers[1],
    )
    said = await told.load(store, START_US)
    assert said.assignments == [
        Assignment(11, created.zones[0], START_US, change_us),
        Assignment(22, created.zones[0], change_us, FOREVER_US),
    ]


async def test_versions_that_ended_long_ago_are_left_out(store: Store) -> None:
    await made(store, zone())
    await store.pool.execute("UPDATE zone_version SET in_force_to = $1", START_US + DAY_US)
    assert len((await told.load(store, START_US)).zones) == 1
    assert (await told.load(store, START_US + DAY_US + controls.PAST_US)).zones == []


async def test_a_group_s_zone_applies_to_its_members(store: Store) -> None:
    created = await made(store, zone(0))
    group = await store.pool.fetchval("INSERT INTO wearer_group (name) VALUES ('Test') RETURNING id")
    await store.pool.execute("INSERT INTO wearer_group_member VALUES ($1, $2)", group, created.wearers[1])
    await store.pool.execute("UPDATE zone_version SET applies_wearer = NULL, applies_group = $1", group)
    assert [assigned.tag for assigned in (await told.load(store, START_US)).assignments] == [22]


async def test_the_newest_control_change_is_known_and_other_entries_are_not_one(store: Store) -> None:
    assert await controls.seq(store) == 0
    created = await made(store, zone())
    async with feed.edit(store) as change:
        change.entry("alert", 1, "acknowledged")
    assert await controls.seq(store) == created.position == (await told.load(store)).control_seq == 1
    assert await store.pool.fetchval("SELECT control_seq FROM zone_version") == created.position


async def test_a_world_that_cannot_be_is_not_written_at_all(store: Store) -> None:
    with pytest.raises(Exception, match="activation_one_wearer"):
        await world.create(
            store, [NewWearer("A"), NewWearer("B")], [], [NewActivation(0, 11, START_US), NewActivation(1, 11, START_US + DAY_US)]
        )
    assert await store.pool.fetchval("SELECT count(*) FROM wearer") == 0
    assert await controls.seq(store) == 0


def test_versions_that_follow_each_other_make_one_interval() -> None:
    worn = np.array([(11, 1, 1, 0, 100), (11, 1, 2, 50, 150), (22, 2, 3, 0, 1000)])

    def assigned(*versions: tuple[int, int, int, int]) -> tuple[list[int], list[list[int]]]:
        """Of versions from, to, for which wearer, and whether for all."""
        row, aims = np.zeros(len(versions), ROW), np.zeros(len(versions), AIM)
        row["id"], row["version"] = 7, np.arange(1, len(versions) + 1)
        row["from_us"], row["to_us"], aims["wearer"], aims["everyone"] = np.array(versions).T
        shared, rows = assign(row, aims, NOBODY, worn)
        return shared, rows.tolist()

    assert assigned((10, 20, 1, 0), (20, 120, 1, 0)) == ([], [[11, 7, 10, 120]])
    # Once for all and once for one: not shared, because it never was for its whole time.
    assert assigned((10, 20, 0, 1), (20, 200, 2, 0)) == ([], [[11, 7, 10, 20], [22, 7, 10, 200]])
    assert assigned((10, 20, 0, 1), (20, 200, 0, 1)) == ([7], [])


@pytest.mark.parametrize(
    ("spans", "whole"),
    [([], []), ([(5, 9), (0, 5)], [(0, 9)]), ([(0, 5), (6, 9)], [(0, 5), (6, 9)]), ([(0, 9), (2, 3), (9, 10)], [(0, 10)])],
)
def test_joined(spans: list[tuple[int, int]], whole: list[tuple[int, int]]) -> None:
    assert joined(spans) == whole
