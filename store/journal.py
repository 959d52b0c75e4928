"""Turns what a commit was fed into the bytes its journal row keeps, and back: judged again, they rebuild the lane's state.

A row is a header (``HEADER``), the gateway's name, FIX rows, EVENT rows and tag ids, all little-endian, and the CRC-32 of all
that. It holds admitted rows only: what was a repeat then must not count as news when judged again.
"""

import struct
import zlib
from typing import Final, NamedTuple

import numpy as np

from model.arrays import I64
from model.batch import Batch
from model.errors import CordonError
from model.event import EVENT
from model.fix import FIX

VERSION: Final = 1
# Version, bytes of the gateway's name, received_us, counts of fixes, events and rejudged tags.
HEADER: Final = struct.Struct("<HHqIII")
CRC: Final = struct.Struct("<I")

NO_TAGS: Final[I64] = np.zeros(0, np.int64)


class Entry(NamedTuple):
    """What one commit was fed.

    ``rejudged`` are the tags whose last fix it judged again because a control change came into force at ``batch.received_us``.
    """

    commit_no: int
    watermark_us: int  # lane time after the commit: what the judge was given as now
    control_seq: int
    batch: Batch
    rejudged: I64


def encode(batch: Batch, rejudged: I64 = NO_TAGS) -> bytes:
    """Bytes of a batch of admitted rows and of the tags judged again with it."""
    gateway = batch.gateway.encode()
    head = HEADER.pack(VERSION, len(gateway), batch.received_us, len(batch.fixes), len(batch.events), len(rejudged))
    parts = (head, gateway, batch.fixes.tobytes(), batch.events.tobytes(), rejudged.astype("<i8").tobytes())
    crc = 0
    for part in parts:
        crc = zlib.crc32(part, crc)
    return b"".join((*parts, CRC.pack(crc)))


def decode(body: bytes) -> tuple[Batch, I64]:
    """The batch and the tags judged again.

    Raises
    ------
    CordonError
        If the bytes are damaged, or of a version this one does not know.
    """
    held, crc = body[: -CRC.size], body[-CRC.size :]
    if len(body) < HEADER.size + CRC.size or zlib.crc32(held) != CRC.unpack(crc)[0]:
        raise CordonError("a commit journal row is damaged: restore the database from its backup")
    version, name_size, received_us, fixes, events, tags = HEADER.unpack_from(held)
    if version != VERSION:
        raise CordonError(f"a commit journal row has version {version}, this Cordon reads {VERSION}: start the one that wrote it")
    at = HEADER.size + name_size
    gateway = held[HEADER.size : at].decode()
    ends = np.cumsum([at, fixes * FIX.itemsize, events * EVENT.itemsize, tags * 8])
    # Copied, because the judge may write in them.
    kept = [np.frombuffer(held[ends[i] : ends[i + 1]], dtype).copy() for i, dtype in enumerate((FIX, EVENT, np.dtype("<i8")))]
    return Batch(kept[0], kept[1], gateway, received_us), kept[2].astype(np.int64)
