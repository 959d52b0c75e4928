"""Sends each lane's synthetic wearer across its zone, through the gateways' own door, and watches the feed for the alert.

The one test that says that a person who enters a zone now would be noticed: door, lane, judge, commit and feed are the real ones.
"""

import asyncio
from typing import Any, Final

import aiohttp

from model.instant import SECOND_US, show
from model.synthetic import GATEWAY, tags_of
from store import crossings, feed, generations, keys
from store.pool import Store

LOOK_S: Final = 5.0  # between two looks whether it is time: how soon another instance takes over
OUT_LAT: Final = crossings.LAT + 0.00063  # 70 m from the zone's centre: one fix that far outside ends what was before
ACCURACY_M: Final = 5.0
STEP_US: Final = SECOND_US  # from outside to inside: at 50 m/s less the accuracies, a speed that is believed
KEY_S: Final = 3600.0  # a key is good for at least this long
AGAIN_S: Final = 1.0  # between two tries to send the same fixes: the door may be busy, or a lane moving to another worker


class Crosser:
    """One instance's sender. ``url`` is where the gateways' door answers; the key is made when first needed.

    ``lanes`` are the instance's where it has no topics, which else say how many there are.
    """

    def __init__(self, url: str, lanes: int, every_s: float, late_s: float) -> None:
        self._door = f"{url.rstrip('/')}/gateway/v1/fixes"
        self._lanes = self._own_lanes = lanes
        self._every_s, self._late_s = every_s, late_s
        self._key = ""

    async def cross(self, store: Store) -> None:
        """Send everybody across if it is time, and note whose alert was seen until it would be late; the rest is the watch's."""
        if not await crossings.due(store, self._every_s):
            return
        topics = await generations.consumed(store)
        self._lanes = self._own_lanes if topics is None else topics.lanes
        if await crossings.ensure(store, self._lanes):
            return  # their zones are not in force yet: next time
        after = await feed.position(store)
        await crossings.begin(store, self._lanes)
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(self._send(store))
            try:
                async with asyncio.timeout(self._late_s):
                    await self._see(store, after)
            except TimeoutError:
                pass
            sending.cancel()
        await crossings.forget(store)

    async def _see(self, store: Store, after: int) -> None:
        """Note each lane's alert as soon as the feed shows it, until all have come."""
        waiting = set(range(self._lanes))
        async for _ in feed.watch(store, after):
            come = await crossings.shown(store, after) & waiting
            await crossings.seen(store, come)
            waiting -= come
            if not waiting:
                return

    async def _send(self, store: Store) -> None:
        """Send the same fixes until they are taken."""
        frame = self._frame(await store.pool.fetchval("SELECT clock_timestamp()"))
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._late_s)) as http:
            while True:
                why = await self._post(store, http, frame)
                if not why:
                    return
                await crossings.refused(store, why)
                await asyncio.sleep(AGAIN_S)

    def _frame(self, now_us: int) -> dict[str, Any]:
        """Everybody outside a second ago, and inside now."""
        fixes = []
        for tag in tags_of(self._lanes):
            for at_us, lat in ((now_us - STEP_US, OUT_LAT), (now_us, crossings.LAT)):
                where = {"lon": crossings.LON, "lat": lat, "accuracy_m": ACCURACY_M}
                fixes.append({"tag": tag, "fix_at": show(at_us)} | where)
        return {"gateway": GATEWAY, "fixes": fixes}

    async def _post(self, store: Store, http: aiohttp.ClientSession, frame: dict[str, Any]) -> str:
        """Why the door did not take it; empty where it did."""
        if not self._key:
            await keys.expire(store, GATEWAY, KEY_S)  # of instances that ended; another that still uses one makes its own anew
            self._key = await keys.create(store, GATEWAY)
        try:
            async with http.post(self._door, json=frame, headers={"Authorization": f"Bearer {self._key}"}) as answer:
                if answer.status == 401:
                    self._key = ""
                return "" if answer.ok else f"the door answers {answer.status}"
        except (aiohttp.ClientError, TimeoutError) as error:
            return f"the door cannot be reached: {type(error).__name__}"
