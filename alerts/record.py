"""An alert's history and evidence, as they are kept, become entries, each judged again in a world of its own zone version."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from alerts.numbers import Numbers
from alerts.review import WHAT, Entry, Review, review
from alerts.rules import Rules
from alerts.world import World
from model.alert import FAMILY, Kind
from model.fix import FIX
from model.instant import BEGINNING_US, FOREVER_US
from model.setting import Setting
from model.zone import Assignment, Monitored, Zone


class Row(Protocol):
    """A row by its columns' names, times in microseconds."""

    def __getitem__(self, name: str, /) -> Any: ...


class Judged(NamedTuple):
    """One entry of a history, and what came of it this time."""

    position: int
    entry: Entry
    review: Review


def entries(alert: Row, history: Iterable[Row], evidence: Iterable[Row]) -> Iterator[tuple[int, Entry]]:
    """What lanes said of an alert, in order, each with its position in the feed; what people did is passed over."""
    shown = {row["position"]: row for row in evidence}
    for row in history:
        said = row["details"]
        if row["actor"] is not None or row["what"] not in WHAT or "occurrence_us" not in said:
            continue
        with_it = shown.get(row["position"])
        distance_m = None if with_it is None else with_it["distance_m"]
        yield (
            row["position"],
            Entry(
                row["what"],
                alert["wearer"],
                said["tag"],
                alert["zone"],
                said["zone_version"],
                alert["monitoring_order"],
                said["occurrence_us"],
                Kind(said["kind"]),
                said["severity"],
                said["late"],
                said["event_at_us"],
                said["ended_us"],
                row["at"],
                row["text"],
                np.frombuffer(b"" if with_it is None else with_it["fixes"], FIX),
                np.nan if distance_m is None else distance_m,
            ),
        )


class Basis(NamedTuple):
    """What controls said, besides of zones."""

    rules: Rules
    settings: Sequence[Setting] = ()  # every version that there ever was
    spans: Sequence[tuple[int, int, int, int]] = ()  # wearer, order, from, to: when orders gave authority, where anything was set

    def at(self, wearer: int, zone: int, at_us: int) -> Rules:
        """The rules that a wearer was judged by."""
        orders = sorted({order for who, order, start, stop in self.spans if who == wearer and start <= at_us < stop})
        return Numbers(self.settings).at(self.rules, orders, zone, at_us)


def again(
    alert: Row, history: Iterable[Row], evidence: Iterable[Row], zone: Callable[[int, int], Zone | None], said: Basis
) -> list[Judged]:
    """Judge every entry of a history again.

    Parameters
    ----------
    zone : the zone's version of a number, as it was in force around a time; None where there is no such version
    said : what else it was judged by
    """
    done: list[Judged] = []
    for position, now in entries(alert, history, evidence):
        same = (now.tag, now.occurrence_us, FAMILY[now.kind])
        earlier = [old.entry for old in done if (old.entry.tag, old.entry.occurrence_us, FAMILY[old.entry.kind]) == same]
        version = zone(now.zone_version, now.event_at_us)
        if version is None:
            missing = f"version {now.zone_version} of zone {now.zone} is not in the database"
            lost = Review((), None, (missing,)) if now.zone else Review((), None, (), "it has no zone")
            done.append(Judged(position, now, lost))
            continue
        done.append(Judged(position, now, review(world_of(version, now, said), now, earlier)))
    return done


def world_of(zone: Zone, entry: Entry, said: Basis) -> World:
    """A world in which one zone version applies to one tag under one order, as the entry says it did."""
    assigned = [Assignment(entry.tag, zone.id, BEGINNING_US, FOREVER_US)]
    own = Monitored(entry.tag, entry.wearer, entry.order, BEGINNING_US, FOREVER_US)
    others = [Monitored(entry.tag, *span) for span in said.spans if span[:1] == (entry.wearer,) and span[1] != entry.order]
    return World.build([zone], assigned, [own, *others], [], said.rules, 0, settings=said.settings)
