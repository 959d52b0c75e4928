"""An alert's history and evidence, as they are kept, become entries, each judged again in a world of its own zone version."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from alerts.review import WHAT, Entry, Review, review
from alerts.rules import Rules
from alerts.world import World
from model.alert import FAMILY, Kind
from model.fix import FIX
from model.instant import BEGINNING_US, FOREVER_US
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


def again(
    alert: Row, history: Iterable[Row], evidence: Iterable[Row], zone: Callable[[int, int], Zone | None], rules: Rules
) -> list[Judged]:
    """Judge every entry of a history again.

    Parameters
    ----------
    zone : the zone's version of a number, as it was in force around a time; None where there is no such version
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
        done.append(Judged(position, now, review(world_of(version, now, rules), now, earlier)))
    return done


def world_of(zone: Zone, entry: Entry, rules: Rules) -> World:
    """A world in which one zone version applies to one tag under one order, as the entry says it did."""
    assigned = [Assignment(entry.tag, zone.id, BEGINNING_US, FOREVER_US)]
    watched = [Monitored(entry.tag, entry.wearer, entry.order, BEGINNING_US, FOREVER_US)]
    return World.build([zone], assigned, watched, [], rules, 0)
