"""Turns columns of fixes into the binary frames of docs/protocols.md, as a gateway's maker would write them from that page.

The bench drives the system from outside: what encodes here is not the code that decodes there.
"""

import struct
from typing import Any, Final

import numpy as np
from crc32c import crc32c

FIX: Final = np.dtype(
    [
        ("tag", "<i8"),
        ("fix_at_us", "<i8"),
        ("seq", "<i8"),
        ("lon", "<f8"),
        ("lat", "<f8"),
        ("accuracy_m", "<f4"),
        ("speed_mps", "<f4"),
        ("heading_deg", "<f4"),
        ("hdop", "<f4"),
        ("source", "<i2"),
        ("battery_pct", "<i2"),
        ("satellites", "<i2"),
        ("flags", "<i2"),
    ]
)

HELLO: Final = 1
WELCOME: Final = 2
FRAME: Final = 3
ANSWER: Final = 4
REFUSED: Final = 6

_LENGTH: Final = struct.Struct("<I")
_FRAME: Final = struct.Struct("<QIIHHI")
_ANSWER: Final = struct.Struct("<Q16sIIqq")
_OVERHEAD: Final = 12  # a message's bytes besides its body


def fixes(count: int) -> Any:
    """(count,) FIX rows with every optional field absent."""
    rows = np.zeros(count, FIX)
    rows["battery_pct"] = rows["satellites"] = -1
    for name in ("accuracy_m", "speed_mps", "heading_deg", "hdop"):
        rows[name] = np.nan
    return rows


def message(kind: int, *parts: bytes) -> bytes:
    """One message."""
    whole = b"".join((_LENGTH.pack(sum(map(len, parts)) + _OVERHEAD - 4), b"CF\x01", bytes([kind]), *parts))
    return whole + _LENGTH.pack(crc32c(whole))


def frame(gateway: bytes, sequence: int, rows: Any) -> bytes:
    """One frame of (n,) FIX rows."""
    head = _FRAME.pack(sequence, len(rows), 0, len(gateway), 0, 0)
    return message(FRAME, head, gateway, bytes(-len(gateway) % 8), rows.tobytes())


def answer(body: bytes) -> tuple[int, int, int, int, int]:
    """Sequence, accepted, rejected, stored and duplicate of an answer's body; the last two -1 where a log stands between."""
    sequence, _, accepted, rejected, stored, duplicate = _ANSWER.unpack_from(body)
    return sequence, accepted, rejected, stored, duplicate


def refusal(body: bytes) -> str:
    """Why we were refused."""
    return body[14:].decode(errors="replace")
