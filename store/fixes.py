"""Stored fixes of a tag, or of a wearer while they wore their tags, read in pages by the table's own key."""

from typing import Final, NamedTuple

import asyncpg

from model.synthetic import FIRST_TAG
from store.pool import Store
from store.refusal import MissingError

# Gateways are few: their names come with the rows.
COLUMNS: Final = """f.tag, f.fix_at, f.received_at, f.seq, f.lon, f.lat, f.accuracy_m, f.speed_mps, f.heading_deg, f.hdop,
    f.flags, f.source, f.quality, f.battery_pct, f.satellites, (SELECT g.name FROM gateway g WHERE g.id = f.gateway) AS gateway"""

# What came while somebody wore the tag and no order allowed it is sealed; a stranger's tag is nobody's yet.
OF_TAG: Final = """FROM fix f WHERE f.tag = $1 AND f.fix_at >= $2 AND f.fix_at < $3
    AND NOT f.fix_at <@ (SELECT time FROM sealed($1) AS time)"""

# Half-open as activations are: the fix at the very instant a tag comes off is no longer the wearer's. The span is said once more
# by itself: only by constants are the other days' tables left out before they are opened.
# Several orders are one time of authority.
OF_WEARER: Final = """FROM activation a
    CROSS JOIN (SELECT unnest(range_agg(tstzrange(starts, ends))) AS time FROM authority_span WHERE wearer = $1) held
    JOIN fix f ON f.tag = a.tag AND f.fix_at >= greatest(a.fitted_from, lower(held.time), $2)
    AND f.fix_at < least(coalesce(a.fitted_to, $3), upper(held.time), $3)
    AND f.fix_at >= $2 AND f.fix_at < $3 WHERE a.wearer = $1"""


class Track(NamedTuple):
    """Whose fixes: a tag's, or a wearer's, in ``[from, to)``, microseconds."""

    tag: int | None
    wearer: int | None
    from_us: int
    to_us: int


class After(NamedTuple):
    """The identity of the last fix read, in the order of reading: by time first."""

    fix_at_us: int
    tag: int
    seq: int
    source: int


def key(row: asyncpg.Record) -> After:
    """Where a row stands."""
    return After(row["fix_at"], row["tag"], row["seq"], row["source"])


async def check(store: Store, track: Track) -> None:
    """Raise ``MissingError`` for a wearer that does not exist, and for a synthetic wearer's tag."""
    if track.tag is not None and track.tag >= FIRST_TAG:
        raise MissingError("tag", track.tag)
    known = track.wearer is None or await store.pool.fetchval("SELECT 1 FROM wearer WHERE id = $1", track.wearer)
    if not known:
        raise MissingError("wearer", track.wearer)


class Query(NamedTuple):
    """A statement and its parameters."""

    sql: str
    given: tuple[int, ...]


def query(track: Track, after: After | None = None, limit: int = 1_000_000) -> Query:
    """The statement of :func:`page`."""
    sql = f"""SELECT {COLUMNS} {_source(track)} AND f.fix_at >= $4 AND (f.fix_at, f.tag, f.seq, f.source) > ($4, $5, $6, $7)
              ORDER BY f.fix_at, f.tag, f.seq, f.source LIMIT $8"""
    return Query(sql, (*_whose(track), *(after or After(track.from_us - 1, 0, 0, 0)), limit))


async def page(store: Store, track: Track, after: After | None, limit: int) -> list[asyncpg.Record]:
    """The next fixes in order of (fix_at, tag, seq, source)."""
    asked = query(track, after, limit)
    return await store.pool.fetch(asked.sql, *asked.given)


async def skip(store: Store, track: Track, after: After | None, count: int) -> After | None:
    """The key of the ``count``-th fix from here if another follows it: where the next page begins; None where none does."""
    rows = await store.pool.fetch(
        f"""SELECT f.fix_at, f.tag, f.seq, f.source {_source(track)}
            AND f.fix_at >= $4 AND (f.fix_at, f.tag, f.seq, f.source) > ($4, $5, $6, $7)
            ORDER BY f.fix_at, f.tag, f.seq, f.source OFFSET $8 LIMIT 2""",
        *_whose(track),
        *(after or After(track.from_us - 1, 0, 0, 0)),
        count - 1,
    )
    return key(rows[0]) if len(rows) == 2 else None


def _source(track: Track) -> str:
    return OF_WEARER if track.wearer is not None else OF_TAG


def _whose(track: Track) -> tuple[int, int, int]:
    whose = track.wearer if track.wearer is not None else track.tag
    assert whose is not None
    return whose, track.from_us, track.to_us
