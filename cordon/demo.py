"""The demonstration: a simulated fleet's world, one user a role, and the fleet itself as a process of its own."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import IO, Any, Final

from api.password import hash_password
from api.roles import Role
from cordon import child, logs
from cordon.instance import Running
from cordon.loading import load
from cordon.settings import read
from cordon.worlds import STALE_S
from model.alert import Kind
from model.errors import CordonError
from store import accounts, activations, channels, keys, wearers
from store.feed import edit
from store.pool import Store

PASSWORD: Final = "demo"  # noqa: S105 - known to everyone, which is why the demo answers on loopback only
FLEET: Final = ("-m", "bench")
GATEWAY: Final = "gw-demo"
STOP_S: Final = 10.0
FIRST_FIX_MIN: Final = 5.0  # nobody watches a demonstration for half an hour
# Nobody listens there, so that what cannot be delivered is seen too. Told of no wearer, it keeps their alerts' histories calm.
PAGER: Final = {
    **dict.fromkeys(channels.FIELDS),
    "name": "Engineer's pager",
    "target": "http://127.0.0.1:9/pager",
    "kinds": [Kind.FLEET_OUTAGE, Kind.MONITORING_DOWN],
    "active": True,
}
NETWORKS: Final = "127.0.0.0/8,::1/128"  # channels of a demonstration lead to receivers that somebody tries beside it


async def seed(store: Store) -> None:
    """Users, a channel and the fleet's world, where this instance has none yet."""
    if not await accounts.everyone(store):
        hashed = await asyncio.to_thread(hash_password, PASSWORD)
        made = {}
        for role in Role:
            made[role] = await accounts.add(store.pool, str(role), hashed, str(role))
        async with edit(store, made[Role.ENGINEER]) as change:
            await channels.add(change, "webhook", PAGER)
        await load(store, await _world(), officer=made[Role.OFFICER])


async def _world() -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(sys.executable, *FLEET, "world", "--demo", stdout=asyncio.subprocess.PIPE)
    body, _ = await process.communicate()
    if process.returncode != 0:
        raise CordonError("the simulated fleet's world could not be made; see what it said above")
    document: dict[str, Any] = json.loads(body)
    return document


@contextlib.asynccontextmanager
async def fleet(system: Running) -> AsyncIterator[None]:
    """The fleet sending to the gateway door in real time, with a key of its own, until the end."""
    assert system.settings.data_dir is not None
    with (system.settings.data_dir / "log" / "fleet.log").open("ab") as output:
        async with sending(system.store, system.door, output):
            yield


@contextlib.asynccontextmanager
async def sending(store: Store, door: str, output: IO[bytes] | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
    """The fleet's process, sending to a door with a key that is good until the end; ``output`` None: it says what it says."""
    key = await keys.create(store, GATEWAY)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *FLEET, "run", "--demo", "--to", door, "--child"),
        stdin=asyncio.subprocess.PIPE,
        stdout=output,
        stderr=output,
        env=os.environ | {"CORDON_GATEWAY_KEY": key},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        await keys.revoke(store, key[: keys.PREFIX])


async def run_fleet(dsn: str, to: str) -> None:
    """The command's process: the fleet against the door of a distributed system, until told to stop.

    Raises
    ------
    CordonError
        If no database or no door is named, the database has wearers of its own, or the door will not take what the fleet sends.
    """
    settings = read()
    settings = settings.model_copy(update={"dsn": dsn or settings.dsn, "door_url": to or settings.door_url})
    if not settings.dsn or not settings.door_url:
        raise CordonError(
            "which database, and which door? Give --dsn and --to, or set CORDON_DSN and CORDON_DOOR_URL; "
            "on one machine `cordon up --demo` has a fleet of its own"
        )
    logs.configure(settings.log_level, settings.log_file, "fleet")
    async with child.database(settings.dsn, 2) as store:
        await populate(store)
        async with sending(store, settings.door_url) as process:
            stop, ended = (asyncio.create_task(job) for job in (child.until_told(settings.parent_pipe), process.wait()))
            await asyncio.wait([stop, ended], return_when=asyncio.FIRST_COMPLETED)
            failed = not stop.done() and ended.result() != 0
            for task in (stop, ended):
                task.cancel()
    if failed:
        raise CordonError("the simulated fleet ended; see what it said above")


async def populate(store: Store) -> None:
    """Write the fleet's world into a database that has no wearers; nothing where the world is there.

    Raises
    ------
    CordonError
        If there are wearers who are not the fleet's: its tags would be strangers among real ones.
    """
    document = await _world()
    if not await wearers.page(store, name=None, after=0, limit=1):
        await load(store, document)
        await asyncio.sleep(STALE_S)  # by then every worker judges by it, or not at all
    elif not {one["tag"] for one in document["activations"]} <= await activations.worn(store):
        raise CordonError("this database has wearers of its own: a simulated fleet belongs into one that has none")
