"""What the doors say of a receipt: numbers, that they are still to come, or that there is none."""

import time

import pytest

from cordon.doors import AHEAD_US, receipt_finder
from model.batch import Receipt, new_receipt
from model.instant import DAY_US, HOUR_US
from store.pool import Store

LANES = "INSERT INTO lane (partition, generation, watermark) VALUES (0, 1, $1), (1, 2, $2), (2, 2, $3)"


@pytest.mark.parametrize(
    ("age_us", "behind_us", "known"),
    [
        (HOUR_US, 0, True),
        (2 * DAY_US, 0, False),
        (2 * DAY_US, 3 * DAY_US, True),
        (8 * DAY_US, 9 * DAY_US, False),
        (-AHEAD_US // 2, 0, True),
        (-2 * AHEAD_US, 0, False),
    ],
    ids=["of today", "all lanes are past it", "a lane is not", "nothing is kept so long", "of an edge ahead", "of nobody"],
)
async def test_one_nobody_heard_of_is_awaited_while_it_may_come(
    store: Store, age_us: int, behind_us: int, *, known: bool
) -> None:
    """The lane that is three weeks behind is one that fewer lanes have replaced."""
    now_us = time.time_ns() // 1000
    await store.pool.execute(LANES, now_us - 21 * DAY_US, now_us, now_us - behind_us)
    id_ = new_receipt(now_us - age_us)
    assert await receipt_finder(store)(id_) == (Receipt(id_, None, None) if known else None)


async def test_before_any_lane_is_claimed_all_are_awaited(store: Store) -> None:
    id_ = new_receipt(time.time_ns() // 1000 - 2 * DAY_US)
    assert await receipt_finder(store)(id_) == Receipt(id_, None, None)
    assert await receipt_finder(store)("no receipt of ours") is None


async def test_what_is_committed_has_its_numbers(store: Store) -> None:
    now_us = time.time_ns() // 1000
    await store.pool.execute(LANES, now_us, now_us, now_us)
    id_ = new_receipt(now_us - 3 * DAY_US)
    await store.pool.execute("INSERT INTO receipt (id, lane, stored, duplicate) VALUES ($1, 1, 3, 1)", id_)
    assert await receipt_finder(store)(id_) == Receipt(id_, 3, 1)
