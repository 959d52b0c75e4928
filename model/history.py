"""What stored history judging needs, and that history: asked for by ``alerts``, read by ``store``, neither knowing the other."""

from typing import Final, NamedTuple

from model.alert import Occurrence
from model.arrays import Array
from model.event import empty_events
from model.fix import empty_fixes


class Window(NamedTuple):
    """Both ends belong to it: microseconds since 1970 UTC of ``fix_at``, and of an event's ``at``."""

    tag: int
    from_us: int
    to_us: int


class History(NamedTuple):
    """What the store held in some windows before the batch.

    ``fixes`` are (n,) FIX in identity order, each once; ``events`` (m,) EVENT by tag and time. ``occurrences`` are those of the
    windows' tags that were going on at some time in a window and are not withdrawn, by tag and ``occurrence_us``.
    """

    fixes: Array
    occurrences: tuple[Occurrence, ...]
    events: Array = empty_events()


NO_HISTORY: Final = History(empty_fixes(), ())
