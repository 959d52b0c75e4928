"""Turns a whole world, wearers with their orders, tags, zones and curfews, into rows in one transaction.

For worlds that are loaded, not typed: a replay's, the demonstration's, a test's. What they hold is in force from the time they
say, in the past too, where what people save through the API is in force a second later.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from model.instant import FOREVER_US
from model.setting import Values
from store import feed
from store.authority import HIGH
from store.pool import Connection, Store


class NewWearer(NamedTuple):
    name: str
    details: dict[str, Any] = {}  # noqa: RUF012 (never changed)


class NewStatus(NamedTuple):
    """A status that an order had, or will have, after its first."""

    status: str
    in_force_from_us: int
    authorised_by: str | None = None
    document: str | None = None
    recheck_at_us: int | None = None


class NewOrder(NamedTuple):
    """``wearer`` is a row of the world's wearers, as in all that follow."""

    wearer: int
    starts_us: int
    ends_us: int | None = None
    type: str = "bail"
    status: str = "active"
    timezone: str = "Europe/London"
    risk: str = "standard"
    fit_by_us: int | None = None
    statuses: Sequence[NewStatus] = ()
    officer: int | None = None


class NewActivation(NamedTuple):
    wearer: int
    tag: int
    from_us: int
    to_us: int | None = None


class NewZone(NamedTuple):
    """``wearer`` None: it applies to everyone. ``feature`` is the GeoJSON as accepted; its ``applies_to`` is set here."""

    wearer: int | None
    name: str
    wkb: bytes
    feature: dict[str, Any]
    in_force_from_us: int
    kind: str = "exclusion"
    purpose: str = "victim"
    radius_m: float = 0.0
    buffer_m: float = 0.0
    confirm_fixes: int = 2
    schedule: dict[str, Any] | None = None
    valid_from_us: int | None = None
    valid_to_us: int | None = None
    attendance: bool = False


class NewCurfew(NamedTuple):
    """``order`` and ``home`` are rows of the world's orders and zones; ``absences`` are (from, to, authoriser, reason)."""

    order: int
    home: int
    timetable: dict[str, Any]
    in_force_from_us: int
    grace_min: int = 5
    absences: Sequence[tuple[int, int, str, str]] = ()


class NewVisit(NamedTuple):
    """A visit and its one attempt; without ``signed_in_us`` there was none. ``to_us`` ends its window."""

    wearer: int
    kind: str
    tag: int | None
    new_tag: int | None
    from_us: int
    to_us: int
    note: str = ""
    signed_in_us: int | None = None
    signed_out_us: int | None = None
    outcome: str | None = None
    strap_proven: bool = False
    range_test: str | None = None
    remark: str = ""


class NewSettings(NamedTuple):
    """What is set for an order type, an order or a zone (rows of the world's orders and zones), or for everyone."""

    numbers: Values
    order_type: str = ""
    order: int | None = None
    zone: int | None = None


class NewTag(NamedTuple):
    """What a tag is as a thing."""

    tag: int
    model: str = ""
    network: str = ""


class NewWorld(NamedTuple):
    """A whole world, as ``create`` takes it."""

    wearers: Sequence[NewWearer] = ()
    orders: Sequence[NewOrder] = ()
    activations: Sequence[NewActivation] = ()
    zones: Sequence[NewZone] = ()
    curfews: Sequence[NewCurfew] = ()
    visits: Sequence[NewVisit] = ()
    settings: Sequence[NewSettings] = ()
    tags: Sequence[NewTag] = ()


class Created(NamedTuple):
    """Ids, in the order given; ``position`` is the control change that brings all of it."""

    wearers: list[int]
    orders: list[int]
    zones: list[int]
    position: int
    curfews: list[int]


async def create(
    store: Store,
    wearers: Sequence[NewWearer] = (),
    orders: Sequence[NewOrder] = (),
    activations: Sequence[NewActivation] = (),
    zones: Sequence[NewZone] = (),
    curfews: Sequence[NewCurfew] = (),
    visits: Sequence[NewVisit] = (),
    settings: Sequence[NewSettings] = (),
    tags: Sequence[NewTag] = (),
    *,
    actor: int | None = None,
) -> Created:
    """Write all of it, or nothing; one control change announces it."""
    async with feed.edit(store, actor) as change:
        connection = change.connection
        who = await _ids(connection, "wearer", len(wearers))
        await connection.executemany(
            "INSERT INTO wearer (id, name, details) OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3)",
            [(number, *wearer) for number, wearer in zip(who, wearers, strict=True)],
        )
        authority = await _ids(connection, "monitoring_order", len(orders))
        await connection.executemany(
            """
            INSERT INTO monitoring_order (id, wearer, starts, ends, type, status, timezone, risk, fit_by, officer)
            OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """,
            [(number, who[order.wearer], *order[1:8], order.officer) for number, order in zip(authority, orders, strict=True)],
        )
        await connection.executemany(
            """
            INSERT INTO order_status (monitoring_order, number, status, in_force_from, authorised_by, document, recheck_at,
                recorded_by)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            [
                (number, place, *status, actor)
                for number, order in zip(authority, orders, strict=True)
                for place, status in enumerate(order.statuses, 1)
            ],
        )
        await connection.executemany(
            "INSERT INTO activation (wearer, tag, fitted_from, fitted_to) VALUES ($1, $2, $3, $4)",
            [(who[activation.wearer], *activation[1:]) for activation in activations],
        )
        await _visits(connection, visits, who)
        places = await _ids(connection, "zone", len(zones))
        await connection.execute("INSERT INTO zone (id) OVERRIDING SYSTEM VALUE SELECT unnest($1::bigint[])", places)
        await connection.executemany(
            """
            INSERT INTO zone_version (zone, version, applies_wearer, applies_all, name, wkb, feature, in_force_from, in_force_to,
                kind, purpose, radius_m, buffer_m, confirm_fixes, schedule, valid_from, valid_to, attendance,
                recorded_by, control_seq)
            VALUES ($1, 1, $2, $2::bigint IS NULL, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 0)
            """,
            [_zone_row(number, zone, who, actor) for number, zone in zip(places, zones, strict=True)],
        )
        kept = await _ids(connection, "curfew", len(curfews))
        await connection.execute("INSERT INTO curfew (id) OVERRIDING SYSTEM VALUE SELECT unnest($1::bigint[])", kept)
        await connection.executemany(
            f"""
            INSERT INTO curfew_version (curfew, version, monitoring_order, home, timezone, timetable, in_force_from, grace_min,
                recorded_by, high_risk, control_seq)
            SELECT $1, 1, o.id, $3, $4, $5, $6, $7, $8, {HIGH}, 0
            FROM monitoring_order o JOIN wearer w ON w.id = o.wearer WHERE o.id = $2
            """,  # noqa: S608 (constant)
            [
                (
                    *(number, authority[curfew.order], places[curfew.home], orders[curfew.order].timezone),
                    *(curfew.timetable, curfew.in_force_from_us, curfew.grace_min, actor),
                )
                for number, curfew in zip(kept, curfews, strict=True)
            ],
        )
        await connection.executemany(
            """
            INSERT INTO absence (curfew, starts, ends, authoriser, reason, in_force_from, recorded_by)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            [
                (number, *absence, curfew.in_force_from_us, actor)
                for number, curfew in zip(kept, curfews, strict=True)
                for absence in curfew.absences
            ],
        )
        await _settings(connection, settings, authority, places, actor)
        await connection.executemany("INSERT INTO tag_hardware (tag, model, network) VALUES ($1, $2, $3)", tags)
        change.entry("control", 0, "world")
        change.numbered("UPDATE curfew_version SET control_seq = $1 WHERE curfew = ANY($2::bigint[])", kept)
        change.numbered("UPDATE zone_version SET control_seq = $1 WHERE zone = ANY($2::bigint[])", places)
    return Created(who, authority, places, change.position, kept)


async def _settings(
    connection: Connection, settings: Sequence[NewSettings], orders: Sequence[int], zones: Sequence[int], actor: int | None
) -> None:
    """In force as long ago as anything may be judged: what a world says of it held all the while."""
    for one in settings:
        order, zone = (None if one.order is None else orders[one.order]), (None if one.zone is None else zones[one.zone])
        scope = "type" if one.order_type else "order" if order else "zone" if zone else "all"
        place = await connection.fetchval(
            "INSERT INTO settings_place (scope, order_type, monitoring_order, zone) VALUES ($1, $2, $3, $4) RETURNING id",
            *(scope, one.order_type, order, zone),
        )
        await connection.execute(
            """INSERT INTO settings_version (place, version, numbers, in_force_from, recorded_by, control_seq)
               VALUES ($1, 1, $2, '1970-01-01 00:00:00+00', $3, 0)""",
            *(place, dict(one.numbers), actor),
        )


async def _visits(connection: Connection, visits: Sequence[NewVisit], who: Sequence[int]) -> None:
    numbers = await _ids(connection, "visit", len(visits))
    await connection.executemany(
        """
        INSERT INTO visit (id, wearer, kind, tag, new_tag, window_from, window_to, note, done)
        OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        [
            (number, who[visit.wearer], *visit[1:7], visit.outcome == "done")
            for number, visit in zip(numbers, visits, strict=True)
        ],
    )
    await connection.executemany(
        """
        INSERT INTO visit_attempt (visit, number, signed_in, signed_out, outcome, strap_proven, range_test, note)
        VALUES ($1, 1, $2, $3, $4, $5, $6, $7)
        """,
        [(number, *visit[7:]) for number, visit in zip(numbers, visits, strict=True) if visit.signed_in_us is not None],
    )


def _zone_row(number: int, zone: NewZone, who: Sequence[int], actor: int | None) -> tuple[Any, ...]:
    wearer = None if zone.wearer is None else who[zone.wearer]
    applies = {"all": True} if wearer is None else {"wearer": wearer}
    feature = zone.feature | {"properties": zone.feature.get("properties", {}) | {"applies_to": applies}}
    return (number, wearer, zone.name, zone.wkb, feature, zone.in_force_from_us, FOREVER_US, *zone[5:], actor)


async def _ids(connection: Connection, table: str, count: int) -> list[int]:
    rows = await connection.fetch("SELECT nextval(pg_get_serial_sequence($1, 'id')) FROM generate_series(1, $2)", table, count)
    return [row[0] for row in rows]
