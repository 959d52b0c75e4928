"""Turns the control tables into the world that batches are judged in, read often enough to be in force within a second."""

import asyncio
import time
from typing import Final

import structlog

from alerts.rules import Rules
from alerts.world import World
from model.errors import CordonError
from store import controls
from store.pool import Store

READ_S: Final = 0.25  # between two looks at the newest control change
STALE_S: Final = 1.0  # a change is in force a second after it was saved: judging on an older read could miss it

log = structlog.get_logger()


class Worlds:
    """The world as the control tables last said, and when that was."""

    def __init__(self, store: Store, rules: Rules) -> None:
        self._store = store
        self._rules = rules
        self._world: World | None = None
        self._read_at = -STALE_S
        self._fresh = asyncio.Condition()

    async def load(self) -> World:
        """Read the control tables whatever they say, and return the world they make."""
        before = time.monotonic()
        said = await controls.load(self._store)
        args = (said.zones, said.assignments, said.monitored, said.shared)
        if self._world is None:
            world = await asyncio.to_thread(World.build, *args, self._rules, said.control_seq)
        else:
            world = await asyncio.to_thread(self._world.changed, *args, said.control_seq)
        self._world, self._read_at = world, before
        return world

    async def current(self) -> World:
        """The world, waiting while the last good read is over ``STALE_S`` old: a worker that cannot read does not judge."""
        async with self._fresh:
            await self._fresh.wait_for(lambda: self._world is not None and not self.stale)
        assert self._world is not None
        return self._world

    @property
    def stale(self) -> bool:
        """Whether judging must wait for a good read."""
        return time.monotonic() - self._read_at > STALE_S

    async def follow(self) -> None:
        """Keep reading until cancelled; a read that fails is said once and tried again."""
        failing = False
        while True:
            try:
                before = time.monotonic()
                seq = await controls.seq(self._store)
                if self._world is None or seq != self._world.control_seq:
                    world = await self.load()
                    log.info("world loaded", control_seq=world.control_seq, zones=len(world.zones), tags=len(world.monitored))
                else:
                    self._read_at = before
                failing = False
            except (OSError, CordonError, *controls.FAILURES) as error:
                if not failing:
                    log.warning("control tables cannot be read; judging stops until they can", error=type(error).__name__)
                failing = True
            async with self._fresh:
                self._fresh.notify_all()
            await asyncio.sleep(READ_S)
