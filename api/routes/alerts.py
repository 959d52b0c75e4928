"""Alerts: the queue, one alert in full, and what people do about it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Query, Response
from pydantic import ConfigDict, Field

from api import alert as shape
from api import evidence as proof
from api.alert import About, Alert, FullAlert, Severity
from api.caller import editing, needs
from api.evidence import EvidenceBundle
from api.fields import Id, Input, InstantIn, Row, Text
from api.listing import DEFAULT, Cursor, Limit, Page, pack, unpack
from api.parts import Parts, PartsDep
from api.problem import Kind, ProblemError, documented, invalid
from api.roles import PERMISSIONS, May, Role
from api.token import Caller
from api.track import JSON, accepted
from api.versions import IfMatch, etag, text
from model.alert import Kind as AlertKind
from model.instant import FOREVER_US
from store import alerts, audit
from store import evidence as found
from store.feed import Edit
from store.pool import Record
from store.refusal import MissingError

router = APIRouter(prefix="/alerts", tags=["alerts"])

Seeing = Annotated[Caller, needs(May.SEE_QUEUE)]
Proving = Annotated[Caller, needs(May.SEE_FIXES)]
Working = Annotated[Caller, needs(May.WORK_ALERTS)]

READING: Final = documented(Kind.SIGNED_OUT, Kind.NOT_ALLOWED, Kind.MISSING, Kind.INVALID)
ACTING: Final = READING | documented(Kind.MALFORMED, Kind.CONFLICT, Kind.STALE)

Step = Literal["call_wearer", "call_victim", "call_police", "call_officer", "send_visit", "instruct", "decide", "other"]
Result = Literal["done", "spoke", "no_answer", "refused", "dead_number"]
Outcome = Literal["apparent_non_compliance", "authorised", "explained", "false_alarm", "equipment_fault", "welfare", "other"]

WORKING_ROLES: Final = sorted(role for role, permissions in PERMISSIONS.items() if May.WORK_ALERTS in permissions)


class Queue(Page[Alert]):
    """A page of the queue."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [shape.SUMMARY], "next": None, "position": 4711}]})

    position: int = Field(description="connect the stream with `?last_event_id=` this, and nothing falls between")


class Acknowledge(Input):
    """Seen."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": None}]})

    note: Text | None = None


class Assign(Input):
    """Whose it is now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"owner": 3}]})

    owner: Id | None = Field(description="account id; null for nobody")


class Note(Input):
    """A person's own words."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "Wearer's mother says he is at hospital."}]})

    text: Text


class Done(Input):
    """Something done about it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"step": "call_wearer", "result": "no_answer", "text": "Rang out twice."}]}
    )

    step: Step
    result: Result = "done"
    text: Text | None = None


class Victim(Input):
    """Whether the victim was told, or why not."""

    notified: bool
    reason: Text | None = Field(None, description="needed where notified is false")


class Close(Input):
    """How it ended."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "outcome": "apparent_non_compliance",
                    "note": "Escorted out by police.",
                    "victim": {"notified": True, "reason": None},
                }
            ]
        }
    )

    outcome: Outcome
    note: Text
    victim: Victim | None = Field(None, description="needed for an `exclusion` in a victim zone")


class Reopen(Input):
    """Why it is not done with."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "Closed by mistake."}]})

    note: Text


@router.get("", summary="The queue", responses=documented(Kind.SIGNED_OUT, Kind.NOT_ALLOWED, Kind.INVALID))
async def queue(
    parts: PartsDep,
    caller: Seeing,
    state: Literal["open", "closed", "all"] = "open",
    severity: Annotated[list[Severity] | None, Query(description="repeat it for several")] = None,
    kind: AlertKind | None = None,
    wearer: Annotated[Id | None, Query()] = None,
    tag: Annotated[Id | None, Query()] = None,
    zone: Annotated[Id | None, Query()] = None,
    owner: Annotated[Id | None, Query()] = None,
    since: Annotated[InstantIn | None, Query(alias="from", description="event_at at or after")] = None,
    until: Annotated[InstantIn | None, Query(alias="to", description="event_at before")] = None,
    overdue: Annotated[bool, Query(description="only those of which a clock has run out")] = False,
    unowned: Annotated[bool, Query(description="only those that nobody owns")] = False,
    officer: Annotated[Id | None, Query(description="who answers now for an order it concerns, by cover or themselves")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Queue:
    """Worst first, then the most overdue; ended but not closed alerts stay in it."""
    key = unpack(cursor, 4)
    if key is not None and not 1 <= key[0] <= 4:
        raise invalid("cursor", "is not one of ours: pass `next` of the page before, unchanged", "query")
    severities = None if severity is None else [int(one[1]) for one in severity]
    of_caller = shape.scope(caller)
    wanted = alerts.Filter(state, severities, kind, wearer, tag, zone, owner, since, until, *of_caller, overdue, unowned, officer)
    position, rows = await alerts.page(parts.store, wanted, None if key is None else alerts.Place(*key), limit + 1)
    following = pack(*alerts.place(rows[limit - 1], FOREVER_US)) if len(rows) > limit else None
    return Queue(items=[shape.alert(row) for row in rows[:limit]], next=following, position=position)


@router.get("/{alert_id}", summary="One alert, with what it was judged by", responses=READING)
async def one(parts: PartsDep, caller: Seeing, response: Response, alert_id: Id) -> FullAlert:
    """Its evidence and everything that happened to it. Who looked is noted."""
    detail = await alerts.get(parts.store, alert_id)
    _seen(caller, detail.alert)
    await audit.note(
        parts.store, caller.account, "read", f"alert/{alert_id}", wearer=detail.alert["wearer"], **_named(detail, caller)
    )
    return _answer(detail, response, caller)


@router.get(
    "/{alert_id}/evidence",
    summary="All it was judged by, and the same verdict again",
    responses=READING | {406: documented(Kind.REFUSED)[405]},
)
async def evidence(
    parts: PartsDep,
    caller: Proving,
    alert_id: Id,
    accept: Annotated[str, Header(description="application/json: a court bundle in PDF is not made yet")] = "*/*",
) -> EvidenceBundle:
    """Fixes, zone versions, rules, order, who saw what when, its place in the signed chain, and every verdict computed anew.

    Who asked is noted. `cordon verify` checks the chain itself.
    """
    if accepted(accept, (JSON,)) is None:
        raise ProblemError(
            Kind.REFUSED, f"the evidence is there as {JSON} alone: ask for that in Accept, a PDF is not made yet", status=406
        )
    bundle = await found.bundle(parts.store, alert_id)
    _seen(caller, bundle.detail.alert)
    await audit.note(parts.store, caller.account, "read evidence", f"alert/{alert_id}", wearer=bundle.detail.alert["wearer"])
    judged = await asyncio.to_thread(proof.judged_again, bundle)
    return proof.answer(bundle, judged, FOREVER_US)


@router.post("/{alert_id}/acknowledge", summary="Say that it is seen", responses=ACTING)
async def acknowledge(
    parts: PartsDep, caller: Working, response: Response, alert_id: Id, body: Acknowledge | None = None, if_match: IfMatch = None
) -> FullAlert:
    """Stops the first clock; the caller owns it."""
    words = (body and body.note) or ""
    return await _act(parts, caller, response, alert_id, if_match, lambda change, row: alerts.acknowledge(change, row, words))


@router.post("/{alert_id}/assign", summary="Hand it to somebody", responses=ACTING)
async def assign(
    parts: PartsDep, caller: Working, response: Response, alert_id: Id, body: Assign, if_match: IfMatch = None
) -> FullAlert:
    """Changes the owner, nothing else: handing it over does not say that anybody has seen it."""
    return await _act(
        parts,
        caller,
        response,
        alert_id,
        if_match,
        lambda change, row: alerts.assign(change, row, body.owner, workers(row)),
        () if body.owner is None else (body.owner,),
    )


@router.post("/{alert_id}/notes", summary="Add a note", responses=ACTING)
async def note(
    parts: PartsDep, caller: Working, response: Response, alert_id: Id, body: Note, if_match: IfMatch = None
) -> FullAlert:
    """Goes into the history; closed alerts take notes too."""
    return await _act(parts, caller, response, alert_id, if_match, lambda change, row: alerts.note(change, row, body.text))


@router.post("/{alert_id}/steps", summary="Log a step", responses=ACTING)
async def step(
    parts: PartsDep, caller: Working, response: Response, alert_id: Id, body: Done, if_match: IfMatch = None
) -> FullAlert:
    """The alert is in progress; the caller owns it if nobody does. A call stops the clock of the first contact.

    One to the police in which they were spoken to (`result`: `spoke`), or `decide` (say in the text what was decided), stops that
    of the decision. A dead number stops no clock but the first.
    """
    if body.step == "decide" and body.text is None:
        raise invalid("text", "is needed: say what was decided, and why")

    async def act(change: Edit, row: Record) -> None:
        await alerts.step(change, row, body.step, body.result, body.text or "")

    return await _act(parts, caller, response, alert_id, if_match, act)


@router.post("/{alert_id}/close", summary="Close it", responses=ACTING)
async def close(
    parts: PartsDep, caller: Working, response: Response, alert_id: Id, body: Close, if_match: IfMatch = None
) -> FullAlert:
    """With an outcome and a note; an exclusion in a victim zone only with the victim told, or why not."""

    async def act(change: Edit, row: Record) -> None:
        victim = body.victim
        of_victim = row["kind"] == AlertKind.EXCLUSION and row["zone_purpose"] == "victim" and row["condition"] != "withdrawn"
        if of_victim and victim is None:
            raise invalid("victim", 'is needed in a victim zone: {"notified": true}, or {"notified": false, "reason": "..."}')
        if victim is not None and not victim.notified and victim.reason is None:
            raise invalid("victim.reason", "is needed: say why the victim was not told")
        details: dict[str, Any] = {} if victim is None else {"victim": victim.model_dump()}
        await alerts.close(change, row, body.outcome, body.note, details)

    return await _act(parts, caller, response, alert_id, if_match, act)


@router.post("/{alert_id}/reopen", summary="Open it again", responses=ACTING)
async def reopen(
    parts: PartsDep, caller: Working, response: Response, alert_id: Id, body: Reopen, if_match: IfMatch = None
) -> FullAlert:
    """In progress again, owned by the caller; refused where a newer alert is open for the same wearer and zone."""
    return await _act(parts, caller, response, alert_id, if_match, lambda change, row: alerts.reopen(change, row, body.note))


async def _act(
    parts: Parts,
    caller: Caller,
    response: Response,
    alert_id: int,
    if_match: str | None,
    act: Callable[[Edit, Record], Awaitable[None]],
    owners: Sequence[int] = (),
) -> FullAlert:
    """Lock, compare the version where one is given, act, and answer with the alert as it then stands.

    ``owners`` are whom it makes an owner, besides the caller.
    """
    async with editing(parts, caller, *owners) as change:
        row = await alerts.locked(change, alert_id)
        _seen(caller, row)
        if if_match is not None and text(if_match) != shape.version(row):
            raise _stale(row, text(if_match), await alerts.last_words(change.connection, alert_id))
        await act(change, row)
    return _answer(await alerts.get(parts.store, alert_id), response, caller)


def _named(detail: alerts.Detail, caller: Caller) -> dict[str, list[int]]:
    """Whose names an outage's list shows, for the audit."""
    wearers = {row["wearer"] for row in detail.listed if row["wearer"] is not None and caller.may(May.SEE_WEARERS)}
    return {"listed": sorted(wearers)} if wearers else {}


def _seen(caller: Caller, row: Record) -> None:
    """Refuse an alert that the caller's list does not show, as one that is not there."""
    if not shape.scope(caller).covers(shape.about(row)):
        raise MissingError("alert", row["id"])


def workers(row: Row) -> list[Role]:
    """Roles that work such an alert: whoever has it must be able to see it."""
    needed = {About.WEARER: May.SEE_WEARERS, About.FLEET: May.SEE_QUEUE, About.OURS: May.SEE_OUTAGES}[shape.about(row)]
    return [role for role in WORKING_ROLES if needed in PERMISSIONS[role]]


def _stale(row: Record, read: str, last: str) -> ProblemError:
    condition, _, handling = read.partition("-")
    now_condition, _, now_handling = shape.version(row).partition("-")
    sides = [
        side for side, then, now in (("condition", condition, now_condition), ("handling", handling, now_handling)) if then != now
    ]
    detail = f"alert {row['id']} has changed since you read it ({' and '.join(sides)}): {last}"
    current = shape.alert(row).model_dump(mode="json")
    return ProblemError(
        Kind.STALE, detail, headers={"ETag": etag(shape.version(row))}, more={"changed": sides, "current": current}
    )


def _answer(detail: alerts.Detail, response: Response, caller: Caller) -> FullAlert:
    full = shape.full(detail, people=caller.may(May.SEE_WEARERS))
    response.headers["ETag"] = etag(full.version)
    return full
