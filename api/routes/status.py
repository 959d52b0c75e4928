"""How the system runs: its lanes and its counts."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.caller import needs
from api.fields import Instant, now_us
from api.judging import Judging, Lane, lane, watched
from api.parts import PartsDep
from api.problem import Kind, documented
from api.roles import May
from api.token import Caller
from store import status, watch

router = APIRouter(tags=["status"])

READING: Final = documented(Kind.SIGNED_OUT, Kind.NOT_ALLOWED)

ANSWERED: Final[dict[str, Any]] = {
    "judging": {
        "state": "live",
        "as_of": "2026-11-22T08:00:00Z",
        "text": "judging live",
        "failing": [],
        "seen_at": "2026-11-22T07:59:31Z",
    },
    "now": "2026-11-22T08:00:00.4Z",
    "lanes": [{"partition": 0, "owner": "worker-1", "watermark": "2026-11-22T08:00:00Z", "lag_s": 0.4, "state": "live"}],
    "feed_position": 4711,
    "counts": {
        "wearers": 100,
        "fitted": 100,
        "unknown_tags": 0,
        "dead_letters": 0,
        "open_alerts": {"P1": 1, "P2": 0, "P3": 0, "P4": 0},
        "new_alerts": 1,
    },
    "database_bytes": 12345678,
}


class Counts(BaseModel):
    """How many there are."""

    wearers: int
    fitted: int = Field(description="tags worn now")
    unknown_tags: int = Field(description="tags that sent without anybody wearing them, and that nobody wears now")
    dead_letters: int = Field(description="neither replayed nor discarded")
    open_alerts: dict[str, int] = Field(description="not closed, by severity")
    new_alerts: int = Field(description="not acknowledged")


class Status(BaseModel):
    """How the system runs."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWERED]})

    judging: Judging
    now: Instant
    lanes: list[Lane]
    feed_position: int
    counts: Counts
    database_bytes: int


@router.get("/status", summary="How the system runs", responses=READING)
async def overall(parts: PartsDep, caller: Annotated[Caller, needs(May.SEE_STATUS)]) -> Status:
    """Whether positions are being judged and as of when, what there is, and how much room it takes."""
    lanes = [lane(row) for row in await status.lanes(parts.store)]
    counts = await status.counts(parts.store)
    opened = await status.open_alerts(parts.store)
    return Status(
        judging=watched(lanes, await watch.last(parts.store)),
        now=now_us(),
        lanes=lanes,
        feed_position=counts["feed_position"],
        counts=Counts(open_alerts={f"P{severity}": _of(opened, severity) for severity in (1, 2, 3, 4)}, **_counted(counts)),
        database_bytes=counts["database_bytes"],
    )


def _of(opened: Mapping[tuple[str, int], int], severity: int) -> int:
    return sum(count for (_, its), count in opened.items() if its == severity)


def _counted(counts: dict[str, Any]) -> dict[str, int]:
    return {name: counts[name] for name in Counts.model_fields if name in counts}
