"""Turns a gateway's name into the number its fixes are stored with."""

from store.pool import Store


async def number(store: Store, name: str) -> int:
    """The gateway's number, made when the name is first heard; remembered."""
    known = store.gateways.get(name)
    if known is None:
        # An insert that finds the name would use up a number each time, and DO NOTHING would not return the row.
        known = await store.pool.fetchval("SELECT id FROM gateway WHERE name = $1", name)
        if known is None:
            known = await store.pool.fetchval(
                "INSERT INTO gateway (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id", name
            )
        store.gateways[name] = known
    return known
