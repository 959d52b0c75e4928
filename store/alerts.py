"""Alerts as people see and work them: the queue, one alert with its evidence and history, and the handling columns.

Only handling columns are written here; a worker alone writes the condition (DESIGN.md section 3.9).
"""

from collections.abc import Collection, Sequence
from typing import Any, Final, Literal, NamedTuple

import asyncpg

from model.alert import OURS, Kind
from store import audit
from store.caseloads import ANSWERS, CONCERNED
from store.edits import RETURNING
from store.feed import Edit
from store.pool import Connection, Store
from store.refusal import ConflictError, DanglingError, MissingError
from store.sessions import SIGNED_IN

# ``state`` is the effective handling: new again as soon as an occurrence happens that nobody has handled.
STATE: Final = "CASE WHEN a.handling <> 'closed' AND a.calls > a.handled_calls THEN 'new' ELSE a.handling END"

# For how long an outage held a call, of which nobody was told meanwhile; NULL while it does.
HELD: Final = "CASE WHEN a.kind = 'no_contact' AND a.severity > 1 THEN held_for(a.id, a.calls) ELSE interval '0' END"

# When each clock that still runs runs out; NULL where it was stopped, stands still, or there is none.
RUNNING: Final = f"""
CASE WHEN {STATE} = 'new' THEN a.due_acknowledge + {HELD} END AS acknowledge_by,
CASE WHEN a.handling <> 'closed' AND a.calls > a.contacted_calls THEN a.due_contact + {HELD} END AS contact_by,
CASE WHEN a.handling <> 'closed' AND a.calls > a.decided_calls THEN a.due_decision + {HELD} END AS decision_by"""

# How far it was escalated. What was raised for earlier calls counts on until somebody has handled those.
LEVEL: Final = "CASE WHEN a.escalated_calls = a.calls OR a.handled_calls < a.escalated_calls THEN a.level ELSE 0 END"

# Who has it does something about it, again and again, or it is anybody's again (store/returning.py).
UNWORKED: Final = "interval '1 minute' * CASE WHEN a.severity = 1 THEN 5 ELSE 10 END"

# The first call that is owed of it; and when it is anybody's again: so long after somebody took it or last logged a step or a
# contact, and where a call is owed, so long after that. Who has only acknowledged it cannot put it off by an older owed call.
OWED: Final = "SELECT min(c.callback_at) AS at FROM contact c WHERE c.alert = a.id AND c.settled_by IS NULL"
RETURNS: Final = f"""(CASE {STATE} WHEN 'acknowledged' THEN a.handled_at
    WHEN 'in_progress' THEN greatest(a.handled_at, owed.at) END + {UNWORKED})"""

# Anybody's again. That nobody acknowledges it is told once more, as for a new call.
ANEW: Final = """handling = 'new', owner = NULL, escalated_clocks = escalated_clocks & ~1::smallint,
    handling_version = handling_version + 1"""

# When the device said that all that was opened is closed again, which ends nothing; NULL where something is open still.
CLEARED: Final = """
CASE WHEN a.kind IN ('strap', 'case') AND a.condition = 'active' THEN (
    SELECT CASE WHEN bool_and(c.us IS NOT NULL) THEN timestamptz 'epoch' + interval '1 us' * max(c.us) END
    FROM alert_occurrence x LEFT JOIN LATERAL (
        SELECT (h.details ->> 'cleared_us')::bigint AS us FROM alert_history h
        WHERE h.alert = a.id AND h.details ->> 'tag' = x.tag::text
          AND (h.details ->> 'occurrence_us')::bigint = (extract(epoch FROM x.occurrence) * 1000000)::bigint
        ORDER BY h.position DESC, h.part DESC LIMIT 1) c ON true
    WHERE x.alert = a.id AND x.ended_at IS NULL AND NOT x.withdrawn) END AS cleared_at"""

# When the last occurrence began that was not withdrawn, whichever tag's it was; NULL where there was but one.
AGAIN: Final = """
CASE WHEN a.occurrences > 1 THEN (
    SELECT max(x.event_at) FROM alert_occurrence x WHERE x.alert = a.id AND NOT x.withdrawn) END AS again_at"""

# How near to the zone an approach came, as far as it was judged.
NEAREST: Final = """
CASE WHEN a.kind = 'approach' THEN (SELECT min(e.distance_m) FROM alert_evidence e WHERE e.alert = a.id) END AS nearest_m"""

# ``next_due`` is the earliest clock that still runs; ``callback_at`` the first call that is owed. Synthetic wearers' alerts (ids
# below 0) are nobody's to see.
VIEW: Final = f"""
SELECT a.*, w.name AS wearer_name, o.name AS owner_name, z.name AS zone_name, z.purpose AS zone_purpose,
       s.*, {LEVEL} AS raised_to,
       {RETURNS} AS returns_at,
       least(s.acknowledge_by, s.contact_by, s.decision_by) AS next_due,
       CASE WHEN s.state = 'new' THEN a.called_at END AS unanswered_since,
       owed.at AS callback_at,
       {AGAIN}, {CLEARED}, {NEAREST}, coalesce(a.held_under, outage_of(a.id)) AS held_by, q.pause, q.pause_until, q.pause_reason,
       r.id AS officer, r.name AS officer_name
FROM alert a
LEFT JOIN wearer w ON w.id = a.wearer
LEFT JOIN account o ON o.id = a.owner
LEFT JOIN monitoring_order m ON m.id = a.monitoring_order
LEFT JOIN account r ON r.id = {ANSWERS}
LEFT JOIN zone_version z ON z.zone = a.zone AND z.version = a.zone_version
CROSS JOIN LATERAL ({OWED}) owed
CROSS JOIN LATERAL (SELECT {STATE} AS state, {RUNNING} WHERE a.wearer > 0 OR a.wearer IS NULL) s
LEFT JOIN LATERAL (
    SELECT p.id AS pause, p.until AS pause_until, p.reason AS pause_reason FROM pause p
    WHERE p.wearer = a.wearer AND (p.kind IS NULL OR p.kind = a.kind) AND (p.including_p1 OR a.severity > 1)
      AND NOT always_pages(a.kind, a.zone, a.zone_version)
      AND p.approved_at IS NOT NULL AND p.ended_at IS NULL AND p.starts <= clock_timestamp() AND p.until > clock_timestamp()
    ORDER BY p.until DESC LIMIT 1) q ON true"""  # noqa: S608 (constants)

# Whether any channel took the message of an alert's newest escalation: delivered, waiting to be, or nobody was told. No row where
# it was never escalated, or its messages are forgotten.
TOLD: Final = """
SELECT CASE WHEN bool_or(d.state = 'delivered') THEN 'delivered'
            WHEN o.addressed_at IS NULL OR bool_or(d.state = 'waiting') THEN 'waiting' ELSE 'nobody' END
FROM outbox o LEFT JOIN delivery d ON d.outbox = o.id
WHERE o.id = (SELECT max(id) FROM outbox WHERE alert = $1 AND topic = 'escalation') GROUP BY o.id"""

# Every tag that was on the list of an alert's outages, with whoever wore it: first those to be checked by hand first.
LISTED: Final = """
SELECT o.began_at, o.ended_at, t.tag, t.wearer, w.name AS wearer_name, t.guarded, t.since, t.back_at,
       (SELECT h.alert FROM outage_hold h JOIN alert a ON a.id = h.alert
        WHERE h.outage = o.id AND a.tag = t.tag LIMIT 1) AS silence
FROM outage o JOIN outage_tag t ON t.outage = o.id LEFT JOIN wearer w ON w.id = t.wearer
WHERE o.alert = $1 ORDER BY o.id DESC, t.back_at IS NOT NULL, NOT t.guarded, t.since, t.tag"""

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
    officer: int | None = None  # who answers now for an order that it is the business of, by cover or themselves


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
                  AND ($13::bigint IS NULL OR EXISTS (
                      SELECT FROM alert a JOIN monitoring_order m ON {CONCERNED} WHERE a.id = q.id AND {ANSWERS} = $13))
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
    listed: Sequence[asyncpg.Record] = ()  # an outage's tags
    told: Literal["delivered", "waiting", "nobody"] | None = None  # what became of its newest escalation's message: TOLD


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
        listed = await connection.fetch(LISTED, alert) if row["kind"] == Kind.FLEET_OUTAGE else []
        told = await connection.fetchval(TOLD, alert)
    return Detail(row, evidence, history, listed, told)


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
    """Hand it to somebody whose role is one of ``roles``, or to nobody; changes nothing else.

    Whoever gets it need not be signed in: what runs out meanwhile does so as if nobody had it, and its history says that they
    were not there.
    """
    _refuse_closed(row)
    text = "Assigned to nobody."
    if owner is not None:
        account = await change.connection.fetchrow(
            f"SELECT name, role, active, {SIGNED_IN} AS signed_in FROM account p WHERE id = $1",  # noqa: S608 (constant)
            owner,
        )
        if account is None or not account["active"]:
            raise DanglingError("owner", "active account", owner)
        if account["role"] not in roles:
            raise ConflictError(f"{account['name']} is {account['role']} and cannot work this alert: choose somebody who can")
        away = "" if account["signed_in"] else ", who is not signed in: nobody is at it until they are"
        text = f"Assigned to {account['name']}{away}."
    await change.connection.execute(
        "UPDATE alert SET owner = $2, handling_version = handling_version + 1 WHERE id = $1", row["id"], owner
    )
    tell(change, row["id"], "assigned", text, {"owner": owner})


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


async def recount(change: Edit, alert: int) -> str:
    """Let what was done since the newest call stop its clocks, contacts as they are corrected; what changed, in words.

    A clock that runs again does so from when it began: it may be out already.
    """
    row = await locked(change, alert)
    if row["handling"] == "closed":
        return ""
    done = await change.connection.fetch(
        """SELECT h.what, coalesce(h.details ->> 'step', 'call_' || c.person, '') AS step,
                  coalesce(h.details ->> 'result', c.outcome) AS result, coalesce(c.direction, 'out') AS direction
           FROM alert_history h LEFT JOIN contact c ON h.what = 'contact' AND c.id = (h.details ->> 'contact')::bigint
           WHERE h.alert = $1 AND h.actor IS NOT NULL AND h.what IN ('step', 'contact', 'closed', 'reopened')
             AND h.position > coalesce((SELECT max(position) FROM alert_history
                 WHERE alert = $1 AND actor IS NULL AND details ? 'due_acknowledge_us'), 0)""",
        alert,
    )
    stops: set[str] = set()
    for one in done:
        whole = one["what"] in {"closed", "reopened"}
        stops |= {CONTACT, DECISION} if whole else stopped_by(one["step"], one["result"] or "", one["direction"])
    now = await change.connection.fetchrow(
        """UPDATE alert SET contacted_calls = CASE WHEN $2 THEN calls ELSE least(contacted_calls, calls - 1) END,
                            decided_calls = CASE WHEN $3 THEN calls ELSE least(decided_calls, calls - 1) END
           WHERE id = $1 RETURNING contacted_calls = calls AS contact, decided_calls = calls AS decision""",
        *(alert, CONTACT in stops, DECISION in stops),
    )
    assert now is not None
    words = []
    for clock, name, due, calls in (
        (CONTACT, "first contact", "due_contact", "contacted_calls"),
        (DECISION, "decision", "due_decision", "decided_calls"),
    ):
        if row[due] is not None and now[clock] != (row[calls] >= row["calls"]):
            words.append(f"The clock of the {name} {'is stopped' if now[clock] else 'runs again'}.")
    return " ".join(words)


async def amended(change: Edit, alert: int, what: str, text: str, details: dict[str, Any]) -> None:
    """Something beside the alert that it shows has changed; its clocks and its owner stay as they are."""
    await change.connection.execute("UPDATE alert SET handling_version = handling_version + 1 WHERE id = $1", alert)
    tell(change, alert, what, text, details)


async def settled(change: Edit, alert: int, details: dict[str, Any]) -> None:
    """A call that was owed of it was made elsewhere: whoever is at it has done something about it just now."""
    await change.connection.execute(
        f"UPDATE alert a SET handled_at = clock_timestamp() WHERE id = $1 AND {STATE} = 'in_progress'",  # noqa: S608 (constants)
        alert,
    )
    await amended(change, alert, "callback_settled", "", details)


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
