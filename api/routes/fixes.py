"""Fixes: where a tag was, or a wearer while they wore it, as GeoJSON, CSV or GPX."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import StreamingResponse

from api.alert import FULL
from api.caller import needs
from api.fields import Id, InstantIn, now_us
from api.listing import Cursor, pack, unpack
from api.parts import PartsDep
from api.problem import Kind, ProblemError, documented, invalid
from api.roles import May
from api.token import Caller
from api.track import CSV, GEOJSON, GPX, WRITERS, chosen
from model.instant import DAY_US, MINUTE_US, show
from store import audit, fixes
from store.fixes import After, Track
from store.pool import Record, Store

router = APIRouter(prefix="/fixes", tags=["fixes"])

LIMIT: Final = 10_000
LIMIT_MOST: Final = 100_000  # 4 tags for a month of minutes: about 30 MB of GeoJSON
DAYS_MOST: Final = 31
PIECE: Final = 2_000  # rows read at once: half a megabyte of JSON, and the connection is free again before it is sent

_FIX: Final = FULL["evidence"][0]["fixes"][0]
_COLLECTION: Final = {
    "type": "FeatureCollection",
    "next": None,
    "features": [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [_FIX["lon"], _FIX["lat"]]}, "properties": _FIX}
    ],
}
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "In order of time; `Link` with `rel=next` where there is more",
        "content": {
            GEOJSON: {"schema": {"type": "object"}, "example": _COLLECTION},
            CSV: {"schema": {"type": "string"}, "example": "tag,fix_at,...\r\n356307042441013,2026-11-22T08:00:00Z,...\r\n"},
            GPX: {"schema": {"type": "string"}, "example": '<gpx version="1.1">...</gpx>'},
        },
    },
    **documented(Kind.SIGNED_OUT, Kind.NOT_ALLOWED, Kind.MISSING, Kind.INVALID),
    406: documented(Kind.REFUSED)[405],
}


@router.get("", summary="Where a tag or a wearer was", response_class=StreamingResponse, responses=RESPONSES)
async def listed(
    request: Request,
    parts: PartsDep,
    caller: Annotated[Caller, needs(May.SEE_FIXES)],
    tag: Annotated[Id | None, Query(description="either this")] = None,
    wearer: Annotated[Id | None, Query(description="or this: only while they wore the tag")] = None,
    since: Annotated[InstantIn | None, Query(alias="from", description="fix_at at or after; default a day before `to`")] = None,
    until: Annotated[InstantIn | None, Query(alias="to", description="fix_at before; default now")] = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MOST)] = LIMIT,
    cursor: Cursor = None,
    accept: Annotated[str, Header(description="application/geo+json, text/csv or application/gpx+xml")] = "*/*",
) -> StreamingResponse:
    """In order of time. Who looked at whose, and at what span, is noted."""
    media_type = chosen(accept)
    if media_type is None:
        detail = f"there is {GEOJSON}, {CSV} and {GPX}: ask for one of them in Accept"
        raise ProblemError(Kind.REFUSED, detail, status=406)
    track = _track(tag, wearer, since, until)
    await fixes.check(parts.store, track)
    key = unpack(cursor, len(After._fields))
    after = None if key is None else After(*key)
    last = await fixes.skip(parts.store, track, after, limit)
    following = None if last is None else pack(*last)
    subject = f"fixes/tag/{tag}" if wearer is None else f"fixes/wearer/{wearer}"
    span = {"from_us": track.from_us, "to_us": track.to_us}
    await audit.note(parts.store, caller.account, "read", subject, format=media_type, limit=limit, **span)
    headers = {}
    if following is not None:
        # A default that moves with the clock must not move between two pages.
        url = request.url.include_query_params(**{"cursor": following, **_written(track)})
        headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    if media_type != GEOJSON:
        ending = {CSV: "csv", GPX: "gpx"}[media_type]
        headers["Content-Disposition"] = f'attachment; filename="fixes.{ending}"'
    body = WRITERS[media_type](_pieces(parts.store, track, after, limit), following)
    return StreamingResponse(body, headers=headers, media_type=media_type)


def _track(tag: int | None, wearer: int | None, since: int | None, until: int | None) -> Track:
    if (tag is None) == (wearer is None):
        raise invalid("tag", "give tag or wearer, one of them", "query")
    # A tag's clock may run ahead by as much as is not yet called skewed.
    to_us = now_us() + 2 * MINUTE_US if until is None else until
    from_us = to_us - DAY_US if since is None else since
    if from_us >= to_us:
        raise invalid("to", "is not after from", "query")
    if to_us - from_us > DAYS_MOST * DAY_US:
        raise invalid("from", f"is more than {DAYS_MOST} days before to: ask for less at once", "query")
    return Track(tag, wearer, from_us, to_us)


def _written(track: Track) -> dict[str, str]:
    return {"from": show(track.from_us), "to": show(track.to_us)}


async def _pieces(store: Store, track: Track, after: After | None, limit: int) -> AsyncIterator[Sequence[Record]]:
    """The rows of one answer. No connection is held while a slow client reads."""
    left = limit
    while left > 0:
        rows = await fixes.page(store, track, after, min(left, PIECE))
        if rows:
            yield rows
            after = fixes.key(rows[-1])
        left -= len(rows)
        if len(rows) < PIECE:
            return
