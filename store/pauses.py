"""Pauses as rows: for a while nobody is paged about a wearer, because two people say so. The alerts stay where they are.

What mutes is a trigger on the outbox (0029_muting.sql), which every page passes; what it held back is kept and counted, and once
a pause is over each alert of it that nobody has taken is paged once.
"""

from typing import Any, Final

import asyncpg

from model.alert import Kind
from model.instant import HOUR_US, MINUTE_US
from store import alerts, audit
from store.feed import Edit
from store.pool import Store
from store.refusal import ConflictError, DanglingError, found, unchanged

LONGEST_US: Final = 24 * HOUR_US  # two shifts look at it before it may go on
BEGUN_US: Final = 5 * MINUTE_US  # a start so long ago means now: it was typed a moment before it was sent

# Entries into zones. Where the zone may protect a victim they always page; a P1 of these kinds is muted by no two people.
ENTRIES: Final = frozenset({Kind.EXCLUSION, Kind.EXCLUSION_POSSIBLE, Kind.CROSSED, Kind.APPROACH})

MUTES: Final = frozenset({"paused", "pause_extended"})  # entries that say of each alert whether it pages all the same

MOST: Final = 20  # pauses settled at once

FIELDS: Final = ("wearer", "kind", "including_p1", "reason", "starts", "until")

VIEW: Final = """
SELECT p.*, w.name AS wearer_name, r.name AS requested_name, v.name AS approved_name, e.name AS ended_name,
       l.name AS longer_name,
       (SELECT count(*) FROM muted_page m WHERE m.pause = p.id) AS muted,
       CASE WHEN p.ended_at IS NOT NULL THEN 'ended' WHEN p.until <= clock_timestamp() THEN 'over'
            WHEN p.approved_at IS NULL THEN 'waiting' WHEN p.starts > clock_timestamp() THEN 'planned'
            ELSE 'in_force' END AS state
FROM pause p
JOIN wearer w ON w.id = p.wearer
JOIN account r ON r.id = p.requested_by
LEFT JOIN account v ON v.id = p.approved_by
LEFT JOIN account e ON e.id = p.ended_by
LEFT JOIN account l ON l.id = p.longer_by"""


async def page(store: Store, *, wearer: int | None, standing: bool, after: int, limit: int) -> list[asyncpg.Record]:
    """By id, those after ``after``; ``standing``: only those that are in force, or may yet be."""
    return await store.pool.fetch(
        f"""{VIEW} WHERE p.id > $1 AND ($2::bigint IS NULL OR p.wearer = $2)
              AND (NOT $3 OR p.ended_at IS NULL AND p.until > clock_timestamp())
            ORDER BY p.id LIMIT $4""",
        after,
        wearer,
        standing,
        limit,
    )


async def get(store: Store, pause: int) -> asyncpg.Record:
    """One pause; raises ``MissingError``."""
    return found(await store.pool.fetchrow(f"{VIEW} WHERE p.id = $1", pause), "pause", pause)


async def add(change: Edit, fields: dict[str, Any]) -> asyncpg.Record:
    """Ask for one, with all of ``FIELDS``; it mutes nothing until a second person approves.

    Raises
    ------
    DanglingError, ConflictError
        If there is no such wearer; if it would last too long, or mute what is never muted.
    """
    _check(fields)
    await _spare_victims(change, fields)
    try:
        number: int = await change.connection.fetchval(
            f"INSERT INTO pause ({', '.join(FIELDS)}, requested_by) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",  # noqa: S608
            *(fields[name] for name in FIELDS),
            change.actor,
        )
    except asyncpg.ForeignKeyViolationError:
        raise DanglingError("wearer", "wearer", fields["wearer"]) from None
    change.entry("pause", number, "requested")
    audit.done(change, "requested", f"pause/{number}", **_said(fields))
    return await read(change, number)


async def approve(change: Edit, known: asyncpg.Record) -> None:
    """A second person says yes: to the pause, which is in force from its start on, or to the later end that waits."""
    longer = known["longer_until"] is not None
    if known["approved_at"] is not None and not longer:
        raise ConflictError(f"pause {known['id']} is approved already")
    asker = known["longer_by"] if longer else known["requested_by"]
    if asker == change.actor:
        what = f"the later end of pause {known['id']}" if longer else f"pause {known['id']}"
        raise ConflictError(f"you asked for {what} yourself: somebody else must approve it")
    await _spare_victims(change, known)
    fields = dict(known) | ({"until": known["longer_until"]} if longer else {})
    await change.connection.execute(
        """UPDATE pause SET until = $2, requested_by = $3, approved_by = $4, approved_at = clock_timestamp(),
               longer_until = NULL, longer_by = NULL, version = version + 1 WHERE id = $1""",
        *(known["id"], fields["until"], asker, change.actor),
    )
    await _tell(change, fields, "pause_extended" if longer else "paused")


async def extend(change: Edit, known: asyncpg.Record, until_us: int) -> None:
    """Another end. Sooner holds at once, and drops a later one that waits, as the same does; later needs a second person's yes.

    What is approved goes on to its approved end meanwhile: to ask for more takes nothing away.
    """
    fields = dict(known) | {"until": until_us}
    _check(fields)
    later = until_us > known["until"]
    if later and known["approved_at"] is not None:
        await change.connection.execute(
            "UPDATE pause SET longer_until = $2, longer_by = $3, version = version + 1 WHERE id = $1",
            *(known["id"], until_us, change.actor),
        )
        change.entry("pause", known["id"], "longer_requested")
        audit.done(change, "longer_requested", f"pause/{known['id']}", **_said(fields))
        return
    if until_us == known["until"]:
        await _withdraw(change, known)
        return
    await change.connection.execute(
        """UPDATE pause SET until = $2, requested_by = CASE WHEN $3 THEN $4 ELSE requested_by END,
               longer_until = NULL, longer_by = NULL, version = version + 1 WHERE id = $1""",
        *(known["id"], until_us, later, change.actor),
    )
    await _tell(change, fields, "pause_extended" if later else "pause_shortened")


async def _withdraw(change: Edit, known: asyncpg.Record) -> None:
    """Drop the later end that waits, if one does: what is approved is as it was, so no alert tells of it."""
    if known["longer_until"] is None:
        return
    await change.connection.execute(
        "UPDATE pause SET longer_until = NULL, longer_by = NULL, version = version + 1 WHERE id = $1", known["id"]
    )
    change.entry("pause", known["id"], "longer_withdrawn")
    audit.done(change, "longer_withdrawn", f"pause/{known['id']}", **_said(dict(known) | {"until": known["longer_until"]}))


async def end(change: Edit, known: asyncpg.Record) -> None:
    """Over now, whatever its time was."""
    await change.connection.execute(
        "UPDATE pause SET ended_by = $2, ended_at = clock_timestamp(), version = version + 1 WHERE id = $1",
        *(known["id"], change.actor),
    )
    await _tell(change, known, "pause_ended")


async def locked(change: Edit, pause: int, version: int) -> asyncpg.Record:
    """One that stands, that nobody changes until this transaction ends, with the alerts it concerns.

    Raises
    ------
    MissingError, StaleError, ConflictError
    """
    # Not FOR UPDATE: a commit that mutes a page holds the feed's row while it refers to the pause, and this waits for the feed.
    row = await change.connection.fetchrow(
        "SELECT *, until <= clock_timestamp() AS over FROM pause WHERE id = $1 FOR NO KEY UPDATE", pause
    )
    known = unchanged(row, "pause", pause, version)
    if known["ended_at"] is not None or known["over"]:
        raise ConflictError(f"pause {pause} is over: ask for another")
    return known


async def read(change: Edit, pause: int) -> asyncpg.Record:
    """As it stands in this transaction."""
    row = await change.connection.fetchrow(f"{VIEW} WHERE p.id = $1", pause)
    assert row is not None
    return row


def _check(fields: dict[str, Any]) -> None:
    if fields["until"] <= fields["starts"]:
        raise ConflictError("the pause would end before it starts: correct from or until")
    if fields["until"] - fields["starts"] > LONGEST_US:
        raise ConflictError(f"a pause lasts {LONGEST_US // HOUR_US} hours at most: ask for another when it is over")
    if fields["including_p1"] and fields["kind"] is None:
        raise ConflictError("P1 pages of every kind are never paused: name the one kind")
    if fields["including_p1"] and fields["kind"] in ENTRIES:
        raise ConflictError(f"a P1 of kind {fields['kind']} may be a victim's only warning: it always pages")


async def _spare_victims(change: Edit, pause: dict[str, Any] | asyncpg.Record) -> None:
    """Refuse to mute P1 of somebody from whom a zone protects a victim, now or later."""
    if pause["including_p1"] and await change.connection.fetchval(
        """SELECT EXISTS (SELECT FROM zone_version v WHERE v.kind = 'exclusion' AND v.purpose = 'victim'
               AND v.in_force_to > clock_timestamp() AND coalesce(v.valid_to > clock_timestamp(), true)
               AND (v.applies_all OR v.applies_wearer = $1 OR v.applies_group IN (
                   SELECT wearer_group FROM wearer_group_member WHERE wearer = $1)))""",
        pause["wearer"],
    ):
        raise ConflictError("a zone protects a victim from this wearer: their P1 alerts always page")


async def due(change: Edit) -> list[int]:
    """Page once for each alert that a pause which is over held back, and that is going on and nobody's still; the ids.

    Another pause that stands mutes the page anew, and is answerable for it from then on.
    """
    over = await change.connection.fetch(
        """UPDATE pause SET settled_at = clock_timestamp() WHERE id IN (
               SELECT id FROM pause WHERE settled_at IS NULL AND (ended_at IS NOT NULL OR until <= clock_timestamp())
               ORDER BY id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED) RETURNING id""",
        MOST,
    )
    if not over:
        return []
    rows = await change.connection.fetch(
        f"""SELECT a.id, a.kind, a.severity FROM alert a
            WHERE a.id IN (SELECT alert FROM muted_page WHERE pause = ANY ($1::bigint[])) AND {alerts.STATE} = 'new'
              AND a.condition = 'active' ORDER BY a.id FOR UPDATE""",  # noqa: S608 (constants)
        [row["id"] for row in over],
    )
    for row in rows:
        text = "The pause that held its page back is over, and nobody has taken it: paged now."
        alerts.page_anew(change, row, alerts.tell(change, row["id"], "pause_over", text, {}))
    return [row["id"] for row in rows]


async def _tell(change: Edit, pause: dict[str, Any] | asyncpg.Record, what: str) -> None:
    """The pause's own entry, and a line in each open alert that it is about."""
    change.entry("pause", pause["id"], what)
    audit.done(change, what, f"pause/{pause['id']}", **_said(pause))
    concerned = await change.connection.fetch(
        """SELECT id, severity = 1 AND NOT $3 OR always_pages(kind, zone, zone_version) AS pages FROM alert
           WHERE wearer = $1 AND ($2::text IS NULL OR kind = $2) AND handling <> 'closed' ORDER BY id FOR UPDATE""",
        *(pause["wearer"], pause["kind"], pause["including_p1"]),
    )
    for row in concerned:
        details = {"pause": pause["id"], "until_us": pause["until"], "including_p1": pause["including_p1"]}
        if what in MUTES:
            details["pages"] = row["pages"]
        await alerts.amended(change, row["id"], what, pause["reason"], details)


def _said(pause: dict[str, Any] | asyncpg.Record) -> dict[str, Any]:
    return {
        "wearer": pause["wearer"],
        "kind": pause["kind"],
        "including_p1": pause["including_p1"],
        "starts_us": pause["starts"],
        "until_us": pause["until"],
    }


async def redact(change: Edit, wearer: int, word: str) -> None:
    """Put a word in place of the reasons of a wearer's pauses."""
    await change.connection.execute("UPDATE pause SET reason = $2, version = version + 1 WHERE wearer = $1", wearer, word)
