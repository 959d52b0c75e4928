"""The commit stores each record once, says what became of each, and keeps everything or nothing."""

import asyncio
import json

import numpy as np
import pytest

from model.batch import DeadLetter, Part
from model.errors import FencedError
from model.event import EventKind, empty_events
from model.fix import FIX, IDENTITY, Flag, Quality
from model.instant import DAY_US, MINUTE_US
from store import dead, feed, gateways, receipts
from store.admission import stored
from store.copy import FIXES
from store.history import load
from store.pool import Store
from tests.rows import sorted_fixes
from tests.store import fake
from tests.store.fake import START_US, batch_of, fix
from tests.store.lane import Lane, wearers


async def held(store: Store) -> np.ndarray:
    rows = await store.pool.fetch("SELECT * FROM fix ORDER BY tag, fix_at, seq, source")
    return np.array([tuple(row) for row in rows], FIX)


async def count(store: Store, table: str) -> int:
    return await store.pool.fetchval(f"SELECT count(*) FROM {table}")


async def test_fixes_are_stored_exactly_as_judged(store: Store) -> None:
    rows = [fix(2, 60, seq=7, speed_mps=3.25, hdop=0.9, satellites=11, battery_pct=81, source=1), fix(1, 0), fix(2, 0, -0.125)]
    async with Lane(store) as lane:
        outcome = await lane.put(*rows)
    assert (await held(store)).tobytes() == sorted_fixes(np.concatenate(rows)).tobytes()
    assert (outcome.receipts[0].stored, outcome.receipts[0].duplicate) == (3, 0)


async def test_a_repeat_is_stored_once_and_counted(store: Store) -> None:
    async with Lane(store) as lane:
        await lane.put(fix(1, 0), fix(1, 60))
        outcome = await lane.put(fix(1, 60, gateway=0), fix(1, 120))
    assert (outcome.receipts[0].stored, outcome.receipts[0].duplicate) == (1, 1)
    assert await count(store, "fix") == 3


async def test_a_repeat_by_another_gateway_later_is_still_a_repeat(store: Store) -> None:
    async with Lane(store) as lane:
        await lane.put(fix(1, 0))
        again = fix(1, 0, gateway=5)
        again["received_us"] += MINUTE_US
        assert (await lane.put(again)).receipts[0].duplicate == 1
    assert (await held(store))["received_us"].tolist() == [START_US]


async def test_the_same_identity_with_other_content_is_a_dead_letter_naming_the_fields(store: Store) -> None:
    number = await gateways.number(store, "gw-north")
    async with Lane(store) as lane:
        await lane.put(fix(1, 0, battery_pct=50))
        outcome = await lane.put(fix(1, 60), fix(1, 0, -2.0, battery_pct=49, gateway=number))
    assert outcome.receipts[0][1:4] == (1, 0, (1,))
    assert await count(store, "fix") == 2
    (kept,) = await dead.listed(store)
    assert kept.letter.reason == "tag 1 sent seq 0 of 2026-03-20T09:46:40Z before, with other lon, battery_pct"
    assert (kept.letter.gateway, kept.letter.protocol) == ("gw-north", "http-json")
    body = json.loads(kept.letter.body)
    assert body["gateway"] == "gw-north"
    assert body["fixes"] == [
        {
            "tag": 1,
            "seq": 0,
            "fix_at": "2026-03-20T09:46:40Z",
            "source": "gnss",
            "lon": -2.0,
            "lat": 51.5,
            "accuracy_m": 5.0,
            "battery_pct": 49,
        }
    ]


async def test_absent_agrees_with_absent_and_differs_from_a_value(store: Store) -> None:
    async with Lane(store) as lane:
        await lane.put(fix(1, 0))  # speed, heading and hdop are NaN
        assert (await lane.put(fix(1, 0))).receipts[0].duplicate == 1
        assert (await lane.put(fix(1, 0, hdop=1.0))).receipts[0].conflicting == (0,)


async def test_repeats_within_a_batch_the_first_to_arrive_wins(store: Store) -> None:
    async with Lane(store) as lane:
        outcome = await lane.put(fix(1, 60, -3.0), fix(1, 0), fix(1, 60, -4.0), fix(1, 60, -3.0))
    assert outcome.receipts[0][1:4] == (2, 1, (2,))
    assert (await held(store))["lon"].tolist() == [-1.0, -3.0]


async def test_what_is_stored_decides_between_repeats_within_a_batch(store: Store) -> None:
    """The first of the batch conflicts with the store; the second agrees with it, though not with the first."""
    async with Lane(store) as lane:
        await lane.put(fix(1, 0, -1.0))
        outcome = await lane.put(fix(1, 0, -9.0), fix(1, 0, -1.0))
    assert outcome.receipts[0][1:4] == (0, 1, (0,))


async def test_seq_and_source_are_part_of_the_identity(store: Store) -> None:
    async with Lane(store) as lane:
        outcome = await lane.put(fix(1, 0, seq=1), fix(1, 0, seq=2), fix(1, 0, seq=1, source=1))
    assert outcome.receipts[0].stored == 3


async def test_events_are_stored_once_and_conflicts_named(store: Store) -> None:
    events = empty_events(3)
    events["tag"], events["at_us"], events["received_us"] = 1, START_US, START_US
    events["kind"] = [EventKind.BATTERY_LOW, EventKind.BATTERY_LOW, EventKind.MOTION]
    events["value"] = [20, 19, -1]
    async with Lane(store) as lane:
        first = await lane.put(batch_of(events=events))
        second = await lane.put(batch_of(events=events[2:]))
    assert first.receipts[0] == first.receipts[0]._replace(stored=2, duplicate=0, conflicting_events=(1,))
    assert (second.receipts[0].stored, second.receipts[0].duplicate) == (0, 1)
    rows = await store.pool.fetch("SELECT kind, value FROM event ORDER BY kind")
    assert [tuple(row) for row in rows] == [(EventKind.BATTERY_LOW, 20), (EventKind.MOTION, -1)]
    (kept,) = await dead.listed(store)
    assert "battery_low" in kept.letter.reason
    assert json.loads(kept.letter.body)["events"][0]["value"] == 19


async def test_each_part_has_its_own_receipt(store: Store) -> None:
    parts = (Part("a", 2, 0), Part("b", 0, 0), Part("c", 1, 0))
    async with Lane(store) as lane:
        await lane.put(fix(2, 0))
        outcome = await lane.put(batch_of(fix(1, 0), fix(1, 0, -5.0), fix(2, 0), parts=parts))
    assert [tuple(receipt[:4]) for receipt in outcome.receipts] == [("a", 1, 0, (1,)), ("b", 0, 0, ()), ("c", 0, 1, ())]
    assert (await receipts.get(store, "c"))[1:3] == (0, 1)
    assert await receipts.get(store, "unknown") is None


async def test_a_receipt_adds_up_over_lanes(store: Store) -> None:
    for partition in (0, 1):
        async with Lane(store, partition) as lane:
            await lane.put(batch_of(fix(partition + 1, 0), parts=(Part("r", 1, 0),)))
    assert (await receipts.get(store, "r")).stored == 2


async def test_parts_must_be_the_whole_batch(store: Store) -> None:
    async with Lane(store) as lane:
        with pytest.raises(ValueError, match="parts"):
            await lane.put(batch_of(fix(1, 0), parts=(Part("a", 2, 0),)))


async def test_the_doors_dead_letters_are_kept_with_their_bytes(store: Store) -> None:
    letter = DeadLetter("lon is 181, not between -180 and 180", b'{"lon": 181}', "http-json", "gw-2")
    async with Lane(store) as lane:
        await lane.put(batch_of(fix(1, 0), dead=(letter,)))
    assert [kept.letter for kept in await dead.listed(store)] == [letter]
    assert (await dead.count(store), await count(store, "fix")) == (1, 1)


async def test_late_records_come_with_stored_history_and_known_occurrences(store: Store) -> None:
    await wearers(store, 2)
    late = fix(1, 100)
    late["received_us"] += 10 * MINUTE_US
    async with Lane(store) as lane:
        await lane.put(fix(1, 0), fix(1, 60, 1.0), fix(1, 300), fix(1, 4000), fix(2, 60))
        await lane.put(late)
    first, second = lane.histories
    assert len(first.fixes) == 0
    assert second.fixes["fix_at_us"].tolist() == [START_US, START_US + 60_000_000, START_US + 300_000_000]
    assert set(second.fixes["tag"].tolist()) == {1}
    assert [(known.occurrence_us, known.ended_us, known.order) for known in second.occurrences] == [
        (START_US + 60_000_000, START_US + 300_000_000, 1)
    ]
    assert (await held(store))["flags"].tolist()[2] == Flag.DISORDERED


async def test_requalified_fixes_are_stored_anew(store: Store) -> None:
    async with Lane(store) as lane:
        await lane.put(fix(1, 0), fix(1, 60, quality=Quality.IMPLAUSIBLE))
        vouched = fix(1, 60, quality=Quality.OK)
        lane.judge = lambda *args: fake.judge(*args)._replace(requalified=vouched)
        await lane.put(fix(1, 120))
    assert (await held(store))["quality"].tolist() == [Quality.OK] * 3
    assert await count(store, "commit_journal") == 2


async def test_unassigned_tags_are_listed_and_announced_once(store: Store) -> None:
    async with Lane(store) as lane:
        await lane.put(fix(5, 60, flags=Flag.UNASSIGNED), fix(5, 0, flags=Flag.UNASSIGNED), fix(6, 0))
        await lane.put(fix(5, 120, flags=Flag.UNASSIGNED))
    row = await store.pool.fetchrow("SELECT * FROM unknown_tag")
    assert tuple(row) == (5, START_US, START_US + 120_000_000, 3)
    assert [entry[1:4] for entry in await feed.entries(store, 0)] == [("tag", 5, "unknown")]


async def test_days_make_their_partitions(store: Store) -> None:
    async with Lane(store) as lane:
        await lane.put(fix(1, 0), fix(1, 40 * 86_400))
        await store.pool.execute("DROP TABLE fix_20260320, event_20260320")  # as retention would
        with pytest.raises(Exception, match="no partition"):
            await lane.put(fix(2, 0))
    async with Lane(store) as lane:
        await lane.put(fix(2, 0))
    assert await count(store, "fix") == 2


async def test_a_tick_moves_the_watermark_and_leaves_no_other_trace(store: Store) -> None:
    async with Lane(store) as lane:
        outcome = await lane.put(batch_of(received_us=START_US + DAY_US), control_seq=9)
    assert (outcome.receipts, outcome.changes, outcome.position) == ((), 0, 0)
    row = await store.pool.fetchrow("SELECT commit_no, watermark, control_seq FROM lane")
    assert tuple(row) == (1, START_US + DAY_US, 9)
    for table in ("commit_journal", "receipt", "feed_entry"):
        assert await count(store, table) == 0


async def test_an_older_claim_is_fenced_off(store: Store) -> None:
    async with Lane(store) as old, Lane(store, owner="another") as new:
        with pytest.raises(FencedError, match="another owner"):
            await old.put(fix(1, 0))
        await new.put(fix(1, 0))
        with pytest.raises(FencedError):
            await old.put(fix(1, 60))
    assert await count(store, "fix") == 1


async def test_a_new_claim_waits_for_the_commit_under_way(store: Store) -> None:
    """What the older owner had begun is in the state the new one reads, or is not stored at all."""
    judging, go_on = asyncio.Event(), asyncio.Event()
    async with Lane(store) as old:
        from store.commit import commit

        async def slow(admitted: object, history: object) -> object:
            judging.set()
            await go_on.wait()
            return fake.judge(old.state, admitted, START_US)

        batch = batch_of(fix(1, 0))
        committing = asyncio.create_task(
            commit(
                store,
                old.claim,
                batch,
                old.state,
                doubtful=np.zeros(1, bool),
                windows=fake.windows,
                judge=slow,
                now_us=START_US,
                control_seq=0,
            )
        )
        await judging.wait()
        claiming = asyncio.create_task(Lane(store, owner="new").__aenter__())
        while not await store.pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        go_on.set()
        await committing
        new = await claiming
    assert new.state.digest() == old.state.digest()
    assert new.state.count == 1


async def test_a_commit_that_fails_keeps_nothing_and_voids_the_claim(store: Store) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the judge failed")

    async with Lane(store) as lane:
        await lane.put(fix(1, 0))
        lane.judge = fail
        with pytest.raises(RuntimeError):
            await lane.put(fix(1, 60))
        with pytest.raises(FencedError):
            await lane.put(fix(1, 60))
    async with Lane(store) as again:
        assert again.claim.commit_no == 1
        assert (await again.put(fix(1, 60))).receipts[0].stored == 1


async def test_a_judge_that_loses_a_fix_is_not_believed(store: Store) -> None:
    async with Lane(store) as lane:
        lane.judge = lambda *args: fake.judge(*args)._replace(fixes=fix(1, 0))
        with pytest.raises(Exception, match="2 fixes went to the judge and 1 came back"):
            await lane.put(fix(1, 0), fix(1, 60))
    assert await count(store, "fix") == 0


async def test_many_doubtful_rows_are_found(store: Store) -> None:
    rows = [fix(tag, 60 * at) for tag in range(1, 21) for at in range(50)]
    async with Lane(store) as lane:
        await lane.put(*rows)
        outcome = await lane.put(*rows)
        assert (outcome.receipts[0].stored, outcome.receipts[0].duplicate) == (0, 1000)
        asked = np.concatenate(rows[:10])
        async with store.pool.acquire() as connection:
            found = await stored(connection, FIXES, IDENTITY, asked)
            nothing = await load(connection, [])
    assert sorted_fixes(found).tobytes() == asked.tobytes()
    assert nothing.occurrences == ()
