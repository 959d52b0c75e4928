"""Turns a batch into stored fixes, alerts and a numbered feed, or into nothing at all: the one way lanes write."""

import itertools
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

import asyncpg
import numpy as np

from model.alert import Change, Judged, Op
from model.arrays import I64, Array, Bool, taken
from model.batch import Batch, DeadLetter, Part, Position, Receipt
from model.errors import CordonError, FencedError
from model.fix import CONTENT, IDENTITY, Flag
from model.history import History, Window
from model.state import State
from model.steps import Reached, Step
from store import chain, changes, history, journal, partitions, snapshots, tally
from store.admission import (
    EVENT_CONTENT,
    EVENT_IDENTITY,
    Admission,
    admit,
    event_letters,
    fix_letters,
    sort_out,
    stored,
)
from store.copy import EVENTS, FIXES, Codec
from store.feed import NUMBER
from store.lanes import Claim
from store.pool import Connection, Record, Store

# A commit takes well under a second. One that is not over by then is that of a worker that is frozen or cut off, maybe inside a
# COPY: PostgreSQL ends it, as whoever claims its lane, and everybody once it has the feed's row, waits for it.
LONGEST: Final = "20s"

Judge = Callable[[Batch, History], Awaitable[Judged]]
Windows = Callable[[Array, Bool, Array], Iterable[Window]]

# Numbers the entries ($1 to $3) and writes what needs their numbers: history ($4 to $9), evidence ($10 to $15, $23), outbox
# ($16 to $18), the rows raised ($19, $20), and where the commit ($21, $22) has its entries. Each of those names its entry by its
# place, from 1.
NUMBER_ALL: Final = f"""{NUMBER}, said AS (
    INSERT INTO alert_history (alert, position, part, at, what, text, details)
    SELECT alert, base + i, 0, at, what, text, details FROM numbered,
        unnest($4::bigint[], $5::bigint[], $6::timestamptz[], $7::text[], $8::text[], $9::jsonb[])
        AS said (alert, i, at, what, text, details)
), shown AS (
    INSERT INTO alert_evidence (alert, position, part, fixes, zone, zone_version, distance_m, events)
    SELECT alert, base + i, 0, fixes, zone, zone_version, distance_m, events FROM numbered,
        unnest($10::bigint[], $11::bigint[], $12::bytea[], $13::bigint[], $14::integer[], $15::float8[], $23::bytea[])
        AS shown (alert, i, fixes, zone, zone_version, distance_m, events)
), sent AS (
    INSERT INTO outbox (position, alert, topic, body)
    SELECT base + i, alert, 'alert', body FROM numbered,
        unnest($16::bigint[], $17::bigint[], $18::jsonb[]) AS sent (alert, i, body)
), raised AS (
    UPDATE alert SET raised_seq = base + i FROM numbered, unnest($19::bigint[], $20::bigint[]) AS raised (alert, i)
    WHERE alert.id = raised.alert
), placed AS (
    INSERT INTO commit_told (lane, commit_no, base) SELECT $21, $22, base FROM numbered
) SELECT position FROM numbered, told"""  # noqa: S608


class Outcome(NamedTuple):
    """What became of a commit that succeeded."""

    commit_no: int
    receipts: tuple[Receipt, ...]  # one for each of the batch's parts, in order; one for a batch without parts, none for a tick
    changes: int  # to alerts
    position: int  # the feed's after this commit, 0 where it had nothing to number


async def commit(  # noqa: PLR0915 - it reads like a proof, which is not cut in two
    store: Store,
    claim: Claim,
    batch: Batch,
    state: State,
    *,
    doubtful: Bool,
    windows: Windows,
    judge: Judge,
    now_us: int,
    control_seq: int,
) -> Outcome:
    """Judge a batch and make all that comes of it durable, in one transaction.

    0. **Ready.** The days of the batch have their partitions; looked up in memory, and made apart from the transaction.
    1. **Fence.** ``commit_no`` moves on where epoch and ``commit_no`` are the claim's; no row means another owner. The lane's row
       stays locked to the end, so nobody else adds to these tags' fixes meanwhile, and a new owner waits for us: PostgreSQL ends
       the transaction after ``LONGEST``, should we be frozen or cut off. The lane's watermark, ``control_seq`` and, on Kafka,
       what is consumed of its topics are set with it.
    2. **Admit.** Records that may be repeats (``doubtful`` fixes, all events) are looked up by identity, and the batch is
       compared with itself. What is stored already, with the same content, is a duplicate; with other content it is poison.
       Under the lane's lock a look-up is as safe as inserting with ON CONFLICT, and rows are written once, as judged.
    3. **History.** For the windows late records need: stored fixes and events, and known occurrences.
    4. **Judge.** The admitted records; this changes ``state``.
    5. **Store.** Fixes and events by binary COPY, and the quality of earlier fixes that are now vouched for.
    6. **Alerts.** Changed rows and occurrences. Rows of closed alerts are left to rest (store/changes.py).
    7. **Dead letters.** Those of the doors and of step 2, and tags that nobody wears.
    8. **Receipts.** One for each part.
    9. **Journal.** What changed of the state, so that a restart applies it to the snapshot before.
    10. **Snapshot.** When a restart would otherwise take long.
    11. **Link.** The lane's chain goes on by all that was stored (store/chain.py).
    12. **Feed.** Last: its row is locked and the entries numbered, with the history, evidence and outbox rows that carry those
        numbers, in one statement. The whole system waits for that row, so nothing that could be written before is written here.
        A commit with nothing to say to anyone does not touch it.
    13. **Commit.** PostgreSQL makes all of it durable, or nothing.
    14. **Answer.** It has happened: the claim moves on, and who waits for the receipts gets them.

    The numbers are those of ``model.steps.Step``, and ``store.probe`` hears of each step that is about to be done: a crash test
    ends the process there.

    A commit that fails, or that may have failed, voids the claim: ``state`` is ahead of the store then, and both are to be
    dropped and claimed again. It is never retried in place.

    Parameters
    ----------
    batch : records in arrival order, ``gateway`` numbers set; may be empty, to move the clock or to judge again
    state : the lane's, changed by ``judge`` alone
    doubtful : (n,) bool, fixes that may be stored already, or be twice in the batch; of the others it is certain that they are
        alone, and newer than all that is stored of their tag
    windows : the history that judging needs of given (k,) FIX, which of them are doubtful, and (m,) EVENT
    judge : judges the admitted batch with that history
    now_us : lane time, microseconds since 1970 UTC: the watermark after this commit
    control_seq : the newest control change judged by

    Raises
    ------
    FencedError
        If somebody else has claimed the lane, or an earlier commit of this claim failed.
    """
    claim.check()
    began_s = time.perf_counter()
    parts = _parts(batch)
    commit_no = claim.commit_no + 1
    records = len(batch.fixes) + len(batch.events) + len(batch.dead)

    def at(step: Step, work: int) -> None:
        if store.probe is not None:
            store.probe.reached(Reached(step, work, claim.partition, commit_no, state))

    try:
        # 0 ready
        at(Step.READY, records)
        await partitions.ensure(store, _days(batch))
        async with store.pool.acquire() as connection, connection.transaction():
            # 1 fence
            at(Step.FENCE, records)
            position = batch.position or claim.position
            await _fence(connection, claim, now_us, control_seq, position, state.listening_us)
            # 2 admit
            at(Step.ADMIT, records)
            fixes, events = await _admit(connection, batch, doubtful)
            admitted = batch._replace(
                fixes=_admitted(batch.fixes, fixes.admitted), events=_admitted(batch.events, events.admitted), dead=(), parts=()
            )
            # 3 history
            needed = tuple(windows(admitted.fixes, doubtful[fixes.admitted], admitted.events))
            at(Step.HISTORY, len(needed))
            known = await history.load(connection, needed)
            # 4 judge
            at(Step.JUDGE, len(admitted.fixes) + len(admitted.events))
            judged = await judge(admitted, known)
            _complete(admitted, judged)
            state.watermark_us, state.control_seq = now_us, control_seq
            # 5 store
            at(Step.STORE, len(judged.fixes) + len(admitted.events))
            stored_fixes = await _copy(connection, FIXES, judged.fixes, IDENTITY)
            stored_events = await _copy(connection, EVENTS, admitted.events, EVENT_IDENTITY)
            requalified = await _requalify(connection, judged.requalified)
            # 6 alerts
            at(Step.ALERTS, len(judged.changes))
            steps = await _change(connection, judged)
            # 7 dead letters
            at(Step.DEAD_LETTERS, len(batch.dead) + int(fixes.conflicting.sum() + events.conflicting.sum()))
            dead = await _bury(connection, batch, fixes, events, parts)
            unknown = await _unknown(connection, judged.fixes)
            # 8 receipts
            at(Step.RECEIPTS, len(parts))
            receipts = await _receipts(connection, claim, parts, fixes, events)
            # 9 journal
            delta = state.take_delta()
            entry = journal.encode(delta) if delta else b""
            at(Step.JOURNAL, len(delta))
            if delta:
                await connection.execute(
                    "INSERT INTO commit_journal (lane, commit_no, watermark, control_seq, delta) VALUES ($1, $2, $3, $4, $5)",
                    *(claim.partition, commit_no, now_us, control_seq, entry),
                )
                claim.journalled += len(delta)
                claim.entries += 1
            # 10 snapshot
            due = snapshots.due(claim, state, store.snapshot_entries)
            at(Step.SNAPSHOT, int(due))
            if due:
                await snapshots.write(connection, claim, commit_no, state)
                claim.journalled = claim.entries = 0
            # 11 link
            stored = chain.Stored(stored_fixes, stored_events, requalified, *_told(steps), dead, entry)
            at(Step.LINK, stored.size)
            link = await chain.link(connection, claim, commit_no, now_us, control_seq, stored)
            # 12 feed
            at(Step.FEED, len(steps) + len(unknown))
            told = await _number(connection, claim, commit_no, steps, unknown)
            # 13 commit
            at(Step.COMMIT, records + len(steps))
    except BaseException as error:
        claim.void = True
        if isinstance(error, asyncpg.CheckViolationError):  # a day was dropped since we last looked
            store.days.clear()
        raise
    # 14 answer
    at(Step.ANSWER, records + len(steps))
    tally.committed(claim.partition, time.perf_counter() - began_s, len(judged.fixes), len(admitted.events), steps)
    claim.commit_no, claim.position = commit_no, position
    if link != claim.link:
        claim.link, claim.told = link, told - len(steps) - len(unknown) if told else None
    return Outcome(commit_no, receipts, len(judged.changes), told)


def _parts(batch: Batch) -> Sequence[Part]:
    """The batch's parts; one with a name of its own where it has none, none for a tick."""
    if not batch.parts:
        whole = Part(uuid.uuid4().hex, len(batch.fixes), len(batch.events))
        return [whole] if len(batch.fixes) or len(batch.events) or batch.dead else []
    if sum(part.fixes for part in batch.parts) != len(batch.fixes) or sum(part.events for part in batch.parts) != len(
        batch.events
    ):
        raise ValueError("the parts of a batch must be all of it")
    return batch.parts


def _days(batch: Batch) -> list[int]:
    return partitions.days_of(np.concatenate([batch.fixes["fix_at_us"], batch.events["at_us"]]))


async def _fence(
    connection: Connection, claim: Claim, now_us: int, control_seq: int, position: Position, listening_us: int
) -> None:
    moved = await connection.execute(
        """
        WITH limited AS (SELECT set_config('transaction_timeout', $8, true))
        UPDATE lane SET commit_no = commit_no + 1, watermark = $4, control_seq = $5, live_offset = $6, backlog_offset = $7,
            listening = $9
        FROM limited WHERE partition = $1 AND epoch = $2 AND commit_no = $3
        """,
        *(claim.partition, claim.epoch, claim.commit_no, now_us, control_seq, *position, LONGEST, listening_us),
    )
    if moved != "UPDATE 1":
        raise FencedError(claim.partition)


async def _admit(connection: Connection, batch: Batch, doubtful: Bool) -> tuple[Admission, Admission]:
    asked = batch.fixes[doubtful]
    if len(asked) or len(batch.events):
        # From here on rows are found by their keys. Statistics of a day that is just filling would suggest reading all of it.
        await connection.execute("SET LOCAL enable_seqscan = off")
    fixes = admit(await stored(connection, FIXES, IDENTITY, asked), batch.fixes, doubtful, IDENTITY, CONTENT)
    known = await stored(connection, EVENTS, EVENT_IDENTITY, batch.events)
    events = sort_out(known, batch.events, EVENT_IDENTITY, EVENT_CONTENT)
    return fixes, events


def _complete(admitted: Batch, judged: Judged) -> None:
    if len(judged.fixes) != len(admitted.fixes):
        raise CordonError(f"{len(admitted.fixes)} fixes went to the judge and {len(judged.fixes)} came back: report this")


async def _copy(connection: Connection, codec: Codec, rows: Array, order: Sequence[str]) -> Array:
    """Store rows, and return them in the order they were stored in."""
    if not len(rows):
        return rows
    ordered = _ordered(rows, order)  # neighbours in the index: 1.5 times faster
    data = codec.encode(ordered)

    async def source() -> Any:
        yield data

    await connection.copy_to_table(codec.table, source=source(), columns=codec.columns, format="binary")
    return ordered


def _ordered(rows: Array, order: Sequence[str]) -> Array:
    """Rows in the order of some columns; fixes are given in that order, and looking is cheaper than sorting."""
    first, second = rows[order[0]], rows[order[1]]
    if ((first[1:] > first[:-1]) | ((first[1:] == first[:-1]) & (second[1:] > second[:-1]))).all():
        return rows
    return taken(rows, np.lexsort([rows[name] for name in reversed(order)]))


def _admitted(rows: Array, mask: Bool) -> Array:
    """The rows of a mask; nearly always all of them, of which no copy is made."""
    return rows if mask.all() else taken(rows, mask)


async def _requalify(connection: Connection, fixes: Array) -> list[tuple[int, ...]]:
    """What changed: identities, quality and flags as they were, and as they are."""
    rows = await connection.fetchmany(
        """
        UPDATE fix SET quality = $5, flags = $6 WHERE tag = $1 AND fix_at = $2 AND seq = $3 AND source = $4
        RETURNING new.tag, new.fix_at, new.seq, new.source, old.quality, old.flags, new.quality, new.flags
        """,
        fixes[[*IDENTITY, "quality", "flags"]].tolist(),
    )
    return [tuple(row) for row in rows]


async def _change(connection: Connection, judged: Judged) -> list[changes.Step]:
    if not judged.changes:
        return []
    rows = await changes.load(connection, judged.changes)
    steps = changes.plan(rows, judged.changes)
    await changes.write(connection, rows)
    return steps


async def _bury(
    connection: Connection, batch: Batch, fixes: Admission, events: Admission, parts: Sequence[Part]
) -> Sequence[Record]:
    """Keep the dead letters; returns them as they are kept."""
    letters: list[DeadLetter] = list(batch.dead)
    if fixes.conflicting.any() or events.conflicting.any():
        numbers = [int(number) for number in np.unique(np.concatenate([batch.fixes["gateway"], batch.events["gateway"]]))]
        rows = await connection.fetch("SELECT id, name FROM gateway WHERE id = ANY($1::integer[])", numbers)
        names = dict(map(tuple, rows))
        letters += fix_letters(
            batch.fixes, fixes, [names.get(number, batch.gateway) for number in batch.fixes["gateway"].tolist()]
        )
        letters += event_letters(
            batch.events, events, [names.get(number, batch.gateway) for number in batch.events["gateway"].tolist()]
        )
    return await connection.fetchmany(
        "INSERT INTO dead_letter (gateway, protocol, reason, body) VALUES ($1, $2, $3, $4) RETURNING *",
        [(letter.gateway or batch.gateway, letter.protocol, letter.reason, letter.body) for letter in letters],
    )


async def _unknown(connection: Connection, fixes: Array) -> list[int]:
    """Count fixes of tags that nobody wears; returns the tags that were not known to be such."""
    strays = fixes[(fixes["flags"] & Flag.UNASSIGNED) != 0]
    if not len(strays):
        return []
    tags, place, counts = np.unique(strays["tag"], return_inverse=True, return_counts=True)
    first, last = np.full(len(tags), np.iinfo(np.int64).max), np.zeros(len(tags), np.int64)
    np.minimum.at(first, place, strays["fix_at_us"])
    np.maximum.at(last, place, strays["fix_at_us"])
    rows = await connection.fetch(
        """
        INSERT INTO unknown_tag AS held (tag, first_at, last_at, fixes)
        SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::bigint[])
        ON CONFLICT (tag) DO UPDATE SET first_at = least(held.first_at, excluded.first_at),
            last_at = greatest(held.last_at, excluded.last_at), fixes = held.fixes + excluded.fixes
        RETURNING tag, xmax = 0 AS new
        """,
        *(column.tolist() for column in (tags, first, last, counts)),
    )
    return [row["tag"] for row in rows if row["new"]]


async def _receipts(
    connection: Connection, claim: Claim, parts: Sequence[Part], fixes: Admission, events: Admission
) -> tuple[Receipt, ...]:
    if not parts:
        return ()
    fix_at, event_at = (np.cumsum([0, *sizes]) for sizes in zip(*((part.fixes, part.events) for part in parts), strict=True))
    stored = _within(fixes.admitted, fix_at) + _within(events.admitted, event_at)
    duplicate = _within(fixes.duplicate, fix_at) + _within(events.duplicate, event_at)
    conflicts = zip(_places(fixes.conflicting, fix_at), _places(events.conflicting, event_at), strict=True)
    receipts = tuple(
        Receipt(part.receipt, *counts, *own)
        for part, counts, own in zip(parts, zip(stored.tolist(), duplicate.tolist(), strict=True), conflicts, strict=True)
    )
    # Several parts may have one receipt, and a statement writes a row once.
    sums: dict[str, tuple[int, int, int, int]] = {}
    for part, receipt in zip(parts, receipts, strict=True):
        held = sums.get(receipt.id, (0, 0, 0, part.of))
        sums[receipt.id] = held[0] + (receipt.stored or 0), held[1] + (receipt.duplicate or 0), held[2] + part.done, held[3]
    await connection.execute(
        """
        INSERT INTO receipt AS held (id, lane, stored, duplicate, done, frames)
        SELECT id, $1, stored, duplicate, done, frames
        FROM unnest($2::text[], $3::integer[], $4::integer[], $5::integer[], $6::integer[])
            AS own (id, stored, duplicate, done, frames)
        ON CONFLICT (id, lane) DO UPDATE
        SET stored = held.stored + excluded.stored, duplicate = held.duplicate + excluded.duplicate,
            done = held.done + excluded.done
        """,
        *(claim.partition, list(sums), *map(list, zip(*sums.values(), strict=True))),
    )
    return receipts


def _within(mask: Bool, at: I64) -> I64:
    """(k,) how many of (n,) rows a mask has in each of k pieces, which begin at (k + 1,) ``at``."""
    counts: I64 = np.diff(np.concatenate([[0], np.cumsum(mask)])[at])
    return counts


def _places(mask: Bool, at: I64) -> list[tuple[int, ...]]:
    """The rows of a mask in each piece, counted from where it begins."""
    if not mask.any():
        return [()] * (len(at) - 1)
    return [tuple(np.flatnonzero(mask[start:end]).tolist()) for start, end in itertools.pairwise(at.tolist())]


def _told(
    steps: Sequence[changes.Step],
) -> tuple[list[int], list[tuple[int, int, int]], list[tuple[Any, ...]], dict[int, tuple[Any, ...]]]:
    """What was written of alerts, for the chain: rows, occurrences, history in order, evidence by place in it."""
    rows = sorted({step.row.id for step in steps})
    occurrences = {(step.row.id, *place) for step in steps for place in step.row.touched}
    said = [(step.row.id, step.change.changed_us, None, step.what, step.change.reason, _details(step)) for step in steps]
    shown = {i: (step.row.id, *_evidence(step)) for i, step in enumerate(steps) if _shows(step.change)}
    return rows, sorted(occurrences), said, shown


async def _number(
    connection: Connection, claim: Claim, commit_no: int, steps: Sequence[changes.Step], unknown: Sequence[int]
) -> int:
    if not steps and not unknown:
        return 0
    entries = [("alert", step.row.id, step.what) for step in steps] + [("tag", tag, "unknown") for tag in unknown]
    numbered = list(enumerate(steps, 1))
    said = [(step.row.id, i, step.change.changed_us, step.what, step.change.reason, _details(step)) for i, step in numbered]
    shown = [(step.row.id, i, *_evidence(step)) for i, step in numbered if _shows(step.change)]
    # Of a synthetic wearer's alerts (ids below 0) only the feed is told.
    sent = [(step.row.id, i, _message(step)) for i, step in numbered if step.pages and step.row.wearer > 0]
    raised = [(step.row.id, i) for i, step in numbered if step.what == changes.WHAT[Op.OPEN] and step.occurrence == 1]
    *evidence, events = _turned(shown, 7)
    columns = (*_turned(entries, 3), *_turned(said, 6), *evidence, *_turned(sent, 3), *_turned(raised, 2))
    position: int = await connection.fetchval(NUMBER_ALL, *columns, claim.partition, commit_no, events)
    return position


def _details(step: changes.Step) -> dict[str, Any]:
    """What the change says of its occurrence, for the alert's history; times as numbers of the house.

    Where it calls people, also by when they were to do what: the alert itself keeps only the last call's clocks.
    """
    change = step.change
    clocks = {
        "due_acknowledge_us": change.due_acknowledge_us,
        "due_contact_us": change.due_contact_us,
        "due_decision_us": change.due_decision_us,
    }
    cleared = {} if change.cleared_us is None else {"cleared_us": change.cleared_us}
    return (
        (clocks if step.pages else {})
        | cleared
        | {
            "tag": change.tag,
            "occurrence_us": change.occurrence_us,
            "kind": change.kind,
            "severity": change.severity,
            "confidence": change.confidence,
            "late": change.late,
            "event_at_us": change.event_at_us,
            "ended_us": change.ended_us,
            "zone_version": change.zone_version,
        }
    )


def _shows(change: Change) -> bool:
    return len(change.evidence) > 0 or len(change.events) > 0


def _evidence(step: changes.Step) -> tuple[bytes, int, int, float | None, bytes]:
    change = step.change
    distance_m = None if np.isnan(change.distance_m) else change.distance_m
    return change.evidence.tobytes(), change.zone, change.zone_version, distance_m, change.events.tobytes()


def _message(step: changes.Step) -> dict[str, Any]:
    """What leaves the house: a reference, never a name, a place or a zone."""
    change = step.change
    return {"alert": step.row.id, "kind": change.kind, "severity": change.severity, "occurrence": step.occurrence}


def _turned(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows as columns, also where there are none."""
    return [[row[column] for row in rows] for column in range(width)]
