"""A worker that loses a lane leaves it to whoever has it, until the group gives it out anew or the other has gone."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from alerts.rules import Rules
from cordon import consumer
from cordon.consumer import Lanes, Other, _judge, _until_moved
from cordon.settings import Settings
from cordon.worlds import Worlds
from geofence.warm import warm
from ingest.kafka import Topics
from model.batch import Position
from model.errors import CordonError
from store.lanes import Look, claim
from store.lanes import look as looked
from store.pool import Store
from tests.cordon.test_tail import NOW_US, Log, frame, until

OTHER = "another:1"


class Member(Lanes):
    """A worker whose group is a log that this test writes, and gives it the one lane whenever told to."""

    log: Log

    def give(self) -> None:
        self._group = self.log  # type: ignore[assignment]
        self._assigned(frozenset({0}))
        self.log.tail = self._tails[0]

    @property
    def owner(self) -> str:
        return self._owner


@contextlib.asynccontextmanager
async def member(store: Store) -> AsyncIterator[Member]:
    warm()  # compiling would outlast a transaction
    worlds = Worlds(store, Rules(), lambda: time.time_ns() // 1000)
    await worlds.load()
    following = asyncio.create_task(worlds.follow())
    with ThreadPoolExecutor(1) as thread:
        made = Member(store, worlds, thread, Topics("test", 0, 1), Settings(), asyncio.Event())
        made.log = Log([(NOW_US, frame(1))])
        made.give()
        try:
            yield made
        finally:
            await made.revoked()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def owner(store: Store, until: Callable[[Look], bool]) -> Look:
    async with asyncio.timeout(30):
        while True:
            try:
                found = await looked(store, 0)
            except AssertionError:  # nobody's yet
                found = Look("", 0, 0)
            if until(found):
                return found
            await asyncio.sleep(0.01)


async def test_a_worker_that_was_fenced_takes_nothing_back_from_who_is_at_work(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "FENCED_S", 0.01)
    monkeypatch.setattr(consumer, "STILL_S", 0.3)
    monkeypatch.setenv("CORDON_KAFKA_SESSION_MS", "500")
    looks = 0
    works = True

    async def look(of: Store, partition: int) -> Look:
        nonlocal looks
        looks += 1
        if works and (await looked(of, partition)).owner == OTHER:
            await store.pool.execute("UPDATE lane SET commit_no = commit_no + 1")
        return await looked(of, partition)

    monkeypatch.setattr(consumer, "look", look)
    async with member(store) as ours:
        await owner(store, lambda found: found.owner == ours.owner and found.commit_no >= 2)
        theirs = await claim(store, 0, OTHER)
        ours.log.append((NOW_US, frame(2)))  # which ours cannot commit
        await until(lambda: looks > 60)
        assert (await looked(store, 0))[:2] == (OTHER, theirs.epoch)
        works = False
        await owner(store, lambda found: found[:2] == (ours.owner, theirs.epoch + 1))
        await until(lambda: ours._lanes[0].position == Position(2, 0))

        works = True
        theirs = await claim(store, 0, OTHER)
        ours.log.append((NOW_US, frame(3)))
        await until(lambda: looks > 120)
        await ours.revoked()
        ours.give()  # the group's word
        await owner(store, lambda found: found[:2] == (ours.owner, theirs.epoch + 1))
        await until(lambda: ours._lanes[0].position == Position(3, 0))


class Joined:
    """A membership that is given the lane once more while it is left."""

    def __init__(self, *_: object, assigned: Callable[[frozenset[int]], None], **__: object) -> None:
        self._assigned = assigned

    async def __aenter__(self) -> "Joined":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._assigned(frozenset({0}))


async def test_who_leaves_the_group_takes_no_lane_any_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "Group", Joined)
    async with member(store) as ours:
        await ours.revoked()
        async with ours.member():
            assert not ours._owning
        assert not ours._owning, "nobody would ever stop it"


class Faulty(Lanes):
    """A worker whose group fails in ways nobody thought of."""

    joined = 0

    @contextlib.asynccontextmanager
    async def member(self) -> AsyncIterator[Any]:
        self.joined += 1
        yield None

    async def feed(self, _: object) -> None:
        raise KeyError(self.joined)

    async def note(self, _: object) -> None:
        await asyncio.sleep(3600)


async def test_a_worker_whose_group_fails_joins_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "RETRY_S", 0.0)
    worlds = Worlds(store, Rules(), lambda: 0)
    with ThreadPoolExecutor(1) as thread:
        lanes = Faulty(store, worlds, thread, Topics("test", 0, 1), Settings(), asyncio.Event())
        judging = asyncio.create_task(_until_moved(lanes, store))
        await until(lambda: lanes.joined > 2)
        assert not judging.done()
        judging.cancel()
        await asyncio.gather(judging, return_exceptions=True)


async def test_a_worker_ends_by_itself_only_where_it_never_had_a_lane(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "RETRY_S", 0.0)
    tries = 0

    async def fails(*given: Any) -> None:
        nonlocal tries
        tries += 1
        if tries == 3:
            given[-1].set()  # a lane is ours
        raise CordonError("no broker")

    monkeypatch.setattr(consumer, "_generation", fails)
    worlds = Worlds(store, Rules(), lambda: 0)
    with ThreadPoolExecutor(1) as thread:
        with pytest.raises(CordonError, match="no broker"):
            await _judge(store, worlds, thread, Settings())
        tries = 2
        judging = asyncio.create_task(_judge(store, worlds, thread, Settings()))
        await until(lambda: tries > 5)
        assert not judging.done()
        judging.cancel()
        await asyncio.gather(judging, return_exceptions=True)


def test_who_does_anything_does_not_stand_still() -> None:
    other = Other(20.0)
    assert not other.stands(Look(OTHER, 2, 7), 100.0)
    assert not other.stands(Look(OTHER, 2, 7), 120.0)
    assert not other.stands(Look(OTHER, 2, 8), 120.1), "a commit"
    assert not other.stands(Look("a third:1", 3, 8), 140.2), "a claim"
    assert not other.stands(Look("a third:1", 3, 8), 160.2)
    assert other.stands(Look("a third:1", 3, 8), 160.3)
