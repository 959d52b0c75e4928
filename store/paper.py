"""Turns orders, activations, visits and alerts into what is not as it should be on paper, and into the alerts that say so.

Whoever looks locks the one row of ``paper`` until what was found is written: any number may look, killed at any moment, and each
thing is said once.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from model.alert import Kind
from model.instant import DAY_US, HOUR_US, MINUTE_US
from store import alerts, incidents
from store.authority import HIGH
from store.feed import Edit
from store.incidents import About
from store.pool import Connection

KINDS: Final = (Kind.NOT_FITTED, Kind.NO_FIRST_FIX, Kind.PAPERWORK)


class Limits(NamedTuple):
    """How long each thing may be so. Microseconds."""

    fit_us: int = DAY_US  # an order that does not say by when: from its beginning to the first fitting
    first_fix_us: int = 30 * MINUTE_US  # from fitting to the first position: a cold start, a cellar, a journey home
    bare_us: int = DAY_US  # an order whose wearer wears nothing any more, with no fitting planned
    unordered_us: int = HOUR_US  # a tag on somebody's leg that no order asks for
    unowned_us: int = DAY_US  # DOMAIN.md: an order nobody owns alarms after so long
    unworked_us: int = HOUR_US  # past an alert's first clock, or the end of a visit's window


class Found(NamedTuple):
    """Something that is not as it should be. ``subject`` tells it from others of its kind."""

    kind: Kind
    reason: str  # of paperwork
    subject: str
    wearer: int
    order: int
    tag: int
    since_us: int  # when it was due, or since when it has been so
    high_risk: bool
    text: str


class Told(NamedTuple):
    """An alert that says so already."""

    alert: int
    kind: Kind
    subject: str
    wearer: int
    tag: int  # 0: it is about none
    severity: int
    closed: bool  # by people


# Orders that give authority now, with their wearers. Synthetic wearers have negative ids.
NOW: Final = f"""WITH held AS (
    SELECT o.*, s.starts AS since, {HIGH} AS high FROM authority_span s JOIN monitoring_order o ON o.id = s.monitoring_order
    JOIN wearer w ON w.id = o.wearer WHERE s.starts <= $1 AND $1 < s.ends AND o.wearer > 0
), worn AS (SELECT * FROM activation WHERE fitted_from <= $1 AND coalesce(fitted_to > $1, true) AND wearer > 0)"""  # noqa: S608

# Fittings that are planned and have not come about, with the end of their window. One comes about by being signed out as done, or
# by what is recorded beside it: the wearer was fitted in the window or after it, or wears the very tag; with the tag it names,
# where it names one. A tag that was worn before is not the one that was to be fitted.
FITS: Final = """SELECT v.wearer, v.window_to, v.id FROM visit v WHERE v.kind = 'fit' AND v.cancelled_at IS NULL AND NOT v.done
    AND NOT EXISTS (SELECT 1 FROM activation x WHERE x.wearer = v.wearer AND coalesce(x.tag = v.tag, true)
        AND x.fitted_from <= $1 AND (x.fitted_from >= v.window_from OR x.tag = v.tag AND coalesce(x.fitted_to > $1, true)))"""

NOT_FITTED: Final = f"""{NOW}
SELECT DISTINCT ON (due.wearer) due.wearer, due.id AS monitoring_order, due.at, due.high, due.visit FROM (
    SELECT h.wearer, h.id, h.high, coalesce(h.fit_by, h.starts + $2 * interval '1 us') AS at, NULL::bigint AS visit FROM held h
    WHERE NOT EXISTS (SELECT 1 FROM activation a
        WHERE a.wearer = h.wearer AND a.fitted_from <= $1 AND coalesce(a.fitted_to > h.starts, true))
        AND (h.fit_by IS NOT NULL OR NOT EXISTS (SELECT 1 FROM ({FITS}) f WHERE f.wearer = h.wearer AND f.window_to > $1))
        AND NOT EXISTS (SELECT 1 FROM worn WHERE worn.wearer = h.wearer)
    UNION ALL SELECT h.wearer, h.id, h.high, f.window_to, f.id FROM held h JOIN ({FITS}) f ON f.wearer = h.wearer
) due WHERE due.at <= $1
ORDER BY due.wearer, due.high DESC, due.at, due.id"""  # noqa: S608

# Found by the table's own key; where it was found once it is looked for no more.
FIRST: Final = f"""{NOW}
INSERT INTO first_fix SELECT worn.id, f.fix_at FROM worn CROSS JOIN LATERAL (
    SELECT fix_at FROM fix WHERE fix.tag = worn.tag AND fix.fix_at >= worn.fitted_from AND fix.received_at <= $3
    ORDER BY fix.fix_at LIMIT 1) f
WHERE worn.fitted_from <= $1 - $2 * interval '1 us' AND NOT EXISTS (
    SELECT 1 FROM first_fix k WHERE k.activation = worn.id AND k.fix_at >= worn.fitted_from)
ON CONFLICT (activation) DO UPDATE SET fix_at = excluded.fix_at"""  # noqa: S608

NO_FIRST_FIX: Final = f"""{NOW}
SELECT DISTINCT ON (worn.id) worn.wearer, worn.tag, h.id AS monitoring_order, h.high,
    greatest(worn.fitted_from, worn.created_at, h.since, $3) AS since
FROM worn JOIN held h ON h.wearer = worn.wearer
WHERE NOT EXISTS (
    SELECT 1 FROM first_fix k WHERE k.activation = worn.id AND k.fix_at >= worn.fitted_from)
    AND greatest(worn.fitted_from, worn.created_at, h.since, $3) + $2 * interval '1 us' <= $1
ORDER BY worn.id, h.high DESC, h.since, h.id"""  # noqa: S608

# What is told of a tag is so until a position comes, or the tag or its order goes: not until we begin to listen anew, nor until
# an order follows on another.
STILL_NO_FIRST_FIX: Final = f"""{NOW}
SELECT DISTINCT ON (a.id) a.wearer, a.tag, h.id AS monitoring_order, h.high, a.event_at AS since
FROM alert a JOIN worn ON worn.wearer = a.wearer AND worn.tag = a.tag JOIN held h ON h.wearer = a.wearer
WHERE a.kind = 'no_first_fix' AND a.condition = 'active' AND NOT EXISTS (
    SELECT 1 FROM first_fix k WHERE k.activation = worn.id AND k.fix_at >= worn.fitted_from)
ORDER BY a.id, h.high DESC, h.since, h.id"""  # noqa: S608

OVER: Final = f"""{NOW}
SELECT EXISTS (SELECT 1 FROM held WHERE held.wearer = $2) AS held,
    EXISTS (SELECT 1 FROM worn WHERE worn.wearer = $2 AND ($3::bigint = 0 OR worn.tag = $3)) AS worn"""  # noqa: S608

WITHOUT_ACTIVATION: Final = f"""{NOW}
SELECT h.wearer, h.id AS monitoring_order,
    CASE WHEN last.off > h.starts THEN last.off ELSE coalesce(h.fit_by, h.starts + $2 * interval '1 us') END AS at
FROM held h CROSS JOIN LATERAL (
        SELECT max(fitted_to) AS off FROM activation a WHERE a.wearer = h.wearer AND fitted_to <= $1) last
WHERE NOT EXISTS (SELECT 1 FROM worn WHERE worn.wearer = h.wearer)
    AND NOT EXISTS (SELECT 1 FROM ({FITS}) f WHERE f.wearer = h.wearer AND f.window_to > $1)
    AND CASE WHEN last.off > h.starts THEN last.off + $3 * interval '1 us'
        ELSE coalesce(h.fit_by, h.starts + $2 * interval '1 us') END <= $1
ORDER BY h.id"""  # noqa: S608

# An order that waits, or that is in custody or hospital, still asks for the tag; one that only might begin does not.
WITHOUT_ORDER: Final = f"""{NOW}
SELECT worn.wearer, worn.tag, worn.id, greatest(worn.fitted_from, coalesce(
    (SELECT max(s.ends) FROM authority_span s WHERE s.wearer = worn.wearer AND s.ends <= $1), worn.fitted_from)) AS at
FROM worn WHERE NOT EXISTS (
    SELECT 1 FROM monitoring_order o WHERE o.wearer = worn.wearer AND o.starts <= $1 AND coalesce(o.ends > $1, true)
    AND status_at(o, $1) NOT IN ('pending', 'completed', 'revoked')) ORDER BY worn.id"""  # noqa: S608

# Nobody answers where the one who is named is shut out, or has a role that cannot: since the first of the two.
UNOWNED: Final = f"""{NOW}
SELECT h.wearer, h.id AS monitoring_order, s.at, p.id IS NOT NULL AS named
FROM held h LEFT JOIN account p ON p.id = h.officer CROSS JOIN LATERAL (
    SELECT max(decided_at) AS at FROM order_change c
    WHERE c.monitoring_order = h.id AND c.decision = 'applied' AND c.fields ? 'officer') named
CROSS JOIN LATERAL (SELECT greatest(h.starts, h.created_at, named.at, least(p.shut_out_at, p.no_officer_at)) AS at) s
WHERE (p.id IS NULL OR NOT p.active OR p.no_officer_at IS NOT NULL) AND s.at + $2 * interval '1 us' <= $1 ORDER BY h.id"""  # noqa: S608

RECHECK: Final = """
SELECT o.wearer, o.id AS monitoring_order, s.recheck_at AS at, s.status FROM monitoring_order o JOIN LATERAL (
    SELECT * FROM order_status s WHERE s.monitoring_order = o.id AND s.in_force_from <= $1
    ORDER BY s.in_force_from DESC, s.number DESC LIMIT 1) s ON true
WHERE s.recheck_at <= $1 AND s.status NOT IN ('completed', 'revoked') AND coalesce(o.ends > $1, true) AND o.wearer > 0
ORDER BY o.id"""

# By the clocks that run: those of what an outage explains stand still.
UNWORKED_ALERTS: Final = f"""
SELECT a.wearer, min(s.at) AS at, count(*) AS alerts, min(a.monitoring_order) AS monitoring_order
FROM alert a CROSS JOIN LATERAL (
    SELECT least(r.acknowledge_by, r.contact_by, r.decision_by) AS at FROM (SELECT {alerts.RUNNING}) r) s
WHERE a.handling <> 'closed' AND {alerts.STATE} = 'new' AND a.condition <> 'withdrawn' AND a.wearer > 0 AND a.kind <> 'paperwork'
    AND s.at + $2 * interval '1 us' <= $1
GROUP BY a.wearer ORDER BY a.wearer"""  # noqa: S608 (constants)


UNWORKED_VISITS: Final = f"""
SELECT v.wearer, v.id, v.kind, v.window_to AS at FROM visit v
WHERE v.cancelled_at IS NULL AND v.wearer > 0 AND v.window_to + $2 * interval '1 us' <= $1
    AND NOT v.done AND NOT EXISTS (
        SELECT 1 FROM visit_attempt a WHERE a.visit = v.id AND a.signed_in <= $1 AND coalesce(a.signed_out > $1, true))
    AND v.id NOT IN (SELECT f.id FROM ({FITS}) f)
ORDER BY v.id"""  # noqa: S608

# When the clock alone, or something recorded ahead, can change what ``look_back`` finds of some wearers.
INSTANTS: Final = """
WITH given AS (
    SELECT $4::bigint[] AS wearers, $1::timestamptz AS from_at, $3 * interval '1 us' AS first_fix, $5 * interval '1 us' AS fit,
        $6 * interval '1 us' AS bare, $7 * interval '1 us' AS unordered, $8 * interval '1 us' AS unworked
)
SELECT DISTINCT at FROM given, LATERAL (
    SELECT unnest(ARRAY[from_at, from_at + first_fix])
    UNION ALL SELECT unnest(ARRAY[starts, starts + first_fix, ends, ends + unordered]) FROM authority_span
        WHERE wearer = ANY(wearers)
    UNION ALL SELECT unnest(ARRAY[starts, ends, coalesce(fit_by, starts + fit)]) FROM monitoring_order WHERE wearer = ANY(wearers)
    UNION ALL SELECT unnest(ARRAY[in_force_from, recheck_at]) FROM order_status s
        JOIN monitoring_order o ON o.id = s.monitoring_order WHERE o.wearer = ANY(wearers)
    UNION ALL SELECT unnest(ARRAY[fitted_from, fitted_from + first_fix, fitted_from + unordered, fitted_to, fitted_to + bare])
        FROM activation WHERE wearer = ANY(wearers)
    UNION ALL SELECT min(received_at) FROM activation a JOIN fix f ON f.tag = a.tag AND f.fix_at >= a.fitted_from
        WHERE a.wearer = ANY(wearers) GROUP BY a.id
    UNION ALL SELECT unnest(ARRAY[window_to, window_to + unworked]) FROM visit WHERE wearer = ANY(wearers)
    UNION ALL SELECT unnest(ARRAY[signed_in, signed_out]) FROM visit_attempt t JOIN visit v ON v.id = t.visit
        WHERE v.wearer = ANY(wearers)
) AS known (at)
WHERE at BETWEEN $1 AND $2 ORDER BY at"""


# The visits done by then: ``done`` says what is so at the end of a trace.
DONE: Final = """
UPDATE visit v SET done = NOT done WHERE done <> EXISTS (
    SELECT 1 FROM visit_attempt a WHERE a.visit = v.id AND a.outcome = 'done' AND a.signed_out <= $1)"""


class Heard(NamedTuple):
    """Up to when every lane has come, and since when whoever speaks is heard. Microseconds."""

    as_of_us: int
    since_us: int


async def turn(change: Edit) -> int | None:
    """Be the one who looks, until the transaction ends: the database's time; None while somebody else is at it."""
    now_us: int | None = await change.connection.fetchval(
        "SELECT clock_timestamp() FROM (SELECT 1 FROM paper FOR UPDATE SKIP LOCKED) AS ours"
    )
    return now_us


async def look(connection: Connection, now_us: int, limits: Limits) -> list[Found]:
    """All that is not as it should be now."""
    # Absence is judged only as far as every lane has come: what a tag said may lie in a backlog. While nobody listened, or knew
    # of a fitting, no tag was silent: a whole centre's activations may be loaded on the day its gateways begin to send.
    (lanes,) = await connection.fetch(
        "SELECT min(watermark), max(listening) FROM lane WHERE generation = (SELECT max(generation) FROM lane)"
    )
    as_of_us, since_us = lanes
    heard = None if as_of_us is None else Heard(min(as_of_us, now_us), since_us)
    found = [*await _fitting(connection, now_us, heard, limits), *await _on_paper(connection, now_us, limits)]
    return [*found, *await _by_people(connection, now_us, limits)]


async def look_back(connection: Connection, at_us: int, since_us: int, limits: Limits) -> list[Found]:
    """What was not as it should be at a time of a world that is replayed, heard since its trace began.

    It has nobody to own an order or to work an alert, so nothing of that is missing.
    """
    await connection.execute(DONE, at_us)
    found = await _fitting(connection, at_us, Heard(at_us, since_us), limits)
    return [*found, *await _on_paper(connection, at_us, limits)]


async def instants(connection: Connection, wearers: Sequence[int], from_us: int, until_us: int, limits: Limits) -> list[int]:
    """The times, both ends counted, at which ``look_back`` may find something else of some wearers than just before."""
    spans = limits.fit_us, limits.bare_us, limits.unordered_us, limits.unworked_us
    rows = await connection.fetch(INSTANTS, from_us, until_us, limits.first_fix_us, wearers, *spans)
    return [row["at"] for row in rows]


def _paperwork(row: Any, reason: str, subject: str, text: str) -> Found:
    order, tag = row.get("monitoring_order") or 0, row.get("tag") or 0
    return Found(Kind.PAPERWORK, reason, f"{subject} {reason}", row["wearer"], order, tag, row["at"], False, text)


async def _on_paper(connection: Connection, now_us: int, limits: Limits) -> list[Found]:
    """What does not fit of orders, activations and visits."""
    found = []

    async def ask(sql: str, *given: int) -> list[Any]:
        return await connection.fetch(sql, now_us, *given)

    for row in await ask(WITHOUT_ACTIVATION, limits.fit_us, limits.bare_us):
        order = row["monitoring_order"]
        text = f"Order {order} is in force, nobody has been fitted with a tag by it, and no fitting is planned."
        found.append(_paperwork(row, "order_without_activation", f"order/{order}", text))
    for row in await ask(WITHOUT_ORDER):
        if row["at"] + limits.unordered_us <= now_us:
            text = f"Tag {row['tag']} is worn, and no order asks for it: take it off, or record the order."
            found.append(_paperwork(row, "activation_without_order", f"activation/{row['id']}", text))
    for row in await ask(RECHECK):
        status = row["status"].replace("_", " ")
        text = f"Order {row['monitoring_order']} is {status}; it was to be asked by now whether that still holds."
        found.append(_paperwork(row, "recheck", f"order/{row['monitoring_order']}", text))
    for row in await ask(UNWORKED_VISITS, limits.unworked_us):
        text = f"Visit {row['id']} to {row['kind']} has not been done in its window: do it, move it, or call it off."
        found.append(_paperwork(row, "unworked_visit", f"visit/{row['id']}", text))
    return found


async def _by_people(connection: Connection, now_us: int, limits: Limits) -> list[Found]:
    """What nobody has taken up."""
    found = []
    for row in await connection.fetch(UNOWNED, now_us, limits.unowned_us):
        order = row["monitoring_order"]
        text = f"Nobody is the responsible officer of order {order}: name one."
        if row["named"]:
            text = f"Whoever is named as responsible officer of order {order} cannot answer for it: name another."
        found.append(_paperwork(row, "unowned", f"order/{row['monitoring_order']}", text))
    for row in await connection.fetch(UNWORKED_ALERTS, now_us, limits.unworked_us):
        text = f"{row['alerts']} of this wearer's alerts should have been taken up over an hour ago, and nobody has."
        found.append(_paperwork(row, "unworked_alert", "alerts", text))
    return found


async def _fitting(connection: Connection, now_us: int, heard: Heard | None, limits: Limits) -> list[Found]:
    """Who has not been fitted, and of whom no position came; ``heard`` None: nobody has listened yet."""
    found = []
    for row in await connection.fetch(NOT_FITTED, now_us, limits.fit_us):
        order, visit = row["monitoring_order"], row["visit"]
        text = f"Nobody has been fitted with a tag by order {order}, and that was due."
        text = text if visit is None else f"Visit {visit} was to fit a tag by order {order}, and its window is over."
        found.append(Found(Kind.NOT_FITTED, "", "", row["wearer"], order, 0, row["at"], row["high"], text))
    await connection.execute(FIRST, now_us, limits.first_fix_us, now_us)
    dumb = await connection.fetch(STILL_NO_FIRST_FIX, now_us)
    if heard is not None:
        dumb += await connection.fetch(NO_FIRST_FIX, heard.as_of_us, limits.first_fix_us, heard.since_us)
    for row in dumb:
        minutes = limits.first_fix_us // MINUTE_US
        text = f"No position of tag {row['tag']} has come in the {minutes} min since it was to be heard of."
        whose = (row["wearer"], row["monitoring_order"], row["tag"])
        found.append(Found(Kind.NO_FIRST_FIX, "", f"tag/{row['tag']}", *whose, row["since"], row["high"], text))
    return found


async def told(connection: Connection) -> list[Told]:
    """The alerts that go on; those that people have closed among them, which say it still."""
    rows = await connection.fetch(
        """SELECT id, kind, subject, wearer, tag, severity, handling = 'closed' AS closed FROM alert
           WHERE condition = 'active' AND kind IN ('not_fitted', 'no_first_fix', 'paperwork') ORDER BY id"""
    )
    return [Told(row["id"], Kind(row["kind"]), *tuple(row)[2:]) for row in rows]


async def over(connection: Connection, one: Told, now_us: int) -> str:
    """A sentence that says what put it right; ``one`` was told and is not found any more."""
    if one.kind is Kind.PAPERWORK:
        return "Put right."
    row = await connection.fetchrow(OVER, now_us, one.wearer, one.tag)
    assert row is not None
    held, worn = row
    if not held:
        return "No order asks for a tag any more."
    if one.kind is Kind.NO_FIRST_FIX:
        return "A position has come." if worn else "The tag is not worn any more."
    return "A tag is worn." if worn else "It is not due any more: another time was set."


async def tell(change: Edit, new: Found, now_us: int, severity: int, due: Sequence[int | None], under: int | None) -> int:
    """Raise one; the alert's id."""
    acknowledge_us, contact_us, decision_us = due
    about = About(
        new.wearer, severity, new.since_us, (acknowledge_us, contact_us, decision_us), new.order, new.tag, new.reason, under
    )
    return await incidents.raise_(change, new.kind, new.subject, new.text, now_us, about)


async def looked(change: Edit, now_us: int) -> None:
    """Note when that was."""
    await change.connection.execute("UPDATE paper SET looked_at = $1", now_us)
