"""Turns what people did, and the watch, into links of one chain beside the lanes': rows of alerts' histories and of the audit.

``link = SHA-256(link before || body)`` as in store/chain.py. What people wrote has a digest of its own, so that it can be erased
with a wearer and the rest still stands.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from store.chain import canonical, digest, following
from store.pool import Connection, Record

VERSION: Final = 1
LANE: Final = -1  # what heads of its days call it: no lane's number
LOCK: Final = 0x45444954  # "EDIT": one link at a time; taken last, after the feed's row

# What is hashed of each table's rows, the key first; RETURNING this is what a numbered statement has to end with.
COLUMNS: Final = {
    "alert_history": ("alert", "position", "part", "at", "actor", "what", "text", "details"),
    "audit": ("part", "position", "at", "actor", "action", "subject", "details"),
}
KEYS: Final = {"alert_history": 3, "audit": 1}  # how many of the columns
RETURNING: Final = {table: f"RETURNING {', '.join(columns)}" for table, columns in COLUMNS.items()}


def row_digests(table: str, row: Record | Sequence[Any]) -> list[str]:
    """Digests of a row of ``COLUMNS``: of all of it, but of people's words by themselves."""
    values = dict(zip(COLUMNS[table], tuple(row), strict=True))
    text = values.pop("text", None)
    words = [] if text is None else [hashlib.sha256(text.encode()).hexdigest()]
    return [digest(values.values()), *words]


async def link(connection: Connection, rows: Sequence[tuple[str, Record]]) -> None:
    """Write the link of an edit that added rows, in its transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    before = await connection.fetchrow(
        """SELECT coalesce(max(number), 0) AS number, greatest(clock_timestamp(), max(at)) AS at,
                  (SELECT link FROM edit_link ORDER BY number DESC LIMIT 1) AS link FROM edit_link"""
    )
    assert before is not None
    number = before["number"] + 1
    said = [[table, *tuple(row)[: KEYS[table]], *row_digests(table, row)] for table, row in rows]
    body = canonical({"v": VERSION, "number": number, "at": before["at"], "rows": said})
    await connection.execute(
        "INSERT INTO edit_link (number, at, link, body) VALUES ($1, $2, $3, $4)",
        *(number, before["at"], following(before["link"] or bytes(32), body), body.decode()),
    )
