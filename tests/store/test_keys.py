"""A gateway's key is known by its hash, until it is revoked."""

import pytest

from model.errors import CordonError
from store import gateways, keys
from store.pool import Store


async def test_a_key_names_its_gateway_and_no_other_does(store: Store) -> None:
    key, other = await keys.create(store, "gw-1"), await keys.create(store, "gw-2")
    assert [await keys.authenticate(store, given) for given in (key, other)] == ["gw-1", "gw-2"]
    for wrong in ("", key[:-1], key + "x", key[: keys.PREFIX] + other[keys.PREFIX :], key.swapcase()):
        assert await keys.authenticate(store, wrong) is None


async def test_a_revoked_key_is_worthless_and_still_listed(store: Store) -> None:
    key, kept = await keys.create(store, "gw-1"), await keys.create(store, "gw-1")
    await keys.revoke(store, key[: keys.PREFIX])
    assert [await keys.authenticate(store, given) for given in (key, kept)] == [None, "gw-1"]
    assert [(shown.gateway, shown.revoked_us is None) for shown in await keys.listed(store)] == [("gw-1", False), ("gw-1", True)]
    with pytest.raises(CordonError, match="no key in use begins with"):
        await keys.revoke(store, key[: keys.PREFIX])


async def test_a_key_made_for_a_while_is_worthless_then_and_revoked_before(store: Store) -> None:
    over, good = await keys.create(store, "gw-1", good_s=0), await keys.create(store, "gw-1", good_s=600)
    assert [await keys.authenticate(store, given) for given in (over, good)] == [None, "gw-1"]
    await keys.revoke(store, good[: keys.PREFIX])
    assert await keys.authenticate(store, good) is None
    with pytest.raises(CordonError, match="no key in use begins with"):
        await keys.revoke(store, over[: keys.PREFIX])


async def test_the_key_itself_is_nowhere_in_the_database(store: Store) -> None:
    key = await keys.create(store, "gw-1")
    row = await store.pool.fetchrow("SELECT * FROM gateway_key")
    assert key not in str(dict(row))
    assert len(key) == 43


async def test_a_gateway_has_one_number(store: Store, database: str) -> None:
    first = await gateways.number(store, "gw-1")
    async with Store(database) as another:
        assert await gateways.number(another, "gw-1") == first
        assert await gateways.number(another, "gw-2") == first + 1
    assert await gateways.number(store, "gw-1") == first


async def test_a_key_is_revoked_by_as_much_of_its_start_as_tells_it_from_others(store: Store) -> None:
    key = await keys.create(store, "gw-1")
    shown = key[: keys.PREFIX]
    twin = shown[:6] + ("x" if shown[6] != "x" else "y") + shown[7:]
    await store.pool.execute("INSERT INTO gateway_key (gateway, prefix, hash) SELECT gateway, $1, 'other' FROM gateway_key", twin)
    with pytest.raises(CordonError, match=f"2 keys in use begin with {shown[:6]}: give more of the one of {shown}, {twin}"):
        await keys.revoke(store, shown[:6])
    for short in ("", shown[:3]):
        with pytest.raises(CordonError, match="too short to name a key: give at least 4"):
            await keys.revoke(store, short)
    with pytest.raises(CordonError, match="no key in use begins with %%%%"):
        await keys.revoke(store, "%%%%")
    assert await keys.authenticate(store, key) == "gw-1"
    assert await keys.revoke(store, shown[:7]) == shown
    assert await keys.authenticate(store, key) is None
    assert await keys.revoke(store, twin[:4]) == twin, "what was revoked before stands in nobody's way"
