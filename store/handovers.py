"""Shift handovers as rows: what somebody has to do is offered to a colleague, and becomes theirs when they accept."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import asyncpg

from store import accounts, alerts, audit, sessions
from store.feed import Edit
from store.pool import Connection, Store
from store.refusal import ConflictError, DanglingError, found

VIEW: Final = """
SELECT h.*, f.name AS from_name, t.name AS to_name,
       CASE WHEN h.accepted_at IS NOT NULL THEN 'accepted' WHEN h.withdrawn_at IS NOT NULL THEN 'withdrawn' ELSE 'offered' END
           AS state
FROM handover h JOIN account f ON f.id = h.from_account JOIN account t ON t.id = h.to_account"""

OFFERED: Final = "accepted_at IS NULL AND withdrawn_at IS NULL"
OWED: Final = "c.callback_at IS NOT NULL AND c.settled_by IS NULL"


class Had(NamedTuple):
    """What somebody had to do, by ids."""

    alerts: list[int]  # open
    calls: list[int]  # owed: contacts


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
    """Whoever may own alerts, by name: whether they are signed in, how many open alerts they own and calls they owe."""
    return await store.pool.fetch(
        f"""SELECT p.id, p.name, p.role, {sessions.SIGNED_IN} AS signed_in,
                   (SELECT count(*) FROM alert a WHERE a.owner = p.id AND a.handling <> 'closed') AS owns,
                   (SELECT count(*) FROM contact c WHERE c.owed_by = p.id AND {OWED}) AS calls
            FROM account p WHERE p.active AND p.role = ANY ($1) ORDER BY p.name""",  # noqa: S608 (constants)
        roles,
    )


async def owned(connection: Connection, account: int) -> list[asyncpg.Record]:
    """The open alerts somebody owns, the gravest first, whether they go on or are over."""
    return await connection.fetch(
        """SELECT id, kind, severity, wearer, subject FROM alert
           WHERE owner = $1 AND handling <> 'closed' ORDER BY severity, id""",
        account,
    )


async def kept(connection: Connection, account: int, within_h: int) -> list[asyncpg.Record]:
    """Those of them that nobody may leave: what goes on, and what is over and comes back to the queue within so many hours.

    What is over and waits for a call that is owed later than that comes back then (``alerts.RETURNS``).
    """
    return await connection.fetch(
        f"""SELECT a.id, a.kind, a.severity, a.condition FROM alert a CROSS JOIN LATERAL ({alerts.OWED}) owed
            WHERE a.owner = $1 AND a.handling <> 'closed'
              AND (a.condition = 'active' OR coalesce({alerts.RETURNS} < clock_timestamp() + make_interval(hours => $2), true))
            ORDER BY a.severity, a.id""",  # noqa: S608 (constants)
        *(account, within_h),
    )


async def calls(connection: Connection, account: int, within_h: int | None = None) -> list[asyncpg.Record]:
    """The calls somebody owes, the one that is due first on top; ``within_h``: only those due by then."""
    return await connection.fetch(
        f"""SELECT id, alert, person, callback_at FROM contact c WHERE owed_by = $1 AND {OWED}
              AND ($2::integer IS NULL OR callback_at < clock_timestamp() + make_interval(hours => $2))
            ORDER BY callback_at, id""",  # noqa: S608 (constant)
        *(account, within_h),
    )


async def offer(change: Edit, to: int, note: str | None) -> asyncpg.Record:
    """Offer all that the caller owns and owes to somebody; one that stands and says the same is it, another is withdrawn.

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
    owed = sorted(row["id"] for row in await calls(change.connection, change.actor))
    stands = await change.connection.fetchrow(f"{VIEW} WHERE h.from_account = $1 AND {OFFERED} FOR UPDATE OF h", change.actor)
    if stands is not None:
        if (stands["to_account"], stands["note"], stands["alerts"], stands["calls"]) == (to, note, mine, owed):
            return stands
        await withdraw(change, stands)
    number: int = await change.connection.fetchval(
        "INSERT INTO handover (from_account, to_account, note, alerts, calls) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        *(change.actor, to, note, mine, owed),
    )
    change.entry("handover", number, "offered")
    audit.done(change, "offered", f"handover/{number}", to=to, alerts=mine, calls=owed)
    return await _read(change, number)


async def between(change: Edit, handover: int) -> tuple[int, ...]:
    """The two accounts of a handover, for ``accounts.lock``; of one that there is not, none."""
    row = await change.connection.fetchrow("SELECT from_account, to_account FROM handover WHERE id = $1", handover)
    return () if row is None else tuple(row)


async def locked(change: Edit, handover: int) -> asyncpg.Record:
    """One that waits for an answer, that nobody changes until this transaction ends; the two's accounts are locked (``between``).

    Raises
    ------
    MissingError, ConflictError
    """
    row = await change.connection.fetchrow(f"{VIEW} WHERE h.id = $1 FOR UPDATE OF h", handover)
    row = found(row, "handover", handover)
    if row["state"] != "offered":
        raise ConflictError(f"handover {handover} is {row['state']} already")
    return row


async def accept(change: Edit, row: asyncpg.Record) -> asyncpg.Record:
    """All that the other owns and owes now is the caller's: also what came to them after they offered it."""
    moved, owed = await _moved(change, row["from_account"])
    await _owes(change, owed, change.actor)
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
        "UPDATE handover SET accepted_at = clock_timestamp(), alerts = $2, calls = $3 WHERE id = $1", *(row["id"], moved, owed)
    )
    change.entry("handover", row["id"], "accepted")
    audit.done(change, "accepted", f"handover/{row['id']}", alerts=moved, calls=owed)
    return await _read(change, row["id"])


async def offered_to(change: Edit, account: int) -> list[asyncpg.Record]:
    """Those that wait for somebody's answer, locked, the oldest first."""
    return await change.connection.fetch(f"{VIEW} WHERE h.to_account = $1 AND {OFFERED} ORDER BY h.id FOR UPDATE OF h", account)


async def withdraw(change: Edit, row: asyncpg.Record, **why: str) -> asyncpg.Record:
    """Not handed over after all: by whoever offered it, or was offered it, or as they cannot take it any more (``why``)."""
    await change.connection.execute("UPDATE handover SET withdrawn_at = clock_timestamp() WHERE id = $1", row["id"])
    change.entry("handover", row["id"], "withdrawn")
    audit.done(change, "withdrawn", f"handover/{row['id']}", **why)
    return await _read(change, row["id"])


async def release(
    change: Edit, account: int, reason: str, keeps: Callable[[asyncpg.Record], bool] | None = None, *, calling: bool = False
) -> Had:
    """Put all that somebody owns back into the queue, as new and nobody's, and page for it; calls they owe are nobody's.

    Parameters
    ----------
    keeps : whether an alert (``id``, ``kind``, ``wearer``) stays theirs; None: none does
    calling : whether calls stay theirs, but for those about an alert that goes
    """
    await accounts.lock(change.connection, account)
    name = await change.connection.fetchval("SELECT name FROM account WHERE id = $1", account)
    if name is None:
        raise DanglingError("account", "account", account)
    moved, owed = await _moved(change, account, keeps, calling=calling)
    await _owes(change, owed, None)
    text = f"Taken from {name}, back to the queue: {reason}"
    for alert in moved:
        row = await change.connection.fetchrow(
            f"UPDATE alert SET {alerts.ANEW} WHERE id = $1 RETURNING id, kind, severity",  # noqa: S608 (constants)
            alert,
        )
        assert row is not None
        alerts.page_anew(change, row, alerts.tell(change, alert, "released", text, {"owner": account}))
    if moved or owed:
        audit.done(change, "released", f"account/{account}", reason=reason, alerts=moved, calls=owed)
    return Had(moved, owed)


async def _moved(
    change: Edit, account: int, keeps: Callable[[asyncpg.Record], bool] | None = None, *, calling: bool = False
) -> Had:
    """What somebody has to do and does not keep, locked in the order of its ids: alerts, as workers do, and then calls."""
    open_ = await change.connection.fetch(
        "SELECT id, kind, wearer FROM alert WHERE owner = $1 AND handling <> 'closed' ORDER BY id FOR UPDATE", account
    )
    moved = [row["id"] for row in open_ if keeps is None or not keeps(row)]
    owed = await change.connection.fetch(
        f"SELECT id, alert FROM contact c WHERE owed_by = $1 AND {OWED} ORDER BY id FOR UPDATE",  # noqa: S608 (constant)
        account,
    )
    return Had(moved, [row["id"] for row in owed if not calling or row["alert"] in moved])


async def _owes(change: Edit, owed: Sequence[int], account: int | None) -> None:
    """Somebody else is to make these calls; None: nobody in particular."""
    await change.connection.execute(
        "UPDATE contact SET owed_by = $2, version = version + 1 WHERE id = ANY ($1::bigint[])", owed, account
    )


async def _read(change: Edit, handover: int) -> asyncpg.Record:
    row = await change.connection.fetchrow(f"{VIEW} WHERE h.id = $1", handover)
    assert row is not None
    return row


async def redact(change: Edit, wearer: int, word: str) -> None:
    """Put a word in place of what was written of shifts that handed a wearer's alerts, or calls to be made about them, over."""
    await change.connection.execute(
        """UPDATE handover SET note = $2
           WHERE note IS NOT NULL AND (alerts && ARRAY(SELECT id FROM alert WHERE wearer = $1)
                                       OR calls && ARRAY(SELECT id FROM contact WHERE wearer = $1))""",
        wearer,
        word,
    )
