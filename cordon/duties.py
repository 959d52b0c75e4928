"""Turns the list of background duties into tasks over one store: each goes on whatever becomes of the others.

Any number of instances may run them (`cordon up`, `cordon duties`): a duty either does no harm when done twice, or is ``alone``.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import structlog

from cordon import child, logs
from cordon.settings import Settings, read
from duties import forgetting, heads, ordering, partitions, retention
from model.errors import CordonError
from store.alone import alone
from store.pool import FAILURES, Store

RETRY_S: Final = 1.0  # after the first failure in a row; doubled by each further one
RETRY_MOST_S: Final = 60.0

log = structlog.get_logger()


class Duty(NamedTuple):
    """Something done again and again, a round at a time.

    ``act`` does one round and returns what is worth a log line, nothing where nothing happened. A round may be cut off at any
    moment: by the end of the process, or of the database.
    """

    name: str
    act: Callable[[Store], Awaitable[Mapping[str, object] | None]]
    every_s: float  # from the end of one round to the beginning of the next
    alone: bool = False  # a round is skipped while another instance is at it; for whatever does harm when done twice at once


def listed(settings: Settings) -> tuple[Duty, ...]:
    """Every duty of an instance."""
    signing = (
        () if settings.signing is None else (Duty("heads", partial(heads.sign, folder=settings.signing), heads.EVERY_S, True),)
    )
    return (
        Duty("partitions", _partitions, partitions.EVERY_S),
        Duty("forgetting", forgetting.forget, forgetting.EVERY_S),
        Duty("ordering", _ordering, ordering.EVERY_S, alone=True),
        Duty("retention", partial(_retention, days=settings.retention_days), retention.EVERY_S, alone=True),
        *signing,
    )


async def _partitions(store: Store) -> Mapping[str, object] | None:
    made = await partitions.keep(store, time.time_ns() // 1000)
    return {"days": made} if made else None


async def _ordering(store: Store) -> Mapping[str, object] | None:
    return await ordering.order(store, time.time_ns() // 1000)


async def _retention(store: Store, *, days: int) -> Mapping[str, object] | None:
    return await retention.retain(store, time.time_ns() // 1000, days)


async def run(dsn: str, duties: Sequence[Duty]) -> None:
    """Do all of them over a store of their own until cancelled."""
    size = 2 * len(duties) + 2  # a round alone holds one connection and works on another
    async with child.database(dsn, size) as store, asyncio.TaskGroup() as group:
        for duty in duties:
            group.create_task(keep(store, duty), name=duty.name)


async def keep(store: Store, duty: Duty) -> None:
    """Do one duty until cancelled. A failure is said once, and tried again: at once nearly, then ever more rarely."""
    failures = 0
    while True:
        try:
            did = await _round(store, duty)
        except Exception as error:
            if not failures:
                _say(duty, error)
            pause_s = min(RETRY_S * 2**failures, RETRY_MOST_S)
            failures += 1
        else:
            if failures:
                log.info("duty goes on", duty=duty.name, failed_rounds=failures)
            if did:
                log.info("duty done", duty=duty.name, **did)
            failures, pause_s = 0, duty.every_s
        await asyncio.sleep(pause_s)


async def _round(store: Store, duty: Duty) -> Mapping[str, object] | None:
    if not duty.alone:
        return await duty.act(store)
    async with alone(store, duty.name) as free:
        return await duty.act(store) if free else None


def _say(duty: Duty, error: Exception) -> None:
    """Our own sentences say what to do and hold no one's data; of others the type, and the trace where nobody expects it."""
    if isinstance(error, CordonError):
        log.warning("duty failed; trying again", duty=duty.name, error=str(error))
    elif isinstance(error, FAILURES):
        log.warning("duty failed; trying again", duty=duty.name, error=type(error).__name__)
    else:
        log.error("duty failed; trying again", duty=duty.name, error=type(error).__name__, exc_info=error)


async def run_duties(dsn: str) -> None:
    """The command's process: every duty over a database, until told to stop.

    Raises
    ------
    CordonError
        If no database is named, or it cannot be reached.
    """
    settings = read()
    settings = settings.model_copy(update={"dsn": dsn or settings.dsn})
    if not settings.dsn:
        raise CordonError("which database? Give --dsn, or set CORDON_DSN; on one machine `cordon up` does the duties itself")
    logs.configure(settings.log_level, settings.log_file, "duties")
    async with asyncio.TaskGroup() as group:
        running = group.create_task(run(settings.dsn, listed(settings)))
        child.say_ready()
        await child.until_told(settings.parent_pipe)
        running.cancel()
