"""What watching ourselves needs: 0007_watch.sql beside this folder."""

from store.migrate import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Alerts without a wearer, duties, the watch lane, synthetic crossings."""
    run_sql("0007_watch.sql")
