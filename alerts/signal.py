"""The last occurrence of a kind without a zone, one a tag and family, becomes the changes that raise, tell more of and end it."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from alerts.urgency import due
from model.alert import CONFIDENCE, NO_EVENTS, Change, Family, Kind, Op
from model.arrays import Array
from model.state import SIGNAL
from model.state import Signal as Number

KIND: Final = {number: Kind[number.name] for number in Number}


@dataclass(slots=True)
class Signal:
    """``SIGNAL`` with its fields as plain numbers. Units as there."""

    tag: int
    wearer: int
    order: int
    occurrence_us: int
    event_us: int
    detected_us: int
    clock_us: int
    ended_us: int
    cleared_us: int
    signal: int
    severity: int
    late: int

    @classmethod
    def of(cls, record: Array) -> "Signal":
        """The object of a (1,) SIGNAL record."""
        return cls(*record[0].item())

    def record(self) -> Array:
        """The (1,) SIGNAL record."""
        return np.array([tuple(getattr(self, name) for name in _NAMES)], SIGNAL)

    @property
    def active(self) -> bool:
        """Whether it is not over."""
        return self.ended_us == 0

    def end(self, ended_us: int, lane_us: int, text: str, fixes: Array, events: Array = NO_EVENTS) -> Change:
        """It is over since ``ended_us``, and never before it began."""
        self.ended_us = max(ended_us, self.event_us)
        return self.change(Op.END, lane_us, text, fixes, events)

    def press(self, severity: int, lane_us: int) -> None:
        """Make it as severe as ``severity`` if it is less; people's clocks then start again."""
        if severity < self.severity:
            self.severity, self.clock_us = severity, lane_us

    def change(
        self, op: Op, lane_us: int, text: str, fixes: Array, events: Array = NO_EVENTS, held_under: Family | None = None
    ) -> Change:
        """The occurrence as it now stands."""
        kind = KIND[Number(self.signal)]
        return Change(
            op,
            self.wearer,
            self.tag,
            0,
            self.occurrence_us,
            kind,
            self.severity,
            CONFIDENCE[kind],
            bool(self.late),
            self.event_us,
            self.detected_us,
            self.ended_us or None,
            0,
            self.order,
            *due(self.clock_us, self.severity),
            lane_us,
            text,
            fixes,
            float("nan"),
            events,
            held_under,
            cleared_us=self.cleared_us or None,
        )


_NAMES: Final = tuple(part.name for part in fields(Signal))
assert SIGNAL.names == _NAMES, "a signal's object and record must name the same fields in the same order"
