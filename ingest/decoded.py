"""What every door makes of a frame, whatever it was written in, and how much of one it takes."""

from typing import Final, NamedTuple

from model.arrays import Array
from model.batch import Batch, Rejected
from model.instant import DAY_US

WHOLE_BYTES: Final = 64 * 1024  # of a body that cannot be read, this much is kept for a person to look at


class Limits(NamedTuple):
    """What the doors let in. ``trace_clock`` takes ``received_at`` from the sender: for an instance made for replay only."""

    oldest_us: int = 400 * DAY_US  # a fix older than the oldest day kept is refused, microseconds before receipt
    frame_records: int = 100_000  # records a frame
    # Bytes of all bodies being read, decoded or waiting for the sink; decoded, they take some five times as much. At least one
    # whole body, or the largest are never taken.
    hand_bytes: int = 64 * 1024 * 1024
    trace_clock: bool = False
    synthetic: bool = False  # tags of synthetic wearers, which one gateway of our own may send (``Gateway.limits``)


class Decoded(NamedTuple):
    """A batch of the good records; the rest by reason; and where each good record stood in its list."""

    batch: Batch
    rejected: tuple[Rejected, ...]
    fix_places: Array  # (n,) int64: place in the frame's "fixes" of each row of batch.fixes
    event_places: Array  # (m,) int64: likewise of batch.events
