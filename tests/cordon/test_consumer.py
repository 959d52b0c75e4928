"""A worker that loses a lane leaves it to whoever has it, until the group gives it out anew or the other has gone."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from alerts.rules import Rules
from cordon import consumer
from cordon.consumer import Lanes, Other
from cordon.settings import Settings
from cordon.worlds import Worlds
from geofence.warm import warm
from ingest.kafka import Topics
from model.batch import Position
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


def test_who_does_anything_does_not_stand_still() -> None:
    other = Other(20.0)
    assert not other.stands(Look(OTHER, 2, 7), 100.0)
    assert not other.stands(Look(OTHER, 2, 7), 120.0)
    assert not other.stands(Look(OTHER, 2, 8), 120.1), "a commit"
    assert not other.stands(Look("a third:1", 3, 8), 140.2), "a claim"
    assert not other.stands(Look("a third:1", 3, 8), 160.2)
    assert other.stands(Look("a third:1", 3, 8), 160.3)
