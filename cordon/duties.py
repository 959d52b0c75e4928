"""Turns the list of background duties into tasks over one store: each goes on whatever becomes of the others.

Any number of instances may run them (`cordon up`, `cordon duties`): a duty either does no harm when done twice, or is ``alone``.
"""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from cordon import child, logs
from cordon.settings import Settings, read
from duties import (
    courier,
    deadman,
    forgetting,
    headroom,
    heads,
    mail,
    ordering,
    paper,
    partitions,
    people,
    retention,
    synthetic,
    watch,
)
from model import reach
from model.errors import CordonError, first
from model.instant import MINUTE_US
from store import rounds
from store.alone import alone
from store.pool import FAILURES, Store

RETRY_S: Final = 1.0  # after the first failure in a row; doubled by each further one
RETRY_MOST_S: Final = 60.0
RETRY_SOON_S: Final = 4.0  # instead, where people wait for it
NOTE_S: Final = 10.0  # a round that succeeds is noted this often at most: some take place every other second

log = structlog.get_logger()


class Duty(NamedTuple):
    """Something done again and again, a round at a time.

    ``act`` does one round and returns what is worth a log line, nothing where nothing happened. A round may be cut off at any
    moment: by the end of the process, or of the database. What goes on between rounds is entered as ``during`` before the first.
    """

    name: str
    act: Callable[[Store], Awaitable[Mapping[str, object] | None]]
    every_s: float  # from the end of one round to the beginning of the next
    alone: bool = False  # a round is skipped while another instance is at it; for whatever does harm when done twice at once
    during: AbstractAsyncContextManager[object] | None = None
    retry_most_s: float = RETRY_MOST_S  # between two rounds that fail


class _SkippedError(Exception):
    """Another instance is at this duty: it is for that one to say how it went."""


def listed(settings: Settings, disk: Path | None = None) -> tuple[Duty, ...]:
    """Every duty of an instance; ``disk`` is the folder of the database's server where that is on this machine."""
    owner = f"{socket.gethostname()}:{os.getpid()}"
    papers = paper.LIMITS._replace(first_fix_us=round(settings.first_fix_min * MINUTE_US))
    limits = watch.Limits(settings.synthetic_s if settings.door_url else 0.0, settings.synthetic_late_s)
    to = mail.server(settings.smtp_url) if settings.smtp_url else None
    post = courier.Courier(settings.console_url, to, settings.mail_from, reach.networks(settings.channel_networks))
    duties = [
        # A database that is back is soon to be asked what there is to tell.
        Duty("messages", post.round, courier.EVERY_S, during=post, retry_most_s=RETRY_SOON_S),
        Duty("partitions", _partitions, partitions.EVERY_S),
        Duty("forgetting", forgetting.forget, forgetting.EVERY_S),
        Duty("ordering", _ordering, ordering.EVERY_S, alone=True),
        Duty("retention", partial(_retention, days=settings.retention_days), retention.EVERY_S, alone=True),
        Duty("people", people.watch_over, people.EVERY_S),
        Duty("paper", partial(paper.look, limits=papers), paper.EVERY_S),
        Duty("watch", partial(watch.look, owner=owner, limits=limits), watch.EVERY_S),
    ]
    if disk is not None or settings.storage_bytes:
        measure = partial(_headroom, disk=disk, storage_bytes=settings.storage_bytes, days=settings.retention_days)
        duties.append(Duty("headroom", measure, headroom.EVERY_S, alone=True))
    if settings.signing is not None:
        duties.append(Duty("heads", partial(heads.sign, folder=settings.signing), heads.EVERY_S, alone=True))
    if limits.synthetic_s:
        crosser = synthetic.Crosser(settings.door_url, settings.lanes, *limits)
        duties.append(Duty("synthetic", crosser.cross, min(synthetic.LOOK_S, settings.synthetic_s / 4), alone=True))
    if settings.deadman_url:
        duties.append(Duty(watch.DEAD_MAN, deadman.Switch(settings.deadman_url).ping, settings.deadman_s))
    return tuple(duties)


async def _partitions(store: Store) -> Mapping[str, object] | None:
    made = await partitions.keep(store, time.time_ns() // 1000)
    return {"days": made} if made else None


async def _ordering(store: Store) -> Mapping[str, object] | None:
    return await ordering.order(store, time.time_ns() // 1000)


async def _retention(store: Store, *, days: int) -> Mapping[str, object] | None:
    return await retention.retain(store, time.time_ns() // 1000, days)


async def _headroom(store: Store, *, disk: Path | None, storage_bytes: int, days: int) -> Mapping[str, object] | None:
    return await headroom.measure(store, time.time_ns() // 1000, disk, storage_bytes, days)


async def run(dsn: str, duties: Sequence[Duty]) -> None:
    """Do all of them over a store of their own until cancelled."""
    size = 2 * len(duties) + 2  # a round alone holds one connection and works on another
    async with child.database(dsn, size) as store, AsyncExitStack() as lasting:
        with contextlib.suppress(*FAILURES):
            await rounds.begin(store, [duty.name for duty in duties])
        for duty in duties:
            if duty.during is not None:
                await lasting.enter_async_context(duty.during)
        async with asyncio.TaskGroup() as group:
            for duty in duties:
                group.create_task(keep(store, duty), name=duty.name)


async def keep(store: Store, duty: Duty) -> None:
    """Do one duty until cancelled. A failure is said once, and tried again: at once nearly, then ever more rarely."""
    failures = 0
    noted_s = -NOTE_S
    while True:
        try:
            did = await _round(store, duty)
        except _SkippedError:
            pause_s = duty.every_s
        except Exception as error:
            cause = first(error)
            if not failures:
                _say(duty, cause)
            with contextlib.suppress(*FAILURES):
                await rounds.failed(store, duty.name, duty.every_s, _words(cause))
            pause_s = min(RETRY_S * 2**failures, duty.retry_most_s)
            failures += 1
        else:
            if failures:
                log.info("duty goes on", duty=duty.name, failed_rounds=failures)
            if did:
                log.info("duty done", duty=duty.name, **did)
            if failures or time.monotonic() - noted_s >= NOTE_S:
                noted_s = time.monotonic()
                with contextlib.suppress(*FAILURES):
                    await rounds.done(store, duty.name, duty.every_s)
            failures, pause_s = 0, duty.every_s
        await asyncio.sleep(pause_s)


async def _round(store: Store, duty: Duty) -> Mapping[str, object] | None:
    if not duty.alone:
        return await duty.act(store)
    async with alone(store, duty.name) as free:
        if not free:
            raise _SkippedError
        return await duty.act(store)


def _words(error: BaseException) -> str:
    """Our own sentences say what to do and hold no one's data; of others the type."""
    return str(error) if isinstance(error, CordonError) else type(error).__name__


def _say(duty: Duty, error: BaseException) -> None:
    """In one line; with its trace where nobody expects it."""
    if isinstance(error, (CordonError, *FAILURES)):
        log.warning("duty failed; trying again", duty=duty.name, error=_words(error))
    else:
        log.error("duty failed; trying again", duty=duty.name, error=_words(error), exc_info=error)


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
