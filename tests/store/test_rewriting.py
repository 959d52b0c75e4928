"""A day is rewritten in the order of its key beside running commits, whatever is written to it or killed meanwhile."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import numpy as np
import pytest

from duties import ordering
from model.instant import DAY_US, HOUR_US, MINUTE_US
from store import fixes, partitions, rewriting
from store.fixes import Track
from store.pool import Store
from store.rewriting import Day
from tests.store.fake import START_US, batch_of, fix
from tests.store.lane import Lane, wearers

TODAY = START_US // DAY_US
DAY = Day("fix", TODAY)
MIDNIGHT_US = TODAY * DAY_US


def minutes(tag: int, first: int, count: int) -> Any:
    """Fixes of the tests' day, one a minute from its minute ``first``, received as they were taken."""
    rows = np.concatenate([fix(tag, 0, seq=n) for n in range(count)])
    rows["fix_at_us"] = rows["received_us"] = MIDNIGHT_US + (first + np.arange(count)) * MINUTE_US
    return rows


async def content(store: Store) -> list[str]:
    """Every stored fix, whole, as text: NaN equals NaN."""
    return [row[0] for row in await store.pool.fetch("SELECT fix::text FROM fix ORDER BY tag, fix_at, seq, source")]


async def filled(store: Store, tags: int = 40, count: int = 100) -> Lane:
    """A lane whose tags have sent, all of them every minute: each tag's fixes lie apart."""
    await wearers(store, tags)
    lane = await Lane(store).__aenter__()
    for at in range(0, count, 10):
        rows = np.concatenate([minutes(tag, at, 10) for tag in range(1, tags + 1)])
        for minute in range(10):
            await lane.put(batch_of(rows[rows["fix_at_us"] == MIDNIGHT_US + (at + minute) * MINUTE_US]))
    return lane


async def explained(store: Store, query: str, *args: Any) -> dict[str, Any]:
    """What reading so took: the plan with its buffers, in a new session so that nothing was looked at before."""
    async with Store(store.dsn, size=1) as fresh:
        found = await fresh.pool.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}", *args)
    return json.loads(found)[0]


def buffers(plan: dict[str, Any]) -> int:
    """Pages that reading the day's table, its key, and once who was allowed to look, took."""
    return read_by(plan, lambda node: node.get("Relation Name") == DAY.name)


def read_by(node: dict[str, Any], wanted: Callable[[dict[str, Any]], bool]) -> int:
    """Pages read by the topmost nodes that are wanted."""
    if wanted(node):
        return int(node["Shared Hit Blocks"] + node["Shared Read Blocks"])
    return sum(read_by(inner, wanted) for inner in node.get("Plans", ()))


async def pages_of_a_tag(store: Store) -> int:
    """Table pages, not the index's: those the day's rows of one tag lie on."""
    return int(await store.pool.fetchval("SELECT count(DISTINCT (ctid::text::point)[0]) FROM fix WHERE tag = 7"))


async def test_a_tags_day_is_read_from_a_few_pages(store: Store) -> None:
    """Two hundred tags send a minute each in turn: at scale it is 20,000, so 1,440 pages a tag and day become 20."""
    lane = await filled(store, tags=200, count=60)
    await store.pool.execute("VACUUM ANALYZE fix")
    query = fixes.query(Track(7, None, MIDNIGHT_US, MIDNIGHT_US + DAY_US))
    before = buffers((await explained(store, query.sql, *query.given))["Plan"])
    held = await content(store)
    assert await rewriting.rewrite(store, DAY)
    after = buffers((await explained(store, query.sql, *query.given))["Plan"])
    assert await content(store) == held
    assert before > 60, "every fix lies on a page of its own"
    assert after * 8 < before
    assert await lane.put(fix(7, 3600 * 23))  # the lane goes on
    ordered = await store.pool.fetch("SELECT name, held_by FROM rewritten_day")
    assert [tuple(row) for row in ordered] == [(DAY.name, 0)]


async def test_a_wearers_hours_open_only_their_days(store: Store) -> None:
    """Today's or last month's: the plan names the days they touch and no others, and reads them by the key alone."""
    await filled(store, tags=100, count=30)
    around = range(TODAY - 40, TODAY + 8)
    await partitions.ensure(store, around)
    await store.pool.execute("INSERT INTO activation (wearer, tag, fitted_from) VALUES (1, 1, $1)", (TODAY - 60) * DAY_US)
    await store.pool.execute("ANALYZE fix")
    for back in (0, 30):
        from_us = MIDNIGHT_US - back * DAY_US + MINUTE_US
        for track in (Track(1, None, from_us, from_us + HOUR_US), Track(None, 1, from_us, from_us + HOUR_US)):
            query = fixes.query(track)
            plan = json.dumps(await explained(store, query.sql, *query.given))
            assert [day for day in around if partitions.name_of("fix", day) in plan] == [TODAY - back]
            if not back:
                assert f'"Index Name": "{DAY.name}_pkey"' in plan


async def test_the_order_on_disk_is_the_keys(store: Store) -> None:
    await filled(store, tags=20, count=20)
    assert await pages_of_a_tag(store) > 1
    assert await rewriting.rewrite(store, DAY)
    rows = await store.pool.fetch(f"SELECT tag, fix_at, seq FROM {DAY.name} ORDER BY ctid")
    assert rows == sorted(rows)
    assert await pages_of_a_tag(store) == 1


async def test_the_rewritten_day_is_a_day_as_the_others_are(store: Store) -> None:
    """Same columns, key and bounds, no trigger, no leftover, vacuumed as usual, and found by the next rewriting as done."""
    await filled(store, tags=2, count=20)
    await partitions.ensure(store, [TODAY + 1])
    assert await rewriting.rewrite(store, DAY)

    async def shape(day: int) -> list[tuple[Any, ...]]:
        name = partitions.name_of("fix", day)
        rows = await store.pool.fetch(
            """SELECT contype::text, replace(conname, $1::text, 'day'), replace(pg_get_constraintdef(oid), $1, 'day')
               FROM pg_constraint WHERE conrelid = $1::text::regclass ORDER BY 1, 2""",
            name,
        )
        options = await store.pool.fetchval("SELECT reloptions FROM pg_class WHERE oid = $1::text::regclass", name)
        triggers = await store.pool.fetchval("SELECT count(*) FROM pg_trigger WHERE tgrelid = $1::text::regclass", name)
        indexes = await store.pool.fetch(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = $1::text::regclass", name
        )
        return [*map(tuple, rows), (options, triggers, [row[0].replace(name, "day") for row in indexes])]

    assert await shape(TODAY) == await shape(TODAY + 1)
    assert await store.pool.fetchval("SELECT count(*) FROM pg_class WHERE relname LIKE '%\\_next%'") == 0
    assert await store.pool.fetchval("SELECT count(*) FROM day_change") == 0
    with pytest.raises(asyncpg.UniqueViolationError):
        await store.pool.execute(f"INSERT INTO fix SELECT * FROM {DAY.name} LIMIT 1")
    assert [day.number for day in await rewriting.unordered(store, TODAY + 5)] == [TODAY, TODAY + 1, TODAY + 1]


async def test_the_duty_orders_days_that_are_over_and_no_others(store: Store) -> None:
    await partitions.ensure(store, range(TODAY - 2, TODAY + 3))
    now_us = (TODAY + ordering.OVER) * DAY_US
    assert await ordering.order(store, now_us) == {"ordered": 4}  # two days, fixes and events
    assert await ordering.order(store, now_us) == {}
    assert await ordering.order(store, now_us + DAY_US) == {"ordered": 2}


async def test_a_round_of_the_duty_ends_however_much_there_is(store: Store) -> None:
    await partitions.ensure(store, range(TODAY - 6, TODAY))
    assert await ordering.order(store, START_US + 5 * DAY_US) == {"ordered": ordering.MOST}
    assert await ordering.order(store, START_US + 5 * DAY_US) == {"ordered": 12 - ordering.MOST}


class Cut:
    """A store whose connection ends after so many statements, the last of them done and, in a transaction, not committed."""

    def __init__(self, store: Store, statements: int) -> None:
        self._store, self._left = store, statements
        self.pool, self.connection = self, None  # type: Any, Any

    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        async with self._store.pool.acquire() as connection:
            self.connection = connection
            yield self
            self.connection = None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.connection or self._store.pool, name)
        if self.connection is None or name not in {"execute", "fetch", "fetchval"}:
            return found

        async def counted(*args: Any) -> Any:
            answer = await found(*args)
            self._left -= 1
            if self._left == 0:
                self.connection.terminate()
                raise ConnectionResetError("cut off")
            return answer

        return counted


async def test_cut_off_after_any_statement_the_next_call_goes_on(store: Store) -> None:
    """Late fixes come before, between and after; none is lost, none is there twice."""
    lane = await filled(store, tags=3, count=20)
    came = itertools.count(100)
    for statements in itertools.count(1):
        await store.pool.execute("DELETE FROM rewritten_day")
        await lane.put(minutes(1, next(came), 1))
        expected = await content(store)
        done = False
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            done = await rewriting.rewrite(Cut(store, statements), DAY)  # type: ignore[arg-type]
        assert await content(store) == expected
        if done:
            break
        await lane.put(minutes(2, next(came), 1))
        expected = await content(store)
        assert await rewriting.rewrite(store, DAY)
        assert await content(store) == expected
    assert statements > 12, "it was cut off at every step"
    assert len(expected) == 3 * 20 + 2 * statements - 1


async def test_what_is_written_between_the_steps_is_in_the_new_table(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Late fixes, and a fix whose quality changes, in front of every step."""
    lane = await filled(store, tags=3, count=20)
    own = rewriting.STEPS
    at = 100

    def late(step: Any) -> Any:
        async def then(connection: Any, day: Day) -> bool:
            nonlocal at
            await lane.put(minutes(1, at, 2))
            await store.pool.execute(
                "UPDATE fix SET quality = quality + 1 WHERE tag = 2 AND fix_at = $1", MIDNIGHT_US + (at - 100) * MINUTE_US
            )
            await store.pool.execute("DELETE FROM fix WHERE tag = 3 AND fix_at = $1", MIDNIGHT_US + (at - 100) * MINUTE_US)
            at += 2
            return bool(await step(connection, day))

        return then

    monkeypatch.setattr(rewriting, "STEPS", tuple(map(late, own)))
    monkeypatch.setattr(rewriting, "TAKEN", 2)
    exchange = own[-1]
    seen: list[Any] = []

    async def compared(connection: Any, day: Day) -> bool:
        seen.extend(await content(store))
        return await exchange(connection, day)

    monkeypatch.setattr(rewriting, "STEPS", (*map(late, own[:-1]), late(compared)))
    assert await rewriting.rewrite(store, DAY)
    assert await content(store) == seen
    assert len(seen) == 3 * 20 + 2 * 5 - 5


async def test_lanes_commit_all_the_while(store: Store) -> None:
    """One lane sends today's fixes and another late ones, as fast as they can, while the day is rewritten again and again."""
    live, late = await filled(store, tags=4, count=20), Lane(store, 1)
    await late.__aenter__()
    stop = asyncio.Event()
    sent = {5: 0, 6: 0}

    async def send(lane: Lane, tag: int, base_us: int) -> None:
        while not stop.is_set():
            rows = np.concatenate([fix(tag, 0, seq=sent[tag] + n) for n in range(5)])
            rows["fix_at_us"] = base_us + (sent[tag] + np.arange(5)) * 1_000_000
            rows["received_us"] = rows["fix_at_us"]
            await lane.put(rows)
            sent[tag] += 5

    await store.pool.execute("INSERT INTO wearer (name) SELECT 'Test Wearer' FROM generate_series(1, 4)")
    await partitions.ensure(store, [TODAY + 3])
    senders = [
        asyncio.create_task(send(live, 5, (TODAY + 3) * DAY_US)),
        asyncio.create_task(send(late, 6, MIDNIGHT_US + DAY_US // 2)),
    ]
    for _ in range(8):
        before = dict(sent)
        assert await rewriting.rewrite(store, DAY)
        await store.pool.execute("DELETE FROM rewritten_day")
        while any(sent[tag] < before[tag] + 20 for tag in sent):
            await asyncio.sleep(0.005)
            assert not any(sender.done() for sender in senders), "a sender failed: see its exception"
    stop.set()
    await asyncio.gather(*senders)
    for tag, count in sent.items():
        row = await store.pool.fetchrow("SELECT count(*), count(DISTINCT seq), max(seq) + 1 FROM fix WHERE tag = $1", tag)
        assert tuple(row) == (count, count, count)


async def test_a_long_reader_is_not_queued_in_front_of(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody reads for long, commits go on at once and the exchange is left for later; it needs no second copy then."""
    lane = await filled(store, tags=2, count=20)
    with monkeypatch.context() as impatient:  # the second call is as patient as in use: a vacuum may be in its way for a moment
        impatient.setattr(rewriting, "LONG_S", 0.0)
        impatient.setattr(rewriting, "PAUSE_S", 0.01)
        impatient.setattr(rewriting, "ATTEMPTS", 5)
        async with store.pool.acquire() as reader, reader.transaction():
            await reader.fetchval("SELECT count(*) FROM fix")
            assert not await rewriting.rewrite(store, DAY)
            await lane.put(minutes(1, 500, 1))
    copied = (
        await store.pool.fetchval("SELECT $1::text::regclass::oid", DAY.copy)
        if await store.pool.fetchval("SELECT to_regclass($1) IS NOT NULL", DAY.copy)
        else None
    )
    expected = await content(store)
    assert await rewriting.rewrite(store, DAY)
    assert await content(store) == expected
    assert copied is None or copied == await store.pool.fetchval("SELECT $1::text::regclass::oid", DAY.name)
