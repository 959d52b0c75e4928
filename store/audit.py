"""Who did and who saw what, when: rows that are only ever added."""

from typing import Any

import asyncpg

from store.edits import RETURNING
from store.feed import Edit
from store.pool import Store


def done(change: Edit, action: str, subject: str, entry: int = -1, /, **details: Any) -> None:
    """Note what a transaction does, in that transaction, at the place in the feed it gets.

    Parameters
    ----------
    action : 'created', 'edited', 'closed', ...
    subject : what it is done to, as ``kind/id``
    entry : of which of the transaction's entries it is, where there are several
    """
    change.numbered(
        f"INSERT INTO audit (position, actor, action, subject, details) VALUES ($1, $2, $3, $4, $5) {RETURNING['audit']}",  # noqa: S608
        change.actor,
        action,
        subject,
        details,
        entry=entry,
        kept="audit",
    )


async def note(store: Store, actor: int | None, action: str, subject: str, **details: Any) -> None:
    """Note something that changed nothing, a reading or a sign-in: its place is that of the newest commit.

    Parameters
    ----------
    action : 'read', 'signed in', ...
    subject : what it was done to, as ``kind/id``
    """
    await store.pool.execute(
        "INSERT INTO audit (position, actor, action, subject, details) SELECT position, $1, $2, $3, $4 FROM feed",
        actor,
        action,
        subject,
        details,
    )


async def page(
    store: Store,
    *,
    actor: int | None,
    subject: str | None,
    action: str | None,
    from_us: int | None,
    to_us: int | None,
    before: int | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Newest first, those older than row ``before``."""
    return await store.pool.fetch(
        """SELECT u.part, u.position, u.at, u.action, u.subject, u.details, u.actor, a.name AS actor_name
           FROM audit u LEFT JOIN account a ON a.id = u.actor
           WHERE ($1::bigint IS NULL OR u.actor = $1) AND ($2::text IS NULL OR u.subject = $2)
             AND ($3::text IS NULL OR u.action = $3)
             AND ($4::timestamptz IS NULL OR u.at >= $4) AND ($5::timestamptz IS NULL OR u.at < $5)
             AND ($6::bigint IS NULL OR u.part < $6)
           ORDER BY u.part DESC LIMIT $7""",
        actor,
        subject,
        action,
        from_us,
        to_us,
        before,
        limit,
    )
