"""What a process started by another of ours does at both ends of its life: says when it is ready, ends when its parent does."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Final

READY: Final = b"ready\n"


def say_ready() -> None:
    """Tell the parent, on standard output, that this process answers."""
    os.write(sys.stdout.fileno(), READY)


async def until_told(watch_parent: bool) -> None:
    """Return at SIGINT or SIGTERM, or when the parent that holds the other end of standard input is gone, even by kill -9."""
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
