"""What a process started by another of ours does at both ends of its life: says when it is ready, ends when its parent does."""

import asyncio
import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Final

import structlog
import uvloop

from model.errors import CordonError, first
from store import version
from store.pool import FAILURES, Store

READY: Final = b"ready\n"
DATABASE_S: Final = 90.0  # a database that was killed reads its log first; the supervisor waits longer than this
RETRY_S: Final = 0.25
SCHEMA_S: Final = 1.0  # how often a process looks whether the database was migrated past it

log = structlog.get_logger()


_begun = threading.Event()  # from here on ``until_told`` ends the work in order


def run(job: Coroutine[Any, Any, None], process: str, *, watch_parent: bool) -> int:
    """Run a process's work to its end; its exit code. A failure is one log line, with its trace where it is not a plain one."""
    if watch_parent:
        threading.Thread(target=_end_unbegun, name="parent", daemon=True).start()
    try:
        uvloop.run(job)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        cause = first(error)
        if isinstance(cause, CordonError):
            log.error("ended", process=process, error=str(cause))  # noqa: TRY400 - the sentence says it all
        else:
            log.exception("ended", process=process, error=type(cause).__name__)
        return 1
    return 0


def _end_unbegun() -> None:
    """End at once if the parent goes before the work has begun: compiling, or waiting for a database that went with it."""
    parent = select.poll()
    parent.register(sys.stdin.fileno(), 0)  # its end is always told
    parent.poll()
    if not _begun.is_set():
        os._exit(1)


def say_ready() -> None:
    """Tell the parent, on standard output, that this process answers."""
    os.write(sys.stdout.fileno(), READY)


@contextlib.asynccontextmanager
async def database(dsn: str, size: int) -> AsyncIterator[Store]:
    """The store, waited for where its server is away, recovering, or being migrated: who gave up would only be started again.

    Should the database be migrated past this code meanwhile, the process is told to end, as by SIGTERM: in order, before a
    statement of ours meets a table it does not know.

    Raises
    ------
    CordonError
        If it cannot be reached for ``DATABASE_S``, or is that of a newer Cordon.
    """
    store = Store(dsn, size=size)
    deadline = asyncio.get_running_loop().time() + DATABASE_S
    while True:
        try:
            await store.open()
            await version.check(store)
            break
        except version.OutdatedError:
            await store.close()
            raise
        except (CordonError, *FAILURES) as error:
            await store.close()
            if asyncio.get_running_loop().time() > deadline:
                raise
            log.warning("the database is waited for", reason=str(error))
            await asyncio.sleep(RETRY_S)
    ageing = asyncio.create_task(_end_when_outdated(store))
    try:
        yield store
    finally:
        ageing.cancel()
        await store.close()


async def _end_when_outdated(store: Store) -> None:
    while True:
        await asyncio.sleep(SCHEMA_S)
        try:
            await version.check(store)
        except version.OutdatedError as error:
            log.error("ending", reason=str(error))  # noqa: TRY400 - the sentence says it all
            os.kill(os.getpid(), signal.SIGTERM)
            return
        except (CordonError, *FAILURES):  # away: whoever needs it finds out
            continue


async def until_told(watch_parent: bool) -> None:
    """Return at SIGINT or SIGTERM, or when the parent that holds the other end of standard input is gone, even by kill -9."""
    _begun.set()
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    with _signals(loop, done.set):
        if watch_parent:
            os.set_blocking(sys.stdin.fileno(), False)
            loop.add_reader(sys.stdin.fileno(), lambda: _read_parent(loop, done.set))
        await done.wait()


def _read_parent(loop: asyncio.AbstractEventLoop, gone: Callable[[], None]) -> None:
    with contextlib.suppress(BlockingIOError):
        if not os.read(sys.stdin.fileno(), 64):
            loop.remove_reader(sys.stdin.fileno())
            gone()


@contextlib.contextmanager
def _signals(loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> Iterator[None]:
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, act)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
