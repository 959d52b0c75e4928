"""Turns a WORLD document (docs/worlds.md) into bodies of the officers' API, each checked as the API would check it."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError

from api import curfew, problem, zone
from api.curfew import CurfewIn
from api.problem import ProblemError
from api.routes.absences import AbsenceIn
from api.routes.activations import ActivationIn
from api.routes.orders import OrderIn, StatusIn
from api.routes.pauses import PauseIn
from api.routes.tags import TagIn
from api.routes.visits import VisitIn
from api.routes.wearers import WearerIn
from api.settings import Settings
from api.zone import ZoneIn
from model import setting
from model.batch import Rejected
from model.cap import Cap
from model.errors import CordonError
from model.instant import FOREVER_US
from model.setting import Scope, Values, effective
from model.timetable import Timetable
from store import curfews, homes
from store.homes import OVER
from store.world import NewActivation, NewCurfew, NewOrder, NewSettings, NewStatus, NewTag, NewVisit, NewWearer, NewWorld, NewZone
from store.zones import Draft

Names = Mapping[tuple[str, ...], str]


class Part(NamedTuple):
    """One list of a document: the body of that resource's POST, and which of its fields name items of other lists."""

    model: type[BaseModel]
    names: Names


# In the order in which they can be created: each names only what stands above it.
PARTS: Final[Mapping[str, Part]] = {
    "wearers": Part(WearerIn, {}),
    "orders": Part(OrderIn, {("wearer",): "wearers"}),
    "activations": Part(ActivationIn, {("wearer",): "wearers"}),
    "zones": Part(ZoneIn, {("properties", "applies_to", "wearer"): "wearers"}),
    "curfews": Part(CurfewIn, {("order",): "orders", ("home",): "zones"}),
    "absences": Part(AbsenceIn, {("curfew",): "curfews"}),
    "visits": Part(VisitIn, {("wearer",): "wearers"}),
    "tags": Part(TagIn, {}),
    "pauses": Part(PauseIn, {("wearer",): "wearers"}),
}

SETTINGS: Final = "settings"

SOME_ROW: Final = 1  # in place of what nothing is named by, in an item that is refused for it
NAMED: Final = 20  # wrong items named at once: a screen of them

# Of what is set for some, by what they are called in the document; everything else there is set for everyone.
PLACES: Final[Mapping[str, Scope]] = {"types": "type", "orders": "order", "zones": "zone"}


class Item(NamedTuple):
    """One item of a list; ``body`` is what the API makes of it, rows (from 1) for refs, None where ``reason`` says why not."""

    place: str  # "orders[2] (o3)"
    ref: str | None
    sent: dict[str, Any]  # as it stands in the document, without its ref
    body: Any
    reason: str = ""


Document = dict[str, list[Item]]


def load(path: Path) -> dict[str, Any]:
    """A document as it stands in its file.

    Raises
    ------
    CordonError
        If the file cannot be read, or is no WORLD document.
    """
    try:
        document = json.loads(path.read_bytes(), object_pairs_hook=_said_once)
    except (OSError, ValueError, RecursionError) as error:
        raise CordonError(f"{path} cannot be read as a world: {getattr(error, 'strerror', None) or error}") from error
    if not isinstance(document, dict):
        raise CordonError(f"{path} is no world: write one object with the lists {', '.join(PARTS)}")
    for name, items in document.items():
        if name == SETTINGS:
            if not isinstance(items, dict):
                raise CordonError(f'{path}: settings is not an object: write {{"no_contact": {{"standard_min": 45}}}}')
        elif name not in PARTS:
            raise CordonError(f"{path}: there is no list {name!r} in a world; it has {', '.join((*PARTS, SETTINGS))}")
        elif not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise CordonError(f"{path}: {name} is not a list of objects")
    return document


def _said_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of the file; of a name that stands there twice, a list of zones among them, one would be lost without a word."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for at, (name, _) in enumerate(pairs) if any(name == before for before, _ in pairs[:at]))
        raise ValueError(f"{twice!r} stands twice in one object: join the two, or remove one")
    return found


async def whole(path: Path) -> Document:
    """The document of a file, every item of which is good, and needs nothing that only an instance has.

    Raises
    ------
    CordonError
        If the file cannot be read, the API would refuse an item, or one is for a group; all of them are named, up to ``NAMED``.
    """
    document = await read(load(path), str(path))
    document["zones"] = [_of_nobody_else_s(item) for item in document["zones"]]
    return good(document, str(path))


def good(document: Document, called: str) -> Document:
    """The document; raises ``CordonError`` where the API would refuse items of it, which names them, a line each if several."""
    refused = list(wrong(document))
    if len(refused) == 1:
        raise CordonError(f"{called}: {refused[0].place}: {refused[0].reason}")
    if refused:
        lines = [f"{called}: {len(refused)} items are wrong, and nothing was done: correct them"]
        lines += [f"  {item.place}: {item.reason}" for item in refused[:NAMED]]
        if len(refused) > NAMED:
            lines.append(f"  and {len(refused) - NAMED} more")
        raise CordonError("\n".join(lines))
    return document


async def read(document: Mapping[str, Any], called: str) -> Document:
    """Every item of a document, checked by itself and against the others.

    Raises
    ------
    CordonError
        If two items of a list have the same ref; ``called`` is the document's name in what it says.
    """
    row_of = {part: _rows(part, document.get(part, ()), called) for part in PARTS}
    found = {part: [await _item(part, at, item, row_of) for at, item in enumerate(document.get(part, ()))] for part in PARTS}
    found["orders"] = [_spanned(item, "starts", "ends", "the order would end before it starts") for item in found["orders"]]
    found["activations"] = _worn_by_one(
        [
            _spanned(item, "fitted_from", "fitted_to", "the tag would come off before it was fitted")
            for item in found["activations"]
        ]
    )
    found["tags"] = _once(found["tags"])
    found["absences"] = [_spanned(item, "starts", "ends", "the absence would end before it starts") for item in found["absences"]]
    asked: dict[int, list[Asked]] = defaultdict(list)
    found[SETTINGS] = _settings(document.get(SETTINGS, {}), row_of)
    found["curfews"] = [_fitting(item, found, asked) for item in found["curfews"]]
    return found


def wrong(document: Document) -> Iterator[Item]:
    """The items that the API would refuse."""
    return (item for items in document.values() for item in items if item.reason)


class NamelessError(CordonError):
    """A ref names nothing that has an id."""

    def __init__(self, path: Sequence[str], part: str, ref: str | int) -> None:
        super().__init__(f"{'.'.join(path)}: none of the {part} has the ref {ref!r}")
        self.what, self.ref = path[-1], ref


def resolved(
    sent: Mapping[str, Any],
    names: Names,
    ids: Mapping[str, Mapping[str, Any]],
    nameless: list[NamelessError] | None = None,
) -> dict[str, Any]:
    """A body with ids in place of refs; the one given stays as it is.

    Parameters
    ----------
    nameless : told of each ref that names nothing, which then stands for some row, so that the rest can be looked at as well

    Raises
    ------
    NamelessError
        If a ref names nothing that has an id, and nobody wants to be told of all.
    """
    body = dict(sent)
    for path, part in names.items():
        inside = body
        for name in path[:-1]:
            if not isinstance(inside.get(name), dict):
                break  # whatever stands there instead is for the API to refuse
            inside[name] = dict(inside[name])
            inside = inside[name]
        else:
            ref = inside.get(path[-1])
            if isinstance(ref, str | int) and not isinstance(ref, bool):
                if str(ref) not in ids[part] and nameless is None:
                    raise NamelessError(path, part, ref)
                if nameless is not None and str(ref) not in ids[part]:
                    nameless.append(NamelessError(path, part, ref))
                inside[path[-1]] = ids[part].get(str(ref), SOME_ROW)
    return body


def _rows(part: str, items: Sequence[Mapping[str, Any]], called: str) -> dict[str, int]:
    """The row of each ref, from 1.

    Raises
    ------
    CordonError
        If two items have the same: whatever names it could mean either.
    """
    found: dict[str, int] = {}
    for row, item in enumerate(items, 1):
        ref = item.get("ref")
        if ref is None:
            continue
        if not isinstance(ref, str | int) or isinstance(ref, bool):
            raise CordonError(f"{called}: {part}[{row - 1}]: its ref is {ref!r}; write a word such as {part[0]}1")
        if str(ref) in found:
            raise CordonError(f"{called}: {part}[{row - 1}]: the ref {ref!r} is that of {part}[{found[str(ref)] - 1}] already")
        found[str(ref)] = row
    return found


async def _item(part: str, at: int, item: Mapping[str, Any], row_of: Mapping[str, Mapping[str, int]]) -> Item:
    ref = None if item.get("ref") is None else str(item["ref"])
    place = f"{part}[{at}]" + ("" if ref is None else f" ({ref})")
    sent = {name: value for name, value in item.items() if name != "ref"}
    model, names = PARTS[part]
    nameless: list[NamelessError] = []
    try:
        body: Any = model.model_validate(resolved(sent, names, row_of, nameless))
        if isinstance(body, ZoneIn):
            body, _ = await zone.draft(body, Settings.timezone)
        elif isinstance(body, CurfewIn):
            body = curfew.draft(body)
    except ValidationError as error:
        faults = [f"{field}: {reason}" if field else reason for field, reason in problem.places(error.errors())]
        return Item(place, ref, sent, None, _all(nameless, *faults))
    except (CordonError, ProblemError) as error:
        return Item(place, ref, sent, None, _all(nameless, str(error)))
    return Item(place, ref, sent, None if nameless else body, _all(nameless))


def _all(nameless: Sequence[NamelessError], *more: str) -> str:
    return "; ".join([*map(str, nameless), *more])


def _of_nobody_else_s(item: Item) -> Item:
    """A zone, refused where it is for a group: a document has none, and a zone for nobody in particular would be everyone's."""
    if item.body is None or item.body.group is None:
        return item
    said = 'properties.applies_to.group: a world has no groups: draw the zone for each {"wearer": ref}, or for {"all": true}'
    return item._replace(body=None, reason=said)


def _spanned(item: Item, start: str, end: str, said: str) -> Item:
    """The item, refused where it ends at or before it starts."""
    if item.body is None or getattr(item.body, end) is None or getattr(item.body, end) > getattr(item.body, start):
        return item
    return item._replace(body=None, reason=f"{said}: correct one")


class Asked(NamedTuple):
    """What a curfew of an order asks for; ``home`` is the row of a zone."""

    table: Timetable
    home: int
    place: str


def _fitting(item: Item, found: Document, asked: dict[int, list[Asked]]) -> Item:
    """A curfew, refused where its order, its home and its windows do not fit together; ``asked`` by those before it, by order."""
    if item.body is None:
        return item
    order, home = found["orders"][item.body.order - 1].body, found["zones"][item.body.home - 1].body
    if order is None or home is None:
        return item  # they are refused, and reason enough
    reason = homes.unfit(home.kind, home.schedule, home.wearer == order.wearer)
    if order.status in OVER:
        reason = f"its order is {order.status}: a curfew needs an order that still holds"
    elif reason is not None:
        reason = f"home: that zone cannot be the home of this curfew: {reason}"
    else:
        table = curfew.parsed(item.body.timetable, order.timezone)
        beside = asked[item.body.order]
        twice = next((one.place for one in beside if (one.table, one.home) == (table, item.body.home)), None)
        most = _cap(found[SETTINGS], order.type)
        reason = curfews.over(table, order.type, most, order.starts, [one.table for one in beside])
        beside.append(Asked(table, item.body.home, item.place))
        reason = None if reason is None else f"windows: {reason}"
        if twice is not None:
            reason = f"windows: it asks for the same hours at the same home as {twice}: leave one of the two out"
    return item if reason is None else item._replace(body=None, reason=reason)


def _once(items: list[Item]) -> list[Item]:
    """Tags, each refused that is listed before."""
    listed: dict[int, str] = {}
    found = []
    for item in items:
        place = None if item.body is None else listed.setdefault(item.body.tag, item.place)
        twice = place not in {None, item.place}
        found.append(item._replace(body=None, reason=f"tag {item.body.tag} is {place} already") if twice else item)
    return found


class Set(NamedTuple):
    """What is set in one place: ``row`` is that of the order or zone, from 1."""

    scope: Scope
    order_type: str
    row: int
    numbers: Values


def _settings(sent: Mapping[str, Any], row_of: Mapping[str, Mapping[str, int]]) -> list[Item]:
    """What a document sets, a place an item: ``{"no_contact": {...}, "orders": {"o1": {"no_contact": {...}}}}``."""
    everyone = {name: numbers for name, numbers in sent.items() if name not in PLACES}
    found = [_set("settings", None, "all", everyone, 0)] if everyone else []
    for name, scope in PLACES.items():
        places = sent.get(name, {})
        if not isinstance(places, Mapping):
            found.append(Item(f"settings.{name}", None, {}, None, "is an object: what is set by the place it is set for"))
            continue
        for ref, numbers in places.items():
            called = f"settings.{name}.{ref}"
            row = 0 if scope == "type" else row_of[name].get(str(ref))
            if row is None:
                found.append(Item(called, ref, {}, None, f"none of the {name} has the ref {ref!r}"))
            else:
                found.append(_set(called, str(ref), scope, numbers, row))
    return found


def _set(called: str, ref: str | None, scope: Scope, sent: Any, row: int) -> Item:
    if not isinstance(sent, Mapping):
        return Item(called, ref, {}, None, 'is an object such as {"no_contact": {"standard_min": 45}}')
    numbers = setting.parse(sent, scope)
    if isinstance(numbers, Rejected):
        return Item(called, ref, dict(sent), None, numbers.reason)
    return Item(called, ref, dict(sent), Set(scope, ref or "" if scope == "type" else "", row, numbers))


def _cap(said: Sequence[Item], order_type: str) -> Cap | None:
    """The cap of an order type, by the document; what an instance has set besides only the instance can say."""
    own = [item.body.numbers for item in said if item.body is not None and item.body.order_type == order_type]
    return Cap.of({name: value for name, (value, _) in effective([("", one) for one in own]).items()})


def _worn_by_one(items: list[Item]) -> list[Item]:
    """Activations, each refused that has a tag on a second leg."""
    taken: dict[int, list[tuple[int, int, str]]] = {}
    found = []
    for item in items:
        if item.body is not None:
            start_us, end_us = item.body.fitted_from, FOREVER_US if item.body.fitted_to is None else item.body.fitted_to
            spans = taken.setdefault(item.body.tag, [])
            other = next((place for low, high, place in spans if low < end_us and start_us < high), None)
            if other is not None:
                item = item._replace(body=None, reason=f"tag {item.body.tag} is worn in that time by {other} already")  # noqa: PLW2901
            else:
                spans.append((start_us, end_us, item.place))
        found.append(item)
    return found


def rows(document: Document, in_force_from_us: int) -> NewWorld:
    """A document whose items are good as rows to write, zones in force from a time that is given.

    Not its pauses: they need two people of an instance, and change who is paged, never what is judged.
    """
    written = [part for part in PARTS if part != "pauses"]
    wearers, orders, worn, zones, kept, absences, visits, things = (
        [item.body for item in document.get(part, ())] for part in written
    )
    excused: dict[int, list[tuple[int, int, str, str]]] = defaultdict(list)
    for absence in absences:
        excused[absence.curfew].append((absence.starts, absence.ends, absence.authoriser, absence.reason))
    activations = [NewActivation(one.wearer - 1, one.tag, one.fitted_from, one.fitted_to) for one in worn]
    return NewWorld(
        [NewWearer(wearer.name, wearer.model_dump(exclude={"name"})) for wearer in wearers],
        [
            NewOrder(
                *(order.wearer - 1, order.starts, order.ends, order.type, order.status, order.timezone, order.risk),
                *(order.fit_by, [_status(said) for said in (_first(order), *order.statuses)]),
            )
            for order in orders
        ],
        fitted(activations, visits),
        [_zone(zone, in_force_from_us) for zone in zones],
        [
            NewCurfew(one.order - 1, one.home - 1, one.timetable, in_force_from_us, one.grace_min, excused[row])
            for row, one in enumerate(kept, 1)
        ],
        [_visit(visit) for visit in visits],
        [_new(item.body) for item in document.get(SETTINGS, ())],
        [NewTag(one.tag, one.model or "", one.network or "") for one in things],
    )


def _new(said: Set) -> NewSettings:
    order, zone = (said.row - 1 if said.scope == scope else None for scope in ("order", "zone"))
    return NewSettings(said.numbers, said.order_type, order, zone)


def _first(order: OrderIn) -> StatusIn:
    """The status that an order is made with, which holds since it starts where it does not say."""
    word = order.model_dump(include={"authorised_by", "document", "recheck_at"})
    return StatusIn.model_construct(status=order.status, in_force_from=order.in_force_from or order.starts, **word)


def _status(said: StatusIn) -> NewStatus:
    return NewStatus(said.status, said.in_force_from, said.authorised_by, said.document, said.recheck_at)


def fitted(activations: Sequence[NewActivation], visits: Sequence[VisitIn]) -> list[NewActivation]:
    """Activations as they are after the visits that were done; what is listed as fitted or taken off already stays so."""
    found = list(activations)
    done = [visit for visit in visits if visit.outcome == "done" and visit.signed_out is not None]
    for visit in sorted(done, key=lambda visit: visit.signed_out or 0):
        at_us, wearer = visit.signed_out or 0, visit.wearer - 1
        if visit.kind in {"swap", "remove"}:
            found = [
                one._replace(to_us=at_us)
                if one.wearer == wearer and one.to_us is None and one.from_us < at_us and visit.tag in {None, one.tag}
                else one
                for one in found
            ]
        tag = {"fit": visit.tag, "swap": visit.new_tag}.get(visit.kind)
        if tag is not None and not any(one.tag == tag and (one.to_us is None or one.to_us > at_us) for one in found):
            found.append(NewActivation(wearer, tag, at_us))
    return found


def _visit(visit: VisitIn) -> NewVisit:
    plan = (visit.kind, visit.tag, visit.new_tag, visit.window_from, visit.window_to, visit.note or "")
    door = (visit.signed_in, visit.signed_out, visit.outcome, bool(visit.strap_proven), visit.range_test, visit.remark or "")
    return NewVisit(visit.wearer - 1, *plan, *door)


def _zone(zone: Draft, in_force_from_us: int) -> NewZone:
    return NewZone(
        None if zone.wearer is None else zone.wearer - 1,
        zone.name,
        zone.wkb,
        zone.feature,
        in_force_from_us,
        zone.kind,
        zone.purpose,
        zone.radius_m,
        zone.buffer_m,
        zone.confirm_fixes,
        zone.schedule,
        zone.valid_from_us,
        zone.valid_to_us,
        zone.attendance,
    )
