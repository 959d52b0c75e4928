"""Turns a create into one that is done once: asked twice with one Idempotency-Key, it answers the same again."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Header, Request, Response
from pydantic import BaseModel

from api.parts import Parts
from api.token import Caller
from api.versions import etag
from store import idempotency
from store.feed import Edit, edit

IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, description="one for each thing you create; kept for two days"),
]


async def created(
    request: Request,
    parts: Parts,
    caller: Caller,
    key: str | None,
    create: Callable[[Edit], Awaitable[tuple[int, int, BaseModel]]],
    place: str = "",
) -> Response:
    """Create in one transaction and answer 201.

    Parameters
    ----------
    create : writes and returns (id, version, what to answer)
    place : where what is created is found, without its id; empty: below the request's own path
    """
    asked = hashlib.sha256(f"{request.method} {request.url.path}\n".encode() + await request.body()).digest()
    async with edit(parts.store, caller.account) as change:
        if key is not None:
            kept = await idempotency.find(change, key, asked)
            if kept is not None:
                return Response(kept.body, kept.status, kept.headers | {"Idempotency-Replayed": "true"}, "application/json")
        number, version, model = await create(change)
        body = model.model_dump_json(by_alias=True).encode()
        headers = {"Location": f"{place or request.url.path}/{number}", "ETag": etag(version)}
        if key is not None:
            await idempotency.keep(change, key, asked, idempotency.Kept(201, body, headers))
    return Response(body, 201, headers, "application/json")
