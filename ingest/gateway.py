"""Who is at a door: a gateway, by its key."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from ingest.decoded import Limits
from model.batch import Receipt
from model.synthetic import GATEWAY


class Gateway(NamedTuple):
    """A gateway whose key was good. ``name`` stands in for what a frame leaves out."""

    name: str

    def limits(self, limits: Limits) -> Limits:
        """What is let in of this one: the tags of synthetic wearers only of our own, or anyone could say that all is well."""
        return limits._replace(synthetic=self.name == GATEWAY)


# Gives the gateway whose key this is, or None; raises ``BusyError`` where nobody can say.
Authenticate = Callable[[str], Awaitable[Gateway | None]]

# Gives what became of a receipt, None where it is not known; raises ``BusyError`` where nobody can say.
FindReceipt = Callable[[str], Awaitable[Receipt | None]]
