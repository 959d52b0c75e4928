"""Drops what nobody will ask for again: ended sessions, answers kept for repeated requests, old receipts."""

import asyncio
from typing import Final

import structlog

from store import idempotency, receipts, sessions
from store.pool import FAILURES, Store

EVERY_S: Final = 3600.0
RETRY_S: Final = 60.0

log = structlog.get_logger()


async def forget(store: Store) -> dict[str, int]:
    """Drop all of it once; how many rows of each."""
    return {
        "sessions": await sessions.forget(store),
        "answers": await idempotency.forget(store),
        "receipts": await receipts.forget(store),
    }


async def run(store: Store) -> None:
    """Keep doing so until cancelled."""
    while True:
        try:
            dropped = await forget(store)
            if any(dropped.values()):
                log.info("forgotten", **dropped)
            await asyncio.sleep(EVERY_S)
        except FAILURES as error:
            log.warning("could not forget; trying again", error=type(error).__name__)
            await asyncio.sleep(RETRY_S)
