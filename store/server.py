"""Turns a server that starts and stops, and blocks meanwhile, into one that ``async with`` runs."""

import asyncio
from abc import ABC, abstractmethod
from typing import Self


class Server(ABC):
    """A server of our own, as our child process: ``async with`` it, or ``start()`` and ``stop()``."""

    @abstractmethod
    def start(self) -> None:
        """Return when it serves."""

    @abstractmethod
    def stop(self) -> None:
        """Stop it in order; without effect where it does not run."""

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
