"""An order's statuses and variations as rows: by whose word, from when, recorded when; what relaxes it waits for another."""

from typing import Any, Final, NamedTuple

import asyncpg

from model.order import relaxed
from store import audit
from store.controls import joined
from store.feed import Edit
from store.pool import Connection, Store
from store.refusal import ConflictError, MissingError, found

# Whether an order ``o`` of a wearer ``w`` is one of high risk.
HIGH: Final = "(o.risk = 'high' OR coalesce(w.details ->> 'risk' = 'high', false))"
NOW: Final = "clock_timestamp() + interval '1 s'"  # the status of now is the one that was just saved, too

# What is said with a status, and nowhere else.
WORD: Final = ("authorised_by", "document", "recheck_at", "in_force_from")
RELAXABLE: Final = ("status", "starts", "ends", "risk", "type", "timezone")

STATUSES: Final = """SELECT s.*, a.name AS recorded_by_name FROM order_status s LEFT JOIN account a ON a.id = s.recorded_by
                     WHERE s.monitoring_order = $1 ORDER BY s.number"""
CHANGES: Final = """SELECT c.*, p.name AS proposed_by_name, d.name AS decided_by_name FROM order_change c
                    LEFT JOIN account p ON p.id = c.proposed_by LEFT JOIN account d ON d.id = c.decided_by
                    WHERE c.monitoring_order = $1"""


async def statuses(store: Store, order: int) -> list[asyncpg.Record]:
    """Every status that was ever recorded of an order, in the order of recording; raises ``MissingError``."""
    return await _of(store, order, STATUSES)


async def changes(store: Store, order: int) -> list[asyncpg.Record]:
    """Every variation of an order, oldest first; raises ``MissingError``."""
    return await _of(store, order, f"{CHANGES} ORDER BY c.number")


async def waiting(store: Store, limit: int) -> list[asyncpg.Record]:
    """Variations of all orders that wait for a second person, oldest first."""
    return await store.pool.fetch(
        """SELECT c.*, p.name AS proposed_by_name, NULL AS decided_by_name, o.wearer, w.name AS wearer_name,
                  o.version > c.order_version AS overtaken
           FROM order_change c JOIN monitoring_order o ON o.id = c.monitoring_order JOIN wearer w ON w.id = o.wearer
           LEFT JOIN account p ON p.id = c.proposed_by
           WHERE c.decision IS NULL ORDER BY c.proposed_at, c.monitoring_order, c.number LIMIT $1""",
        limit,
    )


async def _of(store: Store, order: int, sql: str) -> list[asyncpg.Record]:
    async with store.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        if await connection.fetchval("SELECT 1 FROM monitoring_order WHERE id = $1", order) is None:
            raise MissingError("order", order)
        return await connection.fetch(sql, order)


async def record(change: Edit, order: int, status: str, word: dict[str, Any]) -> None:
    """A status, and by whose word; in force a second from now unless the word says from when."""
    await change.connection.execute(
        f"""INSERT INTO order_status (monitoring_order, number, status, authorised_by, document, recheck_at, in_force_from,
                recorded_at, recorded_by)
            VALUES ($1, (SELECT coalesce(max(number), 0) + 1 FROM order_status WHERE monitoring_order = $1), $2, $3, $4, $5,
                coalesce($6, {NOW}), clock_timestamp(), $7)""",  # noqa: S608 (constant)
        *(order, status, *(word.get(name) for name in WORD), change.actor),
    )


async def spans(connection: Connection, order: int) -> list[tuple[int, int]]:
    """When an order gives authority, half-open microseconds, in as few spans as there are."""
    rows = await connection.fetch("SELECT starts, ends FROM authority_span WHERE monitoring_order = $1 ORDER BY 1", order)
    return joined([(row["starts"], row["ends"]) for row in rows])


class Stand(NamedTuple):
    """What of an order is weighed against what it would be."""

    spans: list[tuple[int, int]]
    curfews: bool  # whether it has any


async def stand(connection: Connection, order: int) -> Stand:
    """How an order stands."""
    curfews = await connection.fetchval(
        """SELECT EXISTS (SELECT 1 FROM curfew_version WHERE monitoring_order = $1
               AND in_force_to = timestamptz '9999-01-01 00:00:00+00')""",
        order,
    )
    return Stand(await spans(connection, order), curfews)


async def vary(change: Edit, known: asyncpg.Record, fields: dict[str, Any], words: str, was: Stand, would: Stand) -> list[str]:
    """Write a variation down, and say what of it is relaxed: nothing, then it is to be done at once.

    Parameters
    ----------
    known : the order as it stands, locked
    fields : what is to change
    words : why
    was, would : how it stands, and how it would
    """
    before = {name: known[name] for name in RELAXABLE}
    after = before | {name: value for name, value in fields.items() if name in RELAXABLE}
    relaxes = relaxed(before | was._asdict(), after | would._asdict())
    number: int = await change.connection.fetchval(
        """INSERT INTO order_change (monitoring_order, number, fields, before, relaxes, order_version, proposed_by, proposed_at,
               decided_by, decided_at, decision, words)
           VALUES ($1, (SELECT coalesce(max(number), 0) + 1 FROM order_change WHERE monitoring_order = $1), $2, $3, $4, $5, $6,
               clock_timestamp(), CASE WHEN $7::boolean THEN $6::bigint END, CASE WHEN $7 THEN clock_timestamp() END,
               CASE WHEN $7 THEN 'applied' END, $8) RETURNING number""",
        *(known["id"], fields, {name: known[name] for name in fields if name in known}, relaxes),
        *(known["version"], change.actor, not relaxes, words),
    )
    if relaxes:
        # Nobody judges by it yet; but whoever approves has to see that it waits.
        change.entry("order", known["id"], "proposed")
        audit.done(change, "proposed", f"order/{known['id']}", number=number, fields=sorted(fields), relaxes=relaxes)
    return relaxes


async def decide(change: Edit, known: asyncpg.Record, number: int, *, applied: bool, words: str) -> dict[str, Any]:
    """Approve or refuse a variation that waits; its fields.

    Raises
    ------
    MissingError
        If there is no such variation.
    ConflictError
        If it was decided before, by whoever proposed it, or of an order that has changed since.
    """
    row = await change.connection.fetchrow(
        "SELECT * FROM order_change WHERE monitoring_order = $1 AND number = $2 FOR UPDATE", known["id"], number
    )
    row = found(row, "change", number)
    if row["decision"] is not None:
        raise ConflictError(f"change {number} was {row['decision']} before")
    if applied and row["proposed_by"] == change.actor:
        raise ConflictError("you proposed it: what relaxes an order is approved by a second person")
    if applied and row["order_version"] != known["version"]:
        raise ConflictError(f"order {known['id']} has changed since it was proposed: refuse it, and have it proposed again")
    await change.connection.execute(
        """UPDATE order_change SET decided_by = $3, decided_at = clock_timestamp(), decision = $4,
               words = CASE WHEN $5 = '' THEN words ELSE concat_ws(' / ', nullif(words, ''), $5) END
           WHERE monitoring_order = $1 AND number = $2""",
        *(known["id"], number, change.actor, "applied" if applied else "refused", words),
    )
    audit.done(change, "approved" if applied else "refused", f"order/{known['id']}", number=number, relaxes=row["relaxes"])
    fields: dict[str, Any] = row["fields"]
    return fields


async def redact(change: Edit, wearer: int, word: str) -> None:
    """Put a word in place of what was written of a wearer's orders: by whose word, in which paper, and why."""
    own = "monitoring_order IN (SELECT id FROM monitoring_order WHERE wearer = $1)"
    written = ("authorised_by", "document")
    told = ", ".join(f"{name} = CASE WHEN {name} IS NOT NULL THEN $2 END" for name in written)
    await change.connection.execute(f"UPDATE order_status SET {told} WHERE {own}", wearer, word)  # noqa: S608 (constants)
    await change.connection.execute(
        f"""UPDATE order_change SET words = CASE WHEN words = '' THEN '' ELSE $2 END,
                fields = fields || (SELECT coalesce(jsonb_object_agg(key, $2::text), '{{}}') FROM jsonb_each(fields)
                    WHERE key = ANY ($3::text[]) AND value <> 'null'::jsonb)
            WHERE {own}""",  # noqa: S608 (constants)
        wearer,
        word,
        list(written),
    )
