"""Turns a gateway's JSON frame into a batch, answering for each record by its place in the frame."""

import json
import math
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

import msgspec
import numpy as np

from model.arrays import Array
from model.batch import Batch, DeadLetter, Rejected
from model.event import EVENT, EVENT_BY_WORD
from model.fix import ASSUMED_ACCURACY_M, FIX, Flag, Source
from model.instant import DAY_US, show, to_us

# Largest number a 32-bit column holds.
FLOAT32_MAX: Final = 3.4e38

# Before this no tag of ours was made: a receiver without a time yet says 1970 or 1980.
FIRST_YEAR_US: Final = 946_684_800_000_000  # 2000-01-01

# From here on no trace was received: what is later is a slip, and the calendar ends soon after.
LAST_YEAR_US: Final = 221_845_392_000_000_000  # 9000-01-01

# A tag's clock may run ahead; the judge flags it from two minutes on. A day ahead is no clock at all.
AHEAD_US: Final = DAY_US

# Farther than any place is from any other: a larger radius says nothing, and one beyond 32 bits would be stored as infinite.
FARTHEST_M: Final = 2e7

# User-range error of a GNSS receiver, metres at hdop 1, and from one sigma to 95 % (DOMAIN.md: 5 m x hdop x 2).
METRES_PER_HDOP: Final = 10.0

SOURCES: Final = {source.name.lower(): source for source in Source}

INT64_MAX: Final = 2**63 - 1

PROTOCOL: Final = "http-json"

WHOLE_BYTES: Final = 64 * 1024  # of a body that cannot be read, this much is kept for a person to look at


class Limits(NamedTuple):
    """What the door lets in. ``trace_clock`` takes ``received_at`` from the sender: for an instance made for replay only."""

    oldest_us: int = 400 * DAY_US  # a fix older than the oldest day kept is refused, microseconds before receipt
    frame_records: int = 100_000  # records a frame
    # Bytes of all bodies being read, decoded or waiting for the sink; decoded, they take some five times as much. At least one
    # whole body, or the largest are never taken.
    hand_bytes: int = 64 * 1024 * 1024
    trace_clock: bool = False


class Fix(msgspec.Struct):
    """A location point as a gateway writes it; absent fields are None."""

    tag: Annotated[int, msgspec.Meta(gt=0, le=INT64_MAX)]
    fix_at: Annotated[datetime, msgspec.Meta(tz=True)]
    lon: float
    lat: float
    seq: Annotated[int, msgspec.Meta(ge=0, le=INT64_MAX)] = 0
    accuracy_m: float | None = None
    speed_mps: float | None = None
    heading_deg: float | None = None
    hdop: float | None = None
    satellites: int | None = None
    battery_pct: float | None = None
    source: str = "gnss"
    received_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class Event(msgspec.Struct):
    """A device event as a gateway writes it."""

    tag: Annotated[int, msgspec.Meta(gt=0, le=INT64_MAX)]
    kind: str
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    seq: Annotated[int, msgspec.Meta(ge=0, le=INT64_MAX)] = 0
    value: Annotated[int, msgspec.Meta(ge=0, le=32767)] | None = None
    received_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class Frame(msgspec.Struct):
    """The whole body, when every record in it has the right shape: the common and fast case."""

    gateway: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    fixes: list[Fix] = []
    events: list[Event] = []


class Loose(msgspec.Struct):
    """The body when some record may be malformed: each is then converted alone."""

    gateway: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    fixes: list[Any] = []
    events: list[Any] = []


class Decoded(NamedTuple):
    """A batch of the good records; the rest by reason; and where each good record stood in its list."""

    batch: Batch
    rejected: tuple[Rejected, ...]
    fix_places: Array  # (n,) int64: place in the frame's "fixes" of each row of batch.fixes
    event_places: Array  # (m,) int64: likewise of batch.events


_FRAME: Final = msgspec.json.Decoder(Frame)
_OPTIONAL: Final = ("speed_mps", "heading_deg", "hdop")


def decode(body: bytes, received_us: int, limits: Limits) -> Decoded | Rejected:
    """Decode one body of ``POST /gateway/v1/fixes``.

    Parameters
    ----------
    body : JSON as CONTRACT.md gives it. A literal NaN or Infinity, which JSON does not have, spoils its record only.
    received_us : time of receipt, microseconds since 1970 UTC.

    Returns
    -------
    Decoded
        Good records as a batch whose ``dead`` holds the refused ones with their bytes.
    Rejected
        Where nothing in the body can be read: not JSON, or not a frame.
    """
    try:
        frame = _FRAME.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode_loosely(body, received_us, limits)
    wrong = _wrong_frame(frame, limits)
    if wrong is not None:
        return wrong
    fixes = list(enumerate(frame.fixes))
    events = list(enumerate(frame.events))
    return _assemble(body, frame.gateway, fixes, events, [], received_us, limits)


def _decode_loosely(body: bytes, received_us: int, limits: Limits) -> Decoded | Rejected:
    """The slow way, for a frame with something wrong in it: every record alone, so that the good ones are kept."""
    try:
        loose = msgspec.convert(json.loads(body), Loose)
    except msgspec.ValidationError as error:
        return Rejected(f"the body is not a frame: {error}")
    except RecursionError:
        return Rejected("the body is not a frame: it is nested too deeply")
    except ValueError as error:  # not JSON, not UTF-8, or a number of thousands of digits
        return Rejected(f"the body is not JSON: {error}")
    wrong = _wrong_frame(loose, limits)
    if wrong is not None:
        return wrong
    refused: list[Rejected] = []

    def converted(items: list[Any], kind: type[Any], place: str) -> Iterable[tuple[int, Any]]:
        for at, item in enumerate(items):
            try:
                yield at, msgspec.convert(item, kind)
            except msgspec.ValidationError as error:
                refused.append(Rejected(str(error), at, place))

    fixes = list(converted(loose.fixes, Fix, "fixes"))
    events = list(converted(loose.events, Event, "events"))
    return _assemble(body, loose.gateway, fixes, events, refused, received_us, limits)


def _wrong_frame(frame: Frame | Loose, limits: Limits) -> Rejected | None:
    """Why a frame is refused whole, None where it is not."""
    if not frame.gateway.isprintable():  # no database keeps a NUL or half a surrogate pair
        return Rejected(f"the body is not a frame: gateway {frame.gateway!r} has characters that cannot be shown")
    records = len(frame.fixes) + len(frame.events)
    if records > limits.frame_records:
        return Rejected(f"the frame has {records} records; send at most {limits.frame_records} in one")
    return None


def _assemble(
    body: bytes,
    gateway: str,
    fixes: list[tuple[int, Fix]],
    events: list[tuple[int, Event]],
    refused: list[Rejected],
    received_us: int,
    limits: Limits,
) -> Decoded:
    fix_rows, fix_places = [], []
    for at, fix in fixes:
        row = _fix_row(fix, received_us, limits)
        if isinstance(row, str):
            refused.append(Rejected(row, at, "fixes"))
        else:
            fix_rows.append(row)
            fix_places.append(at)
    event_rows, event_places = [], []
    for at, event in events:
        event_row = _event_row(event, received_us, limits)
        if isinstance(event_row, str):
            refused.append(Rejected(event_row, at, "events"))
        else:
            event_rows.append(event_row)
            event_places.append(at)
    good_fixes, good_events = np.array(fix_rows, FIX), np.array(event_rows, EVENT)
    if limits.trace_clock:
        newest = [int(rows["received_us"].max()) for rows in (good_fixes, good_events) if len(rows)]
        received_us = max(newest, default=0)
    refused.sort(key=lambda rejected: (rejected.place != "fixes", rejected.row))
    return Decoded(
        Batch(good_fixes, good_events, gateway, received_us, _dead(body, refused)),
        tuple(refused),
        np.array(fix_places, np.int64),
        np.array(event_places, np.int64),
    )


def _fix_row(fix: Fix, received_us: int, limits: Limits) -> tuple[Any, ...] | str:
    """One FIX record as a tuple, or why it is refused."""
    wrong = _wrong_position(fix.lon, fix.lat)
    if wrong:
        return wrong
    fix_at_us = to_us(fix.fix_at)
    if limits.trace_clock and fix.received_at is not None:
        received_us = to_us(fix.received_at)
        if not is_receivable(received_us):
            return _wrong_receipt(fix.received_at)
    wrong = _wrong_time("fix_at", fix.fix_at, fix_at_us, received_us, limits)
    if wrong:
        return wrong
    source = SOURCES.get(fix.source)
    if source is None:
        return f"source {fix.source[:40]!r} is not one of {', '.join(SOURCES)}"
    optional = []
    for name in _OPTIONAL:
        value = getattr(fix, name)
        if value is not None and not 0 <= value <= FLOAT32_MAX:
            return f"{name} {value} is not a number of at least 0"
        optional.append(math.nan if value is None else value)
    accuracy = _accuracy(fix.accuracy_m, fix.hdop, source)
    if isinstance(accuracy, str):
        return accuracy
    accuracy_m, flags = accuracy
    battery = -1 if fix.battery_pct is None else fix.battery_pct
    if fix.battery_pct is not None and not 0 <= battery <= 100:
        return f"battery_pct {fix.battery_pct} is not between 0 and 100"
    satellites = -1 if fix.satellites is None else fix.satellites
    if fix.satellites is not None and not 0 <= satellites <= 999:
        return f"satellites {fix.satellites} is not between 0 and 999"
    return (
        fix.tag,
        fix_at_us,
        received_us,
        fix.seq,
        fix.lon,
        fix.lat,
        accuracy_m,
        *optional,
        0,  # gateway: known to the store by its name
        flags,
        source,
        0,  # quality: for the judge
        round(battery),
        satellites,
    )


def _event_row(event: Event, received_us: int, limits: Limits) -> tuple[Any, ...] | str:
    """One EVENT record as a tuple, or why it is refused."""
    kind = EVENT_BY_WORD.get(event.kind)
    if kind is None:
        return f"event kind {event.kind[:40]!r} is not known; the kinds are {', '.join(EVENT_BY_WORD)}"
    at_us = to_us(event.at)
    if limits.trace_clock and event.received_at is not None:
        received_us = to_us(event.received_at)
        if not is_receivable(received_us):
            return _wrong_receipt(event.received_at)
    wrong = _wrong_time("at", event.at, at_us, received_us, limits)
    if wrong:
        return wrong
    return (event.tag, at_us, received_us, event.seq, 0, kind, -1 if event.value is None else event.value)


def is_receivable(us: int) -> bool:
    """Whether a trace can have been received at a time, microseconds since 1970 UTC."""
    return FIRST_YEAR_US <= us < LAST_YEAR_US


def _wrong_receipt(sent: datetime) -> str:
    return f"received_at {_as_sent(sent)} is not between 2000 and 9000: nothing of ours was received then"


def _as_sent(moment: datetime) -> str:
    """A time with its own offset: in UTC it may lie outside the calendar."""
    return moment.isoformat().replace("+00:00", "Z")


def _wrong_position(lon: float, lat: float) -> str:
    """Why (lon, lat) is no position on Earth; empty where it is one."""
    if not math.isfinite(lon):
        return f"lon is {lon}, not a number of degrees"
    if not math.isfinite(lat):
        return f"lat is {lat}, not a number of degrees"
    if not -90 <= lat <= 90:
        hint = "; are lon and lat swapped?" if -180 <= lat <= 180 and -90 <= lon <= 90 else ""
        return f"lat {lat} is not between -90 and 90{hint}"
    if not -180 <= lon <= 180:
        return f"lon {lon} is not between -180 and 180"
    return ""


def _wrong_time(name: str, sent: datetime, at_us: int, received_us: int, limits: Limits) -> str:
    """Why a device's time cannot be kept; empty where it can."""
    shown = f"{name} {_as_sent(sent)}"
    if at_us < FIRST_YEAR_US:
        return f"{shown} is before 2000: the device had no time yet"
    if at_us > received_us + AHEAD_US:
        return f"{shown} is over a day after it was received ({show(received_us)}): the device's clock is wrong"
    if at_us < received_us - limits.oldest_us:
        return f"{shown} is older than the oldest day kept ({limits.oldest_us // DAY_US} days)"
    return ""


def _accuracy(accuracy_m: float | None, hdop: float | None, source: Source) -> tuple[float, int] | str:
    """The 95 % radius in metres and the flags it brings, or why it is refused."""
    if accuracy_m is not None:
        if not 0 <= accuracy_m <= FARTHEST_M:
            return f"accuracy_m {accuracy_m} is not a number of metres from 0 to {FARTHEST_M:.0f}"
        return accuracy_m, 0
    if hdop is not None and source is Source.GNSS:
        return min(METRES_PER_HDOP * hdop, FARTHEST_M), Flag.ACCURACY_ASSUMED
    return ASSUMED_ACCURACY_M[source], Flag.ACCURACY_ASSUMED


def _dead(body: bytes, refused: list[Rejected]) -> tuple[DeadLetter, ...]:
    """The refused records as they were sent: read from the body again, since a typed record has lost what it did not know."""
    if not refused:
        return ()
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):  # a field we do not read may hold what this reader does not take: keep all of it, once
        return (DeadLetter(f"{refused[0].place}[{refused[0].row}]: {refused[0].reason}", body[:WHOLE_BYTES], PROTOCOL),)
    return tuple(
        DeadLetter(
            f"{rejected.place}[{rejected.row}]: {rejected.reason}",
            json.dumps(sent[rejected.place][rejected.row], separators=(",", ":")).encode(),
            PROTOCOL,
        )
        for rejected in refused
    )
