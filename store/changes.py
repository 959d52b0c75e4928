"""Turns the judge's changes to occurrences into rows of alerts: which row each belongs to, and what that row then says.

Alerts have two writers. Here only what the machine says is written: ``condition`` and what explains it. ``handling`` is read
under the row's lock, because a row that people have closed is left to rest.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from model.alert import FAMILY, Change, Condition, Confidence, Family, Handling, Kind, Op
from store.pool import Connection

WHAT: Final = {Op.OPEN: "opened", Op.AMEND: "amended", Op.END: "ended", Op.RESUME: "resumed", Op.WITHDRAW: "withdrawn"}
SURENESS: Final = (Confidence.DEFINITE, Confidence.INFERRED, Confidence.POSSIBLE)

# What is so of a wearer, whichever of their tags tells of it. What a tag says of itself, another one neither repeats nor ends.
CURFEWS: Final = frozenset({Family.CURFEW_ABSENCE, Family.CURFEW_UNVERIFIED})
OF_WEARERS: Final = CURFEWS | {Family.EXCLUSION, Family.CROSSED, Family.APPROACH, Family.INCLUSION_EXIT}

# Whether nobody has answered the last call of a row, and to when each clock runs once it calls again: while nobody has stopped
# the clock of an earlier call it is that one's, or a row that called twice would seem to have waited for less. Not of silence
# that an outage may have held: there each call has its own time back.
UNANSWERED: Final = "(handling = 'new' OR handling <> 'closed' AND calls > handled_calls)"
OLDEST: Final = {
    clock: f"CASE WHEN {runs} AND (kind <> 'no_contact' OR severity = 1) THEN least(due_{clock}, {{0}}) ELSE {{0}} END"
    for clock, runs in {
        "acknowledge": UNANSWERED,
        "contact": "handling <> 'closed' AND calls > contacted_calls",
        "decision": "handling <> 'closed' AND calls > decided_calls",
    }.items()
}

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
    called_us: int = 0  # lane time of the first call of this commit, 0 for none
    occurrences: dict[tuple[int, int], Held] = field(default_factory=dict)  # by (tag, occurrence_us)
    under: Family | None = None  # the cause that it follows from, as its last change said; None: it stays as it is
    released: bool = False  # it follows from none any more
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
        if change.op is Op.WITHDRAW and (row is None or row.occurrences[place].withdrawn):
            continue  # what was never told, or is withdrawn already: one lane does not know what another has said
        op = change.op
        if op is Op.OPEN and row is None and (row := _by_another_tag(ours, change)) is not None:
            op = Op.RESUME if columns(row.occurrences.values()).condition is not Condition.ACTIVE else Op.AMEND
        opens = op is Op.OPEN
        graver = row is not None and op in {Op.AMEND, Op.RESUME} and _is_graver(row, change)
        if row is not None and row.closed and (graver or (op is Op.RESUME and row.closed_when_over)):
            row, opens = open_row, True
        if row is None or (opens and row.closed):
            row = open_row
        if row is None:
            row = Row(*key)
            rows.append(row)
            opens = opens or op in {Op.AMEND, Op.RESUME}  # of an occurrence no row holds: better told twice than not
        pages = opens or graver
        row.calls += pages
        row.called_us = change.changed_us if pages and not row.called_us else row.called_us
        _apply(row, change, opens)
        steps.append(Step(change, row, WHAT[Op.OPEN if opens else op], pages, row.raised))
    return steps


def _by_another_tag(rows: Iterable[Row], change: Change) -> Row | None:
    """The row on which another tag of the wearer tells of the same, if one does: an open one first, then the newest.

    A tag is swapped and the wearer is where they were: that is one incident, though two tags, of two lanes perhaps, tell of it.
    """
    return max((row for row in rows if any(_by_others(row, change))), key=lambda row: (not row.closed, row.id), default=None)


def _by_others(row: Row, change: Change) -> Iterator[Held]:
    """What other tags have told of the same: it was so at one time, or with no more than ``again_us`` between."""
    family = FAMILY[change.kind]
    for (tag, _), held in row.occurrences.items():
        if tag == change.tag or held.withdrawn or family not in OF_WEARERS or (family in CURFEWS and held.order != change.order):
            continue
        follows = held.ended_us is None or change.event_at_us <= held.ended_us + change.again_us
        if follows and (change.ended_us is None or held.event_at_us <= change.ended_us + change.again_us):
            yield held


def _is_graver(row: Row, change: Change) -> bool:
    """Whether an occurrence becomes more than people were told: who acknowledged "may be inside" is called to "is inside"."""
    own = row.occurrences.get((change.tag, change.occurrence_us))
    told = [*_by_others(row, change), *([] if own is None else [own])]
    return bool(told) and change.severity < min(held.severity for held in told)


def _apply(row: Row, change: Change, opens: bool) -> None:
    """Write a change on its occurrence. What late data made of it stands: live judging never looks back and does not know of it.

    So an occurrence keeps its earliest event and the gravest it was told as, whatever its later live changes say.
    """
    place = (change.tag, change.occurrence_us)
    told = row.occurrences.get(place)
    if told is not None and not told.withdrawn and change.op is not Op.WITHDRAW:
        if not change.retold:
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
    row.under = None if change.released else change.held_under or row.under
    row.released = row.under is None and (row.released or change.released)
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
        [change.zone for change in changes] + [0] * len(held),  # a cause is a device's, without a zone
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
            occurrences, calls, tag, zone_version, monitoring_order, due_acknowledge, due_contact, due_decision, called_at,
            raised_seq)
        OVERRIDING SYSTEM VALUE
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 0)
        """,
        [
            (row.id, *row.key, *columns(row.occurrences.values()), row.raised, row.calls, *_last(row), _called_us(row))
            for row in new
        ],
    )
    await connection.executemany(
        "UPDATE alert SET held_under = $2 WHERE id = $1",
        [(row.id, cause.id) for row in changed if (cause := _cause(rows, row)) is not None]
        + [(row.id, None) for row in changed if row.released],
    )
    await connection.executemany(
        f"""
        UPDATE alert SET kind = $2, severity = $3, condition = $4, confidence = $5, late = $6, event_at = $7, detected_at = $8,
            ended_at = $9, occurrences = $10, calls = $11, tag = COALESCE($12, tag), zone_version = COALESCE($13, zone_version),
            monitoring_order = COALESCE($14, monitoring_order),
            due_acknowledge = CASE WHEN $12::bigint IS NULL THEN due_acknowledge ELSE {OLDEST["acknowledge"].format("$15")} END,
            due_contact = CASE WHEN $12::bigint IS NULL THEN due_contact ELSE {OLDEST["contact"].format("$16")} END,
            due_decision = CASE WHEN $12::bigint IS NULL THEN due_decision ELSE {OLDEST["decision"].format("$17")} END,
            called_at = CASE WHEN $18::timestamptz IS NULL OR {UNANSWERED} THEN called_at ELSE $18 END,
            condition_version = condition_version + 1
        WHERE id = $1
        """,  # noqa: S608 (constants)
        [
            (row.id, *columns(row.occurrences.values()), row.raised, row.calls, *_last(row), row.called_us or None)
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


def _called_us(row: Row) -> int:
    """When a new row first called for people."""
    return row.called_us or min(held.detected_us for held in row.occurrences.values())


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
