"""A small relay between two parts that cuts, stalls or half-closes what goes through it when it is told to."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

PIECE_BYTES: Final = 65_536

Target = Path | tuple[str, int]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Found = TypeVar("Found")


class Proxy:
    """Listens at a free port of this machine, or at a Unix socket's path, and relays to ``target``.

    That is a path, or (host, port), or what says so at each connection: None where nobody is there.
    """

    def __init__(self, target: Target | Callable[[], Target | None], at: Path | None = None) -> None:
        self.target = target
        self.relayed = 0  # connections so far
        self._at = at
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._flowing = self._do(self._event())
        self._server = self._do(self._listen())
        name = self._server.sockets[0].getsockname()
        self.port: int = name[1] if isinstance(name, tuple) else 0
        self.inode = 0 if at is None else at.stat().st_ino  # whether the socket at the path is still ours

    def cut(self) -> int:
        """Break every connection, both ends at once; how many there were."""

        def end(client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
            client.transport.abort()
            server.transport.abort()

        return self._do(self._each(end))

    def stall(self) -> int:
        """Let nothing more through, in either direction; connections stay, and new ones are taken and not served."""
        self._do(self._set(False))
        return self._do(self._each(lambda *_: None))

    def flow(self) -> None:
        """Let everything through again."""
        self._do(self._set(True))

    def half_close(self, towards_server: bool) -> int:
        """End one direction of every connection as an orderly peer would; the other one stays open."""

        def end(client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                (server if towards_server else client).get_extra_info("socket").shutdown(socket.SHUT_WR)

        return self._do(self._each(end))

    def close(self) -> None:
        """Stop listening and break what is there."""
        self._server.close()
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, act: Coroutine[Any, Any, Found]) -> Found:
        return asyncio.run_coroutine_threadsafe(act, self._loop).result()

    async def _event(self) -> asyncio.Event:
        event = asyncio.Event()
        event.set()
        return event

    async def _listen(self) -> asyncio.Server:
        if self._at is None:
            return await asyncio.start_server(self._serve, "127.0.0.1", 0)
        server = await asyncio.start_unix_server(self._serve, self._at)
        self._at.chmod(0o777)
        return server

    async def _set(self, flowing: bool) -> None:
        (self._flowing.set if flowing else self._flowing.clear)()

    async def _each(self, act: Callable[[asyncio.StreamWriter, asyncio.StreamWriter], object]) -> int:
        pairs = list(self._pairs)
        for pair in pairs:
            act(*pair)
        return len(pairs)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._flowing.wait()
        self.relayed += 1
        try:
            far_reader, far_writer = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        pair = writer, far_writer
        self._pairs.add(pair)
        try:
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            self._pairs.discard(pair)
            for end in pair:
                end.close()

    def _connect(self) -> Awaitable[Streams]:
        target = self.target() if callable(self.target) else self.target
        if target is None:
            raise ConnectionRefusedError
        return asyncio.open_unix_connection(target) if isinstance(target, Path) else asyncio.open_connection(*target)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(PIECE_BYTES):
                await self._flowing.wait()
                writer.write(piece)
                await writer.drain()
            writer.write_eof()
            return
        writer.transport.abort()  # a broken end breaks the other one


def interposed(path: Path) -> Proxy:
    """A relay in the place of a Unix socket somebody listens at: who connects from now on goes through it."""
    real = path.with_name(f"{path.name}.real")
    path.replace(real)
    return Proxy(real, path)
