"""Turns a server that starts and stops, and blocks meanwhile, into one that ``async with`` runs on a folder of its own."""

import asyncio
import shutil
import subprocess
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO, Final, Self

from model.errors import CordonError

LOG_KEEP_BYTES: Final = 8_000_000  # a log longer than this is put aside at the next start, one old one kept


class Server(ABC):
    """A server of our own on a data folder, as our child process: ``async with`` it, or ``start()`` and ``stop()``.

    The data stay. The process we start is a guard (store/guard.py) that runs the server: killed outright, we take it along.

    Parameters
    ----------
    data_dir : made if absent. One at a time may run on it
    sockets : a folder that goes when the server was stopped
    """

    def __init__(self, data_dir: Path, sockets: Path | None = None) -> None:
        self.data_dir = data_dir
        self._sockets = sockets
        self._lock: IO[str] | None = None  # while the folder is ours
        self._guard: subprocess.Popen[bytes] | None = None
        self._changing = threading.Lock()  # a stop while the server is started again waits for it

    @abstractmethod
    def start(self) -> None:
        """Return when it serves."""

    @abstractmethod
    def _revive(self) -> None:
        """Start it on the folder, which is ours; clients find it where they did."""

    def wait(self) -> int:
        """Return when the server has ended, by itself or by ``stop``; its exit code, negative where a signal ended it."""
        return 0 if self._guard is None else self._guard.wait()

    def again(self) -> None:
        """Start a server that ended by itself again; the folder stays ours meanwhile.

        Raises
        ------
        CordonError
            If it does not come up.
        """
        with self._changing:
            if self._guard is None:  # stopped meanwhile
                return
            self._end()
            self._revive()

    def stop(self) -> None:
        """Stop the server in order and give the folder free; without effect where it does not run."""
        with self._changing:
            if self._guard is not None:
                self._end()
                if self._sockets is not None:
                    shutil.rmtree(self._sockets, ignore_errors=True)
            if self._lock is not None:
                self._lock.close()
                self._lock = None

    def _end(self) -> None:
        if self._guard is not None:
            assert self._guard.stdin is not None
            self._guard.stdin.close()
            self._guard.wait()
            self._guard = None

    def _open_lock(self) -> IO[str]:
        """The folder's file that whoever runs on it has locked; the folder is made."""
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            return (self.data_dir / "lock").open("a+")
        except OSError as error:
            raise CordonError(f"{self.data_dir} cannot be used ({error.strerror}): choose another data folder") from None

    async def __aenter__(self) -> Self:
        starting = asyncio.ensure_future(asyncio.to_thread(self.start))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:  # the thread goes on regardless: what it starts would be nobody's
            await starting
            await asyncio.to_thread(self.stop)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)


def put_aside(log: Path) -> None:
    """Let a log that has grown long begin anew."""
    if log.exists() and log.stat().st_size > LOG_KEEP_BYTES:
        log.replace(log.with_suffix(".log.1"))
