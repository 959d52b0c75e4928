"""Outages as rows: what lanes say for the watch, each outage with its list, and which silence is held under it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import asyncpg

from model.alert import Kind
from model.outage import Group
from store import alerts, incidents
from store.edits import RETURNING
from store.feed import Edit
from store.incidents import About
from store.lanes import Claim
from store.pool import Connection, Store

MOST: Final = 100  # silences held, and as many released, at one look: P1s wait for the feed's row meanwhile

OURS: Final = "lane IN (SELECT partition FROM lane WHERE generation = (SELECT max(generation) FROM lane))"


class Tag(NamedTuple):
    """A tag that is overdue, as a lane or a list has it."""

    tag: int
    since_us: int
    gateway: str  # its number
    network: str
    model: str
    guarded: bool


class Said(NamedTuple):
    """What all lanes say: tags worn by group, and those overdue."""

    worn: dict[Group, int]
    overdue: list[Tag]


class Open(NamedTuple):
    """An outage that is not settled, and those of its list that were not heard again."""

    id: int
    alert: int
    group: Group
    began_us: int
    ended_us: int | None
    under_us: int | None  # since when too few are left
    closed_us: int | None  # when people closed its incident
    listed: frozenset[int]
    still: list[Tag]


async def write(store: Store, claim: Claim, worn: Mapping[Group, int], overdue: Sequence[Tag], unknown: Collection[int]) -> None:
    """Replace what a lane says; without effect where the lane has another owner by now.

    Parameters
    ----------
    unknown : tags of which the lane does not know yet: those that were overdue stay so
    """
    async with store.pool.acquire() as connection, connection.transaction():
        ours = "SELECT 1 FROM lane WHERE partition = $1 AND epoch = $2 FOR KEY SHARE"
        if await connection.fetchval(ours, claim.partition, claim.epoch) is None:
            return
        await connection.execute("DELETE FROM lane_group WHERE lane = $1", claim.partition)
        await connection.executemany(
            "INSERT INTO lane_group (lane, kind, name, worn) VALUES ($1, $2, $3, $4)",
            [(claim.partition, *group, count) for group, count in worn.items()],
        )
        before = await connection.fetch("SELECT tag FROM lane_overdue WHERE lane = $1", claim.partition)
        stay = {row["tag"] for row in before} & set(unknown)
        gone = [row["tag"] for row in before if row["tag"] not in stay | {one.tag for one in overdue}]
        if gone:
            await connection.execute(
                "DELETE FROM lane_overdue WHERE lane = $1 AND tag = ANY($2::bigint[])", claim.partition, gone
            )
        await connection.executemany(
            """INSERT INTO lane_overdue (lane, tag, since, gateway, network, model, guarded) VALUES ($1, $2, $3, $4, $5, $6, $7)
               ON CONFLICT DO NOTHING""",  # a lane that moved counts anew, of a silence that goes on
            [(claim.partition, *one) for one in overdue],
        )


async def said(connection: Connection) -> Said:
    """What all lanes that are consumed say."""
    worn = await connection.fetch(
        f"""SELECT 'gateway' AS kind, gateway::text AS name, sum(worn) AS worn FROM lane_count WHERE {OURS} GROUP BY gateway
            UNION ALL SELECT kind, name, sum(worn) FROM lane_group WHERE {OURS} GROUP BY kind, name"""  # noqa: S608 (constant)
    )
    overdue = await connection.fetch(
        f"SELECT tag, since, gateway, network, model, guarded FROM lane_overdue WHERE {OURS} ORDER BY tag"  # noqa: S608
    )
    return Said({Group(row["kind"], row["name"]): int(row["worn"]) for row in worn}, [Tag(*row) for row in overdue])


async def standing(connection: Connection) -> list[Open]:
    """The outages that are not settled."""
    rows = await connection.fetch(
        """SELECT o.id, o.alert, o.kind, o.name, o.began_at, o.ended_at, o.under_at,
               CASE WHEN a.handling = 'closed' THEN greatest(a.handled_at, o.began_at) END AS closed_at
           FROM outage o JOIN alert a ON a.id = o.alert WHERE o.settled_at IS NULL ORDER BY o.id"""
    )
    tags = await connection.fetch("SELECT * FROM outage_tag WHERE outage = ANY($1::bigint[])", [row["id"] for row in rows])
    return [
        Open(
            row["id"],
            row["alert"],
            Group(row["kind"], row["name"]),
            row["began_at"],
            row["ended_at"],
            row["under_at"],
            row["closed_at"],
            frozenset(tag["tag"] for tag in tags if tag["outage"] == row["id"]),
            [_tag(tag) for tag in tags if tag["outage"] == row["id"] and tag["back_at"] is None],
        )
        for row in rows
    ]


def _tag(row: asyncpg.Record) -> Tag:
    return Tag(*(row[name] for name in ("tag", "since", "gateway", "network", "model", "guarded")))


async def alone(connection: Connection) -> list[Tag]:
    """Tags that an outage left over, and that were not heard again since."""
    rows = await connection.fetch(
        """SELECT DISTINCT ON (tag) * FROM outage_tag
           WHERE back_at IS NULL AND outage IN (SELECT id FROM outage WHERE settled_at IS NOT NULL) ORDER BY tag, outage DESC"""
    )
    return [_tag(row) for row in rows]


async def called(connection: Connection, group: Group) -> str:
    """A group in words."""
    name = group.name
    if group.kind == "gateway":
        name = await connection.fetchval("SELECT name FROM gateway WHERE id = $1", int(group.name)) or name
    return f"{group.kind} {name}"


async def begin(change: Edit, group: Group, worn: int, tags: Sequence[Tag], at_us: int) -> tuple[int, int]:
    """A new outage with its list, and its alert; the ids of both."""
    where = await called(change.connection, group)
    guarded = sum(one.guarded for one in tags)
    text = f"{len(tags)} of {worn} tags of {where} are silent, each for longer than is usual for it."
    if guarded:
        text += f" From {guarded} of their wearers a victim is to be protected: check on those by hand first."
    subject = where.removeprefix("gateway ")
    alert = await incidents.raise_(change, Kind.FLEET_OUTAGE, subject, text, at_us, About(event_us=at_us))
    outage: int = await change.connection.fetchval(
        "INSERT INTO outage (alert, kind, name, worn, began_at) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        *(alert, *group, worn, at_us),
    )
    await join(change, outage, tags)
    return outage, alert


async def join(change: Edit, outage: int, tags: Iterable[Tag]) -> None:
    """Put tags on an outage's list, each with whoever wore it when it became overdue."""
    await change.connection.executemany(
        """INSERT INTO outage_tag (outage, tag, since, gateway, network, model, guarded, wearer)
           VALUES ($1, $2, $3, $4, $5, $6, $7, (SELECT wearer FROM activation WHERE tag = $2 AND fitted_from <= $3
               AND coalesce(fitted_to > $3, true) LIMIT 1))
           ON CONFLICT (outage, tag) DO UPDATE SET since = $3, back_at = NULL""",
        [(outage, *one) for one in tags],
    )


async def back(change: Edit, tags: Iterable[tuple[int, int]]) -> None:
    """Note when tags were heard again, whatever lists they are on."""
    await change.connection.executemany("UPDATE outage_tag SET back_at = $2 WHERE tag = $1 AND back_at IS NULL", list(tags))


async def end(change: Edit, outage: int, alert: int, text: str, at_us: int) -> None:
    """It is over, and its alert with it."""
    await change.connection.execute("UPDATE outage SET ended_at = $2 WHERE id = $1", outage, at_us)
    await incidents.end(change, alert, text, at_us)


async def under(change: Edit, since: Iterable[tuple[int, int | None]]) -> None:
    """Keep since when outages have too few silent tags left; None: they have enough."""
    sql = "UPDATE outage SET under_at = $2 WHERE id = $1 AND under_at IS DISTINCT FROM $2"
    await change.connection.executemany(sql, list(since))


async def settle(change: Edit, outage: int, at_us: int) -> None:
    """From now on it holds nobody: what it held is released by the looks that follow."""
    await change.connection.execute("UPDATE outage SET settled_at = $2 WHERE id = $1", outage, at_us)


# Locked before the feed's row is, and passed over where somebody else has them in hand: the next look finds them.
_LOCKED: Final = "FOR KEY SHARE OF a SKIP LOCKED"

_HOLD: Final = f"""
WITH given AS (
    SELECT * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::integer[], $6::timestamptz[], $7::text[])
        WITH ORDINALITY AS given (hold, outage, alert, calls, held_at, text, i)
), anew AS (
    INSERT INTO outage_hold (outage, alert, calls, held_at, muted, noted)
    SELECT outage, alert, calls, held_at, false, true FROM given WHERE hold IS NULL
), noted AS (
    UPDATE outage_hold h SET noted = true FROM given g
    WHERE NOT h.noted AND h.outage = g.outage AND h.alert = g.alert AND h.calls = g.calls
)
INSERT INTO alert_history (alert, position, part, at, what, text, details)
SELECT alert, $1::bigint + i - 1, 0, held_at, 'held', text, '{{}}' FROM given {RETURNING["alert_history"]}"""  # noqa: S608


async def hold(change: Edit, outages: Collection[int], until_us: int, most: int | None) -> int:
    """Hold the silence of outages' tags under them, as far as it was told by an instant; how many are held anew.

    One that has come again meanwhile, after its tag was heard, is only noted (as call 0): the new silence is another matter.

    Parameters
    ----------
    outages : those that go on, or were settled in this transaction
    most : silences at once, as the feed's row is locked meanwhile; None: all
    """
    rows = await change.connection.fetch(
        f"""SELECT h.id AS hold, h.outage, h.alert, h.calls, h.held_at, o.alert AS cause
            FROM outage_hold h JOIN outage o ON o.id = h.outage JOIN alert a ON a.id = h.alert
            WHERE NOT h.noted ORDER BY h.id LIMIT $1 {_LOCKED}""",  # noqa: S608 (constant)
        most,
    )
    left = None if most is None else most - len(rows)
    rows += await change.connection.fetch(
        f"""SELECT NULL::bigint AS hold, o.id AS outage, a.id AS alert, c.calls, greatest(a.detected_at, o.began_at) AS held_at,
                o.alert AS cause
            FROM outage o JOIN outage_tag t ON t.outage = o.id
            JOIN alert a ON a.wearer = t.wearer AND a.family = 'no_contact' AND a.handling <> 'closed' AND a.tag = t.tag
            CROSS JOIN LATERAL (SELECT CASE
                WHEN silent_since(a.id) <= t.since THEN a.calls
                WHEN EXISTS (SELECT FROM alert_occurrence x WHERE x.alert = a.id AND x.tag = t.tag AND NOT x.withdrawn
                             AND x.event_at <= t.since AND coalesce(x.ended_at > o.began_at, true)) THEN 0 END AS calls) c
            WHERE o.id = ANY($1::bigint[]) AND a.kind = 'no_contact' AND a.held_under IS NULL AND c.calls IS NOT NULL
              AND a.detected_at <= least(o.settled_at, $2) AND coalesce(a.ended_at > o.began_at, true)
              AND coalesce(t.back_at > a.detected_at, true)
              AND NOT EXISTS (SELECT FROM outage_hold h
                              WHERE h.outage = o.id AND h.alert = a.id AND (h.calls = c.calls OR c.calls = 0))
            ORDER BY a.id LIMIT $3 {_LOCKED}""",  # noqa: S608 (constant)
        *(list(outages), until_us, left),
    )
    if rows:
        first = min([change.entry("alert", row["alert"], "held") for row in rows])
        columns = [[row[name] for row in rows] for name in ("hold", "outage", "alert", "calls", "held_at")]
        texts = [f"Follows from outage {row['cause']}." for row in rows]
        change.numbered(_HOLD, *columns, texts, entry=first, kept="alert_history")
    return len(rows)


# Whether somebody is silent still is asked again here, where nobody else can page.
_RELEASE: Final = f"""
WITH released AS (
    UPDATE outage_hold SET released_at = $2 WHERE id = ANY($3::bigint[])
), given AS (
    SELECT * FROM unnest($4::bigint[], $5::text[]) WITH ORDINALITY AS given (alert, text, i)
), paged AS (
    INSERT INTO outbox (position, alert, topic, body)
    SELECT $1::bigint + g.i - 1, a.id, 'alert', jsonb_build_object('alert', a.id, 'kind', a.kind, 'severity', a.severity)
    FROM given g JOIN alert a ON a.id = g.alert
    WHERE a.condition = 'active' AND {alerts.STATE} = 'new' AND EXISTS (
        SELECT FROM outage_hold h JOIN outage_tag t ON t.outage = h.outage AND t.tag = a.tag
        WHERE h.id = ANY($3::bigint[]) AND h.alert = a.id AND h.muted AND h.calls = a.calls AND t.back_at IS NULL)
    ORDER BY g.i
)
INSERT INTO alert_history (alert, position, part, at, what, text, details)
SELECT alert, $1::bigint + i - 1, 0, $2, 'stands alone', text, '{{}}' FROM given {RETURNING["alert_history"]}"""  # noqa: S608


async def release(change: Edit, at_us: int, most: int | None) -> tuple[int, int]:
    """Let go of what settled outages held; how many that are, and how many of them stand alone.

    Whoever is still silent is paged for as they would have been. Also of what was held while its outage was being settled.

    Parameters
    ----------
    most : as for ``hold``
    """
    rows = await change.connection.fetch(
        f"""SELECT h.id, h.alert, o.alert AS cause, h.calls = a.calls AND coalesce(t.back_at > o.settled_at, true)
                AND coalesce(a.ended_at > o.settled_at, true) AS alone
            FROM outage o JOIN outage_hold h ON h.outage = o.id JOIN alert a ON a.id = h.alert
            JOIN outage_tag t ON t.outage = o.id AND t.tag = a.tag
            WHERE o.settled_at IS NOT NULL AND h.released_at IS NULL AND h.noted
            ORDER BY h.outage, h.id LIMIT $1 {_LOCKED}""",  # noqa: S608 (constant)
        most,
    )
    if not rows:
        return 0, 0
    alone = {row["alert"]: f"Still silent when outage {row['cause']} was settled." for row in rows if row["alone"]}
    first = min([change.entry("alert", alert, "stands alone") for alert in alone], default=-1)
    ids = [row["id"] for row in rows]
    change.numbered(_RELEASE, at_us, ids, list(alone), list(alone.values()), entry=first, kept="alert_history")
    return len(rows), len(alone)
