"""The rows of a query become arrays without an object for any of them: half a million in the time of a few thousand records."""

from typing import Any, Final

import numpy as np

from model.arrays import I64, Array
from model.errors import CordonError
from store.pool import PG_EPOCH_US, Connection

# PostgreSQL's binary COPY: a signature, flags and an empty extension, then rows, each the number of its fields and of each its
# length and bytes, all big-endian, then -1 (https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format").
_HEAD: Final = 19
_TAIL: Final = 2
_FIELDS: Final = 2
_LENGTH: Final = 4
_BLOCK: Final = 2048  # rows looked at column by column while they are in the cache
_WIDTH: Final = 8  # bytes of a bigint, a double precision and a timestamptz alike


async def table(connection: Connection, query: str, columns: dict[str, str], *args: Any) -> Array:
    """(n,) records of a query's rows, in their order; timestamps are microseconds since 1970 UTC.

    Parameters
    ----------
    columns : for each column what it is: "i8" a bigint, "f8" a double precision, "us" a timestamptz; none of them may be null
    """
    raw = await _copied(connection, query, *args)
    wire = [("fields", ">i2")]
    for name, kind in columns.items():
        wire += [(f"{name} length", ">i4"), (name, ">f8" if kind == "f8" else ">i8")]
    dtype = np.dtype(wire)
    count, over = divmod(len(raw) - _HEAD - _TAIL, dtype.itemsize)
    rows = np.frombuffer(raw, dtype, count, _HEAD)
    out = np.empty(count, [(name, "<f8" if kind == "f8" else "<i8") for name, kind in columns.items()])
    sound = not over
    for first in range(0, count, _BLOCK):
        block, into = rows[first : first + _BLOCK], out[first : first + _BLOCK]
        sound = sound and bool((block["fields"] == len(columns)).all())
        for name, kind in columns.items():
            sound = sound and bool((block[f"{name} length"] == _WIDTH).all())
            into[name] = block[name]
            if kind == "us":
                into[name] += PG_EPOCH_US
    if not sound:
        raise CordonError("a control table holds a null, or a type, that was not expected: is the database migrated?")
    return out


async def bodies(connection: Connection, query: str, length: I64, *args: Any) -> tuple[Array, I64]:
    """The bytea of a query's rows of one column, and where in it each begins and ends, (n, 2) int64.

    ``length`` is that of each row, (n,) int64, read before in the same transaction and order.
    """
    raw = await _copied(connection, query, *args)
    end = _HEAD + np.cumsum(length + _FIELDS + _LENGTH)
    if len(raw) != (int(end[-1]) if len(end) else _HEAD) + _TAIL:
        raise CordonError("geometries of other lengths were read than were announced: read again")
    return np.frombuffer(raw, np.uint8), np.column_stack([end - length, end])


async def _copied(connection: Connection, query: str, *args: Any) -> bytearray:
    raw = bytearray()

    async def take(piece: bytes) -> None:
        raw.extend(piece)

    await connection.copy_from_query(query, *args, output=take, format="binary")
    return raw
