"""Turns the lanes of one generation of topics into those of the next: what they remember goes with its tags, all at once."""

from collections.abc import Mapping, Sequence

from model.errors import CordonError
from model.state import State, spread
from store import generations, snapshots
from store.generations import Generation
from store.lanes import Claim, recover
from store.pool import Connection, Record, Store

OWNER = "moving"  # of a lane while it is nobody's


async def behind(store: Store, before: Generation, ends: Mapping[int, tuple[int, int]]) -> list[int]:
    """The lanes that have not consumed their topics to the end yet."""
    rows = await store.pool.fetch("SELECT partition, live_offset, backlog_offset FROM lane WHERE generation = $1", before.number)
    consumed = {row["partition"]: (row["live_offset"], row["backlog_offset"]) for row in rows}
    return [lane for lane, end in sorted(ends.items()) if consumed.get(lane) != end]


async def move(store: Store, before: Generation, after: Generation, ends: Mapping[int, tuple[int, int]]) -> None:
    """Give the lanes of ``after`` what those of ``before`` remember, and let workers consume it from its beginning.

    Every lane is claimed first, so whatever an owner still tries is refused. Lanes that there are no longer keep their row, with
    the old generation: their chains (store/chain.py) stay, and go on where a later move brings the lane back.

    Raises
    ------
    CordonError
        If a lane has not consumed its topics to the end: they take no more, so try again when it has.
    """
    async with store.pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch("SELECT * FROM lane WHERE generation = $1 ORDER BY partition FOR UPDATE", before.number)
        late = [row["partition"] for row in rows if (row["live_offset"], row["backlog_offset"]) != ends.get(row["partition"])]
        if late or len(rows) != before.lanes:
            raise CordonError(f"lanes {late or 'that no worker ever had'} are not at the end of their topics: try again")
        # By other connections, which see what is committed: the rows are locked, so nothing is added to it.
        states = [await recover(store, _claim(row)) for row in rows]
        for table in ("commit_journal", "snapshot", "snapshot_mark", "lane_count", "lane_group", "lane_overdue"):
            lanes = [row["partition"] for row in rows]
            await connection.execute(f"DELETE FROM {table} WHERE lane = ANY($1::integer[])", lanes)  # noqa: S608 (of four)
        await connection.execute("UPDATE lane SET epoch = epoch + 1, owner = $2 WHERE generation = $1", before.number, OWNER)
        await _place(connection, after, spread(states, after.lanes))
        await generations.moved(connection, after.number)


def _claim(row: Record) -> Claim:
    return Claim(row["partition"], row["epoch"], row["commit_no"], row["link"])


async def _place(connection: Connection, after: Generation, states: Sequence[State]) -> None:
    for lane, state in enumerate(states):
        row = await connection.fetchrow(
            """
            INSERT INTO lane AS held (partition, epoch, commit_no, watermark, control_seq, owner, generation, listening)
            VALUES ($1, 1, 1, $2, $3, $4, $5, $6)
            ON CONFLICT (partition) DO UPDATE SET epoch = held.epoch + 1, commit_no = held.commit_no + 1, live_offset = 0,
                backlog_offset = 0, watermark = $2, control_seq = $3, owner = $4, generation = $5,
                listening = $6
            RETURNING partition, epoch, commit_no, link
            """,
            *(lane, state.watermark_us, state.control_seq, OWNER, after.number, state.listening_us),
        )
        assert row is not None
        await snapshots.write(connection, _claim(row), row["commit_no"], state)
