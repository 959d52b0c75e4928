"""The contact log: who was called or written to, what came of it, and which calls are owed."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api import alert as shape
from api.caller import editing, needs
from api.creation import IdempotencyKey, created
from api.fields import Id, Input, Instant, InstantIn, Name, Person, Row, Text, now_us, person
from api.listing import DEFAULT, Cursor, Limit, Page, pack, unpack
from api.parts import PartsDep
from api.problem import Kind, documented, invalid
from api.refusals import EDITING, LISTING, READING
from api.roles import May
from api.token import Caller
from api.versions import IfMatch, expected, with_etag
from model.instant import MINUTE_US
from store import alerts, contacts
from store.feed import Edit
from store.refusal import MissingError

router = APIRouter(prefix="/contacts", tags=["contacts"])

Seeing = Annotated[Caller, needs(May.SEE_CONTACTS)]
Logging = Annotated[Caller, needs(May.LOG_CONTACTS)]

CREATING: Final = READING | documented(Kind.MALFORMED, Kind.CONFLICT)

Outcome = Literal["spoke", "no_answer", "refused", "dead_number"]
Who = Literal["wearer", "victim", "police", "officer", "other"]

SKEW_US: Final = 2 * MINUTE_US  # a workstation's clock may be ahead of ours by that

SENT: Final[dict[str, Any]] = {
    "alert": 12,
    "wearer": None,
    "at": "2026-11-22T08:03:00Z",
    "way": "call",
    "direction": "out",
    "person": "wearer",
    "name": None,
    "number": "+44 7700 900123",
    "outcome": "no_answer",
    "words": "Rang out twice.",
    "police_reference": None,
    "callback_at": "2026-11-22T08:18:00Z",
}
ANSWERED: Final[dict[str, Any]] = SENT | {
    "id": 5,
    "wearer": 7,
    "wearer_name": "Test Wearer",
    "alert_kind": "exclusion",
    "by": {"id": 1, "name": "operator"},
    "owed": True,
    "owed_by": {"id": 1, "name": "operator"},
    "settled_by": None,
    "version": 1,
    "created_at": "2026-11-22T08:03:20Z",
}


class ContactIn(Input):
    """A contact as it is sent: about an alert, or about a wearer."""

    model_config = ConfigDict(json_schema_extra={"examples": [SENT]})

    alert: Id | None = Field(None, description="whose clocks it stops; its wearer need not be named")
    wearer: Id | None = None
    at: InstantIn | None = Field(None, description="when it was; now where it is left out")
    way: Literal["call", "message"] = "call"
    direction: Literal["out", "in"] = "out"
    person: Who
    name: Name | None = Field(None, description="who it was, where `person` does not say it")
    number: Name | None = None
    outcome: Outcome
    words: Text | None = Field(None, description="what was said")
    police_reference: Name | None = None
    callback_at: InstantIn | None = Field(None, description="when to try again: a call that is owed")

    @model_validator(mode="after")
    def _about_something(self) -> "ContactIn":
        if self.alert is None and self.wearer is None:
            raise ValueError("name the alert or the wearer it is about")
        return self


class ContactPatch(Input):
    """What is to be put right; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"words": "Rang out three times.", "callback_at": None}]})

    name: Name | None = None
    number: Name | None = None
    outcome: Outcome | None = None
    words: Text | None = None
    police_reference: Name | None = None
    callback_at: InstantIn | None = Field(None, description="null: no call is owed after all")


class Contact(BaseModel):
    """A contact."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWERED]})

    id: int
    alert: int | None
    alert_kind: str | None
    wearer: int | None
    wearer_name: str | None
    at: Instant
    by: Person = Field(description="who logged it")
    way: str
    direction: str
    person: str
    name: str | None
    number: str | None
    outcome: str
    words: str | None
    police_reference: str | None
    callback_at: Instant | None
    owed: bool = Field(description="the callback has not been made good")
    owed_by: Person | None = Field(description="who is to make it; null: nobody in particular")
    settled_by: int | None = Field(description="the contact that made the callback good")
    version: int
    created_at: Instant


class Contacts(Page[Contact]):
    """A page of contacts."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})


_PEOPLE: Final = {"wearer": "the wearer", "victim": "the victim", "police": "the police", "officer": "the officer"}
_CAME_OF_IT: Final = {
    "spoke": "spoken to",
    "no_answer": "no answer",
    "refused": "would not speak",
    "dead_number": "the number is dead",
}


def contact(row: Row) -> Contact:
    """A row as it is answered."""
    people: dict[str, Any] = {
        "by": Person(id=row["account"], name=row["account_name"]),
        "owed_by": person(row["owed_by"], row["owed_by_name"]) if row["owed"] else None,
    }
    return Contact(**people, **{name: row[name] for name in Contact.model_fields if name not in people})


def _said(body: ContactIn) -> str:
    """What the alert's history says: no number, and of the name only what the person is."""
    person = _PEOPLE.get(body.person, "somebody else")
    what = "Called" if body.way == "call" else "Wrote to"
    said = (
        f"{what} {person}" if body.direction == "out" else f"{person.capitalize()} {'called' if body.way == 'call' else 'wrote'}"
    )
    return f"{said}: {_CAME_OF_IT[body.outcome]}. {body.words or ''}".rstrip()


@router.get("", summary="Contacts", responses=LISTING)
async def listed(
    parts: PartsDep,
    caller: Seeing,
    alert: Annotated[Id | None, Query()] = None,
    wearer: Annotated[Id | None, Query()] = None,
    owed: Annotated[bool, Query(description="only calls that are owed, the one that is due first on top")] = False,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Contacts:
    """In the order they were logged."""
    key = unpack(cursor, 2)
    wanted = contacts.Filter(alert, wearer, owed)
    rows = await contacts.page(parts.store, wanted, None if key is None else (key[0], key[1]), limit + 1)
    following = pack(*contacts.place(rows[limit - 1], wanted)) if len(rows) > limit else None
    return Contacts(items=[contact(row) for row in rows[:limit]], next=following)


@router.post("", summary="Log a contact", status_code=201, response_model=Contact, responses=CREATING)
async def create(request: Request, parts: PartsDep, caller: Logging, body: ContactIn, key: IdempotencyKey = None) -> Response:
    """About an alert it stops the clock of the first contact, and that of the decision where the police were spoken to.

    One that could reach nobody, a dead number or a message in that nobody took, stops neither.

    It makes good what is owed to the same person of the same wearer, where they were spoken to or refused, or a callback is set.
    """
    at_us = now_us() if body.at is None else body.at
    if at_us > now_us() + SKEW_US:
        raise invalid("at", "lies ahead: a contact is logged when it has been made")
    if body.callback_at is not None and body.callback_at <= at_us:
        raise invalid("callback_at", "lies before the contact: give the time of the next try")

    async def write(change: Edit) -> tuple[int, int, Contact]:
        about = None
        locked = await contacts.lock(change, body.alert, body.wearer, body.person)
        if body.alert is not None:
            about = await alerts.locked(change, body.alert)
            if not shape.scope(caller).covers(shape.about(about)):
                raise MissingError("alert", body.alert)
        saved = contact(await contacts.add(change, body.model_dump() | {"at": at_us}, _said(body), about, locked))
        return saved.id, saved.version, saved

    # Who logs a contact may come to own the alert, and who owns it to owe the call.
    return await created(request, parts, caller, key, write, whose=lambda change: contacts.owners(change, body.alert))


@router.get("/{contact_id}", summary="One contact", responses=READING)
async def one(parts: PartsDep, caller: Seeing, response: Response, contact_id: Id) -> Contact:
    """As it stands."""
    return with_etag(contact(await contacts.get(parts.store, contact_id)), response)


@router.patch("/{contact_id}", summary="Put a contact right", responses=EDITING)
async def change(
    parts: PartsDep, caller: Logging, response: Response, contact_id: Id, body: ContactPatch, if_match: IfMatch = None
) -> Contact:
    """Only what is sent; whom it was with and when stays as it was logged.

    Another outcome puts right what it did: calls that it had made good are owed again, clocks that nothing else has stopped run.
    """
    version = expected(if_match)
    fields = body.model_dump(exclude_unset=True)
    if "outcome" in fields and fields["outcome"] is None:
        raise invalid("outcome", "cannot be taken away")
    # Who sets a time, and who owns the alert, may come to owe the call.
    async with editing(parts, caller, whose=lambda change: contacts.owners(change, None, contact_id)) as under_way:
        saved = contact(await contacts.edit(under_way, contact_id, version, fields))
    return with_etag(saved, response)
