"""Tags become wearers with an order each, and the walk's zones, straight in the control tables: in force since long ago."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final

import psycopg

from bench.crash.walk import LAT, LON, METRES_A_DEGREE, RADIUS_M, ZONES_AT_M

WKB_POINT: Final = struct.Struct("<BIdd")
ZONE: Final = "crash zone"  # what the zones' names begin with


def load(dsn: str, tags: Sequence[int], since: str) -> int:
    """Write it in one transaction; the control position that announces it.

    Through the API a zone is in force a second after it was saved, and the walks began before.
    """
    with psycopg.connect(dsn) as connection:
        for tag in tags:
            (wearer,) = _one(connection, "INSERT INTO wearer (name) VALUES (%s) RETURNING id", f"Wearer of {tag}")
            connection.execute(
                "INSERT INTO monitoring_order (wearer, type, status, timezone, starts) VALUES (%s, 'bail', 'active', 'UTC', %s)",
                (wearer, since),
            )
            connection.execute("INSERT INTO activation (wearer, tag, fitted_from) VALUES (%s, %s, %s)", (wearer, tag, since))
        zones = [_zone(connection, north_m, since) for north_m in ZONES_AT_M]
        (position,) = _one(connection, "UPDATE feed SET position = position + 1 RETURNING position")
        connection.execute(
            "INSERT INTO feed_entry (position, kind, ref, what) VALUES (%s, 'control', 0, 'world')",
            (position,),
        )
        connection.execute("UPDATE zone_version SET control_seq = %s WHERE zone = ANY(%s)", (position, zones))
    return int(position)


def _zone(connection: psycopg.Connection[Any], north_m: float, since: str) -> int:
    lat = LAT + north_m / METRES_A_DEGREE
    (zone,) = _one(connection, "INSERT INTO zone DEFAULT VALUES RETURNING id")
    connection.execute(
        """
        INSERT INTO zone_version (
            zone, version, kind, purpose, name, wkb, radius_m, feature, applies_all, in_force_from, control_seq)
        VALUES (%s, 1, 'exclusion', 'victim', %s, %s, %s, '{}', true, %s, 0)
        """,
        (zone, f"{ZONE} at {north_m:.0f} m", WKB_POINT.pack(1, 1, LON, lat), RADIUS_M, since),
    )
    return int(zone)


def _one(connection: psycopg.Connection[Any], query: str, *args: Any) -> Any:
    return connection.execute(query.encode(), args or None).fetchone()
