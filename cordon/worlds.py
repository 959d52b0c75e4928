"""Turns the control tables into the world that batches are judged in, read often enough to be in force within a second."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog

from alerts.instants import Instants
from alerts.rules import Rules
from alerts.world import World
from store import controls
from store.pool import Store

READ_S: Final = 0.25  # between two looks at the newest control change
RELOAD_S: Final = 6 * 3600.0  # schedules are written out some weeks ahead of each load
STALE_S: Final = 1.0  # a change is in force a second after it was saved: judging on an older read could miss it

log = structlog.get_logger()


class Standing(NamedTuple):
    """What is in force, and when that changes by the clock alone; both made of one reading."""

    world: World
    instants: Instants


class Worlds:
    """The world as the control tables last said, and when that was."""

    def __init__(self, store: Store, rules: Rules, clock: Callable[[], int]) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock  # lane time, as far as anyone knows: what schedules are written out around
        self._standing: Standing | None = None
        self._read_at = self._loaded_at = -STALE_S
        self._read = asyncio.Condition()

    async def load(self) -> Standing:
        """Read the control tables, whatever they say."""
        before = time.monotonic()
        said = await controls.load(self._store, self._clock())
        self._standing = await asyncio.to_thread(self._stand, said)
        self._read_at = self._loaded_at = before
        log.info("world loaded", control_seq=said.control_seq, zones=len(said.zones), activations=len(said.monitored))
        return self._standing

    def _stand(self, said: controls.Controls) -> Standing:
        parts = (said.zones, said.assignments, said.monitored, said.shared)
        if self._standing is None:
            world = World.build(*parts, self._rules, said.control_seq)
        else:
            world = self._standing.world.changed(*parts, said.control_seq)
        return Standing(world, Instants(*parts))

    async def current(self) -> Standing:
        """What is in force, waiting while the last good read is over ``STALE_S`` old: who cannot read does not judge."""
        async with self._read:
            await self._read.wait_for(lambda: self._standing is not None and time.monotonic() - self._read_at <= STALE_S)
        assert self._standing is not None
        return self._standing

    def due(self, after_us: int, upto_us: int) -> bool:
        """Whether an instant at which last fixes are judged again lies in ``(after_us, upto_us]``."""
        return self._standing is not None and bool(self._standing.instants.between(after_us, upto_us))

    async def follow(self) -> None:
        """Keep reading until cancelled; a read that fails is said once and tried again."""
        failing = False
        while True:
            try:
                before = time.monotonic()
                seq = await controls.seq(self._store)
                old = time.monotonic() - self._loaded_at > RELOAD_S
                if self._standing is None or old or seq != self._standing.world.control_seq:
                    await self.load()
                else:
                    self._read_at = before
                failing = False
            except Exception as error:
                # Whatever it is, judging stops by itself when the read grows old, and goes on with the next good one.
                if not failing:
                    log.warning("control tables cannot be read; judging waits", error=type(error).__name__, detail=str(error))
                failing = True
            async with self._read:
                self._read.notify_all()
            await asyncio.sleep(READ_S)
