"""A lane's state is rebuilt bit for bit from snapshots and journal, whatever was killed and when."""

import asyncio
import random

import numpy as np
import pytest

from model.alert import Judged, Op
from model.batch import Part, Position, Receipt
from model.errors import CordonError, FencedError
from model.state import BLOCK_TAGS, State
from store import commit as commits
from store import generations, receipts, snapshots
from store.commit import commit
from store.generations import Generation
from store.lanes import claim, held, recover
from store.pool import FAILURES, Store
from tests.store.fake import START_US, batch_of, change, fix
from tests.store.lane import Lane, wearers


def walk(tags: int, rounds: int, seed: int = 1) -> list[np.ndarray]:
    """Batches in which every tag goes in and out, sends late, and sends twice."""
    dice = random.Random(seed)
    batches = []
    for at in range(rounds):
        fixes = [fix(tag, 60 * at + dice.randrange(50), dice.choice([-1.0, 1.0])) for tag in range(1, tags + 1)]
        fixes += [fix(dice.randrange(1, tags + 1), 60 * dice.randrange(at + 1)) for _ in range(2)]
        dice.shuffle(fixes)
        batches.append(np.concatenate(fixes))
    return batches


async def test_rebuilt_equals_lost_without_any_snapshot(store: Store) -> None:
    await wearers(store, 5)
    async with Lane(store) as lane:
        for batch in walk(5, 10):
            await lane.put(batch)
        await lane.put(batch_of(received_us=START_US + 10**12), control_seq=7)  # the clock alone, which the journal does not keep
    async with Lane(store) as again:
        assert again.state.digest() == lane.state.digest()
    assert (again.state.watermark_us, again.state.control_seq) == (START_US + 10**12, 7)
    assert again.claim.epoch == lane.claim.epoch + 1


async def test_rebuilt_equals_lost_at_every_commit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """With snapshots every third entry, claimed again after every commit: no moment is special."""
    monkeypatch.setattr(snapshots, "ENTRIES", 3)
    await wearers(store, 4)
    digest = State().digest()
    for batch in walk(4, 14):
        async with Lane(store) as lane:
            assert lane.state.digest() == digest
            await lane.put(batch)
            digest = lane.state.digest()
    assert await store.pool.fetchval("SELECT count(*) FROM snapshot_mark") == snapshots.KEPT


async def test_blocks_that_did_not_change_are_kept_and_not_written_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "ENTRIES", 1)
    tags = BLOCK_TAGS + 1

    def remember(lane: Lane, number: int) -> None:
        def judged(state: State, batch: object, *_: object) -> Judged:
            rows = state.rows(np.arange(1, tags + 1) if state.count == 0 else np.array([number]))
            state.tags["contact_us"][rows] += 1
            return Judged(batch.fixes, (), batch.fixes[:0])  # type: ignore[attr-defined]

        lane.judge = judged

    async with Lane(store) as lane:
        for number in (tags, tags, tags, tags):  # the last block alone changes after the first commit
            remember(lane, number)
            await lane.put(fix(number, lane.claim.commit_no))
    kept = await store.pool.fetch("SELECT block, commit_no FROM snapshot ORDER BY block, commit_no")
    assert [tuple(row) for row in kept] == [(0, 1), (1, 3), (1, 4)]
    assert [row[0] for row in await store.pool.fetch("SELECT commit_no FROM commit_journal")] == [4]
    claimed = await claim(store, 0, "again")
    recovered = await recover(store, claimed)
    assert recovered.digest() == lane.state.digest()
    assert (claimed.commit_no, claimed.entries, claimed.journalled) == (4, 0, 0)


async def test_a_damaged_snapshot_is_passed_over_for_the_older_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "ENTRIES", 3)
    await wearers(store, 4)
    async with Lane(store) as lane:
        for batch in walk(4, 8):
            await lane.put(batch)
    newest = "(SELECT max(commit_no) FROM snapshot)"
    await store.pool.execute(f"UPDATE snapshot SET body = set_byte(body, 40, 255) WHERE commit_no = {newest}")
    async with Lane(store) as again:
        assert again.state.digest() == lane.state.digest()
        for batch in walk(4, 12, seed=2)[8:]:
            await again.put(batch)
    async with Lane(store) as third:
        assert third.state.digest() == again.state.digest()
    await store.pool.execute("UPDATE snapshot SET body = set_byte(body, 40, 255)")
    claimed = await claim(store, 0, "hopeless")
    with pytest.raises(CordonError, match="no snapshot of lane 0 is whole"):
        await recover(store, claimed)


async def test_what_a_tick_changed_is_journalled(store: Store) -> None:
    """A change that no record caused changed the state all the same."""
    await wearers(store, 1)

    def ticked(state: State, batch: object, *__: object) -> Judged:
        state.tags["contact_us"][state.rows(np.array([1]))] = 77
        return Judged(batch.fixes, (change(Op.OPEN, 1, START_US, START_US),), batch.fixes)  # type: ignore[attr-defined]

    async with Lane(store) as lane:
        lane.judge = ticked
        await lane.put(batch_of(received_us=START_US))
    recovered = await recover(store, await claim(store, 0, "again"))
    assert recovered.digest() == lane.state.digest()
    assert recovered.tags["contact_us"][0] == 77


async def test_a_missing_entry_is_noticed(store: Store) -> None:
    await wearers(store, 3)
    async with Lane(store) as lane:
        for tag in (1, 2, 3):
            await lane.put(fix(tag, 0))
    await store.pool.execute("DELETE FROM commit_journal WHERE commit_no = 2")
    with pytest.raises(CordonError, match="commit 3 of lane 0 does not follow"):
        await recover(store, await claim(store, 0, "again"))


async def test_lanes_know_nothing_of_each_other(store: Store) -> None:
    async with Lane(store, 0) as first, Lane(store, 1) as second:
        await first.put(fix(1, 0))
        await second.put(fix(2, 0))
    async with Lane(store, 1) as again:
        assert again.state.digest() == second.state.digest() != first.state.digest()


async def test_recovery_notices_that_it_lost_the_lane(store: Store) -> None:
    claimed = await claim(store, 0, "slow")
    await claim(store, 0, "quick")
    with pytest.raises(FencedError):
        await recover(store, claimed)


async def test_of_many_claims_at_once_one_can_commit(store: Store) -> None:
    lanes = await asyncio.gather(*(Lane(store, owner=str(number)).__aenter__() for number in range(5)), return_exceptions=True)
    claimed = [lane for lane in lanes if isinstance(lane, Lane)]
    done = await asyncio.gather(*(lane.put(fix(1, 0)) for lane in claimed), return_exceptions=True)
    assert [type(outcome).__name__ for outcome in done].count("Outcome") == 1
    assert await store.pool.fetchval("SELECT count(*) FROM fix") == 1


async def test_what_is_consumed_moves_with_the_commit(store: Store) -> None:
    async with Lane(store) as lane:
        await lane.put(batch_of(fix(1, 0))._replace(position=Position(5, 0)))
        await lane.put(batch_of(fix(1, 60))._replace(position=Position(5, 7)))
        await lane.put(fix(1, 120))  # judged again, say: nothing was consumed
        assert lane.claim.position == Position(5, 7)
    assert (await claim(store, 0, "another")).position == Position(5, 7)


async def test_a_lane_that_nobody_touched_is_still_ours(store: Store) -> None:
    async with Lane(store) as lane:
        await lane.put(fix(1, 0))
        assert await held(store, lane.claim)
        async with Lane(store) as other:
            assert not await held(store, lane.claim)
            assert await held(store, other.claim)
            await other.put(fix(1, 60))
            assert await held(store, other.claim)
        other.claim.void = True
        assert not await held(store, other.claim), "a commit that may have failed"


async def test_a_lane_of_another_generation_is_refused(store: Store) -> None:
    await claim(store, 0, "first", 1)
    assert (await claim(store, 0, "first again", 1)).epoch == 2
    with pytest.raises(FencedError):
        await claim(store, 0, "ahead of its time", 2)


async def test_a_receipt_says_nothing_until_all_of_it_is_committed(store: Store) -> None:
    async with Lane(store, 0) as one, Lane(store, 1) as other:
        first = batch_of(fix(1, 0))._replace(parts=(Part("r", 1, 0, done=1, of=3),))
        await one.put(first)
        assert await receipts.get(store, "r") == Receipt("r", None, None)
        await one.put(batch_of(fix(1, 0), fix(1, 60))._replace(parts=(Part("r", 2, 0, done=1, of=3),)))
        assert await receipts.get(store, "r") == Receipt("r", None, None)
        await other.put(batch_of(fix(2, 0))._replace(parts=(Part("r", 1, 0, done=1, of=3),)))
        assert await receipts.get(store, "r") == Receipt("r", 3, 1)
        assert await receipts.get(store, "another") is None


async def test_topics_have_one_generation_until_another_is_begun(store: Store) -> None:
    assert await generations.produced(store) is None
    assert await generations.first(store, 4) == Generation(1, 4, moved=True)
    assert await generations.first(store, 9) == Generation(1, 4, moved=True), "the first one said how many"
    await generations.begin(store, 2, 6)
    assert await generations.produced(store) == Generation(2, 6, moved=False)
    assert await generations.consumed(store) == Generation(1, 4, moved=True)
    async with store.pool.acquire() as connection:
        await generations.moved(connection, 2)
    assert await generations.consumed(store) == Generation(2, 6, moved=True)


async def test_who_lost_a_commit_takes_the_lane_back_from_nobody(store: Store) -> None:
    first = await claim(store, 0, "first")
    assert (await claim(store, 0, "first", again=True)).epoch == first.epoch + 1
    await claim(store, 0, "second")
    with pytest.raises(FencedError):
        await claim(store, 0, "first", again=True)
    assert (await claim(store, 0, "first")).epoch == first.epoch + 3, "told to have it, it may"


async def test_a_worker_frozen_in_a_commit_does_not_keep_its_lane(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its transaction holds the lane's row; PostgreSQL ends it, and who claims meanwhile gets the lane with nothing of it."""
    monkeypatch.setattr(commits, "LONGEST", "300ms")
    await wearers(store, 1)
    frozen, woken = asyncio.Event(), asyncio.Event()

    async def judge(*_: object) -> Judged:
        frozen.set()
        await woken.wait()
        raise AssertionError("the claim got its lane")

    async with Lane(store) as lane:
        await lane.put(fix(1, 0))
        digest = lane.state.digest()
        batch = batch_of(fix(1, 60))
        doubtful = np.zeros(1, bool)
        under_way = asyncio.create_task(
            commits.commit(
                store,
                lane.claim,
                batch,
                lane.state,
                doubtful=doubtful,
                windows=lambda *_: (),
                judge=judge,
                now_us=batch.received_us,
                control_seq=0,
            )
        )
        await frozen.wait()
        async with Lane(store, owner="another") as another:
            assert another.state.digest() == digest
            assert (await another.put(batch)).receipts[0].stored == 1
        woken.set()
        with pytest.raises((AssertionError, *FAILURES)):
            await under_way
        with pytest.raises(FencedError):
            lane.claim.check()


async def test_a_commit_frozen_halfway_is_cut_off_by_who_claims_the_lane(store: Store) -> None:
    async with Lane(store) as lane:
        await lane.put(fix(1, 0))
        frozen = asyncio.Event()

        async def judged(*_: object) -> Judged:
            frozen.set()
            await asyncio.Event().wait()
            raise AssertionError

        hanging = asyncio.create_task(
            commit(
                *(store, lane.claim, batch_of(fix(1, 60)), lane.state),
                doubtful=np.zeros(1, bool),
                windows=lambda *_: (),
                judge=judged,
                now_us=START_US,
                control_seq=0,
            )
        )
        await frozen.wait()
        async with Lane(store) as other:
            assert other.claim.epoch == lane.claim.epoch + 1
            assert (await other.put(fix(1, 60))).receipts[0].stored == 1
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
