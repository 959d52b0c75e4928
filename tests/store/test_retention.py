"""Days past their time go, what is held of them stays where it is, and nothing else is touched."""

import asyncio
import contextlib
import itertools
import json
from typing import Any

import asyncpg
import numpy as np
import pytest

from duties import retention as duty
from duties.retention import retain
from ingest.decoded import Limits
from ingest.letter import reread
from ingest.records import decode
from model.batch import Rejected
from model.event import EVENT, EventKind
from model.instant import DAY_US, HOUR_US, from_us
from store import dead, holds, partitions, retention, rewriting, status
from store.feed import edit
from store.holds import Subject
from store.pool import Store
from store.refusal import ConflictError, MissingError
from store.retention import Fate
from store.rewriting import Day
from tests.store.fake import START_US, batch_of, fix
from tests.store.lane import Lane, wearers
from tests.store.test_rewriting import Cut

TODAY = START_US // DAY_US
OLD = TODAY - 30
DAYS = 10  # how long fixes are kept, in these tests


def hours(tag: int, day: int) -> Any:
    """A fix every hour of a day."""
    rows = np.concatenate([fix(tag, 0, seq=hour) for hour in range(24)])
    rows["fix_at_us"] = rows["received_us"] = day * DAY_US + np.arange(24) * HOUR_US
    return rows


async def filled(store: Store) -> Lane:
    """Wearers 1 to 3 with a tag each of their number, an order each, and fixes on an old day and today."""
    await wearers(store, 3)
    await store.pool.execute("INSERT INTO organisation (name) SELECT 'One' WHERE NOT EXISTS (SELECT FROM organisation)")
    await store.pool.execute("INSERT INTO activation (wearer, tag, fitted_from) SELECT n, n, $1 FROM generate_series(1, 3) n", 0)
    await store.pool.execute(
        """INSERT INTO monitoring_order (wearer, type, status, timezone, starts, ends)
           SELECT n, 'bail', 'active', 'Europe/London', $1, $2 FROM generate_series(1, 3) n""",
        OLD * DAY_US + 6 * HOUR_US,
        OLD * DAY_US + 9 * HOUR_US,
    )
    lane = await Lane(store).__aenter__()
    for day in (OLD, TODAY):
        await lane.put(*(hours(tag, day) for tag in (1, 2, 3)))
    return lane


async def held(store: Store, kind: str, ref: int) -> int:
    async with edit(store) as change:
        return await holds.place(change, Subject(kind, ref), "Court of Appeal", "appeal 12/26")


async def track(store: Store, wearer: int, day: int = OLD) -> int:
    """How many fixes of a wearer's tag are stored of a day, under an order or sealed."""
    day_us = day * DAY_US
    return await store.pool.fetchval(
        """SELECT count(*) FROM activation a JOIN fix f ON f.tag = a.tag
           WHERE a.wearer = $1 AND f.fix_at >= $2 AND f.fix_at < $3""",
        *(wearer, day_us, day_us + DAY_US),
    )


async def test_a_day_past_its_time_goes_whole(store: Store) -> None:
    lane = await filled(store)
    assert await retain(store, START_US, DAYS) == {"dropped": 2}  # its fixes and its events
    assert [await track(store, wearer) for wearer in (1, 2, 3)] == [0, 0, 0]
    assert [await track(store, wearer, TODAY) for wearer in (1, 2, 3)] == [24, 24, 24]
    assert OLD not in await partitions.held(store)
    rows = await store.pool.fetch("SELECT name, kept FROM retired_day ORDER BY name")
    assert [tuple(row) for row in rows] == [(partitions.name_of(table, OLD), 0) for table in ("event", "fix")]
    assert await retain(store, START_US, DAYS) == {}
    await lane.put(fix(1, 3600))


async def test_days_within_their_time_stay(store: Store) -> None:
    await filled(store)
    assert await retain(store, START_US, TODAY - OLD - duty.SLACK) == {}
    assert await retain(store, START_US, TODAY - OLD - duty.SLACK - 1) == {"dropped": 2}


async def test_what_is_held_is_found_by_the_same_query(store: Store) -> None:
    """The whole wearer, an order's three hours; then one is released, and goes with the next round."""
    await filled(store)
    first, _ = await held(store, "wearer", 1), await held(store, "order", 2)
    assert await retain(store, START_US, DAYS) == {"cut_down": 1, "dropped": 1}
    assert [await track(store, wearer) for wearer in (1, 2, 3)] == [24, 3, 0]
    assert await retain(store, START_US, DAYS) == {}, "the same holds: nothing to do again"
    kept = await store.pool.fetch("SELECT kept FROM retired_day WHERE kept > 0")
    assert [row[0] for row in kept] == [27]
    async with edit(store) as change:
        await holds.release(change, first, "Court of Appeal", "appeal dismissed")
    assert await retain(store, START_US, DAYS) == {"cut_down": 1}
    assert [await track(store, wearer) for wearer in (1, 2, 3)] == [0, 3, 0]


async def test_what_comes_late_to_a_day_cut_down_stays_if_it_is_held_and_is_a_dead_letter_if_not(store: Store) -> None:
    lane = await filled(store)
    await held(store, "wearer", 1)
    assert await retain(store, START_US, DAYS) == {"cut_down": 1, "dropped": 1}
    late = np.concatenate([hours(tag, OLD)[:2] for tag in (1, 3)])
    late["seq"] = 99
    await lane.put(late)
    assert (await retain(store, START_US, DAYS))["cut_down"] == 1
    assert [await track(store, wearer) for wearer in (1, 2, 3)] == [26, 0, 0]
    assert await store.pool.fetchval("SELECT kept FROM retired_day WHERE kept > 0") == 26
    assert [kept.letter.reason for kept in await dead.listed(store)] == [retention.TOO_OLD] * 2
    assert await retain(store, START_US, DAYS) == {}


async def test_a_day_is_cut_down_and_said_to_be_in_one(store: Store) -> None:
    """The connection ends after each statement in turn: a day that lacks rows is noted as such, and the next round goes on."""
    await filled(store)
    await held(store, "wearer", 1)
    for statements in itertools.count(1):
        fate = None
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            fate = await retention.retire(Cut(store, statements), Day("fix", OLD))  # type: ignore[arg-type]
        whole = await store.pool.fetchval("SELECT count(*) FROM fix WHERE fix_at < $1", (OLD + 1) * DAY_US) == 3 * 24
        noted = await store.pool.fetchval("SELECT kept FROM retired_day WHERE name = $1", partitions.name_of("fix", OLD))
        assert noted == (None if whole else 24)
        if fate is not None:
            break
    assert fate in {Fate.CUT_DOWN, Fate.UNCHANGED}
    assert statements > 12
    assert [await track(store, wearer) for wearer in (1, 2, 3)] == [24, 0, 0]


async def test_an_alert_is_held_with_a_day_around_it(store: Store) -> None:
    lane = await filled(store)
    for day in (OLD - 2, OLD - 1, OLD + 1, OLD + 2):
        await lane.put(hours(3, day))
    at_us = OLD * DAY_US + 12 * HOUR_US
    await store.pool.execute(
        """INSERT INTO alert (wearer, family, zone, kind, severity, condition, confidence, late, tag, zone_version,
               monitoring_order, event_at, detected_at, ended_at, occurrences, calls, raised_seq)
           VALUES (3, 'exclusion', 1, 'exclusion', 1, 'ended', 'definite', false, 3, 1, 3, $1, $1, $2, 1, 1, 0)""",
        at_us,
        at_us + HOUR_US,
    )
    await held(store, "alert", 1)
    assert await retain(store, START_US, DAYS) == {"cut_down": 3, "dropped": 7}
    assert [await track(store, 3, OLD + day) for day in (-2, -1, 0, 1, 2)] == [0, 12, 24, 13, 0]


async def test_a_hold_needs_something_to_hold_and_ends_once(store: Store) -> None:
    await filled(store)
    with pytest.raises(MissingError, match="no wearer 99"):
        await held(store, "wearer", 99)
    hold = await held(store, "wearer", 1)
    async with edit(store) as change:
        await holds.release(change, hold, "Court", "over")
    async with edit(store) as change:
        with pytest.raises(ConflictError, match="released before"):
            await holds.release(change, hold, "Court", "over")
    async with edit(store) as change:
        with pytest.raises(MissingError, match="no hold 99"):
            await holds.release(change, 99, "Court", "over")
    rows = await store.pool.fetch("SELECT action, subject, details->>'reason' FROM audit ORDER BY part")
    assert [tuple(row) for row in rows] == [("held", "wearer/1", "appeal 12/26"), ("released", f"hold/{hold}", "over")]


@pytest.mark.parametrize("before", ["nothing", "another hold"])
async def test_a_hold_placed_while_a_day_goes_is_in_time(store: Store, monkeypatch: pytest.MonkeyPatch, before: str) -> None:
    """Placed after the day's rows were looked at, and before its table would have gone: the round is put off."""
    await filled(store)
    if before == "another hold":
        await held(store, "order", 2)
    own = rewriting.patiently
    placed = False

    async def after_a_hold(connection: Any, table: str, act: Any) -> bool:
        nonlocal placed
        if table == "fix" and not placed:
            placed = True
            await held(store, "wearer", 1)
        return await own(connection, table, act)

    monkeypatch.setattr(rewriting, "patiently", after_a_hold)
    monkeypatch.setattr(retention, "patiently", after_a_hold)
    day = Day("fix", OLD)
    assert await retention.retire(store, day) is Fate.PUT_OFF
    assert placed
    assert await track(store, 1) == 24
    assert await retention.retire(store, day) is Fate.CUT_DOWN
    assert [await track(store, wearer) for wearer in (1, 3)] == [24, 0]


async def test_lanes_commit_while_days_go(store: Store) -> None:
    lane = await filled(store)
    for day in range(OLD - 8, OLD):
        await lane.put(hours(1, day))
    await held(store, "wearer", 1)
    stop, first, sent = asyncio.Event(), asyncio.Event(), 0

    async def send() -> None:
        nonlocal sent
        while not stop.is_set():
            await lane.put(fix(2, 60_000 + sent, seq=sent))
            sent += 1
            first.set()

    sender = asyncio.create_task(send())
    done = await retain(store, START_US, DAYS)
    await first.wait()
    stop.set()
    await sender
    assert done == {"cut_down": 9, "dropped": 9}
    assert await store.pool.fetchval("SELECT count(*) FROM fix WHERE tag = 2 AND fix_at >= $1", TODAY * DAY_US) == 24 + sent


async def test_a_fix_older_than_the_oldest_day_is_kept_as_a_dead_letter(store: Store) -> None:
    """Refused by name at the door, kept with its bytes and its reason, counted and listed; the frame's good fix is stored."""
    lane = await filled(store)
    old, good = (from_us(START_US - age * DAY_US).isoformat() for age in (DAYS + 1, DAYS - 1))
    sent = [{"tag": 1, "seq": 9, "fix_at": at, "lon": -0.1, "lat": 51.5} for at in (old, good)]
    body = json.dumps({"gateway": "gw-1", "fixes": sent}).encode()
    decoded = decode(body, START_US, Limits(oldest_us=DAYS * DAY_US))
    outcome = await lane.put(decoded.batch)  # type: ignore[union-attr]
    assert outcome.receipts[0].stored == 1
    [letter] = await dead.listed(store)
    assert letter.letter.reason.endswith("is older than the oldest day kept (10 days)")
    assert json.loads(letter.letter.body)["fix_at"] == old
    assert await dead.count(store) == 1


async def test_what_comes_to_a_day_that_is_gone_is_a_dead_letter(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backlog outlasted the slack: committed and judged, its records are not kept, and not dropped without a word."""
    monkeypatch.setattr(retention, "QUARANTINED", 5)
    lane = await filled(store)
    await store.pool.execute("INSERT INTO gateway (name) VALUES ('gw-late')")
    assert await retain(store, START_US, DAYS) == {"dropped": 2}
    rows = hours(1, OLD)[:12]
    rows["gateway"] = await store.pool.fetchval("SELECT id FROM gateway")
    event = np.zeros(1, EVENT)
    event["tag"], event["at_us"], event["kind"], event["value"] = 1, OLD * DAY_US, EventKind.STRAP_TAMPER, -1
    await lane.put(batch_of(rows, events=event))
    assert await retain(store, START_US, DAYS) == {"dropped": 2}
    letters = await dead.listed(store)
    assert len(letters) == 13
    assert {(kept.letter.reason, kept.letter.protocol) for kept in letters} == {(retention.TOO_OLD, "http-json")}
    read = [reread(kept.letter, OLD * DAY_US + DAY_US, Limits()) for kept in letters]
    assert [one if isinstance(one, Rejected) else one.rejected for one in read] == [()] * 13
    fixes_ = np.concatenate([one.batch.fixes for one in read])  # type: ignore[union-attr]
    assert sorted(fixes_["seq"].tolist()) == list(range(12))
    assert {one.batch.gateway for one in read if len(one.batch.fixes)} == {"gw-late"}  # type: ignore[union-attr]
    assert sum(len(one.batch.events) for one in read) == 1  # type: ignore[union-attr]


async def test_each_table_has_its_own_time(store: Store) -> None:
    await store.pool.execute(
        """INSERT INTO dead_letter (gateway, protocol, reason, body, received_at, replayed_at) VALUES
               ('g', 'http-json', 'settled', '', now() - interval '40 days', now() - interval '31 days'),
               ('g', 'http-json', 'just settled', '', now() - interval '40 days', now() - interval '29 days'),
               ('g', 'http-json', 'waiting', '', now() - interval '40 days', NULL),
               ('g', 'http-json', 'waiting for long', '', now() - interval '402 days', NULL);
           INSERT INTO outbox (position, topic, body, addressed_at) VALUES
               (1, 'alert', '{}', now() - interval '91 days'), (2, 'alert', '{}', now() - interval '89 days'),
               (3, 'alert', '{}', NULL), (4, 'alert', '{}', now() - interval '91 days');
           INSERT INTO channel (name, kind, target) VALUES ('Desk', 'mail', 'duty@example.org');
           INSERT INTO delivery (outbox, channel, severity, key, due_at, created_at) VALUES
               (1, 1, 1, 'settled', NULL, now() - interval '91 days'), (4, 1, 1, 'waits', now(), now() - interval '91 days'),
               (NULL, 1, 1, 'test', NULL, now() - interval '91 days'), (NULL, 1, 1, 'new test', NULL, now());
           INSERT INTO unknown_tag VALUES (8, '2020-01-01', now() - interval '402 days', 3), (9, '2020-01-01', now(), 3);
           INSERT INTO feed_entry (position, kind, ref, what, at) VALUES
               (1, 'alert', 1, 'opened', now() - interval '31 days'), (2, 'control', 1, 'zone', now() - interval '31 days'),
               (3, 'control', 1, 'zone', now() - interval '31 days'), (4, 'alert', 1, 'ended', now() - interval '31 days'),
               (5, 'alert', 1, 'opened', now());
           UPDATE feed SET position = 5"""
    )
    await store.pool.execute("INSERT INTO wearer (name) VALUES ('Test Wearer')")
    hold = await held(store, "wearer", 1)
    gone = await retain(store, START_US, 400)
    assert gone == {"letters": 1, "messages": 1, "entries": 3, "unknown_tags": 1}
    async with edit(store) as change:
        await holds.release(change, hold, "Court", "over")
    assert await retain(store, START_US, 400) == {"letters": 1}
    kept = await store.pool.fetch("SELECT key FROM delivery ORDER BY id")
    assert [row[0] for row in kept] == ["waits", "new test"]
    letters = await store.pool.fetch("SELECT reason FROM dead_letter ORDER BY id")
    assert [row[0] for row in letters] == ["just settled", "waiting"]
    # The newest control change stays, and lets nobody believe that a stream could be resumed from before the others.
    positions = await store.pool.fetch("SELECT position FROM feed_entry ORDER BY position")
    assert [row[0] for row in positions] == [3, 5]
    assert await status.oldest_entry(store) == 5
