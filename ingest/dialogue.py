"""What the TCP door and a gateway say besides frames, as messages: a key, a welcome, answers and refusals (docs/protocols.md)."""

import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from ingest.message import Kind, wrap
from model.batch import Receipt, Rejected

KEY_MAX_BYTES: Final = 200
LISTED_MAX: Final = 100  # refused records named in one answer; all of them are dead letters
REASON_MAX_BYTES: Final = 500

_WELCOME: Final = struct.Struct("<III")  # frames under way at most, bytes of a message at most, records of a frame at most
# Sequence, receipt, accepted, rejected, stored, duplicate, how many of the rejected follow.
_ANSWER: Final = struct.Struct("<Q16sIIqqI")
_REJECTED: Final = struct.Struct("<IHH")  # place in its list, 0 of a fix and 1 of an event, bytes of the reason
_REFUSED: Final = struct.Struct("<QHHH")  # sequence, code, seconds to wait before coming again, bytes of the reason
_UNKNOWN: Final = -1  # stored and duplicate, where a log stands between


class Refusal(IntEnum):
    """Why a whole frame, or a connection, is refused."""

    KEY = 1  # ends the connection
    UNREADABLE = 2  # this frame only: it came whole, so the next one can be read
    BROKEN = 3  # what follows cannot be read either; ends the connection
    LATE = 4  # a message that did not end, or silence; ends the connection
    BUSY = 5  # too many are here, or keys cannot be looked up; ends the connection
    ENDING = 6  # the door closes; ends the connection


def key_of(body: memoryview) -> str | Rejected:
    """The key that a gateway's first message holds."""
    try:
        return str(body, "utf-8") if len(body) <= KEY_MAX_BYTES else Rejected("a key is not that long")
    except UnicodeDecodeError:
        return Rejected("the key is not UTF-8")


def welcome(window: int, message_bytes: int, records: int) -> bytes:
    """The answer to a good key: how much may be sent at once."""
    return wrap(Kind.WELCOME, _WELCOME.pack(window, message_bytes, records))


def answer(sequence: int, receipt: Receipt, accepted: int, rejected: Sequence[Rejected]) -> bytes:
    """What became of a frame that is durable; the first of its rejected records by name."""
    counts = [_UNKNOWN if count is None else count for count in (receipt.stored, receipt.duplicate)]
    listed = rejected[:LISTED_MAX]
    head = _ANSWER.pack(sequence, bytes.fromhex(receipt.id), accepted, len(rejected), *counts, len(listed))
    parts = [head]
    for one in listed:
        reason = _text(one.reason)
        parts += [_REJECTED.pack(one.row, one.place != "fixes", len(reason)), reason]
    return wrap(Kind.ANSWER, *parts)


def refused(refusal: Refusal, reason: str, sequence: int = 0, wait_s: float = 0) -> bytes:
    """Why a frame or a connection is refused, and when to come again."""
    text = _text(reason)
    return wrap(Kind.REFUSED, _REFUSED.pack(sequence, refusal, min(65535, round(wait_s)), len(text)), text)


def _text(reason: str) -> bytes:
    """Its beginning as UTF-8, cut between two characters."""
    whole = reason.encode(errors="backslashreplace")[:REASON_MAX_BYTES]
    return whole.decode(errors="ignore").encode()
