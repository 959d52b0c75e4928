"""Turns the bearer token of a request into the caller, and refuses one whose role may not do what the operation does."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends
from fastapi.security import OAuth2PasswordBearer

from api.parts import PartsDep
from api.problem import Kind, ProblemError
from api.roles import May, lacking
from api.token import Caller
from store import accounts, sessions
from store.pool import Connection

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


async def lock(connection: Connection, caller: Caller, *others: int) -> None:
    """``accounts.lock`` of the caller and of whom else this makes an owner; refused where the caller has signed out meanwhile.

    An access token is good for minutes longer than its sign-in, and who has left must not come to have anything to do. Nor must
    who was given another role what the new one cannot do, by a token from before.
    """
    await accounts.lock(connection, caller.account, *others)
    if await sessions.left(connection, caller.account, caller.issued_s):
        raise ProblemError(Kind.SIGNED_OUT, "you have signed out: sign in again", headers={"WWW-Authenticate": "Bearer"})
    account = await accounts.get(connection, caller.account)
    if account is not None and account.role != caller.role:
        detail = f"your role is {account.role} now: sign in again"
        raise ProblemError(Kind.SIGNED_OUT, detail, headers={"WWW-Authenticate": "Bearer"})


SignedIn = Annotated[Caller, Depends(signed_in)]


def needs(permission: May) -> Any:
    """The dependency of an operation that needs one permission; its value is the caller."""

    def allowed(caller: SignedIn) -> Caller:
        if not caller.may(permission):
            raise ProblemError(Kind.NOT_ALLOWED, lacking(caller.role, permission), more={"permission": permission})
        return caller

    check: Callable[[Caller], Caller] = allowed
    return Depends(check)
