"""Turns orders, activations, visits and alerts into what is not as it should be on paper, and into the alerts that say so.

Whoever looks locks the one row of ``paper`` until what was found is written: any number may look, killed at any moment, and each
thing is said once.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from model.alert import Kind
from model.instant import DAY_US, HOUR_US, MINUTE_US
from store import alerts, incidents
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
    """Something that is not as it should be. ``subject`` tells it from others of its kind; ``since_us`` when that was due."""

    kind: Kind
    reason: str  # of paperwork
    subject: str
    wearer: int
    order: int
    tag: int
    since_us: int
    high_risk: bool
    text: str


class Told(NamedTuple):
    """An alert that says so already."""

    alert: int
    kind: Kind
    subject: str
    wearer: int


HIGH: Final = "(o.risk = 'high' OR coalesce(w.details ->> 'risk' = 'high', false))"

# Orders that give authority now, with their wearers. Synthetic wearers have negative ids.
NOW: Final = f"""WITH held AS (
    SELECT o.*, s.starts AS since, {HIGH} AS high FROM authority_span s JOIN monitoring_order o ON o.id = s.monitoring_order
    JOIN wearer w ON w.id = o.wearer WHERE s.starts <= $1 AND $1 < s.ends AND o.wearer > 0
), worn AS (SELECT * FROM activation WHERE fitted_from <= $1 AND coalesce(fitted_to > $1, true) AND wearer > 0)"""  # noqa: S608

# Fittings that are planned and not done, with the end of their window.
FITS: Final = """SELECT v.wearer, v.window_to, v.id FROM visit v WHERE v.kind = 'fit' AND v.cancelled_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM visit_attempt a WHERE a.visit = v.id AND a.outcome = 'done')"""

NOT_FITTED: Final = f"""{NOW}
SELECT DISTINCT ON (due.wearer) due.wearer, due.id AS monitoring_order, due.at, due.high, due.visit FROM (
    SELECT h.wearer, h.id, h.high, coalesce(h.fit_by, h.starts + $2 * interval '1 us') AS at, NULL::bigint AS visit FROM held h
    WHERE NOT EXISTS (SELECT 1 FROM activation a WHERE a.wearer = h.wearer AND coalesce(a.fitted_to > h.starts, true))
    UNION ALL SELECT h.wearer, h.id, h.high, f.window_to, f.id FROM held h JOIN ({FITS}) f ON f.wearer = h.wearer
) due WHERE due.at <= $1 AND NOT EXISTS (SELECT 1 FROM worn WHERE worn.wearer = due.wearer)
ORDER BY due.wearer, due.high DESC, due.at, due.id"""  # noqa: S608

# Found by the table's own key; where it was found once it is looked for no more.
FIRST: Final = f"""{NOW}
INSERT INTO first_fix SELECT worn.id, f.fix_at FROM worn CROSS JOIN LATERAL (
    SELECT fix_at FROM fix WHERE fix.tag = worn.tag AND fix.fix_at >= worn.fitted_from ORDER BY fix.fix_at LIMIT 1) f
WHERE worn.fitted_from <= $1 - $2 * interval '1 us' AND NOT EXISTS (
    SELECT 1 FROM first_fix k WHERE k.activation = worn.id AND k.fix_at >= worn.fitted_from)
ON CONFLICT (activation) DO UPDATE SET fix_at = excluded.fix_at"""  # noqa: S608

NO_FIRST_FIX: Final = f"""{NOW}
SELECT DISTINCT ON (worn.id) worn.wearer, worn.tag, h.id AS monitoring_order, h.high,
    greatest(worn.fitted_from, worn.created_at, h.since, $3) + $2 * interval '1 us' AS at
FROM worn JOIN held h ON h.wearer = worn.wearer
WHERE NOT EXISTS (
    SELECT 1 FROM first_fix k WHERE k.activation = worn.id AND k.fix_at >= worn.fitted_from)
    AND greatest(worn.fitted_from, worn.created_at, h.since, $3) + $2 * interval '1 us' <= $1
ORDER BY worn.id, h.high DESC, h.since, h.id"""  # noqa: S608

WITHOUT_ACTIVATION: Final = f"""{NOW}
SELECT h.wearer, h.id AS monitoring_order, CASE WHEN last.off > h.starts THEN last.off + $3 * interval '1 us'
        ELSE coalesce(h.fit_by, h.starts + $2 * interval '1 us') END AS at
FROM held h CROSS JOIN LATERAL (SELECT max(fitted_to) AS off FROM activation a WHERE a.wearer = h.wearer) last
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

UNOWNED: Final = f"""{NOW}
SELECT h.wearer, h.id AS monitoring_order, greatest(h.starts, h.created_at, named.at) + $2 * interval '1 us' AS at
FROM held h LEFT JOIN account p ON p.id = h.officer AND p.active CROSS JOIN LATERAL (
    SELECT max(decided_at) AS at FROM order_change c
    WHERE c.monitoring_order = h.id AND c.decision = 'applied' AND c.fields ? 'officer') named
WHERE p.id IS NULL ORDER BY h.id"""  # noqa: S608

RECHECK: Final = """
SELECT o.wearer, o.id AS monitoring_order, s.recheck_at AS at, s.status FROM monitoring_order o JOIN LATERAL (
    SELECT * FROM order_status s WHERE s.monitoring_order = o.id AND s.in_force_from <= $1
    ORDER BY s.in_force_from DESC, s.number DESC LIMIT 1) s ON true
WHERE s.recheck_at <= $1 AND s.status NOT IN ('completed', 'revoked') AND coalesce(o.ends > $1, true) AND o.wearer > 0
ORDER BY o.id"""

UNWORKED_ALERTS: Final = f"""
SELECT a.wearer, min(least(a.due_acknowledge, a.due_contact, a.due_decision)) + $2 * interval '1 us' AS at, count(*) AS alerts,
    min(a.monitoring_order) AS monitoring_order
FROM alert a WHERE a.handling <> 'closed' AND {alerts.STATE} = 'new' AND a.wearer > 0 AND a.kind <> 'paperwork'
    AND least(a.due_acknowledge, a.due_contact, a.due_decision) + $2 * interval '1 us' <= $1
GROUP BY a.wearer ORDER BY a.wearer"""  # noqa: S608 (constants)

UNWORKED_VISITS: Final = """
SELECT v.wearer, v.id, v.kind, v.window_to + $2 * interval '1 us' AS at FROM visit v
WHERE v.cancelled_at IS NULL AND v.wearer > 0 AND v.window_to + $2 * interval '1 us' <= $1
    AND NOT EXISTS (SELECT 1 FROM visit_attempt a WHERE a.visit = v.id AND (a.outcome = 'done' OR a.signed_out IS NULL))
    AND NOT (v.kind = 'fit' AND NOT EXISTS (SELECT 1 FROM activation x WHERE x.wearer = v.wearer
             AND x.fitted_from <= $1 AND coalesce(x.fitted_to > $1, true)))
ORDER BY v.id"""


async def turn(change: Edit) -> int | None:
    """Be the one who looks, until the transaction ends: the database's time; None while somebody else is at it."""
    now_us: int | None = await change.connection.fetchval(
        "SELECT clock_timestamp() FROM (SELECT 1 FROM paper FOR UPDATE SKIP LOCKED) AS ours"
    )
    return now_us


async def look(connection: Connection, now_us: int, limits: Limits) -> list[Found]:
    """All that is not as it should be at a time."""
    found = await _fitting(connection, now_us, limits)

    async def ask(sql: str, *given: int) -> list[Any]:
        return await connection.fetch(sql, now_us, *given)

    def paperwork(row: Any, reason: str, subject: str, text: str) -> Found:
        order, tag = row.get("monitoring_order") or 0, row.get("tag") or 0
        return Found(Kind.PAPERWORK, reason, f"{subject} {reason}", row["wearer"], order, tag, row["at"], False, text)

    for row in await ask(WITHOUT_ACTIVATION, limits.fit_us, limits.bare_us):
        order = row["monitoring_order"]
        text = f"Order {order} is in force, nobody has been fitted with a tag by it, and no fitting is planned."
        found.append(paperwork(row, "order_without_activation", f"order/{order}", text))
    for row in await ask(WITHOUT_ORDER):
        if row["at"] + limits.unordered_us <= now_us:
            text = f"Tag {row['tag']} is worn, and no order asks for it: take it off, or record the order."
            found.append(paperwork(row, "activation_without_order", f"activation/{row['id']}", text))
    for row in await ask(UNOWNED, limits.unowned_us):
        if row["at"] <= now_us:
            text = f"Nobody is the responsible officer of order {row['monitoring_order']}: name one."
            found.append(paperwork(row, "unowned", f"order/{row['monitoring_order']}", text))
    for row in await ask(RECHECK):
        status = row["status"].replace("_", " ")
        text = f"Order {row['monitoring_order']} is {status}; it was to be asked by now whether that still holds."
        found.append(paperwork(row, "recheck", f"order/{row['monitoring_order']}", text))
    for row in await ask(UNWORKED_ALERTS, limits.unworked_us):
        text = f"{row['alerts']} of this wearer's alerts should have been taken up over an hour ago, and nobody has."
        found.append(paperwork(row, "unworked_alert", "alerts", text))
    for row in await ask(UNWORKED_VISITS, limits.unworked_us):
        text = f"Visit {row['id']} to {row['kind']} has not been done in its window: do it, move it, or call it off."
        found.append(paperwork(row, "unworked_visit", f"visit/{row['id']}", text))
    return found


async def _fitting(connection: Connection, now_us: int, limits: Limits) -> list[Found]:
    found = []
    for row in await connection.fetch(NOT_FITTED, now_us, limits.fit_us):
        order, visit = row["monitoring_order"], row["visit"]
        text = f"Nobody has been fitted with a tag by order {order}, and that was due."
        text = text if visit is None else f"Visit {visit} was to fit a tag by order {order}, and its window is over."
        found.append(Found(Kind.NOT_FITTED, "", "", row["wearer"], order, 0, row["at"], row["high"], text))
    # Absence is judged only as far as every lane has come: what a tag said may lie in a backlog. While nobody listened, or knew
    # of a fitting, no tag was silent: a whole centre's activations may be loaded on the day its gateways begin to send.
    (lanes,) = await connection.fetch(
        "SELECT min(watermark), max(listening) FROM lane WHERE generation = (SELECT max(generation) FROM lane)"
    )
    as_of_us, listening_us = lanes
    if as_of_us is None:
        return found
    await connection.execute(FIRST, now_us, limits.first_fix_us)
    for row in await connection.fetch(NO_FIRST_FIX, min(as_of_us, now_us), limits.first_fix_us, listening_us):
        minutes = limits.first_fix_us // MINUTE_US
        text = f"No position of tag {row['tag']} has come in the {minutes} min since it was to be heard of."
        whose = (row["wearer"], row["monitoring_order"], row["tag"])
        found.append(Found(Kind.NO_FIRST_FIX, "", f"tag/{row['tag']}", *whose, row["at"], row["high"], text))
    return found


async def told(connection: Connection) -> list[Told]:
    """The alerts that go on; those that people have closed among them, which say it still."""
    rows = await connection.fetch(
        """SELECT id, kind, subject, wearer FROM alert
           WHERE condition = 'active' AND kind IN ('not_fitted', 'no_first_fix', 'paperwork') ORDER BY id"""
    )
    return [Told(row["id"], Kind(row["kind"]), row["subject"], row["wearer"]) for row in rows]


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
