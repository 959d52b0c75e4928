"""Turns what each lane counts into what the watch lane sums: by gateway, tags worn, silent, and not known to be either."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from store.lanes import Claim
from store.pool import Connection, Store

AS_OF_S: Final = 60  # older counts are of a lane that is behind, or was until now: they say nothing of who is silent


class Gateway(NamedTuple):
    """A gateway, over all lanes that are consumed.

    ``unknown`` of the tags worn may be silent or not: their lane has not listened for long enough, or not counted lately.
    """

    name: str
    worn: int
    silent: int
    unknown: int = 0


async def write(store: Store, claim: Claim, as_of_us: int, counts: Sequence[tuple[int, int, int, int]]) -> None:
    """Replace a lane's counts, each (gateway, worn, silent, unknown); without effect where the lane has another owner by now."""
    gateways, *counted = ([count[column] for count in counts] for column in range(4))
    await store.pool.execute(
        """
        WITH ours AS (SELECT FROM lane WHERE partition = $1 AND epoch = $2), gone AS (
            DELETE FROM lane_count WHERE lane = $1 AND gateway <> ALL ($4::integer[]) AND EXISTS (SELECT FROM ours)
        )
        INSERT INTO lane_count (lane, gateway, worn, silent, unknown, as_of)
        SELECT $1, gateway, worn, silent, unknown, $3
        FROM unnest($4::integer[], $5::integer[], $6::integer[], $7::integer[]) AS counted (gateway, worn, silent, unknown)
        WHERE EXISTS (SELECT FROM ours)
        ON CONFLICT (lane, gateway) DO UPDATE
            SET worn = excluded.worn, silent = excluded.silent, unknown = excluded.unknown, as_of = excluded.as_of
        """,
        *(claim.partition, claim.epoch, as_of_us, gateways, *counted),
    )


async def summed(connection: Connection) -> list[Gateway]:
    """Each gateway over all lanes that are consumed, by name; one that is not among them was named by no lane's last count."""
    rows = await connection.fetch(
        """
        SELECT name, sum(worn), sum(CASE WHEN fresh THEN silent ELSE 0 END), sum(CASE WHEN fresh THEN unknown ELSE worn END)
        FROM (SELECT *, as_of > clock_timestamp() - make_interval(secs => $1) AS fresh FROM lane_count) AS counted
        JOIN lane ON lane.partition = counted.lane JOIN gateway ON gateway.id = gateway
        WHERE lane.generation = (SELECT max(generation) FROM lane) GROUP BY name ORDER BY name
        """,
        AS_OF_S,
    )
    return [Gateway(*row) for row in rows]
