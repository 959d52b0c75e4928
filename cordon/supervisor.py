"""Keeps one child process running: starts it, waits until it is ready, starts it again when it dies, ends it."""

import asyncio
import contextlib
import signal
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from cordon.child import READY
from model.errors import CordonError
from store.server import Server

READY_S: Final = (
    600.0  # the first start compiles the geofence kernels, a minute or more on a busy machine; later ones take seconds
)
STOP_S: Final = 20.0  # a commit in hand ends well within this
RESTART_WINDOW_S: Final = 60.0  # within which too many deaths show that starting again is no help
PAUSE_S: Final = 0.5  # between a death and the next start

log = structlog.get_logger()


class Deaths:
    """When a part ended by itself; too many in a short while and it is not started again."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._at: deque[float] = deque(maxlen=most)

    def note(self, code: int | None) -> None:
        """Say that it ended.

        Raises
        ------
        CordonError
            If it keeps ending: better to end loudly than to look alive.
        """
        self._at.append(time.monotonic())
        log.error("ended by itself; started again", part=self._name, exit_code=code)
        if len(self._at) == self._at.maxlen and self._at[-1] - self._at[0] < RESTART_WINDOW_S:
            raise CordonError(f"the {self._name} ended {len(self._at)} times within a minute; see its log")


async def keep(server: Server, name: str, most: int) -> None:
    """Start a server of our own again whenever it ends, until cancelled; ``most`` is how often a minute it may.

    Raises
    ------
    CordonError
        If it keeps ending, or does not come up.
    """
    deaths = Deaths(name, most)
    while True:
        deaths.note(await asyncio.to_thread(server.wait))
        await asyncio.to_thread(server.again)


class Child:
    """One process of ours, run as ``python -m module``."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        pass_fds: Sequence[int] = (),
        *,
        deaths_a_minute: int,
    ) -> None:
        self.name = name
        self._command = [sys.executable, *command]
        self._environment = dict(environment)
        self._pass_fds = tuple(pass_fds)
        self._process: asyncio.subprocess.Process | None = None
        self._deaths = Deaths(name, deaths_a_minute)

    async def start(self) -> None:
        """Start it and wait until it says it is ready.

        Raises
        ------
        CordonError
            If it ends or stays silent instead; its last words are in the log.
        """
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,  # closes when this process ends, however it ends
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
            pass_fds=self._pass_fds,
            start_new_session=True,  # Ctrl-C is the parent's to hear; it then ends its children in order
        )
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(READY_S):
                said = await self._process.stdout.readline()
        except TimeoutError as error:
            await self.stop()
            raise CordonError(f"the {self.name} did not start within {READY_S:.0f} s; see its log") from error
        if said != READY:
            await self._process.wait()
            raise CordonError(f"the {self.name} ended while starting (exit code {self._process.returncode}); see its log")

    async def keep(self) -> None:
        """Start it again whenever it ends, until cancelled.

        Raises
        ------
        CordonError
            If it keeps ending.
        """
        while True:
            assert self._process is not None
            self._deaths.note(await self._process.wait())
            await asyncio.sleep(PAUSE_S)
            with contextlib.suppress(CordonError):
                await self.start()

    async def stop(self) -> None:
        """Ask it to end, and wait; by force if it does not."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            log.warning("child did not end when asked; killed", child=self.name)
            process.kill()
            await process.wait()
