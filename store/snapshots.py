"""Turns a lane's state into the blocks a restart begins from, and lets go of what no kept snapshot needs."""

import asyncio
from typing import Final

from model.state import State
from store.lanes import Claim
from store.pool import Connection

# A snapshot is due when a restart would otherwise apply more of the journal than this: under a second's work.
JOURNAL_BYTES: Final = 16 * 1024 * 1024
JOURNAL_BYTES_A_TAG: Final = 600  # of a large lane: writing its blocks then costs about half of what its journal does
ENTRIES: Final = 1000  # unless the store says otherwise
KEPT: Final = 2  # generations


def due(claim: Claim, state: State, entries: int | None = None) -> bool:
    """Whether the lane's next commit should carry a snapshot; ``entries`` in place of ``ENTRIES`` where it is given."""
    return claim.entries >= (entries or ENTRIES) or claim.journalled >= max(JOURNAL_BYTES, JOURNAL_BYTES_A_TAG * state.count)


async def write(connection: Connection, claim: Claim, commit_no: int, state: State) -> None:
    """Keep the blocks changed since the last snapshot, as of this commit, and prune.

    Kept are the two newest snapshots: for each, every block as it was then, and the journal after the older of them.
    """
    touched = state.take_touched()
    # In a thread: a megabyte a block is copied and hashed, and the loop has other lanes to serve.
    bodies, digest = await asyncio.to_thread(lambda: ([state.block(number) for number in touched], state.digest()))
    await connection.execute(
        "INSERT INTO snapshot_mark (lane, commit_no, watermark, control_seq, digest) VALUES ($1, $2, $3, $4, $5)",
        claim.partition,
        commit_no,
        state.watermark_us,
        state.control_seq,
        digest,
    )
    await connection.executemany(
        "INSERT INTO snapshot (lane, block, commit_no, body) VALUES ($1, $2, $3, $4)",
        [(claim.partition, number, commit_no, body) for number, body in zip(touched, bodies, strict=True)],
    )
    oldest = await connection.fetchval(
        "SELECT commit_no FROM snapshot_mark WHERE lane = $1 ORDER BY commit_no DESC OFFSET $2 LIMIT 1", claim.partition, KEPT - 1
    )
    if oldest is None:
        return
    await connection.execute("DELETE FROM snapshot_mark WHERE lane = $1 AND commit_no < $2", claim.partition, oldest)
    await connection.execute("DELETE FROM commit_journal WHERE lane = $1 AND commit_no <= $2", claim.partition, oldest)
    await connection.execute(
        """
        DELETE FROM snapshot AS old WHERE lane = $1 AND commit_no < $2 AND EXISTS (
            SELECT FROM snapshot AS newer
            WHERE newer.lane = old.lane AND newer.block = old.block AND newer.commit_no > old.commit_no AND newer.commit_no <= $2)
        """,
        claim.partition,
        oldest,
    )
