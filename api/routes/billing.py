"""The billing report: how many people were really monitored on each day, none of them counted twice."""

from datetime import date, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.caller import needs
from api.fields import Instant, now_us
from api.parts import PartsDep
from api.problem import Kind, ProblemError, documented, invalid
from api.roles import May
from api.token import Caller
from api.track import CSV, JSON, accepted, table
from model.instant import from_us
from store import audit, billing

router = APIRouter(prefix="/billing", tags=["billing"])

DAYS_MOST: Final = 92  # a quarter

EXAMPLE: Final[dict[str, Any]] = {
    "items": [{"date": "2026-11-21", "organisation": {"id": 1, "name": "Monitoring centre"}, "people": 412}],
    "next": None,
    "person_days": 412,
    "people": 412,
    "as_of": "2026-11-22T08:00:00Z",
}
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {CSV: {"schema": {"type": "string"}, "example": "date,organisation,people\r\n2026-11-21,1,412\r\n"}}},
    **documented(Kind.SIGNED_OUT, Kind.NOT_ALLOWED, Kind.INVALID, Kind.CONFLICT),
    406: documented(Kind.REFUSED)[405],
}


class Organisation(BaseModel):
    """Whose order it was."""

    id: int
    name: str


class BilledDay(BaseModel):
    """One date of one organisation."""

    date: date
    organisation: Organisation
    people: int = Field(description="different ones, each on one date once and for one organisation")


class Billing(BaseModel):
    """People really monitored."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    items: list[BilledDay]
    next: None = None
    person_days: int = Field(description="all items summed")
    people: int = Field(description="different ones over the whole time")
    as_of: Instant = Field(description="what comes late may still add to it")


@router.get("", summary="People really monitored, by day", response_model=Billing, responses=RESPONSES)
async def report(
    parts: PartsDep,
    caller: Annotated[Caller, needs(May.SEE_BILLING)],
    first: Annotated[date, Query(alias="from", description="the first date")],
    end: Annotated[date, Query(alias="to", description="the date after the last")],
    accept: Annotated[str, Header(description="application/json or text/csv")] = "*/*",
) -> Response:
    """A date counts for who wore a tag by an order in force and of whom anything was heard that day."""
    media_type = accepted(accept, (JSON, CSV))
    if media_type is None:
        raise ProblemError(Kind.REFUSED, f"there is {JSON} and {CSV}: ask for one of them in Accept", status=406)
    if end <= first:
        raise invalid("to", "is not after from", "query")
    if end - first > timedelta(days=DAYS_MOST):
        raise invalid("from", f"is more than {DAYS_MOST} days before to: ask for less at once", "query")
    if end > from_us(now_us()).date() + timedelta(days=1):
        raise invalid("to", "lies in the future: today is the last day that can be counted, as far as it has come", "query")
    if first.year < 2000:
        raise invalid("from", "lies before there was any tag", "query")
    found = await billing.report(parts.store, first, end)
    await audit.note(parts.store, caller.account, "read", "billing", first=str(first), end=str(end), format=media_type)
    if media_type == CSV:
        headers = {"Content-Disposition": 'attachment; filename="billing.csv"'}
        rows = [(line.day, line.organisation, line.name, line.people) for line in found.lines]
        return Response(table(("date", "organisation", "name", "people"), rows), headers=headers, media_type=CSV)
    body = Billing(
        items=[
            BilledDay(date=line.day, organisation=Organisation(id=line.organisation, name=line.name), people=line.people)
            for line in found.lines
        ],
        person_days=found.person_days,
        people=found.people,
        as_of=found.as_of_us,
    )
    return Response(body.model_dump_json(), media_type=JSON)
