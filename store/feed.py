"""Turns what commits wrote into one numbered stream: everything the officers' stream, the duties and the cursors read.

The feed is one row, locked as the last thing before COMMIT by workers and API alike. So commit order is feed order: whoever has
read up to a position has seen every change up to it, and a cursor can never step over one that was still being committed.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import asyncpg

from store import edits
from store.pool import CONNECT_S, FAILURES, Connection, Store

CHANNEL: Final = "cordon_feed"
REREAD_S: Final = 5.0  # a notification is only a hint: the position is read again this often without one
RETRY_S: Final = 0.5

# When what people save is in force. Every worker reads control changes at least four times in this, so that none judges by the
# old version a fix taken after it.
SOON: Final = "interval '1 second'"

# The head of every statement that numbers feed entries: $1 kinds, $2 refs, $3 whats, one element an entry. ``numbered.base`` is
# the position before the first entry, so that entry i (from 1) has base + i. To be followed by ``SELECT ... FROM numbered``.
NUMBER: Final = """
WITH given AS (
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[]) WITH ORDINALITY AS given (kind, ref, what, i)
), numbered AS (
    UPDATE feed SET position = position + cardinality($1) RETURNING position, position - cardinality($1) AS base
), entered AS (
    INSERT INTO feed_entry (position, kind, ref, what) SELECT base + i, kind, ref, what FROM numbered, given
), told AS (
    SELECT pg_notify('cordon_feed', position::text) FROM numbered
)"""


APPEND: Final = NUMBER + " SELECT position FROM numbered, told"  # noqa: S608 (two constants)


class Entry(NamedTuple):
    """One numbered change."""

    position: int
    kind: str  # "alert", "control", "tag"
    ref: int  # the alert's, resource's or tag's id
    what: str
    at_us: int


class Edit:
    """A transaction of people's that ends by numbering what it changed; made by :func:`edit`.

    Attributes
    ----------
    connection : run statements on it as usual; they see each other
    actor : account id, None for Cordon itself
    position : after the end, that of the last entry; where none was made, the feed's position
    """

    def __init__(self, connection: Connection, actor: int | None) -> None:
        self.connection = connection
        self.actor = actor
        self.position = 0
        self._entries: list[tuple[str, int, str]] = []
        self._numbered: list[tuple[str, tuple[Any, ...], int, str]] = []

    def entry(self, kind: str, ref: int, what: str) -> int:
        """Announce a change; returns its index, for ``numbered``."""
        self._entries.append((kind, ref, what))
        return len(self._entries) - 1

    def numbered(self, sql: str, *args: Any, entry: int = -1, kept: str = "") -> None:
        """Run a statement when the position is known, given as ``$1`` before ``args``: that of the entry with index ``entry``.

        Without any entry ``$1`` is the feed's position as it stands. These run while everybody waits for the feed's row, so only
        inserts, and updates of rows this transaction has already locked: anything else could deadlock with a worker.

        ``kept`` names the table of rows that are evidence: the statement then ends with ``store.edits.RETURNING`` of it, and the
        rows go into the chain of edits. A statement that writes many counts on from the position of the first's entry.
        """
        self._numbered.append((sql, args, entry, kept))

    @asynccontextmanager
    async def tried(self) -> AsyncIterator[None]:
        """What is done inside is taken back at its end, announcements too: whatever it would raise, it raises."""
        trial = self.connection.transaction()
        entries, numbered = len(self._entries), len(self._numbered)
        await trial.start()
        try:
            yield
        finally:
            await trial.rollback()
            del self._entries[entries:], self._numbered[numbered:]

    async def finish(self) -> None:
        """Number the entries and run what waited for it."""
        count = len(self._entries)
        if count:
            kinds, refs, whats = zip(*self._entries, strict=True)
            self.position = await self.connection.fetchval(APPEND, kinds, refs, whats)
        else:
            self.position = await self.connection.fetchval("SELECT position FROM feed")
        rows = []
        for sql, args, entry, kept in self._numbered:
            position = self.position - count + 1 + range(count)[entry] if count else self.position
            made = await self.connection.fetch(sql, position, *args)
            rows += [(kept, row) for row in made if kept]
        if rows:
            await edits.link(self.connection, rows)


@asynccontextmanager
async def edit(store: Store, actor: int | None = None) -> AsyncIterator[Edit]:
    """One transaction whose last statements number what it changed; rolled back if the body raises.

    ``async with edit(store, account) as change: ...; change.entry("control", zone, "zone")``
    """
    async with store.pool.acquire() as connection, connection.transaction():
        change = Edit(connection, actor)
        yield change
        await change.finish()


async def position(store: Store) -> int:
    """The newest position anyone may have read."""
    found: int = await store.pool.fetchval("SELECT position FROM feed")
    return found


async def entries(store: Store, after: int, limit: int = 1000) -> Sequence[Entry]:
    """The entries after a position, in order, at most ``limit``."""
    rows = await store.pool.fetch(
        "SELECT position, kind, ref, what, at FROM feed_entry WHERE position > $1 ORDER BY position LIMIT $2", after, limit
    )
    return [Entry(*row) for row in rows]


async def watch(store: Store, after: int) -> AsyncIterator[int]:
    """The feed's position each time it is larger than it was, beginning with the first one larger than ``after``.

    Entries read then may already include later ones, so that a next position brings nothing new. A lost connection is made
    again, for as long as it takes; nothing is missed, because the position is read after listening has begun and every time
    something, or nothing for ``REREAD_S``, is heard.
    """
    while True:
        try:
            async with _listening(store) as (connection, heard):
                while True:
                    heard.clear()  # before reading: what is heard from here on may be newer than what is read
                    now: int = await connection.fetchval("SELECT position FROM feed")
                    if now > after:
                        after = now
                        yield now
                        continue
                    try:
                        async with asyncio.timeout(REREAD_S):
                            await heard.wait()
                    except TimeoutError:
                        pass
        except FAILURES:
            await asyncio.sleep(RETRY_S)


@asynccontextmanager
async def _listening(store: Store) -> AsyncIterator[tuple[Connection, asyncio.Event]]:
    """A connection of its own, and an event set by each notification and by the connection's end."""
    connection = await asyncpg.connect(store.dsn, timeout=CONNECT_S)
    heard = asyncio.Event()
    try:
        connection.add_termination_listener(lambda *_: heard.set())
        await connection.add_listener(CHANNEL, lambda *_: heard.set())
        yield connection, heard
    finally:
        connection.terminate()  # close() would wait for a server that may be gone
