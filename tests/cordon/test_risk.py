"""How grave an absence is goes by the risk that held then, also where it is judged after the risk has changed."""

from store import controls, orders
from store.feed import edit
from store.pool import Store
from tests.api.test_compliance import HOME_M, SHOP_M, lives, moves, us
from tests.cordon.judged import Watched


async def severity(store: Store) -> int | None:
    found: int | None = await store.pool.fetchval("SELECT severity FROM alert WHERE kind = 'curfew_absence'")
    return found


async def test_an_evening_judged_again_after_the_risk_has_become_high_is_as_grave_as_it_was(store: Store) -> None:
    made = await lives(store)
    lane = await Watched.begin(store)
    await lane.put(*moves("20:10", ("18:50", HOME_M), ("20:00", SHOP_M)))
    assert await severity(store) == 3
    async with edit(store) as change:
        await orders.edit(change, made.orders[0], 1, {"risk": "high"})
    assert [version.high_risk for version in (await controls.load(store, us("20:10"))).curfews] == [False, True]
    # Another worker takes the lane over and judges on: that evening's clock runs by that evening's version.
    await (await Watched.begin(store)).put(now_us=us("20:45"))
    assert await severity(store) == 2
