"""Signing in and out: name and password, or a refresh token, become an access token and the next refresh token."""

import math
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Form, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.caller import SignedIn
from api.fields import Input, Row, Text
from api.parts import Parts, PartsDep
from api.problem import Kind, ProblemError, documented, invalid
from api.roles import PERMISSIONS, May, Role
from api.token import refresh_token
from model.instant import show
from store import accounts, audit, handovers, sessions
from store.feed import edit
from store.pool import Connection

router = APIRouter(tags=["signing in"])

AWAY_H: Final = 12  # what must be done by then is not for whoever leaves: one shift, and as long as a sign-in lasts

ME: Final[dict[str, Any]] = {"id": 1, "name": "operator", "role": "operator", "permissions": ["see_queue", "work_alerts"]}


class Me(BaseModel):
    """Who is signed in, and what they may do."""

    model_config = ConfigDict(json_schema_extra={"examples": [ME]})

    id: int
    name: str
    role: Role
    permissions: list[May]


class Tokens(BaseModel):
    """What a sign-in gives (RFC 6749), and who signed in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"access_token": "eyJ...", "token_type": "bearer", "expires_in": 900, "refresh_token": "k3v...", "account": ME}
            ]
        }
    )

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 (not a password)
    expires_in: int = Field(description="seconds")
    refresh_token: str = Field(description="good for one use")
    account: Me


class SignOut(Input):
    """What ends."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"refresh_token": "k3v...", "reason": None}]})

    refresh_token: str = Field(min_length=1, max_length=200)
    reason: Text | None = Field(
        None, description="why a supervisor leaves although they own alerts or owe calls: alerts go back to the queue"
    )


Word = Annotated[str | None, Form(max_length=1000)]

FORM = {
    "requestBody": {
        "content": {
            "application/x-www-form-urlencoded": {
                "example": {"grant_type": "password", "username": "operator", "password": "demo"},
            }
        }
    }
}


@router.post(
    "/token",
    summary="Sign in, or go on being signed in",
    responses=documented(Kind.CREDENTIALS, Kind.INVALID, Kind.SLOW_DOWN),
    openapi_extra=FORM,
)
async def token(
    request: Request,
    response: Response,
    parts: PartsDep,
    grant_type: Annotated[str, Form(max_length=100, description="password or refresh_token")] = "password",
    username: Word = None,
    password: Word = None,
    refresh_token: Word = None,
) -> Tokens:
    """OAuth2's password grant, and its refresh grant. A refresh token used twice ends everything that came of its sign-in."""
    response.headers["Cache-Control"] = "no-store"
    if grant_type == "password":
        if not username or not password:
            raise invalid("username" if not username else "password", "is needed")
        address = request.client.host if request.client else ""
        return await _with_password(parts, username, password, address)
    if grant_type == "refresh_token":
        if not refresh_token:
            raise invalid("refresh_token", "is needed")
        return await _with_refresh(parts, refresh_token)
    raise _refused("unsupported_grant_type", "grant_type is password or refresh_token")


@router.delete("/token", status_code=204, summary="Sign out", responses=documented(Kind.MALFORMED, Kind.INVALID, Kind.CONFLICT))
async def sign_out(parts: PartsDep, body: SignOut) -> None:
    """Ends the sign-in, by its newest refresh token or one before it; access tokens end by themselves within minutes,
    and until then change nothing.

    Nobody leaves owning an active alert, one that is over and comes back to the queue within twelve hours, or owing a call that
    is due by then: refused with what that is, `owned` and `calls`, until it is handed over, closed or made, or released by a
    supervisor. A supervisor may leave with a `reason`, which is written into the alerts' histories.
    """
    account = await sessions.holder(parts.store.pool, body.refresh_token)
    if account is None:
        return
    async with edit(parts.store, account) as change:
        await accounts.lock(change.connection, account)
        if not await sessions.end(change.connection, body.refresh_token):
            return  # it was over already: who is gone is not asked
        owned = await handovers.kept(change.connection, account, AWAY_H)
        calls = await handovers.calls(change.connection, account, AWAY_H)
        if not owned and not calls:
            return
        if body.reason is None or not await _releases(change.connection, account):
            raise _still_has(owned, calls)
        await handovers.release(change, account, body.reason)


async def _releases(connection: Connection, account: int) -> bool:
    found = await accounts.get(connection, account)
    return found is not None and May.RELEASE_ALERTS in PERMISSIONS[Role(found.role)]


def _still_has(owned: Sequence[Row], calls: Sequence[Row]) -> ProblemError:
    """Which alerts and calls, without names: whoever asks has shown no more than a refresh token."""
    active = sum(row["condition"] == "active" for row in owned)
    over = len(owned) - active
    has, ways = [], ["hand over to a colleague who accepts"]
    if active:
        has.append(f"own {active} active alert{'s' * (active > 1)}")
    if over:
        what = f"{over} that" if active else f"own {over} alert{'s' * (over > 1)} that"
        has.append(f"{what} {'is' if over == 1 else 'are'} over and not closed")
    if owned:
        ways.append("close what is done")
    if calls:
        has.append(f"owe {len(calls)} call{'s' * (len(calls) > 1)} due within {AWAY_H} h")
        ways.append("make the call" if len(calls) == 1 else "make the calls")
    detail = f"you {' and '.join(has)}: {', '.join(ways)}, or ask a supervisor to release you"
    shown = [
        {"id": row["id"], "kind": row["kind"], "severity": f"P{row['severity']}", "condition": row["condition"]} for row in owned
    ]
    due = [
        {"id": row["id"], "alert": row["alert"], "person": row["person"], "callback_at": show(row["callback_at"])}
        for row in calls
    ]
    return ProblemError(Kind.CONFLICT, detail, more={"owned": shown, "calls": due})


@router.get("/me", summary="Who is signed in", responses=documented(Kind.SIGNED_OUT))
async def me(caller: SignedIn) -> Me:
    """The account of the access token, and what its role may do."""
    return _me(caller.account, caller.name, caller.role)


async def _with_password(parts: Parts, name: str, password: str, address: str) -> Tokens:
    wait_s = math.ceil(parts.attempts.wait_s(name, address))
    if wait_s:
        detail = f"too many wrong passwords: wait {wait_s} s, then try again"
        raise ProblemError(Kind.SLOW_DOWN, detail, headers={"Retry-After": str(wait_s)})
    parts.attempts.begin(name, address)
    read = None if "\0" in name else await accounts.named(parts.store, name)
    right = await parts.checker.matches(password, read.password_hash if read is not None and read.active else None)
    first = refresh_token()
    account = await sessions.begin(parts.store, read, first, parts.settings.refresh_s) if read is not None and right else None
    if account is None:
        await audit.note(parts.store, read.id if read else None, "sign-in refused", "account", address=address)
        raise _refused("invalid_grant", "name or password is wrong")
    parts.attempts.succeeded(name, address)
    await audit.note(parts.store, account.id, "signed in", f"account/{account.id}", address=address)
    return _tokens(parts, account, first)


async def _with_refresh(parts: Parts, used: str) -> Tokens:
    successor = refresh_token()
    renewed = await sessions.renew(parts.store, used, successor)
    if isinstance(renewed, sessions.Refused):
        reasons = {
            sessions.Refused.REUSED: "this refresh token was used before: lest it was stolen, its sign-in has ended; sign in",
            sessions.Refused.EXPIRED: "this sign-in is over: sign in again",
        }
        raise _refused("invalid_grant", reasons.get(renewed, "this refresh token is worth nothing: sign in again"))
    return _tokens(parts, renewed.account, successor)


def _tokens(parts: Parts, account: accounts.Account, refresh: str) -> Tokens:
    role = Role(account.role)
    return Tokens(
        access_token=parts.signer.sign(account.id, account.name, role),
        expires_in=parts.signer.lifetime_s,
        refresh_token=refresh,
        account=_me(account.id, account.name, role),
    )


def _me(number: int, name: str, role: Role) -> Me:
    return Me(id=number, name=name, role=role, permissions=sorted(PERMISSIONS[role]))


def _refused(error: str, detail: str) -> ProblemError:
    """A refusal with RFC 6749's own word beside the problem."""
    return ProblemError(Kind.CREDENTIALS, detail, headers={"Cache-Control": "no-store"}, more={"error": error})
