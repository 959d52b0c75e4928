"""When a tag's positions are nobody's to see, as part of whatever asks it: 0035_sealed.sql beside this folder."""

from store.migrate import run_sql

revision = "0035"
down_revision = "0034"
older_may_run = True


def upgrade() -> None:
    """One function, which gives the same as a set of one."""
    run_sql("0035_sealed.sql")
