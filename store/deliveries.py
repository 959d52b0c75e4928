"""Turns the outbox into deliveries, one for each message and channel; says who may try which now, and notes what came of it.

Whoever begins a try has the delivery until the lease ends (``due_at``), so that there is one try at a time however many instances
run, and one whose owner died is tried again. A try that succeeded and could not be noted is made again, with the same key: at
least once. Rows are locked in the order channel, delivery, alert, feed.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import asyncpg

from model.alert import Kind
from store import alerts, audit, channels, feed, incidents
from store.caseloads import ANSWERS, CONCERNED
from store.edits import RETURNING
from store.feed import Edit
from store.pool import Connection, Store
from store.refusal import ConflictError, MissingError, found

# Every message that nobody has looked at becomes a delivery for each channel it is for. What a channel's own silence raised goes
# to all but that channel, which would never hear it.
ADDRESS: Final = f"""
WITH fresh AS (
    SELECT id, alert, (body ->> 'kind') AS kind, (body ->> 'severity')::smallint AS severity,
           CASE topic WHEN 'alert' THEN 'raised' ELSE coalesce(body ->> 'to', topic) END AS tells FROM outbox
    WHERE addressed_at IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
), made AS (
    INSERT INTO delivery (outbox, channel, alert, severity, key)
    SELECT f.id, c.id, f.alert, f.severity, 'msg_' || f.id || '_' || c.id || '_' || left(md5(gen_random_uuid()::text), 12)
    FROM fresh f
    LEFT JOIN alert a ON a.id = f.alert
    JOIN channel c ON c.active AND (c.kinds IS NULL OR f.kind = ANY (c.kinds))
        AND (c.severities IS NULL OR f.severity = ANY (c.severities)) AND (c.tells IS NULL OR f.tells = ANY (c.tells))
        AND (coalesce(c.organisation, c.officer) IS NULL OR EXISTS (SELECT FROM monitoring_order m WHERE {CONCERNED}
            AND (c.organisation IS NULL OR c.organisation = m.organisation) AND (c.officer IS NULL OR c.officer = {ANSWERS})))
        AND (c.undelivered IS NULL OR f.alert IS DISTINCT FROM c.undelivered)
    ON CONFLICT (outbox, channel) DO NOTHING RETURNING 1
), addressed AS (
    UPDATE outbox SET addressed_at = clock_timestamp() FROM fresh WHERE outbox.id = fresh.id RETURNING 1
) SELECT count(*) FROM addressed"""  # noqa: S608 (constants)
MOST: Final = 500  # messages addressed at once

# The gravest first, then the longest overdue; of each channel no more than it has room for ($1 channels, $2 tries under way): $3
# of it, $4 in all, and $5 and $6 more that are kept for P1.
DUE: Final = """
SELECT id FROM (SELECT id, severity, row_number() OVER (ORDER BY severity, due_at) AS nth FROM (
SELECT d.*, coalesce(busy.tries, 0) + row_number() OVER (PARTITION BY c.id ORDER BY d.severity, d.due_at) AS of_channel
FROM channel c
LEFT JOIN unnest($1::bigint[], $2::integer[]) busy (channel, tries) ON busy.channel = c.id
CROSS JOIN LATERAL (
    SELECT id, severity, due_at FROM delivery WHERE channel = c.id AND due_at <= clock_timestamp()
    ORDER BY severity, due_at LIMIT greatest(0, $3::bigint + $5 - coalesce(busy.tries, 0)) FOR UPDATE SKIP LOCKED) d
) fitting WHERE severity = 1 OR of_channel <= $3) ranked WHERE nth <= $4::bigint + CASE severity WHEN 1 THEN $6::bigint ELSE 0 END
ORDER BY nth"""

# All that decides what becomes of a delivery, and all that is sent of it. ``newer``: the channel has a later one of the alert.
WHOLE: Final = f"""
SELECT d.id, d.key, d.channel, d.alert, d.severity, d.attempts, d.state = 'dead' AS dead, d.created_at,
       o.topic, o.body, o.at, c.kind AS by, c.name, c.active, c.target, c.secret,
       CASE WHEN c.before_until > clock_timestamp() THEN c.secret_before END AS secret_before,
       a.condition, a.ended_at,
       {alerts.STATE} AS handling, coalesce(a.handled_at > o.at, false) AS handled_since,
       EXISTS (SELECT FROM delivery n WHERE n.alert = d.alert AND n.channel = d.channel AND n.outbox > d.outbox) AS newer
FROM delivery d JOIN channel c ON c.id = d.channel LEFT JOIN outbox o ON o.id = d.outbox LEFT JOIN alert a ON a.id = d.alert
WHERE d.id = ANY ($1::bigint[]) ORDER BY d.severity, d.due_at"""  # noqa: S608 (constants)


class Due(NamedTuple):
    """A delivery whose time has come, with the alert as it stands now."""

    id: int
    key: str
    channel: int
    alert: int | None  # None: a test, or a digest
    severity: int
    attempts: int  # tries begun before this one
    dead: bool  # it has failed so often that somebody was told
    created_us: int
    topic: str | None  # None: a test
    body: Mapping[str, Any] | None
    at_us: int | None  # when the message was written
    by: str  # "webhook", "mail"
    name: str  # the channel's
    active: bool  # the channel is
    target: str
    secret: bytes | None
    secret_before: bytes | None
    condition: str | None
    ended_us: int | None
    handling: str | None  # effective
    handled_since: bool  # somebody has done something about it since the message was written
    newer: bool


async def address(store: Store) -> int:
    """Make deliveries of the messages nobody has looked at; how many messages, ``MOST`` at a time."""
    addressed: int = await store.pool.fetchval(ADDRESS, MOST)
    return addressed


class Room(NamedTuple):
    """How many tries may be at once of a channel, those under way among them, and how many may be begun; of P1 so many more."""

    each: int
    most: int
    each_p1: int
    most_p1: int


class Turn:
    """The right to begin tries of the deliveries in ``due``, until the transaction ends; made by :func:`turn`.

    ``now_us`` is the database's clock, microseconds since 1970 UTC, where anything is due.
    """

    def __init__(self, connection: Connection, now_us: int, due: Sequence[Due]) -> None:
        self._connection = connection
        self.now_us = now_us
        self.due = due

    async def begin(self, lease_s: Mapping[int, float]) -> None:
        """Begin a try of each delivery named: it is this instance's for so many seconds."""
        await self._connection.execute(
            """UPDATE delivery SET attempts = attempts + 1, tried_at = clock_timestamp(),
                      due_at = clock_timestamp() + make_interval(secs => lease_s)
               FROM unnest($1::bigint[], $2::float8[]) AS begun (id, lease_s) WHERE delivery.id = begun.id""",
            *(list(lease_s), list(lease_s.values())),
        )

    async def supersede(self, why: Mapping[int, str]) -> None:
        """Let go of each delivery named: it would tell nothing that still matters."""
        await self._connection.execute(
            """UPDATE delivery SET state = 'superseded', due_at = NULL, settled_at = clock_timestamp(), last_error = why
               FROM unnest($1::bigint[], $2::text[]) AS gone (id, why) WHERE delivery.id = gone.id""",
            *(list(why), list(why.values())),
        )

    async def leave(self, ids: Sequence[int]) -> None:
        """Try the deliveries named no more; what they were stays visible."""
        await self._connection.execute("UPDATE delivery SET due_at = NULL WHERE id = ANY ($1::bigint[])", ids)


@asynccontextmanager
async def turn(store: Store, busy: Mapping[int, int], room: Room) -> AsyncIterator[Turn]:
    """What is due and nobody else is at, locked until the end.

    Parameters
    ----------
    busy : tries under way in this instance, by channel
    room : for how many more
    """
    async with store.pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(DUE, list(busy), list(busy.values()), *room)
        if not rows:
            yield Turn(connection, 0, [])
            return
        whole = await connection.fetch(WHOLE, [row["id"] for row in rows])
        now_us: int = await connection.fetchval("SELECT clock_timestamp()")
        yield Turn(connection, now_us, [Due(*row) for row in whole])


async def delivered(store: Store, one: Due, text: str) -> None:
    """It came, even where another has begun a try meanwhile. What else is dead in the channel is tried again.

    Parameters
    ----------
    text : the sentence for the alert's history
    """
    async with feed.edit(store) as change:
        channel = await _channel(change, one, "delivered = delivered + 1")
        settled = await change.connection.execute(
            """UPDATE delivery SET state = 'delivered', due_at = NULL, settled_at = clock_timestamp(), last_error = ''
               WHERE id = $1 AND state <> 'delivered'""",
            one.id,
        )
        if settled == "UPDATE 1" and one.alert is not None:
            await _tell(change, one.alert, "told", text)
        if channel["undelivered"] is not None:
            now_us = await change.connection.fetchval("SELECT clock_timestamp()")
            await incidents.end(change, channel["undelivered"], f"Channel {one.name} delivers again.", now_us)
            await change.connection.execute(
                "UPDATE channel SET undelivered = NULL, failing_since = NULL WHERE id = $1", one.channel
            )
            await channels.revive(change.connection, one.channel)


async def failed(store: Store, one: Due, error: str, again_s: float | None, *, dead: bool, gone: bool = False) -> None:
    """It did not come.

    Parameters
    ----------
    again_s : the next try, in so many seconds; None: there is none
    dead : it has failed so often, or for so good a reason, that somebody must be told: an alert of kind ``undelivered``
    gone : the receiver wants no more: the channel is switched off, and what waits for it is dead too
    """
    async with feed.edit(store) as change:
        channel = await _channel(change, one, "failed = failed + 1")
        noted = await change.connection.execute(
            """UPDATE delivery SET last_error = $3, due_at = clock_timestamp() + make_interval(secs => $4),
                      state = CASE WHEN $5 THEN 'dead' ELSE state END
               WHERE id = $1 AND attempts = $2 AND state IN ('waiting', 'dead')""",
            *(one.id, one.attempts + 1, error, again_s, dead),
        )
        if gone:
            version = await change.connection.fetchval(
                """UPDATE channel SET active = false, off_because = $2, version = version + 1 WHERE id = $1 AND active
                   RETURNING version""",
                *(one.channel, error),
            )
            if version is not None:
                audit.done(change, "switched off", f"channel/{one.channel}", version=version, because=error)
            await change.connection.execute(
                """UPDATE delivery SET state = 'dead', due_at = NULL, last_error = $2
                   WHERE channel = $1 AND state IN ('waiting', 'dead')""",
                *(one.channel, error),
            )
        if noted != "UPDATE 1" or not dead:  # another has taken it over: what becomes of it is for that one to say
            return
        if not one.dead and one.alert is not None:
            tries = f"{one.attempts + 1} {'tries' if one.attempts else 'try'}"
            await _tell(change, one.alert, "not_told", f"Channel {one.name} could not be told in {tries}: {error}.")
        if channel["undelivered"] is None and (one.topic is not None or gone):
            await _raise(change, one, error)


async def _channel(change: Edit, one: Due, counted: str) -> asyncpg.Record:
    """Lock the channel and count; as it was."""
    row = await change.connection.fetchrow(
        f"UPDATE channel SET {counted} WHERE id = $1 RETURNING undelivered, active",  # noqa: S608 (constants)
        one.channel,
    )
    assert row is not None
    return row


async def _raise(change: Edit, one: Due, error: str) -> None:
    now_us = await change.connection.fetchval("SELECT clock_timestamp()")
    text = f"Nothing gets through channel {one.name}: {error}."
    alert = await incidents.raise_(change, Kind.UNDELIVERED, one.name, text, now_us)
    await change.connection.execute(
        "UPDATE channel SET undelivered = $2, failing_since = $3 WHERE id = $1", *(one.channel, alert, now_us)
    )


async def _tell(change: Edit, alert: int, what: str, text: str) -> None:
    """A line of the alert's history: whom we told, and when, is evidence."""
    change.numbered(
        f"""INSERT INTO alert_history (alert, position, part, at, what, text) VALUES ($2, $1, 0, clock_timestamp(), $3, $4)
            {RETURNING["alert_history"]}""",  # noqa: S608 (constants)
        *(alert, what, text),
        entry=change.entry("alert", alert, what),
        kept="alert_history",
    )


COLUMNS: Final = """d.id, d.outbox, d.channel, c.name AS channel_name, c.kind AS channel_kind, d.alert, o.body ->> 'kind' AS kind,
    d.severity,
    d.key, d.state, d.attempts, CASE WHEN d.state IN ('waiting', 'dead') THEN d.due_at END AS due_at, d.tried_at, d.settled_at,
    d.last_error, d.created_at
    FROM delivery d JOIN channel c ON c.id = d.channel LEFT JOIN outbox o ON o.id = d.outbox"""


async def trial(change: Edit, channel: int) -> asyncpg.Record:
    """A message that says it is a test, to be sent at once and tried once.

    Raises
    ------
    MissingError, ConflictError
        If there is no such channel; if it is switched off.
    """
    active = await change.connection.fetchval("SELECT active FROM channel WHERE id = $1 FOR UPDATE", channel)
    if active is None:
        raise MissingError("channel", channel)
    if not active:
        raise ConflictError(f"channel {channel} is switched off: switch it on first")
    number = await change.connection.fetchval(
        """INSERT INTO delivery (channel, severity, key)
           VALUES ($1::bigint, 1, 'msg_test_' || $1::bigint || '_' || left(md5(gen_random_uuid()::text), 12)) RETURNING id""",
        channel,
    )
    audit.done(change, "tested", f"channel/{channel}", delivery=number)
    row = await change.connection.fetchrow(f"SELECT {COLUMNS} WHERE d.id = $1", number)
    assert row is not None
    return row


async def get(store: Store, delivery: int) -> asyncpg.Record:
    """One delivery; raises ``MissingError``."""
    return found(await store.pool.fetchrow(f"SELECT {COLUMNS} WHERE d.id = $1", delivery), "delivery", delivery)


async def page(
    store: Store, *, channel: int | None, alert: int | None, state: str | None, before: int | None, limit: int
) -> list[asyncpg.Record]:
    """Newest first, those older than id ``before``."""
    return await store.pool.fetch(
        f"""SELECT {COLUMNS} WHERE ($1::bigint IS NULL OR d.channel = $1) AND ($2::bigint IS NULL OR d.alert = $2)
                AND ($3::text IS NULL OR d.state = $3) AND ($4::bigint IS NULL OR d.id < $4)
            ORDER BY d.id DESC LIMIT $5""",
        *(channel, alert, state, before, limit),
    )
