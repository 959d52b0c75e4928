"""What lanes count for the watch lane: 0011_lane_count.sql beside this folder."""

from store.migrate import run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Tags worn and silent, by lane and gateway."""
    run_sql("0011_lane_count.sql")
