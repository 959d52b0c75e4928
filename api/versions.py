"""Turns a version into an ETag, and If-Match back into the version the caller has read."""

from typing import Annotated, Protocol, TypeVar

from fastapi import Header, Response

from api.problem import Kind, ProblemError

IfMatch = Annotated[str | None, Header(alias="If-Match", description="the ETag of what you read", max_length=100)]


def etag(version: int | str) -> str:
    """The ETag of a version."""
    return f'"{version}"'


class Versioned(Protocol):
    """What has a version."""

    version: int


Found = TypeVar("Found", bound=Versioned)


def with_etag(found: Found, response: Response) -> Found:
    """The same, and its ETag among the headers of the response it goes into."""
    response.headers["ETag"] = etag(found.version)
    return found


def text(if_match: str) -> str:
    """What If-Match names, without quotes and weakness."""
    return if_match.strip().removeprefix("W/").strip('"')


def expected(if_match: str | None) -> int:
    """The version an edit is made to.

    Raises
    ------
    ProblemError
        Without If-Match (428), or with something that was never an ETag of ours (412: it matches nothing).
    """
    if if_match is None:
        detail = "send If-Match with the ETag you read, so that nobody's change is lost"
        raise ProblemError(Kind.PRECONDITION, detail)
    version = text(if_match)
    if not version.isascii() or not version.isdigit() or len(version) > 9:
        raise ProblemError(Kind.STALE, "If-Match is none of our ETags: read the thing again and send its ETag")
    return int(version)
