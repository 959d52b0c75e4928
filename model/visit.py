"""Somebody of ours at a wearer's door, from sign-in to sign-out: what crosses between the store and the judge."""

from typing import NamedTuple


class Visit(NamedTuple):
    """One attempt of a visit. Half-open UTC microseconds ``[from_us, to_us)``; ``to_us`` is far away until somebody signs out.

    ``tags`` are those it is about, none named meaning whichever the wearer wears. ``proven``: at sign-out it was done, and the
    strap was proven to be closed and whole.
    """

    id: int
    wearer: int
    tags: tuple[int, ...]
    from_us: int
    to_us: int
    proven: bool
    by: str  # the account's name
