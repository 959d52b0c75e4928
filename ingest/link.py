"""Carries batches from a door's process to the worker's over a Unix socket, and receipts back once they are durable."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from model.batch import Batch, DeadLetter, Receipt
from model.errors import BusyError, CordonError
from model.event import EVENT
from model.fix import FIX

# Length prefix of a message, bytes, big-endian. A door refuses bodies long before this bound.
_LENGTH: Final = struct.Struct(">I")
MESSAGE_MAX: Final = 256 * 1024 * 1024

# While the worker restarts, gateways are told to come back after this; seconds.
RETRY_AFTER_S: Final = 2.0

# A commit takes well under a second and a lane's restart a few. Who waits longer waits for a worker that cannot judge, and is
# told so well before the minute after which clients and proxies hang up without an answer; seconds.
GIVE_UP_S: Final = 30.0


# The door's process says this often that it is there, with a request of this number that nobody answers; seconds.
BEAT_S: Final = 5.0
BEAT: Final = 0

# A worker that ends still answers what is committed within this; a lane that waits for its database would hold it up; seconds.
LAST_ANSWERS_S: Final = 5.0


class Request(msgspec.Struct, array_like=True):
    """A batch on its way in; ``number`` pairs it with its answer, and is above ``BEAT``."""

    number: int
    fixes: bytes
    events: bytes
    gateway: str
    received_us: int
    dead: list[tuple[str, bytes, str]]
    gateways: list[str] = []


class Answer(msgspec.Struct, array_like=True):
    """What became of it: a receipt, or how long to wait, or what failed."""

    number: int
    receipt: tuple[str, int | None, int | None, list[int], list[int]] | None = None
    retry_after_s: float | None = None
    failed: str | None = None


_REQUEST: Final = msgspec.msgpack.Decoder(Request)
_ANSWER: Final = msgspec.msgpack.Decoder(Answer)


async def _read(reader: asyncio.StreamReader) -> bytes:
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if length > MESSAGE_MAX:
        raise CordonError(f"a message of {length} bytes on the worker's socket; restart both processes")
    return await reader.readexactly(length)


def _write(writer: asyncio.StreamWriter, message: Request | Answer) -> None:
    body = msgspec.msgpack.encode(message)
    writer.write(_LENGTH.pack(len(body)) + body)


class LinkSink:
    """The door's end: a ``Sink`` that many requests share over one connection, made anew when it breaks.

    Parameters
    ----------
    path : the worker's socket
    give_up_s : how long a batch waits for its receipt, seconds; None: for as long as its sender
    """

    def __init__(self, path: Path, give_up_s: float | None = GIVE_UP_S) -> None:
        self._path = path
        self._give_up_s = give_up_s
        self._writer: asyncio.StreamWriter | None = None
        self._listener: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Receipt]] = {}
        self._number = 0
        self._connecting = asyncio.Lock()

    async def accept(self, batch: Batch) -> Receipt:
        """Return the batch's receipt once it is durable.

        Raises
        ------
        BusyError
            If the worker is full, away, or has not answered in time: whether the batch was stored is then unknown, and it is
            safe to send it again.
        """
        try:
            async with asyncio.timeout(self._give_up_s):
                return await self._ask(batch)
        except TimeoutError as error:
            raise BusyError(RETRY_AFTER_S) from error

    async def _ask(self, batch: Batch) -> Receipt:
        writer = await self._connected()
        self._number += 1
        number = self._number
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        dead = [(letter.reason, letter.body, letter.protocol) for letter in batch.dead]
        request = Request(
            number, batch.fixes.tobytes(), batch.events.tobytes(), batch.gateway, batch.received_us, dead, list(batch.gateways)
        )
        try:
            _write(writer, request)
            await self._drained(writer)
            return await future
        except OSError as error:
            raise BusyError(RETRY_AFTER_S) from error
        finally:
            self._waiting.pop(number, None)

    async def beat(self) -> None:
        """Tell the worker, until cancelled, that this process is there to hear gateways."""
        while True:
            with contextlib.suppress(BusyError, OSError):  # the worker is away
                writer = await self._connected()
                _write(writer, Request(BEAT, b"", b"", "", 0, []))
                await writer.drain()
            await asyncio.sleep(BEAT_S)

    async def close(self) -> None:
        """End the connection; whatever still waits is told to come again."""
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
        if self._listener is not None:
            await self._listener

    async def _drained(self, writer: asyncio.StreamWriter) -> None:
        """Wait while the worker does not read; whoever gives that up drops what was piled up for it."""
        try:
            await writer.drain()
        except asyncio.CancelledError:
            writer.transport.abort()
            raise

    async def _connected(self) -> asyncio.StreamWriter:
        async with self._connecting:
            if self._writer is None:
                try:
                    reader, self._writer = await asyncio.open_unix_connection(self._path)
                except OSError as error:
                    raise BusyError(RETRY_AFTER_S) from error
                self._listener = asyncio.create_task(self._listen(reader, self._writer))
            return self._writer

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self._settle(_ANSWER.decode(await _read(reader)))
        except (OSError, EOFError):
            pass
        finally:
            self._writer = None
            writer.close()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(BusyError(RETRY_AFTER_S))

    def _settle(self, answer: Answer) -> None:
        future = self._waiting.get(answer.number)
        if future is None or future.done():
            return
        if answer.receipt is not None:
            id_, stored, duplicate, fixes, events = answer.receipt
            future.set_result(Receipt(id_, stored, duplicate, tuple(fixes), tuple(events)))
        elif answer.retry_after_s is not None:
            future.set_exception(BusyError(answer.retry_after_s))
        else:
            future.set_exception(CordonError(answer.failed or "the worker gave no reason"))


Accept = Callable[[Batch], Awaitable[Receipt]]


@contextlib.asynccontextmanager
async def listen(path: Path, accept: Accept, heard: Callable[[], None] = lambda: None) -> AsyncIterator[None]:
    """The worker's end: give each batch that arrives at the socket ``path`` to ``accept``, and send its answer back.

    ``heard`` is called whenever anything is heard of a door's process.
    """

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        batch = Batch(
            np.frombuffer(request.fixes, FIX),
            np.frombuffer(request.events, EVENT),
            request.gateway,
            request.received_us,
            tuple(DeadLetter(*letter) for letter in request.dead),
            gateways=tuple(request.gateways),
        )
        try:
            receipt = await accept(batch)
            conflicts = list(receipt.conflicting), list(receipt.conflicting_events)
            said = Answer(request.number, (receipt.id, receipt.stored, receipt.duplicate, *conflicts))
        except BusyError as error:
            said = Answer(request.number, retry_after_s=error.retry_after_s)
        except Exception as error:
            # Whatever it is, somebody waits for an answer; silence would hold their connection for ever.
            said = Answer(request.number, failed=str(error) or type(error).__name__)
        with contextlib.suppress(OSError):
            _write(writer, said)
            await writer.drain()

    doors: set[asyncio.StreamWriter] = set()
    answering: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers: set[asyncio.Task[None]] = set()
        doors.add(writer)
        try:
            while True:
                request = _REQUEST.decode(await _read(reader))
                heard()
                if request.number == BEAT:
                    continue
                task = asyncio.create_task(answer(request, writer))
                for tasks in (answers, answering):
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
        except (OSError, EOFError):
            pass
        finally:
            await asyncio.gather(*answers, return_exceptions=True)
            doors.discard(writer)
            writer.close()

    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(serve, path)
    path.chmod(0o600)
    try:
        yield
    finally:
        server.close()
        if answering:
            _, late = await asyncio.wait(answering, timeout=LAST_ANSWERS_S)
            for task in late:  # its sender hears nothing and sends it again
                task.cancel()
        for writer in doors:
            writer.close()
        await server.wait_closed()
