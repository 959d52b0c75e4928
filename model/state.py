"""All that a lane remembers between batches: arrays in memory, kept as blocks of bytes, rebuilt bit for bit."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from typing import Final

import numpy as np

from model.arrays import I64, Array, Bool, among, plain
from model.event import EVENT
from model.fix import FIX
from model.instant import FOREVER_US
from model.lane import lane_of
from model.table import Table

BLOCK_TAGS: Final = 4096  # tags a snapshot block: a changed tag costs about a megabyte to keep, a million tags are 245 blocks

# What is known of every tag.
KNOWN: Final = np.dtype(
    [
        ("tag", "<i8"),  # 64-bit tag id; 0 where the row is not used
        ("newest_us", "<i8"),  # largest fix_at stored, or when an event was sent: a fix that is newer cannot be a repeat
        ("contact_us", "<i8"),  # received_us of the newest message of any kind
        ("last", FIX),  # the last fix that moved the tag forward, as judged; tag 0 where there is none
    ]
)

# The same, and what few have: an implausible fix after ``last`` that waits for a second one to agree; tag 0 where there is none.
TAG: Final = np.dtype([*((name, KNOWN[name]) for name in KNOWN.names or ()), ("doubt", FIX)])

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
        # First fix that showed it over, 0 while active; or the instant at which it was over, or a run, though it is kept as going
        # on until a fix from then on has come.
        ("ended_us", "<i8"),
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
        # Since when the battery is at 10 % or less and not charging; 0 while it is not, or when the device said so, negative.
        ("low_us", "<i8"),
        ("charging_us", "<i8"),  # since when it is charging; 0 while it is not, or since when, negative: for older words
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
    NO_LOCATION = 8
    TAG_FAULT = 9


# What goes on between a wearer and a zone that asks more than to keep out of it, or is drawn near to: one of a tag and zone.
PLACE: Final = np.dtype(
    [
        ("tag", "<i8"),
        ("zone", "<i8"),  # zone id
        ("wearer", "<i8"),  # who wore the tag
        ("order", "<i8"),  # by whose authority
        ("occurrence_us", "<i8"),  # event_at the last occurrence was raised with, 0 for none
        ("event_us", "<i8"),
        ("detected_us", "<i8"),  # lane time when raised
        ("clock_us", "<i8"),  # lane time people's clocks run from
        ("ended_us", "<i8"),  # 0 while active
        ("since_us", "<i8"),  # near: since when, 0 while not. Attendance: when the interval began that was missed
        ("until_us", "<i8"),  # judged time of the last fix that showed them near; or at the place, where it is for attendance
        ("run_us", "<i8"),  # judged time of the first fix of the present run
        ("first", FIX),  # the fix at since_us; tag 0 for none
        ("newest", FIX),  # the fix at until_us
        ("run_first", FIX),  # the fix at run_us
        ("distance_m", "<f8"),  # signed, of the fix at until_us
        ("version", "<i4"),  # zone version last judged
        ("asks", "<i2"),  # Asks
        ("phase", "<i2"),  # Phase
        ("run", "<i2"),  # length of the present run: of fixes that show them gone, or back
        ("severity", "<i2"),
        ("late", "<i2"),
    ]
)

# That a tag moves, by its own word.
MOTION: Final = np.dtype([("tag", "<i8"), ("motion_us", "<i8")])  # since when

# A tag that is heard from while it moves, and says not where it is.
LOST: Final = np.dtype(
    [
        ("tag", "<i8"),
        ("told_us", "<i8"),  # when the newest message that gave no location was sent; 0 once there is a location
        ("spell", "<i8", (2, 2)),  # from and to of the last two spells without, of those that count; zeros for none
    ]
)

# A tag that was wrong about time or place; the fixes that showed it, oldest first.
FAULT: Final = np.dtype(
    [
        ("tag", "<i8"),
        ("last_us", "<i8"),  # lane time of the last one
        ("shown", FIX, (2,)),  # the last two; tag 0 for none
    ]
)


# Since when a tag that some curfew asks for has been heard, and of its beacon.
CONTACT: Final = np.dtype(
    [
        ("tag", "<i8"),
        ("from_us", "<i8"),  # received_us of the first of the messages that have come without a gap since; 0 where not known
        ("beacon_us", "<i8"),  # at_us of the newest word of the beacon, though it may only repeat what BEACON has; 0 for none
    ]
)


class Asks(IntEnum):
    """What a zone asks of whoever is judged by it, besides keeping out."""

    DISTANCE = 1  # not to come near: the ring round a victim's zone
    PRESENCE = 2  # to stay inside while its schedule applies
    ATTENDANCE = 3  # to be there once in each interval of its schedule


# What a tag's fixes have said of one home zone: one record a tag and home of its wearer's.
PRESENCE: Final = np.dtype(
    [
        ("tag", "<i8"),
        ("zone", "<i8"),  # id of the home zone
        ("shown_us", "<i8"),  # fix_at of the newest fix that said anything of it
        ("inside_us", "<i8"),  # fix_at of the newest that was definitely inside
        ("known_us", "<i8"),  # until when presence was known by what has since been overtaken
        ("proven_us", "<i8"),  # since when there is nothing newer than proof of being there: 0 where a fix outside is
        ("second_us", "<i8"),  # fix_at of the second of the present run of definite-outside fixes, 0 while there is none
        ("first", FIX),  # the first of that run; tag 0 without one
        ("version", "<i4"),  # zone version last judged by
        ("says", "<i2"),  # alerts.presence.Says of the newest fix
        ("outs", "<i2"),  # length of the run of definite-outside fixes, 2 at most: two contradict
        ("late", "<i2"),  # 1 where the second of them was received late
    ]
)

# What a tag has said of the beacon at home and of being moved; only tags that ever do have it.
BEACON: Final = np.dtype(
    [
        ("tag", "<i8"),
        ("beacon", EVENT),  # the newest of BEACON_IN and BEACON_OUT, kind 0 where there was none
        ("moved_us", "<i8"),  # at_us of the newest MOTION
        ("still_us", "<i8"),  # at_us of the newest MOTION_CLEAR
    ]
)

# The last occurrence of absence, or of presence that cannot be verified, of one curfew.
ABSENCE: Final = np.dtype(
    [
        ("tag", "<i8"),
        ("number", "<i8"),  # twice the curfew's id, and one more where presence is unverified
        ("wearer", "<i8"),
        ("order", "<i8"),
        ("zone", "<i8"),  # the curfew's home when it was raised
        ("occurrence_us", "<i8"),  # what names it: event_at it was raised with; 0 where late data withdrew it
        ("event_us", "<i8"),
        ("detected_us", "<i8"),  # lane time when raised
        ("clock_us", "<i8"),  # lane time people's clocks run from
        ("ended_us", "<i8"),  # 0 while active
        ("from_us", "<i8"),  # when its present stretch began: after event_us where the wearer was back in between
        ("away_us", "<i8"),  # how long the stretches before the present one lasted together
        ("version", "<i4"),  # of the home zone
        ("held", "<i2"),  # Signal of the cause that it was said to be held under, 0 for none
        ("severity", "<i2"),
        ("late", "<i2"),
    ]
)


# One changed tag in a delta: its row, and its KNOWN record; its doubt, which is rare, stands apart.
CHANGED: Final = np.dtype([("row", "<i8"), *((name, KNOWN[name]) for name in KNOWN.names or ())])
# The same, with what is known as bytes.
_TAG: Final = np.dtype([("known", f"V{KNOWN.itemsize}"), ("doubt", FIX)])
_CHANGED: Final = np.dtype([("row", "<i8"), ("known", f"V{KNOWN.itemsize}")])
DOUBT: Final = np.dtype([("row", "<i8"), ("doubt", FIX)])
_COUNTS: Final = np.dtype("<i8")
_GROWTH: Final = 8  # room is made for an eighth more: for twice as many a million tags would take up to 120 MB for nothing
_UPPER: Final = 32  # bits: above them a count of tags says how many of the other tables follow


class Phase(IntEnum):
    """Where a (tag, zone) pair stands. A pair that is plainly outside has no record at all."""

    SUSPECT = 1  # possible, not yet often enough to raise
    ACTIVE = 2  # an occurrence is open
    LEFT = 3  # it ended less than the re-entry time ago
    CROSSED = 4  # nothing is open, but a crossing was said less than the re-entry time ago


class State:
    """The lane's memory, changed in place by ``alerts``; a failed commit drops it.

    ``tags`` rows never move; the ``tables`` hold what few tags have any of.

    Attributes
    ----------
    tags : (capacity,) KNOWN; rows ``0 .. count`` are used
    doubts : FIX by tag, of tags that wait for a second fix to agree; ``at`` and ``keep`` have them as part of TAG
    pairs : PAIR by tag and zone
    devices : DEVICE by tag, of tags with anything on
    signals : SIGNAL by tag and Signal
    presences : PRESENCE by tag and home zone
    beacons : BEACON by tag
    absences : ABSENCE by tag and number
    places : PLACE by tag and zone, where anything goes on
    motions : MOTION by tag, of tags that say that they move
    lost : LOST by tag, of moving tags without a location
    faults : FAULT by tag, for a day
    sures : FIX by tag, of tags whose last one cannot be definite: the last that could
    due_us : (capacity,) int64 by row, the lane time at which the clock alone may next cause something. It follows from all else
        and from the world, so it is not kept: ``wound`` says whether it is true
    motion_us : (capacity,) int64 by row, since when the tag says that it moves, 0 where it does not: ``motions`` once more, for
        looking at all tags of a batch at once
    watermark_us : lane time, microseconds since 1970 UTC
    listening_us : since when the lane has been listening without a gap: silence before is not the tag's. Kept in the lane's row
    control_seq : position in the feed of the newest control change that was judged
    touched : numbers of the blocks changed since ``take_touched``
    changed : (capacity,) bool by row, what changed since ``take_delta``
    busy : (capacity,) bool by row, whose tag may have a row in the ``tables``: of the others it is certain that they have none
    """

    def __init__(self) -> None:
        self.tags: Array = np.zeros(1024, KNOWN)
        self.count = 0
        self.row_of: dict[int, int] = {}
        self.doubts = Table(FIX, None)
        self.pairs = Table(PAIR, "zone")
        self.devices = Table(DEVICE, None)
        self.signals = Table(SIGNAL, "signal")
        self.presences = Table(PRESENCE, "zone")
        self.beacons = Table(BEACON, None)
        self.absences = Table(ABSENCE, "number")
        self.places = Table(PLACE, "zone")
        self.motions = Table(MOTION, None)
        self.lost = Table(LOST, None)
        self.faults = Table(FAULT, None)
        self.contacts = Table(CONTACT, None)
        self.sures = Table(FIX, None)
        # Further ones at the end: a snapshot names its tables by their places.
        self.others = (
            *(self.devices, self.signals, self.presences, self.beacons, self.absences),
            *(self.places, self.motions, self.lost, self.faults, self.contacts, self.sures),
        )
        self.tables = (self.pairs, *self.others)
        self.due_us: I64 = np.full(len(self.tags), FOREVER_US)
        self.motion_us: I64 = np.zeros(len(self.tags), np.int64)
        self.wound = False
        self.watermark_us = 0
        self.listening_us = 0
        self.control_seq = 0
        self.touched: set[int] = set()
        self.changed: Bool = np.zeros(len(self.tags), bool)
        self.busy: Bool = np.zeros(len(self.tags), bool)
        # Tag ids in order, and their rows: of the first so many rows. Those made since are put in at the next look.
        self._ids: I64 = np.zeros(0, np.int64)
        self._id_rows: I64 = np.zeros(0, np.int64)

    def rows(self, tags: Array) -> I64:
        """(n,) int64 rows of the given (n,) int64 tag ids, making rows for those never seen; marks them touched."""
        found = self.find(tags)
        for at in np.flatnonzero(found < 0).tolist():
            found[at] = self._add(int(tags[at]))
        self.touched.update(np.flatnonzero(np.bincount(found // BLOCK_TAGS)).tolist())
        self.changed[found] = True
        return found

    def find(self, tags: Array) -> I64:
        """(n,) int64 rows of (n,) int64 tag ids, -1 where one was never seen; quickest where they are in order."""
        if len(self._ids) < self.count:
            # Of a look-up for each tag in a dict this takes a third, for whole batches; one tag alone is quicker there.
            fresh = self.tags["tag"][len(self._ids) : self.count]
            order = np.argsort(fresh)
            at = np.searchsorted(self._ids, fresh[order])
            rows = order + len(self._ids)
            self._ids, self._id_rows = np.insert(self._ids, at, fresh[order]), np.insert(self._id_rows, at, rows)
        if not self.count:
            return np.full(len(tags), -1)
        at = np.searchsorted(self._ids, tags)
        at[at == self.count] = 0
        rows = self._id_rows[at]
        rows[self._ids[at] != tags] = -1
        return rows

    def at(self, rows: I64) -> Array:
        """(n,) TAG copies of what stands in (n,) int64 rows as ``find`` gives them, zeros for those it did not find."""
        records = np.zeros(len(rows), TAG)
        _known(records)[:] = plain(self.tags)[rows]
        missing = rows < 0
        if missing.any():
            records[missing] = np.zeros((), TAG)
        if len(self.doubts):
            for at in np.flatnonzero(among(records["tag"], self._doubted())).tolist():
                records[at]["doubt"] = self.doubts[int(records["tag"][at]), 0][0]
        return records

    def keep(self, rows: I64, records: Array) -> None:
        """Have (n,) TAG, as ``at`` gave them and as they have become since, stand in (n,) rows, which ``rows`` made."""
        doubtful = records["doubt"]["tag"] != 0
        if len(self.doubts):
            for tag in records["tag"][~doubtful & among(records["tag"], self._doubted())].tolist():
                self.doubts.drop(tag)
        for doubt in records["doubt"][doubtful]:
            self.doubts.put(doubt.reshape(1))
        plain(self.tags)[rows] = _known(records)

    def _doubted(self) -> I64:
        """The tags of ``doubts`` in order."""
        return np.sort(np.fromiter(self.doubts.tags, np.int64, len(self.doubts)))

    def newest_us(self, rows: I64) -> I64:
        """(n,) int64 newest time stored for the tags in (n,) int64 rows as ``find`` gives them, 0 where it found none."""
        newest_us: I64 = np.where(rows < 0, 0, self.tags["newest_us"][rows])
        return newest_us

    def has(self, rows: I64, *tables: Table) -> Bool:
        """Which of the tags in (n,) int64 rows as ``find`` gives them have a record in any of some ``tables``; (n,) bool."""
        found: Bool = self.busy[rows] & (rows >= 0)
        some = np.flatnonzero(found)
        tags = self.tags["tag"][rows[some]].tolist()
        # Most tables are empty, or nearly: table by table it takes a quarter of the time of tag by tag.
        held = np.zeros(len(some), bool)
        for table in tables:
            if len(table):
                held |= np.fromiter(map(table.tags.__contains__, tags), bool, len(tags))
        found[some] = held
        return found

    def peek(self, tag: int) -> Array | None:
        """The tag's () KNOWN record, or None if it was never seen."""
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
        """Have so many unused rows."""
        if self.count + more > len(self.tags):
            grown = np.zeros(max(len(self.tags) + len(self.tags) // _GROWTH, self.count + more), KNOWN)
            plain(grown)[: self.count] = plain(self.tags)[: self.count]
            room = len(grown) - len(self.tags)
            self.due_us = np.concatenate([self.due_us, np.full(room, FOREVER_US)])
            self.changed, self.busy = (np.concatenate([mask, np.zeros(room, bool)]) for mask in (self.changed, self.busy))
            self.motion_us = np.concatenate([self.motion_us, np.zeros(room, np.int64)])
            self.tags = grown

    def put(self, table: Table, record: Array) -> None:
        """Keep a (1,) record of one of ``tables``."""
        table.put(record)
        self._touch(self._add(int(record["tag"][0])))

    def drop(self, table: Table, tag: int, number: int = 0) -> None:
        """Forget a record of one of ``tables``."""
        table.drop(tag, number)
        self._touch(self.row_of[tag])

    def put_device(self, record: Array) -> None:
        """Keep a (1,) DEVICE record, or forget it where nothing is on."""
        tag = int(record["tag"][0])
        if any(record.tobytes()[8:]):
            self.devices.put(record)
        else:
            self.devices.clear(tag)
        self._touch(self._add(tag))

    def _touch(self, row: int) -> None:
        """Note that a tag, its rows in the tables included, changed."""
        self.changed[row] = self.busy[row] = True
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
        """One block as bytes: count of tags, the TAG rows, then the PAIR rows ordered by tag row and zone, and the other tables'.

        Where any of its tags has a row of another table, the count's upper half says how many tables follow (``_more``).
        """
        first = number * BLOCK_TAGS
        tags = self.at(np.arange(first, min(first + BLOCK_TAGS, self.count)))
        listed = tags["tag"].tolist()
        more = self._more(listed)
        count = len(tags) + (_more_of(len(self.others)) if more else 0)
        return count.to_bytes(8, "little") + tags.tobytes() + self.pairs.of_tags(listed).tobytes() + more

    def _more(self, tags: list[int]) -> bytes:
        """Rows of the other tables of some tags, table by table, and a count of each; nothing where there are none."""
        rows = [table.of_tags(tags) for table in self.others]
        counts = np.array([len(some) for some in rows], _COUNTS)
        return b"".join(some.tobytes() for some in rows) + counts.tobytes() if counts.any() else b""

    def _put_more(self, body: bytes, tables: int) -> bytes:
        """Take what ``_more`` wrote of so many tables at the end of some bytes; the bytes before it."""
        end = len(body) - tables * _COUNTS.itemsize
        counts = np.frombuffer(body[end:], _COUNTS).tolist()
        for table, count in reversed(list(zip(self.others[:tables], counts, strict=True))):
            start = end - count * table.dtype.itemsize
            table.load(body[start:end])
            end = start
        return body[:end]

    def load_block(self, number: int, body: bytes) -> None:
        """Put a block's rows back where they were; blocks are loaded in order of their numbers."""
        count, more = _counted(int.from_bytes(body[:8], "little"))
        end = 8 + count * TAG.itemsize
        first = number * BLOCK_TAGS
        records = np.frombuffer(body[8:end], TAG)
        tags = records["tag"].tolist()
        if self.count != first or len(tags) > BLOCK_TAGS or not self.row_of.keys().isdisjoint(tags) or len(set(tags)) < len(tags):
            raise ValueError(
                f"snapshot block {number} does not follow on the {self.count} tags before it, or repeats one of them"
            )
        self._make_room(count)
        self.keep(np.arange(first, first + count), records)
        self.row_of.update(zip(tags, range(first, first + count), strict=True))
        self.busy[first : first + count] = True
        self.count += count
        if more:
            body = self._put_more(body, more)
            if more < len(self.others):
                self.touched.add(number)  # an older version's: the next snapshot has it as it is written today
        self.pairs.load(body[end:])

    def take_delta(self) -> bytes:
        """What changed since the last call, for ``apply``: changed TAG rows, and all rows of their tags in the tables.

        Empty where nothing did. Little-endian: counts of CHANGED, DOUBT and PAIR rows, then those, then the other tables' as in a
        block.
        """
        rows = np.flatnonzero(self.changed[: self.count])
        if not len(rows):
            return b""
        self.changed[rows] = False
        changed = np.empty(len(rows), CHANGED)
        changed["row"] = rows
        _known(changed)[:] = plain(self.tags)[rows]
        doubtful = np.flatnonzero(among(changed["tag"], self._doubted()))
        doubts = np.empty(len(doubtful), DOUBT)
        doubts["row"], doubts["doubt"] = rows[doubtful], self.doubts.of_tags(changed["tag"][doubtful].tolist())
        self.busy[rows] = self.has(rows, *self.tables)
        tags = self.tags["tag"][rows[self.busy[rows]]].tolist()
        pairs, more = self.pairs.of_tags(tags), self._more(tags)
        first = len(changed) + (_more_of(len(self.others)) if more else 0)
        counts = np.array([first, len(doubts), len(pairs)], _COUNTS)
        return b"".join((counts.data, changed.data, doubts.data, pairs.data, more))

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
        counts[0], more = _counted(counts[0])
        parts = []
        for dtype, count in zip((CHANGED, DOUBT, PAIR), counts, strict=True):
            parts.append(np.frombuffer(delta[at : at + count * dtype.itemsize], dtype))
            at += count * dtype.itemsize
        changed, doubts, pairs = parts
        for row, tag in zip(changed["row"].tolist(), changed["tag"].tolist(), strict=True):
            if self._add(tag) != row:
                raise ValueError(f"tag {tag} stands in row {self.row_of[tag]}, not in row {row}")
            for table in (self.doubts, *self.tables):
                table.clear(tag)
            self._touch(row)
        rows = changed["row"]
        plain(self.tags)[rows] = _known(changed)
        self.doubts.load(doubts["doubt"].tobytes())
        self.pairs.load(pairs.tobytes())
        if more:
            self._put_more(delta, more)
        self.changed[rows] = False
        self.wound = False

    def digest(self) -> str:
        """SHA-256 of everything remembered: equal digests mean equal states, bit for bit."""
        return _digest(self.count, self.watermark_us, self.control_seq, (self.block(number) for number in self.blocks()))


def spread(states: Iterable[State], lanes: int) -> list[State]:
    """What the states of all lanes remember, as the states of another number of lanes: each tag's goes with its tag.

    Lane time becomes the latest of all; the control change judged by the oldest, so that whatever is newer is judged by again.
    """
    given = list(states)
    made = [State() for _ in range(lanes)]
    for state in given:
        used = state.at(np.arange(state.count))
        of = lane_of(used["tag"], lanes)
        for lane, own in enumerate(made):
            records = used[of == lane]
            own.keep(own.rows(records["tag"]), records)
        for number, table in enumerate(state.tables):
            for record in table:
                own = made[_lane(int(record["tag"][0]), lanes)]
                own.put(own.tables[number], record)
    for own in made:
        own.watermark_us = max((state.watermark_us for state in given), default=0)
        own.listening_us = max((state.listening_us for state in given), default=0)
        own.control_seq = min((state.control_seq for state in given), default=0)
    return made


def digest_of(blocks: Sequence[tuple[int, bytes]], watermark_us: int, control_seq: int) -> str:
    """The digest of the state that wrote snapshot blocks, given as (number, bytes) in order.

    Of the bytes, as an older version's state had fewer tables and would be written otherwise today.
    """
    count = sum(_counted(int.from_bytes(body[:8], "little"))[0] for _, body in blocks)
    return _digest(count, watermark_us, control_seq, (body for _, body in blocks))


def _known(records: Array) -> Array:
    """A view of what is KNOWN in (n,) TAG or CHANGED, as so many bytes each."""
    view: Array = records.view(_TAG if records.dtype == TAG else _CHANGED)["known"]
    return view


def _digest(count: int, watermark_us: int, control_seq: int, bodies: Iterable[bytes]) -> str:
    hashed = hashlib.sha256(f"{count} {watermark_us} {control_seq}".encode())
    for body in bodies:
        hashed.update(body)
    return hashed.hexdigest()


def _more_of(tables: int) -> int:
    """What is added to a count of tags that so many of the other tables follow."""
    return tables << _UPPER


def _counted(count: int) -> tuple[int, int]:
    """The count itself, and how many of the other tables follow; 1, as it was first written, means two."""
    more = count >> _UPPER
    return count - (more << _UPPER), 2 if more == 1 else more


def _lane(tag: int, lanes: int) -> int:
    return int(lane_of(np.array([tag]), lanes)[0])


def rebuilt(blocks: Iterable[tuple[int, bytes]], watermark_us: int, control_seq: int) -> State:
    """A state from its snapshot blocks, given as (number, bytes) in order."""
    state = State()
    for number, body in blocks:
        state.load_block(number, body)
    state.changed[:] = False
    state.watermark_us = watermark_us
    state.control_seq = control_seq
    return state
