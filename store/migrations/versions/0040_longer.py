"""A later end of a pause waits apart from the approved one: 0040_longer.sql beside this folder."""

from store.migrate import run_sql

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    """Two columns."""
    run_sql("0040_longer.sql")
