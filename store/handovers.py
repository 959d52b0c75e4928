"""Shift handovers as rows: what somebody owns is offered to a colleague, and becomes theirs when they accept."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from store import accounts, alerts, audit
from store.feed import Edit
from store.pool import Connection, Store
from store.refusal import ConflictError, DanglingError, found

VIEW: Final = """
SELECT h.*, f.name AS from_name, t.name AS to_name,
       CASE WHEN h.accepted_at IS NOT NULL THEN 'accepted' WHEN h.withdrawn_at IS NOT NULL THEN 'withdrawn' ELSE 'offered' END
           AS state
FROM handover h JOIN account f ON f.id = h.from_account JOIN account t ON t.id = h.to_account"""

OFFERED: Final = "accepted_at IS NULL AND withdrawn_at IS NULL"

# Whether somebody can be reached at a console: a sign-in that neither ended nor ran out.
SIGNED_IN: Final = """EXISTS (SELECT FROM session s WHERE s.account = p.id AND s.used_at IS NULL AND s.revoked_at IS NULL
    AND s.expires_at > clock_timestamp())"""


async def get(store: Store, handover: int) -> asyncpg.Record:
    """One handover; raises ``MissingError``."""
    return found(await store.pool.fetchrow(f"{VIEW} WHERE h.id = $1", handover), "handover", handover)


async def offers(store: Store, account: int) -> list[asyncpg.Record]:
    """Those that wait for an answer, to or from somebody, the oldest first."""
    return await store.pool.fetch(
        f"{VIEW} WHERE {OFFERED} AND (h.from_account = $1 OR h.to_account = $1) ORDER BY h.id",
        account,
    )


async def colleagues(store: Store, roles: Sequence[str]) -> list[asyncpg.Record]:
    """Whoever may own alerts, by name: whether they are signed in, and how many open alerts they own."""
    return await store.pool.fetch(
        f"""SELECT p.id, p.name, p.role, {SIGNED_IN} AS signed_in,
                   (SELECT count(*) FROM alert a WHERE a.owner = p.id AND a.handling <> 'closed') AS owns
            FROM account p WHERE p.active AND p.role = ANY ($1) ORDER BY p.name""",  # noqa: S608 (constants)
        roles,
    )


async def owned(connection: Connection, account: int) -> list[asyncpg.Record]:
    """The open alerts somebody owns, the gravest first; ``active`` is what nobody may leave behind."""
    return await connection.fetch(
        """SELECT id, kind, severity, wearer, subject, condition = 'active' AS active FROM alert
           WHERE owner = $1 AND handling <> 'closed' ORDER BY severity, id""",
        account,
    )


async def offer(change: Edit, to: int, note: str | None) -> asyncpg.Record:
    """Offer all that the caller owns to somebody; the offer that stands where it says the same, else that one is withdrawn.

    Raises
    ------
    DanglingError, ConflictError
        If there is no such active account; if it is the caller's.
    """
    assert change.actor is not None
    if to == change.actor:
        raise ConflictError("that is you: hand over to somebody else")
    active = await change.connection.fetchval("SELECT active FROM account WHERE id = $1", to)
    if not active:
        raise DanglingError("to", "active account", to)
    await accounts.lock(change.connection, change.actor)
    mine = [row["id"] for row in await owned(change.connection, change.actor)]
    stands = await change.connection.fetchrow(f"{VIEW} WHERE h.from_account = $1 AND {OFFERED} FOR UPDATE OF h", change.actor)
    if stands is not None:
        if (stands["to_account"], stands["note"], stands["alerts"]) == (to, note, mine):
            return stands
        await withdraw(change, stands)
    number: int = await change.connection.fetchval(
        "INSERT INTO handover (from_account, to_account, note, alerts) VALUES ($1, $2, $3, $4) RETURNING id",
        *(change.actor, to, note, mine),
    )
    change.entry("handover", number, "offered")
    audit.done(change, "offered", f"handover/{number}", to=to, alerts=mine)
    return await _read(change, number)


async def locked(change: Edit, handover: int) -> asyncpg.Record:
    """One that waits for an answer, that nobody changes until this transaction ends; nor what either of the two owns.

    Raises
    ------
    MissingError, ConflictError
    """
    row = await change.connection.fetchrow("SELECT from_account, to_account FROM handover WHERE id = $1", handover)
    two = found(row, "handover", handover)
    await accounts.lock(change.connection, *two)
    row = await change.connection.fetchrow(f"{VIEW} WHERE h.id = $1 FOR UPDATE OF h", handover)
    assert row is not None, "no handover is ever dropped"
    if row["state"] != "offered":
        raise ConflictError(f"handover {handover} is {row['state']} already")
    return row


async def accept(change: Edit, row: asyncpg.Record) -> asyncpg.Record:
    """All that the other owns now is the caller's: also what came to them after they offered it."""
    moved = await _moved(change, row["from_account"])
    text = f"Handed over by {row['from_name']} to {row['to_name']}."
    for alert in moved:
        # Who takes over has the whole time to do something about it.
        await change.connection.execute(
            "UPDATE alert SET owner = $2, handled_at = clock_timestamp(), handling_version = handling_version + 1 WHERE id = $1",
            *(alert, change.actor),
        )
        details = {"handover": row["id"], "from": row["from_account"], "to": change.actor}
        alerts.tell(change, alert, "handed_over", text, details)
    await change.connection.execute(
        "UPDATE handover SET accepted_at = clock_timestamp(), alerts = $2 WHERE id = $1", *(row["id"], moved)
    )
    change.entry("handover", row["id"], "accepted")
    audit.done(change, "accepted", f"handover/{row['id']}", alerts=moved)
    return await _read(change, row["id"])


async def withdraw(change: Edit, row: asyncpg.Record) -> asyncpg.Record:
    """Not handed over after all: by whoever offered it, or was offered it."""
    await change.connection.execute("UPDATE handover SET withdrawn_at = clock_timestamp() WHERE id = $1", row["id"])
    change.entry("handover", row["id"], "withdrawn")
    audit.done(change, "withdrawn", f"handover/{row['id']}")
    return await _read(change, row["id"])


async def release(change: Edit, account: int, reason: str) -> list[int]:
    """Put all that somebody owns back into the queue, as new and nobody's, and page for it; the ids."""
    await accounts.lock(change.connection, account)
    name = await change.connection.fetchval("SELECT name FROM account WHERE id = $1", account)
    if name is None:
        raise DanglingError("account", "account", account)
    moved = await _moved(change, account)
    text = f"Taken from {name}, back to the queue: {reason}"
    for alert in moved:
        row = await change.connection.fetchrow(
            f"UPDATE alert SET {alerts.ANEW} WHERE id = $1 RETURNING id, kind, severity",  # noqa: S608 (constants)
            alert,
        )
        assert row is not None
        alerts.page_anew(change, row, alerts.tell(change, alert, "released", text, {"owner": account}))
    audit.done(change, "released", f"account/{account}", reason=reason, alerts=moved)
    return moved


async def _moved(change: Edit, account: int) -> list[int]:
    """The open alerts somebody owns, locked in the order of their ids, as workers do."""
    rows = await change.connection.fetch(
        "SELECT id FROM alert WHERE owner = $1 AND handling <> 'closed' ORDER BY id FOR UPDATE", account
    )
    return [row["id"] for row in rows]


async def _read(change: Edit, handover: int) -> asyncpg.Record:
    row = await change.connection.fetchrow(f"{VIEW} WHERE h.id = $1", handover)
    assert row is not None
    return row


async def redact(change: Edit, wearer: int, word: str) -> None:
    """Put a word in place of what was written of shifts that handed a wearer's alerts over."""
    await change.connection.execute(
        "UPDATE handover SET note = $2 WHERE note IS NOT NULL AND alerts && ARRAY(SELECT id FROM alert WHERE wearer = $1)",
        wearer,
        word,
    )
