"""What is set as rows, one a version and place: everyone, an order type, an order, a zone. Nothing is ever deleted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import asyncpg

from model.setting import NAMES, Name, Scope, Setting, Value, Values, effective, strictest
from store import audit
from store.feed import SOON, Edit
from store.pool import Connection, Store
from store.refusal import DanglingError, MissingError, StaleError

SELECT: Final = """SELECT p.id AS place, p.scope, p.order_type, p.monitoring_order, p.zone, v.version, v.numbers, v.in_force_from,
       v.recorded_at, v.recorded_by, a.name AS recorded_name,
       nullif(v.in_force_to, timestamptz '9999-01-01 00:00:00+00') AS in_force_to
FROM settings_place p JOIN settings_version v ON v.place = p.id LEFT JOIN account a ON a.id = v.recorded_by"""

OF: Final = "p.scope = $1 AND p.order_type = $2 AND p.monitoring_order IS NOT DISTINCT FROM $3 AND p.zone IS NOT DISTINCT FROM $4"

# All versions in force after a time, and whom a type's concern.
EVERY: Final = """
    SELECT p.scope, coalesce(p.monitoring_order, p.zone, 0) AS subject, v.version, v.numbers, v.in_force_from, v.in_force_to,
        p.order_type, ARRAY(SELECT o.id FROM monitoring_order o WHERE p.scope = 'type' AND o.type = p.order_type) AS orders
    FROM settings_version v JOIN settings_place p ON p.id = v.place WHERE v.in_force_to > $1 ORDER BY p.id, v.version
"""


class Place(NamedTuple):
    """Where something is set."""

    scope: Scope
    order_type: str = ""
    order: int | None = None
    zone: int | None = None

    def __str__(self) -> str:
        subject = {"all": None, "type": self.order_type, "order": self.order, "zone": self.zone}[self.scope]
        return self.scope if subject is None else f"{self.scope}/{subject}"


async def load(connection: Connection, after_us: int) -> list[Setting]:
    """Every version in force after a time, as the judge takes it."""
    return [
        Setting(
            row["scope"],
            row["subject"],
            row["version"],
            tuple(sorted(row["numbers"].items())),
            row["in_force_from"],
            row["in_force_to"],
            row["order_type"],
            frozenset(row["orders"]),
        )
        for row in await connection.fetch(EVERY, after_us)
    ]


async def spans(connection: Connection, wearers: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """When orders of wearers gave authority: wearer, order, from, to."""
    rows = await connection.fetch(
        "SELECT wearer, monitoring_order, starts, ends FROM authority_span WHERE wearer = ANY($1::bigint[]) ORDER BY 1, 2, 3",
        wearers,
    )
    return [tuple(row) for row in rows]


async def page(store: Store, *, after: int, limit: int) -> list[asyncpg.Record]:
    """The newest version of each place, by the place's id, those after ``after``."""
    return await store.pool.fetch(
        f"""{SELECT} WHERE p.id > $1 AND v.version = (SELECT max(n.version) FROM settings_version n WHERE n.place = p.id)
            ORDER BY p.id LIMIT $2""",  # noqa: S608 (constant)
        after,
        limit,
    )


async def versions(store: Store, place: Place) -> list[asyncpg.Record]:
    """All versions of a place, newest first; none where nothing was ever set there. Raises ``MissingError``."""
    async with store.pool.acquire() as connection:
        await _there(connection, place)
        return await connection.fetch(f"{SELECT} WHERE {OF} ORDER BY v.version DESC", *place)


async def newest(connection: Connection, place: Place) -> asyncpg.Record | None:
    """The newest version of a place; None where nothing was ever set there."""
    return await connection.fetchrow(f"{SELECT} WHERE {OF} ORDER BY v.version DESC LIMIT 1", *place)


async def get(store: Store, place: Place) -> asyncpg.Record | None:
    """The newest version of a place, which exists; raises ``MissingError``."""
    async with store.pool.acquire() as connection:
        await _there(connection, place)
        return await newest(connection, place)


async def _there(connection: Connection, place: Place) -> None:
    """Raise ``MissingError`` where there is no such order or zone."""
    if place.order is not None and not await connection.fetchval("SELECT 1 FROM monitoring_order WHERE id = $1", place.order):
        raise MissingError("order", place.order)
    if place.zone is not None and not await connection.fetchval("SELECT 1 FROM zone WHERE id = $1", place.zone):
        raise MissingError("zone", place.zone)


async def lock(change: Edit, place: Place, version: int) -> int:
    """The id of a place whose newest version is the one read, that nobody else sets until this transaction is over.

    Parameters
    ----------
    version : 0 where nothing was ever set there

    Raises
    ------
    MissingError, StaleError
    """
    await _there(change.connection, place)
    await change.connection.execute(
        """INSERT INTO settings_place (scope, order_type, monitoring_order, zone) VALUES ($1, $2, $3, $4)
           ON CONFLICT DO NOTHING""",
        *place,
    )
    number: int = await change.connection.fetchval(
        f"SELECT id FROM settings_place p WHERE {OF} FOR UPDATE",  # noqa: S608 (constant)
        *place,
    )
    await _read(change, number, version)
    return number


async def _read(change: Edit, number: int, version: int) -> None:
    known = await change.connection.fetchval("SELECT coalesce(max(version), 0) FROM settings_version WHERE place = $1", number)
    if known != version:
        raise StaleError("settings", number)


async def replace(change: Edit, number: int, version: int, numbers: Values) -> asyncpg.Record:
    """Write a place's next version, in force a second from now, with these numbers and no others; the one before applies until.

    Raises
    ------
    StaleError
        If ``version`` is not the newest.
    """
    await change.connection.execute("SELECT 1 FROM settings_place WHERE id = $1 FOR UPDATE", number)
    await _read(change, number, version)
    at_us = await change.connection.fetchval(
        f"""INSERT INTO settings_version (place, version, numbers, recorded_by, in_force_from, control_seq)
            VALUES ($1, $2, $3, $4, greatest(clock_timestamp() + {SOON}, (SELECT in_force_from + interval '1 microsecond'
                FROM settings_version WHERE place = $1 AND version = $2 - 1)), 0) RETURNING in_force_from""",  # noqa: S608
        number,
        version + 1,
        dict(numbers),
        change.actor,
    )
    await change.connection.execute(
        "UPDATE settings_version SET in_force_to = $3 WHERE place = $1 AND version = $2", number, version, at_us
    )
    entry = change.entry("control", number, "settings")
    change.numbered(
        "UPDATE settings_version SET control_seq = $1 WHERE place = $2 AND version = ANY ($3::integer[])",
        number,
        [version, version + 1],
        entry=entry,
    )
    row = await change.connection.fetchrow(f"{SELECT} WHERE p.id = $1 AND v.version = $2", number, version + 1)
    assert row is not None
    audit.done(change, "edited" if version else "created", f"settings/{number}", entry, version=version + 1)
    return row


async def standing(
    connection: Connection,
    place: Place,
    numbers: Values,
    doubt: Callable[[Name, Iterable[Value]], Value] = strictest,
) -> dict[str, Value]:
    """What would hold at a place with these numbers set there, by every name that may be set there.

    Whom a zone applies to may have orders of any type: where the zone says nothing, ``doubt`` picks from all that anything says.
    """
    names = [name for name, known in NAMES.items() if place.scope in known.scopes]
    if place.scope == "zone":
        rows = await connection.fetch(
            """SELECT numbers FROM settings_version v JOIN settings_place p ON p.id = v.place
               WHERE p.scope <> 'zone' AND v.in_force_to = timestamptz '9999-01-01 00:00:00+00'"""
        )
        return {
            name: numbers[name]
            if name in numbers
            else doubt(NAMES[name], [NAMES[name].default, *(row[0][name] for row in rows if name in row[0])])
            for name in names
        }
    above = await _above(connection, place)
    return {name: value for name, (value, _) in effective([(str(place), numbers), *above], names).items()}


async def _above(connection: Connection, place: Place) -> list[tuple[str, Values]]:
    """What is set in the places that a place goes by where it says nothing, the nearest first."""
    order_type, places = place.order_type, list[Place]()
    if place.order is not None:
        order_type = await connection.fetchval("SELECT type FROM monitoring_order WHERE id = $1", place.order)
        if order_type is None:
            raise DanglingError("order", "order", place.order)
        places.append(Place("type", order_type))
    if place.scope != "all":
        places.append(Place("all"))
    found = [(one, await newest(connection, one)) for one in places]
    return [(str(one), row["numbers"]) for one, row in found if row is not None]


async def holding(store: Store, order: int | None, zone: int | None) -> dict[str, tuple[Value, str]]:
    """Every name's value for an order, a zone, or everyone, and the place that says it; raises ``MissingError``."""
    async with store.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        places: list[tuple[str, Values]] = []
        for place in (Place("zone", zone=zone), Place("order", order=order)):
            if place.zone is None and place.order is None:
                continue
            await _there(connection, place)
            row = await newest(connection, place)
            places += [(str(place), row["numbers"])] if row is not None else []
        return effective(places + await _above(connection, Place("order", order=order) if order is not None else Place("zone")))


async def of_type(connection: Connection, order_type: str) -> Mapping[str, Value]:
    """What holds for an order type, by name."""
    place = Place("type", order_type)
    row = await newest(connection, place)
    return await standing(connection, place, {} if row is None else row["numbers"])


async def said(connection: Connection, order_type: str, name: str) -> Any:
    """One number of an order type."""
    return (await of_type(connection, order_type))[name]
