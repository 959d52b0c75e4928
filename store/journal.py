"""Turns what a commit changed of its lane's state into the bytes its journal row keeps, and back, to rebuild the state by.

The change is kept, not what it was judged from. Judging again would need the orders, activations and groups as they were known at
that moment, the history late data was judged by, and the very code; an applied change needs none of them (docs/decisions/0004).
"""

import struct
import zlib
from typing import Final, NamedTuple

from model.errors import CordonError

VERSION: Final = 1
HEADER: Final = struct.Struct("<H")  # version
CRC: Final = struct.Struct("<I")  # CRC-32 of the header and the change


class Entry(NamedTuple):
    """What one commit changed; ``delta`` is for ``State.apply``."""

    commit_no: int
    watermark_us: int  # lane time after the commit
    control_seq: int
    delta: bytes


def encode(delta: bytes) -> bytes:
    """A journal row's bytes of a state's delta."""
    head = HEADER.pack(VERSION)
    return b"".join((head, delta, CRC.pack(zlib.crc32(delta, zlib.crc32(head)))))


def decode(body: bytes) -> bytes:
    """The delta in a journal row's bytes.

    Raises
    ------
    CordonError
        If the bytes are damaged, or of a version this one does not know.
    """
    held, crc = body[: -CRC.size], body[-CRC.size :]
    if len(body) < HEADER.size + CRC.size or zlib.crc32(held) != CRC.unpack(crc)[0]:
        raise CordonError("a commit journal row is damaged: restore the database from its backup")
    (version,) = HEADER.unpack_from(held)
    if version != VERSION:
        raise CordonError(f"a commit journal row has version {version}, this Cordon reads {VERSION}: start the one that wrote it")
    return held[HEADER.size :]
