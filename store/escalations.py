"""Escalation calendars as rows, and the alerts whose clocks ran out as levels of them: each raised once, whoever does it.

A chain has levels, and each level two people: one for office hours, one for all other times. A clock that runs out raises an
alert by one level; while it is out, so does every ``repeat_min`` in which nobody does anything, to the end of the chain.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import asyncpg

from model.alert import OURS, Kind
from model.batch import Rejected
from model.timetable import Timetable, expand, parse
from store import alerts, audit
from store.feed import Edit
from store.pool import Store
from store.refusal import ConflictError, DanglingError, found, unchanged

COLUMNS: Final = "id, monitoring_order, timezone, office, levels, repeat_min, version, created_at"
FIELDS: Final = ("monitoring_order", "timezone", "office", "levels", "repeat_min")  # in the order of the statements' parameters

MOST: Final = 100  # alerts at once; the feed's row is locked meanwhile

POLICE: Final = "police"
MANAGER: Final = "duty_manager"
ENGINEER: Final = "engineer"  # for what is wrong with the system itself, whatever the chain says

_CLOCKS: Final = {1: "acknowledgement", 2: "first contact", 4: "decision"}


class Due(NamedTuple):
    """An alert that is to be raised, and how it stood."""

    id: int
    kind: str
    severity: int
    handled: bool  # somebody has looked at its last call
    missed: int  # clocks that have run out, 1 acknowledge, 2 contact, 4 decision, together
    told: int  # those of them for which it was raised before
    stood: int  # its level
    now_us: int
    timezone: str
    office: Mapping[str, Any]
    levels: list[dict[str, str]]


async def page(store: Store, *, order: int | None, after: int, limit: int) -> list[asyncpg.Record]:
    """By id, those after ``after``; of an order the one that holds for it, its own or that of all."""
    return await store.pool.fetch(
        f"""SELECT {COLUMNS} FROM escalation WHERE id > $1
              AND ($2::bigint IS NULL OR monitoring_order = $2 OR monitoring_order IS NULL
                   AND NOT EXISTS (SELECT 1 FROM escalation WHERE monitoring_order = $2))
            ORDER BY id LIMIT $3""",  # noqa: S608
        after,
        order,
        limit,
    )


async def get(store: Store, escalation: int) -> asyncpg.Record:
    """One calendar; raises ``MissingError``."""
    row = await store.pool.fetchrow(f"SELECT {COLUMNS} FROM escalation WHERE id = $1", escalation)  # noqa: S608
    return found(row, "escalation", escalation)


async def add(change: Edit, fields: Mapping[str, Any]) -> asyncpg.Record:
    """Give an order a chain of its own, from all of ``FIELDS``.

    Raises
    ------
    DanglingError, ConflictError
        If there is no such order; if it has one.
    """
    try:
        row = await change.connection.fetchrow(
            f"""INSERT INTO escalation ({", ".join(FIELDS)}) VALUES ($1, $2, $3, $4, $5)
                RETURNING {COLUMNS}""",  # noqa: S608
            *(fields[name] for name in FIELDS),
        )
    except asyncpg.UniqueViolationError:
        raise ConflictError(f"order {fields['monitoring_order']} has a chain of its own already: change that one") from None
    except asyncpg.ForeignKeyViolationError:
        raise DanglingError("order", "order", fields["monitoring_order"]) from None
    assert row is not None
    change.entry("escalation", row["id"], "created")
    audit.done(change, "created", f"escalation/{row['id']}", **_said(row))
    return row


async def edit(change: Edit, escalation: int, version: int, fields: Mapping[str, Any]) -> asyncpg.Record:
    """Change some of ``FIELDS`` but the order.

    Raises
    ------
    MissingError, StaleError
    """
    row = await change.connection.fetchrow(
        f"SELECT {COLUMNS} FROM escalation WHERE id = $1 FOR UPDATE",  # noqa: S608
        escalation,
    )
    known = unchanged(row, "escalation", escalation, version)
    row = await change.connection.fetchrow(
        f"""UPDATE escalation SET timezone = $2, office = $3, levels = $4, repeat_min = $5, version = version + 1
            WHERE id = $1 RETURNING {COLUMNS}""",  # noqa: S608
        escalation,
        *(fields.get(name, known[name]) for name in FIELDS[1:]),
    )
    assert row is not None
    change.entry("escalation", escalation, "edited")
    audit.done(change, "edited", f"escalation/{escalation}", **_said(row))
    return row


def _said(row: asyncpg.Record) -> dict[str, Any]:
    return {name: row[name] for name in (*FIELDS, "version")}


# What is due: a clock that has run out and has not raised its alert yet, or one that did, and nothing was done for so long.
# Locked, and passed over where somebody else has them in hand: compare and set in one.
_DUE: Final = f"""
SELECT a.id, a.kind, a.severity, s.state <> 'new' AS handled, c.missed, c.told, c.stood, c.now, e.timezone, e.office, e.levels
FROM alert a
CROSS JOIN LATERAL (SELECT {alerts.STATE} AS state, {alerts.RUNNING}, coalesce($1::timestamptz, clock_timestamp()) AS now) s
CROSS JOIN LATERAL (
    SELECT s.now,
        CASE WHEN s.acknowledge_by <= s.now THEN 1 ELSE 0 END + CASE WHEN s.contact_by <= s.now THEN 2 ELSE 0 END
            + CASE WHEN s.decision_by <= s.now THEN 4 ELSE 0 END AS missed,
        CASE WHEN a.escalated_calls = a.calls OR a.handled_calls < a.escalated_calls THEN a.escalated_clocks::integer ELSE 0 END
            AS told,
        {alerts.LEVEL} AS stood) c
JOIN escalation e ON e.id = coalesce(
    (SELECT id FROM escalation WHERE monitoring_order = a.monitoring_order),
    (SELECT id FROM escalation WHERE monitoring_order IS NULL))
WHERE a.handling <> 'closed' AND a.condition <> 'withdrawn' AND (a.wearer > 0 OR a.wearer IS NULL) AND c.missed > 0 AND (
    c.missed & ~c.told <> 0
    OR c.stood < jsonb_array_length(e.levels)
       AND greatest(a.escalated_at, a.handled_at) + interval '1 minute' * e.repeat_min <= c.now)
ORDER BY a.id LIMIT $2 FOR UPDATE OF a SKIP LOCKED"""  # noqa: S608 (constants)


async def due(change: Edit, at_us: int | None = None) -> list[tuple[int, int, str]]:
    """Raise what is due; (alert, level, to whom) of each.

    Parameters
    ----------
    at_us : the time to go by; None: the database's
    """
    raised = []
    for row in await change.connection.fetch(_DUE, at_us, MOST):
        one = Due(*row)
        fresh = one.missed & ~one.told
        level = min(one.stood + (fresh.bit_count() or 1), len(one.levels))
        to = _to(one, level)
        await change.connection.execute(
            """UPDATE alert SET level = $2, escalated_calls = calls, escalated_clocks = $3, escalated_at = $4, escalated_to = $5,
                   handling_version = handling_version + 1
               WHERE id = $1""",
            *(one.id, level, one.told | one.missed, one.now_us, to),
        )
        if level == one.stood:
            continue  # the chain has no further level: there is nobody more to tell
        entry = alerts.tell(change, one.id, "escalated", _text(one, fresh, level, to), {"level": level, "to": to})
        body = {"alert": one.id, "kind": one.kind, "severity": one.severity, "level": level, "to": to}
        change.numbered(
            "INSERT INTO outbox (position, alert, topic, body) VALUES ($1, $2, 'escalation', $3)", one.id, body, entry=entry
        )
        raised.append((one.id, level, to))
    return raised


def _to(one: Due, level: int) -> str:
    """Who is told: never the police of what nobody has looked at that was only inferred, and of P1 alone."""
    if one.kind in OURS:
        return ENGINEER
    said = one.levels[level - 1]["office" if in_office(one.timezone, one.office, one.now_us) else "otherwise"]
    unreviewed = one.kind == Kind.CROSSED and not one.handled
    return MANAGER if said == POLICE and (one.severity > 1 or unreviewed) else said


def in_office(timezone: str, office: Mapping[str, Any], at_us: int) -> bool:
    """Whether an instant lies in office hours."""
    table = timetable(timezone, office)
    return isinstance(table, Timetable) and len(expand(table, at_us, at_us + 1)) > 0


def timetable(timezone: str, office: Mapping[str, Any]) -> Timetable | Rejected:
    """Office hours as a timetable, or why they cannot be one."""
    return parse(office, timezone)


def _text(one: Due, fresh: int, level: int, to: str) -> str:
    late = " and ".join(word for bit, word in _CLOCKS.items() if fresh & bit)
    why = f"No {late} in time" if late else f"Nobody has done anything since level {one.stood}"
    return f"{why}: escalated to level {level}, {to.replace('_', ' ')}."
