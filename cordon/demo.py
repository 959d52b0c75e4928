"""The demonstration: a simulated fleet's world, one user a role, and the fleet itself as a process of its own."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any, Final

from api.password import hash_password
from api.roles import Role
from cordon import features
from cordon.instance import Running
from model import instant
from model.errors import CordonError
from store import accounts, keys
from store.pool import Store
from store.world import NewActivation, NewOrder, NewWearer, create

PASSWORD: Final = "demo"  # noqa: S105 - known to everyone, which is why the demo answers on loopback only
FLEET: Final = ("-m", "bench")
GATEWAY: Final = "gw-demo"
STOP_S: Final = 10.0


async def seed(store: Store) -> None:
    """Users and the fleet's world, where this instance has none yet."""
    if not await accounts.everyone(store):
        hashed = await asyncio.to_thread(hash_password, PASSWORD)
        for role in Role:
            await accounts.add(store, str(role), hashed, str(role))
        await load(store, await _world())


async def load(store: Store, document: dict[str, Any]) -> None:
    """Write a WORLD document's wearers, orders, activations and zones."""
    row_of = {wearer["ref"]: row for row, wearer in enumerate(document["wearers"])}
    orders = [
        NewOrder(
            row_of[order["wearer"]],
            instant.parse(order["starts"]),
            instant.parse(order["ends"]) if order["ends"] else None,
            order["type"],
            order["status"],
            order["timezone"],
            order["risk"],
        )
        for order in document["orders"]
    ]
    activations = [
        NewActivation(
            row_of[worn["wearer"]], worn["tag"], instant.parse(worn["from"]), instant.parse(worn["to"]) if worn["to"] else None
        )
        for worn in document["activations"]
    ]
    begins_us = min(order.starts_us for order in orders)
    zones = [
        features.zone(
            feature,
            wearer=row_of.get(feature["properties"]["applies_to"].get("wearer")),
            in_force_from_us=begins_us,
            called=f"zone {feature['ref']}",
        )
        for feature in document["zones"]
    ]
    await create(store, [NewWearer(wearer["name"]) for wearer in document["wearers"]], orders, activations, zones)


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
    key = await keys.create(system.store, GATEWAY)
    assert system.settings.data_dir is not None
    environment = os.environ | {"CORDON_GATEWAY_KEY": key}
    with (system.settings.data_dir / "log" / "fleet.log").open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *FLEET, "run", "--demo", "--to", system.door, "--child"),
            stdin=asyncio.subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
            await keys.revoke(system.store, key[: keys.PREFIX])
