"""Channels as rows: who is told outside, where, and of which alerts. A secret leaves here when it is made, and never again."""

import secrets
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import asyncpg

from store import audit, incidents
from store.feed import Edit
from store.pool import Connection, Source, Store
from store.refusal import ConflictError, DanglingError, found, unchanged

COLUMNS: Final = """id, name, kind, target, kinds, severities, tells, organisation, officer, active, off_because, undelivered,
    failing_since, delivered, failed, digest_at, digest_timezone, version, created_at"""

# What a client may set, in the order of the statements' parameters; the kind of a channel never changes.
FIELDS: Final = (
    *("name", "target", "kinds", "severities", "tells", "organisation", "officer", "active"),
    *("digest_at", "digest_timezone"),
)

SECRET_BYTES: Final = 32
BOTH_S: Final = 24 * 3600.0  # after a rotation the secret before signs as well for so long: nobody has to change two ends at once
DAY_S: Final = 24 * 3600.0  # what is older is not sent any more: whoever looks at the console knows better


class Silent(NamedTuple):
    """A channel as the watch reads it."""

    id: int
    since_us: int | None  # since when nothing gets through; None: it does, as far as anybody knows


class Total(NamedTuple):
    """What channels of one kind have done, and what waits for them."""

    kind: str
    delivered: int
    failed: int
    waiting: int
    dead: int
    oldest_s: float  # how long the oldest that waits has; 0 where none does


async def page(store: Store, *, after: int, limit: int) -> list[asyncpg.Record]:
    """By id, those after ``after``."""
    return await store.pool.fetch(f"SELECT {COLUMNS} FROM channel WHERE id > $1 ORDER BY id LIMIT $2", after, limit)  # noqa: S608


async def get(source: Source, channel: int) -> asyncpg.Record:
    """One channel; raises ``MissingError``."""
    return found(await source.fetchrow(f"SELECT {COLUMNS} FROM channel WHERE id = $1", channel), "channel", channel)  # noqa: S608


async def add(change: Edit, kind: str, fields: Mapping[str, Any]) -> tuple[asyncpg.Record, bytes | None]:
    """Create one from all of ``FIELDS``; the secret that signs its messages, None where they are mail.

    Raises
    ------
    DanglingError, ConflictError
        If organisation or officer do not exist; if the name is taken.
    """
    await _check_timezone(change, fields)
    secret = secrets.token_bytes(SECRET_BYTES) if kind == "webhook" else None
    try:
        row = await change.connection.fetchrow(
            f"""INSERT INTO channel ({", ".join(FIELDS)}, kind, secret) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
                RETURNING {COLUMNS}""",  # noqa: S608
            *(fields[name] for name in FIELDS),
            kind,
            secret,
        )
    except (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError) as error:
        raise _refusal(error, fields) from None
    assert row is not None
    audit.done(change, "created", f"channel/{row['id']}")
    return row, secret


async def edit(
    change: Edit, channel: int, version: int, fields: Mapping[str, Any], *, rotate: bool = False
) -> tuple[asyncpg.Record, bytes | None]:
    """Change some of ``FIELDS``, or make a new secret, which is returned; the one before signs as well for ``BOTH_S``.

    Switched off, nothing waits for it any more and its ``undelivered`` ends: people know. Switched on, or given another target,
    it is tried at once with what was not delivered within the last day and still matters.

    Raises
    ------
    MissingError, StaleError, DanglingError, ConflictError
    """
    row = await change.connection.fetchrow(f"SELECT {COLUMNS} FROM channel WHERE id = $1 FOR UPDATE", channel)  # noqa: S608
    known = unchanged(row, "channel", channel, version)
    if rotate and known["kind"] != "webhook":
        raise ConflictError(f"channel {channel} sends mail, which nothing signs: leave rotate_secret out")
    whole = {name: fields.get(name, known[name]) for name in FIELDS}
    await _check_timezone(change, whole)
    secret = secrets.token_bytes(SECRET_BYTES) if rotate else None
    try:
        row = await change.connection.fetchrow(
            f"""UPDATE channel SET name = $2, target = $3, kinds = $4, severities = $5, tells = $6, organisation = $7,
                       officer = $8, active = $9, digest_at = $10, digest_timezone = $11,
                       off_because = CASE WHEN $12 THEN '' ELSE off_because END, version = version + 1,
                       secret = coalesce($13, secret),
                       secret_before = CASE WHEN $13::bytea IS NULL THEN secret_before ELSE secret END,
                       before_until = CASE WHEN $13::bytea IS NULL THEN before_until
                                           ELSE clock_timestamp() + make_interval(secs => $14) END
                WHERE id = $1 RETURNING {COLUMNS}""",  # noqa: S608
            *(channel, *(whole[name] for name in FIELDS), "active" in fields, secret, BOTH_S),
        )
    except (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError) as error:
        raise _refusal(error, whole) from None
    assert row is not None
    if fields.get("active") is False:
        row = await _off(change, row)
    elif row["active"] and (not known["active"] or row["target"] != known["target"]):
        await revive(change.connection, channel)
    audit.done(change, "edited", f"channel/{channel}", version=row["version"], fields=sorted(fields), rotated=rotate)
    return row, secret


async def revive(connection: Connection, channel: int) -> None:
    """Let what has died in this channel within the last day be tried now; what no longer matters is superseded then."""
    await connection.execute(
        """UPDATE delivery SET due_at = clock_timestamp() WHERE channel = $1 AND state = 'dead' AND outbox IS NOT NULL
           AND created_at > now() - make_interval(secs => $2)""",
        *(channel, DAY_S),
    )


async def _off(change: Edit, row: asyncpg.Record) -> asyncpg.Record:
    """A person has switched it off."""
    await change.connection.execute(
        """UPDATE delivery SET state = 'superseded', due_at = NULL, settled_at = clock_timestamp(),
                  last_error = 'the channel was switched off' WHERE channel = $1 AND state IN ('waiting', 'dead')""",
        row["id"],
    )
    if row["undelivered"] is not None:
        now_us = await change.connection.fetchval("SELECT clock_timestamp()")
        text = f"Channel {row['name']} was switched off: nobody is to be told through it."
        await incidents.end(change, row["undelivered"], text, now_us)
    off = await change.connection.fetchrow(
        f"UPDATE channel SET undelivered = NULL, failing_since = NULL WHERE id = $1 RETURNING {COLUMNS}",  # noqa: S608
        row["id"],
    )
    assert off is not None
    return off


async def silent(connection: Connection) -> list[Silent]:
    """Channels that are to be heard, by id."""
    rows = await connection.fetch("SELECT id, failing_since FROM channel WHERE active OR undelivered IS NOT NULL ORDER BY id")
    return [Silent(*row) for row in rows]


async def totals(store: Store) -> list[Total]:
    """Of each kind of channel there is."""
    rows = await store.pool.fetch(
        """SELECT kind, sum(delivered)::bigint, sum(failed)::bigint, coalesce(sum(waiting), 0)::bigint,
                  coalesce(sum(dead), 0)::bigint, coalesce(max(oldest_s), 0)
           FROM channel LEFT JOIN (
               SELECT channel, count(*) FILTER (WHERE state = 'waiting') AS waiting,
                      count(*) FILTER (WHERE state = 'dead') AS dead,
                      extract(epoch FROM clock_timestamp() - min(created_at) FILTER (WHERE state = 'waiting'))::float8 AS oldest_s
               FROM delivery WHERE state IN ('waiting', 'dead') GROUP BY channel) open ON open.channel = channel.id
           GROUP BY kind ORDER BY kind"""
    )
    return [Total(*row) for row in rows]


async def _check_timezone(change: Edit, fields: Mapping[str, Any]) -> None:
    """The database goes by it each morning: a name that it does not know would fail every channel's digest."""
    if fields["digest_timezone"] is None:
        return
    known = await change.connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = $1)", fields["digest_timezone"]
    )
    if not known:
        raise ConflictError(f"the database knows no time zone {fields['digest_timezone']}: name another of the same rules")


def _refusal(error: asyncpg.PostgresError, fields: Mapping[str, Any]) -> ConflictError | DanglingError:
    if isinstance(error, asyncpg.UniqueViolationError):
        return ConflictError(f"there is a channel named {fields['name']} already: choose another name")
    if "officer" in str(getattr(error, "constraint_name", "")):
        return DanglingError("officer", "account", fields["officer"])
    return DanglingError("organisation", "organisation", fields["organisation"])
