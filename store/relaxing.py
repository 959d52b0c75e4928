"""Changes that relax a curfew as rows: asked for by one person, decided by another."""

import time
from typing import Any, Final
from zoneinfo import ZoneInfo

import asyncpg

from model import timetable
from model.instant import from_us
from model.relaxing import given_up
from model.timetable import Timetable
from store import audit, curfews
from store.feed import Edit
from store.pool import Connection, Store
from store.refusal import ConflictError, MissingError

SELECT: Final = """SELECT c.id, c.curfew, c.version, c.fields, c.relaxes, c.requested_by, r.name AS requested_name,
       c.requested_at, c.decided_by, d.name AS decided_name, c.decided_at, c.approved, c.approved IS NULL AND c.version < (
           SELECT max(v.version) FROM curfew_version v WHERE v.curfew = c.curfew) AS overtaken
FROM curfew_change c JOIN account r ON r.id = c.requested_by LEFT JOIN account d ON d.id = c.decided_by"""

# The row of ``setting`` that says whether an order type asks for a second person: true where there is none.
SECOND: Final = "curfew-second-person/"


async def needs_second(connection: Connection, curfew: int) -> bool:
    """Whether what relaxes a curfew needs a second person, by its order's type."""
    said = await connection.fetchval(
        """SELECT value FROM setting WHERE name = $1 || (SELECT o.type FROM curfew_version v JOIN monitoring_order o
               ON o.id = v.monitoring_order WHERE v.curfew = $2 LIMIT 1) ORDER BY version DESC LIMIT 1""",
        SECOND,
        curfew,
    )
    return said is not False


async def relaxes(change: Edit, curfew: int, version: int, fields: dict[str, Any] | None) -> str | None:
    """In what a change relaxes a curfew, that nobody else changes from here on, one sentence, or None.

    Parameters
    ----------
    fields : as for ``curfews.edit``; None: it would end

    Raises
    ------
    MissingError, StaleError, ConflictError
    """
    row = await curfews.newest(change, curfew, version)
    if fields is None:
        return "The curfew would end."
    if fields.get("home", row["home"]) != row["home"]:
        return f"Home would be zone {fields['home']}, no longer {row['home']}."
    if fields.get("grace_min", 0) > row["grace_min"]:
        return f"The grace would be {fields['grace_min']} minutes, no longer {row['grace_min']}."
    old = timetable.parse(row["timetable"], row["timezone"])
    new = timetable.parse(row["timetable"] | fields.get("timetable", {}), row["timezone"])
    if not isinstance(old, Timetable) or not isinstance(new, Timetable):
        return None  # refused when it is saved
    lost = given_up(old, new, time.time_ns() // 1000)
    if lost is None:
        return None
    start, end = (from_us(us).astimezone(ZoneInfo(row["timezone"])) for us in lost)
    return f"From {start:%a %d %B %Y %H:%M} to {end:%a %d %B %H:%M} ({row['timezone']}) nothing would be asked any more."


async def ask(change: Edit, curfew: int, version: int, fields: dict[str, Any] | None, sentence: str) -> asyncpg.Record:
    """Keep a change until a second person has decided.

    Raises
    ------
    MissingError, StaleError, ConflictError, DanglingError, UnfitError
        If it could not be saved as things stand.
    """
    await curfews.could(change, curfew, version, fields)
    number = await change.connection.fetchval(
        "INSERT INTO curfew_change (curfew, version, fields, relaxes, requested_by) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        *(curfew, version, fields, sentence, change.actor),
    )
    change.entry("curfew_change", number, "requested")
    audit.done(change, "requested", f"curfew_change/{number}", curfew=curfew, version=version)
    return await _read(change, number)


async def decide(change: Edit, number: int, *, approved: bool) -> asyncpg.Record:
    """Approve or refuse one; approved, it is saved as the curfew's next version, or its end.

    Raises
    ------
    MissingError, ConflictError, StaleError, DanglingError, UnfitError
    """
    row = await change.connection.fetchrow(f"{SELECT} WHERE c.id = $1 FOR UPDATE OF c", number)
    if row is None:
        raise MissingError("change", number)
    if row["approved"] is not None:
        raise ConflictError(f"change {number} was {'approved' if row['approved'] else 'refused'} already")
    if approved and row["requested_by"] == change.actor:
        raise ConflictError(f"you asked for change {number} yourself: somebody else must approve it")
    if approved and row["overtaken"]:
        raise ConflictError(f"curfew {row['curfew']} has changed since change {number} was asked for: ask again")
    await change.connection.execute(
        "UPDATE curfew_change SET decided_by = $2, decided_at = clock_timestamp(), approved = $3 WHERE id = $1",
        *(number, change.actor, approved),
    )
    if approved and row["fields"] is None:
        await curfews.end(change, row["curfew"], row["version"])
    elif approved:
        await curfews.edit(change, row["curfew"], row["version"], row["fields"])
    entry = change.entry("curfew_change", number, "approved" if approved else "refused")
    audit.done(change, "approved" if approved else "refused", f"curfew_change/{number}", entry, curfew=row["curfew"])
    return await _read(change, number)


async def get(store: Store, number: int) -> asyncpg.Record:
    """One change; raises ``MissingError``."""
    row = await store.pool.fetchrow(f"{SELECT} WHERE c.id = $1", number)
    if row is None:
        raise MissingError("change", number)
    return row


async def page(store: Store, *, curfew: int | None, waiting: bool, after: int, limit: int) -> list[asyncpg.Record]:
    """By id, those after ``after``; ``waiting``: only those that nobody has decided and nothing has overtaken."""
    return await store.pool.fetch(
        f"""SELECT * FROM ({SELECT}) AS c WHERE id > $1 AND ($2::bigint IS NULL OR curfew = $2)
            AND (NOT $3 OR (approved IS NULL AND NOT overtaken)) ORDER BY id LIMIT $4""",  # noqa: S608
        after,
        curfew,
        waiting,
        limit,
    )


async def _read(change: Edit, number: int) -> asyncpg.Record:
    row = await change.connection.fetchrow(f"{SELECT} WHERE c.id = $1", number)
    assert row is not None
    return row
