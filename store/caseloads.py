"""Caseloads: an officer's orders, who answers for them now, and their way to another officer, who must accept."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from store import audit
from store.authority import NOW
from store.feed import Edit
from store.homes import OVER
from store.pool import Connection, Store
from store.refusal import ConflictError, DanglingError, found

# Of an order ``m``: its officer, or who covers them just now and may sign in.
ANSWERS: Final = """coalesce((SELECT k.covered_by FROM cover k JOIN account c ON c.id = k.covered_by
    WHERE c.active AND k.officer = m.officer AND k.starts <= clock_timestamp() AND k.until > clock_timestamp()), m.officer)"""

# Of an order ``m`` and an alert ``a``: whether it concerns the order. It does the one by whose authority it was raised; and what
# is not one order's own, as a curfew's is, concerns every order that gives authority over the wearer now.
CONCERNED: Final = """(m.id = a.monitoring_order
    OR m.wearer = a.wearer AND a.kind NOT IN ('curfew_absence', 'curfew_unverified', 'paperwork') AND EXISTS (
        SELECT FROM authority_span s
        WHERE s.monitoring_order = m.id AND s.starts <= clock_timestamp() AND s.ends > clock_timestamp()))"""

OFFERED: Final = "accepted_at IS NULL AND withdrawn_at IS NULL"

VIEW: Final = """
SELECT t.*, f.name AS from_name, o.name AS to_name,
       CASE WHEN t.accepted_at IS NOT NULL THEN 'accepted' WHEN t.withdrawn_at IS NOT NULL THEN 'withdrawn' ELSE 'offered' END
           AS state
FROM transfer t JOIN account f ON f.id = t.from_account JOIN account o ON o.id = t.to_account"""


async def page(store: Store, *, answers: int, after: int, limit: int) -> list[asyncpg.Record]:
    """The orders that have not ended and for which somebody answers now, their own or by cover; by id, those after ``after``."""
    return await store.pool.fetch(
        f"""SELECT * FROM (
                SELECT m.id, m.wearer, w.name AS wearer_name, m.type, status_at(m, {NOW}) AS status, m.officer,
                       p.name AS officer_name, {ANSWERS} AS answers,
                       (SELECT t.id FROM transfer t WHERE m.id = ANY (t.orders) AND {OFFERED}) AS transfer
                FROM monitoring_order m JOIN wearer w ON w.id = m.wearer LEFT JOIN account p ON p.id = m.officer
                WHERE m.id > $1 AND status_at(m, {NOW}) <> ALL ($2::text[]) AND coalesce(m.ends > clock_timestamp(), true)) held
            WHERE answers = $3 ORDER BY id LIMIT $4""",  # noqa: S608 (constants)
        after,
        OVER,
        answers,
        limit,
    )


async def left(connection: Connection, account: int) -> int:
    """How many orders that have not ended name somebody as their officer."""
    count: int = await connection.fetchval(
        f"""SELECT count(*) FROM monitoring_order m WHERE m.officer = $1
              AND status_at(m, {NOW}) <> ALL ($2::text[]) AND coalesce(m.ends > clock_timestamp(), true)""",  # noqa: S608 (constant)
        *(account, OVER),
    )
    return count


async def transfers(store: Store, *, account: int | None, offered: bool, after: int, limit: int) -> list[asyncpg.Record]:
    """By id, those after ``after``: to or from somebody; ``offered``: only those that wait for an answer."""
    return await store.pool.fetch(
        f"""{VIEW} WHERE t.id > $1 AND ($2::bigint IS NULL OR $2 IN (t.from_account, t.to_account)) AND (NOT $3 OR {OFFERED})
            ORDER BY t.id LIMIT $4""",
        after,
        account,
        offered,
        limit,
    )


async def get(store: Store, transfer: int) -> asyncpg.Record:
    """One transfer; raises ``MissingError``."""
    return found(await store.pool.fetchrow(f"{VIEW} WHERE t.id = $1", transfer), "transfer", transfer)


async def offer(change: Edit, sender: int, to: int, orders: Sequence[int], note: str | None) -> asyncpg.Record:
    """Offer orders of one officer to another; they stay with the sender until the other accepts.

    Raises
    ------
    DanglingError, ConflictError
        If one does not exist; if one is not the sender's, or on its way already.
    """
    role = await change.connection.fetchval("SELECT role FROM account WHERE id = $1 AND active", to)
    if role is None:
        raise DanglingError("to", "active account", to)
    if to == sender:
        raise ConflictError("the orders are theirs already: name another officer")
    wanted = sorted(set(orders))
    rows = await change.connection.fetch(
        "SELECT id, officer FROM monitoring_order WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE", wanted
    )
    missing = set(wanted) - {row["id"] for row in rows}
    if missing:
        raise DanglingError("orders", "order", min(missing))
    others = [row["id"] for row in rows if row["officer"] != sender]
    if others:
        raise ConflictError(f"order {others[0]} is not of the officer who sends it: leave it out")
    under_way = await change.connection.fetchval(
        f"SELECT id FROM transfer WHERE {OFFERED} AND orders && $1::bigint[] ORDER BY id LIMIT 1",  # noqa: S608 (constants)
        wanted,
    )
    if under_way is not None:
        raise ConflictError(f"one of them is on its way already, by transfer {under_way}: withdraw that first")
    number: int = await change.connection.fetchval(
        "INSERT INTO transfer (from_account, to_account, orders, note, requested_by) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        *(sender, to, wanted, note, change.actor),
    )
    change.entry("transfer", number, "offered")
    audit.done(change, "offered", f"transfer/{number}", to=to, orders=wanted)
    return await _read(change, number)


async def locked(change: Edit, transfer: int) -> asyncpg.Record:
    """One that waits for an answer, that nobody changes until this transaction ends.

    Raises
    ------
    MissingError, ConflictError
    """
    row = found(await change.connection.fetchrow(f"{VIEW} WHERE t.id = $1 FOR UPDATE OF t", transfer), "transfer", transfer)
    if row["state"] != "offered":
        raise ConflictError(f"transfer {transfer} is {row['state']} already")
    return row


async def accept(change: Edit, row: asyncpg.Record) -> asyncpg.Record:
    """The orders are the caller's. Who is responsible changes nothing that is judged, so no worker is asked to read anew.

    Raises
    ------
    ConflictError
        If one has another officer by now.
    """
    moved = await change.connection.fetch(
        """UPDATE monitoring_order SET officer = $2, version = version + 1
           WHERE id = ANY ($1::bigint[]) AND officer = $3 RETURNING id""",
        *(row["orders"], row["to_account"], row["from_account"]),
    )
    if len(moved) != len(row["orders"]):
        gone = min(set(row["orders"]) - {one["id"] for one in moved})
        raise ConflictError(f"order {gone} has another officer by now: decline, and have the rest sent anew")
    await change.connection.execute("UPDATE transfer SET accepted_at = clock_timestamp() WHERE id = $1", row["id"])
    for order in row["orders"]:
        entry = change.entry("order", order, "transferred")
        audit.done(change, "transferred", f"order/{order}", entry, transfer=row["id"], officer=row["to_account"])
    return await _read(change, row["id"])


async def offered_to(change: Edit, account: int) -> list[asyncpg.Record]:
    """Those that wait for somebody's answer, locked, the oldest first."""
    return await change.connection.fetch(f"{VIEW} WHERE t.to_account = $1 AND {OFFERED} ORDER BY t.id FOR UPDATE OF t", account)


async def withdraw(change: Edit, row: asyncpg.Record, **why: str) -> asyncpg.Record:
    """Not after all: the orders stay where they are. ``why`` is audited."""
    await change.connection.execute("UPDATE transfer SET withdrawn_at = clock_timestamp() WHERE id = $1", row["id"])
    change.entry("transfer", row["id"], "withdrawn")
    audit.done(change, "withdrawn", f"transfer/{row['id']}", **why)
    return await _read(change, row["id"])


async def _read(change: Edit, transfer: int) -> asyncpg.Record:
    row = await change.connection.fetchrow(f"{VIEW} WHERE t.id = $1", transfer)
    assert row is not None
    return row


async def redact(change: Edit, wearer: int, word: str) -> None:
    """Put a word in place of what was written of transfers of a wearer's orders."""
    await change.connection.execute(
        """UPDATE transfer SET note = $2
           WHERE note IS NOT NULL AND orders && ARRAY(SELECT id FROM monitoring_order WHERE wearer = $1)""",
        wearer,
        word,
    )
