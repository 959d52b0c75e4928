"""A lane of the tests that judges in earnest: a wearer, a tag, a circle at lon 0, and fixes that go in and out of it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np

from alerts.judge import doubtful, judge
from alerts.late import windows
from alerts.world import World
from cordon import features
from geofence.warm import warm
from model.alert import Judged
from model.batch import Batch
from model.history import History
from model.instant import DAY_US
from store import controls, world
from store.commit import Outcome, commit
from store.lanes import Claim, claim, recover
from store.pool import Store
from tests.alerts.story import NEVER_SILENT
from tests.store import fake
from tests.store.fake import START_US

TAG = 1
DEG_M = 111_319.5 * np.cos(np.radians(51.5))  # of a degree of longitude
CIRCLE = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [0.0, 51.5]},
    "properties": {"name": "School", "radius_m": 300},
}


async def settle(store: Store, circle: dict[str, Any], settings: Sequence[world.NewSettings] = ()) -> None:
    """Somebody with a tag, and a zone to keep out of."""
    zone = features.zone(circle, wearer=0, in_force_from_us=START_US - 100 * DAY_US, called="zone")
    order, fitted = world.NewOrder(0, START_US - DAY_US), world.NewActivation(0, TAG, START_US - DAY_US)
    await world.create(store, [world.NewWearer("Test Wearer")], [order], [fitted], [zone], settings=settings)


class Watched:
    """One lane, claimed again at each start; ``put`` judges and commits."""

    def __init__(self, store: Store, around: World, held: Claim, state: object) -> None:
        self.store, self.world, self.claim, self.state = store, around, held, state

    @classmethod
    async def begin(cls, store: Store) -> "Watched":
        await asyncio.to_thread(warm)  # compiled before a transaction is open: a server does not wait for long
        if not await store.pool.fetchval("SELECT count(*) FROM zone"):
            await settle(store, CIRCLE)
        said = await controls.load(store, START_US)
        around = World.build(
            *(said.zones, said.assignments, said.monitored, said.shared, NEVER_SILENT, said.control_seq, said.curfews),
            settings=said.settings,
        )
        held = await claim(store, 0, "tests")
        return cls(store, around, held, await recover(store, held))

    async def put(self, *fixes: object, now_us: int | None = None) -> Outcome:
        """Judge and commit fixes; without any, move the clock."""
        batch = fake.batch_of(*fixes) if fixes else fake.batch_of(received_us=now_us)  # type: ignore[arg-type]
        now = max(self.state.watermark_us, batch.received_us)  # type: ignore[attr-defined]

        async def judged(admitted: Batch, history: History) -> Judged:
            return judge(self.world, self.state, admitted, now, history)  # type: ignore[arg-type]

        return await commit(
            self.store,
            self.claim,
            batch,
            self.state,  # type: ignore[arg-type]
            doubtful=doubtful(self.state, batch.fixes),  # type: ignore[arg-type]
            windows=lambda *came: windows(self.world.rules, self.world.terms, self.state, *came),  # type: ignore[arg-type]
            judge=judged,
            now_us=now,
            control_seq=self.world.control_seq,
        )


def at(second: float, from_centre_m: float, tag: int = TAG, **fields: float) -> object:
    """A (1,) FIX so many seconds after the tests' beginning, so far from the circle's centre."""
    return fake.fix(tag, second, from_centre_m / DEG_M, **fields)


async def days(store: Store, count: int, first: int = 0) -> None:
    """The wearer goes in and out each day, and each day is over in the end."""
    lane = await Watched.begin(store)
    for day in range(first, first + count):
        start = 86_400 * day
        await lane.put(at(start, 40.0), at(start, 9000.0, 2, speed_mps=1.5))
        await lane.put(at(start + 60, 900.0), at(start + 120, 905.0))
    await lane.put(now_us=START_US + (first + count) * DAY_US)
