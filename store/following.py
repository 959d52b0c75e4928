"""A reading of the control tables and what was changed since become the next reading: what nobody touched is not read again."""

import asyncio
from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np

from model.arrays import I64, Array, Bool, among, distinct
from model.curfew import Curfew
from model.visit import Visit
from model.zones import ROW, Zones
from store import controls
from store.controls import Controls
from store.pool import Connection, Store

MOST: Final = 1000  # changes since a reading: of more, everything is read again

# Whose controls a change is about. A zone's and a group's are told by themselves.
_WEARERS: Final = """
    SELECT 'wearer' AS what, id AS ref, id AS wearer FROM wearer WHERE id = ANY($1)
    UNION SELECT 'activation', id, wearer FROM activation WHERE id = ANY($2)
    UNION SELECT 'order', id, wearer FROM monitoring_order WHERE id = ANY($3)
    UNION SELECT 'visit', id, wearer FROM visit WHERE id = ANY($4)
    UNION SELECT 'curfew', curfew, wearer FROM curfew_version JOIN monitoring_order o ON o.id = monitoring_order
        WHERE curfew = ANY($5)
    UNION SELECT 'absence', absence.id, wearer FROM absence JOIN curfew_version USING (curfew)
        JOIN monitoring_order o ON o.id = monitoring_order WHERE absence.id = ANY($6)
"""
_OF_WEARERS: Final = ("wearer", "activation", "order", "visit", "curfew", "absence")
_KNOWN: Final = frozenset({*_OF_WEARERS, "zone", "group", "settings", "tag"})

_CHANGES: Final = "SELECT DISTINCT what, ref FROM feed_entry WHERE kind = 'control' AND position > $1 LIMIT $2"


class Reading(NamedTuple):
    """A reading, and whose answers may differ from what they were by the one before."""

    controls: Controls  # with the outlines of those zone versions alone that are new
    tags: I64  # (n,) int64, ascending


class _Touched(NamedTuple):
    """What changes are about."""

    wearers: I64
    zones: I64
    groups: I64
    tags: I64  # of whose hardware more is known


async def follow(store: Store, old: Controls, around_us: int) -> Reading | None:
    """The controls as they are now, of which all that no control change names is taken from an earlier reading.

    None where everything has to be read again: changes are many, or one does not say what it is about (a whole world was
    written), or the earlier reading is of another history than the database now has.

    Parameters
    ----------
    around_us : as for ``controls.load``
    """
    async with store.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        if await connection.fetchval(controls.SAID, old.control_seq) != old.said_us:
            return None
        touched = await _touched(connection, old.control_seq)
        if touched is None:
            return None
        read = await controls.some(connection, around_us, old.zones, touched.wearers.tolist(), touched.zones.tolist())
        members = await controls.members_of(connection) if len(touched.groups) else old.members
        hardware = await controls.hardware_of(connection, touched.tags.tolist()) if len(touched.tags) else []
    return await asyncio.to_thread(_merged, old, read._replace(members=members, hardware=hardware), touched)


async def _touched(connection: Connection, after: int) -> _Touched | None:
    said: dict[str, set[int]] = {}
    for what, ref in await connection.fetch(_CHANGES, after, MOST + 1):
        said.setdefault(what, set()).add(ref)
    if not said.keys() <= _KNOWN or sum(map(len, said.values())) > MOST:
        return None
    asked = [sorted(said.get(what, ())) for what in _OF_WEARERS]
    found = await connection.fetch(_WEARERS, *asked) if any(asked) else []
    if {(row["what"], row["ref"]) for row in found} != {(what, ref) for what in _OF_WEARERS for ref in said.get(what, ())}:
        return None  # something is gone: whose it was cannot be told
    wearers, others = {row["wearer"] for row in found}, (said.get(what, ()) for what in ("zone", "group", "tag"))
    return _Touched(_array(wearers), *map(_array, others))


def _merged(old: Controls, read: Controls, touched: _Touched) -> Reading:
    """The earlier reading with what was read in place of what it held of the same wearers and zones."""
    monitored = np.concatenate([old.monitored[~among(old.monitored[:, 1], touched.wearers)], read.monitored])
    monitored = monitored[np.lexsort((monitored[:, 2], monitored[:, 3], monitored[:, 0]))]
    mine = among(old.monitored[:, 1], touched.wearers)
    tags = np.union1d(old.monitored[mine, 0], read.monitored[:, 0])
    zones = old.zones.replaced(among(old.zones.row["id"], touched.zones), read.zones)
    aims = _aligned(zones, old, read)
    of_groups = [one.zones.row["id"][np.isin(one.aims["group"], touched.groups)] for one in (old, read) if len(touched.groups)]
    aimed = np.unique(np.concatenate([touched.zones, *of_groups]))
    row = zones.row
    theirs = among(row["id"], aimed)
    _, of_zones = controls.assign(row[theirs], aims[theirs], read.members, monitored)
    worn = monitored[among(monitored[:, 0], tags)]
    near = _for(aims, read.members, np.unique(worn[:, 1]))
    others = ~theirs & among(row["id"], distinct(row["id"][near]))
    _, of_tags = controls.assign(row[others], aims[others], read.members, worn)
    left = ~(among(old.assignments[:, 1], aimed) | among(old.assignments[:, 0], tags))
    assignments = controls.in_order(np.concatenate([old.assignments[left], of_zones, of_tags]))
    wearers, hard = frozenset(touched.wearers.tolist()), frozenset(touched.tags.tolist())
    whole = read._replace(
        zones=zones,
        aims=aims,
        monitored=monitored,
        assignments=assignments,
        shared=controls.shared_by_all(row, aims),
        curfews=sorted([*(one for one in old.curfews if one.wearer not in wearers), *read.curfews], key=_by_version),
        hardware=sorted([*(one for one in old.hardware if one.tag not in hard), *read.hardware]),
        visits=sorted([*(one for one in old.visits if one.wearer not in wearers), *read.visits], key=_by_beginning),
    )
    before = old.assignments[among(old.assignments[:, 1], aimed), 0]
    concerned = np.unique(np.concatenate([tags, before, of_zones[:, 0], *_retyped(old, whole)]))
    return Reading(whole, _all(old, whole) if _shared(old, whole, aimed) else concerned)


def _aligned(zones: Zones, old: Controls, read: Controls) -> Array:
    """Whom each version of a table is for, as it was read or as it was before."""
    fresh = read.zones.find(zones.codes)
    aims = np.concatenate([old.aims, read.aims])
    found: Array = aims[np.where(fresh >= 0, len(old.aims) + fresh, old.zones.find(zones.codes))]
    return found


def _for(aims: Array, members: I64, wearers: I64) -> Bool:
    """Which zone versions are for any of some wearers."""
    groups = np.unique(members[among(members[:, 1], wearers), 0])
    near: Bool = (aims["everyone"] != 0) | among(aims["wearer"], wearers) | ((aims["group"] != 0) & among(aims["group"], groups))
    return near


def between(old: Controls, new: Controls) -> I64:
    """(n,) int64 tags, ascending, whose monitoring, zones, zones' versions, curfews or visits differ between two readings."""
    changed = _differing(old.zones, new.zones)
    if _shared(old, new, changed):
        return _all(old, new)
    wearers = _array({item.wearer for item in (set(old.curfews) ^ set(new.curfews)) | (set(old.visits) ^ set(new.visits))})
    found = [_apart(old.monitored, new.monitored)[:, 0], _apart(old.assignments, new.assignments)[:, 0]]
    for one in (old, new):
        found.append(one.assignments[among(one.assignments[:, 1], changed), 0])
        found.append(one.monitored[among(one.monitored[:, 1], wearers), 0])
    return np.unique(np.concatenate([*found, *_retyped(old, new)]))


def _retyped(old: Controls, new: Controls) -> list[I64]:
    """Tags of the orders that a version of a type's settings is for in one of two readings alone: those whose type is another.

    What is set is in force at an instant to come, which is looked at then.
    """
    known = {(one.order_type, one.version): one.orders for one in old.settings if one.scope == "type"}
    now = [one for one in new.settings if one.scope == "type" and (one.order_type, one.version) in known]
    orders = _array(set().union(*(one.orders ^ known[one.order_type, one.version] for one in now)))
    return [one.monitored[among(one.monitored[:, 2], orders), 0] for one in (old, new)]


def _shared(old: Controls, new: Controls, zones: I64) -> bool:
    """Whether what differs is of zones that apply to everyone."""
    return list(old.shared) != list(new.shared) or bool(among(zones, _array({*old.shared, *new.shared})).any())


def _all(old: Controls, new: Controls) -> I64:
    return np.union1d(old.monitored[:, 0], new.monitored[:, 0])


def _differing(old: Zones, new: Zones) -> I64:
    """Ids of the zones any version of which is not the same in both, but for its name and its outline, which never change."""
    place = old.find(new.codes)
    common = np.flatnonzero(place >= 0)
    ours, theirs = old.row[place[common]], new.row[common]
    same = np.ones(len(common), np.bool_)
    for field in ROW.names or ():
        if field != "interval_at":
            same &= ours[field] == theirs[field]
    one = same & (theirs["intervals"] == 1)
    equal = old.interval[ours["interval_at"][one]] == new.interval[theirs["interval_at"][one]]
    same[np.flatnonzero(one)] = equal.all(axis=1)
    for at in np.flatnonzero(same & (theirs["intervals"] > 1)).tolist():
        mine, other, many = int(ours[at]["interval_at"]), int(theirs[at]["interval_at"]), int(theirs[at]["intervals"])
        same[at] = np.array_equal(old.interval[mine : mine + many], new.interval[other : other + many])
    gone = old.row["id"][new.find(old.codes) < 0]
    return np.unique(np.concatenate([gone, new.row["id"][place < 0], theirs["id"][~same]]))


def _apart(old: I64, new: I64) -> I64:
    """Rows that are in one of two arrays without repeated rows, and not in the other."""
    both = np.concatenate([old, new])
    both = both[np.lexsort(both.T[::-1])]
    twin = (both[1:] == both[:-1]).all(axis=1)
    apart: I64 = both[~(np.append(False, twin)[: len(both)] | np.append(twin, False)[: len(both)])]
    return apart


def _array(values: Iterable[int]) -> I64:
    return np.array(sorted(values), np.int64)


def _by_version(curfew: Curfew) -> tuple[int, int]:
    return curfew.id, curfew.version


def _by_beginning(visit: Visit) -> tuple[int, int]:
    return visit.from_us, visit.id
