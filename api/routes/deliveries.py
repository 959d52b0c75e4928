"""Deliveries: each message and each channel it was for, how often it was tried, and what came of it."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api import alert as shape
from api.alert import Severity
from api.caller import needs
from api.fields import Id, Instant, Row
from api.listing import DEFAULT, Cursor, Limit, Page, after
from api.parts import PartsDep
from api.refusals import LISTING, READING
from api.roles import May
from api.token import Caller
from store import alerts, deliveries
from store.refusal import MissingError

router = APIRouter(tags=["deliveries"])

Seeing = Annotated[Caller, needs(May.SEE_CHANNELS)]
Reading = Annotated[Caller, needs(May.SEE_QUEUE)]


State = Literal["waiting", "delivered", "superseded", "dead"]

ANSWERED: Final[dict[str, Any]] = {
    "id": 81,
    "channel": 3,
    "channel_name": "Duty desk",
    "channel_kind": "webhook",
    "alert": 12,
    "kind": "exclusion",
    "severity": "P1",
    "key": "msg_40_3_9f0c1d2e3a4b",
    "state": "waiting",
    "attempts": 2,
    "next_try_at": "2026-11-22T08:00:12Z",
    "tried_at": "2026-11-22T08:00:07Z",
    "settled_at": None,
    "last_error": "the receiver answers 500",
    "created_at": "2026-11-22T08:00:02Z",
}


class Delivery(BaseModel):
    """One message for one channel."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWERED]})

    id: int
    channel: int
    channel_name: str
    channel_kind: Literal["webhook", "mail"]
    alert: int | None = Field(description="null: a test")
    kind: str | None
    severity: Severity
    key: str = Field(description="`webhook-id`, and the first half of a mail's `Message-ID`: the same in every try")
    state: State = Field(
        description="superseded: it would have told nothing that still mattered; dead: see the alert `undelivered`"
    )
    attempts: int
    next_try_at: Instant | None = Field(description="while a try is under way, when another instance would take over")
    tried_at: Instant | None
    settled_at: Instant | None
    last_error: str | None = Field(description="why the last try failed, or why it was not sent")
    created_at: Instant


class Deliveries(Page[Delivery]):
    """A page of deliveries."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})


def delivery(row: Row) -> Delivery:
    """As it is shown."""
    shown: dict[str, Any] = {name: row[name] for name in Delivery.model_fields if name not in {"severity", "next_try_at"}}
    shown |= {"severity": f"P{row['severity']}", "next_try_at": row["due_at"], "last_error": row["last_error"] or None}
    return Delivery(**shown)


@router.get("/deliveries", summary="Deliveries", responses=LISTING)
async def listed(
    parts: PartsDep,
    caller: Seeing,
    channel: Annotated[Id | None, Query()] = None,
    alert: Annotated[Id | None, Query()] = None,
    state: State | None = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Deliveries:
    """Newest first."""
    before = after(cursor) or None
    rows = await deliveries.page(parts.store, channel=channel, alert=alert, state=state, before=before, limit=limit + 1)
    return Deliveries.of(rows, limit, delivery)


@router.get("/deliveries/{delivery_id}", summary="One delivery", responses=READING)
async def one(parts: PartsDep, caller: Seeing, delivery_id: Id) -> Delivery:
    """As it stands."""
    return delivery(await deliveries.get(parts.store, delivery_id))


@router.get("/alerts/{alert_id}/deliveries", summary="Who was told of an alert outside", responses=READING)
async def of_alert(parts: PartsDep, caller: Reading, alert_id: Id, cursor: Cursor = None, limit: Limit = DEFAULT) -> Deliveries:
    """Newest first, for whoever sees the alert."""
    row = (await alerts.several(parts.store, [alert_id])).get(alert_id)
    if row is None or not shape.scope(caller).covers(shape.about(row)):
        raise MissingError("alert", alert_id)
    before = after(cursor) or None
    rows = await deliveries.page(parts.store, channel=None, alert=alert_id, state=None, before=before, limit=limit + 1)
    return Deliveries.of(rows, limit, delivery)
