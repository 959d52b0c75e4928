"""Turns the control tables into what verdicts depend on: zone versions, to which tags they apply, and by whose authority."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import asyncpg

from model import timetable
from model.batch import Rejected
from model.curfew import Curfew
from model.errors import CordonError
from model.instant import BEGINNING_US, DAY_US, FOREVER_US, MINUTE_US
from model.visit import Visit
from model.zone import Assignment, Monitored, Purpose, Zone, ZoneKind
from store import pool
from store.pool import Connection, Store

# What a worker catches where the control tables cannot be read, to stop judging and say so.
FAILURES: Final = pool.FAILURES

# Schedules are written out as intervals this far around the time asked for: far enough back for data that gateways held for
# weeks, far enough ahead that a worker which loads again once a day never reaches the end.
PAST_US: Final = 60 * DAY_US
AHEAD_US: Final = 30 * DAY_US

Span = tuple[int, int]

# Calling an enum costs ten times a look-up, and there are hundreds of thousands of zones.
KINDS: Final[Mapping[str, ZoneKind]] = {str(kind): kind for kind in ZoneKind}
PURPOSES: Final[Mapping[str, Purpose]] = {str(purpose): purpose for purpose in Purpose}


class Controls(NamedTuple):
    """Everything of the control tables that verdicts depend on, as of one position in the feed."""

    zones: list[Zone]
    assignments: list[Assignment]
    monitored: list[Monitored]
    shared: list[int]  # zones that apply to everyone monitored
    control_seq: int
    curfews: Sequence[Curfew] = ()
    visits: Sequence[Visit] = ()


# Who wears which tag by whose authority; an order that changes from one status in force to another has a row for each.
MONITORED: Final = """
    SELECT tag, activation.wearer, monitoring_order, greatest(fitted_from, starts) AS starts, least(fitted_to, ends) AS ends
    FROM activation JOIN authority_span USING (wearer)
    WHERE greatest(fitted_from, starts) < least(fitted_to, ends)
    ORDER BY tag, starts, monitoring_order
"""

SEQ: Final = "SELECT COALESCE(max(position), 0) FROM feed_entry WHERE kind = 'control'"


# Not the GeoJSON it was made of: of 100,000 zones reading that took 12 s, four times as long as all the rest.
VERSIONS: Final = """
    SELECT zone, version, kind, purpose, wkb, radius_m, buffer_m, in_force_from, in_force_to, valid_from, valid_to, schedule,
        confirm_fixes, name, attendance, applies_wearer, applies_group, applies_all
    FROM zone_version WHERE in_force_to > $1 ORDER BY zone, version
"""


# A whole centre's curfews follow a few timetables, and are read again at each control change: text, so that it can be looked up.
CURFEWS: Final = """
    SELECT v.curfew, v.version, v.monitoring_order, o.wearer, v.home, v.grace_min, v.timezone, v.timetable::text,
        o.risk = 'high' OR coalesce(w.details ->> 'risk' = 'high', false) AS high_risk, v.in_force_from, v.in_force_to
    FROM curfew_version v JOIN monitoring_order o ON o.id = v.monitoring_order JOIN wearer w ON w.id = o.wearer
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

# The same of one wearer, of some zones, of some curfews.
MONITORED_OF: Final = f"SELECT * FROM ({MONITORED}) AS every WHERE wearer = $1 ORDER BY tag, starts, monitoring_order"  # noqa: S608
CURFEWS_OF: Final = f"SELECT * FROM ({CURFEWS}) AS every WHERE wearer = $2 ORDER BY curfew, version"  # noqa: S608
VERSIONS_OF: Final = f"SELECT * FROM ({VERSIONS}) AS every WHERE zone = ANY($2) ORDER BY zone, version"  # noqa: S608
ABSENCES_OF: Final = f"SELECT * FROM ({ABSENCES}) AS every WHERE curfew = ANY($2)"  # noqa: S608

STRETCH_US: Final = 28 * DAY_US  # writing one timetable out takes 1.4 ms, and a centre has thousands


async def seq(store: Store) -> int:
    """Position in the feed of the newest control change."""
    found: int = await store.pool.fetchval(SEQ)
    return found


async def load(store: Store, around_us: int | None = None) -> Controls:
    """All controls, read at one moment.

    Parameters
    ----------
    around_us : lane time, microseconds since 1970 UTC; the wall clock's where not given. Schedules are written out from
        ``PAST_US`` before it to ``AHEAD_US`` after it, and versions that ended before that are left out: load again each day
    """
    around_us = time.time_ns() // 1000 if around_us is None else around_us
    first_us, last_us = around_us - PAST_US, around_us + AHEAD_US
    async with store.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        control_seq = await connection.fetchval(SEQ)
        fitted = await connection.fetch(MONITORED)
        versions = await connection.fetch(VERSIONS, first_us)
        members = await connection.fetch("SELECT wearer_group, wearer FROM wearer_group_member")
        curfew_versions = await connection.fetch(CURFEWS, first_us)
        absences = await connection.fetch(ABSENCES, first_us)
        visited = await connection.fetch(VISITS, first_us)
    monitored = whole(Monitored(tag, wearer, order, start, end) for tag, wearer, order, start, end in fitted)
    groups: dict[int, list[int]] = defaultdict(list)
    for group, wearer in members:
        groups[group].append(wearer)
    zones = [_zone(row, first_us, last_us) for row in versions]
    shared, assignments = assign(versions, groups, monitored)
    curfews = await _curfews(curfew_versions, absences, first_us, last_us)
    return Controls(zones, assignments, monitored, shared, control_seq, curfews, [_visit(row) for row in visited])


async def at_home(connection: Connection, wearer: int, around_us: int) -> Controls:
    """The controls that presence at home depends on, of one wearer: curfews, their homes, who wore which tag by what authority.

    Other zones and visits are left out. Read in the caller's transaction, at one moment; ``around_us`` as for :func:`load`.
    """
    first_us, last_us = around_us - PAST_US, around_us + AHEAD_US
    control_seq = await connection.fetchval(SEQ)
    fitted = await connection.fetch(MONITORED_OF, wearer)
    curfew_versions = await connection.fetch(CURFEWS_OF, first_us, wearer)
    homes, numbers = ({row[column] for row in curfew_versions} for column in ("home", "curfew"))
    versions = await connection.fetch(VERSIONS_OF, first_us, homes)
    absences = await connection.fetch(ABSENCES_OF, first_us, numbers)
    members = await connection.fetch("SELECT wearer_group FROM wearer_group_member WHERE wearer = $1", wearer)
    monitored = whole(Monitored(tag, who, order, start, end) for tag, who, order, start, end in fitted)
    shared, assignments = assign(versions, {row["wearer_group"]: [wearer] for row in members}, monitored)
    zones = [_zone(row, first_us, last_us) for row in versions]
    curfews = await _curfews(curfew_versions, absences, first_us, last_us)
    return Controls(zones, assignments, monitored, shared, control_seq, curfews)


async def _curfews(
    rows: Sequence[asyncpg.Record], absences: Iterable[asyncpg.Record], first_us: int, last_us: int
) -> list[Curfew]:
    excused: dict[int, list[Span]] = defaultdict(list)
    for curfew, start, end in absences:
        excused[curfew].append((start, end))
    # Not on the loop that others wait for: the first time, every timetable is written out.
    return await asyncio.to_thread(
        lambda: [_curfew(row, tuple(joined(excused[row["curfew"]])), first_us, last_us) for row in rows]
    )


def _visit(row: asyncpg.Record) -> Visit:
    tags = tuple(tag for tag in (row["tag"], row["new_tag"]) if tag is not None)
    to_us = FOREVER_US if row["signed_out"] is None else row["signed_out"]
    return Visit(row["id"], row["wearer"], tags, row["signed_in"], to_us, bool(row["proven"]), row["name"] or "nobody named")


def whole(spans: Iterable[Monitored]) -> list[Monitored]:
    """Spans with those of one tag and order that touch made one; given and answered in order of tag, beginning and order."""
    found: list[Monitored] = []
    last: dict[tuple[int, int], int] = {}  # of a tag and order, the place of its newest span
    for span in spans:
        place = last.get((span.tag, span.order))
        if place is not None and found[place].wearer == span.wearer and found[place].to_us >= span.from_us:
            found[place] = found[place]._replace(to_us=max(found[place].to_us, span.to_us))
        else:
            last[span.tag, span.order] = len(found)
            found.append(span)
    return found


def zone_at(row: asyncpg.Record, around_us: int) -> Zone:
    """A row of zone_version as it was in force around a time, its schedule written out there."""
    return _zone(row, around_us - PAST_US, around_us + AHEAD_US)


def _zone(row: asyncpg.Record, first_us: int, last_us: int) -> Zone:
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


def assign(
    versions: Iterable[Mapping[str, Any] | asyncpg.Record], groups: Mapping[int, list[int]], monitored: Iterable[Monitored]
) -> tuple[list[int], list[Assignment]]:
    """The zones that apply to everyone, and when each other zone applies to which tag, in order of tag, zone and time.

    A zone's target may change from version to version, so each version assigns for the time it is in force. Several orders, or
    versions that follow each other, make one interval where they touch.
    """
    worn: dict[int, list[Monitored]] = defaultdict(list)
    for span in monitored:
        worn[span.wearer].append(span)
    rows = list(versions)
    aimed = {row["zone"] for row in rows if not row["applies_all"]}
    shared = sorted({row["zone"] for row in rows} - aimed)
    spans: dict[tuple[int, int], list[Span]] = defaultdict(list)
    for row in rows:
        zone, first, last = row["zone"], row["in_force_from"], row["in_force_to"]
        if zone not in aimed:
            continue
        wearers: Iterable[int] = (row["applies_wearer"],)
        if row["applies_all"]:
            wearers = worn
        elif row["applies_group"] is not None:
            wearers = groups.get(row["applies_group"], ())
        for wearer in wearers:
            for tag, _, _, start, end in worn.get(wearer, ()):
                start, end = max(start, first), min(end, last)  # noqa: PLW2901
                if start < end:
                    spans[tag, zone].append((start, end))
    return shared, [Assignment(*key, *span) for key in sorted(spans) for span in joined(spans[key])]


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
