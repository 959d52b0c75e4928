"""Turns a receipt's id into what became of the records it was given for."""

from model.batch import Receipt
from store.pool import Store


async def get(store: Store, receipt: str) -> Receipt | None:
    """What all lanes together have stored of it so far; None where none has committed any of it."""
    row = await store.pool.fetchrow(
        "SELECT sum(stored) AS stored, sum(duplicate) AS duplicate FROM receipt WHERE id = $1", receipt
    )
    assert row is not None
    return None if row["stored"] is None else Receipt(receipt, int(row["stored"]), int(row["duplicate"]))
