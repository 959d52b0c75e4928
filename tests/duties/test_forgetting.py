"""What is old is dropped, what is not stays."""

from duties.forgetting import forget
from store import receipts
from store.pool import Store


async def test_old_receipts_are_dropped_and_young_ones_stay(store: Store) -> None:
    await store.pool.execute("INSERT INTO lane (partition) VALUES (0)")
    await store.pool.execute(
        """INSERT INTO receipt (id, lane, stored, duplicate, at) VALUES
           ('old', 0, 3, 1, now() - interval '8 days'), ('young', 0, 2, 0, now() - interval '6 days')"""
    )
    assert await forget(store) == {"receipts": 1}
    assert await receipts.get(store, "old") is None
    young = await receipts.get(store, "young")
    assert young is not None
    assert (young.stored, young.duplicate) == (2, 0)
    assert await forget(store) == {}
