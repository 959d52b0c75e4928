"""The contact log as rows: who was called or written to about an alert or a wearer, what came of it, and which calls are owed.

A contact with a callback time is a call that is owed, until a later contact with the same person makes it good: they were
spoken to, they refused, or another time was set.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import asyncpg

from store import alerts, audit
from store.feed import Edit
from store.pool import Store
from store.refusal import ConflictError, DanglingError, StaleError, found

# What a client may set, in the order of the statements' parameters.
FIELDS: Final = (
    *("alert", "wearer", "at", "way", "direction", "person", "name", "number", "outcome", "words", "police_reference"),
    "callback_at",
)
CORRECTED: Final = ("name", "number", "outcome", "words", "police_reference", "callback_at")  # what a later look may correct

# Whoever has an alert is to make the calls that are owed about it, while it is open, and where they can.
HOLDER: Final = "a.handling <> 'closed' AND can_call(a.owner)"

VIEW: Final = """
SELECT c.*, p.name AS account_name, w.name AS wearer_name, a.kind AS alert_kind, b.name AS owed_by_name,
       c.callback_at IS NOT NULL AND c.settled_by IS NULL AS owed
FROM contact c
JOIN account p ON p.id = c.account
LEFT JOIN account b ON b.id = c.owed_by
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
    return found(await store.pool.fetchrow(f"{VIEW} WHERE c.id = $1", contact), "contact", contact)


async def owners(change: Edit, alert: int | None, contact: int | None = None) -> list[int]:
    """Whoever may come to owe a call by a contact about that alert, or by ``contact`` as it is corrected, besides the caller."""
    rows = await change.connection.fetch(
        """SELECT DISTINCT owner FROM alert WHERE owner IS NOT NULL AND handling <> 'closed'
           AND (id = $1 OR id IN (SELECT alert FROM contact WHERE id = $2 OR settled_by = $2))""",
        *(alert, contact),
    )
    return [row["owner"] for row in rows]


async def lock(change: Edit, alert: int | None, wearer: int | None, person: str, contact: int | None = None) -> frozenset[int]:
    """Lock every alert that a contact with that person touches, in the order of their ids, as workers do; which they are.

    Alerts are always locked before contacts. ``contact`` is one that is corrected: what it made good is touched, too.
    """
    rows = await change.connection.fetch(
        """SELECT id FROM alert WHERE id = $1 OR id IN (
               SELECT alert FROM contact WHERE settled_by = $4
               UNION ALL
               SELECT alert FROM contact WHERE callback_at IS NOT NULL AND settled_by IS NULL AND person = $3
               AND wearer = coalesce($2, (SELECT wearer FROM alert WHERE id = $1)))
           ORDER BY id FOR UPDATE""",
        *(alert, wearer, person, contact),
    )
    return frozenset(row["id"] for row in rows)


async def add(
    change: Edit, fields: dict[str, Any], text: str, alert: asyncpg.Record | None, locked: frozenset[int]
) -> asyncpg.Record:
    """Log one from all of ``FIELDS``; make good what was owed to that person; tell the alert.

    Parameters
    ----------
    text : what the alert's history says of it
    alert : the row of ``fields["alert"]``, None where it names none
    locked : what ``lock`` has locked

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
            f"""INSERT INTO contact ({", ".join(FIELDS)}, account, owed_by)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id""",  # noqa: S608
            *(fields[name] for name in FIELDS),
            change.actor,
            None if fields["callback_at"] is None else await _whose(change, fields["alert"]),
        )
    except asyncpg.ForeignKeyViolationError:
        raise DanglingError("wearer", "wearer", fields["wearer"]) from None
    touched = await _settle(change, number, fields, locked) if _settles(fields) else set()
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
        await alerts.settled(change, other, {"contact": number})
    return await _read(change, number)


async def _whose(change: Edit, alert: int | None) -> int | None:
    """Who is to make a call that comes to be owed, by ``HOLDER``, else the caller; who has it next: 0042_owed_by.sql."""
    owner: int | None = await change.connection.fetchval(
        f"SELECT a.owner FROM alert a WHERE a.id = $1 AND {HOLDER}",  # noqa: S608 (constant)
        alert,
    )
    return owner or change.actor


def _settles(fields: Mapping[str, Any]) -> bool:
    """Whether it makes good what was owed: they were spoken to, they refused, or another time was set."""
    return fields["outcome"] in {"spoke", "refused"} or fields["callback_at"] is not None


async def _settle(change: Edit, number: int, fields: Mapping[str, Any], locked: frozenset[int]) -> set[int]:
    """Make good what was owed to the person before this contact; the alerts whose callback that was.

    A call that came to be owed since the alerts were locked is left: it is owed from then on.
    """
    rows = await change.connection.fetch(
        """WITH owed AS (
               SELECT id FROM contact
               WHERE id < $1 AND callback_at IS NOT NULL AND settled_by IS NULL AND person = $2
                 AND (wearer = $3 OR $3::bigint IS NULL AND alert = $4) AND (alert IS NULL OR alert = ANY ($5::bigint[]))
               ORDER BY id FOR UPDATE)
           UPDATE contact c SET settled_by = $1, version = version + 1 FROM owed WHERE c.id = owed.id RETURNING c.alert""",
        *(number, fields["person"], fields["wearer"], fields["alert"], list(locked)),
    )
    return {row["alert"] for row in rows if row["alert"] is not None}


async def _unsettle(change: Edit, contact: int) -> set[int]:
    """What a contact had made good is owed again, or was made good by the next one that does; the alerts it is owed about.

    Who is to make it may have gone, and the alert has another owner, since: it is theirs, else whoever's who corrects.
    """
    rows = await change.connection.fetch(
        f"""WITH good AS (SELECT id FROM contact WHERE settled_by = $1 ORDER BY id FOR UPDATE)
           UPDATE contact c SET version = version + 1, settled_by = (
               SELECT min(n.id) FROM contact n WHERE n.id > $1 AND n.person = c.person
                 AND (n.wearer = c.wearer OR c.wearer IS NULL AND n.alert = c.alert)
                 AND (n.outcome IN ('spoke', 'refused') OR n.callback_at IS NOT NULL)),
               owed_by = coalesce((SELECT a.owner FROM alert a WHERE a.id = c.alert AND {HOLDER}), $2)
           FROM good WHERE c.id = good.id RETURNING c.alert, c.settled_by""",  # noqa: S608 (constant)
        *(contact, change.actor),
    )
    return {row["alert"] for row in rows if row["alert"] is not None and row["settled_by"] is None}


async def edit(change: Edit, contact: int, version: int, fields: dict[str, Any]) -> asyncpg.Record:
    """Correct some of ``CORRECTED``: what happened stays, what was written of it may be put right.

    What it did is put right with it: a call that it had made good and does not is owed again, and a clock of its alert that it
    had stopped and nothing else has runs on from when it began; and the other way round.

    Raises
    ------
    MissingError, StaleError, ConflictError
    """
    row = await change.connection.fetchrow("SELECT alert, wearer, person FROM contact WHERE id = $1", contact)
    of = found(row, "contact", contact)
    locked = await lock(change, of["alert"], of["wearer"], of["person"], contact)
    known = await change.connection.fetchrow("SELECT * FROM contact WHERE id = $1 FOR UPDATE", contact)
    assert known is not None, "no contact is ever dropped"
    if known["version"] != version:
        raise StaleError("contact", contact)
    if "callback_at" in fields and known["settled_by"] is not None:
        raise ConflictError(f"the callback was made good by contact {known['settled_by']}: log another contact instead")
    right = {**known, **fields}
    if known["callback_at"] is None and right["callback_at"] is not None:
        right["owed_by"] = await _whose(change, of["alert"])
    await change.connection.execute(
        f"""UPDATE contact SET {", ".join(f"{name} = ${i}" for i, name in enumerate((*CORRECTED, "owed_by"), 2))},
                version = version + 1
            WHERE id = $1""",  # noqa: S608
        contact,
        *(right[name] for name in (*CORRECTED, "owed_by")),
    )
    details: dict[str, Any] = {"contact": contact, "fields": sorted(fields)}
    if right["outcome"] != known["outcome"]:
        details |= {"outcome": right["outcome"], "before": known["outcome"]}
    if known["alert"] is not None:
        clocks = await alerts.recount(change, known["alert"]) if "outcome" in details else ""
        await alerts.amended(change, known["alert"], "contact_corrected", clocks, details)
    else:
        change.entry("contact", contact, "corrected")
        audit.done(change, "corrected", f"contact/{contact}", wearer=known["wearer"], **details)
    if _settles(dict(known)) != _settles(right):
        good = _settles(right)
        touched = await _settle(change, contact, right, locked) if good else await _unsettle(change, contact)
        for other in sorted(touched - {known["alert"]}):
            if good:
                await alerts.settled(change, other, {"contact": contact})
            else:
                await alerts.amended(change, other, "callback_owed", "", {"contact": contact})
    return await _read(change, contact)


async def owed(store: Store, limit: int) -> list[asyncpg.Record]:
    """So many of the calls that are owed, the one that is due first on top."""
    return await page(store, Filter(owed=True), None, limit)


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
