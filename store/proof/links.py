"""A lane's links, walked from the first on: each is what it was, meets the heads that were signed, and what it names is there."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from model.errors import CordonError
from model.instant import BEGINNING_US, DAY_US, FOREVER_US, show
from store import chain, heads
from store.heads import Signed, day_text
from store.pool import Connection, Record
from store.proof.walked import KINDS, Counts, Last, MismatchError, Progress, Requalified, Span, Walked, batches

LINKS_AT_ONCE: Final = 500
GENESIS: Final = bytes(32)


async def walk(
    connection: Connection,
    span: Span,
    lane: Record,
    known: Sequence[Signed],
    walked: Walked,
    counts: Counts,
    progress: Progress,
    forgets_us: int,
) -> None:
    """Check a lane's chain from its first link to the lane's row, and of the links in the span what they name; gather the rest.

    Parameters
    ----------
    known : the lane's signed heads
    forgets_us : dead letters kept before this may be gone
    """
    number = lane["partition"]
    due = {one.head.commit_no: one.head for one in known}
    # The journal before the older of the snapshots that are kept is dropped; all of it with a lane that there is no longer.
    journal_from = await connection.fetchval(
        """SELECT CASE WHEN $2 < (SELECT max(generation) FROM lane) THEN $3
                  ELSE (SELECT coalesce(min(commit_no), 0) FROM snapshot_mark WHERE lane = $1) + 1 END""",
        *(number, lane["generation"], FOREVER_US),
    )
    before, last_no, last_us, told = GENESIS, 0, BEGINNING_US, None
    async for rows in batches(
        connection,
        """SELECT commit_no, at, link, body, base FROM commit_link LEFT JOIN commit_told USING (lane, commit_no)
           WHERE lane = $1 ORDER BY commit_no""",
        number,
        at_once=LINKS_AT_ONCE,
    ):
        bodies = []
        for row in rows:
            body = _body(row, number, before, last_no)
            if body.get("told") != told:
                raise MismatchError(
                    "commit_told",
                    f"the feed's position of commit {last_no} of lane {number} is {told}, and the next link says "
                    f"{body.get('told')}: the row in commit_told was changed",
                    lane=number,
                    day=last_us // DAY_US,
                )
            head = due.pop(row["commit_no"], None)
            if head is not None and head.link != row["link"]:
                raise parted(head, "its link is another: the chain was written anew")
            before, last_no, last_us, told = row["link"], row["commit_no"], row["at"], row["base"]
            _gather(walked, number, row, body)
            bodies.append((row, body))
        inside = [(row, body) for row, body in bodies if span.holds(number, row["at"])]
        await _said(connection, number, inside, counts)
        await _journal(connection, number, rows, bodies, journal_from)
        await _dead(connection, number, inside, forgets_us)
        counts.links += len(rows)
        progress(len(rows))
    if due:
        head = due[min(due)]
        why = f"the chain ends at commit {last_no}" if head.commit_no > last_no else "the chain has no link of that commit"
        raise parted(head, f"{why}: links were taken out")
    if lane["link"] != before or lane["commit_no"] < last_no:
        raise MismatchError(
            "lane",
            f"lane {number} says that its newest link is {lane['link'].hex()[:16]}… and its chain ends with {before.hex()[:16]}… "
            f"(commit {last_no}): links after that were taken out, or the lane's row was changed",
            lane=number,
            day=last_us // DAY_US,
        )
    added = await connection.fetchval(
        """SELECT commit_no FROM commit_journal WHERE lane = $1
           AND commit_no > (SELECT min(commit_no) FROM commit_link WHERE lane = $1)
           AND NOT EXISTS (SELECT FROM commit_link l WHERE l.lane = $1 AND l.commit_no = commit_journal.commit_no) LIMIT 1""",
        number,
    )  # before its first link a lane had no chain
    if added is not None:
        text = (
            f"the journal has a row of commit {added} of lane {number}, which has no link: it was added, or its place was changed"
        )
        raise MismatchError("commit_journal", text, lane=number)
    orphan = await connection.fetchrow(
        """SELECT commit_no FROM commit_told WHERE lane = $1
           AND NOT EXISTS (SELECT FROM commit_link l WHERE l.lane = $1 AND l.commit_no = commit_told.commit_no) LIMIT 1""",
        number,
    )
    if orphan is not None:
        raise MismatchError("commit_told", f"commit_told has commit {orphan[0]} of lane {number}, which has no link", lane=number)


def parted(head: heads.Head, why: str) -> MismatchError:
    """What to say of a signed head that the chain does not meet."""
    day = day_text(head.day)
    text = f"the head signed for lane {head.lane}, day {day} stands on commit {head.commit_no}, and {why}"
    return MismatchError("commit_link", text, lane=head.lane, day=head.day)


def _body(row: Record, lane: int, before: bytes, last_no: int) -> dict[str, Any]:
    """A link's body, once it is what it was."""
    text, commit_no = row["body"], row["commit_no"]
    if chain.following(before, text.encode()) != row["link"]:
        after = f"commit {last_no}'s" if last_no else "the chain's beginning"
        raise MismatchError(
            "commit_link",
            f"the link of commit {commit_no} of lane {lane}, day {day_text(row['at'] // DAY_US)} does not follow from {after}: "
            "it was changed, or a link was taken out, put in or moved before it",
            lane=lane,
            day=row["at"] // DAY_US,
        )
    body: dict[str, Any] = json.loads(text)
    said = (body["lane"], body["commit"], body["at"])
    if said != (lane, commit_no, row["at"]):
        raise MismatchError(
            "commit_link",
            f"the row of commit {commit_no} of lane {lane} at {show(row['at'])} holds the link of commit {said[1]} of lane "
            f"{said[0]} at {show(said[2])}: the row was changed",
            lane=lane,
            day=said[2] // DAY_US,
        )
    if body["v"] != chain.VERSION:
        raise CordonError(
            f"a link of lane {lane} has version {body['v']}, this Cordon reads {chain.VERSION}: use the one that wrote it"
        )
    return body


def _gather(walked: Walked, lane: int, row: Record, body: Mapping[str, Any]) -> None:
    commit_no, at_us = row["commit_no"], row["at"]
    for kind in KINDS:
        walked.slices.update((kind, part[0]) for part in body.get(kind, ()))
    for tag, fix_us, seq, source, *qualities in body.get("requalified", ()):
        changed = Requalified(lane, commit_no, at_us, tuple(qualities[:2]), tuple(qualities[2:]))
        walked.requalified.setdefault(fix_us // DAY_US, {}).setdefault((tag, fix_us, seq, source), []).append(changed)
    versions = {}
    for alert, version, digest in body.get("alert", ()):
        versions[alert] = version
        walked.writes[alert] += 1
        if alert not in walked.alerts or walked.alerts[alert].version < version:
            walked.alerts[alert] = Last(version, digest, lane, commit_no, at_us)
    for alert, tag, occurrence, digest in body.get("occurrence", ()):
        key, version = (alert, tag, occurrence), versions[alert]
        if key not in walked.occurrences or walked.occurrences[key].version < version:
            walked.occurrences[key] = Last(version, digest, lane, commit_no, at_us)
    base = row["base"]
    if body.get("history") and base is None:
        raise MismatchError(
            "commit_told",
            f"commit_told has lost commit {commit_no} of lane {lane}, which has entries in the feed",
            lane=lane,
            day=at_us // DAY_US,
        )
    for i, (alert, _, shown) in enumerate(body.get("history", ()), 1):
        walked.said.append((base + i, alert))
        if shown:
            walked.shown.append((base + i, alert))


async def _said(connection: Connection, lane: int, links: Sequence[tuple[Record, Mapping[str, Any]]], counts: Counts) -> None:
    """History and evidence that commits wrote."""
    dropped = await synthetic(connection)
    asked = [
        (alert, row["base"] + i, said, shown, row)
        for row, body in links
        for i, (alert, said, shown) in enumerate(body.get("history", ()), 1)
        if alert not in dropped
    ]
    if not asked:
        return
    keys = ([one[0] for one in asked], [one[1] for one in asked])
    join = "JOIN unnest($1::bigint[], $2::bigint[]) AS asked (alert, position) USING (alert, position) WHERE part = 0"
    tables = {}
    for table, columns in (("alert_history", chain.HISTORY), ("alert_evidence", chain.EVIDENCE)):
        rows = await connection.fetch(f"SELECT position, {', '.join(columns)} FROM {table} {join}", *keys)  # noqa: S608
        tables[table] = {(row["alert"], row["position"]): chain.digest(list(row)[1:]) for row in rows}
    for alert, position, said, shown, row in asked:
        for table, digest, noun in (("alert_history", said, "history"), ("alert_evidence", shown, "evidence")):
            found = tables[table].get((alert, position))
            if found != digest:
                what = "is gone" if found is None else "was added" if digest is None else "is not as it was stored"
                raise MismatchError(
                    table,
                    f"the {noun} of alert {alert} at feed position {position} {what} (commit {row['commit_no']} of lane {lane}, "
                    f"day {day_text(row['at'] // DAY_US)})",
                    lane=lane,
                    day=row["at"] // DAY_US,
                )
    counts.entries += len(asked)


async def synthetic(connection: Connection) -> set[int]:
    """Synthetic wearers' alerts: their rows are held to the chain, what happened to them is not kept for more than an hour."""
    return {row["id"] for row in await connection.fetch("SELECT id FROM alert WHERE wearer < 0")}


async def _journal(
    connection: Connection,
    lane: int,
    rows: Sequence[Record],
    bodies: Sequence[tuple[Record, Mapping[str, Any]]],
    journal_from: int,
) -> None:
    """The journal rows that are still kept, and must be from a commit on: they are dropped once snapshots make up for them."""
    kept = await connection.fetch(
        """SELECT commit_no, encode(sha256(delta), 'hex') AS digest, watermark, control_seq FROM commit_journal
           WHERE lane = $1 AND commit_no BETWEEN $2 AND $3""",
        *(lane, rows[0]["commit_no"], rows[-1]["commit_no"]),
    )
    said = {row["commit_no"]: (body.get("journal"), body["at"], body["control"]) for row, body in bodies}
    for row in kept:
        if said.get(row["commit_no"]) != (row["digest"], row["watermark"], row["control_seq"]):
            raise MismatchError(
                "commit_journal",
                f"the journal row of commit {row['commit_no']} of lane {lane} is not as it was stored: a restart would rebuild "
                "another state from it",
                lane=lane,
                day=row["watermark"] // DAY_US,
            )
    there = {row["commit_no"] for row in kept}
    for row, body in bodies:
        if body.get("journal") and row["commit_no"] >= journal_from and row["commit_no"] not in there:
            raise MismatchError(
                "commit_journal",
                f"the journal row of commit {row['commit_no']} of lane {lane} is gone: a restart would rebuild another state",
                lane=lane,
                day=row["at"] // DAY_US,
            )


async def _dead(connection: Connection, lane: int, links: Sequence[tuple[Record, Mapping[str, Any]]], forgets_us: int) -> None:
    asked = [(number, digest, row) for row, body in links for number, digest in body.get("dead", ())]
    if not asked:
        return
    rows = await connection.fetch(
        f"SELECT {', '.join(chain.LETTER)} FROM dead_letter WHERE id = ANY($1::bigint[])",  # noqa: S608 (constants)
        [number for number, *_ in asked],
    )
    found = {row["id"]: chain.digest(row) for row in rows}
    for number, digest, row in asked:
        if found.get(number) != digest and (number in found or row["at"] >= forgets_us):
            what = "is not as it was stored" if number in found else "is gone"
            day = row["at"] // DAY_US
            text = f"dead letter {number} {what} (commit {row['commit_no']} of lane {lane}, day {day_text(day)})"
            raise MismatchError("dead_letter", text, lane=lane, day=day)
