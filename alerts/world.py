"""What the control tables say becomes the world that fixes are judged in: zones compiled, terms, rules; immutable."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from alerts.rules import Rules
from alerts.terms import Terms
from geofence.evaluate import evaluate
from geofence.index import ZoneIndex
from model.arrays import Array, taken
from model.curfew import Curfew
from model.visit import Visit
from model.zone import Assignment, Monitored, Zone


@dataclass(frozen=True, slots=True)
class World:
    """All that a verdict depends on but the fixes themselves. ``index`` and ``terms`` are made of the same controls."""

    index: ZoneIndex
    terms: Terms
    rules: Rules
    control_seq: int  # feed position of the newest control change in it

    @classmethod
    def build(
        cls,
        zones: Iterable[Zone],
        assignments: Iterable[Assignment],
        monitored: Iterable[Monitored],
        shared: Iterable[int],
        rules: Rules,
        control_seq: int,
        curfews: Iterable[Curfew] = (),
        visits: Iterable[Visit] = (),
        threads: int = 1,
    ) -> "World":
        """A world of everything the control tables hold; ``shared`` are ids of zones that apply to everyone monitored.

        So many threads share the compiling of zones; the world is the same for any number.
        """
        zones, assignments, monitored, shared = tuple(zones), tuple(assignments), tuple(monitored), tuple(shared)
        index = ZoneIndex.build(zones, assignments, monitored, shared, threads)
        return cls(index, Terms(zones, assignments, monitored, shared, curfews, visits), rules, control_seq)

    def changed(
        self,
        zones: Iterable[Zone],
        assignments: Iterable[Assignment],
        monitored: Iterable[Monitored],
        shared: Iterable[int],
        control_seq: int,
        curfews: Iterable[Curfew] = (),
        visits: Iterable[Visit] = (),
    ) -> "World":
        """The world as ``build`` would make it of the whole; geometry that did not change is not compiled again."""
        zones, assignments, monitored, shared = tuple(zones), tuple(assignments), tuple(monitored), tuple(shared)
        terms = Terms(zones, assignments, monitored, shared, curfews, visits, self.terms)
        put = [zone for key, zone in terms.zones.items() if self.zones.get(key) != zone]
        drop = self.zones.keys() - terms.zones.keys()
        return World(self.index.changed(put, drop, assignments, monitored, shared), terms, self.rules, control_seq)

    @property
    def zones(self) -> Mapping[tuple[int, int], Zone]:
        """All zone versions by (id, version)."""
        return self.terms.zones

    @property
    def monitored(self) -> Mapping[int, tuple[Monitored, ...]]:
        """When each tag was monitored, and by whose authority."""
        return self.terms.monitored

    def look(self, fixes: Array, last: Array) -> Array:
        """(h,) HIT of (n,) FIX in any order of tags and times; ``last`` as for ``geofence.evaluate``, in order of tags."""
        step = np.diff(fixes["tag"])
        if ((step > 0) | ((step == 0) & (np.diff(fixes["fix_at_us"]) >= 0))).all():
            return evaluate(self.index, fixes, last)
        order = np.lexsort((fixes["fix_at_us"], fixes["tag"]))
        hits = evaluate(self.index, taken(fixes, order), last)
        hits["fix_row"] = order[hits["fix_row"]]
        return hits
