"""Lanes that become others: what they remember goes along, and the chains of those that there are no longer stand for ever."""

import numpy as np
import pytest

from model.errors import CordonError
from model.fix import Quality
from model.instant import DAY_US
from model.lane import lane_of
from store import evidence, heads, moving, proof
from store.generations import Generation
from store.heads import Signed
from store.pool import Store
from tests.store import fake
from tests.store.fake import START_US, batch_of, fix
from tests.store.lane import Lane, wearers

TWO, ONE, TWO_AGAIN = Generation(1, 2, moved=True), Generation(2, 1, moved=True), Generation(3, 2, moved=True)
TAGS = np.arange(1, 9)
EVEN, ODD = (int(TAGS[lane_of(TAGS, 2) == lane][0]) for lane in (0, 1))


async def signed(store: Store) -> list[tuple[int, int]]:
    """Lane and day, from the tests' first, of each head signed just now."""
    due = await heads.unsigned(store)
    for head in due:
        await heads.keep(store, Signed(head, "k", b"signed"))
    return [(head.lane, head.day - START_US // DAY_US) for head in due]


async def prove(store: Store, span: proof.Span = proof.Span()) -> proof.Counts:  # noqa: B008
    async with proof.moment(store) as connection:
        return await proof.prove(connection, span, (), lambda _: True)


async def move(store: Store, before: Generation, after: Generation) -> None:
    await moving.move(store, before, after, dict.fromkeys(range(before.lanes), (0, 0)))


async def test_a_lane_that_is_gone_is_signed_checks_and_goes_on_where_it_comes_back(store: Store) -> None:
    await wearers(store, len(TAGS))
    async with Lane(store, 0, generation=1) as even, Lane(store, 1, generation=1) as odd:
        await even.put(fix(EVEN, 0, 1.0))
        await odd.put(fix(ODD, 0, 1.0), fix(ODD, 60, 1.0, quality=Quality.IMPLAUSIBLE))
    await move(store, TWO, ONE)
    assert (await prove(store)).links == 2
    async with Lane(store, 0, generation=2) as only:
        # The tag's next commits are in another chain, before the older one by the lane's number.
        only.judge = lambda *args: fake.judge(*args)._replace(requalified=fix(ODD, 60, quality=Quality.OK))
        await only.put(fix(ODD, 120))
        only.judge = fake.judge
        await only.put(batch_of(received_us=START_US + DAY_US))
    assert await signed(store) == [(0, 0), (1, 0)], "nothing will be added to the day of the lane that is gone"
    await move(store, ONE, TWO_AGAIN)
    async with Lane(store, 1, generation=3) as odd:
        odd.judge = lambda *args: fake.judge(*args)._replace(requalified=fix(ODD, 60, quality=Quality.IMPLAUSIBLE))
        await odd.put(fix(ODD, 86_400, 1.0))
        odd.judge = fake.judge
        await odd.put(batch_of(received_us=START_US + 2 * DAY_US))
    assert await signed(store) == [(1, 1)]
    counts = await prove(store)
    assert (counts.links, counts.heads, counts.fixes, counts.alerts) == (4, 3, 5, 2)

    # Its alert's history is spread over both chains.
    number = await store.pool.fetchval("SELECT min(id) FROM alert WHERE wearer = $1", ODD)
    bundle = await evidence.bundle(store, number)
    assert [(bundle.places[row["position"]].lane, row["at"] // DAY_US - START_US // DAY_US) for row in bundle.detail.history] == [
        (1, 0),
        (0, 0),
        (1, 1),
    ]
    assert bundle.places[bundle.detail.history[0]["position"]].head is not None


async def test_tampering_with_a_lane_that_is_gone_is_found(store: Store) -> None:
    await wearers(store, len(TAGS))
    async with Lane(store, 0, generation=1) as even, Lane(store, 1, generation=1) as odd:
        await even.put(fix(EVEN, 0, 1.0))
        await odd.put(fix(ODD, 0, 1.0))
    await move(store, TWO, ONE)
    await prove(store)
    await store.pool.execute("UPDATE fix SET lat = lat + 0.01 WHERE tag = $1", ODD)
    with pytest.raises(proof.MismatchError) as raised:
        await prove(store)
    assert raised.value.lane == 1


async def test_lanes_that_are_not_at_the_end_are_not_moved(store: Store) -> None:
    async with Lane(store, 0, generation=1) as even:
        await even.put(fix(EVEN, 0))
    with pytest.raises(CordonError, match="that no worker ever had"):
        await move(store, TWO, ONE)
    async with Lane(store, 1, generation=1):
        pass
    with pytest.raises(CordonError, match=r"lanes \[0\] are not at the end"):
        await moving.move(store, TWO, ONE, {0: (1, 0), 1: (0, 0)})
    await move(store, TWO, ONE)
