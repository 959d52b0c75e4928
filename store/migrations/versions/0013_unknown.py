"""Tags that may be silent or not, among what lanes count: 0013_unknown.sql beside this folder."""

from store.migrate import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """One column."""
    run_sql("0013_unknown.sql")
