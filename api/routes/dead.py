"""Dead letters: what the doors could not take, with the reason; replayed through the door that refused it, or discarded."""

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.caller import editing, needs
from api.fields import Id, Instant, Row
from api.listing import DEFAULT, Cursor, Limit, Page, after
from api.parts import PartsDep
from api.problem import Kind, ProblemError, documented
from api.refusals import LISTING, READING
from api.roles import May
from api.token import Caller
from model.batch import Rejected
from store import audit, dead, status
from store.dead import Kept, Settled

router = APIRouter(prefix="/dead", tags=["dead letters"])

Seeing = Annotated[Caller, needs(May.SEE_DEAD)]
Settling = Annotated[Caller, needs(May.SETTLE_DEAD)]

# A coordinate that a reason tells, "lat 151.5 is not between -90 and 90": beside a wrong one, or as one swapped, it is a place.
COORDINATE: Final = re.compile(r"\b(lon|lat)( is)? [-+]?\.?\d[^\s,;]*")

SETTLING: Final = READING | documented(Kind.CONFLICT)

LETTER: Final[dict[str, Any]] = {
    "id": 9,
    "received_at": "2026-11-22T08:00:00Z",
    "gateway": "gw-1",
    "protocol": "http-json",
    "reason": "fixes[1]: lat 151.0 is not between -90 and 90; are lon and lat swapped?",
    "bytes": 120,
    "replayed_at": None,
    "settled_as": None,
}
WHOLE: Final = LETTER | {"body": '{"tag":356307042441013,"fix_at":"2026-11-22T08:00:00Z","lon":51.5,"lat":151.0}', "hex": False}
REPLAYED: Final[dict[str, Any]] = {"id": 9, "stored": 1, "duplicate": 0, "rejected": []}


class DeadLetter(BaseModel):
    """A frame or record that could not be taken."""

    model_config = ConfigDict(json_schema_extra={"examples": [LETTER]})

    id: int
    received_at: Instant
    gateway: str
    protocol: str
    reason: str = Field(description="of a coordinate, its number only for who may see fixes")
    bytes: int
    replayed_at: Instant | None = Field(description="when it was settled")
    settled_as: str | None = Field(description="replayed, discarded; null while it waits")


class DeadLetters(Page[DeadLetter]):
    """A page of dead letters."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [LETTER], "next": None}]})


class WholeLetter(DeadLetter):
    """A dead letter with its bytes."""

    model_config = ConfigDict(json_schema_extra={"examples": [WHOLE]})

    body: str | None = Field(description="as it came; null for who may not see fixes, since it is positions")
    hex: bool = Field(description="whether `body` is hexadecimal, because it is not text")


class Replayed(BaseModel):
    """What became of a letter's records."""

    model_config = ConfigDict(json_schema_extra={"examples": [REPLAYED]})

    id: int
    stored: int | None = Field(description="new to the store; null where a log stands between")
    duplicate: int | None = Field(description="stored before")
    rejected: list[str] = Field(description="of several records, those still refused: new dead letters, with these reasons")


class Discard(BaseModel):
    """Why a letter is of no use."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "the vendor's test tag"}]})

    reason: str = Field(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")


@router.get("", summary="Dead letters", responses=LISTING)
async def listed(parts: PartsDep, caller: Seeing, cursor: Cursor = None, limit: Limit = DEFAULT) -> DeadLetters:
    """Newest first, without their bytes."""
    rows = await status.dead(parts.store, after(cursor) or None, limit + 1)
    return DeadLetters.of(rows, limit, lambda row: _letter(row, caller))


@router.get("/{letter_id}", summary="One dead letter", responses=READING)
async def one(parts: PartsDep, caller: Seeing, letter_id: Id) -> WholeLetter:
    """With its bytes, for who may see where people were. Who looked is noted."""
    kept = await dead.get(parts.store, letter_id)
    shown = caller.may(May.SEE_FIXES)
    await audit.note(parts.store, caller.account, "read", f"dead/{letter_id}", bytes=shown)
    return _whole(kept, caller)


@router.post("/{letter_id}/replay", summary="Replay a dead letter", responses=SETTLING)
async def replay(parts: PartsDep, caller: Settling, letter_id: Id) -> Replayed:
    """Given to the door's decoder once more, as received now; still refused, it stays as it was.

    Records stored before are found to be repeats: nothing is stored twice, whatever happens in between.
    """
    async with editing(parts, caller) as change:
        again = parts.settings.replay
        if again is None:
            detail = "no gateway door runs beside this API: replay it with `cordon dead replay`"
            raise ProblemError(Kind.CONFLICT, detail)
        kept = await dead.locked(change, letter_id)
        became = await again(kept.letter)
        if isinstance(became, Rejected):
            raise ProblemError(Kind.CONFLICT, f"it is still refused: {_reason(became.reason, caller)}")
        receipt, rejected = became
        await dead.settle(change, letter_id, Settled.REPLAYED, receipt=receipt.id)
    reasons = [_reason(refused.reason, caller) for refused in rejected]
    return Replayed(id=letter_id, stored=receipt.stored, duplicate=receipt.duplicate, rejected=reasons)


@router.post("/{letter_id}/discard", summary="Discard a dead letter", responses=SETTLING)
async def discard(parts: PartsDep, caller: Settling, letter_id: Id, body: Discard) -> WholeLetter:
    """It waits for nobody any more; its bytes go thirty days later."""
    async with editing(parts, caller) as change:
        await dead.locked(change, letter_id)
        await dead.settle(change, letter_id, Settled.DISCARDED, reason=body.reason)
    return _whole(await dead.get(parts.store, letter_id), caller)


def _reason(reason: str, caller: Caller) -> str:
    """A letter's reason as this caller may read it."""
    return reason if caller.may(May.SEE_FIXES) else COORDINATE.sub(r"\1\2 …", reason)


def _letter(row: Row, caller: Caller) -> DeadLetter:
    return DeadLetter(**{name: row[name] for name in DeadLetter.model_fields} | {"reason": _reason(row["reason"], caller)})


def _whole(kept: Kept, caller: Caller) -> WholeLetter:
    letter, shown = kept.letter, caller.may(May.SEE_FIXES)
    try:
        text, is_hex = letter.body.decode(), False
    except UnicodeDecodeError:
        text, is_hex = letter.body.hex(), True
    return WholeLetter(
        id=kept.id,
        received_at=kept.received_us,
        gateway=letter.gateway,
        protocol=letter.protocol,
        reason=_reason(letter.reason, caller),
        bytes=len(letter.body),
        replayed_at=kept.settled_us,
        settled_as=kept.settled_as,
        body=text if shown else None,
        hex=shown and is_hex,
    )
