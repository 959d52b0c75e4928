"""Turns the tables back into the links they were stored under, and says of the first thing that does not match what it is.

Everything is read at one moment, in one read-only transaction, so that it can be done beside a running system. What is read is
the chain itself first, lane by lane, with the signed heads it must meet; then each day's rows; then what lanes say of alerts.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from model.instant import BEGINNING_US, DAY_US
from store import edits, heads
from store.heads import Signed, day_text
from store.pool import Connection, Store
from store.proof import alerts, days, links, people
from store.proof.walked import KINDS, Counts, MismatchError, Progress, Span, Walked

__all__ = ["Counts", "MismatchError", "Span", "moment", "prove", "size"]

IDLE: Final = "10min"  # what is read is also judged again, a hundred alerts at a time, while the transaction waits


@asynccontextmanager
async def moment(store: Store) -> AsyncIterator[Connection]:
    """A connection that reads everything as of one moment.

    The days' tables are held first, so that none is replaced or dropped meanwhile: a table exchanged later would look empty. No
    commit waits for that, and who would put a day in order leaves it for later.
    """
    async with store.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE}'")
        await connection.execute(f"LOCK TABLE {', '.join(KINDS)} IN ACCESS SHARE MODE")
        yield connection


async def size(connection: Connection, span: Span) -> int:
    """How much ``prove`` has to go through: links and rows."""
    found: int = await connection.fetchval(
        """SELECT (SELECT count(*) FROM commit_link)
                + (SELECT coalesce(sum(length(marks) / 8), 0) FROM commit_slice WHERE day BETWEEN $1 AND $2)""",
        span.from_us // DAY_US,
        (span.to_us - 1) // DAY_US,
    )
    return int(found)


async def prove(
    connection: Connection,
    span: Span,
    signed: Sequence[Signed],
    checks: Callable[[Signed], bool],
    progress: Progress = lambda _: None,
    *,
    forgets_us: int = BEGINNING_US,
    retires_before: int = 0,
) -> Counts:
    """Check everything of a span, in a transaction that reads at one moment.

    The chains are walked from their first links whatever the span, as each link stands on all before it.

    Parameters
    ----------
    signed : heads known from elsewhere, besides those in the database
    checks : whether a head's signature is right, by a key that is trusted
    progress : told how many links and rows were gone through since the last call
    forgets_us : dead letters that lanes kept before this may have been let go of since
    retires_before : days since 1970 UTC before this may have been let go of but for what is held, where that is noted; a note
        that a younger day was is not believed

    Raises
    ------
    MismatchError
        At the first thing that does not match.
    """
    counts, walked = Counts(), Walked()
    known = [*await heads.held(connection), *signed]
    for one in known:
        if not checks(one):
            raise MismatchError(
                "day_head",
                f"the signed head of lane {one.head.lane}, day {day_text(one.head.day)} does not check with a public key that is "
                f"trusted (its key is {one.key}): the head was changed, or that key is not among those given",
                lane=one.head.lane,
                day=one.head.day,
            )
    lanes = await connection.fetch("SELECT * FROM lane ORDER BY partition")
    for lane in lanes:
        mine = [one for one in known if one.head.lane == lane["partition"]]
        await links.walk(connection, span, lane, mine, walked, counts, progress, forgets_us)
    mine = [one for one in known if one.head.lane == edits.LANE]
    await people.walk(connection, span, mine, walked, counts)
    strange = {one.head.lane for one in known} - {lane["partition"] for lane in lanes} - {edits.LANE}
    if strange:
        lane_no = min(strange)
        raise MismatchError("lane", f"lane {lane_no} has signed heads and is not in the database: it was taken out", lane=lane_no)
    counts.heads = len({one.head for one in known})
    for kind in KINDS:
        await days.check(connection, kind, span, walked, counts, progress, retires_before)
    await alerts.check(connection, walked, counts)
    return counts
