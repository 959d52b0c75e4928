"""Turns structured arrays into PostgreSQL's binary COPY format and back, without a Python loop over rows.

A tuple of that format is a count of fields, then each field's length and its bytes, all big-endian. All our columns are NOT NULL
and of fixed width, so every tuple has the same layout: one more structured dtype, filled and read column by column.
"""

from typing import Final

import numpy as np

from model.arrays import Array, plain
from model.errors import CordonError
from model.event import EVENT
from model.fix import FIX
from store.pool import PG_EPOCH_US

# 11 magic bytes, no flags, no header extension (PostgreSQL documentation, "COPY", Binary Format).
HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER: Final = b"\xff\xff"
PIECE_ROWS: Final = 2048  # stay in a processor's cache while their columns are read: 90,000 at once take four times as long


class Codec:
    """One table's binary rows.

    Parameters
    ----------
    table : its name
    dtype : little-endian fields in the order of the table's columns; a field whose name ends in ``_us`` is a timestamptz
    columns : the columns' names
    """

    def __init__(self, table: str, dtype: np.dtype[np.void], columns: tuple[str, ...]) -> None:
        assert dtype.names is not None
        self.table = table
        self.dtype = dtype
        self.columns = columns
        self.column = dict(zip(dtype.names, columns, strict=True))  # of each field
        parts: list[tuple[str, str]] = [("count", ">i2")]
        for name in dtype.names:
            kind = dtype[name]
            parts += [(f"{name} length", ">i4"), (name, f">{kind.kind}{kind.itemsize}")]
        self._tuple = np.dtype(parts)
        self.row_bytes = self._tuple.itemsize
        self._frame = np.zeros((), self._tuple)  # counts and lengths, the same in every row
        self._frame["count"] = len(dtype.names)
        for name in dtype.names:
            self._frame[f"{name} length"] = dtype[name].itemsize

    def encode(self, rows: Array) -> bytes:
        """Binary COPY data of (n,) rows of the dtype; exact, NaN and absent values included."""
        assert self.dtype.names is not None
        tuples = np.empty(len(rows), self._tuple)
        plain(tuples)[:] = plain(self._frame.reshape(1))
        for name in self.dtype.names:
            tuples[name] = rows[name] - PG_EPOCH_US if name.endswith("_us") else rows[name]
        return b"".join((HEADER, tuples.data, TRAILER))

    def decode(self, data: bytes) -> Array:
        """(n,) rows of the dtype from binary COPY data of exactly the codec's columns.

        Raises
        ------
        CordonError
            If a row is not laid out as expected: a NULL, another width, another column.
        """
        assert self.dtype.names is not None
        body = memoryview(data)[len(HEADER) : -len(TRAILER)]
        if len(body) % self._tuple.itemsize or data[: len(HEADER)] != HEADER:
            raise CordonError(f"rows of table {self.table} are not laid out as this version expects: run cordon migrate")
        tuples = np.frombuffer(body, self._tuple)
        rows = np.empty(len(tuples), self.dtype)
        for first in range(0, len(rows), PIECE_ROWS):
            some, piece = rows[first : first + PIECE_ROWS], tuples[first : first + PIECE_ROWS]
            for name in self.dtype.names:
                if (piece[f"{name} length"] != self.dtype[name].itemsize).any():
                    raise CordonError(f"table {self.table} holds a row without {name}: run cordon verify")
                some[name] = piece[name]
                if name.endswith("_us"):
                    some[name] += PG_EPOCH_US
        return rows


class Reader:
    """Rows from COPY data that comes in pieces, none of which need end where a row does."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._rest = b""
        self._begun = False

    def feed(self, piece: bytes) -> Array:
        """(n,) rows of the codec's dtype that are whole by now and were not before."""
        held = self._rest + piece
        if not self._begun:
            if len(held) < len(HEADER):
                self._rest = held
                return np.zeros(0, self._codec.dtype)
            held, self._begun = held[len(HEADER) :], True
        whole = len(held) - len(held) % self._codec.row_bytes
        self._rest = held[whole:]
        return self._codec.decode(b"".join((HEADER, held[:whole], TRAILER)))


FIXES: Final = Codec(
    "fix",
    FIX,
    (
        *("tag", "fix_at", "received_at", "seq", "lon", "lat", "accuracy_m", "speed_mps", "heading_deg", "hdop"),
        *("gateway", "flags", "source", "quality", "battery_pct", "satellites"),
    ),
)
EVENTS: Final = Codec("event", EVENT, ("tag", "at", "received_at", "seq", "gateway", "kind", "value"))
