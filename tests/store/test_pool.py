"""The store speaks microseconds and plain values, and says what to do when it cannot be reached."""

import pytest

from model.errors import CordonError
from model.instant import FOREVER_US
from store.pool import Store


@pytest.mark.parametrize("us", [0, -1, 1_774_000_000_123_456, FOREVER_US])
async def test_times_are_microseconds_both_ways(store: Store, us: int) -> None:
    row = await store.pool.fetchrow("SELECT $1::timestamptz AS one, $2::timestamptz[] AS many", us, [us, us + 1])
    assert (row["one"], row["many"]) == (us, [us, us + 1])


async def test_a_microsecond_value_is_the_instant_it_says(store: Store) -> None:
    assert await store.pool.fetchval("SELECT $1::timestamptz = '2026-11-22T08:00:00Z'", 1_795_334_400_000_000)


async def test_json_is_plain_values(store: Store) -> None:
    assert await store.pool.fetchval("SELECT $1::jsonb", {"a": [1, None]}) == {"a": [1, None]}


async def test_an_unreachable_server_is_one_sentence() -> None:
    with pytest.raises(CordonError, match="cannot be reached"):
        await Store("postgresql://cordon@/cordon?host=/nowhere").open()


def test_a_store_that_is_not_open_says_so() -> None:
    with pytest.raises(CordonError, match="not open"):
        _ = Store("postgresql:///x").pool
