"""Alerts as lanes commit them, with their messages in the outbox; channels that are told; a courier that goes its rounds."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from duties.courier import Courier
from duties.mail import server
from model.alert import Judged, Kind, Op
from model.fix import empty_fixes
from model.instant import SECOND_US
from store import channels
from store.feed import edit
from store.pool import Store
from tests.duties import receivers
from tests.store.fake import batch_of, change
from tests.store.lane import Lane, wearers

CONSOLE = "https://cordon.example"
FROM = "cordon@monitor.example"


class Lanes:
    """One lane, and what it says of wearer 1's alerts: the occurrence is the zone's one."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._since: dict[int, int] = {}

    async def _say(self, op: Op, zone: int, **fields: Any) -> None:
        now_us = await self.store.pool.fetchval("SELECT clock_timestamp()")
        since_us = self._since.setdefault(zone, now_us) if op is not Op.OPEN else now_us
        self._since[zone] = since_us
        async with Lane(self.store) as lane:
            said = change(op, 1, since_us, now_us, **{"zone": zone, **fields})
            lane.judge = lambda *_: Judged(empty_fixes(), (said,), empty_fixes())
            await lane.put(batch_of(), now_us=now_us)

    async def raises(self, severity: int = 1, kind: Kind = Kind.EXCLUSION, zone: int = 1, **fields: Any) -> int:
        """An occurrence begins, now; the alert's id."""
        if not await self.store.pool.fetchval("SELECT count(*) FROM wearer WHERE id > 0"):
            await wearers(self.store, 1)
        await self._say(Op.OPEN, zone, severity=severity, kind=kind, **fields)
        number: int = await self.store.pool.fetchval("SELECT max(id) FROM alert WHERE zone = $1", zone)
        return number

    async def ends(self, zone: int = 1, severity: int = 1, kind: Kind = Kind.EXCLUSION) -> None:
        """It is over, since a second from now: the database's clock has then passed the message's."""
        now_us = await self.store.pool.fetchval("SELECT clock_timestamp()")
        await self._say(Op.END, zone, severity=severity, kind=kind, ended_us=now_us + SECOND_US)


async def order(store: Store, organisation: int, officer: int | None) -> None:
    """Order 1, which the lanes' alerts are under."""
    if not await store.pool.fetchval("SELECT count(*) FROM wearer WHERE id > 0"):
        await wearers(store, 1)
    await store.pool.execute(
        """INSERT INTO monitoring_order (wearer, organisation, officer, type, status, timezone, starts)
           VALUES (1, $1, $2, 'bail', 'active', 'Europe/London', now())""",
        *(organisation, officer),
    )


async def channel(store: Store, target: str, name: str = "Duty desk", kind: str = "webhook", **fields: Any) -> int:
    """A channel's id."""
    whole = (
        dict.fromkeys(("kinds", "severities", "tells", "organisation", "officer", "digest_at", "digest_timezone"))
        | {"active": True}
        | fields
    )
    async with edit(store) as change_:
        row, _ = await channels.add(change_, kind, {"name": name, "target": target, **whole})
    return int(row["id"])


@contextlib.asynccontextmanager
async def courier(smtp_url: str = "") -> AsyncIterator[Courier]:
    """A courier that has begun."""
    async with Courier(CONSOLE, server(smtp_url) if smtp_url else None, FROM, receivers.HERE) as running:
        yield running


async def goes(one: Courier, store: Store) -> Any:
    """One round, and the end of every try that it began."""
    did = await one.round(store)
    while one._tries:
        await asyncio.wait(one._tries)
    return did


async def in_time(store: Store) -> None:
    """The time of every next try has come."""
    await store.pool.execute("UPDATE delivery SET due_at = clock_timestamp() WHERE due_at IS NOT NULL")


async def states(store: Store) -> list[tuple[Any, ...]]:
    """State and tries of each delivery, in order."""
    return [tuple(row) for row in await store.pool.fetch("SELECT state, attempts FROM delivery ORDER BY id")]
