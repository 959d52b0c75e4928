"""Turns a trace, zones and a WORLD document into the world of a replay, and the alerts it raised into the replay's report."""

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

from cordon import document as documents
from cordon import features
from cordon.document import Document
from cordon.trace import Row, moment, tags
from geofence.feature import parse, repair
from ingest.rules import FIRST_YEAR_US
from model import instant
from model.batch import Rejected
from model.errors import CordonError
from store import replayed
from store.pool import Store
from store.world import NewActivation, NewOrder, NewWearer, NewWorld, create

# Orders, tags and zones were in force long before a trace begins.
BEFORE_US: Final = instant.DAY_US


class World(NamedTuple):
    """What is written before the first row is sent, and what its report calls it: zones by their places in the files."""

    written: NewWorld
    begins_us: int
    wearers: list[str]
    own: int  # how many of them are the document's; those after them were made up
    zones: list[int | str]
    repaired: list[dict[str, Any]]  # zones that were not valid as they stood: their place, and what was wrong


class Called(NamedTuple):
    """What the report calls the rows of a database."""

    wearers: dict[int, str]
    zones: dict[int, int | str]
    own: list[int]  # the document's wearers: not those made up for a trace's other tags


def world(rows: list[Row], zones: Path | None, document: Document | None = None) -> World:
    """A document's world, what else the trace needs, and the zones of a file.

    Each tag of the trace that no activation of the document names has a wearer, an order and an activation of its own, for the
    whole of it. A zone of the file that is not valid is repaired where it can be, and listed in ``repaired``.

    Raises
    ------
    CordonError
        If the zones cannot be read, or one of them cannot be judged by.
    """
    begins_us = _begins_us(rows)
    own = documents.rows(document or {}, begins_us)
    named = {worn.tag for worn in own.activations}
    strangers = [tag for tag in tags(rows) if tag not in named]
    first = len(own.wearers)
    row_of = {worn.tag: worn.wearer for worn in own.activations} | {tag: first + row for row, tag in enumerate(strangers)}
    made, places, repaired = [], [], []
    for place, feature in enumerate(_features(zones) if zones else []):
        called = f"zone {place}"
        wearer = _wearer(feature, row_of, called)
        if wearer != ABSENT:
            # A person who draws a zone is offered the repair and decides; a file of zones has nobody to ask, so it is told.
            wrong, offered = parse(feature), repair(feature)
            if isinstance(wrong, Rejected) and offered is not None:
                repaired.append({"zone": place, "reason": wrong.reason})
            usable = offered or feature
            made.append(features.zone(usable, wearer=wearer, in_force_from_us=begins_us, called=f"{zones}, {called}"))
            places.append(place)
    new = [NewWearer(f"Wearer of tag {tag}") for tag in strangers]
    written = own._replace(
        wearers=[*own.wearers, *new],
        orders=[*own.orders, *(NewOrder(first + row, begins_us) for row in range(len(new)))],
        activations=[*own.activations, *(NewActivation(first + row, tag, begins_us) for row, tag in enumerate(strangers))],
        zones=[*own.zones, *made],
    )
    items = document or {"wearers": [], "zones": []}
    return World(
        written,
        begins_us,
        [*(item.ref or item.body.name for item in items["wearers"]), *(wearer.name for wearer in new)],
        first,
        [*(item.place if item.ref is None else item.ref for item in items["zones"]), *places],
        repaired,
    )


async def load(store: Store, made: World) -> Called:
    """Write the world; what its report will call what was written."""
    created = await create(store, *made.written)
    await replayed.backdate(store)
    wearers = dict(zip(created.wearers, made.wearers, strict=True))
    zones = dict(zip(created.zones, made.zones, strict=True))
    return Called(wearers, zones, created.wearers[: made.own])


async def alerts(store: Store, called: Called) -> list[dict[str, Any]]:
    """Every alert, as CONTRACT.md's replay reports it, in order of time."""
    return [
        {
            "kind": row["kind"],
            "tag": row["tag"] or None,  # what is on paper may be of no tag
            "wearer": None if row["wearer"] is None else called.wearers[row["wearer"]],
            "zone": called.zones.get(row["zone"]),
            "severity": f"P{row['severity']}",
            "event_at": instant.show(row["event_at"]),
            "ended_at": None if row["ended_at"] is None else instant.show(row["ended_at"]),
            "detected_at": instant.show(row["detected_at"]),
            "late": row["late"],
            "condition": row["condition"],
            "occurrences": row["occurrences"],
            "held_under": row["held_under_kind"],
            "reason": row["reason"] or None,  # of paperwork
        }
        | ({"tags": row["listed"], "subject": row["subject"]} if row["wearer"] is None else {})
        for row in await replayed.alerts(store)
    ]


ABSENT: Final = -1  # a zone of a tag that is not in the trace


def _wearer(feature: dict[str, Any], row_of: dict[int, int], called: str) -> int | None:
    """Whom a zone is for: everyone, unless its properties name a tag."""
    tag = (feature.get("properties") or {}).get("tag")
    if tag is None:
        return None
    try:
        return row_of.get(int(tag), ABSENT)
    except (TypeError, ValueError):
        raise CordonError(f"{called}: properties.tag {tag!r} is not a tag's number") from None


def _begins_us(rows: list[Row]) -> int:
    """A day before anything in the trace that a door would take: nothing was received over a day before it was taken."""
    times = (moment(row.record, name) for row in rows for name in ("fix_at", "at"))
    return min((at_us for at_us in times if at_us is not None), default=FIRST_YEAR_US) - BEFORE_US


def _features(path: Path) -> list[dict[str, Any]]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CordonError(f"{path} cannot be read as GeoJSON: {getattr(error, 'strerror', None) or error}") from error
    found = document.get("features") if isinstance(document, dict) else None
    if isinstance(document, dict) and document.get("type") == "Feature":
        found = [document]
    if not isinstance(found, list) or not all(isinstance(feature, dict) for feature in found):
        raise CordonError(f"{path} is not a GeoJSON FeatureCollection")
    return found
