"""All that a lane remembers between batches: arrays in memory, kept as blocks of bytes, rebuilt bit for bit."""

import hashlib
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Final

import numpy as np

from model.arrays import I64, Array
from model.event import EVENT
from model.fix import FIX
from model.instant import FOREVER_US
from model.lane import lane_of

BLOCK_TAGS: Final = 4096  # tags a snapshot block: a changed tag costs about a megabyte to keep, a million tags are 245 blocks

TAG: Final = np.dtype(
    [
        ("tag", "<i8"),  # 64-bit tag id; 0 where the row is not used
        ("newest_us", "<i8"),  # largest fix_at stored for the tag: anything newer cannot be a repeat
        ("contact_us", "<i8"),  # received_us of the newest message of any kind
        ("last", FIX),  # the last fix that moved the tag forward, as judged; tag 0 where there is none
        (
            "doubt",
            FIX,
        ),  # an implausible fix after ``last`` that waits for a second one to agree; tag 0 where there is none
    ]
)

PAIR: Final = np.dtype(
    [
        ("tag", "<i8"),
        ("zone", "<i8"),  # zone id
        ("wearer", "<i8"),  # who wore the tag when the occurrence was raised
        ("order", "<i8"),  # by whose authority
        ("occurrence_us", "<i8"),  # event_at the occurrence was raised with, 0 while nothing is raised
        ("event_us", "<i8"),  # event_at as the live judging has it; late data may have told the store of an earlier one
        ("detected_us", "<i8"),  # lane time when raised
        ("clock_us", "<i8"),  # lane time people's clocks run from: when raised, or when it became more severe
        ("ended_us", "<i8"),  # first fix that showed it over, 0 while active
        ("run_us", "<i8"),  # judged time of the first fix of the present run (outside ones while ACTIVE, else possible ones)
        ("skewed_us", "<i8"),  # judged time (received_us) of the first of the possible fixes with a wrong clock
        ("crossed_us", "<i8"),  # fix_at of the last crossing that was said, 0 for none
        ("first", FIX),  # the first fix of the present run: evidence when it raises or ends something; tag 0 without a run
        ("skewed_first", FIX),  # the same of the run of fixes with a wrong clock
        ("version", "<i4"),  # zone version last judged
        ("phase", "<i2"),  # Phase
        ("run", "<i2"),  # length of the present run
        ("skewed_run", "<i2"),  # length of the run of possible fixes with a wrong clock: apart, as good fixes do not see it
        ("kind", "<i2"),  # 0 none, 1 possible, 2 definite: the most that was said in this occurrence
        ("severity", "<i2"),
        ("late", "<i2"),  # 1 where the occurrence was raised from late data
    ]
)


# What a device has said of itself that a clock may still turn into something; most tags have none. Events are kept whole, as
# evidence.
DEVICE: Final = np.dtype(
    [
        ("tag", "<i8"),
        ("strap", EVENT),  # that the strap opened, kind 0 while it is closed
        ("case", EVENT),
        ("jamming", EVENT),
        ("shielding", EVENT),
        ("off", EVENT),  # that it switched itself off, kind 0 once anything was heard after it
        ("strap_clear_us", "<i8"),  # at_us of the newest clear of each, for openings that come after it
        ("case_clear_us", "<i8"),
        ("jamming_clear_us", "<i8"),
        ("shielding_clear_us", "<i8"),
        ("brief_us", "<i8"),  # at_us of the last brief opening of the strap, and of the one before it
        ("brief_before_us", "<i8"),
        ("low_us", "<i8"),  # since when the battery is at 10 % or less and not charging, 0 while it is not
        ("charging_us", "<i8"),  # since when it is charging, 0 while it is not
    ]
)

# One occurrence of a kind that has no zone: the last of its tag and family.
SIGNAL: Final = np.dtype(
    [
        ("tag", "<i8"),
        ("wearer", "<i8"),  # who wore the tag when it was raised
        ("order", "<i8"),  # by whose authority
        ("occurrence_us", "<i8"),  # event_at it was raised with
        ("event_us", "<i8"),
        ("detected_us", "<i8"),  # lane time when raised
        ("clock_us", "<i8"),  # lane time people's clocks run from
        ("ended_us", "<i8"),  # 0 while active
        ("cleared_us", "<i8"),  # when the device said it was over, where that ends nothing; 0 while it has not
        ("signal", "<i2"),  # Signal
        ("severity", "<i2"),
        ("late", "<i2"),
    ]
)


class Signal(IntEnum):
    """Families of alerts that come of the device or of its silence."""

    STRAP = 1
    STRAP_BRIEF = 2
    CASE = 3
    NO_CONTACT = 4
    JAMMING = 5
    BATTERY_LOW = 6
    BATTERY_DEAD = 7


# One changed tag in a delta: its row, and its TAG record less ``doubt``, which is rare and stands apart.
CHANGED: Final = np.dtype([("row", "<i8"), ("tag", "<i8"), ("newest_us", "<i8"), ("contact_us", "<i8"), ("last", FIX)])
DOUBT: Final = np.dtype([("row", "<i8"), ("doubt", FIX)])
_COUNTS: Final = np.dtype("<i8")
_MORE: Final = 1 << 32  # added to a count of tags where DEVICE and SIGNAL rows follow


class Phase(IntEnum):
    """Where a (tag, zone) pair stands. A pair that is plainly outside has no record at all."""

    SUSPECT = 1  # possible, not yet often enough to raise
    ACTIVE = 2  # an occurrence is open
    LEFT = 3  # it ended less than the re-entry time ago
    CROSSED = 4  # nothing is open, but a crossing was said less than the re-entry time ago


class State:
    """The lane's memory, changed in place by ``alerts``; a failed commit drops it.

    ``tags`` rows never move; ``pairs``, ``devices`` and ``signals`` are few.

    Attributes
    ----------
    tags : (capacity,) TAG; rows ``0 .. count`` are used
    pairs : {(tag, zone): (1,) PAIR}
    devices : {tag: (1,) DEVICE}, of tags with anything on
    signals : {(tag, Signal): (1,) SIGNAL}
    due_us : (capacity,) int64 by row, the lane time at which the clock alone may next cause something. It follows from all else
        and from the world, so it is not kept: ``wound`` says whether it is true
    watermark_us : lane time, microseconds since 1970 UTC
    listening_us : since when the lane has been listening without a gap: silence before is not the tag's. Kept in the lane's row
    control_seq : position in the feed of the newest control change that was judged
    touched : numbers of the blocks changed since ``take_touched``
    changed : rows changed since ``take_delta``
    """

    def __init__(self) -> None:
        self.tags: Array = np.zeros(1024, TAG)
        self.count = 0
        self.row_of: dict[int, int] = {}
        self.pairs: dict[tuple[int, int], Array] = {}
        self.zones_of: dict[int, set[int]] = {}  # tag -> zones it has a pair with
        self.devices: dict[int, Array] = {}
        self.signals: dict[tuple[int, int], Array] = {}
        self.signals_of: dict[int, set[int]] = {}  # tag -> its signals
        self.due_us: I64 = np.full(len(self.tags), FOREVER_US)
        self.wound = False
        self.watermark_us = 0
        self.listening_us = 0
        self.control_seq = 0
        self.touched: set[int] = set()
        self.changed: set[int] = set()

    def rows(self, tags: Array) -> Array:
        """(n,) int64 rows of the given (n,) int64 tag ids, making rows for those never seen; marks them touched."""
        row_of = self.row_of
        found = np.fromiter((row_of.get(tag, -1) for tag in tags.tolist()), np.int64, len(tags))
        for at in np.flatnonzero(found < 0).tolist():
            found[at] = self._add(int(tags[at]))
        self.touched.update(np.unique(found // BLOCK_TAGS).tolist())
        self.changed.update(found.tolist())
        return found

    def records(self, tags: Array) -> Array:
        """(n,) TAG copies of what is remembered of (n,) int64 tag ids, zeros where nothing is; changes nothing."""
        row_of = self.row_of
        found = np.fromiter((row_of.get(tag, -1) for tag in tags.tolist()), np.int64, len(tags))
        records = self.tags[found]
        records[found < 0] = np.zeros((), TAG)
        return records

    def peek(self, tag: int) -> Array | None:
        """The tag's () TAG record, or None if it was never seen."""
        row = self.row_of.get(tag)
        return None if row is None else self.tags[row]

    def _add(self, tag: int) -> int:
        row = self.row_of.get(tag)
        if row is not None:
            return row
        self._make_room(1)
        row = self.count
        self.tags[row]["tag"] = tag
        self.row_of[tag] = row
        self.count += 1
        return row

    def _make_room(self, more: int) -> None:
        """Have so many unused rows, at least doubling where there are too few."""
        if self.count + more > len(self.tags):
            grown = np.zeros(max(2 * len(self.tags), self.count + more), TAG)
            grown[: self.count] = self.tags[: self.count]
            self.due_us = np.concatenate([self.due_us, np.full(len(grown) - len(self.tags), FOREVER_US)])
            self.tags = grown

    def pair(self, tag: int, zone: int) -> Array | None:
        """The (1,) PAIR record of a tag and a zone, changed in place by its reader, or None."""
        return self.pairs.get((tag, zone))

    def put_pair(self, record: Array) -> None:
        """Keep a (1,) PAIR record."""
        tag, zone = int(record["tag"][0]), int(record["zone"][0])
        self.pairs[tag, zone] = record
        self.zones_of.setdefault(tag, set()).add(zone)
        self._touch(self._add(tag))

    def drop_pair(self, tag: int, zone: int) -> None:
        """Forget a pair: it is plainly outside."""
        del self.pairs[tag, zone]
        zones = self.zones_of[tag]
        zones.discard(zone)
        if not zones:
            del self.zones_of[tag]
        self._touch(self.row_of[tag])

    def put_device(self, record: Array) -> None:
        """Keep a (1,) DEVICE record, or forget it where nothing is on."""
        tag = int(record["tag"][0])
        if any(record.tobytes()[8:]):
            self.devices[tag] = record
        else:
            self.devices.pop(tag, None)
        self._touch(self._add(tag))

    def put_signal(self, record: Array) -> None:
        """Keep a (1,) SIGNAL record."""
        tag, signal = int(record["tag"][0]), int(record["signal"][0])
        self.signals[tag, signal] = record
        self.signals_of.setdefault(tag, set()).add(signal)
        self._touch(self._add(tag))

    def drop_signal(self, tag: int, signal: int) -> None:
        """Forget an occurrence that is long over."""
        del self.signals[tag, signal]
        signals = self.signals_of[tag]
        signals.discard(signal)
        if not signals:
            del self.signals_of[tag]
        self._touch(self.row_of[tag])

    def _touch(self, row: int) -> None:
        self.changed.add(row)
        self.touched.add(row // BLOCK_TAGS)

    def blocks(self) -> Iterator[int]:
        """Numbers of all blocks in use."""
        return iter(range(-(-self.count // BLOCK_TAGS)))

    def take_touched(self) -> list[int]:
        """Numbers of the blocks changed since the last call, in order."""
        taken = sorted(self.touched)
        self.touched.clear()
        return taken

    def block(self, number: int) -> bytes:
        """One block as bytes: count of tags, the TAG rows, then the PAIR rows ordered by tag row and zone.

        Where any of its tags has a DEVICE or a SIGNAL row, ``_MORE`` is added to the count, and those rows stand at the end,
        before their two counts.
        """
        first = number * BLOCK_TAGS
        tags = self.tags[first : min(first + BLOCK_TAGS, self.count)]
        listed = tags["tag"].tolist()
        more = self._more(listed)
        count = len(tags) + (_MORE if more else 0)
        return count.to_bytes(8, "little") + tags.tobytes() + self._pairs(listed).tobytes() + more

    def _pairs(self, tags: list[int]) -> Array:
        """(n,) PAIR of some tags, in their order and that of zones."""
        keys = [(tag, zone) for tag in tags for zone in sorted(self.zones_of.get(tag, ()))]
        return np.concatenate([self.pairs[key] for key in keys]) if keys else np.zeros(0, PAIR)

    def _more(self, tags: list[int]) -> bytes:
        """DEVICE and SIGNAL rows of some tags in their order, and the counts of both; nothing where there are none."""
        devices = [self.devices[tag] for tag in tags if tag in self.devices]
        signals = [self.signals[tag, signal] for tag in tags for signal in sorted(self.signals_of.get(tag, ()))]
        if not devices and not signals:
            return b""
        counts = np.array([len(devices), len(signals)], _COUNTS)
        return b"".join(row.tobytes() for row in (*devices, *signals)) + counts.tobytes()

    def _put_more(self, body: bytes) -> bytes:
        """Take what ``_more`` wrote at the end of some bytes; the bytes before it."""
        device_count, signal_count = np.frombuffer(body[-2 * _COUNTS.itemsize :], _COUNTS).tolist()
        end = len(body) - 2 * _COUNTS.itemsize
        signals_at = end - signal_count * SIGNAL.itemsize
        devices_at = signals_at - device_count * DEVICE.itemsize
        for record in np.frombuffer(body[devices_at:signals_at], DEVICE):
            self.put_device(record.reshape(1).copy())
        for record in np.frombuffer(body[signals_at:end], SIGNAL):
            self.put_signal(record.reshape(1).copy())
        return body[:devices_at]

    def load_block(self, number: int, body: bytes) -> None:
        """Put a block's rows back where they were; blocks are loaded in order of their numbers."""
        count = int.from_bytes(body[:8], "little")
        more = count >= _MORE
        count -= _MORE if more else 0
        end = 8 + count * TAG.itemsize
        first = number * BLOCK_TAGS
        records = np.frombuffer(body[8:end], TAG)
        tags = records["tag"].tolist()
        if self.count != first or len(tags) > BLOCK_TAGS or not self.row_of.keys().isdisjoint(tags) or len(set(tags)) < len(tags):
            raise ValueError(
                f"snapshot block {number} does not follow on the {self.count} tags before it, or repeats one of them"
            )
        self._make_room(count)
        self.tags[first : first + count] = records
        self.row_of.update(zip(tags, range(first, first + count), strict=True))
        self.count += count
        if more:
            body = self._put_more(body)
        for record in np.frombuffer(body[end:], PAIR):
            self.put_pair(record.reshape(1).copy())

    def take_delta(self) -> bytes:
        """What changed since the last call, for ``apply``: changed TAG rows, and all PAIR, DEVICE and SIGNAL rows of their tags.

        Empty where nothing did. Little-endian: counts of CHANGED, DOUBT and PAIR rows, then those, then DEVICE and SIGNAL rows as
        in a block.
        """
        rows = np.array(sorted(self.changed), np.int64)
        self.changed.clear()
        if not len(rows):
            return b""
        records = self.tags[rows]
        changed = np.empty(len(rows), CHANGED)
        changed["row"] = rows
        for name in ("tag", "newest_us", "contact_us", "last"):
            changed[name] = records[name]
        doubtful = np.flatnonzero(records["doubt"]["tag"])
        doubts = np.empty(len(doubtful), DOUBT)
        doubts["row"], doubts["doubt"] = rows[doubtful], records["doubt"][doubtful]
        tags = records["tag"].tolist()
        pairs, more = self._pairs(tags), self._more(tags)
        counts = np.array([len(changed) + (_MORE if more else 0), len(doubts), len(pairs)], _COUNTS)
        return counts.tobytes() + changed.tobytes() + doubts.tobytes() + pairs.tobytes() + more

    def apply(self, delta: bytes) -> None:
        """Make the changes another state told of by ``take_delta``; deltas are applied in the order they were taken.

        Raises
        ------
        ValueError
            If the delta does not follow on this state: a delta between them is missing.
        """
        if not delta:
            return
        at = 3 * _COUNTS.itemsize
        counts = np.frombuffer(delta[:at], _COUNTS).tolist()
        more = counts[0] >= _MORE
        counts[0] -= _MORE if more else 0
        parts = []
        for dtype, count in zip((CHANGED, DOUBT, PAIR), counts, strict=True):
            parts.append(np.frombuffer(delta[at : at + count * dtype.itemsize], dtype))
            at += count * dtype.itemsize
        changed, doubts, pairs = parts
        for row, tag in zip(changed["row"].tolist(), changed["tag"].tolist(), strict=True):
            if self._add(tag) != row:
                raise ValueError(f"tag {tag} stands in row {self.row_of[tag]}, not in row {row}")
            for zone in list(self.zones_of.get(tag, ())):
                self.drop_pair(tag, zone)
            for signal in list(self.signals_of.get(tag, ())):
                self.drop_signal(tag, signal)
            self.devices.pop(tag, None)
            self._touch(row)
        rows = changed["row"]
        for name in ("newest_us", "contact_us", "last"):
            self.tags[name][rows] = changed[name]
        self.tags["doubt"][rows] = np.zeros((), FIX)
        self.tags["doubt"][doubts["row"]] = doubts["doubt"]
        for record in pairs:
            self.put_pair(record.reshape(1).copy())
        if more:
            self._put_more(delta)
        self.changed.clear()
        self.wound = False

    def digest(self) -> str:
        """SHA-256 of everything remembered: equal digests mean equal states, bit for bit."""
        hashed = hashlib.sha256(f"{self.count} {self.watermark_us} {self.control_seq}".encode())
        for number in self.blocks():
            hashed.update(self.block(number))
        return hashed.hexdigest()


def spread(states: Iterable[State], lanes: int) -> list[State]:
    """What the states of all lanes remember, as the states of another number of lanes: each tag's goes with its tag.

    Lane time becomes the latest of all; the control change judged by the oldest, so that whatever is newer is judged by again.
    """
    given = list(states)
    made = [State() for _ in range(lanes)]
    for state in given:
        used = state.tags[: state.count]
        of = lane_of(used["tag"], lanes)
        for lane, own in enumerate(made):
            records = used[of == lane]
            rows = own.rows(records["tag"])  # first: it may make room
            own.tags[rows] = records
        for (tag, _), record in state.pairs.items():
            made[_lane(tag, lanes)].put_pair(record.copy())
        for tag, record in state.devices.items():
            made[_lane(tag, lanes)].put_device(record.copy())
        for (tag, _), record in state.signals.items():
            made[_lane(tag, lanes)].put_signal(record.copy())
    for own in made:
        own.watermark_us = max((state.watermark_us for state in given), default=0)
        own.listening_us = max((state.listening_us for state in given), default=0)
        own.control_seq = min((state.control_seq for state in given), default=0)
    return made


def _lane(tag: int, lanes: int) -> int:
    return int(lane_of(np.array([tag]), lanes)[0])


def rebuilt(blocks: Iterable[tuple[int, bytes]], watermark_us: int, control_seq: int) -> State:
    """A state from its snapshot blocks, given as (number, bytes) in order."""
    state = State()
    for number, body in blocks:
        state.load_block(number, body)
    state.touched.clear()
    state.changed.clear()
    state.watermark_us = watermark_us
    state.control_seq = control_seq
    return state
