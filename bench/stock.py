"""A drawn town becomes rows of the control tables: wearers with an order and a tag each, and their fences, written by COPY.

Half a million zones through the API would take an hour, and measure the API.
"""

import http.client
import json
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg

from bench.crash.instance import Instance, until
from bench.workloads.town import FENCES, Size, Town, town

FRAME: Final = 5000  # fixes in a request
ANSWER_S: Final = 60.0
READ_S: Final = 1200.0  # for half a million zones, on a machine that may be busy
HEADER: Final = struct.Struct("<BIII")  # little-endian, polygon, one ring, its points: OGC 06-103r4


def fill(dsn: str, town: Town, since: str) -> int:
    """Write all of it in one transaction, in force since then; the control position that announces it."""
    count = len(town.tags)
    with psycopg.connect(dsn) as connection:
        wearers = _numbers(connection, "wearer", count)
        orders = _numbers(connection, "monitoring_order", count)
        zones = _numbers(connection, "zone", count * FENCES)
        _copy(connection, "wearer (id, name)", ((wearer, f"Wearer {wearer}") for wearer in wearers))
        _copy(
            connection,
            "monitoring_order (id, wearer, type, status, timezone, starts)",
            ((order, wearer, "bail", "active", "UTC", since) for order, wearer in zip(orders, wearers, strict=True)),
        )
        _copy(
            connection,
            "activation (wearer, tag, fitted_from)",
            ((wearer, tag, since) for wearer, tag in zip(wearers, town.tags.tolist(), strict=True)),
        )
        _copy(connection, "zone (id)", ((zone,) for zone in zones))
        _copy(
            connection,
            "zone_version (zone, version, kind, purpose, name, wkb, feature, applies_wearer, in_force_from, control_seq)",
            (
                (zone, 1, "exclusion", "area", "", wkb, "{}", wearers[at // FENCES], since, 0)
                for at, (zone, wkb) in enumerate(zip(zones, outlines(town), strict=True))
            ),
        )
        found = connection.execute("UPDATE feed SET position = position + 1 RETURNING position").fetchone()
        assert found is not None
        connection.execute("INSERT INTO feed_entry (position, kind, ref, what) VALUES (%s, 'control', 0, 'world')", found)
        connection.execute("UPDATE zone_version SET control_seq = %s WHERE control_seq = 0", found)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ANALYZE")
    return int(found[0])


def outlines(town: Town) -> Iterable[bytes]:
    """The WKB of each fence."""
    points = np.column_stack([town.lon, town.lat])
    for first, last in zip(town.ring_at[:-1].tolist(), town.ring_at[1:].tolist(), strict=True):
        yield HEADER.pack(1, 3, 1, last - first) + points[first:last].tobytes()


def _numbers(connection: psycopg.Connection[Any], table: str, count: int) -> list[int]:
    query = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
    return [number for (number,) in connection.execute(query, (table, count)).fetchall()]


def _copy(connection: psycopg.Connection[Any], into: str, rows: Iterable[Sequence[Any]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(row)


def heard(instance: Instance, town: Town, key: str) -> None:
    """Every tag has been heard of once: most of them near home, one in twenty inside its first fence."""
    middle = town.middle.reshape(-1, FENCES, 2)
    place = np.where((np.arange(len(town.tags)) % 20 == 0)[:, None], middle[:, 0], middle.mean(axis=1))
    rows = list(zip(town.tags.tolist(), place.tolist(), strict=True))
    for at in range(0, len(rows), FRAME):
        until(partial(sent, instance.door_port, key, rows[at : at + FRAME]), "the door takes a frame")


def sent(port: int, key: str, rows: Sequence[tuple[int, Sequence[float]]]) -> bool:
    """Whether a frame with a fix of now for each tag was acknowledged."""
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    fixes = [{"tag": tag, "seq": 0, "fix_at": now, "lon": lon, "lat": lat, "accuracy_m": 8.0} for tag, (lon, lat) in rows]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    try:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request("POST", "/gateway/v1/fixes", json.dumps({"gateway": "stock", "fixes": fixes}), headers)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextmanager
def stocked(size: Size, tell: Callable[[str], None], options: Sequence[str] = ()) -> Iterator[tuple[Instance, Town, str]]:
    """A running instance that judges a whole town and has heard of every tag in it, and a gateway key of it."""
    folder = Path(tempfile.mkdtemp(prefix="cordon-stock-"))
    instance = Instance(folder, {"CORDON_DEATHS_A_MINUTE": "1000"}, options)
    try:
        tell(f"drawing {size.tags:,} tags with {FENCES} fences each")
        made = town(size)
        instance.start()
        tell("writing them")
        position = fill(instance.dsn, made, (datetime.now(UTC) - timedelta(days=2)).isoformat())
        tell("every lane reads them")
        judged = "SELECT COALESCE(min(control_seq), 0) FROM lane"
        until(lambda: instance.sql(judged)[0][0] >= position, "every lane judges by the world", READ_S)
        key = instance.command("keys", "create", "stock")
        tell("every tag is heard of")
        heard(instance, made, key)
        yield instance, made, key
    finally:
        instance.end()
        shutil.rmtree(folder, ignore_errors=True)
