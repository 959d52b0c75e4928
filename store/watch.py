"""Turns one look at the whole system into a row that everyone reads: the watch lane's, locked by whoever looks.

All that a look remembers for the next stands in that row: an instance that was frozen has nothing of its own to write.
"""

from typing import Any, Final, NamedTuple

from model.instant import SECOND_US
from store import channels, counts, crossings, generations, headroom, outages, rounds
from store.channels import Silent
from store.counts import Gateway
from store.crossings import Crossing
from store.feed import Edit
from store.headroom import Headroom
from store.outages import Said
from store.pool import Connection, Store
from store.rounds import Rounds

# A looker frozen in the middle would hold the row, and later the feed's: the server ends its session after this.
FROZEN: Final = "10s"
STALE_S: Final = 15.0  # several looks; an instance that ends is replaced at the next


class LaneRow(NamedTuple):
    """A lane as a look finds it."""

    partition: int
    owner: str
    commit_no: int
    watermark_us: int


class Readings(NamedTuple):
    """Everything the watch judges by, at one moment of the database's clock."""

    now_us: int
    lanes: list[LaneRow]
    duties: list[Rounds]
    crossings: list[Crossing]
    headroom: Headroom | None = None  # as last measured
    gateways: list[Gateway] = []  # noqa: RUF012 (never changed)
    said: Said = Said({}, [])
    topics: int = 0  # lanes that the topics have, 0 where there are none
    channels: list[Silent] = []  # noqa: RUF012 (never changed)


class Check(NamedTuple):
    """One thing that must be so: ``state`` is ``ok``, ``failing``, ``starting`` or ``off``; ``text`` names nobody."""

    name: str
    state: str
    text: str


class Looked(NamedTuple):
    """What the last look found, and when that was; ``seen_us``: every lane's synthetic alert has been seen since, None: never."""

    looked_us: int
    now_us: int
    checks: tuple[Check, ...]
    seen_us: int | None = None

    @property
    def fresh(self) -> bool:
        """Whether it says anything of now."""
        return self.now_us - self.looked_us <= STALE_S * SECOND_US


async def turn(change: Edit) -> dict[str, Any] | None:
    """Be the one who looks, until the transaction ends: what the last look remembered; None while somebody else is at it."""
    await change.connection.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{FROZEN}'")
    memory: dict[str, Any] | None = await change.connection.fetchval("SELECT memory FROM watch FOR UPDATE SKIP LOCKED")
    return memory


async def read(connection: Connection) -> Readings:
    """What there is to judge by."""
    now_us = await connection.fetchval("SELECT clock_timestamp()")
    lanes = await connection.fetch(
        """
        SELECT partition, owner, commit_no, watermark FROM lane
        WHERE generation = (SELECT max(generation) FROM lane) ORDER BY partition
        """
    )
    return Readings(
        now_us,
        [LaneRow(*row) for row in lanes],
        await rounds.listed(connection),
        await crossings.listed(connection),
        await headroom.last(connection),
        await counts.summed(connection),
        await outages.said(connection),
        await generations.lanes(connection),
        await channels.silent(connection),
    )


async def write(change: Edit, owner: str, memory: dict[str, Any], checks: list[Check], at_us: int) -> None:
    """Keep what the look found and remembers."""
    await change.connection.execute(
        "UPDATE watch SET commit_no = commit_no + 1, owner = $1, looked_at = $2, memory = $3, checks = $4",
        *(owner, at_us, memory, [list(check) for check in checks]),
    )


async def seen(store: Store) -> Readings:
    """What there is to judge by, outside a look: for whoever counts it."""
    async with store.pool.acquire() as connection:
        return await read(connection)


async def last(store: Store) -> Looked:
    """The last look, with the database's clock beside it."""
    row = await store.pool.fetchrow(
        """SELECT looked_at, clock_timestamp() AS now, checks,
                  (SELECT min(seen_at) FROM synthetic_crossing HAVING bool_and(seen_at IS NOT NULL)) AS seen FROM watch"""
    )
    assert row is not None
    return Looked(row["looked_at"], row["now"], tuple(Check(*check) for check in row["checks"]), row["seen"])
