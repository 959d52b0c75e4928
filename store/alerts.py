"""Alerts as people see and work them: the queue, one alert with its evidence and history, and the handling columns.

Only handling columns are written here; a worker alone writes the condition (DESIGN.md section 3.9).
"""

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

import asyncpg

from model.alert import OURS
from store import audit
from store.caseloads import ANSWERS
from store.edits import RETURNING
from store.feed import Edit
from store.pool import Connection, Store
from store.refusal import ConflictError, DanglingError, MissingError

# ``state`` is the effective handling: new again as soon as an occurrence happens that nobody has handled.
STATE: Final = "CASE WHEN a.handling <> 'closed' AND a.calls > a.handled_calls THEN 'new' ELSE a.handling END"

# When each clock that still runs runs out; NULL where it was stopped, or there is none.
RUNNING: Final = f"""
CASE WHEN {STATE} = 'new' THEN a.due_acknowledge END AS acknowledge_by,
CASE WHEN a.handling <> 'closed' AND a.calls > a.contacted_calls THEN a.due_contact END AS contact_by,
CASE WHEN a.handling <> 'closed' AND a.calls > a.decided_calls THEN a.due_decision END AS decision_by"""

# How far it was escalated. What was raised for earlier calls counts on until somebody has handled those.
LEVEL: Final = "CASE WHEN a.escalated_calls = a.calls OR a.handled_calls < a.escalated_calls THEN a.level ELSE 0 END"

# After acknowledging somebody does something about it, or it is anybody's again (store/returning.py).
UNWORKED: Final = "interval '1 minute' * CASE WHEN a.severity = 1 THEN 5 ELSE 10 END"

# Anybody's again. That nobody acknowledges it is told once more, as for a new call.
ANEW: Final = """handling = 'new', owner = NULL, escalated_clocks = escalated_clocks & ~1::smallint,
    handling_version = handling_version + 1"""

# ``next_due`` is the earliest clock that still runs; ``callback_at`` the first call that is owed. Synthetic wearers' alerts (ids
# below 0) are nobody's to see.
VIEW: Final = f"""
SELECT a.*, w.name AS wearer_name, o.name AS owner_name, z.name AS zone_name, z.purpose AS zone_purpose,
       s.*, {LEVEL} AS raised_to,
       CASE WHEN s.state = 'acknowledged' THEN a.handled_at + {UNWORKED} END AS returns_at,
       least(s.acknowledge_by, s.contact_by, s.decision_by) AS next_due,
       (SELECT min(c.callback_at) FROM contact c WHERE c.alert = a.id AND c.settled_by IS NULL) AS callback_at,
       q.pause, q.pause_until, q.pause_reason, r.id AS officer, r.name AS officer_name
FROM alert a
LEFT JOIN wearer w ON w.id = a.wearer
LEFT JOIN account o ON o.id = a.owner
LEFT JOIN monitoring_order m ON m.id = a.monitoring_order
LEFT JOIN account r ON r.id = {ANSWERS}
LEFT JOIN zone_version z ON z.zone = a.zone AND z.version = a.zone_version
CROSS JOIN LATERAL (SELECT {STATE} AS state, {RUNNING} WHERE a.wearer > 0 OR a.wearer IS NULL) s
LEFT JOIN LATERAL (
    SELECT p.id AS pause, p.until AS pause_until, p.reason AS pause_reason FROM pause p
    WHERE p.wearer = a.wearer AND (p.kind IS NULL OR p.kind = a.kind) AND (p.including_p1 OR a.severity > 1)
      AND NOT always_pages(a.kind, a.zone, a.zone_version)
      AND p.approved_at IS NOT NULL AND p.ended_at IS NULL AND p.starts <= clock_timestamp() AND p.until > clock_timestamp()
    ORDER BY p.until DESC LIMIT 1) q ON true"""  # noqa: S608 (constants)

KEY: Final = "(q.severity, coalesce(q.next_due, timestamptz '9999-01-01 00:00:00+00'), q.event_at, q.id)"


# Spelled out, so that the few that are open are found by their own index among the many that are closed.
STATES: Final = {"open": "a.handling <> 'closed'", "closed": "a.handling = 'closed'", "all": "true"}


class Filter(NamedTuple):
    """Which alerts of the queue; None for any."""

    state: str = "open"  # of STATES
    severities: Sequence[int] | None = None
    kind: str | None = None
    wearer: int | None = None
    tag: int | None = None
    zone: int | None = None
    owner: int | None = None
    from_us: int | None = None
    to_us: int | None = None
    people: bool = True  # alerts that concern a wearer
    ours: bool = True  # alerts about the system itself (model.alert.OURS)
    overdue: bool = False  # only those of which a clock has run out
    unowned: bool = False  # only those that nobody owns
    officer: int | None = None  # who answers for the order now, by cover or themselves


class Place(NamedTuple):
    """Where in the queue a page ended: the sort key of its last row."""

    severity: int
    next_due_us: int
    event_us: int
    id: int


def place(row: asyncpg.Record, forever_us: int) -> Place:
    """The sort key of a row."""
    due = row["next_due"]
    return Place(row["severity"], forever_us if due is None else due, row["event_at"], row["id"])


async def page(store: Store, wanted: Filter, after: Place | None, limit: int) -> tuple[int, list[asyncpg.Record]]:
    """The feed's position, and a page of the queue that holds at least everything up to it: worst first, most overdue on top."""
    async with store.pool.acquire() as connection:
        position: int = await connection.fetchval("SELECT position FROM feed")
        rows = await connection.fetch(
            f"""SELECT * FROM ({VIEW}
                WHERE {STATES[wanted.state]}
                  AND ($1::smallint[] IS NULL OR a.severity = ANY ($1)) AND ($2::text IS NULL OR a.kind = $2)
                  AND ($3::bigint IS NULL OR a.wearer = $3)
                  AND ($4::bigint IS NULL OR a.tag = $4
                       OR EXISTS (SELECT 1 FROM alert_occurrence x WHERE x.tag = $4 AND x.alert = a.id))
                  AND ($5::bigint IS NULL OR a.zone = $5) AND ($6::bigint IS NULL OR a.owner = $6)
                  AND ($7::timestamptz IS NULL OR a.event_at >= $7) AND ($8::timestamptz IS NULL OR a.event_at < $8)
                  AND ($9 OR a.wearer IS NULL) AND ($10 OR a.kind <> ALL ($14::text[]))) q
                WHERE (NOT $11 OR q.next_due < clock_timestamp()) AND (NOT $12 OR q.owner IS NULL)
                  AND ($13::bigint IS NULL OR q.officer = $13)
                  AND ($15::smallint IS NULL OR {KEY} > ($15, $16::timestamptz, $17::timestamptz, $18::bigint))
                ORDER BY {KEY} LIMIT $19""",  # noqa: S608
            *wanted[1:],
            list(OURS),
            *(after or (None, None, None, None)),
            limit,
        )
    return position, rows


async def several(store: Store, alerts: Sequence[int]) -> dict[int, asyncpg.Record]:
    """Alerts by id; those that do not exist are left out."""
    rows = await store.pool.fetch(f"{VIEW} WHERE a.id = ANY ($1::bigint[])", alerts)
    return {row["id"]: row for row in rows}


class Detail(NamedTuple):
    """One alert with all that is known of it, read at one moment."""

    alert: asyncpg.Record
    evidence: list[asyncpg.Record]
    history: list[asyncpg.Record]


async def get(store: Store, alert: int) -> Detail:
    """One alert; raises ``MissingError``."""
    async with store.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        row = await connection.fetchrow(f"{VIEW} WHERE a.id = $1", alert)
        if row is None:
            raise MissingError("alert", alert)
        evidence = await connection.fetch(
            """SELECT position, part, fixes, zone, zone_version, distance_m, events FROM alert_evidence
               WHERE alert = $1 ORDER BY position, part""",
            alert,
        )
        history = await connection.fetch(
            """SELECT h.position, h.part, h.at, h.actor, c.name AS actor_name, h.what, h.text, h.details
               FROM alert_history h LEFT JOIN account c ON c.id = h.actor
               WHERE h.alert = $1 ORDER BY h.position, h.part""",
            alert,
        )
    return Detail(row, evidence, history)


async def locked(change: Edit, alert: int) -> asyncpg.Record:
    """One alert, that nobody changes until this transaction ends; raises ``MissingError``."""
    row = await change.connection.fetchrow(f"{VIEW} WHERE a.id = $1 FOR UPDATE OF a", alert)
    if row is None:
        raise MissingError("alert", alert)
    return row


async def last_words(connection: Connection, alert: int) -> str:
    """The newest sentence of an alert's history."""
    text = await connection.fetchval(
        "SELECT coalesce(nullif(text, ''), what) FROM alert_history WHERE alert = $1 ORDER BY position DESC, part DESC LIMIT 1",
        alert,
    )
    return text or ""


async def acknowledge(change: Edit, row: asyncpg.Record, note: str) -> None:
    """Somebody has seen it: stops the first clock; the caller owns it."""
    if row["state"] != "new":
        by = f" by {row['owner_name']}" if row["owner_name"] else ""
        raise ConflictError(f"alert {row['id']} is {row['state'].replace('_', ' ')} already{by}: add a note or a step instead")
    await _handle(change, row, "acknowledged", note, {}, handling="acknowledged", owner=change.actor)


async def assign(change: Edit, row: asyncpg.Record, owner: int | None, roles: Sequence[str]) -> None:
    """Hand it to somebody whose role is one of ``roles``, or to nobody; changes nothing else."""
    _refuse_closed(row)
    name = None
    if owner is not None:
        account = await change.connection.fetchrow("SELECT name, role, active FROM account WHERE id = $1", owner)
        if account is None or not account["active"]:
            raise DanglingError("owner", "active account", owner)
        if account["role"] not in roles:
            raise ConflictError(f"{account['name']} is {account['role']} and cannot work this alert: choose somebody who can")
        name = account["name"]
    await change.connection.execute(
        "UPDATE alert SET owner = $2, handling_version = handling_version + 1 WHERE id = $1", row["id"], owner
    )
    tell(change, row["id"], "assigned", f"Assigned to {name}." if name else "Assigned to nobody.", {"owner": owner})


async def note(change: Edit, row: asyncpg.Record, text: str) -> None:
    """A person's own words; closed alerts take them too."""
    await change.connection.execute("UPDATE alert SET handling_version = handling_version + 1 WHERE id = $1", row["id"])
    tell(change, row["id"], "note", text, {})


# Clocks that people stop by more than looking: what was said to somebody, and what was decided.
CONTACT: Final = "contact"
DECISION: Final = "decision"


async def step(change: Edit, row: asyncpg.Record, name: str, result: str, text: str) -> None:
    """Something was done about it: in progress, and owned by the caller if nobody owned it.

    A call stops the clock of the first contact; one to the police that they answered, or a decision, that of the decision.
    """
    await _work(change, row, "step", text, {"step": name, "result": result}, stopped_by(name, result))


async def contact(change: Edit, row: asyncpg.Record, text: str, details: dict[str, Any]) -> None:
    """Somebody was called or written to, or called: as a step; on a closed alert as a note."""
    if row["handling"] == "closed":
        await change.connection.execute("UPDATE alert SET handling_version = handling_version + 1 WHERE id = $1", row["id"])
        tell(change, row["id"], "contact", text, details)
    else:
        stops = stopped_by(f"call_{details['person']}", details["outcome"], details["direction"])
        await _work(change, row, "contact", text, details, stops)


async def amended(change: Edit, alert: int, what: str, text: str, details: dict[str, Any]) -> None:
    """Something beside the alert that it shows has changed; its clocks and its owner stay as they are."""
    await change.connection.execute("UPDATE alert SET handling_version = handling_version + 1 WHERE id = $1", alert)
    tell(change, alert, what, text, details)


def stopped_by(step: str, result: str, direction: str = "out") -> frozenset[str]:
    """The clocks that a step stops besides the first; figures.py reads the same from histories.

    To have tried in vain is a first contact, unless it could not reach anybody: a dead number, or a message that came in and
    that nobody took. Only what was said to the police hands the decision to them.
    """
    if step == "decide":
        return frozenset({DECISION})
    if not step.startswith("call_") or result == "dead_number" or (direction == "in" and result == "no_answer"):
        return frozenset()
    return frozenset({CONTACT, DECISION}) if step == "call_police" and result == "spoke" else frozenset({CONTACT})


async def _work(change: Edit, row: asyncpg.Record, what: str, text: str, details: dict[str, Any], stops: Collection[str]) -> None:
    _refuse_closed(row)
    owner = row["owner"] or change.actor
    await _handle(change, row, what, text, details, handling="in_progress", owner=owner, stops=stops)


async def close(change: Edit, row: asyncpg.Record, outcome: str, text: str, details: dict[str, Any]) -> None:
    """Done with."""
    _refuse_closed(row)
    await _handle(
        change,
        row,
        "closed",
        text,
        {"outcome": outcome, **details},
        handling="closed",
        owner=row["owner"] or change.actor,
        outcome=outcome,
        stops=(CONTACT, DECISION),
    )


async def reopen(change: Edit, row: asyncpg.Record, text: str) -> None:
    """Not done with after all: in progress, owned by the caller; no clock runs, as closing stopped them."""
    if row["handling"] != "closed":
        raise ConflictError(f"alert {row['id']} is not closed: work on it as it is")
    newer = await change.connection.fetchval(
        """SELECT id FROM alert WHERE (wearer = $1 OR wearer IS NULL AND $1::bigint IS NULL)
               AND family = $2 AND zone = $3 AND subject = $4 AND handling <> 'closed'""",
        row["wearer"],
        row["family"],
        row["zone"],
        row["subject"],
    )
    if newer is not None:
        raise ConflictError(f"alert {newer} is open for the same {_whose(row)}: add a note there")
    try:
        stops = (CONTACT, DECISION)
        await _handle(change, row, "reopened", text, {}, handling="in_progress", owner=change.actor, stops=stops)
    except asyncpg.UniqueViolationError:  # raised by a worker between the look and the change
        raise ConflictError(f"a newer alert has just opened for the same {_whose(row)}: add a note there") from None


def _whose(row: asyncpg.Record) -> str:
    return "cause" if row["wearer"] is None else "wearer and zone"


def _refuse_closed(row: asyncpg.Record) -> None:
    if row["handling"] == "closed":
        raise ConflictError(f"alert {row['id']} is closed: reopen it first")


async def _handle(
    change: Edit,
    row: asyncpg.Record,
    what: str,
    text: str,
    details: dict[str, Any],
    *,
    handling: str,
    owner: int | None,
    outcome: str | None = None,
    stops: Collection[str] = (),
) -> None:
    """Write the handling; every occurrence there is by now counts as handled, and as whatever else ``stops`` says."""
    await change.connection.execute(
        """UPDATE alert SET handling = $2, owner = $3, outcome = $4, handled_calls = calls, handled_at = clock_timestamp(),
                  contacted_calls = CASE WHEN $5 THEN calls ELSE contacted_calls END,
                  decided_calls = CASE WHEN $6 THEN calls ELSE decided_calls END,
                  closed_at = CASE WHEN $2 = 'closed' THEN clock_timestamp() END, handling_version = handling_version + 1
           WHERE id = $1""",
        row["id"],
        handling,
        owner,
        outcome,
        CONTACT in stops,
        DECISION in stops,
    )
    tell(change, row["id"], what, text, details)


def page_anew(change: Edit, row: asyncpg.Record, entry: int) -> None:
    """Page for an alert (``id``, ``kind``, ``severity``) that is anybody's to answer again, as when it was raised.

    Parameters
    ----------
    entry : the index of what says why in its history
    """
    body = {"alert": row["id"], "kind": row["kind"], "severity": row["severity"]}
    change.numbered(
        "INSERT INTO outbox (position, alert, topic, body) VALUES ($1, $2, 'alert', $3)", row["id"], body, entry=entry
    )


def tell(change: Edit, alert: int, what: str, text: str, details: dict[str, Any]) -> int:
    """History and feed, and the audit of what people do, all with the position of the entry whose index this returns."""
    entry = change.entry("alert", alert, what)
    change.numbered(
        f"""INSERT INTO alert_history (alert, position, part, at, actor, what, text, details)
            VALUES ($2, $1, 0, clock_timestamp(), $3, $4, $5, $6) {RETURNING["alert_history"]}""",  # noqa: S608 (constants)
        alert,
        change.actor,
        what,
        text,
        details,
        entry=entry,
        kept="alert_history",
    )
    if change.actor is not None:
        audit.done(change, what, f"alert/{alert}", entry, **details)
    return entry
