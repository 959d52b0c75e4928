"""Curfews as rows, one a version: nothing is ever deleted, because old fixes are judged by old versions."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import asyncpg

from model import timetable
from model.batch import Rejected
from model.cap import Cap, beyond
from model.instant import from_us
from model.timetable import Timetable
from store import homes, settings
from store.authority import HIGH, NOW
from store.feed import SOON, Edit
from store.homes import OVER
from store.pool import Connection, Store
from store.refusal import ConflictError, DanglingError, MissingError, UnfitError
from store.versions import Versioned

SELECT: Final = """SELECT v.curfew, v.version, v.monitoring_order, o.wearer, v.home, v.grace_min, v.timezone, v.timetable,
       v.high_risk, v.in_force_from, v.recorded_at, v.recorded_by, a.name AS recorded_name,
       nullif(v.in_force_to, timestamptz '9999-01-01 00:00:00+00') AS in_force_to
FROM curfew_version v JOIN monitoring_order o ON o.id = v.monitoring_order LEFT JOIN account a ON a.id = v.recorded_by"""

CURFEW: Final = Versioned("curfew", SELECT)


class Draft(NamedTuple):
    """A version as it is to be written."""

    order: int
    home: int | None  # None while it is only tried
    grace_min: int
    timetable: dict[str, Any]  # windows and exceptions


async def page(
    store: Store, *, wearer: int | None, order: int | None, ended: bool, after: int, limit: int
) -> list[asyncpg.Record]:
    """The newest version of each curfew, by id, those after ``after``; ``ended``: also those that have ended."""
    return await store.pool.fetch(
        f"""{SELECT} WHERE v.curfew > $1 AND v.version = (SELECT max(n.version) FROM curfew_version n WHERE n.curfew = v.curfew)
            AND ($2::bigint IS NULL OR o.wearer = $2) AND ($3::bigint IS NULL OR o.id = $3)
            AND ($4 OR v.in_force_to = timestamptz '9999-01-01 00:00:00+00') ORDER BY v.curfew LIMIT $5""",  # noqa: S608
        after,
        wearer,
        order,
        ended,
        limit,
    )


async def versions(store: Store, curfew: int) -> list[asyncpg.Record]:
    """All versions of a curfew, newest first; raises ``MissingError``."""
    return await CURFEW.every(store, curfew)


async def get(store: Store, curfew: int) -> asyncpg.Record:
    """The newest version of a curfew; raises ``MissingError``."""
    return await CURFEW.get(store, curfew)


async def add(change: Edit, draft: Draft) -> asyncpg.Record:
    """Create a curfew, in force a second from now.

    Raises
    ------
    DanglingError, UnfitError, ConflictError
    """
    zone = await check(change.connection, draft)
    curfew = await change.connection.fetchval("INSERT INTO curfew DEFAULT VALUES RETURNING id")
    row = await _write(change, curfew, 1, draft, zone, 0)
    CURFEW.announce(change, curfew, [1], "created")
    return row


async def edit(change: Edit, curfew: int, version: int, fields: dict[str, Any]) -> asyncpg.Record:
    """Write the next version, with some of the fields of ``Draft``; the one before applies until it is in force.

    Raises
    ------
    MissingError, StaleError, ConflictError, DanglingError, UnfitError
    """
    known, draft, zone = await _drafted(change, curfew, version, fields)
    return await _succeed(change, known, draft, zone)


async def _succeed(change: Edit, known: asyncpg.Record, draft: Draft, zone: str) -> asyncpg.Record:
    """Write the version after the newest one, which nobody else follows."""
    curfew, version = known["curfew"], known["version"]
    row = await _write(change, curfew, version + 1, draft, zone, known["in_force_from"])
    await CURFEW.follow(change, curfew, version, row)
    CURFEW.announce(change, curfew, [version, version + 1], "edited")
    return row


async def _drafted(change: Edit, curfew: int, version: int, fields: dict[str, Any]) -> tuple[asyncpg.Record, Draft, str]:
    """The newest version, the next one, and the time zone that its windows are in."""
    known = await newest(change, curfew, version)
    draft = Draft(
        known["monitoring_order"],
        fields.get("home", known["home"]),
        fields.get("grace_min", known["grace_min"]),
        known["timetable"] | fields.get("timetable", {}),
    )
    moved = "home" in fields or bool(fields.get("timetable"))
    return known, draft, await check(change.connection, draft, curfew, alone=moved)


async def end(change: Edit, curfew: int, version: int) -> asyncpg.Record:
    """End a curfew a second from now.

    Raises
    ------
    MissingError, StaleError, ConflictError
    """
    await newest(change, curfew, version)
    await CURFEW.end(change, curfew, version)
    CURFEW.announce(change, curfew, [version], "ended")
    return await CURFEW.read(change, curfew, version)


async def follow(change: Edit, order: int) -> None:
    """Have an order's curfews follow the time zone and the risk that it, or its wearer, now has; the order has to be locked."""
    rows = await change.connection.fetch(
        f"""SELECT v.curfew, v.version, v.timezone <> o.timezone AS moved
           FROM curfew_version v JOIN monitoring_order o ON o.id = v.monitoring_order JOIN wearer w ON w.id = o.wearer
           WHERE o.id = $1 AND status_at(o, {NOW}) <> ALL ($2::text[]) AND v.in_force_to = timestamptz '9999-01-01 00:00:00+00'
             AND (v.timezone <> o.timezone OR v.high_risk <> {HIGH}) ORDER BY v.curfew""",  # noqa: S608 (constants)
        order,
        OVER,
    )
    for row in rows:
        if row["moved"]:
            await edit(change, row["curfew"], row["version"], {})
            continue
        # Its hours stay: what they were accepted under is not asked again, or an older curfew would keep the risk from rising.
        known = await newest(change, row["curfew"], row["version"])
        draft = Draft(known["monitoring_order"], known["home"], known["grace_min"], known["timetable"])
        await _succeed(change, known, draft, known["timezone"])


async def follow_wearer(change: Edit, wearer: int) -> None:
    """Have the curfews of all of a wearer's orders follow the risk that the wearer now has."""
    orders = await change.connection.fetch(
        "SELECT id FROM monitoring_order WHERE wearer = $1 ORDER BY id FOR NO KEY UPDATE", wearer
    )
    for order in orders:
        await follow(change, order["id"])


async def cap(connection: Connection, order_type: str) -> Cap | None:
    """The most hours that an order of a type may ask for; None where there is no such law."""
    return Cap.of(await settings.of_type(connection, order_type))


async def check(connection: Connection, draft: Draft, curfew: int | None = None, *, alone: bool = True) -> str:
    """The time zone that a draft's windows are in, once all of it fits together; order and home cannot change meanwhile.

    Nor can another curfew of the order be saved: the law's hours are those of all of them together.

    Parameters
    ----------
    curfew : whose next version it is; None: a new one's first
    alone : whether no other curfew of the order may ask for the same hours at the same home

    Raises
    ------
    DanglingError, UnfitError, ConflictError
    """
    order = await connection.fetchrow(
        f"""SELECT wearer, type, status_at(o, {NOW}) AS status, timezone, starts FROM monitoring_order o
            WHERE id = $1 FOR NO KEY UPDATE""",  # noqa: S608 (constant)
        draft.order,
    )
    if order is None:
        raise DanglingError("order", "order", draft.order)
    if order["status"] in OVER:
        raise ConflictError(f"order {draft.order} is {order['status']}: a curfew needs an order that still holds")
    if draft.home is not None:
        await homes.check(connection, draft.home, order["wearer"])
    table = timetable.parse(draft.timetable, order["timezone"])
    if isinstance(table, Rejected):
        raise UnfitError(table.place, table.reason)
    beside = await _tables(connection, draft.order, order["timezone"], but=curfew)
    reason = over(table, order["type"], await cap(connection, order["type"]), order["starts"], list(beside.values()))
    if reason is not None:
        raise UnfitError("windows", reason)
    if alone:
        await _alone(connection, draft.home, [one for one, other in beside.items() if other == table])
    zone: str = order["timezone"]
    return zone


async def _alone(connection: Connection, home: int | None, same: Sequence[int]) -> None:
    """Refuse what curfews with the same hours ask for at the same home already: each absence would be two alerts."""
    twice = await connection.fetchval(
        """SELECT min(curfew) FROM curfew_version WHERE curfew = ANY ($1::bigint[]) AND home = coalesce($2, home)
               AND in_force_to = timestamptz '9999-01-01 00:00:00+00'""",
        *(same, home),
    )
    if twice is not None:
        raise ConflictError(
            f"curfew {twice} of this order asks for the same hours at the same home already: change that one instead"
        )


async def fit(connection: Connection, order: int) -> None:
    """Refuse an order as it now stands whose curfews ask for more than its type allows; raises ``ConflictError``."""
    row = await connection.fetchrow("SELECT type, timezone, starts FROM monitoring_order WHERE id = $1", order)
    assert row is not None
    most = await cap(connection, row["type"])
    tables = await _tables(connection, order, row["timezone"])
    for curfew, table in tables.items():
        reason = over(table, row["type"], most, row["starts"], [other for one, other in tables.items() if one != curfew])
        if reason is not None:
            raise ConflictError(f"curfew {curfew} does not fit: change it first. {reason}")


async def _tables(connection: Connection, order: int, zone: str, but: int | None = None) -> dict[int, Timetable]:
    """What an order's curfews ask for, but one, by curfew."""
    rows = await connection.fetch(
        """SELECT curfew, timetable FROM curfew_version WHERE monitoring_order = $1 AND curfew IS DISTINCT FROM $2
               AND in_force_to = timestamptz '9999-01-01 00:00:00+00' ORDER BY curfew""",
        order,
        but,
    )
    found = ((row["curfew"], timetable.parse(row["timetable"], zone)) for row in rows)
    return {curfew: table for curfew, table in found if isinstance(table, Timetable)}


def over(table: Timetable, order_type: str, most: Cap | None, starts_us: int, beside: Sequence[Timetable] = ()) -> str | None:
    """Why a timetable asks for more than an order of a type may; None where it does not, or there is no such law.

    Parameters
    ----------
    starts_us : of the order
    beside : what its other curfews ask for
    """
    if most is None:
        return None
    begins = from_us(starts_us).astimezone(ZoneInfo(table.zone)).date()
    alone = beyond(table, most, begins)
    if alone is not None:
        return f"The curfew is too long: {alone} for an order of the type {order_type}."
    why = beyond(table, most, begins, beside)
    return None if why is None else f"With the order's other curfews it is too long: {why} for an order of the type {order_type}."


async def beside(connection: Connection, order: int, but: int | None) -> list[asyncpg.Record]:
    """Every curfew in force of an order's wearer, whatever its own order, but one: what it asks for, and where."""
    return await connection.fetch(
        """SELECT v.curfew, v.monitoring_order, v.home, v.timetable, v.timezone
           FROM curfew_version v JOIN monitoring_order o ON o.id = v.monitoring_order
           WHERE o.wearer = (SELECT wearer FROM monitoring_order WHERE id = $1) AND v.curfew IS DISTINCT FROM $2
             AND v.in_force_to = timestamptz '9999-01-01 00:00:00+00' ORDER BY v.curfew""",
        order,
        but,
    )


async def order_of(connection: Connection, curfew: int) -> int:
    """Whose curfew it is, which never changes; raises ``MissingError``."""
    order: int | None = await connection.fetchval("SELECT monitoring_order FROM curfew_version WHERE curfew = $1 LIMIT 1", curfew)
    if order is None:
        raise MissingError("curfew", curfew)
    return order


async def type_of(connection: Connection, curfew: int) -> str:
    """The type of its order; empty where there is no such curfew."""
    order_type: str | None = await connection.fetchval(
        """SELECT o.type FROM curfew_version v JOIN monitoring_order o ON o.id = v.monitoring_order
           WHERE v.curfew = $1 LIMIT 1""",
        curfew,
    )
    return order_type or ""


async def locked(change: Edit, curfew: int) -> int:
    """The newest version of a curfew that nobody changes until this transaction is over; 0 where there is no such curfew."""
    await change.connection.execute("SELECT 1 FROM curfew WHERE id = $1 FOR UPDATE", curfew)
    version: int | None = await change.connection.fetchval("SELECT max(version) FROM curfew_version WHERE curfew = $1", curfew)
    return version or 0


async def newest(change: Edit, curfew: int, version: int) -> asyncpg.Record:
    """The newest version, that nobody else follows or ends until this transaction is over."""
    # The order first, as whoever changes the order does: else each would wait for the other.
    order = await order_of(change.connection, curfew)
    await change.connection.execute("SELECT 1 FROM monitoring_order WHERE id = $1 FOR NO KEY UPDATE", order)
    return await CURFEW.newest(change, curfew, version)


async def _write(change: Edit, curfew: int, version: int, draft: Draft, zone: str, later_than_us: int) -> asyncpg.Record:
    await change.connection.execute(
        f"""INSERT INTO curfew_version (curfew, version, monitoring_order, home, grace_min, timetable, timezone, recorded_by,
                in_force_from, high_risk, control_seq)
            SELECT $1, $2, o.id, $4, $5, $6, $7, $8,
                greatest(clock_timestamp() + {SOON}, $9::timestamptz + interval '1 microsecond'), {HIGH}, 0
            FROM monitoring_order o JOIN wearer w ON w.id = o.wearer WHERE o.id = $3""",  # noqa: S608
        curfew,
        version,
        *draft,
        zone,
        change.actor,
        later_than_us,
    )
    return await CURFEW.read(change, curfew, version)
