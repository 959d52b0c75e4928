"""Turns the control tables into what verdicts depend on: zone versions, to which tags they apply, and by whose authority."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import asyncpg
import numpy as np

from model import timetable
from model.arrays import I64, Array, Bool, among, distinct, rows_of, taken
from model.batch import Rejected
from model.curfew import Curfew
from model.errors import CordonError
from model.instant import BEGINNING_US, DAY_US, FOREVER_US, MINUTE_US
from model.outage import Hardware
from model.setting import Setting
from model.visit import Visit
from model.zone import Purpose, Zone, ZoneKind
from model.zones import KINDS as KIND_ORDER
from model.zones import PURPOSES as PURPOSE_ORDER
from model.zones import ROW, Outlines, Zones, merged
from store import columns, pool, settings
from store.pool import Connection, Source, Store

# What a worker catches where the control tables cannot be read, to stop judging and say so.
FAILURES: Final = pool.FAILURES

# Schedules are written out as intervals this far around the time asked for: far enough back for data that gateways held for
# weeks, far enough ahead that a worker which loads again once a day never reaches the end.
PAST_US: Final = 60 * DAY_US
AHEAD_US: Final = 30 * DAY_US

Span = tuple[int, int]

# Whom a zone version is for: one of these is not 0.
AIM: Final = np.dtype([("wearer", "<i8"), ("group", "<i8"), ("everyone", "<i8")])
NOBODY: Final = np.zeros((0, 2), np.int64)
NO_ZONES: Final = Zones.of(())

# Calling an enum costs ten times a look-up, and there are hundreds of thousands of zones.
KINDS: Final[Mapping[str, ZoneKind]] = {str(kind): kind for kind in ZoneKind}
PURPOSES: Final[Mapping[str, Purpose]] = {str(purpose): purpose for purpose in Purpose}


class Controls(NamedTuple):
    """Everything of the control tables that verdicts depend on, as of one position in the feed."""

    zones: Zones  # with the outlines that were asked for
    assignments: I64  # (a, 4) of ``Assignment``
    monitored: I64  # (m, 6) of ``Monitored``, in order of tag, beginning and order
    shared: Sequence[int]  # zones that apply to everyone monitored
    control_seq: int
    curfews: Sequence[Curfew] = ()  # in order of id and version
    visits: Sequence[Visit] = ()  # in order of their beginning
    aims: Array = np.zeros(0, AIM)  # (n,) AIM, a row a zone version
    members: I64 = NOBODY  # (k, 2) group and wearer
    settings: Sequence[Setting] = ()
    hardware: Sequence[Hardware] = ()
    said_us: int = 0  # when the change at ``control_seq`` was made: the same position of another history has another


SEQ: Final = "SELECT COALESCE(max(position), 0) FROM feed_entry WHERE kind = 'control'"
SAID: Final = "SELECT at FROM feed_entry WHERE position = $1 AND kind = 'control'"


# The view ``authority_span``. Nearly all orders are as they were made; what it says of those took two thirds of its time.
_SPANS: Final = """
    SELECT id AS monitoring_order, wearer, greatest(starts, timestamptz '1970-01-01 00:00:00+00') AS starts,
        least(coalesce(ends, timestamptz '9999-01-01 00:00:00+00'), timestamptz '9999-01-01 00:00:00+00') AS ends
    FROM monitoring_order AS made WHERE status IN ('active', 'unlawfully_at_large')
        AND NOT EXISTS (SELECT FROM order_status WHERE monitoring_order = made.id)
    UNION ALL SELECT * FROM authority_span WHERE monitoring_order IN (SELECT monitoring_order FROM order_status)
"""


def _monitored_query(of: str = "") -> str:
    """Who wears which tag by whose authority; an order that changes from one status in force to another has a row for each."""
    spans = f"SELECT * FROM authority_span {of}" if of else _SPANS  # noqa: S608 (of our own conditions)
    return f"""
        SELECT tag, activation.wearer, monitoring_order, greatest(fitted_from, starts) AS starts,
            least(coalesce(fitted_to, timestamptz '9999-01-01 00:00:00+00'), ends) AS ends, fitted_from
        FROM activation JOIN ({spans}) AS span USING (wearer) {of}
            {"AND" if of else "WHERE"} greatest(fitted_from, starts) < least(fitted_to, ends)
        ORDER BY tag, starts, monitoring_order
    """  # noqa: S608 (of our own conditions)


MONITORED_COLUMNS: Final = {"tag": "i8", "wearer": "i8", "order": "i8", "starts": "us", "ends": "us", "worn": "us"}


# Not the GeoJSON it was made of: of 100,000 zones reading that took 12 s, four times as long as all the rest. $1 is a time.
def _versions_query(of: str = "") -> str:
    return f"""
        SELECT zone, version::bigint, array_position(ARRAY[{_listed(KIND_ORDER)}], kind)::bigint,
            array_position(ARRAY[{_listed(PURPOSE_ORDER)}], purpose)::bigint, attendance::int::bigint, confirm_fixes::bigint,
            radius_m, buffer_m, in_force_from, in_force_to, coalesce(valid_from, timestamptz '1970-01-01 00:00:00+00'),
            coalesce(valid_to, timestamptz '9999-01-01 00:00:00+00'), (schedule IS NOT NULL)::int::bigint,
            coalesce(applies_wearer, 0), coalesce(applies_group, 0), applies_all::int::bigint, octet_length(wkb)::bigint
        FROM zone_version WHERE in_force_to > $1 {of}
    """  # noqa: S608 (of our own conditions)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


VERSION_COLUMNS: Final = {
    "zone": "i8",
    "version": "i8",
    "kind": "i8",
    "purpose": "i8",
    "attendance": "i8",
    "confirm_fixes": "i8",
    "radius_m": "f8",
    "buffer_m": "f8",
    "from_us": "us",
    "to_us": "us",
    "valid_from_us": "us",
    "valid_to_us": "us",
    "scheduled": "i8",
    "wearer": "i8",
    "group": "i8",
    "everyone": "i8",
    "bytes": "i8",
}

# A whole centre's curfews follow a few timetables, and are read again at each control change: text, so that it can be looked up.
CURFEWS: Final = """
    SELECT v.curfew, v.version, v.monitoring_order, o.wearer, v.home, v.grace_min, v.timezone, v.timetable::text,
        v.high_risk, v.in_force_from, v.in_force_to
    FROM curfew_version v JOIN monitoring_order o ON o.id = v.monitoring_order
    WHERE v.in_force_to > $1 ORDER BY v.curfew, v.version
"""

# Given afterwards, an absence lifts nothing that was judged by then: the history stays as it was.
ABSENCES: Final = """
    SELECT curfew, greatest(starts, in_force_from), least(ends, in_force_to) FROM absence
    WHERE ends > $1 AND greatest(starts, in_force_from) < least(ends, in_force_to) ORDER BY 1, 2
"""

# A window lasts two days at most; one that is not whole in what is written out would be taken for a shorter one.
LONGEST_US: Final = 2 * DAY_US

VISITS: Final = """
    SELECT visit.id, wearer, tag, new_tag, signed_in, signed_out, outcome = 'done' AND strap_proven AS proven, account.name
    FROM visit_attempt JOIN visit ON visit.id = visit LEFT JOIN account ON account.id = by
    WHERE signed_out IS NULL OR signed_out > $1 ORDER BY signed_in, visit.id, number
"""

# The same of some wearers, of some zones, of some curfews.
OF_WEARERS: Final = "WHERE wearer = ANY($1)"
CURFEWS_OF: Final = f"SELECT * FROM ({CURFEWS}) AS every WHERE wearer = ANY($2) ORDER BY curfew, version"  # noqa: S608
ABSENCES_OF: Final = f"SELECT * FROM ({ABSENCES}) AS every WHERE curfew = ANY($2)"  # noqa: S608
VISITS_OF: Final = f"SELECT * FROM ({VISITS}) AS every WHERE wearer = ANY($2)"  # noqa: S608

STRETCH_US: Final = 28 * DAY_US  # writing one timetable out takes 1.4 ms, and a centre has thousands


async def seq(store: Store) -> int:
    """Position in the feed of the newest control change."""
    found: int = await store.pool.fetchval(SEQ)
    return found


async def said_at(source: Source, position: int) -> int:
    """When the control change at a position was made, microseconds; 0 where there is none."""
    found: int | None = await source.fetchval(SAID, position)
    return found or 0


async def load(
    store: Store, around_us: int | None = None, known: Callable[[Connection], Awaitable[Zones | None]] | None = None
) -> Controls:
    """All controls, read at one moment.

    Parameters
    ----------
    around_us : lane time, microseconds since 1970 UTC; the wall clock's where not given. Schedules are written out from
        ``PAST_US`` before it to ``AHEAD_US`` after it, and versions that ended before that are left out: load again each day
    known : gives zone versions whose outlines are not asked for: a version's geometry never changes. Asked
        once all else of the zones is read, over the same connection
    """
    span = _span(around_us)
    async with store.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        control_seq = await connection.fetchval(SEQ)
        said_us = await connection.fetchval(SAID, control_seq)
        monitored = await _monitored(connection)
        zones, aims, length = await _rows(connection, span)
        await _outline(connection, span, zones, length, None if known is None else await known(connection))
        members = await members_of(connection)
        curfew_versions = await connection.fetch(CURFEWS, span[0])
        absences = await connection.fetch(ABSENCES, span[0])
        visited = await connection.fetch(VISITS, span[0])
        said = await settings.load(connection, span[0])
        hardware = await hardware_of(connection)
    shared, assignments = await asyncio.to_thread(assign, zones.row, aims, members, monitored)
    curfews = await _curfews(curfew_versions, absences, span)
    visits = [_visit(row) for row in visited]
    return Controls(
        *(zones, assignments, monitored, shared, control_seq, curfews, visits, aims, members, said, hardware, said_us or 0)
    )


async def at_home(connection: Connection, wearer: int, around_us: int) -> Controls:
    """The controls that presence at home depends on, of one wearer: curfews, their homes, who wore which tag by what authority.

    Other zones and visits are left out. Read in the caller's transaction, at one moment; ``around_us`` as for :func:`load`.
    """
    span = _span(around_us)
    control_seq = await connection.fetchval(SEQ)
    monitored = await _monitored(connection, [wearer])
    curfew_versions = await connection.fetch(CURFEWS_OF, span[0], [wearer])
    homes, numbers = ({row[column] for row in curfew_versions} for column in ("home", "curfew"))
    zones, aims, length = await _rows(connection, span, sorted(homes))
    await _outline(connection, span, zones, length, None, sorted(homes))
    absences = await connection.fetch(ABSENCES_OF, span[0], numbers)
    members = await members_of(connection)
    members = members[members[:, 1] == wearer]
    shared, assignments = assign(zones.row, aims, members, monitored)
    curfews = await _curfews(curfew_versions, absences, span)
    said = await settings.load(connection, span[0])
    return Controls(zones, assignments, monitored, shared, control_seq, curfews, settings=said)


async def some(connection: Connection, around_us: int, known: Zones, wearers: Sequence[int], zones: Sequence[int]) -> Controls:
    """The controls of some wearers, some zones, and all settings, without assignments. In the caller's transaction.

    ``around_us`` is as for :func:`load`; outlines of zone versions that are ``known`` are not asked for.
    """
    span = _span(around_us)
    control_seq = await connection.fetchval(SEQ)
    said_us = await connection.fetchval(SAID, control_seq)
    monitored, curfew_versions, absences, visited = np.zeros((0, 6), np.int64), [], [], []
    if wearers:
        monitored = await _monitored(connection, wearers)
        curfew_versions = await connection.fetch(CURFEWS_OF, span[0], wearers)
        absences = await connection.fetch(ABSENCES_OF, span[0], {row["curfew"] for row in curfew_versions})
        visited = await connection.fetch(VISITS_OF, span[0], wearers)
    table, aims = NO_ZONES, np.zeros(0, AIM)
    if zones:
        table, aims, length = await _rows(connection, span, zones)
        await _outline(connection, span, table, length, known, zones)
    curfews = await _curfews(curfew_versions, absences, span)
    visits = [_visit(row) for row in visited]
    said = await settings.load(connection, span[0])
    none = np.zeros((0, 4), np.int64)
    return Controls(table, none, monitored, (), control_seq, curfews, visits, aims, NOBODY, said, (), said_us or 0)


async def hardware_of(connection: Connection, tags: Sequence[int] | None = None) -> list[Hardware]:
    """What is known of the hardware of all or of some tags, in order."""
    rows = await connection.fetch(
        "SELECT tag, model, network FROM tag_hardware WHERE $1::bigint[] IS NULL OR tag = ANY($1) ORDER BY tag", tags
    )
    return [Hardware(*row) for row in rows]


def _span(around_us: int | None) -> Span:
    """From when to when schedules are written out."""
    around_us = time.time_ns() // 1000 if around_us is None else around_us
    return around_us - PAST_US, around_us + AHEAD_US


async def _monitored(connection: Connection, wearers: Sequence[int] | None = None) -> I64:
    """(m, 6) of ``Monitored``, of all or of some wearers."""
    query = _monitored_query() if wearers is None else _monitored_query(OF_WEARERS)
    rows = await columns.table(connection, query, MONITORED_COLUMNS, *([] if wearers is None else [list(wearers)]))
    return whole(np.column_stack([rows[name] for name in MONITORED_COLUMNS]))


async def members_of(connection: Connection) -> I64:
    """(k, 2) every group and each of its wearers."""
    rows = await columns.table(
        connection,
        "SELECT wearer_group, wearer FROM wearer_group_member ORDER BY 1, 2",
        {"group": "i8", "wearer": "i8"},
    )
    return np.column_stack([rows["group"], rows["wearer"]])


async def _rows(connection: Connection, span: Span, only: Sequence[int] | None = None) -> tuple[Zones, Array, I64]:
    """The zone versions, all or those of some zones, without outlines; whom each is for; bytes of each one's outline."""
    of, args = _only(span, only)
    read = await columns.table(connection, _versions_query(of), VERSION_COLUMNS, *args)
    # Sorted here: mostly they come in order, and the server took as long again to bring all of a table there.
    ahead, behind = read[:-1], read[1:]
    if not (
        (ahead["zone"] < behind["zone"]) | ((ahead["zone"] == behind["zone"]) & (ahead["version"] < behind["version"]))
    ).all():
        read = taken(read, np.lexsort((read["version"], read["zone"])))
    row = np.zeros(len(read), ROW)
    row["id"] = read["zone"]
    for name in ("version", "attendance", "confirm_fixes", "radius_m", "buffer_m", "from_us", "to_us"):
        row[name] = read[name]
    row["kind"], row["purpose"] = read["kind"] - 1, read["purpose"] - 1
    aims = np.zeros(len(read), AIM)
    for name in ("wearer", "group", "everyone"):
        aims[name] = read[name]
    timed = {}
    if read["scheduled"].any():
        schedules = await connection.fetch(
            f"SELECT zone, version, schedule, valid_from, valid_to FROM zone_version "  # noqa: S608 (of our own conditions)
            f"WHERE in_force_to > $1 AND schedule IS NOT NULL {of}",
            *args,
        )
        timed = {(one["zone"], one["version"]): _intervals(one, *span) for one in schedules}
    return Zones(row, _placed(row, read, timed)), aims, read["bytes"]


async def _outline(
    connection: Connection, span: Span, zones: Zones, length: I64, known: Zones | None, only: Sequence[int] | None = None
) -> None:
    """Read the outlines, of so many bytes each, of all that are not known. In the transaction that read ``zones``."""
    of, args = _only(span, only)
    row = zones.row
    new = np.ones(len(row), np.bool_) if known is None else known.find(zones.codes) < 0
    if new.all() or not new.any():
        which, given = f"WHERE in_force_to > $1 {of}", args
    else:
        which = "JOIN unnest($1::bigint[], $2::bigint[]) AS asked (zone, version) USING (zone, version)"
        given = [row["id"][new].tolist(), row["version"][new].tolist()]
    if new.any():
        query = f"SELECT wkb FROM zone_version {which} ORDER BY zone, version"  # noqa: S608 (of our own conditions)
        body, at = await columns.bodies(connection, query, length[new], *given)
        zones.outlines = Outlines(np.flatnonzero(new), body, at)


def _only(span: Span, only: Sequence[int] | None) -> tuple[str, list[Any]]:
    """The condition of a query for some zones, or for all, and its arguments."""
    return ("", [span[0]]) if only is None else ("AND zone = ANY($2)", [span[0], list(only)])


def _placed(row: Array, read: Array, timed: Mapping[tuple[int, int], Sequence[Span]]) -> I64:
    """The intervals of all versions, whose places are set: each its validity, or what its schedule makes of it."""
    row["intervals"] = (read["scheduled"] == 0) & (read["valid_from_us"] < read["valid_to_us"])
    scheduled = np.flatnonzero(read["scheduled"]).tolist()
    spans = [merged(timed[int(row["id"][at]), int(row["version"][at])]) for at in scheduled]
    row["intervals"][scheduled] = [len(own) for own in spans]
    count = row["intervals"].astype(np.int64)
    row["interval_at"] = np.cumsum(count) - count
    interval = np.zeros((int(count.sum()), 2), np.int64)
    plain = (read["scheduled"] == 0) & (count > 0)
    interval[row["interval_at"][plain], 0] = read["valid_from_us"][plain]
    interval[row["interval_at"][plain], 1] = read["valid_to_us"][plain]
    for at, own in zip(scheduled, spans, strict=True):
        first = int(row["interval_at"][at])
        interval[first : first + len(own)] = rows_of(own, 2)
    return interval


async def _curfews(rows: Sequence[asyncpg.Record], absences: Iterable[asyncpg.Record], span: Span) -> list[Curfew]:
    excused: dict[int, list[Span]] = defaultdict(list)
    for curfew, start, end in absences:
        excused[curfew].append((start, end))
    # Not on the loop that others wait for: the first time, every timetable is written out.
    return await asyncio.to_thread(lambda: [_curfew(row, tuple(joined(excused[row["curfew"]])), *span) for row in rows])


def _visit(row: asyncpg.Record) -> Visit:
    tags = tuple(tag for tag in (row["tag"], row["new_tag"]) if tag is not None)
    to_us = FOREVER_US if row["signed_out"] is None else row["signed_out"]
    return Visit(row["id"], row["wearer"], tags, row["signed_in"], to_us, bool(row["proven"]), row["name"] or "nobody named")


def whole(spans: I64) -> I64:
    """(m, 6) spans with those of one tag and order that touch made one; in order of tag, beginning and order."""
    several = _repeated(spans[:, 0])
    if not several.any():
        return spans
    found: list[list[int]] = []
    last: dict[tuple[int, int], list[int]] = {}  # of a tag and order its newest span
    for span in spans[several].tolist():
        tag, wearer, order, from_us, to_us, worn_us = span
        before = last.get((tag, order))
        if before is not None and before[1] == wearer and before[4] >= from_us:
            before[4], before[5] = max(before[4], to_us), min(before[5], worn_us)
        else:
            last[tag, order] = span
            found.append(span)
    joined_up = np.concatenate([spans[~several], rows_of(found, 6)])
    return joined_up[np.lexsort((joined_up[:, 2], joined_up[:, 3], joined_up[:, 0]))]


def _repeated(values: I64) -> Bool:
    """Which of values in order are there more than once."""
    same = np.diff(values) == 0
    repeated: Bool = np.append(False, same)[: len(values)] | np.append(same, False)[: len(values)]
    return repeated


def zone_at(row: asyncpg.Record, around_us: int) -> Zone:
    """A row of zone_version as it was in force around a time, its schedule written out there."""
    first_us, last_us = around_us - PAST_US, around_us + AHEAD_US
    return Zone(
        id=row["zone"],
        version=row["version"],
        kind=KINDS[row["kind"]],
        purpose=PURPOSES[row["purpose"]],
        wkb=row["wkb"],
        radius_m=row["radius_m"],
        buffer_m=row["buffer_m"],
        in_force_from_us=row["in_force_from"],
        in_force_to_us=row["in_force_to"],
        intervals=_intervals(row, first_us, last_us),
        confirm_fixes=row["confirm_fixes"],
        name=row["name"],
        attendance=row["attendance"],
    )


def _intervals(row: asyncpg.Record, first_us: int, last_us: int) -> tuple[Span, ...]:
    """When the version applies: its validity, and within that its schedule."""
    start = BEGINNING_US if row["valid_from"] is None else row["valid_from"]
    end = FOREVER_US if row["valid_to"] is None else row["valid_to"]
    if row["schedule"] is None:
        return ((start, end),) if start < end else ()
    # A schedule without a zone of its own is refused when it is saved.
    table = timetable.parse(row["schedule"], "UTC")
    if isinstance(table, Rejected):
        raise CordonError(f"the schedule of zone {row['zone']} cannot be read ({table.reason}): save the zone again")
    start, end = max(start, first_us), min(end, last_us)
    return tuple((low, high) for low, high in timetable.expand(table, start, end).tolist()) if start < end else ()


def _curfew(row: asyncpg.Record, excused: tuple[Span, ...], first_us: int, last_us: int) -> Curfew:
    # Whole stretches: what was written out serves until the next one begins, and a curfew that nobody changed is the same curfew.
    windows = _windows(row["timetable"], row["timezone"], first_us // STRETCH_US, -(-last_us // STRETCH_US))
    if windows is None:
        raise CordonError(f"the timetable of curfew {row['curfew']} cannot be read: save the curfew again")
    return Curfew(
        id=row["curfew"],
        version=row["version"],
        order=row["monitoring_order"],
        wearer=row["wearer"],
        home=row["home"],
        grace_us=row["grace_min"] * MINUTE_US,
        windows=windows,
        excused=excused,
        high_risk=row["high_risk"],
        in_force_from_us=row["in_force_from"],
        in_force_to_us=row["in_force_to"],
    )


@lru_cache(maxsize=20_000)
def _windows(text: str, zone: str, first: int, last: int) -> tuple[Span, ...] | None:
    """A timetable's windows with a moment between two stretches since 1970, none of them cut; None where it cannot be read."""
    table = timetable.parse(json.loads(text), zone)
    if isinstance(table, Rejected):
        return None
    first_us, last_us = first * STRETCH_US, last * STRETCH_US
    around = timetable.expand(table, first_us - LONGEST_US, last_us + LONGEST_US)
    return tuple((low, high) for low, high in around.tolist() if low < last_us and high > first_us)


def assign(row: Array, aims: Array, members: I64, monitored: I64) -> tuple[list[int], I64]:
    """The zones that apply to everyone, and when each other zone applies to which tag, in order of tag, zone and time.

    A zone's target may change from version to version, so each version assigns for the time it is in force. Several orders, or
    versions that follow each other, make one interval where they touch.

    Parameters
    ----------
    row : (n,) ROW of zone versions
    aims : (n,) AIM, whom each is for
    members : (k, 2) group and wearer
    monitored : (m, 6) of ``Monitored``

    Returns
    -------
    ids of zones; (a, 4) of ``Assignment``
    """
    everyone: Bool = aims["everyone"] != 0
    aimed = distinct(row["id"][~everyone])
    shared = shared_by_all(row, aims)
    # Pairs of a version and a wearer it is for.
    own = np.flatnonzero(~everyone & (aims["group"] == 0))
    of_group = np.flatnonzero(~everyone & (aims["group"] != 0))
    group, wearer = _matched(aims["group"][of_group], members[:, 0])
    some = np.flatnonzero(everyone & among(row["id"], aimed))  # once for all, and once for one
    all_worn = np.unique(monitored[:, 1]) if len(some) else monitored[:0, 1]
    version = np.concatenate([own, of_group[group], np.repeat(some, len(all_worn))])
    who = np.concatenate([aims["wearer"][own], members[wearer, 1], np.tile(all_worn, len(some))])
    # And of those, each with a time in which that wearer wears a tag.
    by_wearer = monitored[np.argsort(monitored[:, 1], kind="stable")]
    pair, span = _matched(who, by_wearer[:, 1])
    version = version[pair]
    from_us = np.maximum(by_wearer[span, 3], row["from_us"][version])
    to_us = np.minimum(by_wearer[span, 4], row["to_us"][version])
    rows = np.column_stack([by_wearer[span, 0], row["id"][version], from_us, to_us])[from_us < to_us]
    rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
    same = (np.diff(rows[:, 0]) == 0) & (np.diff(rows[:, 1]) == 0)
    several = np.append(False, same)[: len(rows)] | np.append(same, False)[: len(rows)]
    if not several.any():
        return shared, rows
    spans: dict[tuple[int, int], list[Span]] = defaultdict(list)
    for tag, zone, start, end in rows[several].tolist():
        spans[tag, zone].append((start, end))
    made = rows_of([(*key, *one) for key, held in spans.items() for one in joined(held)], 4)
    return shared, in_order(np.concatenate([rows[~several], made]))


def shared_by_all(row: Array, aims: Array) -> list[int]:
    """The zones of (n,) ROW that every version says are for everyone."""
    everyone: Bool = aims["everyone"] != 0
    some = distinct(row["id"][everyone])
    shared: list[int] = some[~among(some, distinct(row["id"][~everyone]))].tolist()
    return shared


def in_order(rows: I64) -> I64:
    """(a, 4) of ``Assignment`` in order of tag, zone and time."""
    ordered: I64 = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
    return ordered


def _matched(values: I64, among: I64) -> tuple[I64, I64]:
    """All pairs of a value and an equal one of ``among``, which is in order: their places."""
    first = np.searchsorted(among, values, "left")
    many = np.searchsorted(among, values, "right") - first
    at = np.repeat(np.arange(len(values)), many)
    return at, np.repeat(first - (np.cumsum(many) - many), many) + np.arange(int(many.sum()))


def joined(spans: Sequence[Span]) -> list[Span]:
    """The same time in as few half-open intervals as possible, in order."""
    if len(spans) == 1:
        return list(spans)
    whole: list[Span] = []
    for start, end in sorted(spans):
        if whole and start <= whole[-1][1]:
            whole[-1] = whole[-1][0], max(end, whole[-1][1])
        else:
            whole.append((start, end))
    return whole
