"""What relaxes zones, curfews, also by a long absence, wearers, groups and settings: asked for by one, decided by another."""

from typing import Any, Final, Literal

import asyncpg

from store import absences, audit, curfews, groups, settings, wearers, zones
from store.authority import NOW
from store.feed import Edit
from store.homes import OVER
from store.pool import Connection, Store
from store.refusal import ConflictError, found

Kind = Literal["zone", "curfew", "wearer", "group", "absence", "settings"]

SELECT: Final = """SELECT c.id, c.kind, c.subject, c.version, c.fields, c.relaxes, c.requested_by, r.name AS requested_name,
       c.requested_at, c.decided_by, d.name AS decided_name, c.decided_at, c.approved,
       c.approved IS NULL AND c.version < CASE c.kind
           WHEN 'zone' THEN (SELECT max(version) FROM zone_version WHERE zone = c.subject)
           WHEN 'wearer' THEN (SELECT version FROM wearer WHERE id = c.subject)
           WHEN 'group' THEN (SELECT version FROM wearer_group WHERE id = c.subject)
           WHEN 'settings' THEN (SELECT coalesce(max(version), 0) FROM settings_version WHERE place = c.subject)
           ELSE (SELECT max(version) FROM curfew_version WHERE curfew = c.subject) END AS overtaken,
       CASE c.kind
           WHEN 'zone' THEN (SELECT name FROM zone_version WHERE zone = c.subject ORDER BY version DESC LIMIT 1)
           WHEN 'wearer' THEN (SELECT name FROM wearer WHERE id = c.subject)
           WHEN 'group' THEN (SELECT name FROM wearer_group WHERE id = c.subject)
           WHEN 'settings' THEN (SELECT CASE scope WHEN 'all' THEN 'everyone' WHEN 'type' THEN 'type ' || order_type
               WHEN 'order' THEN 'order ' || monitoring_order
               ELSE 'zone ' || (SELECT v.name FROM zone_version v WHERE v.zone = p.zone ORDER BY v.version DESC LIMIT 1) END
               FROM settings_place p WHERE id = c.subject)
           ELSE (SELECT w.name FROM curfew_version v JOIN monitoring_order o ON o.id = v.monitoring_order
                 JOIN wearer w ON w.id = o.wearer WHERE v.curfew = c.subject LIMIT 1) END AS name,
       CASE c.kind
           WHEN 'zone' THEN whose.name
           WHEN 'wearer' THEN (SELECT name FROM wearer WHERE id = c.subject)
           WHEN 'group' THEN NULL
           WHEN 'settings' THEN coalesce(whose.name, (SELECT w.name FROM settings_place p
               JOIN monitoring_order o ON o.id = p.monitoring_order JOIN wearer w ON w.id = o.wearer WHERE p.id = c.subject))
           ELSE (SELECT w.name FROM curfew_version v JOIN monitoring_order o ON o.id = v.monitoring_order
                 JOIN wearer w ON w.id = o.wearer WHERE v.curfew = c.subject LIMIT 1) END AS wearer_name,
       CASE WHEN c.approved IS NULL THEN CASE c.kind
           WHEN 'zone' THEN whose.feature
           WHEN 'curfew' THEN (SELECT jsonb_build_object('home', home, 'grace_min', grace_min) || timetable FROM curfew_version
                WHERE curfew = c.subject ORDER BY version DESC LIMIT 1)
           WHEN 'wearer' THEN (SELECT jsonb_build_object('name', name, 'details', details) FROM wearer WHERE id = c.subject)
           WHEN 'group' THEN (SELECT jsonb_build_object('name', name, 'wearers', ARRAY(SELECT m.wearer FROM wearer_group_member m
                WHERE m.wearer_group = g.id ORDER BY 1)) FROM wearer_group g WHERE id = c.subject)
           WHEN 'settings' THEN coalesce((SELECT numbers FROM settings_version WHERE place = c.subject
                ORDER BY version DESC LIMIT 1), '{}')
           END END AS before
FROM waiting_change c JOIN account r ON r.id = c.requested_by LEFT JOIN account d ON d.id = c.decided_by
LEFT JOIN LATERAL (
    SELECT v.feature, CASE WHEN v.applies_all THEN 'everyone' WHEN v.applies_group IS NOT NULL THEN 'the group ' || g.name
        ELSE w.name END AS name
    FROM zone_version v LEFT JOIN wearer w ON w.id = v.applies_wearer LEFT JOIN wearer_group g ON g.id = v.applies_group
    WHERE v.zone = CASE c.kind WHEN 'zone' THEN c.subject
        WHEN 'settings' THEN (SELECT zone FROM settings_place p WHERE p.id = c.subject) END
    ORDER BY v.version DESC LIMIT 1) whose ON true"""

_HOLDS: Final = f"status_at(o, {NOW}) <> ALL ($2::text[]) AND coalesce(o.ends > now(), true)"
# Whether its type asks for a second person for its zones.
_ASKS: Final = f"""{_HOLDS} AND (SELECT n.numbers -> 'second_person.zones' FROM settings_version n JOIN settings_place p
                       ON p.id = n.place WHERE p.order_type = o.type ORDER BY n.version DESC LIMIT 1)
                   IS DISTINCT FROM 'false'::jsonb"""  # noqa: S608 (constants)


async def zone_asks(connection: Connection, zone: int) -> bool:
    """Whether what relaxes a zone needs a second person: it is a condition of an order whose type asks for one.

    A home is a condition as long as a curfew asks for it.
    """
    found: bool = await connection.fetchval(
        f"""SELECT EXISTS (SELECT 1 FROM zone_version v JOIN monitoring_order o ON v.applies_all OR o.wearer = v.applies_wearer
                OR o.wearer IN (SELECT m.wearer FROM wearer_group_member m WHERE m.wearer_group = v.applies_group)
            WHERE v.zone = $1 AND v.version = (SELECT max(n.version) FROM zone_version n WHERE n.zone = $1) AND {_ASKS}
                AND (v.kind <> 'home' OR EXISTS (SELECT 1 FROM curfew_version c WHERE c.home = v.zone
                    AND c.in_force_to = timestamptz '9999-01-01 00:00:00+00')))""",  # noqa: S608
        zone,
        OVER,
    )
    return found


async def wearer_asks(connection: Connection, wearer: int) -> bool:
    """Whether a wearer's lower risk needs a second person: an order of theirs holds, or will."""
    found: bool = await connection.fetchval(
        f"SELECT EXISTS (SELECT 1 FROM monitoring_order o WHERE o.wearer = $1 AND {_HOLDS})",  # noqa: S608 (constant)
        wearer,
        OVER,
    )
    return found


async def freed(connection: Connection, group: int, wearers: list[int]) -> str | None:
    """Whom a group's new list of wearers would free of which zones, one sentence; None: nobody."""
    row = await connection.fetchrow(
        f"""SELECT m.wearer, array_agg(DISTINCT v.zone ORDER BY v.zone) AS zones
            FROM wearer_group_member m JOIN monitoring_order o USING (wearer)
                JOIN zone_version v ON v.applies_group = m.wearer_group
            WHERE m.wearer_group = $1 AND m.wearer <> ALL ($3::bigint[]) AND {_ASKS}
                AND v.in_force_to = timestamptz '9999-01-01 00:00:00+00' GROUP BY m.wearer ORDER BY m.wearer LIMIT 1""",  # noqa: S608
        group,
        OVER,
        wearers,
    )
    if row is None:
        return None
    named = ", ".join(map(str, row["zones"]))
    return f"Wearer {row['wearer']} would leave the group, and its zones ({named}) would hold for them no longer."


async def ask(
    change: Edit, kind: Kind, subject: int, version: int, fields: dict[str, Any] | None, sentence: str
) -> asyncpg.Record:
    """Keep a change until a second person has decided.

    Parameters
    ----------
    fields : what ``decide`` saves; None: the subject ends

    Raises
    ------
    MissingError, StaleError, ConflictError, DanglingError, UnfitError
        If it could not be saved as things stand.
    """
    async with change.tried():
        await _save(change, kind, subject, version, fields)
    number = await change.connection.fetchval(
        """INSERT INTO waiting_change (kind, subject, version, fields, relaxes, requested_by)
           VALUES ($1, $2, $3, $4, $5, $6) RETURNING id""",
        *(kind, subject, version, fields, sentence, change.actor),
    )
    change.entry("waiting_change", number, "requested")
    audit.done(change, "requested", f"waiting_change/{number}", kind=kind, subject=subject, version=version)
    return await _read(change, number)


async def decide(change: Edit, number: int, *, approved: bool) -> asyncpg.Record:
    """Approve or refuse one; approved, it is saved as if it were sent just now.

    Raises
    ------
    MissingError, ConflictError, StaleError, DanglingError, UnfitError
    """
    row = found(await change.connection.fetchrow(f"{SELECT} WHERE c.id = $1 FOR UPDATE OF c", number), "change", number)
    if row["approved"] is not None:
        raise ConflictError(f"change {number} was {'approved' if row['approved'] else 'refused'} already")
    if approved and row["requested_by"] == change.actor:
        raise ConflictError(f"you asked for change {number} yourself: somebody else must approve it")
    if approved and row["overtaken"]:
        raise ConflictError(f"{row['kind']} {row['subject']} has changed since change {number} was asked for: ask again")
    await change.connection.execute(
        "UPDATE waiting_change SET decided_by = $2, decided_at = clock_timestamp(), approved = $3 WHERE id = $1",
        *(number, change.actor, approved),
    )
    if approved:
        await _save(change, row["kind"], row["subject"], row["version"], row["fields"])
    done = "approved" if approved else "refused"
    entry = change.entry("waiting_change", number, done)
    audit.done(change, done, f"waiting_change/{number}", entry, kind=row["kind"], subject=row["subject"])
    return await _read(change, number)


async def get(store: Store, number: int) -> asyncpg.Record:
    """One change; raises ``MissingError``."""
    return found(await store.pool.fetchrow(f"{SELECT} WHERE c.id = $1", number), "change", number)


async def page(
    store: Store, *, kind: Kind | None, subject: int | None, waiting: bool, after: int, limit: int
) -> list[asyncpg.Record]:
    """By id, those after ``after``; ``waiting``: only those that nobody has decided and nothing has overtaken."""
    return await store.pool.fetch(
        f"""SELECT * FROM ({SELECT}) AS c WHERE id > $1 AND ($2::text IS NULL OR kind = $2)
            AND ($3::bigint IS NULL OR subject = $3) AND (NOT $4 OR (approved IS NULL AND NOT overtaken)) ORDER BY id LIMIT $5""",  # noqa: S608
        *(after, kind, subject, waiting, limit),
    )


async def redact(change: Edit, wearer: int, word: str) -> None:
    """Replace the names and words of a wearer's; what waits for them can no longer say who they are."""
    await change.connection.execute(
        """UPDATE waiting_change SET fields = '{"name": null, "details": {}}' WHERE kind = 'wearer' AND subject = $1""", wearer
    )
    await change.connection.execute(
        """UPDATE waiting_change SET fields = fields || jsonb_build_object('name', $2::text, 'feature',
               jsonb_set(fields -> 'feature', '{properties,name}', to_jsonb($2::text)))
           WHERE kind = 'zone' AND fields IS NOT NULL AND (fields ->> 'wearer')::bigint = $1""",
        wearer,
        word,
    )
    await change.connection.execute(
        """UPDATE waiting_change SET fields = fields || jsonb_build_object('authoriser', $2::text, 'reason', $2::text)
           WHERE kind = 'absence' AND subject IN (SELECT v.curfew FROM curfew_version v JOIN monitoring_order o
               ON o.id = v.monitoring_order WHERE o.wearer = $1)""",
        wearer,
        word,
    )


async def _save(change: Edit, kind: Kind, subject: int, version: int, fields: dict[str, Any] | None) -> None:
    if kind == "zone":
        if fields is None:
            await zones.end(change, subject, version)
        else:
            await zones.replace(change, subject, version, zones.Draft(**fields | {"wkb": bytes.fromhex(fields["wkb"])}))
        return
    if kind == "curfew":
        if fields is None:
            await curfews.end(change, subject, version)
        else:
            await curfews.edit(change, subject, version, fields)
        return
    assert fields is not None  # only zones and curfews are ended
    if kind == "wearer":
        await wearers.edit(change, subject, version, fields["name"], fields["details"])
    elif kind == "settings":
        await settings.replace(change, subject, version, fields)
    elif kind == "group":
        await groups.edit(change, subject, version, fields["name"], fields["wearers"])
    else:
        await absences.add(change, subject, **fields)


async def _read(change: Edit, number: int) -> asyncpg.Record:
    row = await change.connection.fetchrow(f"{SELECT} WHERE c.id = $1", number)
    assert row is not None
    return row
