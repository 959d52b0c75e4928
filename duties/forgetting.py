"""Drops what nobody will ask for again: ended sessions, answers kept for repeated requests, old receipts."""

from typing import Final

from store import idempotency, receipts, sessions
from store.pool import Store

EVERY_S: Final = 3600.0


async def forget(store: Store) -> dict[str, int]:
    """Drop all of it once; how many rows of each, those that had none left out."""
    dropped = {
        "sessions": await sessions.forget(store),
        "answers": await idempotency.forget(store),
        "receipts": await receipts.forget(store),
    }
    return {name: rows for name, rows in dropped.items() if rows}
