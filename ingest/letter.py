"""Turns a dead letter back into what its door makes of it today: a decoder that was mended since takes what it refused then."""

import json
import re
from typing import Any, Final

import numpy as np

from ingest import frame, records
from ingest.decoded import Decoded, Limits
from ingest.frame import WIRE_EVENT, WIRE_FIX
from model.batch import DeadLetter, Rejected
from model.event import EVENT
from model.fix import FIX

# A refused record's reason begins with its place in the frame it came in, and its bytes are the record alone.
PLACE: Final = re.compile(r"(fixes|events)\[\d+\]: ")


def reread(letter: DeadLetter, received_us: int, limits: Limits) -> Decoded | Rejected:
    """Decode a letter's bytes by the decoder of its protocol, as received now.

    Parameters
    ----------
    received_us : time of receipt, microseconds since 1970 UTC: of the replay, since nobody could know of it before

    Returns
    -------
    Decoded
        What of it is good, and in ``rejected`` and ``batch.dead`` what is still not.
    Rejected
        Where nothing in it can be read, or the protocol is not known.
    """
    if letter.protocol == records.PROTOCOL:
        decoded = records.decode(body(letter), received_us, limits)
    elif letter.protocol == frame.PROTOCOL:
        read = _frame(letter)
        decoded = read if isinstance(read, Rejected) else frame.sift(read, received_us, limits)
    else:
        return Rejected(f"no decoder here reads {letter.protocol}: start the version of Cordon that does")
    if isinstance(decoded, Rejected):
        return decoded
    dead = tuple(again._replace(gateway=letter.gateway) for again in decoded.batch.dead)
    return decoded._replace(batch=decoded.batch._replace(dead=dead))


def body(letter: DeadLetter) -> bytes:
    """The body of ``POST /gateway/v1/fixes`` that a JSON letter came in, or for a record one that holds it alone."""
    place = PLACE.match(letter.reason)
    if place is None or _is_frame(letter.body):
        return letter.body
    return b"".join((b'{"gateway":', json.dumps(letter.gateway).encode(), f',"{place[1]}":['.encode(), letter.body, b"]}"))


def _is_frame(text: bytes) -> bool:
    try:
        sent: Any = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(sent, dict) and ("fixes" in sent or "events" in sent)


def _frame(letter: DeadLetter) -> frame.Frame | Rejected:
    place = PLACE.match(letter.reason)
    if place is None:
        read = frame.decode(letter.body)
        # As a gateway would send it: a receipt belongs to the request it was made for.
        return read if isinstance(read, Rejected) else read._replace(receipt="", dead=())
    wire, dtype = (WIRE_FIX, FIX) if place[1] == "fixes" else (WIRE_EVENT, EVENT)
    if len(letter.body) != wire.itemsize:
        return Rejected(f"its {len(letter.body)} bytes are no record of {wire.itemsize}")
    sent, rows = np.frombuffer(letter.body, wire), np.zeros(1, dtype)
    for field in set(wire.names or ()) & set(dtype.names or ()):
        rows[field] = sent[field]
    none = np.zeros(0, EVENT if place[1] == "fixes" else FIX)
    fixes, events = (rows, none) if place[1] == "fixes" else (none, rows)
    return frame.Frame(letter.gateway, 0, 0, "", 0, fixes, events)
