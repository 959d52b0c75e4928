"""What machines ask: is it up, is it ready, what has it counted. Without a token, and without personal data."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from api.judging import NO_DATABASE, Check, checks, lane
from api.meters import CONTENT_TYPE
from api.parts import PartsDep
from api.problem import Kind, ProblemError, documented
from store import status, watch
from store.refusal import UNAVAILABLE

router = APIRouter(tags=["health"])


class Up(BaseModel):
    """It answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: Literal["ok"] = "ok"


class Ready(Up):
    """It does its work."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"status": "ok", "checks": [{"name": "lanes", "state": "ok", "text": "judging live"}]}],
        }
    )

    checks: list[Check]


@router.get("/healthz", summary="The process answers")
async def healthz() -> Up:
    """Says nothing of the rest: a supervisor that restarts this process must not do so for a database that is away."""
    return Up()


@router.get("/readyz", summary="The system does its work", responses=documented(Kind.UNAVAILABLE))
async def readyz(parts: PartsDep) -> Ready:
    """Each check with its state and a sentence; 503 where one fails. For whoever watches the system, not for routing requests.

    A screen must go on answering while monitoring is down: it is what says so.
    """
    try:
        lanes = [lane(row) for row in await status.lanes(parts.store)]
        found = checks(lanes, await watch.last(parts.store))
    except UNAVAILABLE:
        lanes, found = [], [NO_DATABASE]
    failing = [check for check in found if check.state == "failing"]
    if failing:
        more = {
            "checks": [check.model_dump(mode="json") for check in found],
            "lanes": [one.model_dump(mode="json") for one in lanes if one.state != "live"],
        }
        detail = "; ".join(check.text for check in failing)
        raise ProblemError(Kind.UNAVAILABLE, detail, headers={"Retry-After": "5"}, more=more)
    return Ready(checks=found)


@router.get(
    "/metrics",
    summary="Counters for Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus's text",
            "content": {
                CONTENT_TYPE.partition(";")[0]: {"schema": {"type": "string"}, "example": "cordon_feed_position 4711.0\n"}
            },
        },
        **documented(Kind.UNAVAILABLE),
    },
)
async def metrics(parts: PartsDep) -> Response:
    """Of this process, and of the system as the database sees it."""
    lanes = [lane(row) for row in await status.lanes(parts.store)]
    return Response(await parts.meters.text(parts.store, lanes, parts.hub.clients), media_type=CONTENT_TYPE)
