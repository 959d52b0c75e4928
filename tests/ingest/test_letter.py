"""A dead letter is read again by its door's decoder: a record in a frame of its own, a frame as it came, others not at all."""

import json
from typing import Any

import numpy as np
import pytest

from ingest import frame, records
from ingest.decoded import Decoded, Limits
from ingest.letter import body, reread
from model.batch import DeadLetter, Rejected
from model.event import EVENT
from tests.store.fake import START_US, fix

GOOD = {"tag": 7, "seq": 3, "fix_at": "2026-03-20T09:00:00Z", "lon": -0.1, "lat": 51.5}
BAD = GOOD | {"lat": 151.5, "seq": 4}
STRAP = {"tag": 7, "kind": "strap_tamper", "at": "2026-03-20T09:00:00Z"}


def letters(sent: dict[str, Any] | bytes) -> tuple[DeadLetter, ...]:
    decoded = records.decode(sent if isinstance(sent, bytes) else json.dumps(sent).encode(), START_US, Limits())
    assert isinstance(decoded, Decoded)
    return tuple(letter._replace(gateway="gw-1") for letter in decoded.batch.dead)


def test_a_record_is_still_refused_for_the_same_reason() -> None:
    for sent in ({"fixes": [GOOD, BAD]}, {"events": [STRAP | {"kind": "hum"}]}):
        [letter] = letters({"gateway": "gw-1", **sent})
        again = reread(letter, START_US, Limits())
        assert isinstance(again, Decoded)
        assert (len(again.batch.fixes), len(again.batch.events)) == (0, 0)
        assert again.rejected[0].reason == letter.reason.partition(": ")[2]
        assert again.batch.dead[0].gateway == "gw-1"


@pytest.mark.parametrize(("place", "record"), [("fixes", GOOD), ("events", STRAP)])
def test_a_record_the_decoder_takes_now_is_whole(place: str, record: dict[str, Any]) -> None:
    letter = DeadLetter(f"{place}[3]: refused by an older decoder", json.dumps(record).encode(), records.PROTOCOL, 'gw "1"')
    again = reread(letter, START_US, Limits())
    assert isinstance(again, Decoded)
    assert again.batch.gateway == 'gw "1"'
    assert not again.rejected
    [row] = again.batch.fixes if place == "fixes" else again.batch.events
    assert row["tag"] == 7
    assert row["received_us"] == START_US


def test_a_frame_is_taken_as_it_came() -> None:
    whole = json.dumps({"gateway": "gw-2", "fixes": [GOOD, BAD]}).encode()
    for reason in ("the body is not a frame: it once was too large", "fixes[1]: kept whole, since a reader did not take it"):
        again = reread(DeadLetter(reason, whole, records.PROTOCOL, "gw-1"), START_US, Limits())
        assert isinstance(again, Decoded)
        assert (again.batch.gateway, len(again.batch.fixes), len(again.rejected)) == ("gw-2", 1, 1)
    assert isinstance(reread(DeadLetter("no", whole[:50], records.PROTOCOL, "gw-1"), START_US, Limits()), Rejected)
    assert body(DeadLetter("fixes[0]: x", b"nonsense", records.PROTOCOL, "g")) == b'{"gateway":"g","fixes":[nonsense]}'


def test_binary_records_and_frames() -> None:
    good, bad = fix(7, 0), fix(8, 0, lat=151.5)
    sent = frame.Frame("gw-1", 5, 0, "", 0, np.concatenate([good, bad]), np.zeros(0, EVENT))
    whole = frame.decode(frame.encode(sent))
    assert isinstance(whole, frame.Frame)
    sifted = frame.sift(whole, START_US, Limits())
    assert isinstance(sifted, Decoded)
    [letter] = sifted.batch.dead
    again = reread(letter._replace(gateway="gw-1"), START_US, Limits())
    assert isinstance(again, Decoded)
    assert len(again.batch.fixes) == 0
    mended = np.frombuffer(letter.body, frame.WIRE_FIX).copy()
    mended["lat"] = 51.5
    again = reread(DeadLetter(letter.reason, mended.tobytes(), frame.PROTOCOL, "gw-1"), START_US, Limits())
    assert isinstance(again, Decoded)
    assert (again.batch.gateway, again.batch.fixes["tag"].tolist()) == ("gw-1", [8])
    again = reread(DeadLetter("bytes that once were refused", frame.encode(sent), frame.PROTOCOL, "gw-1"), START_US, Limits())
    assert isinstance(again, Decoded)
    assert (len(again.batch.fixes), len(again.rejected)) == (1, 1)
    assert isinstance(reread(letter._replace(body=b"short"), START_US, Limits()), Rejected)


def test_an_unknown_protocol_is_said() -> None:
    again = reread(DeadLetter("x", b"", "morse", "gw-1"), START_US, Limits())
    assert isinstance(again, Rejected)
    assert "no decoder here reads morse" in again.reason
