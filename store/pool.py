"""Turns the database's address into a pool of connections that speak in our units."""

import contextlib
import json
from typing import TYPE_CHECKING, Any, Final, Self

import asyncpg

from model.errors import CordonError
from model.steps import Probe

if TYPE_CHECKING:
    from asyncpg.pool import PoolAcquireContext, PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Source = asyncpg.Pool[asyncpg.Record] | Connection  # of rows: who holds a connection reads by it, others by the pool
    Pooled = asyncpg.Pool[asyncpg.Record]
else:
    Connection = Source = Any
    Pooled = asyncpg.Pool  # which takes no parameter at run time

Record = asyncpg.Record  # a row, by column name: for those above, who do not import asyncpg

# What callers catch where the database may be away; cut off at a bad moment, asyncpg says InternalClientError.
FAILURES: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)

# PostgreSQL counts microseconds since 2000 UTC.
PG_EPOCH_US: Final = 946_684_800_000_000
CONNECT_S: Final = 10
RENEWED_QUERIES: Final = 50_000  # a connection is made anew after so many
IDLE_S: Final = 300.0  # one that nobody used for so long is closed
# A transaction whose client says nothing for so long, because it is frozen or cut off, is ended: others wait for its locks.
IDLE_IN_TRANSACTION: Final = "20s"


class Pool(Pooled):
    """Connections that are waited for no longer than ``wait_s``, by whatever method; None: for as long as it takes."""

    wait_s: float | None = None

    def acquire(self, *, timeout: float | None = None) -> "PoolAcquireContext[asyncpg.Record]":
        """As asyncpg's; raises ``TimeoutError`` where none becomes free in time."""
        return super().acquire(timeout=self.wait_s if timeout is None else timeout)


class Store:
    """The database: a pool of asyncpg connections.

    Every ``timestamptz`` is an int of microseconds since 1970 UTC, as everywhere inside Cordon, both as an argument and in a row;
    every ``jsonb`` is a plain Python value. The session's zone is UTC.

    Parameters
    ----------
    dsn : address of a migrated database
    size : most connections at once
    wait_s : how long to wait for one that is free, before ``TimeoutError``; None: for as long as it takes
    """

    def __init__(self, dsn: str, *, size: int = 10, wait_s: float | None = None) -> None:
        self.dsn = dsn
        self._size = size
        self._wait_s = wait_s
        self.days: set[int] = set()  # days since 1970 known to have their partitions (store/partitions.py)
        self.gateways: dict[str, int] = {}  # numbers of the gateways heard of (store/gateways.py)
        self.probe: Probe | None = None  # hears of every step of every commit; for crash tests
        self.snapshot_entries: int | None = None  # journal entries after which a snapshot is due; None: store/snapshots.py
        self._pool: Pool | None = None

    @property
    def pool(self) -> Pool:
        """The open pool.

        Whoever holds a connection must not ask for another: as many of them as there are connections would wait for each other.
        """
        if self._pool is None:
            raise CordonError("the database is not open: enter the store first")
        return self._pool

    async def open(self) -> Self:
        """Connect.

        Raises
        ------
        CordonError
            If the server cannot be reached or refuses us.
        """
        try:
            # What create_pool does, which makes no pool of ours.
            pool = Pool(
                self.dsn,
                min_size=1,
                max_size=self._size,
                max_queries=RENEWED_QUERIES,
                max_inactive_connection_lifetime=IDLE_S,
                loop=None,
                connection_class=asyncpg.Connection,
                record_class=asyncpg.Record,
                init=prepare,
                timeout=CONNECT_S,
                server_settings={
                    "application_name": "cordon",
                    "timezone": "UTC",
                    "jit": "off",
                    "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION,
                },
            )
            pool.wait_s = self._wait_s
            await pool
            self._pool = pool
        except FAILURES as error:
            reason = str(error) or type(error).__name__
            raise CordonError(f"the database cannot be reached ({reason}): check its address, and that the server runs") from None
        return self

    async def close(self) -> None:
        """Give all connections back; without effect where none is open."""
        pool, self._pool = self._pool, None
        if pool is not None:
            with contextlib.suppress(
                OSError
            ):  # a server that died just now takes no farewell; asyncpg has then let go of them all
                await pool.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def prepare(connection: Connection) -> None:
    """Make a connection speak in our units."""
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
    await connection.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        format="tuple",
        encoder=lambda us: (int(us) - PG_EPOCH_US,),
        decoder=lambda value: value[0] + PG_EPOCH_US,
    )
