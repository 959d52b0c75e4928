"""Turns the control tables into the world that batches are judged in, read often enough to be in force within a second."""

import asyncio
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
import structlog

from alerts.instants import Instants
from alerts.rules import Rules
from alerts.world import World
from cordon.keeping import Keeping
from cordon.keeping import said as said_of
from geofence.index import Compiled
from geofence.kept import Kept
from model.arrays import I64
from model.errors import CordonError
from model.instant import FOREVER_US
from model.outage import Hardware
from model.state import State
from model.zones import Zones
from store import controls, following
from store.pool import Connection, Store

READ_S: Final = 0.25  # between two looks at the newest control change
DIFFERENCES: Final = 64  # readings remembered; a lane is never more than one or two behind
RELOAD_S: Final = 6 * 3600.0  # schedules are written out some weeks ahead of each load
STALE_S: Final = 1.0  # a change is in force a second after it was saved: judging on an older read could miss it

log = structlog.get_logger()


class Standing(NamedTuple):
    """What is in force, and when that changes by the clock alone; what tags are. All made of one reading."""

    world: World
    instants: Instants
    hardware: Mapping[int, Hardware] = {}


class Difference(NamedTuple):
    """Whom a change of the control tables concerns, from one reading to the next."""

    before_seq: int
    tags: I64


class Worlds:
    """The world as the control tables last said, and when that was."""

    def __init__(self, store: Store, rules: Rules, clock: Callable[[], int], keeping: Keeping | None = None) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock  # lane time, as far as anyone knows: what schedules are written out around
        self._keeping = keeping or Keeping(None)
        self._kept: Awaitable[Kept | None] | None = asyncio.ensure_future(
            asyncio.to_thread(self._keeping.load)
        )  # while the tables are not even asked for
        self._standing: Standing | None = None
        self._said: controls.Controls | None = None
        self._differences: deque[Difference] = deque(maxlen=DIFFERENCES)
        self._read_at = self._loaded_at = -STALE_S
        self._read = asyncio.Condition()
        self._worth_keeping = False

    async def load(self) -> Standing:
        """Read the control tables, whatever they say."""
        before = time.monotonic()
        known: Compiled | None = None

        async def zones(connection: Connection) -> Zones | None:
            nonlocal known
            known = await self._known(connection)
            return None if known is None else known.zones

        said = await controls.load(self._store, self._clock(), zones)
        standing = await asyncio.to_thread(self._stand, said, known, None)
        self._read_at = self._loaded_at = before
        log.info("world loaded", control_seq=said.control_seq, zones=len(said.zones), activations=len(said.monitored))
        return standing

    async def _known(self, connection: Connection) -> Compiled | None:
        """Geometry that need not be read and compiled: ours, or the kept one, if it is of the history that the database has."""
        kept = None
        if self._kept is not None:
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")  # a slow disk is no lost client
            kept, self._kept = await self._kept, None
        if self._standing is not None and self._said is not None:
            known, (seq, said_us) = self._standing.world.index.compiled, (self._said.control_seq, self._said.said_us)
        elif kept is not None:
            known, (seq, said_us) = kept.compiled, said_of(kept)
        else:
            return None
        return known if said_us and await controls.said_at(connection, seq) == said_us else None

    async def _change(self) -> None:
        """Read what was changed since the last reading; everything where that cannot be told."""
        assert self._said is not None
        before = time.monotonic()
        reading = await following.follow(self._store, self._said, self._clock())
        if reading is None:
            await self.load()
            return
        assert self._standing is not None
        await asyncio.to_thread(self._stand, reading.controls, self._standing.world.index.compiled, reading.tags)
        self._read_at = before
        log.info("world changed", control_seq=reading.controls.control_seq, tags=len(reading.tags))

    def _stand(self, said: controls.Controls, known: Compiled | None, tags: I64 | None) -> Standing:
        """The world of a reading. ``tags`` are those it concerns, where that is known."""
        if self._said is not None and self._said.control_seq != said.control_seq:
            tags = following.between(self._said, said) if tags is None else tags
            self._differences.append(Difference(self._said.control_seq, tags))
        parts = (said.zones, said.assignments, said.monitored, said.shared)
        self._worth_keeping |= self._keeping.compiled(len(said.zones.outlines.row))
        world = World.build(
            *parts,
            self._rules,
            said.control_seq,
            said.curfews,
            said.visits,
            said.settings,
            threads=len(os.sched_getaffinity(0)),
            compiled=known,
            before=None if self._standing is None else self._standing.world.terms,
        )
        self._said = said._replace(zones=world.index.zones)
        hardware = {one.tag: one for one in said.hardware}
        self._standing = Standing(world, Instants(world.index.zones, *parts[1:], said.settings), hardware)
        return self._standing

    async def current(self) -> Standing:
        """What is in force, waiting while the last good read is over ``STALE_S`` old: who cannot read does not judge."""
        async with self._read:
            await self._read.wait_for(lambda: self._standing is not None and time.monotonic() - self._read_at <= STALE_S)
        assert self._standing is not None
        return self._standing

    def due(self, state: State, now_us: int) -> bool:
        """Whether a lane has to judge though nothing came: a clock ran out, an instant has come, or a control change was read."""
        if self._standing is None:
            return False
        world, instants, _ = self._standing
        if state.due_us[: state.count].min(initial=FOREVER_US) <= now_us:
            return True
        return state.control_seq != world.control_seq or bool(instants.between(state.watermark_us, now_us))

    def concerned(self, since_seq: int, state: State) -> I64:
        """(n,) int64 tags of a lane, ascending, whose answer may differ from what it was under an earlier reading.

        All of the lane's where that reading is not remembered: after a restart, or far behind.
        """
        missed = [difference for difference in self._differences if difference.before_seq >= since_seq]
        if missed and missed[0].before_seq == since_seq:
            touched = np.unique(np.concatenate([difference.tags for difference in missed])).tolist()
            tags = [tag for tag in touched if tag in state.row_of]
        else:
            tags = sorted(state.row_of)
        return np.array(tags, np.int64)

    async def follow(self) -> None:
        """Keep reading until cancelled; a read that fails is said once and tried again."""
        failing = False
        keeping: asyncio.Task[None] | None = None
        while True:
            try:
                before = time.monotonic()
                seq = await controls.seq(self._store)
                old = time.monotonic() - self._loaded_at > RELOAD_S
                if self._standing is None or old:
                    await self.load()
                elif seq != self._standing.world.control_seq:
                    await self._change()
                else:
                    self._read_at = before
                failing = False
            except Exception as error:
                # Whatever it is, judging stops by itself when the read grows old, and goes on with the next good one.
                if not failing:
                    # Our own sentences say what to do and hold no one's data; others' may.
                    reason = str(error) if isinstance(error, CordonError) else type(error).__name__
                    log.warning("control tables cannot be read; judging waits", error=reason)
                failing = True
            async with self._read:
                self._read.notify_all()
            if self._worth_keeping and (keeping is None or keeping.done()):
                self._worth_keeping = False
                keeping = asyncio.create_task(self._keep())
            await asyncio.sleep(READ_S)

    async def _keep(self) -> None:
        assert self._standing is not None
        assert self._said is not None
        await asyncio.to_thread(self._keeping.save, self._standing.world.index, self._said.control_seq, self._said.said_us)
