"""What comes of one try to send a message, whichever way it was sent."""

from typing import NamedTuple


class Outcome(NamedTuple):
    """``error`` is empty where it came; else a few words for engineers, without the address."""

    error: str = ""
    final: bool = False  # the receiver will never take this one as it is
    gone: bool = False  # the receiver wants no more of any


DELIVERED = Outcome()
