"""Turns the control tables into the world that batches are judged in, read often enough to be in force within a second."""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import structlog

from alerts.instants import Instants
from alerts.rules import Rules
from alerts.world import World
from model.arrays import I64
from model.errors import CordonError
from model.instant import FOREVER_US
from model.state import State
from store import controls
from store.pool import Store

READ_S: Final = 0.25  # between two looks at the newest control change
DIFFERENCES: Final = 64  # readings remembered; a lane is never more than one or two behind
RELOAD_S: Final = 6 * 3600.0  # schedules are written out some weeks ahead of each load
STALE_S: Final = 1.0  # a change is in force a second after it was saved: judging on an older read could miss it

log = structlog.get_logger()


class Standing(NamedTuple):
    """What is in force, and when that changes by the clock alone; both made of one reading."""

    world: World
    instants: Instants


class Difference(NamedTuple):
    """Whom a change of the control tables concerns, from one reading to the next."""

    before_seq: int
    after_seq: int
    tags: frozenset[int]


def concerned(old: controls.Controls, new: controls.Controls) -> frozenset[int]:
    """Tags whose monitoring, zones, zones' versions, curfews or visits differ between two readings."""
    changed = {zone.id for zone in set(old.zones) ^ set(new.zones)}
    shared = {*old.shared, *new.shared}
    if changed & shared or set(old.shared) != set(new.shared):
        return frozenset(span.tag for span in (*old.monitored, *new.monitored))
    monitored = {span.tag for span in set(old.monitored) ^ set(new.monitored)}
    assigned = {span.tag for span in set(old.assignments) ^ set(new.assignments)}
    judged = {span.tag for span in (*old.assignments, *new.assignments) if span.zone in changed}
    wearers = {item.wearer for item in (set(old.curfews) ^ set(new.curfews)) | (set(old.visits) ^ set(new.visits))}
    worn = {span.tag for span in (*old.monitored, *new.monitored) if span.wearer in wearers}
    return frozenset(monitored | assigned | judged | worn)


class Worlds:
    """The world as the control tables last said, and when that was."""

    def __init__(self, store: Store, rules: Rules, clock: Callable[[], int]) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock  # lane time, as far as anyone knows: what schedules are written out around
        self._standing: Standing | None = None
        self._said: controls.Controls | None = None
        self._differences: deque[Difference] = deque(maxlen=DIFFERENCES)
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
        if self._said is not None and self._said.control_seq != said.control_seq:
            self._differences.append(Difference(self._said.control_seq, said.control_seq, concerned(self._said, said)))
        self._said = said
        parts = (said.zones, said.assignments, said.monitored, said.shared)
        if self._standing is None:
            threads = len(os.sched_getaffinity(0))
            world = World.build(*parts, self._rules, said.control_seq, said.curfews, said.visits, threads)
        else:
            world = self._standing.world.changed(*parts, said.control_seq, said.curfews, said.visits)
        return Standing(world, Instants(*parts))

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
        world, instants = self._standing
        if state.due_us[: state.count].min(initial=FOREVER_US) <= now_us:
            return True
        return state.control_seq != world.control_seq or bool(instants.between(state.watermark_us, now_us))

    def concerned(self, since_seq: int, state: State) -> I64:
        """(n,) int64 tags of a lane, ascending, whose answer may differ from what it was under an earlier reading.

        All of the lane's where that reading is not remembered: after a restart, or far behind.
        """
        missed = [difference for difference in self._differences if difference.before_seq >= since_seq]
        if missed and missed[0].before_seq == since_seq:
            tags = sorted(tag for tag in frozenset().union(*(difference.tags for difference in missed)) if tag in state.row_of)
        else:
            tags = sorted(state.row_of)
        return np.array(tags, np.int64)

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
                    # Our own sentences say what to do and hold no one's data; others' may.
                    reason = str(error) if isinstance(error, CordonError) else type(error).__name__
                    log.warning("control tables cannot be read; judging waits", error=reason)
                failing = True
            async with self._read:
                self._read.notify_all()
            await asyncio.sleep(READ_S)
