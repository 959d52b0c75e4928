"""What requests of each sort may be refused for, as OpenAPI's ``responses``; a route that differs says so beside it."""

from typing import Final

from api.problem import Kind, documented

LISTING: Final = documented(Kind.SIGNED_OUT, Kind.NOT_ALLOWED, Kind.INVALID)
READING: Final = LISTING | documented(Kind.MISSING)
CREATING: Final = LISTING | documented(Kind.MALFORMED, Kind.CONFLICT)
EDITING: Final = READING | documented(Kind.MALFORMED, Kind.CONFLICT, Kind.STALE, Kind.PRECONDITION)
