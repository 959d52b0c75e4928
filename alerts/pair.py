"""A pair's record becomes an object while its tag's fixes are judged, and a record again."""

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Final

import numpy as np

from model.arrays import Array
from model.fix import FIX
from model.state import PAIR

NO_FIX: Final = np.zeros(1, FIX)
NO_FIX.flags.writeable = False


@dataclass(slots=True)
class Pair:
    """``PAIR`` with its fields as plain numbers; ``first`` and ``skewed_first`` are (1,) FIX. Units as there."""

    tag: int
    zone: int
    wearer: int = 0
    order: int = 0
    occurrence_us: int = 0
    event_us: int = 0
    detected_us: int = 0
    clock_us: int = 0
    ended_us: int = 0
    run_us: int = 0
    skewed_us: int = 0
    crossed_us: int = 0
    first: Array = field(default_factory=lambda: NO_FIX)
    skewed_first: Array = field(default_factory=lambda: NO_FIX)
    version: int = 0
    phase: int = 0  # 0 while it has none: dropped unless something gives it one
    run: int = 0
    skewed_run: int = 0
    kind: int = 0
    severity: int = 0
    late: int = 0

    @classmethod
    def of(cls, record: Array) -> "Pair":
        """The object of a (1,) PAIR record."""
        pair = cls(*record[0].item())
        pair.first = record["first"].copy() if pair.run else NO_FIX
        pair.skewed_first = record["skewed_first"].copy() if pair.skewed_run else NO_FIX
        return pair

    def record(self) -> Array:
        """The (1,) PAIR record."""
        record = np.zeros(1, PAIR)
        for name in _NAMES:
            record[name] = getattr(self, name)
        return record

    def told(self) -> tuple[object, ...]:
        """All that makes one record differ from another, to compare."""
        first = self.first.tobytes() if self.run else b""
        skewed_first = self.skewed_first.tobytes() if self.skewed_run else b""
        return _NUMBERS(self), first, skewed_first

    def restart(self) -> None:
        """Forget the run."""
        self.run, self.run_us, self.first = 0, 0, NO_FIX

    def restart_skewed(self) -> None:
        """Forget the run of fixes with a wrong clock."""
        self.skewed_run, self.skewed_us, self.skewed_first = 0, 0, NO_FIX


_NAMES: Final = tuple(part.name for part in fields(Pair))
_NUMBERS: Final = attrgetter(*(name for name in _NAMES if name not in ("first", "skewed_first")))
assert PAIR.names == _NAMES, "a pair's object and record must name the same fields in the same order"
