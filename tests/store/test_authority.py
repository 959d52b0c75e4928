"""When an order gives authority, from the history of its statuses: held against an obvious oracle."""

import itertools
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.instant import DAY_US, FOREVER_US
from model.order import IN_FORCE
from model.zone import Monitored
from store import world
from store.pool import Store
from store.world import NewActivation, NewOrder, NewStatus, NewWearer
from tests.chance import times
from tests.store.fake import START_US
from tests.store.told import load

STATUSES = ("pending", "active", "in_custody", "unlawfully_at_large", "completed")


class History(NamedTuple):
    starts: int
    ends: int | None
    first: str
    said: list[tuple[str, int]]  # status and day, in the order in which they were recorded


def status(history: History, day: int) -> str:
    """The slow way: of all that began by then the one that began last, of those that began together the one said last."""
    found, begun = history.first, -1
    for name, from_day in history.said:
        if begun <= from_day <= day:
            found, begun = name, from_day
    return found


def authorised(history: History, day: int) -> bool:
    return history.starts <= day and (history.ends is None or day < history.ends) and status(history, day) in IN_FORCE


histories = st.builds(
    History,
    st.integers(0, 3),
    st.one_of(st.none(), st.integers(4, 9)),
    st.sampled_from(STATUSES),
    st.lists(st.tuples(st.sampled_from(STATUSES), st.integers(0, 9)), max_size=4),
)


def at(day: int) -> int:
    return START_US + day * DAY_US


@settings(max_examples=times(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(histories, min_size=1, max_size=3))
async def test_a_wearer_is_monitored_exactly_while_some_order_says_so(store: Store, told: list[History]) -> None:
    tag = 1 + int(await store.pool.fetchval("SELECT coalesce(max(tag), 0) FROM activation"))
    orders = [
        NewOrder(
            *(0, at(one.starts), None if one.ends is None else at(one.ends)),
            status=one.first,
            statuses=[NewStatus(name, at(day)) for name, day in one.said],
        )
        for one in told
    ]
    made = await world.create(store, [NewWearer("Test Wearer")], orders, [NewActivation(0, tag, at(0))])
    spans = [span for span in (await load(store, START_US)).monitored if span.tag == tag]
    for day in range(12):
        now = {span.order for span in spans if span.from_us <= at(day) < span.to_us}
        assert now == {order for order, one in zip(made.orders, told, strict=True) if authorised(one, day)}, day
        row = await store.pool.fetchval(
            "SELECT array_agg(status_at(o, $2) ORDER BY id) FROM monitoring_order o WHERE id = ANY ($1::bigint[])",
            made.orders,
            at(day),
        )
        assert row == [status(one, day) for one in told]
    for order in made.orders:
        own = [span for span in spans if span.order == order]
        assert all(one.to_us < other.from_us for one, other in itertools.pairwise(own)), "what touches is one span"


async def test_at_large_goes_on_from_active_without_a_seam(store: Store) -> None:
    order = NewOrder(0, at(0), statuses=[NewStatus("unlawfully_at_large", at(2)), NewStatus("active", at(5))])
    made = await world.create(store, [NewWearer("Test Wearer")], [order], [NewActivation(0, 5, at(1))])
    said = await load(store, START_US)
    assert said.monitored == [Monitored(5, made.wearers[0], made.orders[0], at(1), FOREVER_US, at(1))]


SHOWN = "SELECT NOT $1::timestamptz <@ time FROM sealed(5) AS time"


@pytest.mark.parametrize(("day", "seen"), [(1, True), (3, False), (6, True)])
async def test_what_a_tag_said_without_authority_is_sealed(store: Store, day: int, seen: bool) -> None:
    order = NewOrder(0, at(0), statuses=[NewStatus("paused_by_court", at(2)), NewStatus("active", at(5))])
    await world.create(store, [NewWearer("Test Wearer")], [order], [NewActivation(0, 5, at(0), at(9))])
    assert (await store.pool.fetchval(SHOWN, at(day))) is seen
    assert await store.pool.fetchval(SHOWN, at(10)), "nobody wears it: nobody's to hide"
