"""Turns a create into one that is done once: asked twice with one Idempotency-Key, or for one item of an imported file."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Final
from urllib.parse import unquote

from fastapi import Header, Request, Response
from pydantic import BaseModel

from api.caller import Whose, editing
from api.parts import Parts
from api.problem import invalid
from api.token import Caller
from api.versions import etag
from api.waiting import CHANGES, Waiting
from store import idempotency, imports
from store.feed import Edit

IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, description="one for each thing you create; kept for two days"),
]

# What an import says of each item (docs/worlds.md): the file's name, and the item's list and ref, as percent-encoded UTF-8.
SOURCE: Final = "Import-Source"
REF: Final = "Import-Ref"
SOURCE_MOST: Final = 200  # characters
REF_MOST: Final = 300


async def created(
    request: Request,
    parts: Parts,
    caller: Caller,
    key: str | None,
    create: Callable[[Edit], Awaitable[tuple[int, int, BaseModel]]],
    place: str = "",
    whose: Whose | None = None,
) -> Response:
    """Create in one transaction and answer 201; 200 with the id alone for an item of a file that was imported before.

    What waits for a second person is answered 202.

    Parameters
    ----------
    create : writes and returns (id, version, what to answer)
    place : where what is created is found, without its id; empty: below the request's own path
    whose : accounts to lock besides the caller's, as of ``editing``
    """
    asked = hashlib.sha256(f"{request.method} {request.url.path}\n".encode() + await request.body()).digest()
    async with editing(parts, caller, whose=whose) as change:
        if key is not None:
            kept = await idempotency.find(change, key, asked)
            if kept is not None:
                return Response(kept.body, kept.status, kept.headers | {"Idempotency-Replayed": "true"}, "application/json")
        source, ref = (unquote(request.headers.get(name, "")) for name in (SOURCE, REF))
        if source and ref:
            if len(source) > SOURCE_MOST or len(ref) > REF_MOST or "\x00" in source + ref:
                raise invalid(REF, f"name the file in at most {SOURCE_MOST} characters and the item in {REF_MOST}", "header")
            known = await imports.find(change, source, ref, asked)
            if known is not None:
                location = {"Location": f"{request.url.path}/{known}", "Import-Known": "true"}
                return Response(f'{{"id":{known}}}', 200, location, "application/json")
        number, version, model = await create(change)
        body = model.model_dump_json(by_alias=True).encode()
        status, headers = 201, {"Location": f"{place or request.url.path}/{number}", "ETag": etag(version)}
        if isinstance(model, Waiting):
            status, headers = 202, {"Location": f"{CHANGES}/{number}"}
        if source and ref:
            await imports.keep(change, source, ref, asked, number)
        if key is not None:
            await idempotency.keep(change, key, asked, idempotency.Kept(status, body, headers))
    return Response(body, status, headers, "application/json")
