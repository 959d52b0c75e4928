"""Turns the bearer token of a request into the caller, and refuses one who may not, or no longer, do what the operation does."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends
from fastapi.security import OAuth2PasswordBearer

from api.parts import Parts, PartsDep
from api.problem import Kind, ProblemError
from api.roles import May, lacking
from api.token import Caller
from store import accounts, sessions
from store.feed import Edit, edit
from store.pool import Connection

Whose = Callable[[Edit], Awaitable[Collection[int]]]

_bearer = OAuth2PasswordBearer("/api/v1/token", scheme_name="password", refreshUrl="/api/v1/token", auto_error=False)


def signed_in(parts: PartsDep, token: Annotated[str | None, Depends(_bearer)]) -> Caller:
    """Whoever holds the token."""
    if token is None:
        detail = "sign in first: POST /api/v1/token, then send Authorization: Bearer and the access token"
        raise ProblemError(Kind.SIGNED_OUT, detail, headers={"WWW-Authenticate": "Bearer"})
    caller = parts.signer.read(token)
    if caller is None:
        detail = "this access token has expired or is not ours: use the refresh token, or sign in again"
        raise ProblemError(Kind.SIGNED_OUT, detail, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    return caller


@asynccontextmanager
async def editing(parts: Parts, caller: Caller, *others: int, whose: Whose | None = None) -> AsyncIterator[Edit]:
    """``store.feed.edit`` by a caller who may still do what their token says: whatever a request changes begins here.

    An access token is good for minutes longer than its sign-in. Who has left must not come to have anything to do, and who was
    shut out or was given another role does nothing more by a token from before. It stays so until the transaction ends.

    Parameters
    ----------
    others : accounts that this makes owners, whose own it moves, or to whom it offers; locked as ``accounts.lock`` says
    whose : finds them, where they have to be read first
    """
    async with edit(parts.store, caller.account) as change:
        found = () if whose is None else await whose(change)
        await accounts.lock(change.connection, caller.account, *others, *found)
        refusal = await _refusal(change.connection, caller)
        if refusal is not None:
            raise ProblemError(Kind.SIGNED_OUT, refusal, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        yield change


async def _refusal(connection: Connection, caller: Caller) -> str | None:
    """Why a token is worth nothing any more, or None; the account is locked."""
    account = await accounts.get(connection, caller.account)
    if account is None or not account.active:
        return "this account is shut out: ask an administrator to let you in again"
    if account.role != caller.role:
        return f"your role is {account.role} now: sign in again"
    if await sessions.left(connection, caller.account, caller.issued_s):
        return "you have signed out: sign in again"
    return None


SignedIn = Annotated[Caller, Depends(signed_in)]


def needs(permission: May) -> Any:
    """The dependency of an operation that needs one permission; its value is the caller."""

    def allowed(caller: SignedIn) -> Caller:
        if not caller.may(permission):
            raise ProblemError(Kind.NOT_ALLOWED, lacking(caller.role, permission), more={"permission": permission})
        return caller

    check: Callable[[Caller], Caller] = allowed
    return Depends(check)
