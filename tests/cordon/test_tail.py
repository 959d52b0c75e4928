"""A lane on Kafka loses no record whatever fails, and its time says when it listened; the broker is a list of records."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import cordon.lane
from alerts.rules import Rules
from cordon.lane import DEAF_US, Lane, listen
from cordon.tail import Tail
from cordon.work import Work
from cordon.worlds import Worlds
from geofence.warm import warm
from ingest.frame import Frame, encode
from ingest.kafka import Record
from model.batch import Position
from model.event import empty_events
from model.fix import empty_fixes
from model.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from model.state import State
from store.pool import Store
from store.world import NewActivation, NewOrder, NewWearer, create

NOW_US = time.time_ns() // 1000
RECEIPT = "0" * 32


def frame(*seqs: int, received_us: int = NOW_US) -> bytes:
    """A fix of each seq, each of another tag."""
    fixes = empty_fixes(len(seqs))
    fixes["tag"], fixes["seq"], fixes["fix_at_us"], fixes["accuracy_m"] = seqs, seqs, received_us, 8.0
    return encode(Frame("gw-1", 0, received_us, RECEIPT, 1, fixes, empty_events()))


def heartbeat(after_s: float) -> tuple[int, bytes]:
    return NOW_US + round(after_s * SECOND_US), b""


class Log:
    """A lane's two partitions: what was appended is handed to the tail from where it says on, as often as it says so."""

    def __init__(self, live: list[tuple[int, bytes]], backlog: list[tuple[int, bytes]] | None = None) -> None:
        self.kept = [[Record(at, *of) for at, of in enumerate(one)] for one in (live, backlog or [])]
        self.tail: Tail | None = None
        self.begun: list[Position] = []

    def append(self, of: tuple[int, bytes]) -> None:
        """A live record more, which is handed out at once."""
        self.kept[0].append(Record(len(self.kept[0]), *of))
        assert self.tail is not None
        self.tail.put(False, self.kept[0][-1:])

    def begin(self, _: int, position: Position, __: int = 0) -> None:
        self.begun.append(position)
        asyncio.get_running_loop().call_soon(self._hand, position)

    def _hand(self, position: Position) -> None:
        assert self.tail is not None
        for backlog, offset in enumerate(position):
            self.tail.put(bool(backlog), self.kept[backlog][offset:])

    def pause(self, _: int, __: bool) -> None: ...

    def resume(self, _: int, __: bool) -> None: ...

    def end(self, _: int, backlog: bool) -> int:
        return len(self.kept[backlog])


@contextlib.asynccontextmanager
async def at_work(store: Store, log: Log) -> AsyncIterator[Lane]:
    """A lane over a log."""
    warm()  # compiling would outlast a transaction
    worlds = Worlds(store, Rules(), lambda: NOW_US)
    await worlds.load()
    with ThreadPoolExecutor(1) as thread:
        log.tail = Tail(0, store, worlds, log, commit_records=1000)  # type: ignore[arg-type]
        lane = Lane(0, store, worlds, thread, log.tail, owner="test")
        await lane.resume()
        tasks = [asyncio.create_task(job) for job in (lane.run(), worlds.follow())]
        try:
            yield lane
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def until(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not look():  # noqa: ASYNC110 - a lane has no event for a commit
            await asyncio.sleep(0.01)


async def stored(store: Store) -> list[int]:
    return [row["seq"] for row in await store.pool.fetch("SELECT seq FROM fix ORDER BY seq")]


@pytest.mark.parametrize("cut", [OSError, ZeroDivisionError], ids=["the database is cut off", "the judge has failed too often"])
async def test_a_part_of_a_failed_batch_that_fails_takes_the_others_along(
    store: Store, monkeypatch: pytest.MonkeyPatch, cut: type[Exception]
) -> None:
    judge, tries = cordon.lane.judge, list[list[int]]()

    def fails(world: Any, state: State, batch: Any, *rest: Any) -> Any:
        if len(batch.fixes):
            tries.append(batch.fixes["seq"].tolist())
            if len(tries) == 1 or (len(tries) == 2 and cut is ZeroDivisionError):
                raise ZeroDivisionError
        return judge(world, state, batch, *rest)

    commit = cordon.lane.commit

    async def cuts(*args: Any, **kwargs: Any) -> Any:
        if len(tries) == 1 and len(args[2].fixes) and cut is OSError:
            tries.append([])
            raise OSError
        return await commit(*args, **kwargs)

    monkeypatch.setattr(cordon.lane, "judge", fails)
    monkeypatch.setattr(cordon.lane, "commit", cuts)
    monkeypatch.setattr(cordon.lane, "PAUSE_S", 0.01)
    if cut is ZeroDivisionError:
        monkeypatch.setattr(Lane, "_smaller", at_most_once(Lane._smaller, monkeypatch))
    log = Log([(NOW_US, frame(1, 2)), (NOW_US, frame(3, 4))])
    async with at_work(store, log) as lane:
        await until(lambda: lane.position == Position(2, 0))
    assert await stored(store) == [1, 2, 3, 4]
    assert log.begun == [Position(0, 0)] * 2, "what was not committed was fetched again"


def at_most_once(smaller: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """From the second failure on there are no records left to bury."""

    def found(self: Lane, shares: list[Work], error: Exception) -> Any:
        parts = smaller(self, shares, error)
        monkeypatch.setattr(cordon.lane, "POISON_MOST", 0)
        return parts

    return found


@pytest.mark.parametrize(
    ("steps", "alerts"),
    [([1, 62 * 60], 0), ([59 * step for step in range(1, 65)], 1)],
    ids=["nobody listened for an hour", "somebody listened all the time"],
)
async def test_who_could_not_be_heard_was_not_silent(store: Store, steps: list[int], alerts: int) -> None:
    day_us = NOW_US - DAY_US
    await create(store, [NewWearer("Wearer")], [NewOrder(0, day_us)], [NewActivation(0, 1, day_us)], [])
    log = Log([(NOW_US, frame(1)), *[heartbeat(after_s) for after_s in steps]])
    async with at_work(store, log) as lane:
        await until(lambda: lane.position == Position(1 + len(steps), 0))
    assert await store.pool.fetchval("SELECT count(*) FROM alert WHERE kind = 'no_contact'") == alerts
    deaf_until_us = await store.pool.fetchval("SELECT listening FROM lane")
    assert deaf_until_us == (0 if alerts else NOW_US + 62 * MINUTE_US)


def test_a_lane_is_deaf_over_a_jump_of_more_than_a_minute() -> None:
    state = State()
    listen(state, NOW_US)
    assert state.listening_us == 0, "a lane that begins has no time to jump from"
    state.watermark_us = NOW_US
    listen(state, NOW_US + DEAF_US)
    assert state.listening_us == 0
    listen(state, NOW_US + DEAF_US + 1)
    assert state.listening_us == NOW_US + DEAF_US + 1


async def test_an_edge_whose_clock_is_ahead_hears_nobody_in_times_to_come(store: Store) -> None:
    ahead, behind = frame(1, received_us=NOW_US + 2 * HOUR_US), frame(2, received_us=NOW_US - SECOND_US)
    told = empty_events(1)
    told["tag"], told["at_us"], told["kind"] = 3, NOW_US, 140
    event = encode(Frame("gw-1", 0, NOW_US + 2 * HOUR_US, RECEIPT, 1, empty_fixes(), told))
    log = Log([(NOW_US, ahead), (NOW_US, behind), (NOW_US, event)])
    async with at_work(store, log) as lane:
        await until(lambda: lane.position == Position(3, 0))
    received = "SELECT tag, received_at FROM fix UNION ALL SELECT tag, received_at FROM event ORDER BY tag"
    assert [tuple(row) for row in await store.pool.fetch(received)] == [(1, NOW_US), (2, NOW_US - SECOND_US), (3, NOW_US)]
