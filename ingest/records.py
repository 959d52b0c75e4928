"""Turns a gateway's JSON frame into a batch, answering for each record by its place in the frame."""

import json
import math
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
import numpy as np

from ingest.decoded import WHOLE_BYTES, Decoded, Limits
from ingest.frame import GATEWAY_MAX_CHARACTERS
from ingest.rules import EVENT_RULES, FIX_RULES, Rule, assume_accuracy, broken, reason, shown
from model.arrays import Array
from model.batch import Batch, DeadLetter, Rejected
from model.event import EVENT, EVENT_BY_WORD
from model.fix import FIX, Source
from model.instant import to_us

SOURCES: Final = {source.name.lower(): source for source in Source}

INT64_MAX: Final = 2**63 - 1

PROTOCOL: Final = "http-json"

_NO_GATEWAY: Final = f"a gateway's name has 1 to {GATEWAY_MAX_CHARACTERS} characters, all of which can be shown"

# Columns of FIX as wide as JSON's numbers, so that what does not fit is refused and not cut; a battery may have a fraction.
_WIDE: Final = np.dtype([(name, "<f8" if FIX[name].kind == "f" or name == "battery_pct" else "<i8") for name in FIX.names or ()])


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
    satellites: Annotated[int, msgspec.Meta(ge=0, le=2**31)] | None = None
    battery_pct: Annotated[float, msgspec.Meta(ge=0)] | None = None
    source: str = "gnss"
    received_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    gateway: Any = None  # on a trace's clock alone: which one it came through, where that is not the frame's


class Event(msgspec.Struct):
    """A device event as a gateway writes it."""

    tag: Annotated[int, msgspec.Meta(gt=0, le=INT64_MAX)]
    kind: str
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    seq: Annotated[int, msgspec.Meta(ge=0, le=INT64_MAX)] = 0
    value: Annotated[int, msgspec.Meta(ge=0, le=32767)] | None = None
    received_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    gateway: Any = None  # as of a fix


class Frame(msgspec.Struct):
    """The whole body, when every record in it has the right shape: the common and fast case."""

    gateway: Annotated[str, msgspec.Meta(min_length=1, max_length=GATEWAY_MAX_CHARACTERS)]
    fixes: list[Fix] = []
    events: list[Event] = []


class Loose(msgspec.Struct):
    """The body when some record may be malformed: each is then converted alone."""

    gateway: Annotated[str, msgspec.Meta(min_length=1, max_length=GATEWAY_MAX_CHARACTERS)]
    fixes: list[Any] = []
    events: list[Any] = []


_FRAME: Final = msgspec.json.Decoder(Frame)
_OPTIONAL: Final = ("accuracy_m", "speed_mps", "heading_deg", "hdop")


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
                record = msgspec.convert(item, kind)
            except msgspec.ValidationError as error:
                refused.append(Rejected(str(error), at, place))
                continue
            nan = [name for name in _OPTIONAL if getattr(record, name, None) is not None and math.isnan(getattr(record, name))]
            if nan:  # in a column NaN would say absent, which it did not
                refused.append(Rejected(f"{nan[0]} nan is not a number", at, place))
            else:
                yield at, record

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
    fix_rows, sent_fixes = [], []
    for at, fix in fixes:
        row = _fix_row(fix, received_us, limits)
        if isinstance(row, str):
            refused.append(Rejected(row, at, "fixes"))
        else:
            fix_rows.append(row)
            sent_fixes.append((at, fix))
    event_rows, sent_events = [], []
    for at, event in events:
        event_row = _event_row(event, received_us, limits)
        if isinstance(event_row, str):
            refused.append(Rejected(event_row, at, "events"))
        else:
            event_rows.append(event_row)
            sent_events.append((at, event))
    wide_fixes, fix_places = _kept(np.array(fix_rows, _WIDE), FIX_RULES, sent_fixes, "fixes", refused, limits)
    good_events, event_places = _kept(np.array(event_rows, EVENT), EVENT_RULES, sent_events, "events", refused, limits)
    wide_fixes["battery_pct"] = np.rint(wide_fixes["battery_pct"])
    good_fixes = wide_fixes.astype(FIX)
    assume_accuracy(good_fixes)
    names = {gateway: 0}
    if limits.trace_clock:
        for rows, places, sent in ((good_fixes, fix_places, dict(sent_fixes)), (good_events, event_places, dict(sent_events))):
            own = [sent[at].gateway or gateway for at in places.tolist()]
            rows["gateway"] = [names.setdefault(name, len(names)) for name in own]
        newest = [int(rows["received_us"].max()) for rows in (good_fixes, good_events) if len(rows)]
        received_us = max(newest, default=0)
    refused.sort(key=lambda rejected: (rejected.place != "fixes", rejected.row))
    dead = _dead(body, refused)
    several = tuple(names) if len(names) > 1 else ()
    batch = Batch(good_fixes, good_events, gateway, received_us, dead, gateways=several)
    return Decoded(batch, tuple(refused), fix_places, event_places)


def _kept(
    rows: Array, rules: tuple[Rule, ...], sent: list[tuple[int, Any]], place: str, refused: list[Rejected], limits: Limits
) -> tuple[Array, Array]:
    """The rows that break no rule and their places in the frame; the others are added to ``refused``."""
    first = broken(rows, rules, limits)
    for row in np.flatnonzero(first < len(rules)).tolist():
        at, record = sent[row]
        refused.append(
            Rejected(reason(rules[first[row]], _values(record, int(rows["received_us"][row]), limits), limits), at, place)
        )
    good = first == len(rules)
    return rows[good], np.array([at for at, _ in sent], np.int64)[good]


def _values(record: Fix | Event, received_us: int, limits: Limits) -> dict[str, Any]:
    """A record's values as it was sent with: times with their own offset, as in UTC they may lie outside the calendar."""
    own = {name: getattr(record, name) for name in record.__struct_fields__}
    sent = {name: _as_sent(value) for name, value in own.items() if isinstance(value, datetime)}
    return own | sent | ({} if limits.trace_clock and "received_at" in sent else {"received_at": shown(received_us)})


def _as_sent(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _fix_row(fix: Fix, received_us: int, limits: Limits) -> tuple[Any, ...] | str:
    """One _WIDE record as a tuple, absent values as in FIX; or why it is refused: its source has no number."""
    source = SOURCES.get(fix.source)
    if source is None:
        return f"source {fix.source[:40]!r} is not one of {', '.join(SOURCES)}"
    if limits.trace_clock and not _names_gateway(fix):
        return _NO_GATEWAY
    if limits.trace_clock and fix.received_at is not None:
        received_us = to_us(fix.received_at)
    return (
        fix.tag,
        to_us(fix.fix_at),
        received_us,
        fix.seq,
        fix.lon,
        fix.lat,
        math.nan if fix.accuracy_m is None else fix.accuracy_m,
        math.nan if fix.speed_mps is None else fix.speed_mps,
        math.nan if fix.heading_deg is None else fix.heading_deg,
        math.nan if fix.hdop is None else fix.hdop,
        0,  # gateway: known to the store by its name
        0,  # flags
        source,
        0,  # quality: for the judge
        -1 if fix.battery_pct is None else fix.battery_pct,
        -1 if fix.satellites is None else fix.satellites,
    )


def _event_row(event: Event, received_us: int, limits: Limits) -> tuple[Any, ...] | str:
    """One EVENT record as a tuple, or why it is refused: its kind has no number."""
    kind = EVENT_BY_WORD.get(event.kind)
    if kind is None:
        return f"event kind {event.kind[:40]!r} is not known; the kinds are {', '.join(EVENT_BY_WORD)}"
    if limits.trace_clock and not _names_gateway(event):
        return _NO_GATEWAY
    if limits.trace_clock and event.received_at is not None:
        received_us = to_us(event.received_at)
    return (event.tag, to_us(event.at), received_us, event.seq, 0, kind, -1 if event.value is None else event.value)


def _names_gateway(record: Fix | Event) -> bool:
    name = record.gateway
    return name is None or (isinstance(name, str) and 0 < len(name) <= GATEWAY_MAX_CHARACTERS and name.isprintable())


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
