"""The gateways' TCP door: turns binary frames into batches and answers each by its sequence once it is durable."""

import asyncio
import contextlib
import socket
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

import numpy as np
import structlog
from prometheus_client import Counter, Gauge

from ingest import dialogue
from ingest.age import is_old
from ingest.decoded import WHOLE_BYTES, Decoded, Limits
from ingest.dialogue import Refusal
from ingest.frame import PROTOCOL, read, sequence_of, sift
from ingest.gateway import Authenticate, Gateway
from ingest.message import LENGTH, SHORTEST, Kind, unwrap
from ingest.settled import settled
from model.batch import Batch, DeadLetter, Receipt, Rejected, Sink
from model.errors import BusyError, CordonError
from model.event import EVENT
from model.fix import FIX

MESSAGE_MAX_BYTES: Final = 8 * 1024 * 1024  # 100,000 fixes are 6.4 million; more in one only delays the first of them
HELLO_MAX_BYTES: Final = 1024  # of what comes before a key was good
DECODE_HERE_BYTES: Final = 1024 * 1024  # a millisecond; a longer frame is decoded in a thread
READ_BYTES: Final = 256 * 1024  # read ahead a connection before its gateway is slowed
WAIT_S: Final = 5.0  # before a batch is offered again to a sink that failed and does not know better


class Patience(NamedTuple):
    """How long and how much a gateway may keep the door waiting."""

    connections: int = 4096  # at once; each holds a few buffers
    window: int = 64  # frames under way a connection; then it is not read until one is answered
    hello_s: float = 10.0  # from connecting to a good key
    message_s: float = 60.0  # from a message's first byte to its last; and for an answer to be taken
    idle_s: float = 900.0  # without a message: a gateway that is alive says something, or nobody is there any more
    check_s: float = 5.0  # a key is looked up again by the first frame after this, so that a revoked one soon ends
    drain_s: float = 10.0  # frames under way may still be answered so long, when the door closes or the gateway has said all


RECORDS: Final = Counter("cordon_tcp_records_total", "Records at the TCP door by what became of them", ["outcome"])
FRAMES: Final = Counter("cordon_tcp_frames_total", "Frames answered at the TCP door")
REFUSALS: Final = Counter("cordon_tcp_refusals_total", "Frames and connections refused at the TCP door", ["reason"])
WITHHELD: Final = Counter("cordon_tcp_withheld_total", "Times a batch was offered again to a sink that was busy")
CONNECTIONS: Final = Gauge("cordon_tcp_connections", "Connections of gateways at the TCP door")

log = structlog.get_logger()


class Room:
    """Bytes of frames in hand over all connections: who does not fit waits, unread and in order, so that memory stays bounded.

    Backlog is to hold half of it at most. Only what was read tells what it is, so what a connection sends after backlog of which
    some is still in hand counts as backlog too until it is read, and is not read while there is more: live frames find room.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = self._old_bytes = 0
        self._few_old = asyncio.Event()
        self._few_old.set()
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, count: int) -> None:
        """Hold that many bytes once there is room; one frame alone is let in whatever its size."""
        if not self._waiting and self._fits(count):
            self._bytes += count
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((count, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # let in and told to end at once
                self.give(count)
            raise

    def give(self, count: int) -> None:
        """Hold them no more."""
        self._bytes -= count
        while self._waiting and (self._waiting[0][1].done() or self._fits(self._waiting[0][0])):
            count, turn = self._waiting.popleft()
            if not turn.done():
                self._bytes += count
                turn.set_result(None)

    def old(self, count: int) -> None:
        """Count bytes that are held as backlog; below zero, no more."""
        self._old_bytes += count
        (self._few_old.clear if 2 * self._old_bytes > self._most_bytes else self._few_old.set)()

    async def old_once_few(self, count: int) -> None:
        """Count bytes as backlog once it holds no more than its half: of several that wait, as many as that lets in."""
        while 2 * self._old_bytes > self._most_bytes:
            await self._few_old.wait()
        self.old(count)

    def _fits(self, count: int) -> bool:
        return not self._bytes or self._bytes + count <= self._most_bytes


class Read(NamedTuple):
    """A message that was taken for a frame."""

    sequence: int
    outcome: Decoded | Rejected
    whole: bool  # every byte is as it was sent, so that the next message can be read


class Refused(Exception):
    """Ends a connection with a refusal."""

    def __init__(self, refusal: Refusal, reason: str, wait_s: float = 0) -> None:
        super().__init__(reason)
        self.refusal, self.reason, self.wait_s = refusal, reason, wait_s


class Door:
    """What all connections share."""

    def __init__(self, sink: Sink, authenticate: Authenticate, limits: Limits, patience: Patience) -> None:
        self.sink, self.authenticate, self.limits, self.patience = sink, authenticate, limits, patience
        self.room = Room(limits.hand_bytes)
        self.tasks: set[asyncio.Task[None]] = set()

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        CONNECTIONS.inc()
        try:
            await Connection(self, reader, writer).serve(full=len(self.tasks) > self.patience.connections)
        finally:
            CONNECTIONS.dec()
            self.tasks.discard(task)


class Connection:
    """One gateway's connection: its frames are read in order, offered as they come, and answered as they become durable."""

    def __init__(self, door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._door, self._reader, self._writer = door, reader, writer
        self._patience = door.patience
        self._window = asyncio.Semaphore(door.patience.window)
        self._under_way: set[asyncio.Task[None]] = set()
        self._key = ""
        self._gateway = Gateway("")
        self._checked_s = 0.0
        self._old = 0  # frames of backlog in hand
        # To offer a frame takes a turn, so that none overtakes one that was told to wait; what is news waits for no backlog.
        self._turns = {old: asyncio.Lock() for old in (False, True)}

    async def serve(self, *, full: bool) -> None:
        """Hear it until it ends, is refused, or the door closes; then answer what is under way."""
        try:
            await self._greet(full)
            while await self._hear():
                pass
            last = b""
        except Refused as error:
            REFUSALS.labels(error.refusal.name.lower()).inc()
            last = dialogue.refused(error.refusal, error.reason, wait_s=error.wait_s)
        except (OSError, EOFError):
            last = b""
        except asyncio.CancelledError:  # the door closes: by its caller, who waits for this task to end
            last = dialogue.refused(Refusal.ENDING, "the door closes; what is not answered is to be sent again", wait_s=1)
        except Exception:  # not foreseen: what is under way is still answered, and the gateway comes again
            log.exception("a connection at the TCP door failed", gateway=self._gateway.name)
            last = b""
        await self._end(last)

    async def _end(self, last: bytes) -> None:
        if self._under_way:
            _, left = await asyncio.wait(self._under_way, timeout=self._patience.drain_s)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        with contextlib.suppress(OSError, TimeoutError):
            await self._say(last)
            self._writer.close()
            async with asyncio.timeout(self._patience.drain_s):
                await self._writer.wait_closed()
        self._writer.transport.abort()

    async def _greet(self, full: bool) -> None:
        if full:
            raise Refused(Refusal.BUSY, "too many gateways are connected; come again", WAIT_S)
        try:
            async with asyncio.timeout(self._patience.hello_s):
                message = unwrap(await self._message(HELLO_MAX_BYTES))
        except TimeoutError:
            raise Refused(Refusal.LATE, f"no key came within {self._patience.hello_s:g} s") from None
        if isinstance(message, Rejected) or message.kind != Kind.HELLO:
            raise Refused(Refusal.BROKEN, "the first message is to hold a gateway's key (docs/protocols.md)")
        key = dialogue.key_of(message.body)
        if isinstance(key, Rejected):
            raise Refused(Refusal.KEY, key.reason)
        self._key = key
        await self._check()
        limits = self._door.limits
        await self._say(dialogue.welcome(self._patience.window, MESSAGE_MAX_BYTES, limits.frame_records))

    async def _check(self) -> None:
        """Look the key up."""
        try:
            found = await self._door.authenticate(self._key)
        except BusyError as error:
            if self._checked_s:  # it was good, and nobody can say otherwise: go on, so that a log may take what a database cannot
                return
            raise Refused(Refusal.BUSY, "keys cannot be looked up now; come again", error.retry_after_s) from error
        if found is None:
            raise Refused(Refusal.KEY, "the key is not good; `cordon keys` makes and lists them")
        self._gateway, self._checked_s = found, time.monotonic()

    async def _hear(self) -> bool:
        """Read one frame and offer it; False at the end of what the gateway has to say."""
        await self._window.acquire()
        with contextlib.ExitStack() as held:
            held.callback(self._window.release)
            try:
                async with asyncio.timeout(self._patience.idle_s):
                    length = await self._length()
            except TimeoutError:
                if self._under_way:
                    return True  # it waits for us, not we for it
                raise Refused(Refusal.LATE, f"nothing came for {self._patience.idle_s:g} s; come again") from None
            if length is None:
                return False
            # Of a message too long to be read only the beginning is: what it claims must not stand in everyone else's way.
            room = length if length + LENGTH.size <= MESSAGE_MAX_BYTES else WHOLE_BYTES
            counted = held.enter_context(contextlib.ExitStack())
            if self._old:
                await self._door.room.old_once_few(room)
                counted.callback(self._door.room.old, -room)
            await self._door.room.take(room)
            held.callback(self._door.room.give, room)
            try:
                async with asyncio.timeout(self._patience.message_s):
                    message = await self._rest(length, MESSAGE_MAX_BYTES)
            except TimeoutError:
                raise Refused(Refusal.LATE, f"a message did not end within {self._patience.message_s:g} s") from None
            if time.monotonic() - self._checked_s > self._patience.check_s:
                await self._check()
            got = await self._read(message)
            if isinstance(got.outcome, Rejected) and not got.whole:
                await self._bury(got.outcome.reason, message)
                raise Refused(Refusal.BROKEN, got.outcome.reason)
            counted.close()
            if not isinstance(got.outcome, Rejected) and is_old(got.outcome.batch):
                self._hold_old(1, room)
                counted.callback(self._hold_old, -1, -room)
            task = asyncio.create_task(self._settle(message, got))
            self._under_way.add(task)
            release = held.pop_all()
            task.add_done_callback(lambda _: release.close())
            task.add_done_callback(self._under_way.discard)
        return True

    def _hold_old(self, frames: int, count: int) -> None:
        self._old += frames
        self._door.room.old(count)

    async def _length(self) -> int | None:
        """The next message's length field; None where the gateway has closed its side between two messages."""
        try:
            head = await self._reader.readexactly(LENGTH.size)
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise
            return None
        return int(LENGTH.unpack(head)[0])

    async def _message(self, most_bytes: int) -> bytes:
        length = await self._length()
        if length is None:
            raise EOFError
        return await self._rest(length, most_bytes)

    async def _rest(self, length: int, most_bytes: int) -> bytes:
        """A message whose length field was read, whole."""
        if not SHORTEST <= length + LENGTH.size <= most_bytes:
            reason = f"a message of {length} bytes; from {SHORTEST - LENGTH.size} to {most_bytes - LENGTH.size} can be read"
            if self._checked_s:
                await self._bury(reason, LENGTH.pack(length) + await self._reader.read(WHOLE_BYTES - LENGTH.size))
            raise Refused(Refusal.BROKEN, reason)
        return LENGTH.pack(length) + await self._reader.readexactly(length)

    async def _read(self, message: bytes) -> Read:
        received_us, limits = time.time_ns() // 1000, self._gateway.limits(self._door.limits)
        if len(message) > DECODE_HERE_BYTES:
            return await asyncio.to_thread(_read, message, received_us, limits)
        return _read(message, received_us, limits)

    async def _settle(self, message: bytes, got: Read) -> None:
        """Make one frame durable and answer it."""
        decoded = got.outcome
        try:
            if isinstance(decoded, Rejected):
                await self._bury(decoded.reason, message)
                REFUSALS.labels("unreadable").inc()
                await self._say(dialogue.refused(Refusal.UNREADABLE, decoded.reason, got.sequence))
                return
            receipt = await self._durable(decoded.batch)
            accepted, rejected = settled(decoded, receipt)
            FRAMES.inc()
            RECORDS.labels("accepted").inc(accepted)
            RECORDS.labels("duplicate").inc(receipt.duplicate or 0)
            RECORDS.labels("rejected").inc(len(rejected))
            await self._say(dialogue.answer(got.sequence, receipt, accepted, rejected))
        except (OSError, TimeoutError):
            self._writer.transport.abort()  # it does not take its answers: nothing more is read from it either
        except Exception:  # not foreseen: a frame that nobody answers must not look like one that waits
            log.exception("a frame was not answered; its connection is cut, so that it is sent again", gateway=self._gateway.name)
            self._writer.transport.abort()

    async def _bury(self, reason: str, body: bytes) -> None:
        """Keep bytes that cannot be read as a dead letter, by the same way that fixes take."""
        dead = DeadLetter(reason, body[:WHOLE_BYTES], PROTOCOL)
        await self._durable(Batch(np.zeros(0, FIX), np.zeros(0, EVENT), self._gateway.name, 0, (dead,)))

    async def _durable(self, batch: Batch) -> Receipt:
        """The batch's receipt, however long its sink is busy: withholding the answer is what slows a gateway."""
        while True:
            try:
                return await (await self._offered(batch))
            except BusyError as error:
                wait_s = error.retry_after_s
            except CordonError:
                log.exception("a batch was not taken; it is offered again")
                wait_s = WAIT_S
            WITHHELD.inc()
            await asyncio.sleep(wait_s)

    async def _offered(self, batch: Batch) -> asyncio.Task[Receipt]:
        """The batch in its sink's hands; those of its kind that follow wait while it is refused at once."""
        async with self._turns[is_old(batch)]:
            while True:
                offered = asyncio.create_task(self._door.sink.accept(batch))
                try:
                    await asyncio.sleep(0)
                except asyncio.CancelledError:
                    offered.cancel()
                    raise
                busy = offered.exception() if offered.done() else None
                if not isinstance(busy, BusyError):
                    return offered
                WITHHELD.inc()
                await asyncio.sleep(busy.retry_after_s)

    async def _say(self, message: bytes) -> None:
        if not message:
            return
        self._writer.write(message)
        async with asyncio.timeout(self._patience.message_s):
            await self._writer.drain()


def _read(whole: bytes, received_us: int, limits: Limits) -> Read:
    message = unwrap(whole)
    if isinstance(message, Rejected):
        return Read(0, message, whole=False)
    frame = read(message)
    if isinstance(frame, Rejected):
        return Read(sequence_of(message), frame, whole=True)
    if frame.receipt:
        return Read(frame.sequence, Rejected("only Cordon's own edge adds a receipt to a frame"), whole=True)
    return Read(frame.sequence, sift(frame, received_us, limits), whole=True)


@contextlib.asynccontextmanager
async def listen(
    listener: socket.socket,
    sink: Sink,
    authenticate: Authenticate,
    limits: Limits,
    patience: Patience | None = None,
) -> AsyncIterator[None]:
    """Serve gateways on a listening socket meanwhile; at the end what is under way is answered, and the rest is to be sent again.

    Parameters
    ----------
    listener : bound and listening; closed at the end
    sink : takes each batch; the answer waits for it, and while it is busy the gateway is not read
    authenticate : gives the gateway whose key this is, or None
    limits : what is let in; ``hand_bytes`` bounds the frames of all connections together
    """
    door = Door(sink, authenticate, limits, patience or Patience())
    server = await asyncio.start_server(door.meet, sock=listener, limit=READ_BYTES)
    try:
        yield
    finally:
        server.close()
        tasks = list(door.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
