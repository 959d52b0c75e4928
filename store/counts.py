"""Turns what each lane counts into what the watch lane sums: by gateway, tags worn and tags silent."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from store.lanes import Claim
from store.pool import Connection, Store

AS_OF_S: Final = 60  # older counts are of a lane that is behind, or of no lane any more: they say nothing of now


class Gateway(NamedTuple):
    """A gateway, over all lanes whose counts are of now."""

    name: str
    worn: int
    silent: int


async def write(store: Store, claim: Claim, as_of_us: int, counts: Sequence[tuple[int, int, int]]) -> None:
    """Replace a lane's counts, each (gateway, worn, silent); without effect where the lane has another owner by now."""
    gateways, worn, silent = ([count[column] for count in counts] for column in range(3))
    await store.pool.execute(
        """
        WITH ours AS (SELECT FROM lane WHERE partition = $1 AND epoch = $2), gone AS (
            DELETE FROM lane_count WHERE lane = $1 AND gateway <> ALL ($4::integer[]) AND EXISTS (SELECT FROM ours)
        )
        INSERT INTO lane_count (lane, gateway, worn, silent, as_of)
        SELECT $1, gateway, worn, silent, $3
        FROM unnest($4::integer[], $5::integer[], $6::integer[]) AS counted (gateway, worn, silent)
        WHERE EXISTS (SELECT FROM ours)
        ON CONFLICT (lane, gateway) DO UPDATE SET worn = excluded.worn, silent = excluded.silent, as_of = excluded.as_of
        """,
        *(claim.partition, claim.epoch, as_of_us, gateways, worn, silent),
    )


async def summed(connection: Connection) -> list[Gateway]:
    """Each gateway over all lanes, by name."""
    rows = await connection.fetch(
        """SELECT name, sum(worn) AS worn, sum(silent) AS silent FROM lane_count JOIN gateway ON gateway.id = gateway
           WHERE as_of > clock_timestamp() - make_interval(secs => $1) GROUP BY name ORDER BY name""",
        AS_OF_S,
    )
    return [Gateway(*row) for row in rows]
