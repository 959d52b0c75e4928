"""Turns bytes into a message that is known to have come whole, by length, version and checksum, and back."""

import struct
from enum import IntEnum
from typing import Final, NamedTuple

from crc32c import crc32c

from model.batch import Rejected

MAGIC: Final = b"CF"
VERSION: Final = 1

# Bytes that follow this field, magic, version, kind; little-endian, like everything in a message.
HEAD: Final = struct.Struct("<I2sBB")
LENGTH: Final = struct.Struct("<I")
CHECK: Final = struct.Struct("<I")  # CRC32C (Castagnoli) of all bytes before it

SHORTEST: Final = HEAD.size + CHECK.size


class Kind(IntEnum):
    """What a message is. Odd ones come from a gateway, even ones from Cordon."""

    HELLO = 1
    WELCOME = 2
    FRAME = 3
    ANSWER = 4
    REFUSED = 6


class Message(NamedTuple):
    """A message that came whole; ``body`` is what stands between its head and its checksum."""

    kind: int
    body: memoryview


def wrap(kind: Kind, *parts: bytes | memoryview) -> bytes:
    """One message of some parts that follow each other."""
    length = SHORTEST - LENGTH.size + sum(map(len, parts))
    whole = b"".join((HEAD.pack(length, MAGIC, VERSION, kind), *parts))
    return whole + CHECK.pack(crc32c(whole))


def unwrap(whole: bytes | memoryview) -> Message | Rejected:
    """What stands in the bytes of one message, its length field included.

    Returns
    -------
    Rejected
        Where a byte is missing or not as it was sent, or where it is of a version that is not read here.
    """
    seen = memoryview(whole)
    if len(seen) < SHORTEST:
        return Rejected(f"{len(seen)} bytes are no message; the shortest has {SHORTEST}")
    length, magic, version, kind = HEAD.unpack_from(seen)
    if magic != MAGIC:
        return Rejected(f"it does not begin as a message of ours does: {MAGIC.hex()} is expected where {magic.hex()} stands")
    if length + LENGTH.size != len(seen):
        return Rejected(f"it says that {length} bytes follow its length, and {len(seen) - LENGTH.size} do")
    (said,) = CHECK.unpack_from(seen, len(seen) - CHECK.size)
    if crc32c(seen[: -CHECK.size]) != said:
        return Rejected("its checksum is wrong: a byte is not as it was sent")
    if version != VERSION:
        return Rejected(f"it is of version {version}; version {VERSION} is read here")
    return Message(kind, seen[HEAD.size : -CHECK.size])
