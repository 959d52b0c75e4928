"""Cover and transfers of caseloads: 0019_caseload.sql beside this folder."""

from store.migrate import run_sql

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Two tables, an index."""
    run_sql("0019_caseload.sql")
