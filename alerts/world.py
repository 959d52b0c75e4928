"""What the control tables say becomes the world that fixes are judged in: zones compiled, terms, rules; immutable."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from alerts.rules import Rules
from alerts.terms import Terms
from geofence.evaluate import evaluate
from geofence.index import Compiled, ZoneIndex
from model.arrays import I64, Array, rows_of, taken
from model.curfew import Curfew
from model.setting import Setting
from model.visit import Visit
from model.zone import Assignment, Monitored, Zone
from model.zones import Zones


@dataclass(frozen=True, slots=True)
class World:
    """All that a verdict depends on but the fixes themselves. ``index`` and ``terms`` are made of the same controls."""

    index: ZoneIndex
    terms: Terms
    rules: Rules  # where nothing was set: ``terms.rules`` says what a tag is judged by
    control_seq: int  # feed position of the newest control change in it

    @classmethod
    def build(
        cls,
        zones: Zones | Iterable[Zone],
        assignments: I64 | Iterable[Assignment],
        monitored: I64 | Iterable[Monitored],
        shared: Iterable[int],
        rules: Rules,
        control_seq: int,
        curfews: Iterable[Curfew] = (),
        visits: Iterable[Visit] = (),
        settings: Iterable[Setting] = (),
        threads: int = 1,
        compiled: Compiled | None = None,
        before: Terms | None = None,
    ) -> "World":
        """A world of everything the control tables hold; ``shared`` are ids of zones that apply to everyone monitored.

        So many threads share the compiling of zones; the world is the same for any number. Geometry whose outline is not given
        is taken from what was ``compiled``; ``before`` are the terms that the new ones replace.
        """
        table = zones if isinstance(zones, Zones) else Zones.of(zones)
        assigned, spans, everyone = rows_of(assignments, 4), rows_of(monitored, 6), tuple(shared)
        index = ZoneIndex.build(table, assigned, spans, everyone, threads, compiled)
        terms = Terms(index.zones, assigned, spans, everyone, curfews, visits, before, settings)
        return cls(index, terms, rules, control_seq)

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
