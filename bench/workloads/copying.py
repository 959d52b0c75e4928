"""The baseline of `pipeline`: fixes become rows of the very same table by binary COPY, and nothing else is done with them."""

from collections.abc import Iterator
from time import perf_counter
from typing import Any, Final

import numpy as np
import psycopg

from bench import frame

BATCH: Final = 50_000  # rows a transaction, in the order of the table's key: what is kindest to its index
PG_EPOCH_US: Final = 946_684_800_000_000  # 2000-01-01

# PostgreSQL documentation, "COPY", Binary Format: 11 magic bytes, no flags, no header extension; big-endian tuples.
_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER: Final = b"\xff\xff"

_COLUMNS: Final = {
    "tag": "i8",
    "fix_at": "i8",
    "received_at": "i8",
    "seq": "i8",
    "lon": "f8",
    "lat": "f8",
    "accuracy_m": "f4",
    "speed_mps": "f4",
    "heading_deg": "f4",
    "hdop": "f4",
    "gateway": "i4",
    "flags": "i4",
    "source": "i2",
    "quality": "i2",
    "battery_pct": "i2",
    "satellites": "i2",
}
_TUPLE: Final = np.dtype(
    [("count", ">i2"), *(part for name, kind in _COLUMNS.items() for part in ((f"{name} n", ">i4"), (name, f">{kind}")))]
)


def encoded(rows: Any, gateway: int) -> bytes:
    """Binary COPY data of (n,) frame.FIX rows; ordered by the table's key."""
    rows = rows[np.lexsort((rows["seq"], rows["fix_at_us"], rows["tag"]))]
    tuples = np.zeros(len(rows), _TUPLE)
    tuples["count"] = len(_COLUMNS)
    for name, kind in _COLUMNS.items():
        tuples[f"{name} n"] = int(kind[1])
        if name in (frame.FIX.names or ()):
            tuples[name] = rows[name]
    tuples["fix_at"] = tuples["received_at"] = rows["fix_at_us"] - PG_EPOCH_US
    tuples["gateway"] = gateway
    return b"".join((_HEADER, tuples.tobytes(), _TRAILER))


def copy(connection: "psycopg.Connection[Any]", batches: Iterator[bytes]) -> float:
    """Seconds that it took to make all batches durable, a transaction each; making them is not counted."""
    took = 0.0
    for data in batches:
        start = perf_counter()
        with connection.cursor() as cursor, cursor.copy("COPY fix FROM STDIN (FORMAT binary)") as into:
            into.write(data)
        took += perf_counter() - start
    return took
