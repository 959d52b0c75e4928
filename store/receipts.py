"""Turns a receipt's id into what became of the records it was given for."""

from typing import Final

from model.batch import Receipt
from store.pool import Store

KEPT_S: Final = 7 * 86_400.0  # what the gateways' door promises


async def get(store: Store, receipt: str) -> Receipt | None:
    """What all lanes together have stored of it, its numbers None until every frame of it is committed.

    None where no frame of it is: it is still to come, or there never was such a receipt.
    """
    row = await store.pool.fetchrow(
        "SELECT sum(stored) AS stored, sum(duplicate) AS duplicate, sum(done) >= max(frames) AS whole FROM receipt WHERE id = $1",
        receipt,
    )
    assert row is not None
    if row["stored"] is None:
        return None
    return Receipt(receipt, int(row["stored"]), int(row["duplicate"])) if row["whole"] else Receipt(receipt, None, None)


async def passed(store: Store, at_us: int) -> bool:
    """Whether every lane has come to that time, microseconds since 1970 UTC; lanes that fewer have replaced do not count."""
    found: bool = await store.pool.fetchval(
        "SELECT coalesce(min(watermark) > $1, false) FROM lane WHERE generation = (SELECT max(generation) FROM lane)", at_us
    )
    return found


async def forget(store: Store, older_than_s: float = KEPT_S) -> int:
    """Drop receipts older than that many seconds; how many rows."""
    done: str = await store.pool.execute("DELETE FROM receipt WHERE at < now() - make_interval(secs => $1)", older_than_s)
    return int(done.rpartition(" ")[2])
