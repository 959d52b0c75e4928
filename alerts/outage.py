"""Tags that are overdue become outages of a gateway, a network or a model, each with its list: what no tag's silence says alone.

Pure: it is told which tags are overdue since when, and which were heard again, and says what that makes at which instant. Drawn
from DOMAIN.md's row "fleet outage" as docs/alerts.md says. Whoever looks at all lanes calls it: the watch (duties/watch.py) on
the wall clock, a replay on its trace's.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count
from typing import Final, NamedTuple

from model.instant import FOREVER_US, MINUTE_US
from model.outage import GROUPS, Group

TAGS: Final = 20  # at least so many overdue at once
SHARE: Final = 0.2  # and so much of the group
ALONE_US: Final = 15 * MINUTE_US  # after half are back, or too few are left: who is still silent stands alone


class Overdue(NamedTuple):
    """A tag that should have been heard from: silent for five minutes and three of its own usual intervals."""

    tag: int
    since_us: int  # when that was so: not when it was last heard
    groups: tuple[Group, ...]
    guarded: bool = False  # whether a victim is to be protected from its wearer
    to_us: int = FOREVER_US  # when it was heard again


class Told(IntEnum):
    """What happens to an outage."""

    BEGAN = 1  # ``tags`` are its list
    JOINED = 2  # ``tags`` became overdue in it
    BACK = 3  # ``tags`` were heard again
    ENDED = 4  # half are back; ``tags`` are not
    SETTLED = 5  # a quarter of an hour later: ``tags`` stand alone
    FEW = 6  # ``tags`` have been too few for an outage for that long: over, and settled with it
    CLOSED = 7  # people closed its incident: likewise


class Happened(NamedTuple):
    """One thing, at its own instant."""

    told: Told
    group: Group
    at_us: int
    tags: tuple[Overdue, ...]
    worn: int  # tags of the group that could be heard, at most
    began_us: int  # of which outage of the group: a second may begin before the first is settled


@dataclass(slots=True)
class Outage:
    """One outage that is not settled yet."""

    group: Group
    began_us: int
    ended_us: int = 0
    under_us: int = 0  # since when too few of its tags are silent for it to begin now; 0: enough are
    closed_us: int = 0  # when people closed its incident
    listed: set[int] = field(default_factory=set)  # every tag it ever had on its list
    still: dict[int, Overdue] = field(default_factory=dict)  # those of its list that were not heard again


Event = tuple[int, int, int, Overdue | Outage]  # when; 0 heard, 1 overdue, 2 settled; which first


class Outages:
    """All that goes on; ``step`` moves it.

    Parameters
    ----------
    not_settled : outages that are not settled
    alone : tags that were left over of one that is, and not heard again since: they count for no other
    """

    def __init__(self, not_settled: Iterable[Outage] = (), alone: Iterable[Overdue] = ()) -> None:
        standing = list(not_settled)
        self.open = {one.group: one for one in standing if not one.ended_us}
        self.over = sorted((one for one in standing if one.ended_us), key=lambda one: (one.ended_us, one.group))
        left = {one.tag: one for one in alone}
        self._alone = set(left)
        self._in = {tag: outage for outage in standing for tag in outage.still}
        self._silent = left | {tag: one for outage in standing for tag, one in outage.still.items()}
        self._fresh: dict[Group, dict[int, Overdue]] = {}
        self._explained: Counter[Group] = Counter()  # tags overdue of each group that an outage has, or had, on its list
        self._touched: list[Outage] = []  # that are to be settled at another instant than before
        for one in self._silent.values():
            self._explained.update(one.groups)

    def step(self, worn: Mapping[Group, int], overdue: Iterable[Overdue], now_us: int) -> list[Happened]:
        """What became of it up to ``now_us``.

        Parameters
        ----------
        worn : how many tags of each group are worn and could be heard from
        overdue : every tag that is overdue now, and those that were since the last step and have been heard again. One that was
            overdue at the last step and is not among them is back now
        """
        events = self._news(list(overdue), now_us)
        number = count()  # two that are settled at one instant are settled in the order in which they ended
        for outage in [*self.over, *(self.open[group] for group in sorted(self.open))]:
            events += [(at_us, 2, next(number), outage) for at_us in _due(outage)]
        heapq.heapify(events)
        told: list[Happened] = []
        while events and events[0][0] <= now_us:
            at_us, what, _, about = heapq.heappop(events)
            if isinstance(about, Outage):
                happened = self._settle(about, at_us, worn)
            elif what == 0:
                happened = self._back(about, at_us, worn)
            else:
                happened = self._overdue(about, at_us, worn)
            told += happened
            for outage in {id(one): one for one in self._touched}.values():
                for due_us in _due(outage):
                    heapq.heappush(events, (due_us, 2, next(number), outage))
            self._touched.clear()
        return told

    def _news(self, overdue: Sequence[Overdue], now_us: int) -> list[Event]:
        """Who was heard and who became overdue since the last step."""
        now = {one.tag: one for one in overdue if one.to_us > now_us}
        spells = [one for one in overdue if one.to_us <= now_us]
        told_back = {one.tag for one in spells}
        events: list[Event] = []
        known = dict(self._silent)
        for tag, one in known.items():
            again = now.get(tag)
            if (again is None and tag not in told_back) or (again is not None and again.since_us > one.since_us):
                ended = next((spell.to_us for spell in spells if spell.tag == tag), now_us if again is None else again.since_us)
                events.append((ended, 0, tag, one))
        events += [(one.to_us, 0, one.tag, one) for one in spells]
        for one in [*now.values(), *spells]:
            before = known.get(one.tag)
            if before is None or before.since_us < one.since_us:
                events.append((one.since_us, 1, one.tag, one))
        return events

    def _overdue(self, one: Overdue, at_us: int, worn: Mapping[Group, int]) -> list[Happened]:
        self._silent[one.tag] = one
        for group in one.groups:
            self._fresh.setdefault(group, {})[one.tag] = one
        return self._gather(one.groups, at_us, worn)

    def _gather(self, groups: Sequence[Group], at_us: int, worn: Mapping[Group, int]) -> list[Happened]:
        """What the tags that nothing explains make of some groups: more of an outage that goes on, or one that begins.

        Both by the rule: an outage of which too few are left takes nobody on its list. Only a tag that becomes overdue can make
        any: what others explain, and who comes back, leaves a smaller share of every group.
        """
        told: list[Happened] = []
        while groups:
            found = [(self._share(group, worn), -GROUPS.index(group.kind), group) for group in groups]
            going = next((group for share, _, group in found if share >= SHARE and group in self.open), None)
            share, _, group = max(found)
            if going is not None:
                share, group = SHARE, going
            if share < SHARE:
                break
            fresh = dict(self._fresh[group])
            outage = self.open.get(group)
            told_as = Told.BEGAN if outage is None else Told.JOINED
            if outage is None:
                outage = self.open[group] = Outage(group, at_us)
            outage.under_us = 0
            outage.listed |= fresh.keys()
            outage.still |= fresh
            for other in fresh.values():
                self._in[other.tag] = outage
                self._explained.update(other.groups)
                self._unfresh(other)
            told.append(Happened(told_as, group, at_us, _in_order(fresh.values()), worn.get(group, 0), outage.began_us))
        return told

    def _share(self, group: Group, worn: Mapping[Group, int]) -> float:
        """How much of a group is overdue, of the tags that nothing else explains; 0 where they are too few, or none is new."""
        fresh = len(self._fresh.get(group, ()))
        outage = self.open.get(group)
        ours = len(outage.still) if outage is not None else 0
        return self._of(group, fresh + ours, ours, worn) if fresh else 0.0

    def _of(self, group: Group, silent: int, ours: int, worn: Mapping[Group, int]) -> float:
        """What share some of a group are, ``ours`` of them being on the list of its own outage."""
        if silent < TAGS:
            return 0.0
        return silent / max(worn.get(group, 0) - self._explained[group] + ours, silent)

    def _back(self, one: Overdue, at_us: int, worn: Mapping[Group, int]) -> list[Happened]:
        known = self._silent.pop(one.tag, None)
        if known is None:
            return []
        self._unfresh(known)
        outage = self._in.pop(one.tag, None)
        if outage is not None or one.tag in self._alone:
            self._explained.subtract(known.groups)
        self._alone.discard(one.tag)
        if outage is None:
            return []
        del outage.still[one.tag]
        told = [self._told(Told.BACK, outage, at_us, worn, (known,))]
        if outage.ended_us:
            return told
        if 2 * len(outage.still) <= len(outage.listed):
            outage.ended_us = at_us
            del self.open[outage.group]
            self.over.append(outage)
            self._touched.append(outage)
            told.append(self._told(Told.ENDED, outage, at_us, worn))
            return told
        left = len(outage.still)
        if not outage.under_us and self._of(outage.group, left, left, worn) < SHARE:
            outage.under_us = at_us
            self._touched.append(outage)
        return told

    def _settle(self, outage: Outage, at_us: int, worn: Mapping[Group, int]) -> list[Happened]:
        """Unless more has happened to it since this was to be."""
        if at_us not in _due(outage) or self._settled(outage):
            return []
        why = Told.CLOSED if outage.closed_us == at_us else Told.SETTLED if outage.ended_us else Told.FEW
        if outage.ended_us:
            self.over = [one for one in self.over if one is not outage]
        else:
            del self.open[outage.group]
        for tag in outage.still:
            self._in.pop(tag, None)
            self._alone.add(tag)
        return [self._told(why, outage, at_us, worn)]

    def _settled(self, outage: Outage) -> bool:
        return self.open.get(outage.group) is not outage and not any(one is outage for one in self.over)

    def _told(
        self, told: Told, outage: Outage, at_us: int, worn: Mapping[Group, int], tags: tuple[Overdue, ...] | None = None
    ) -> Happened:
        tags = _in_order(outage.still.values()) if tags is None else tags
        return Happened(told, outage.group, at_us, tags, worn.get(outage.group, 0), outage.began_us)

    def _unfresh(self, one: Overdue) -> None:
        for group in one.groups:
            self._fresh.get(group, {}).pop(one.tag, None)


def _due(outage: Outage) -> list[int]:
    """When it is settled, unless more happens to it."""
    since_us = outage.ended_us or outage.under_us
    return [*([since_us + ALONE_US] if since_us else []), *([outage.closed_us] if outage.closed_us else [])]


def _in_order(tags: Iterable[Overdue]) -> tuple[Overdue, ...]:
    """Those first from whose wearers a victim is to be protected: they are checked by hand first."""
    return tuple(sorted(tags, key=lambda one: (not one.guarded, one.since_us, one.tag)))
