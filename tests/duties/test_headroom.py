"""How long the disk will do is said from the days kept, while they fill and once one goes for each that comes."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from duties import headroom as duty
from duties import watch
from duties.watch import Limits, Memory, checks
from model.instant import DAY_US, MINUTE_US
from store import headroom, partitions
from store.headroom import Growth, Headroom, project
from store.pool import Store
from store.watch import Readings
from tests.store.fake import START_US, fix
from tests.store.lane import Lane

TODAY = START_US // DAY_US
GB = 10**9


def days(tags: int, first: int, count: int) -> list[object]:
    """A fix every minute of an hour, for each tag and day."""
    found = []
    for day in range(first, first + count):
        for tag in range(1, tags + 1):
            rows = np.concatenate([fix(tag, 0, seq=n) for n in range(60)])
            rows["fix_at_us"] = rows["received_us"] = day * DAY_US + np.arange(60) * MINUTE_US
            found.append(rows)
    return found


def test_while_days_fill_all_of_them_grow() -> None:
    found = project(100 * GB, Growth(9 * GB, 1 * GB, 30, 10 * GB), 400)
    assert (found.growth_bytes, found.days_left, found.low) == (10 * GB, 10.0, False)
    assert project(65 * GB, Growth(9 * GB, 1 * GB, 30, 10 * GB), 400).low


def test_once_as_many_go_as_come_only_the_rest_grows() -> None:
    full = Growth(9 * GB, 1 * GB, 400, 10 * GB)
    assert project(100 * GB, full, 400).days_left == 100.0
    assert project(100 * GB, full._replace(rest_bytes=0), 400).days_left is None
    filling = Growth(9 * GB, 1 * GB, 395, 10 * GB)
    assert project(100 * GB, filling, 400).days_left == 5 + 50.0


def test_room_to_rewrite_the_largest_day_is_needed_besides() -> None:
    lasting = project(19 * GB, Growth(9 * GB, 0, 400, 10 * GB), 400)
    assert (lasting.days_left, lasting.low) == (None, True)
    assert not lasting._replace(free_bytes=20 * GB).low


def test_nothing_is_said_before_a_day_is_over() -> None:
    assert project(GB, Growth(0, 0, 0, 0), 400) == Headroom(GB, 0, None, 0)
    assert not project(GB, Growth(0, 0, 0, 0), 400).low


async def test_growth_is_measured_from_the_days_that_are_over(store: Store) -> None:
    lane = await Lane(store).__aenter__()
    await partitions.ensure(store, [TODAY + 1])
    empty = await headroom.growth(store, TODAY)
    assert (empty.day_bytes, empty.rest_bytes, empty.days) == (0, 0, 0)
    for rows in days(20, TODAY - 3, 4):
        await lane.put(rows)
    small = await headroom.growth(store, TODAY)
    assert small.days == 3
    for rows in days(40, TODAY - 13, 10):
        await lane.put(rows)
    grown = await headroom.growth(store, TODAY)
    assert grown.days == 13
    assert small.day_bytes < grown.day_bytes < grown.largest_bytes
    assert grown.rest_bytes > 0


async def test_it_is_measured_kept_and_told(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lane = await Lane(store).__aenter__()
    await partitions.ensure(store, [TODAY + 1])
    for rows in days(2, TODAY - 2, 2):
        await lane.put(rows)
    async with store.pool.acquire() as connection:
        assert await headroom.last(connection) is None
    assert await duty.measure(store, START_US, tmp_path, 0, 400) is None
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10_000))
    told = await duty.measure(store, START_US, tmp_path, 0, 400)
    assert told is not None
    assert told["free_bytes"] == 10_000
    async with store.pool.acquire() as connection:
        found = await headroom.last(connection)
    readings = Readings(START_US, [], [], [], found)
    [check] = [check for check in checks(readings, Memory(), Limits(synthetic_s=0)) if check.name == "storage"]
    assert (check.state, check.text.startswith("0.0 GB free will do for 0 days at 0.00 GB a day")) == ("failing", True)
    # Elsewhere: what it may take, less what it takes.
    used = await headroom.used_bytes(store)
    assert await duty.measure(store, START_US, None, used + 100 * GB, 400) is None
    assert await duty.measure(store, START_US, None, used, 400) is not None


def test_a_disk_nobody_knows_is_not_watched() -> None:
    found = {check.name: check for check in checks(Readings(START_US, [], [], []), Memory(), Limits(synthetic_s=0))}
    assert found["storage"].state == "off"
    assert "storage" not in watch.BLIND
