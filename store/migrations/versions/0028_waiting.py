"""Changes that relax zones, wearers and groups, and long absences, until decided: 0028_waiting.sql beside this folder."""

from store.migrate import run_sql

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """One table."""
    run_sql("0028_waiting.sql")
