"""Turns tags that lanes found overdue into outages as they stand in the database: the rule's own words, written down.

Called within one transaction at a time by whoever looks at all lanes: the watch, and a replay's worker on its trace's clock.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from alerts.outage import Happened, Outage, Outages, Overdue, Told
from model.outage import GROUPS, Group
from store import outages
from store.feed import Edit
from store.outages import Open, Tag


def row(one: Overdue) -> Tag:
    """An overdue tag as it is stored."""
    names = {group.kind: group.name for group in one.groups}
    gateway, network, model = (names.get(kind, "") for kind in GROUPS)
    return Tag(one.tag, one.since_us, gateway, network, model, one.guarded)


def overdue(tag: Tag) -> Overdue:
    """The other way round."""
    names = {"gateway": tag.gateway, "network": tag.network, "model": tag.model}
    groups = tuple(Group(kind, name) for kind, name in names.items() if name)
    return Overdue(tag.tag, tag.since_us, groups, tag.guarded)


async def look(
    change: Edit,
    worn: Mapping[Group, int],
    found: Iterable[Overdue],
    now_us: int,
    most: int | None = outages.MOST,
) -> dict[str, object]:
    """Bring the outages up to ``now_us``; what was done, empty where that is nothing.

    Parameters
    ----------
    worn, found : as for ``alerts.outage.Outages.step``
    most : silences to be held or released; the rest is for the next looks. None: all
    """
    did = await _released(change, now_us, most)
    found = list(found)
    open_, alone = await outages.standing(change.connection), await outages.alone(change.connection)
    if not found and not open_ and not alone:
        return did | await _held(change, [], now_us, most)
    known = {(one.group, one.began_us): one for one in open_}
    rule = Outages((_outage(one) for one in open_), (overdue(one) for one in alone))
    told = rule.step(worn, found, now_us)
    # One that was left over and is heard again is told by nobody's list.
    since_us = {one.tag: one.since_us for one in found if one.to_us > now_us}
    ends = {one.tag: one.to_us for one in found if one.to_us <= now_us}
    again = [one for one in alone if since_us.get(one.tag, now_us) > one.since_us]
    await outages.back(change, [(one.tag, ends.get(one.tag, since_us.get(one.tag, now_us))) for one in again])
    about = {one.id for one in open_}
    for one in told:
        did |= await _write(change, known, one)
        about |= {standing.id for standing in known.values()}  # also one that begins and is settled within one look
    under = {(one.group, one.began_us): one.under_us for one in rule.open.values()}
    await outages.under(change, [(one.id, under.get(place) or None) for place, one in known.items()])
    return did | await _held(change, about, now_us, most)


async def release(change: Edit, now_us: int) -> None:
    """Let go of all that settled outages hold: for a trace's clock, whose next look may be hours away."""
    await _released(change, now_us, None)


async def _held(change: Edit, about: Collection[int], now_us: int, most: int | None) -> dict[str, object]:
    held = await outages.hold(change, about, now_us, most)
    return {"held": held} if held else {}


async def _released(change: Edit, now_us: int, most: int | None) -> dict[str, object]:
    released, alone = await outages.release(change, now_us, most)
    return {"released": released, "alone": alone} if released else {}


def _outage(one: Open) -> Outage:
    still = {tag.tag: overdue(tag) for tag in one.still}
    return Outage(one.group, one.began_us, one.ended_us or 0, one.under_us or 0, one.closed_us or 0, set(one.listed), still)


_OVER: Final = {
    Told.ENDED: "Half are back: {silent} of {worn} tags of {where} are silent.",
    Told.FEW: "Too few for an outage since a quarter of an hour: {silent} of {worn} tags of {where} are silent, each by itself.",
    Told.CLOSED: "Closed while {silent} of {worn} tags of {where} are silent: each by itself.",
}


async def _write(change: Edit, known: dict[tuple[Group, int], Open], one: Happened) -> dict[str, object]:
    tags = [row(tag) for tag in one.tags]
    place = (one.group, one.began_us)
    if one.told is Told.BEGAN:
        outage, alert = await outages.begin(change, one.group, one.worn, tags, one.at_us)
        known[place] = Open(outage, alert, one.group, one.at_us, None, None, None, frozenset(), [])
        return {"outage": alert}
    standing = known[place]
    if one.told is Told.JOINED:
        await outages.join(change, standing.id, tags)
    elif one.told is Told.BACK:
        await outages.back(change, [(tag.tag, one.at_us) for tag in tags])
    did: dict[str, object] = {}
    if one.told in {Told.ENDED, Told.FEW} or (one.told is Told.CLOSED and standing.ended_us is None):
        where = await outages.called(change.connection, one.group)
        text = _OVER[one.told].format(silent=len(tags), worn=one.worn, where=where)
        await outages.end(change, standing.id, standing.alert, text, one.at_us)
        known[place] = standing._replace(ended_us=one.at_us)
        did = {"outage_over": standing.alert}
    if one.told in {Told.SETTLED, Told.FEW, Told.CLOSED}:
        await outages.settle(change, standing.id, one.at_us)
        del known[place]
        did |= {"outage_settled": standing.alert}
    return did
