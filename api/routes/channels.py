"""Channels: who is told outside, where, and of which alerts."""

import base64
import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.alert import Severity
from api.caller import editing, needs
from api.creation import IdempotencyKey, created
from api.fields import Id, Input, Instant, Name, Row, Timezone
from api.listing import DEFAULT, Cursor, Limit, Page, after
from api.parts import PartsDep
from api.problem import Kind, documented, invalid
from api.refusals import CREATING, EDITING, LISTING, READING
from api.roles import May
from api.routes.deliveries import Delivery, delivery
from api.token import Caller
from api.versions import IfMatch, expected, with_etag
from model import reach
from model.alert import Kind as AlertKind
from store import channels, deliveries
from store.feed import Edit

router = APIRouter(prefix="/channels", tags=["channels"])

Seeing = Annotated[Caller, needs(May.SEE_CHANNELS)]
Editing = Annotated[Caller, needs(May.EDIT_CHANNELS)]

TESTING: Final = READING | documented(Kind.CONFLICT)

SENT: Final[dict[str, Any]] = {
    "name": "Duty desk",
    "kind": "webhook",
    "target": "https://desk.example/cordon",
    "kinds": None,
    "severities": ["P1", "P2"],
    "tells": None,
    "organisation": None,
    "officer": None,
    "active": True,
    "digest": {"at": "07:00", "timezone": "Europe/London"},
}
ANSWERED: Final[dict[str, Any]] = SENT | {
    "id": 3,
    "off_because": None,
    "failing_since": None,
    "undelivered": None,
    "delivered": 412,
    "failed": 2,
    "version": 1,
    "created_at": "2026-11-22T08:00:00Z",
}
SECRET: Final[dict[str, Any]] = ANSWERED | {
    "delivered": 0,
    "failed": 0,
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwPWHUSFnXTdk=",
}

MAIL: Final = re.compile(r"[^\s@<>()\[\]\\,;:\"]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def _different(values: list[Any] | None) -> list[Any] | None:
    if values is not None and len(set(values)) < len(values):
        raise ValueError("names something twice: once is enough")
    return values


Target = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Kinds = Annotated[list[AlertKind], Field(min_length=1), AfterValidator(_different)]
# What is told: that an alert calls for people, or that it was escalated, by whom it was escalated to. A digest is told by itself.
Tells = Literal["raised", "responsible_officer", "duty_officer", "duty_manager", "police", "engineer", "digest"]
Told = Annotated[list[Tells], Field(min_length=1), AfterValidator(_different)]
Severities = Annotated[list[Severity], Field(min_length=1), AfterValidator(_different)]


class Digest(Input):
    """When a channel is told how many alerts are open."""

    at: str = Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="local time, each day")
    timezone: Timezone


class ChannelIn(Input):
    """A channel as it is sent."""

    model_config = ConfigDict(json_schema_extra={"examples": [SENT]})

    name: Name
    kind: Literal["webhook", "mail"] = Field(description="webhook: signed POSTs to an address; mail: to a person or a list")
    target: Target = Field(
        description="https address, or mail address; a private address, or http, only in networks that the installation lists"
    )
    kinds: Kinds | None = Field(None, description="which alerts; null: every kind")
    severities: Severities | None = Field(None, description="null: every severity")
    tells: Told | None = Field(
        None, description="raised: an alert calls for people; else to whom it was escalated; null: all of it"
    )
    organisation: Id | None = Field(
        None, description="only alerts under this organisation's orders; null: any, and those without a wearer"
    )
    officer: Id | None = Field(
        None, description="only of orders this account answers for just now: its caseload, or one it covers"
    )
    active: bool = True
    digest: Digest | None = Field(
        None, description="numbers each day, whatever `tells` and `severities`; with `tells` digest nothing else"
    )


class ChannelPatch(Input):
    """What is to change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"severities": ["P1"]}]})

    name: Name | None = None
    target: Target | None = None
    kinds: Kinds | None = None
    severities: Severities | None = None
    tells: Told | None = None
    organisation: Id | None = None
    officer: Id | None = None
    active: bool | None = None
    digest: Digest | None = None
    rotate_secret: Literal[True] | None = Field(
        None, description="make a new secret, shown in this answer alone; the one before signs as well for a day"
    )


NULLABLE: Final = {"kinds", "severities", "tells", "organisation", "officer", "digest", "rotate_secret"}


class Channel(BaseModel):
    """A channel. Its secret is not shown again."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWERED]})

    id: int
    name: str
    kind: Literal["webhook", "mail"]
    target: str
    kinds: list[str] | None
    severities: list[Severity] | None
    tells: list[str] | None
    organisation: int | None
    officer: int | None
    active: bool
    digest: Digest | None
    off_because: str | None = Field(description="why it is off, where no person switched it off")
    failing_since: Instant | None = Field(description="since when nothing gets through")
    undelivered: int | None = Field(description="the alert raised for that")
    delivered: int = Field(description="messages that came, ever")
    failed: int = Field(description="tries that failed, ever")
    version: int
    created_at: Instant


class ChannelWithSecret(Channel):
    """A channel with the secret that was just made."""

    model_config = ConfigDict(json_schema_extra={"examples": [SECRET]})

    secret: str | None = Field(description="`whsec_` and base64: keep it now, it is not shown again; null where none was made")


class Channels(Page[Channel]):
    """A page of channels."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})


def _check(kind: str, target: str, inside: Sequence[reach.Network]) -> None:
    """Refuse a target that cannot be one of this kind. Where a name leads is judged at each try (duties/webhook.py)."""
    if kind == "mail":
        if MAIL.fullmatch(target) is None:
            raise invalid("target", "is no mail address: write one such as duty@example.org")
        return
    try:
        parts = urlsplit(target)
        well = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        well = False
    if not well or not target.isascii() or not target.isprintable() or " " in target:
        raise invalid("target", "is no address of the web: write one such as https://desk.example/cordon")
    if parts.username is not None or parts.fragment:
        raise invalid("target", "must not have a name, password or # in it: messages are signed, that says who sends")
    host = reach.literal(parts.hostname or "")
    own = host is not None and reach.listed(host, inside)
    if parts.scheme == "http" and not (own or (host is None and inside)):
        raise invalid("target", "must be https: only networks that CORDON_CHANNEL_NETWORKS lists are sent to by http")
    if host is not None and not own and not reach.public(host):
        raise invalid("target", "is no public address, and CORDON_CHANNEL_NETWORKS lists no network with it")


def _fields(row: Row) -> dict[str, Any]:
    severities = row["severities"]
    digest = None if row["digest_at"] is None else Digest(at=row["digest_at"], timezone=row["digest_timezone"])
    return {name: row[name] for name in Channel.model_fields if name != "digest"} | {
        "digest": digest,
        "severities": None if severities is None else [f"P{level}" for level in severities],
        "off_because": row["off_because"] or None,
    }


def _stored(fields: dict[str, Any]) -> dict[str, Any]:
    if fields.get("severities") is not None:
        fields["severities"] = sorted(int(level[1]) for level in fields["severities"])
    if "digest" in fields:
        digest = fields.pop("digest") or {"at": None, "timezone": None}
        fields |= {"digest_at": digest["at"], "digest_timezone": digest["timezone"]}
    return fields


def _shown(row: Row, secret: bytes | None) -> ChannelWithSecret:
    return ChannelWithSecret(secret=None if secret is None else f"whsec_{base64.b64encode(secret).decode()}", **_fields(row))


@router.get("", summary="Channels", responses=LISTING)
async def listed(parts: PartsDep, caller: Seeing, cursor: Cursor = None, limit: Limit = DEFAULT) -> Channels:
    """By id."""
    rows = await channels.page(parts.store, after=after(cursor), limit=limit + 1)
    return Channels.of(rows, limit, lambda row: Channel(**_fields(row)))


@router.post("", summary="Create a channel", status_code=201, response_model=ChannelWithSecret, responses=CREATING)
async def create(request: Request, parts: PartsDep, caller: Editing, body: ChannelIn, key: IdempotencyKey = None) -> Response:
    """It is told of what happens from now on. A webhook's `secret` is in this answer and in no other."""
    _check(body.kind, body.target, parts.settings.inside)

    async def write(change: Edit) -> tuple[int, int, ChannelWithSecret]:
        fields = _stored(body.model_dump(mode="json"))
        row, secret = await channels.add(change, fields.pop("kind"), fields)
        return row["id"], row["version"], _shown(row, secret)

    return await created(request, parts, caller, key, write)


@router.get("/{channel_id}", summary="One channel", responses=READING)
async def one(parts: PartsDep, caller: Seeing, response: Response, channel_id: Id) -> Channel:
    """As it stands, and whether messages get through."""
    return with_etag(Channel(**_fields(await channels.get(parts.store.pool, channel_id))), response)


@router.patch("/{channel_id}", summary="Change a channel", responses=EDITING)
async def change(
    parts: PartsDep, caller: Editing, response: Response, channel_id: Id, body: ChannelPatch, if_match: IfMatch = None
) -> ChannelWithSecret:
    """Only what is sent. Off, what waits for it is let go of; on again or moved, what it missed within a day is tried."""
    version = expected(if_match)
    fields = body.model_dump(mode="json", exclude_unset=True)
    for name, value in fields.items():
        if value is None and name not in NULLABLE:
            raise invalid(name, "cannot be taken away")
    rotate = fields.pop("rotate_secret", None) is True
    async with editing(parts, caller) as under_way:
        if "target" in fields:
            kind = (await channels.get(under_way.connection, channel_id))["kind"]
            _check(kind, fields["target"], parts.settings.inside)
        row, secret = await channels.edit(under_way, channel_id, version, _stored(fields), rotate=rotate)
        saved = _shown(row, secret)
    return with_etag(saved, response)


@router.post("/{channel_id}/test", summary="Send a test message", status_code=201, response_model=Delivery, responses=TESTING)
async def trial(request: Request, parts: PartsDep, caller: Editing, channel_id: Id, key: IdempotencyKey = None) -> Response:
    """Sent by the duties at once, and tried once: ask for the delivery until it is `delivered` or `dead`."""

    async def write(change: Edit) -> tuple[int, int, Delivery]:
        made = delivery(await deliveries.trial(change, channel_id))
        return made.id, made.attempts, made

    return await created(request, parts, caller, key, write, place="/api/v1/deliveries")
