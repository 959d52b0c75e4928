"""The contact log as rows: who was called or written to about an alert or a wearer, what came of it, and which calls are owed.

A contact with a callback time is a call that is owed, until a later contact with the same person makes it good: they were
spoken to, they refused, or another time was set.
"""

from typing import Any, Final, NamedTuple

import asyncpg

from model.instant import FOREVER_US
from store import alerts, audit
from store.feed import Edit
from store.pool import Store
from store.refusal import ConflictError, DanglingError, MissingError, StaleError

# What a client may set, in the order of the statements' parameters.
FIELDS: Final = (
    *("alert", "wearer", "at", "way", "direction", "person", "name", "number", "outcome", "words", "police_reference"),
    "callback_at",
)
CORRECTED: Final = ("name", "number", "outcome", "words", "police_reference", "callback_at")  # what a later look may correct

VIEW: Final = """
SELECT c.*, p.name AS account_name, w.name AS wearer_name, a.kind AS alert_kind,
       c.callback_at IS NOT NULL AND c.settled_by IS NULL AS owed
FROM contact c
JOIN account p ON p.id = c.account
LEFT JOIN wearer w ON w.id = c.wearer
LEFT JOIN alert a ON a.id = c.alert"""


class Filter(NamedTuple):
    """Which contacts; None for any."""

    alert: int | None = None
    wearer: int | None = None
    owed: bool = False  # only calls that are owed, the one that is due first on top


Place = tuple[int, int]  # when it is owed (0 in a list of all), and the id


def place(row: asyncpg.Record, wanted: Filter) -> Place:
    """The sort key of a row."""
    return (row["callback_at"] if wanted.owed else 0, row["id"])


async def page(store: Store, wanted: Filter, after: Place | None, limit: int) -> list[asyncpg.Record]:
    """In the order they were logged; those owed in the order in which they are due."""
    due_us, number = after or (0, 0)
    return await store.pool.fetch(
        f"""{VIEW}
            WHERE ($1::bigint IS NULL OR c.alert = $1) AND ($2::bigint IS NULL OR c.wearer = $2)
              AND (NOT $3 OR c.callback_at IS NOT NULL AND c.settled_by IS NULL)
              AND (CASE WHEN $3 THEN c.callback_at ELSE timestamptz 'epoch' END, c.id) > ($4::timestamptz, $5)
            ORDER BY CASE WHEN $3 THEN c.callback_at ELSE timestamptz 'epoch' END, c.id LIMIT $6""",
        *wanted,
        due_us,
        number,
        limit,
    )


async def get(store: Store, contact: int) -> asyncpg.Record:
    """One contact; raises ``MissingError``."""
    row = await store.pool.fetchrow(f"{VIEW} WHERE c.id = $1", contact)
    if row is None:
        raise MissingError("contact", contact)
    return row


async def lock(change: Edit, alert: int | None, wearer: int | None, person: str) -> None:
    """Lock every alert that a contact with that person touches, in the order of their ids, as workers do."""
    await change.connection.execute(
        """SELECT id FROM alert WHERE id = $1 OR id IN (
               SELECT alert FROM contact WHERE callback_at IS NOT NULL AND settled_by IS NULL AND person = $3
               AND wearer = coalesce($2, (SELECT wearer FROM alert WHERE id = $1)))
           ORDER BY id FOR UPDATE""",
        alert,
        wearer,
        person,
    )


async def add(change: Edit, fields: dict[str, Any], text: str, alert: asyncpg.Record | None) -> asyncpg.Record:
    """Log one from all of ``FIELDS``; make good what was owed to that person; tell the alert.

    Parameters
    ----------
    text : what the alert's history says of it
    alert : the row of ``fields["alert"]``, None where it names none; ``lock`` was called before

    Raises
    ------
    DanglingError
        If there is no such wearer.
    ConflictError
        If the alert is another wearer's.
    """
    if alert is not None:
        if fields["wearer"] is not None and fields["wearer"] != alert["wearer"]:
            raise ConflictError(f"alert {alert['id']} is another wearer's: leave the wearer out, or name theirs")
        fields = fields | {"wearer": alert["wearer"]}
    try:
        number: int = await change.connection.fetchval(
            f"""INSERT INTO contact ({", ".join(FIELDS)}, account)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id""",  # noqa: S608
            *(fields[name] for name in FIELDS),
            change.actor,
        )
    except asyncpg.ForeignKeyViolationError:
        raise DanglingError("wearer", "wearer", fields["wearer"]) from None
    touched = await _settle(change, number, fields)
    details = {
        "contact": number,
        **{name: fields[name] for name in ("way", "direction", "person", "outcome")},
        "callback_us": fields["callback_at"],
    }
    if alert is not None:
        await alerts.contact(change, alert, text, details)
    else:
        change.entry("contact", number, "logged")
        audit.done(change, "logged", f"contact/{number}", wearer=fields["wearer"], **details)
    for other in sorted(touched - {fields["alert"]}):
        await alerts.amended(change, other, "callback_settled", "", {"contact": number})
    return await _read(change, number)


async def _settle(change: Edit, number: int, fields: dict[str, Any]) -> set[int]:
    """Make good what was owed to the person; the alerts whose callback that was."""
    if fields["outcome"] not in {"spoke", "refused"} and fields["callback_at"] is None:
        return set()
    rows = await change.connection.fetch(
        """UPDATE contact SET settled_by = $1, version = version + 1
           WHERE id <> $1 AND callback_at IS NOT NULL AND settled_by IS NULL AND person = $2
             AND (wearer = $3 OR $3::bigint IS NULL AND alert = $4) RETURNING alert""",
        number,
        fields["person"],
        fields["wearer"],
        fields["alert"],
    )
    return {row["alert"] for row in rows if row["alert"] is not None}


async def edit(change: Edit, contact: int, version: int, fields: dict[str, Any]) -> asyncpg.Record:
    """Correct some of ``CORRECTED``: what happened stays, what was written of it may be put right.

    Raises
    ------
    MissingError, StaleError, ConflictError
    """
    known = await change.connection.fetchrow("SELECT * FROM contact WHERE id = $1 FOR UPDATE", contact)
    if known is None:
        raise MissingError("contact", contact)
    if known["version"] != version:
        raise StaleError("contact", contact)
    if "callback_at" in fields and known["settled_by"] is not None:
        raise ConflictError(f"the callback was made good by contact {known['settled_by']}: log another contact instead")
    await change.connection.execute(
        f"""UPDATE contact SET {", ".join(f"{name} = ${i}" for i, name in enumerate(CORRECTED, 2))}, version = version + 1
            WHERE id = $1""",  # noqa: S608
        contact,
        *(fields.get(name, known[name]) for name in CORRECTED),
    )
    details = {"contact": contact, "fields": sorted(fields)}
    if known["alert"] is not None:
        await alerts.amended(change, known["alert"], "contact_corrected", "", details)
    else:
        change.entry("contact", contact, "corrected")
        audit.done(change, "corrected", f"contact/{contact}", wearer=known["wearer"], **details)
    return await _read(change, contact)


async def owed(store: Store, until_us: int = FOREVER_US) -> list[asyncpg.Record]:
    """Calls that are owed and due before a time, the one that is due first on top."""
    return await store.pool.fetch(
        f"{VIEW} WHERE c.callback_at < $1 AND c.settled_by IS NULL ORDER BY c.callback_at, c.id",
        until_us,
    )


async def redact(change: Edit, wearer: int, word: str) -> None:
    """Put a word in place of what was written of a wearer's contacts."""
    written = ("name", "number", "words", "police_reference")
    told = ", ".join(f"{name} = CASE WHEN {name} IS NOT NULL THEN $2 END" for name in written)
    await change.connection.execute(
        f"UPDATE contact SET {told}, version = version + 1 WHERE wearer = $1",  # noqa: S608 (constants)
        wearer,
        word,
    )


async def _read(change: Edit, contact: int) -> asyncpg.Record:
    row = await change.connection.fetchrow(f"{VIEW} WHERE c.id = $1", contact)
    assert row is not None
    return row
