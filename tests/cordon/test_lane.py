"""A record the judge fails on is found and buried as a dead letter; its neighbours are stored; a judge may be at fault itself."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import numpy as np
import pytest
import pytest_asyncio
import structlog.testing

import cordon.lane
from cordon.inbox import Inbox
from cordon.lane import POISON_MOST, STUCK
from cordon.work import Work
from duties.watch import Limits as WatchLimits
from duties.watch import Memory, checks, moved_on
from ingest.decoded import Limits
from ingest.letter import reread
from model.batch import Batch, DeadLetter, Part, Receipt, Rejected
from model.errors import BusyError
from model.event import empty_events
from model.fix import empty_fixes
from model.instant import SECOND_US
from store import dead, gateways, watch
from store.pool import Store
from store.world import NewActivation, NewOrder, NewWearer, create
from tests.cordon.working import working

POISON = 13


@pytest_asyncio.fixture
async def inbox(store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Inbox]:
    """A lane at work, whose judge fails on every batch with a fix or an event of seq ``POISON``."""
    judge = cordon.lane.judge

    def fails(world: Any, state: Any, batch: Batch, *rest: Any) -> Any:
        state.rows(batch.fixes["tag"])  # what a failed judge leaves behind must not stay
        if POISON in batch.fixes["seq"] or POISON in batch.events["seq"]:
            raise ZeroDivisionError
        return judge(world, state, batch, *rest)

    monkeypatch.setattr(cordon.lane, "judge", fails)
    async with working(store) as made:
        yield made


async def share(store: Store, inbox: Inbox, fixes: list[int], events: list[int] = []) -> Receipt:  # noqa: B006
    """Put a share of these seqs in, one fix a tag; what became of it."""
    now_us = time.time_ns() // 1000
    rows, told = empty_fixes(len(fixes)), empty_events(len(events))
    rows["tag"], rows["seq"], rows["fix_at_us"], rows["received_us"] = np.arange(len(fixes)) + 1, fixes, now_us, now_us
    rows["accuracy_m"], told["tag"], told["seq"], told["at_us"], told["kind"] = 8.0, 1, events, now_us, 140
    rows["gateway"] = told["gateway"] = await gateways.number(store, "gw-1")
    done: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
    inbox.put(Work(rows, told, (), "gw-1", now_us, Part(f"r{now_us}", len(rows), len(told)), done))
    return await done


async def test_one_record_is_buried_and_its_neighbours_are_stored(store: Store, inbox: Inbox) -> None:
    first, second = await asyncio.gather(share(store, inbox, [1, 2, POISON, 4, 5]), share(store, inbox, [6, 7], [8, POISON]))
    assert (first.stored, second.stored) == (4, 3)
    stored = await store.pool.fetch("SELECT seq FROM fix UNION ALL SELECT seq FROM event ORDER BY seq")
    assert [row["seq"] for row in stored] == [1, 2, 4, 5, 6, 7, 8]
    letters = [kept.letter for kept in await dead.listed(store)]
    assert {letter.reason for letter in letters} == {"the judge failed on it (ZeroDivisionError); report this"}
    bodies = [msgspec.json.decode(letter.body) for letter in letters]
    assert sorted((len(body["fixes"]), len(body["events"])) for body in bodies) == [(0, 1), (1, 0)]
    again = reread(letters[0], time.time_ns() // 1000, Limits())
    assert not isinstance(again, Rejected), "it can be given another try"
    assert POISON in [*again.batch.fixes["seq"], *again.batch.events["seq"]]
    assert (await share(store, inbox, [20, 21])).stored == 2, "the lane goes on"


async def test_a_judge_that_fails_on_everything_buries_no_more(store: Store, inbox: Inbox) -> None:
    with pytest.raises(BusyError):
        await share(store, inbox, [POISON] * (POISON_MOST + 10))
    assert await dead.count(store) == POISON_MOST
    with pytest.raises(BusyError):
        await share(store, inbox, [POISON])
    assert (await share(store, inbox, [1])).stored == 1
    assert (await share(store, inbox, [POISON])).stored == 0, "after a good one it is the record's fault again"
    assert isinstance((await dead.listed(store))[0].letter, DeadLetter)


async def test_last_fixes_that_cannot_be_judged_again_hold_the_lane_up_and_readiness_says_so(
    store: Store, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await share(store, inbox, [1])).stored == 1
    rejudge, tried = cordon.lane.rejudge, asyncio.Queue[None]()
    loop = asyncio.get_running_loop()

    def fails(*_: Any) -> Any:
        loop.call_soon_threadsafe(tried.put_nowait, None)
        raise ZeroDivisionError

    with structlog.testing.capture_logs() as said:
        monkeypatch.setattr(cordon.lane, "rejudge", fails)
        made = await create(store, [NewWearer("W")], [NewOrder(0, 0)], [NewActivation(0, 1, 0)])
        await tried.get()
        before = await watch.seen(store)
        memory = moved_on(before, Memory())
        for _ in range(3):
            await tried.get()
        for later_us in (20 * SECOND_US, 40 * SECOND_US):  # as if looks had followed each other
            readings = (await watch.seen(store))._replace(now_us=before.now_us + later_us)
            memory = moved_on(readings, memory)
    stuck = [line for line in said if line["event"] == STUCK]
    assert [(line["lane"], line["error"]) for line in stuck] == [(0, "ZeroDivisionError")], "said, and not twice a second"
    progress = next(check for check in checks(readings, memory, WatchLimits()) if check.name == "progress")
    assert progress.state == "failing"
    assert await dead.count(store) == 0, "no record is to blame"

    monkeypatch.setattr(cordon.lane, "rejudge", rejudge)
    assert (await share(store, inbox, [2])).stored == 1, "the lane goes on"
    assert await store.pool.fetchval("SELECT control_seq FROM lane") >= made.position


async def test_a_judge_that_fails_on_the_clock_buries_nothing(
    store: Store, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    assert (await share(store, inbox, [9])).stored == 1
    with monkeypatch.context() as patched:
        patched.setattr(cordon.lane, "judge", broken)
        with pytest.raises(BusyError):
            await share(store, inbox, [1, 2, 3])
    assert (await share(store, inbox, [1, 2, 3])).stored == 3
    assert await dead.count(store) == 0, "the commit that would have buried one failed, too"
