"""What a story needs to be there: a device wearer with an order, a tag and a zone, made through the officers' API."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from cordon import features
from model.instant import DAY_US, parse
from store.pool import Store
from store.postgres import Postgres
from store.world import NewActivation, NewOrder, NewWearer, create
from tests.integration.system import System, stamp, until

TAG: Final = 356307042441013
LON: Final = -2.98
LAT: Final = 53.4
METRE: Final = 1 / 111_000  # degrees of latitude
RADIUS_M: Final = 300.0


def fix(seq: int, *, tag: int = TAG, north_m: float = 0.0, at: str | None = None, **more: Any) -> dict[str, Any]:
    """A fix of now, so far north of the middle of the zone."""
    where = {"lon": LON, "lat": LAT + north_m * METRE, "accuracy_m": 8.0}
    return {"tag": tag, "seq": seq, "fix_at": at or stamp(), "source": "gnss"} | where | more


def circle(applies_to: dict[str, Any], *, north_m: float = 0.0, radius_m: float = RADIUS_M, **properties: Any) -> dict[str, Any]:
    """An exclusion zone to POST."""
    named = {"name": "Test zone", "kind": "exclusion", "purpose": "victim", "applies_to": applies_to, "radius_m": radius_m}
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [LON, LAT + north_m * METRE]},
        "properties": named | properties,
    }


def wearer(up: System, role: str, tag: int = TAG, name: str = "Test Wearer") -> int:
    """Somebody under an order with a tag on since an hour; their id."""
    since = stamp(-3600)
    made = up.ask(role, "POST", "/wearers", {"name": name})["id"]
    order = {"wearer": made, "type": "bail", "timezone": "Europe/London", "starts": since, "status": "active"}
    up.ask(role, "POST", "/orders", order)
    up.ask(role, "POST", "/activations", {"wearer": made, "tag": tag, "from": since})
    return int(made)


def monitored(up: System, role: str, tag: int = TAG) -> int:
    """The same with a zone, which is in force when this returns; the wearer's id."""
    made = wearer(up, role, tag)
    zone = up.ask(role, "POST", "/zones", circle({"wearer": made}))
    in_force(zone["in_force_from"])
    return made


def in_force(instant: str) -> None:
    """Wait until an instant has passed."""
    until(lambda: parse(stamp()) > parse(instant), f"it is {instant}")


def loaded(up: System, tags: Sequence[int], zones: Sequence[dict[str, Any]], *, everyone: bool = False) -> None:
    """Wearers of tags whose zones were in force since yesterday, as a loaded world has it; every lane knows them at the end.

    The zones are the first wearer's, or everyone's.
    """
    day_us = parse(stamp()) - DAY_US
    own = None if everyone else 0
    made = [features.zone(zone, wearer=own, in_force_from_us=day_us, called=f"zone {i}") for i, zone in enumerate(zones)]

    async def write() -> int:
        async with Store(Postgres(up.data_dir).dsn, size=1) as store:
            wearers = [NewWearer(f"Wearer of {tag}") for tag in tags]
            orders = [NewOrder(row, day_us) for row in range(len(tags))]
            activations = [NewActivation(row, tag, day_us) for row, tag in enumerate(tags)]
            return (await create(store, wearers, orders, activations, made)).position

    position = asyncio.run(write())
    until(lambda: up.sql("SELECT min(control_seq) FROM lane")[0][0] >= position, "every lane judges by it")
