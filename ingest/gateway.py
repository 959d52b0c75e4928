"""Who is at a door: a gateway, by its key."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple


class Gateway(NamedTuple):
    """A gateway whose key was good. ``name`` stands in for what a frame leaves out."""

    name: str


# Gives the gateway whose key this is, or None; raises ``BusyError`` where nobody can say.
Authenticate = Callable[[str], Awaitable[Gateway | None]]
