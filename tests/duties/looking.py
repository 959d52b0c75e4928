"""What tests of the watch and of outages share: a lane that judges up to some time, and a watch without synthetic wearers."""

from duties.watch import Limits
from store.pool import Store

NO_ONE = Limits(synthetic_s=0)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def put_lane(store: Store, lag_s: float) -> None:
    await store.pool.execute(
        """INSERT INTO lane (partition, owner, claimed_at, commit_no, watermark)
           VALUES (0, 'w', now(), 1, now() - make_interval(secs => $1)) ON CONFLICT (partition) DO UPDATE
           SET watermark = excluded.watermark, commit_no = lane.commit_no + 1""",
        lag_s,
    )
