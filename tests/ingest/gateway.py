"""A gateway that speaks the TCP door's messages, as docs/protocols.md gives them and not as the door's own code reads them."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from crc32c import crc32c

WAIT_S = 30.0


class Answer(NamedTuple):
    """What became of a frame."""

    sequence: int
    receipt: str
    accepted: int
    rejected: int
    stored: int
    duplicate: int
    listed: tuple[tuple[int, int, str], ...]  # place, 0 of a fix and 1 of an event, reason


class Refused(NamedTuple):
    """Why a frame or the connection was refused."""

    sequence: int
    code: int
    wait_s: int
    reason: str


def message(kind: int, body: bytes) -> bytes:
    """A message of ours."""
    whole = struct.pack("<I", len(body) + 8) + b"CF" + bytes([1, kind]) + body
    return whole + struct.pack("<I", crc32c(whole))


@dataclass
class Gateway:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def hello(self, key: str = "good") -> Any:
        """Say the key; what came back."""
        self.writer.write(message(1, key.encode()))
        return await self.hear()

    async def send(self, *frames: bytes) -> None:
        """Send frames, one after the other."""
        for frame in frames:
            self.writer.write(frame)
        await self.writer.drain()

    async def hear(self) -> Any:
        """The next message; None at the end."""
        async with asyncio.timeout(WAIT_S):
            head = await self.reader.read(1)
            if not head:
                return None
            (length,) = struct.unpack("<I", head + await self.reader.readexactly(3))
            rest = await self.reader.readexactly(length)
        assert rest[:3] == b"CF\x01"
        assert struct.unpack("<I", rest[-4:])[0] == crc32c(struct.pack("<I", length) + rest[:-4])
        return _READ[rest[3]](rest[4:-4])


def _welcome(body: bytes) -> Any:
    return struct.unpack("<III", body)


def _answer(body: bytes) -> Answer:
    sequence, receipt, accepted, rejected, stored, duplicate, count = struct.unpack_from("<Q16sIIqqI", body)
    at = 52
    listed = []
    for _ in range(count):
        row, place, size = struct.unpack_from("<IHH", body, at)
        listed.append((row, place, body[at + 8 : at + 8 + size].decode()))
        at += 8 + size
    assert at == len(body)
    return Answer(sequence, receipt.hex(), accepted, rejected, stored, duplicate, tuple(listed))


def _refused(body: bytes) -> Refused:
    sequence, code, wait_s, size = struct.unpack_from("<QHHH", body)
    assert len(body) == 14 + size
    return Refused(sequence, code, wait_s, body[14:].decode())


_READ = {2: _welcome, 4: _answer, 6: _refused}


@contextlib.asynccontextmanager
async def connected(port: int | None, key: str | None = "good", sock: socket.socket | None = None) -> AsyncIterator[Gateway]:
    """A connection, of ``sock`` where it is given, whose key was good; silent where ``key`` is None."""
    where = {"sock": sock} if sock is not None else {"host": "127.0.0.1", "port": port}
    reader, writer = await asyncio.open_connection(**where)
    gateway = Gateway(reader, writer)
    try:
        if key is not None:
            assert len(await gateway.hello(key)) == 3
        yield gateway
    finally:
        writer.transport.abort()
