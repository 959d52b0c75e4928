"""Legal holds as rows: what is kept beyond its time, by whose authority and why, until somebody releases it."""

from typing import Final, NamedTuple

import asyncpg

from store import audit
from store.feed import Edit
from store.partitions import LOCK
from store.pool import Store
from store.refusal import ConflictError, MissingError, found

KINDS: Final = {"wearer": "wearer", "order": "monitoring_order", "alert": "alert"}


class Subject(NamedTuple):
    """What is held: all of a wearer's records, those of an order's time, or those from a day before to a day after an alert."""

    kind: str  # of KINDS
    ref: int


async def place(change: Edit, subject: Subject, authorised_by: str, reason: str) -> int:
    """Hold something from now on; the hold's id.

    Raises
    ------
    MissingError
        If there is no such wearer, order or alert.
    """
    column = KINDS[subject.kind]
    await change.connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)  # no day goes while it is being held
    try:
        hold: int = await change.connection.fetchval(
            f"INSERT INTO hold ({column}, authorised_by, reason) VALUES ($1, $2, $3) RETURNING id",  # noqa: S608
            subject.ref,
            authorised_by,
            reason,
        )
    except asyncpg.ForeignKeyViolationError:
        raise MissingError(subject.kind, subject.ref) from None
    audit.done(change, "held", f"{subject.kind}/{subject.ref}", hold=hold, authorised_by=authorised_by, reason=reason)
    return hold


async def release(change: Edit, hold: int, released_by: str, reason: str) -> None:
    """End a hold: what it alone kept goes with the next round of retention.

    Raises
    ------
    MissingError, ConflictError
        If there is no such hold; if it was released before.
    """
    await change.connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    row = found(await change.connection.fetchrow("SELECT released_at FROM hold WHERE id = $1 FOR UPDATE", hold), "hold", hold)
    if row["released_at"] is not None:
        raise ConflictError(f"hold {hold} was released before")
    await change.connection.execute(
        """UPDATE hold SET released_at = now(), released_by = $2, release_reason = $3, revision = nextval('hold_revision')
           WHERE id = $1""",
        hold,
        released_by,
        reason,
    )
    audit.done(change, "released", f"hold/{hold}", released_by=released_by, reason=reason)


async def listed(store: Store) -> list[asyncpg.Record]:
    """Every hold, standing ones first, the newest of each first; ``kind`` and ``ref`` say what it holds."""
    return await store.pool.fetch(
        """SELECT id, CASE WHEN wearer IS NOT NULL THEN 'wearer' WHEN alert IS NOT NULL THEN 'alert' ELSE 'order' END AS kind,
                  coalesce(wearer, alert, monitoring_order) AS ref, authorised_by, reason, placed_at, released_at, released_by,
                  release_reason
           FROM hold ORDER BY released_at IS NOT NULL, id DESC"""
    )


async def on_wearer(change: Edit, wearer: int) -> list[int]:
    """The standing holds that concern a wearer, by themselves, an order of theirs or an alert about them."""
    rows = await change.connection.fetch(
        """SELECT hold.id FROM hold LEFT JOIN monitoring_order o ON o.id = hold.monitoring_order
           LEFT JOIN alert a ON a.id = hold.alert
           WHERE released_at IS NULL AND coalesce(hold.wearer, o.wearer, a.wearer) = $1 ORDER BY hold.id""",
        wearer,
    )
    return [row["id"] for row in rows]
