"""Turns whatever failed into an RFC 9457 problem: every status code of the API is given here and nowhere else."""

import traceback
import uuid
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from model.errors import BusyError, CordonError
from store.refusal import (
    UNAVAILABLE,
    ConflictError,
    DanglingError,
    MissingError,
    ReusedKeyError,
    StaleError,
    TooMuchError,
    UnfitError,
)

log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
RETRY_S: Final = 2  # a database that restarts is back in about this


class Kind(Enum):
    """What can go wrong: code, status, title. ``type`` is ``urn:cordon:`` and the code."""

    MALFORMED = ("malformed", 400, "The request cannot be read")
    CREDENTIALS = ("credentials", 400, "Signing in failed")  # RFC 6749 wants 400; ``error`` is its word
    SIGNED_OUT = ("signed-out", 401, "Sign in first")
    NOT_ALLOWED = ("not-allowed", 403, "Your role may not do this")
    MISSING = ("missing", 404, "There is no such thing")
    REFUSED = ("refused", 405, "The request is refused")  # the status is that of the refusal: 405, 406, 413, 415
    CONFLICT = ("conflict", 409, "It contradicts what is there")
    STALE = ("stale", 412, "It has changed since you read it")
    INVALID = ("invalid", 422, "Something in the request is not right")
    PRECONDITION = ("precondition", 428, "An edit needs If-Match")
    SLOW_DOWN = ("slow-down", 429, "Too many attempts")
    FAULT = ("fault", 500, "Cordon failed")
    UNAVAILABLE = ("unavailable", 503, "Not available just now")

    @property
    def code(self) -> str:
        """Its word in ``type``."""
        return self.value[0]

    @property
    def status(self) -> int:
        """Its HTTP status."""
        return self.value[1]

    @property
    def title(self) -> str:
        """Its title."""
        return self.value[2]


class Place(BaseModel):
    """One thing that is wrong, and where."""

    model_config = ConfigDict(populate_by_name=True)

    where: str = Field(alias="in", description="body, query, path or header")
    field: str = Field(description="the field, with dots between the levels; empty for the whole")
    reason: str = Field(description="what is wrong and what to do")


class Problem(BaseModel):
    """An RFC 9457 problem."""

    type: str = Field(description="`urn:cordon:` and a code that does not change")
    title: str
    status: int
    detail: str = Field(description="one sentence that says what to do")
    instance: str = Field(description="path of the request")
    errors: list[Place] | None = Field(None, description="each field that is wrong (422)")


class ProblemError(Exception):
    """What an operation raises to answer with a problem.

    Parameters
    ----------
    kind : what went wrong
    detail : one sentence that says what to do
    errors : (in, field, reason) of each place
    headers : headers of the answer
    more : further members of the problem
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        status: int | None = None,
        errors: Sequence[tuple[str, str, str]] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.status = status or kind.status
        self.errors = errors
        self.headers = headers
        self.more = more or {}


def invalid(field: str, reason: str, where: str = "body") -> ProblemError:
    """A 422 with one place."""
    return ProblemError(Kind.INVALID, f"{field}: {reason}" if field else reason, errors=[(where, field, reason)])


def answer(request: Request, error: ProblemError) -> Response:
    """The response of a problem."""
    body: dict[str, Any] = {
        "type": f"urn:cordon:{error.kind.code}",
        "title": error.kind.title,
        "status": error.status,
        "detail": error.detail,
        "instance": request.url.path,
    }
    if error.errors:
        body["errors"] = [{"in": where, "field": field, "reason": reason} for where, field, reason in error.errors]
    return JSONResponse(body | dict(error.more), error.status, dict(error.headers or {}), MEDIA_TYPE)


def of_domain(error: CordonError) -> ProblemError:
    """What each domain error is to a client: the one table."""
    detail = str(error)
    match error:
        case MissingError():
            return ProblemError(Kind.MISSING, detail)
        case DanglingError() | UnfitError():
            return invalid(error.field, detail)
        case ConflictError():
            return ProblemError(Kind.CONFLICT, detail)
        case StaleError():
            return ProblemError(Kind.STALE, detail)
        case TooMuchError():
            return invalid("from", detail, "query")
        case ReusedKeyError():
            return invalid("Idempotency-Key", detail, "header")
        case BusyError():
            return ProblemError(Kind.UNAVAILABLE, detail, headers={"Retry-After": str(max(1, round(error.retry_after_s)))})
    return ProblemError(Kind.UNAVAILABLE, detail)


TIME: Final = "is no time: write it like 2026-11-22T08:00:00Z"
DAY: Final = "is no day: write it like 2026-11-22"

# pydantic's words are for programmers; these are for the person whose request it is.
WORDS: Final = {
    "missing": "is needed",
    "extra_forbidden": "is not a field we know: remove it, or check its spelling",
    "string_too_short": "is too short: it needs {min_length} or more characters",
    "string_too_long": "is too long: {max_length} characters at most",
    "too_short": "has too few: it needs {min_length} or more",
    "too_long": "has too many: {max_length} at most",
    "less_than_equal": "is too much: {le} at most",
    "greater_than_equal": "is too little: {ge} at least",
    "less_than": "is too much: it must be less than {lt}",
    "greater_than": "is too little: it must be more than {gt}",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "is no whole number"),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), "is no number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "is neither true nor false"),
    "string_type": "is no text",
    "list_type": "is no list",
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "is no object of fields"),
    **dict.fromkeys(("literal_error", "enum"), "is none of {expected}"),
    **dict.fromkeys(("datetime_type", "datetime_parsing", "datetime_from_date_parsing"), TIME),
    "timezone_aware": "does not say in which time zone: write it like 2026-11-22T08:00:00Z",
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing"), DAY),
}


def places(errors: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Field, with dots between the levels, and what is wrong with it, of each thing that pydantic found in a body."""
    return [(".".join(map(str, wrong["loc"])), _said(wrong)) for wrong in errors]


def _said(wrong: Mapping[str, Any]) -> str:
    words = WORDS.get(wrong["type"])
    return str(wrong["msg"]).removeprefix("Value error, ") if words is None else words.format_map(wrong.get("ctx", {}))


def summary(found: Sequence[tuple[str, str]]) -> str:
    """The first place, and how many more there are."""
    field, reason = found[0]
    rest = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return (f"{field}: {reason}" if field else reason) + rest


def of_validation(error: RequestValidationError, content_type: str) -> ProblemError:
    """Each wrong field with its place and what to do."""
    found = []
    for wrong in error.errors():
        where, *path = wrong["loc"]
        if wrong["type"] == "json_invalid":
            reason = f"the body is not JSON ({wrong.get('ctx', {}).get('error', '')}, character {path[0] if path else 0})"
            return ProblemError(Kind.MALFORMED, reason)
        if where == "body" and not path and wrong["type"] != "missing" and "json" not in content_type:
            detail = "send JSON: Content-Type is application/json"
            return ProblemError(Kind.REFUSED, detail, status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        found += [(str(where), *place) for place in places([{**wrong, "loc": path}])]
    first = summary([(field or where, reason) for where, field, reason in found])
    return ProblemError(Kind.INVALID, first, errors=found)


def of_http(error: HTTPException) -> ProblemError:
    """Starlette's and FastAPI's own refusals."""
    details = {
        404: "nothing is here: see /api/v1/openapi.json for what there is",
        405: "this method does nothing here: see the Allow header",
        413: "the body is larger than this operation takes: send less at once",
    }
    kinds = {400: Kind.MALFORMED, 401: Kind.SIGNED_OUT, 403: Kind.NOT_ALLOWED, 404: Kind.MISSING}
    own = error.detail if error.detail not in {HTTPStatus(error.status_code).phrase, "Content Too Large"} else ""
    detail = own or details.get(error.status_code, "refused")
    return ProblemError(kinds.get(error.status_code, Kind.REFUSED), detail, status=error.status_code, headers=error.headers)


def install(app: FastAPI) -> None:
    """Make every failure of the app a problem."""

    async def problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, ProblemError)
        return answer(request, error)

    async def domain(request: Request, error: Exception) -> Response:
        assert isinstance(error, CordonError)
        return answer(request, of_domain(error))

    async def validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(request, of_validation(error, request.headers.get("content-type", "")))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return answer(request, of_http(error))

    async def unavailable(request: Request, error: Exception) -> Response:
        log.warning("database unavailable", path=_route(request), error=type(error).__name__)
        detail = "the database cannot be reached, or is too busy: nothing was changed as far as we know; try again in a moment"
        return answer(request, ProblemError(Kind.UNAVAILABLE, detail, headers={"Retry-After": str(RETRY_S)}))

    app.add_exception_handler(ProblemError, problem)
    app.add_exception_handler(CordonError, domain)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, http)
    for kind in UNAVAILABLE:
        app.add_exception_handler(kind, unavailable)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_middleware(Faults)


class Faults:
    """ASGI middleware: an error nobody foresaw is answered, and logged as where it was raised.

    Its message may hold a name or a position, so neither the log nor the client gets it; nor may it travel on to the server,
    which would log it whole.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if scope["type"] != "http":
                raise
            reference = uuid.uuid4().hex[:12]
            frames = traceback.extract_tb(error.__traceback__)[-6:]
            log.error(  # noqa: TRY400 (no message, no values: see above)
                "request failed",
                reference=reference,
                path=_route(Request(scope)),
                error=type(error).__name__,
                where=[f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames],
            )
            if not started:
                detail = f"an error of ours, not of yours: tell an engineer the reference {reference}"
                response = answer(Request(scope), ProblemError(Kind.FAULT, detail, more={"reference": reference}))
                await response(scope, receive, send)


async def _gone(_: Request, __: Exception) -> Response:
    """Nobody is there to read it."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


def _route(request: Request) -> str:
    """The route's own path, without ids: a path or query can hold a name."""
    return getattr(request.scope.get("route"), "path", "unmatched")


def documented(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's ``responses`` of the given problems."""
    found: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        example: dict[str, Any] = {
            "type": f"urn:cordon:{kind.code}",
            "title": kind.title,
            "status": kind.status,
            "detail": DETAILS[kind],
            "instance": "/api/v1/...",
        }
        if kind is Kind.INVALID:
            example["errors"] = [{"in": "body", "field": "name", "reason": "is needed"}]
        found[kind.status] = {
            "description": kind.title,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}},
        }
    return found


DETAILS: Final = {
    Kind.MALFORMED: "the body is not JSON (Expecting value, character 0)",
    Kind.CREDENTIALS: "name or password is wrong",
    Kind.SIGNED_OUT: "sign in first: POST /api/v1/token",
    Kind.NOT_ALLOWED: "engineer may not do this (approve_pauses): it takes supervisor or admin",
    Kind.MISSING: "there is no alert 12: look it up in the list, it may belong to another instance",
    Kind.REFUSED: "this method does nothing here: see the Allow header",
    Kind.CONFLICT: "alert 12 is closed: reopen it first",
    Kind.STALE: "zone 4 has changed since you read it: read it again, then decide",
    Kind.INVALID: "name: is needed",
    Kind.PRECONDITION: "send If-Match with the ETag you read, so that nobody's change is lost",
    Kind.SLOW_DOWN: "too many wrong passwords: wait 8 s",
    Kind.FAULT: "an error of ours, not of yours: tell an engineer the reference 5f0c1d2e3a4b",
    Kind.UNAVAILABLE: "the database cannot be reached: try again in a moment",
}
