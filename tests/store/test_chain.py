"""Each commit that stores anything adds one link to its lane's chain, and the link can be made again from the tables alone."""

import hashlib
import json

import numpy as np

from model.batch import DeadLetter
from model.fix import FIX, Quality, empty_fixes
from model.instant import DAY_US
from store.chain import marks, slices
from store.pool import Store
from tests.store import fake
from tests.store.fake import START_US, batch_of, fix
from tests.store.lane import Lane, wearers

DAY = START_US // DAY_US


async def links(store: Store, lane: int = 0) -> list[tuple[int, bytes, dict]]:
    rows = await store.pool.fetch("SELECT commit_no, link, body FROM commit_link WHERE lane = $1 ORDER BY commit_no", lane)
    return [(row["commit_no"], row["link"], json.loads(row["body"])) for row in rows]


async def test_a_link_is_the_sha_256_of_the_one_before_and_of_the_rows_as_they_are_stored(store: Store) -> None:
    """By hashlib alone, as somebody would who does not trust our code."""
    async with Lane(store) as lane:
        await lane.put(fix(2, 60), fix(1, 0, hdop=0.9))
        await lane.put(fix(1, 60))
    first, second = await store.pool.fetch("SELECT * FROM commit_link ORDER BY commit_no")
    assert hashlib.sha256(bytes(32) + first["body"].encode()).digest() == first["link"]
    assert hashlib.sha256(first["link"] + second["body"].encode()).digest() == second["link"]
    assert await store.pool.fetchval("SELECT link FROM lane") == second["link"]
    stored = await store.pool.fetch("SELECT * FROM fix WHERE NOT (tag = 1 AND fix_at = $1) ORDER BY tag", START_US + 60_000_000)
    rows = np.array([tuple(row) for row in stored], FIX).tobytes()
    marked = await store.pool.fetchval("SELECT marks FROM commit_slice WHERE commit_no = 1")
    assert json.loads(first["body"])["fix"] == [[DAY, 2, hashlib.sha256(rows + marked).hexdigest()]]


async def test_what_stores_nothing_leaves_no_link(store: Store) -> None:
    async with Lane(store) as lane:
        await lane.put(fix(1, 0))
        await lane.put(fix(1, 0))  # a duplicate
        await lane.put(batch_of(received_us=START_US + DAY_US))  # a tick
        await lane.put(fix(1, 60))
    assert [commit_no for commit_no, *_ in await links(store)] == [1, 4]


async def test_the_next_owner_goes_on_where_the_last_one_stopped(store: Store) -> None:
    await wearers(store, 1)
    async with Lane(store) as lane:
        await lane.put(fix(1, 0, 1.0))
    async with Lane(store, owner="another") as lane:
        await lane.put(fix(1, 60))
    (_, one, opened), (_, two, ended) = await links(store)
    assert two == hashlib.sha256(one + json.dumps(ended, separators=(",", ":"), sort_keys=True).encode()).digest()
    assert (opened["epoch"], ended["epoch"]) == (1, 2)
    assert (opened["told"], ended["told"]) == (None, 0), "the position before the entries of the commit before"
    assert [len(body["history"]) for body in (opened, ended)] == [1, 1]


async def test_lanes_have_chains_of_their_own(store: Store) -> None:
    async with Lane(store, 0) as one, Lane(store, 1) as two:
        await one.put(fix(1, 0))
        await two.put(fix(2, 0))
        await one.put(fix(1, 60))
    assert [len(await links(store, lane)) for lane in (0, 1)] == [2, 1]


async def test_late_fixes_are_a_slice_of_their_own_day(store: Store) -> None:
    async with Lane(store) as lane:
        await lane.put(fix(1, 0), fix(1, 86_400), fix(2, 0))
    ((_, _, body),) = await links(store)
    assert [part[:2] for part in body["fix"]] == [[DAY, 2], [DAY + 1, 1]]


async def test_requalifying_says_what_was_before(store: Store) -> None:
    async with Lane(store) as lane:
        await lane.put(fix(1, 60, quality=Quality.IMPLAUSIBLE, flags=1))
        lane.judge = lambda *args: fake.judge(*args)._replace(requalified=fix(1, 60, quality=Quality.OK, flags=1))
        await lane.put(fix(1, 120))
    body = (await links(store))[1][2]
    assert body["requalified"] == [[1, START_US + 60_000_000, 0, 0, Quality.IMPLAUSIBLE, 1, Quality.OK, 1]]


async def test_dead_letters_are_linked(store: Store) -> None:
    async with Lane(store) as lane:
        await lane.put(batch_of(dead=(DeadLetter("no position", b"{}", "http-json", "gw-2"),)))
    ((_, _, body),) = await links(store)
    assert [number for number, _ in body["dead"]] == [await store.pool.fetchval("SELECT id FROM dead_letter")]


def test_marks_differ_wherever_a_bit_does() -> None:
    rng = np.random.default_rng(20)
    rows = np.frombuffer(rng.bytes(FIX.itemsize * 500), FIX).copy()
    before = marks(rows)
    for bit in range(FIX.itemsize * 8):
        changed = rows[:1].copy()
        changed.view(np.uint8)[bit // 8] ^= 1 << bit % 8
        assert marks(changed)[0] != before[0]
    assert len(np.unique(before)) == 500
    assert marks(empty_fixes()).tobytes() == b""
    assert slices(empty_fixes(), "fix_at_us") == []
