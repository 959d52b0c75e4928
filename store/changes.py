"""Turns the judge's changes to occurrences into rows of alerts: which row each belongs to, and what that row then says.

Alerts have two writers. Here only what the machine says is written: ``condition`` and what explains it. ``handling`` is read
under the row's lock, because a row that people have closed is left to rest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from model.alert import FAMILY, Change, Condition, Confidence, Family, Handling, Kind, Op
from store.pool import Connection

WHAT: Final = {Op.OPEN: "opened", Op.AMEND: "amended", Op.END: "ended", Op.RESUME: "resumed", Op.WITHDRAW: "withdrawn"}
SURENESS: Final = (Confidence.DEFINITE, Confidence.INFERRED, Confidence.POSSIBLE)

Key = tuple[int, Family, int]  # wearer, family, zone


@dataclass(slots=True)
class Held:
    """One occurrence of an alert as it stands."""

    kind: Kind
    severity: int
    confidence: Confidence
    late: bool
    event_at_us: int
    detected_us: int
    ended_us: int | None
    withdrawn: bool
    zone_version: int
    order: int


@dataclass(slots=True)
class Row:
    """One alert: its key, whether it is closed, its occurrences, and what can only be said by the last one raised."""

    wearer: int
    family: Family
    zone: int
    id: int = 0  # 0 until the row is inserted
    closed: bool = False
    closed_when_over: bool = False  # closed after its condition had ended, so that "active again" is news
    raised: int = 0  # occurrences counted
    calls: int = (
        0  # times it called for people, by an occurrence or by becoming graver: what makes effective handling *new* again
    )
    occurrences: dict[tuple[int, int], Held] = field(default_factory=dict)  # by (tag, occurrence_us)
    under: Family | None = None  # the cause that it follows from, as its last change said; None: it stays as it is
    last: Change | None = None  # the change that gives tag, version, order and clocks; None: they stay as they are
    touched: set[tuple[int, int]] = field(default_factory=set)

    @property
    def key(self) -> Key:
        return self.wearer, self.family, self.zone


class Columns(NamedTuple):
    """What an alert row says of all its occurrences together."""

    kind: Kind
    severity: int
    condition: Condition
    confidence: Confidence
    late: bool
    event_at_us: int
    detected_us: int
    ended_us: int | None


class Step(NamedTuple):
    """One change, the row it went to, and the word its history has for it."""

    change: Change
    row: Row
    what: str
    pages: bool  # somebody is to be told
    occurrence: int  # how many the row had raised with this change: a later one of the same commit may raise more


def columns(occurrences: Iterable[Held]) -> Columns:
    """What a row says of its occurrences, those withdrawn left out unless all are.

    Active while any is not over. The times and ``late`` are the first one's, ``ended_us`` the last end; kind, severity and
    confidence are those of the gravest, the surest of equally grave ones.
    """
    everything = list(occurrences)
    standing = [held for held in everything if not held.withdrawn]
    spoken = standing or everything
    first = min(spoken, key=lambda held: held.event_at_us)
    gravest = min(spoken, key=lambda held: (held.severity, SURENESS.index(held.confidence), -held.event_at_us))
    ends = [held.ended_us for held in spoken if held.ended_us is not None]
    over = len(ends) == len(spoken)
    condition = Condition.WITHDRAWN if not standing else Condition.ENDED if over else Condition.ACTIVE
    return Columns(
        gravest.kind,
        gravest.severity,
        condition,
        gravest.confidence,
        first.late,
        first.event_at_us,
        first.detected_us,
        max(ends) if over else None,
    )


def plan(rows: list[Row], changes: Sequence[Change]) -> list[Step]:
    """Apply the changes, in order, to the rows given, and to new ones where none fits; new rows are appended to ``rows``.

    A new occurrence goes to the row of its wearer, family and zone that is not closed. Everything else goes to the row that
    holds the occurrence, closed or not, so that closing never loses an end. Two things are too grave to be written on a closed
    row where nobody looks: active again after it was closed as over, and graver than what was closed. They open a row.
    """
    steps = []
    for change in changes:
        key: Key = (change.wearer, FAMILY[change.kind], change.zone)
        place = (change.tag, change.occurrence_us)
        ours = [row for row in rows if row.key == key]
        holders = [row for row in ours if place in row.occurrences]
        open_row = next((row for row in ours if not row.closed), None)
        # An open row first, then the newest: an occurrence that moved on lives where it moved to.
        row = max(holders, key=lambda held: (not held.closed, held.id), default=None)
        opens = change.op is Op.OPEN
        if row is not None and row.closed and _is_news(row, change):
            row, opens = open_row, True
        if row is None or (opens and row.closed):
            row = open_row
        if row is None:
            row = Row(*key)
            rows.append(row)
            opens = opens or change.op in {Op.AMEND, Op.RESUME}  # of an occurrence no row holds: better told twice than not
        pages = opens or _is_graver(row, change)
        row.calls += pages
        _apply(row, change, opens)
        steps.append(Step(change, row, WHAT[Op.OPEN] if opens else WHAT[change.op], pages, row.raised))
    return steps


def _is_news(row: Row, change: Change) -> bool:
    if change.op is Op.RESUME and row.closed_when_over:
        return True
    return _is_graver(row, change)


def _is_graver(row: Row, change: Change) -> bool:
    """Whether an occurrence becomes more than people were told: who acknowledged "may be inside" is called to "is inside"."""
    told = row.occurrences.get((change.tag, change.occurrence_us))
    return change.op in {Op.AMEND, Op.RESUME} and told is not None and change.severity < told.severity


def _apply(row: Row, change: Change, opens: bool) -> None:
    """Write a change on its occurrence. What late data made of it stands: live judging never looks back and does not know of it.

    So an occurrence keeps its earliest event and the gravest it was told as, whatever its later changes say.
    """
    place = (change.tag, change.occurrence_us)
    told = row.occurrences.get(place)
    if told is not None and not told.withdrawn and change.op is not Op.WITHDRAW:
        change = change._replace(event_at_us=min(told.event_at_us, change.event_at_us))
        if told.severity < change.severity:
            change = change._replace(kind=told.kind, severity=told.severity, confidence=told.confidence)
    row.occurrences[place] = Held(
        change.kind,
        change.severity,
        change.confidence,
        change.late,
        change.event_at_us,
        change.detected_us,
        change.ended_us,
        change.op is Op.WITHDRAW,
        change.zone_version,
        change.order,
    )
    row.touched.add(place)
    row.under = change.held_under or row.under
    if opens or not row.raised:
        row.raised += 1
    newest = max(held.detected_us for held in row.occurrences.values())
    if row.id == 0 or (change.op is not Op.WITHDRAW and change.detected_us >= newest):
        row.last = change


async def load(connection: Connection, changes: Sequence[Change]) -> list[Row]:
    """The rows that changes may belong to, locked in the order of their ids so that two lanes cannot wait for each other."""
    held = [change for change in changes if change.held_under]
    found = await connection.fetch(
        """
        SELECT id, wearer, family, zone, handling, occurrences,
            COALESCE((SELECT max(position) FROM alert_history WHERE alert = id AND what = 'closed')
                >= (SELECT max(position) FROM alert_history WHERE alert = id AND what = 'ended'), condition <> 'active')
                AS closed_when_over, calls
        FROM alert WHERE id IN (
            SELECT alert.id FROM alert JOIN unnest($1::bigint[], $2::text[], $3::bigint[]) AS asked (wearer, family, zone)
                USING (wearer, family, zone) WHERE handling <> 'closed'
            UNION
            SELECT alert FROM alert_occurrence JOIN unnest($4::bigint[], $5::timestamptz[]) AS asked (tag, occurrence)
                USING (tag, occurrence))
        ORDER BY id FOR NO KEY UPDATE OF alert
        """,
        [change.wearer for change in (*changes, *held)],
        [FAMILY[change.kind] for change in changes] + [change.held_under for change in held],
        [change.zone for change in (*changes, *held)],
        [change.tag for change in changes],
        [change.occurrence_us for change in changes],
    )
    rows = {
        row["id"]: Row(
            row["wearer"],
            Family(row["family"]),
            row["zone"],
            row["id"],
            row["handling"] == Handling.CLOSED,
            row["closed_when_over"],
            row["occurrences"],
            row["calls"],
        )
        for row in found
    }
    # Read after the rows are locked: another lane may have added to them while we waited.
    occurrences = await connection.fetch("SELECT * FROM alert_occurrence WHERE alert = ANY($1::bigint[])", list(rows))
    for occurrence in occurrences:
        rows[occurrence["alert"]].occurrences[occurrence["tag"], occurrence["occurrence"]] = Held(
            Kind(occurrence["kind"]),
            occurrence["severity"],
            Confidence(occurrence["confidence"]),
            occurrence["late"],
            occurrence["event_at"],
            occurrence["detected_at"],
            occurrence["ended_at"],
            occurrence["withdrawn"],
            occurrence["zone_version"],
            occurrence["monitoring_order"],
        )
    return list(rows.values())


async def write(connection: Connection, rows: Sequence[Row]) -> None:
    """Write the rows that changed and their occurrences; new rows get their ids. ``raised_seq`` waits for the feed's position."""
    changed = [row for row in rows if row.touched]
    new = [row for row in changed if row.id == 0]
    if new:
        ids = await connection.fetch(
            "SELECT nextval(pg_get_serial_sequence('alert', 'id')) FROM generate_series(1, $1)", len(new)
        )
        for row, (number,) in zip(new, ids, strict=True):
            row.id = number
    fresh = {row.id for row in new}
    await connection.executemany(
        """
        INSERT INTO alert (id, wearer, family, zone, kind, severity, condition, confidence, late, event_at, detected_at, ended_at,
            occurrences, calls, tag, zone_version, monitoring_order, due_acknowledge, due_contact, due_decision, raised_seq)
        OVERRIDING SYSTEM VALUE
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, 0)
        """,
        [(row.id, *row.key, *columns(row.occurrences.values()), row.raised, row.calls, *_last(row)) for row in new],
    )
    await connection.executemany(
        "UPDATE alert SET held_under = $2 WHERE id = $1",
        [(row.id, cause.id) for row in changed if (cause := _cause(rows, row)) is not None],
    )
    await connection.executemany(
        """
        UPDATE alert SET kind = $2, severity = $3, condition = $4, confidence = $5, late = $6, event_at = $7, detected_at = $8,
            ended_at = $9, occurrences = $10, calls = $11, tag = COALESCE($12, tag), zone_version = COALESCE($13, zone_version),
            monitoring_order = COALESCE($14, monitoring_order),
            due_acknowledge = CASE WHEN $12::bigint IS NULL THEN due_acknowledge ELSE $15 END,
            due_contact = CASE WHEN $12::bigint IS NULL THEN due_contact ELSE $16 END,
            due_decision = CASE WHEN $12::bigint IS NULL THEN due_decision ELSE $17 END,
            condition_version = condition_version + 1
        WHERE id = $1
        """,
        [
            (row.id, *columns(row.occurrences.values()), row.raised, row.calls, *_last(row))
            for row in changed
            if row.id not in fresh
        ],
    )
    await connection.executemany(
        """
        INSERT INTO alert_occurrence (alert, tag, occurrence, kind, severity, confidence, late, event_at, detected_at, ended_at,
            withdrawn, zone_version, monitoring_order)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT (alert, tag, occurrence) DO UPDATE SET kind = $4, severity = $5, confidence = $6, late = $7, event_at = $8,
            detected_at = $9, ended_at = $10, withdrawn = $11, zone_version = $12, monitoring_order = $13
        """,
        [(row.id, *place, *_fields(row.occurrences[place])) for row in changed for place in sorted(row.touched)],
    )


def _cause(rows: Sequence[Row], row: Row) -> Row | None:
    """The open alert of the same wearer that a row is held under."""
    return next((one for one in rows if one.key == (row.wearer, row.under, 0) and not one.closed), None) if row.under else None


def _last(row: Row) -> tuple[int | None, ...]:
    last = row.last
    if last is None:
        return (None,) * 6
    clocks = (last.due_acknowledge_us, last.due_contact_us, last.due_decision_us)
    return (last.tag, last.zone_version, last.order, *clocks)


def _fields(held: Held) -> tuple[object, ...]:
    return (
        held.kind,
        held.severity,
        held.confidence,
        held.late,
        held.event_at_us,
        held.detected_us,
        held.ended_us,
        held.withdrawn,
        held.zone_version,
        held.order,
    )
