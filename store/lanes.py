"""Turns the wish to own a lane into a claim that fences off every earlier owner, and into the state that owner had."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import asyncpg

from model.batch import Position
from model.errors import CordonError, FencedError
from model.state import State, digest_of, rebuilt
from store import journal
from store.journal import Entry
from store.pool import Connection, Store

FROZEN_S: Final = 2.0  # the longest a commit's judging takes, many times over
NOTHING: Final = Position(0, 0)


@dataclass(slots=True)
class Claim:
    """That we own a lane; made by :func:`claim`, moved on by each commit, void for ever after one that failed.

    ``journalled`` (bytes) and ``entries`` are what the journal holds since the last snapshot: what a restart would apply.
    ``link`` is the newest of the lane's chain (store/chain.py), ``told`` the feed's position before its commit's entries, None
    where it had none. ``position`` is how far the lane's topics are consumed.
    """

    partition: int
    epoch: int
    commit_no: int
    link: bytes
    told: int | None = None
    journalled: int = 0
    entries: int = 0
    position: Position = NOTHING
    void: bool = False

    def check(self) -> None:
        """Refuse to go on after a commit that failed or may have failed.

        Raises
        ------
        FencedError
            Always then: what was judged ahead is void, and only a new claim knows what is stored.
        """
        if self.void:
            raise FencedError(self.partition)


class Look(NamedTuple):
    """A lane's owner, and what moves whenever one of them does something."""

    owner: str
    epoch: int
    commit_no: int


async def claim(store: Store, partition: int, owner: str, generation: int = 0, *, again: bool = False) -> Claim:
    """Own a lane from now on: committed before any state is read, so that no earlier owner can commit after that reading.

    Waits for a commit of the earlier owner that is under way; one that does nothing for ``FROZEN_S`` while it holds the lane is
    cut off: its process is stopped, or its machine gone, and nothing else would ever end it.

    Parameters
    ----------
    again : by who lost a commit of that lane and does not know why. Refused where the lane has another owner since: a worker that
        was frozen or cut off, and wakes, must not take it back

    Raises
    ------
    FencedError
        If the lane has moved to another generation of topics (store/generations.py): what its owner consumes is over. Or if it
        has another owner than who claims it ``again``.
    """
    async with store.pool.acquire() as connection:
        claiming = asyncio.ensure_future(_claim(connection, partition, owner, generation, again=again))
        try:
            while not (await asyncio.wait([claiming], timeout=FROZEN_S))[0]:
                await _cut_frozen(store, connection.get_server_pid())
            row = await claiming
        finally:
            claiming.cancel()
    if row is None:
        raise FencedError(partition)
    # Asked for only now, as the row above may have waited for a commit that this one's snapshot would not have seen.
    told = await store.pool.fetchval(
        "SELECT base FROM commit_told WHERE lane = $1 AND commit_no = (SELECT max(commit_no) FROM commit_link WHERE lane = $1)",
        partition,
    )
    position = Position(row["live_offset"], row["backlog_offset"])
    return Claim(partition, row["epoch"], row["commit_no"], row["link"], told, position=position)


async def _claim(connection: Connection, partition: int, owner: str, generation: int, *, again: bool) -> asyncpg.Record | None:
    return await connection.fetchrow(
        """
        INSERT INTO lane (partition, epoch, owner, claimed_at, generation) VALUES ($1, 1, $2, now(), $3)
        ON CONFLICT (partition) DO UPDATE SET epoch = lane.epoch + 1, owner = $2, claimed_at = now()
        WHERE lane.generation = $3 AND (NOT $4 OR lane.owner = $2)
        RETURNING epoch, commit_no, link, live_offset, backlog_offset
        """,
        partition,
        owner,
        generation,
        again,
    )


async def _cut_frozen(store: Store, waiting: int) -> None:
    """End the sessions that a claim waits for, where they are within a transaction and have said nothing for so long."""
    await store.pool.execute(
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE pid = ANY(pg_blocking_pids($1)) AND state = 'idle in transaction'
            AND clock_timestamp() - state_change > make_interval(secs => $2)
        """,
        waiting,
        FROZEN_S,
    )


async def held(store: Store, claim: Claim) -> bool:
    """Whether nobody has claimed the lane since, nor committed in it: the state in memory is then still the stored one."""
    row = await store.pool.fetchrow("SELECT epoch, commit_no FROM lane WHERE partition = $1", claim.partition)
    return row is not None and not claim.void and (row["epoch"], row["commit_no"]) == (claim.epoch, claim.commit_no)


async def look(store: Store, partition: int) -> Look:
    """Who has a lane that was claimed once, and how far they are."""
    row = await store.pool.fetchrow("SELECT owner, epoch, commit_no FROM lane WHERE partition = $1", partition)
    assert row is not None
    return Look(*row)


async def recover(store: Store, claim: Claim) -> State:
    """The lane's state as the claim found it, equal to the lost one bit for bit: a whole snapshot, and the journal applied to it.

    A snapshot that does not have the digest it was written with is passed over for the older one that is kept.

    Raises
    ------
    FencedError
        If somebody else has claimed the lane meanwhile.
    CordonError
        If neither snapshot is whole, or the journal has a hole.
    """
    async with store.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        lane = await connection.fetchrow("SELECT * FROM lane WHERE partition = $1 AND epoch = $2", claim.partition, claim.epoch)
        if lane is None:
            raise FencedError(claim.partition)
        marks = await connection.fetch("SELECT * FROM snapshot_mark WHERE lane = $1 ORDER BY commit_no DESC", claim.partition)
        state, since = State(), 0
        for mark in marks:
            blocks = await connection.fetch(
                """
                SELECT DISTINCT ON (block) block, body FROM snapshot WHERE lane = $1 AND commit_no <= $2
                ORDER BY block, commit_no DESC
                """,
                claim.partition,
                mark["commit_no"],
            )
            found = _whole([(row["block"], row["body"]) for row in blocks], mark)
            if found is not None:
                state, since = found, mark["commit_no"]
                break
        else:
            if marks:
                raise CordonError(f"no snapshot of lane {claim.partition} is whole: restore the database from its backup")
        rows = await connection.fetch(
            """
            SELECT commit_no, watermark, control_seq, delta FROM commit_journal WHERE lane = $1 AND commit_no > $2
            ORDER BY commit_no
            """,
            claim.partition,
            since,
        )
    entries = [Entry(no, watermark, seq, journal.decode(body)) for no, watermark, seq, body in rows]
    for entry in entries:
        try:
            state.apply(entry.delta)
        except ValueError as error:
            raise CordonError(
                f"commit {entry.commit_no} of lane {claim.partition} does not follow on the one before ({error}): "
                "restore the database from its backup"
            ) from error
    # Commits that only moved the clock are not in the journal.
    state.watermark_us, state.control_seq = lane["watermark"], lane["control_seq"]
    state.listening_us = lane["listening"]
    claim.commit_no = lane["commit_no"]
    claim.entries = len(entries)
    claim.journalled = sum(len(entry.delta) for entry in entries)
    if store.probe is not None:
        store.probe.recovered(claim.partition, claim.commit_no, state)
    return state


def _whole(blocks: Sequence[tuple[int, bytes]], mark: asyncpg.Record) -> State | None:
    if digest_of(blocks, mark["watermark"], mark["control_seq"]) != mark["digest"]:
        return None
    try:
        return rebuilt(blocks, mark["watermark"], mark["control_seq"])
    except ValueError:
        return None
