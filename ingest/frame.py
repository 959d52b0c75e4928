"""Turns a binary frame into arrays and back: fixed-width records that NumPy reads where they lie (docs/protocols.md)."""

import struct
from typing import Any, Final, NamedTuple

import numpy as np

from ingest.decoded import Decoded, Limits
from ingest.message import Kind, Message, unwrap, wrap
from ingest.rules import EVENT_RULES, FIX_RULES, Rule, assume_accuracy, broken, reason, values
from model.arrays import Array
from model.batch import Batch, DeadLetter, Rejected
from model.event import EVENT
from model.fix import FIX

PROTOCOL: Final = "frame"

# Sequence, count of fixes, count of events, bytes of the gateway's name, flags.
_HEAD: Final = struct.Struct("<QIIHHI")
_FROM_EDGE: Final = 1  # flag: the section that only Cordon's own edge adds follows the records

GATEWAY_MAX_CHARACTERS: Final = 100
_ALIGN: Final = 8  # the name is padded with zeros to a multiple of this, so that every record lies on one

# As FIX and EVENT, field by field, less what Cordon itself adds.
WIRE_FIX: Final = np.dtype(
    [
        ("tag", "<i8"),
        ("fix_at_us", "<i8"),
        ("seq", "<i8"),
        ("lon", "<f8"),
        ("lat", "<f8"),
        ("accuracy_m", "<f4"),
        ("speed_mps", "<f4"),
        ("heading_deg", "<f4"),
        ("hdop", "<f4"),
        ("source", "<i2"),
        ("battery_pct", "<i2"),
        ("satellites", "<i2"),
        ("flags", "<i2"),  # Flag bits from the edge, zero from a gateway
    ]
)
WIRE_EVENT: Final = np.dtype(
    [("tag", "<i8"), ("at_us", "<i8"), ("seq", "<i8"), ("kind", "<i2"), ("value", "<i2"), ("zero", "<i4")]
)

# What the edge adds: time of receipt, receipt, parts the request was split into, count of dead letters.
_EDGE: Final = struct.Struct("<q16sII")
_LETTER: Final = struct.Struct("<HHII")  # bytes of a dead letter's protocol, of its gateway's name, of its reason, of its body


class Frame(NamedTuple):
    """What one frame says. ``received_us``, ``receipt``, ``parts`` and ``dead`` are the edge's; a gateway's frame has none."""

    gateway: str
    sequence: int  # 0 to 2^64 - 1, the sender's own count of its frames
    received_us: int  # when a door had it, microseconds since 1970 UTC; 0 from a gateway
    receipt: str  # 32 hexadecimal digits; empty from a gateway
    parts: int  # frames that the gateway's request became, this one included; 0 from a gateway
    fixes: Array  # (n,) FIX
    events: Array  # (m,) EVENT
    dead: tuple[DeadLetter, ...] = ()


class _Added(NamedTuple):
    """The edge's section."""

    received_us: int
    receipt: str
    parts: int
    dead: tuple[DeadLetter, ...]


def encode(frame: Frame) -> bytes:
    """The bytes of a frame, its length first.

    Gateway numbers, quality and each record's own time of receipt are left out, and without a receipt the edge's section.
    """
    name = frame.gateway.encode()
    head = _HEAD.pack(frame.sequence, len(frame.fixes), len(frame.events), len(name), _FROM_EDGE if frame.receipt else 0, 0)
    records = (_narrow(frame.fixes, WIRE_FIX).tobytes(), _narrow(frame.events, WIRE_EVENT).tobytes())
    return wrap(Kind.FRAME, head, name, bytes(-len(name) % _ALIGN), *records, *_edge(frame))


def _narrow(rows: Array, dtype: np.dtype[Any]) -> Array:
    """Rows with the columns of the wire's dtype alone."""
    narrow = np.zeros(len(rows), dtype)
    for field in dtype.names or ():
        if field != "zero":
            narrow[field] = rows[field]
    return narrow


def _edge(frame: Frame) -> list[bytes]:
    if not frame.receipt:
        return []
    parts = [_EDGE.pack(frame.received_us, bytes.fromhex(frame.receipt), frame.parts, len(frame.dead))]
    for letter in frame.dead:
        words = (letter.protocol, letter.gateway, letter.reason)
        texts = [*(word.encode(errors="backslashreplace") for word in words), letter.body]
        parts += [_LETTER.pack(*map(len, texts)), *texts]
    return parts


def decode(body: bytes | memoryview) -> Frame | Rejected:
    """What the bytes of one frame say, its length included. Records are taken as they are: ``sift`` looks at each.

    Returns
    -------
    Rejected
        Where the bytes are not a frame, each exactly as it was sent.
    """
    message = unwrap(body)
    return message if isinstance(message, Rejected) else read(message)


def read(message: Message) -> Frame | Rejected:
    """What a message that came whole says as a frame; ``decode`` less the unwrapping."""
    if message.kind != Kind.FRAME:
        return Rejected(f"it is a message of kind {message.kind}, and a frame's is {int(Kind.FRAME)}")
    rest = message.body
    if len(rest) < _HEAD.size:
        return Rejected("it ends within its head")
    sequence, fixes, events, name_bytes, flags, zero = _HEAD.unpack_from(rest)
    if flags & ~_FROM_EDGE or zero:
        return Rejected("it sets bits that version 1 does not know")
    start = _HEAD.size + name_bytes
    fixes_at = start + -start % _ALIGN
    events_at = fixes_at + fixes * WIRE_FIX.itemsize
    end = events_at + events * WIRE_EVENT.itemsize
    if end > len(rest) or (end < len(rest) and not flags):
        return Rejected(f"it counts {fixes} fixes and {events} events, and has {len(rest) - fixes_at} bytes for them")
    gateway = _name(rest[_HEAD.size : start])
    if isinstance(gateway, Rejected):
        return gateway
    wire_events = np.frombuffer(rest[events_at:end], WIRE_EVENT)
    if any(rest[start:fixes_at]) or wire_events["zero"].any():
        return Rejected("a byte that must be zero is not")
    added = _added(rest[end:]) if flags else _Added(0, "", 0, ())
    if isinstance(added, Rejected):
        return added
    wire_fixes = np.frombuffer(rest[fixes_at:events_at], WIRE_FIX)
    return Frame(
        gateway,
        sequence,
        added.received_us,
        added.receipt,
        added.parts,
        _wide(wire_fixes, FIX, added.received_us),
        _wide(wire_events, EVENT, added.received_us),
        added.dead,
    )


def sequence_of(message: Message) -> int:
    """The sequence of a frame that ``read`` rejected, to answer it by; 0 where it has none."""
    if message.kind != Kind.FRAME or len(message.body) < _HEAD.size:
        return 0
    return int(_HEAD.unpack_from(message.body)[0])


def _name(seen: memoryview) -> str | Rejected:
    try:
        name = str(seen, "utf-8")
    except UnicodeDecodeError:
        return Rejected("the gateway's name is not UTF-8")
    if not 1 <= len(name) <= GATEWAY_MAX_CHARACTERS:
        return Rejected(f"the gateway's name has {len(name)} characters; give it 1 to {GATEWAY_MAX_CHARACTERS}")
    if not name.isprintable():  # no database keeps a NUL
        return Rejected(f"the gateway's name {name!r} has characters that cannot be shown")
    return name


def _added(rest: memoryview) -> _Added | Rejected:
    if len(rest) < _EDGE.size:
        return Rejected("it ends within the edge's section")
    received_us, receipt, parts, letters = _EDGE.unpack_from(rest)
    at = _EDGE.size
    dead = []
    for _ in range(letters):
        if len(rest) - at < _LETTER.size:
            return Rejected("it ends within a dead letter")
        sizes = _LETTER.unpack_from(rest, at)
        at += _LETTER.size
        if len(rest) - at < sum(sizes):
            return Rejected("it ends within a dead letter")
        texts = []
        for size in sizes:
            texts.append(bytes(rest[at : at + size]))
            at += size
        protocol, gateway, why, body = texts
        try:
            dead.append(DeadLetter(why.decode(), body, protocol.decode(), gateway.decode()))
        except UnicodeDecodeError:
            return Rejected("a dead letter's words are not UTF-8")
    if at != len(rest):
        return Rejected(f"{len(rest) - at} bytes follow the last dead letter")
    return _Added(received_us, receipt.hex(), parts, tuple(dead))


def _wide(wire: Array, dtype: np.dtype[Any], received_us: int) -> Array:
    """Rows of the dtype that is judged and stored; what the wire does not carry is zero but for the time of receipt."""
    rows = np.zeros(len(wire), dtype)
    for field in wire.dtype.names or ():
        if field != "zero":
            rows[field] = wire[field]
    rows["received_us"] = received_us
    return rows


def sift(frame: Frame, received_us: int, limits: Limits) -> Decoded | Rejected:
    """The good records of a frame as a batch, and the others with reasons, by the rules of every door.

    Parameters
    ----------
    frame : its arrays are changed: time of receipt, assumed accuracy, flags
    received_us : time of receipt, microseconds since 1970 UTC

    Returns
    -------
    Rejected
        Where it has more records than a door takes at once.
    """
    records = len(frame.fixes) + len(frame.events)
    if records > limits.frame_records:
        return Rejected(f"the frame has {records} records; send at most {limits.frame_records} in one")
    frame.fixes["received_us"] = received_us
    frame.events["received_us"] = received_us
    if not frame.receipt:
        frame.fixes["flags"] = 0
    rejected: list[Rejected] = []
    dead = list(frame.dead)
    fixes, fix_places = _kept(frame.fixes, FIX_RULES, WIRE_FIX, "fixes", limits, rejected, dead)
    events, event_places = _kept(frame.events, EVENT_RULES, WIRE_EVENT, "events", limits, rejected, dead)
    assume_accuracy(fixes)
    return Decoded(Batch(fixes, events, frame.gateway, received_us, tuple(dead)), tuple(rejected), fix_places, event_places)


def _kept(
    rows: Array,
    rules: tuple[Rule, ...],
    dtype: np.dtype[Any],
    place: str,
    limits: Limits,
    rejected: list[Rejected],
    dead: list[DeadLetter],
) -> tuple[Array, Array]:
    """The rows that break no rule, and their places; the others are added to ``rejected``, and to ``dead`` as they were sent."""
    first = broken(rows, rules, limits)
    bad = np.flatnonzero(first < len(rules))
    if not len(bad):
        return rows, np.arange(len(rows))
    for row, sent in zip(bad.tolist(), _narrow(rows[bad], dtype), strict=True):
        why = Rejected(reason(rules[first[row]], values(rows[row]), limits), row, place)
        rejected.append(why)
        dead.append(DeadLetter(f"{place}[{row}]: {why.reason}", sent.tobytes(), PROTOCOL))
    good = np.flatnonzero(first == len(rules))
    return rows[good], good
