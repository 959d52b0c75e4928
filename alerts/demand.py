"""A curfew's versions and the spans its order holds become when it asks the wearer to be at home, and by which version."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from model.curfew import Curfew, Span
from model.zone import Monitored


class Piece(NamedTuple):
    """Part of one window of one version, half-open microseconds ``[from, to)``."""

    from_us: int
    to_us: int
    curfew: Curfew
    window: Span  # as it was made, however little of it is left here


class Demand(NamedTuple):
    """A span without a gap in which one curfew asks for one home; its pieces touch."""

    from_us: int
    to_us: int
    pieces: tuple[Piece, ...]

    @property
    def home(self) -> int:
        """Zone id."""
        return self.pieces[0].curfew.home

    def at(self, at_us: int) -> Curfew:
        """The version that asks at an instant of the span."""
        return next(piece.curfew for piece in reversed(self.pieces) if piece.from_us <= at_us or piece is self.pieces[0])


def demands(versions: Iterable[Curfew], monitored: Sequence[Monitored]) -> tuple[Demand, ...]:
    """When one curfew asks, in order.

    It asks within its windows while the version is in force and the order holds over the tag, where no absence was authorised.

    Parameters
    ----------
    versions : of one curfew
    monitored : of one tag
    """
    pieces = sorted(
        Piece(low, high, curfew, window)
        for curfew in versions
        for span in monitored
        if (span.wearer, span.order) == (curfew.wearer, curfew.order)
        for window in curfew.windows
        for low, high in _left(
            max(window[0], curfew.in_force_from_us, span.from_us), min(window[1], curfew.in_force_to_us, span.to_us), curfew
        )
    )
    joined: list[list[Piece]] = []
    for piece in pieces:
        last = joined[-1][-1] if joined else None
        if last is not None and last.to_us == piece.from_us and last.curfew.home == piece.curfew.home:
            joined[-1].append(piece)
        else:
            joined.append([piece])
    return tuple(Demand(run[0].from_us, run[-1].to_us, tuple(run)) for run in joined)


def asked(spans: Sequence[Demand], at_us: int) -> Demand | None:
    """The one in which an instant lies, or None."""
    place = bisect_right(spans, at_us, key=lambda span: span.from_us) - 1
    return spans[place] if place >= 0 and at_us < spans[place].to_us else None


def since(spans: Sequence[Demand], at_us: int) -> Iterator[Demand]:
    """Those that are not over at an instant, in order."""
    first = max(bisect_right(spans, at_us, key=lambda span: span.from_us) - 1, 0)
    return (span for span in spans[first:] if span.to_us > at_us)


def _left(low: int, high: int, curfew: Curfew) -> Iterator[Span]:
    """What authorised absences leave of a span."""
    for away_from, away_to in curfew.excused:
        if low < min(away_from, high):
            yield low, min(away_from, high)
        low = max(low, away_to)
    if low < high:
        yield low, high
