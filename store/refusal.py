"""What the database's state makes impossible, as exceptions that the API turns into answers."""

from typing import Final, TypeVar

import asyncpg

from model.errors import CordonError

Found = TypeVar("Found")


class MissingError(CordonError):
    """There is no such thing."""

    def __init__(self, what: str, ref: object) -> None:
        super().__init__(f"there is no {what} {ref}: look it up in the list, it may belong to another instance")


class DanglingError(CordonError):
    """A field names something that does not exist."""

    def __init__(self, field: str, what: str, ref: object) -> None:
        super().__init__(f"there is no {what} {ref}: create it first, or name another")
        self.field = field


class UnfitError(CordonError):
    """A field's value cannot stand beside what is stored; the reason says what to send instead."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class ConflictError(CordonError):
    """The change contradicts what is stored."""


class StaleError(CordonError):
    """The thing has changed since the caller read it."""

    def __init__(self, what: str, ref: object) -> None:
        super().__init__(f"{what} {ref} has changed since you read it: read it again, then decide")
        self.what = what
        self.ref = ref


class TooMuchError(CordonError):
    """A span of time holds more than may be read at once."""


class ReusedKeyError(CordonError):
    """An Idempotency-Key came back with another request."""

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key was used for another request: make a new one for each thing you create")


def found(row: Found | None, what: str, ref: object) -> Found:
    """What was looked up, which is there; raises ``MissingError``."""
    if row is None:
        raise MissingError(what, ref)
    return row


def unchanged(row: asyncpg.Record | None, what: str, ref: object, version: int) -> asyncpg.Record:
    """A row that was looked up, of the version that the caller has read; raises ``MissingError``, ``StaleError``."""
    known = found(row, what, ref)
    if known["version"] != version:
        raise StaleError(what, ref)
    return known


# The database cannot be asked just now, whatever asyncpg calls it: nothing was done, or nobody knows; ask again.
UNAVAILABLE: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.InvalidCatalogNameError,  # the database is being made anew
    asyncpg.ObjectNotInPrerequisiteStateError,  # it takes no connections while it is looked after
)
