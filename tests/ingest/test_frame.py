"""A binary frame says what was put in, byte for byte as documented; no bytes make its reader fail, and no flipped bit passes."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from ingest.decoded import Decoded, Limits
from ingest.frame import WIRE_EVENT, WIRE_FIX, Frame, decode, encode, sequence_of, sift
from ingest.message import Kind, unwrap, wrap
from ingest.records import decode as decode_json
from model.batch import DeadLetter, Rejected
from model.event import EVENT, EventKind, empty_events
from model.fix import FIX, Flag, Source, empty_fixes
from model.instant import DAY_US, parse, show
from tests.ingest.test_records import GOOD
from tests.ingest.test_records import frame as json_frame

NOW_US = parse("2026-11-22T08:00:30Z")
DOCUMENT = Path(__file__).parents[2] / "docs" / "protocols.md"


def fix(**changes: Any) -> Any:
    row = empty_fixes(1)
    for name, value in (
        {"tag": 5, "fix_at_us": NOW_US - 30_000_000, "lon": -0.1, "lat": 51.5, "accuracy_m": 6} | changes
    ).items():
        row[name] = value
    return row


def event(**changes: Any) -> Any:
    row = empty_events(1)
    for name, value in ({"tag": 5, "kind": EventKind.STRAP_TAMPER, "at_us": NOW_US} | changes).items():
        row[name] = value
    return row


def sent(fixes: Any = None, events: Any = None, gateway: str = "gw-1", **edge: Any) -> Frame:
    none = {"received_us": 0, "receipt": "", "parts": 0, "dead": ()} | edge
    return Frame(
        gateway,
        7,
        none["received_us"],
        none["receipt"],
        none["parts"],
        fix() if fixes is None else fixes,
        event() if events is None else events,
        none["dead"],
    )


def decoded(body: bytes) -> Frame:
    got = decode(body)
    assert isinstance(got, Frame), got
    return got


def sifted(frame: Frame, limits: Limits | None = None) -> Decoded:
    got = sift(decoded(encode(frame)), NOW_US, limits or Limits())
    assert isinstance(got, Decoded), got
    return got


def equal(one: Frame, other: Frame) -> bool:
    arrays = all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in ("fixes", "events"))
    rest = one._replace(fixes=None, events=None) == other._replace(fixes=None, events=None)
    return arrays and rest


def test_a_frame_says_what_was_put_in_field_by_field() -> None:
    full = fix(seq=2**63 - 1, speed_mps=1.5, heading_deg=90, hdop=0.9, satellites=9, battery_pct=81, source=Source.RF, flags=2)
    frame = sent(np.concatenate([full, fix()]), event(value=3, seq=4), "Tor Süd")
    assert equal(decoded(encode(frame)), frame)


def test_an_edge_s_frame_carries_its_time_its_receipt_and_its_dead_letters() -> None:
    dead = (DeadLetter("fixes[3]: lat 151", b"\x00\xff{", "http-json", "gw-9"), DeadLetter("ü" * 70_000, b"", "frame"))
    frame = sent(fix(received_us=NOW_US), event(received_us=NOW_US), received_us=NOW_US, receipt="0a" * 16, parts=4, dead=dead)
    assert equal(decoded(encode(frame)), frame)


def test_a_record_takes_64_bytes_and_an_event_32_and_every_one_is_aligned() -> None:
    assert (WIRE_FIX.itemsize, WIRE_EVENT.itemsize) == (64, 32)
    for name in ("g", "gw-1", "x" * 100):
        one, two = (len(encode(sent(np.repeat(fix(), n), gateway=name))) for n in (1, 2))
        assert two - one == 64
        assert (one - 64 - 32 - 4) % 8 == 0


def test_the_documented_example_is_this_frame() -> None:
    (text,) = re.findall(r"```hex\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    body = bytes.fromhex("".join(line.split("#")[0] for line in text.splitlines()))
    fixes = fix(tag=356307042441013, seq=7, fix_at_us=parse("2026-11-22T08:00:00Z"), battery_pct=81)
    events = event(tag=356307042441013, at_us=parse("2026-11-22T08:00:05Z"))
    assert equal(decoded(body), sent(fixes, events)._replace(sequence=1))
    assert encode(decoded(body)) == body


BAD_HERE: list[dict[str, Any]] = [
    {"lon": np.nan},
    {"lat": np.inf},
    {"lon": 51.5, "lat": -120.1},
    {"lon": 181.0},
    {"lat": 90.001},
    {"fix_at_us": 0},
    {"fix_at_us": NOW_US + 366 * DAY_US},
    {"fix_at_us": NOW_US - 800 * DAY_US},
    {"accuracy_m": -1.0},
    {"accuracy_m": 3e7},
    {"speed_mps": -0.5},
    {"heading_deg": np.inf},
    {"hdop": -1.0},
    {"battery_pct": 101},
    {"satellites": 1000},
]


@pytest.mark.parametrize("change", BAD_HERE, ids=str)
def test_a_bad_fix_is_refused_as_at_the_other_door_and_its_neighbours_are_kept(change: dict[str, Any]) -> None:
    bad = fix(seq=2, **change)
    got = sifted(sent(np.concatenate([fix(seq=1), bad, fix(seq=3)])))
    assert got.batch.fixes["seq"].tolist() == [1, 3]
    assert got.fix_places.tolist() == [0, 2]
    (rejected,) = got.rejected
    assert (rejected.row, rejected.place) == (1, "fixes")
    told = {"fix_at" if name == "fix_at_us" else name: value for name, value in change.items()}
    if "fix_at" in told:
        told["fix_at"] = show(told["fix_at"])
    other = decode_json(json_frame(GOOD | told), NOW_US, Limits())
    assert isinstance(other, Decoded)
    assert rejected.reason == other.rejected[0].reason.replace("101.0", "101")
    (letter,) = got.batch.dead
    assert letter.body == encode(sent(bad, events=empty_events()))[-68:-4]
    assert letter.reason == f"fixes[1]: {rejected.reason}"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tag": -5}, "tag -5 is not above 0"),
        ({"seq": -1}, "seq -1 is below 0"),
        ({"source": 4}, "source 4 is not one of 0 to 3"),
        ({"battery_pct": -2}, "battery_pct -2"),
        ({"fix_at_us": -(2**63)}, f"fix_at {-(2**63)} us is before 2000"),
    ],
)
def test_what_the_other_door_cannot_even_say_is_named(change: dict[str, Any], reason: str) -> None:
    (rejected,) = sifted(sent(fix(**change))).rejected
    assert reason in rejected.reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kind": 12}, "event kind 12 is not known"),
        ({"tag": 0}, "tag 0"),
        ({"seq": -1}, "seq -1"),
        ({"value": -2}, "value -2"),
        ({"at_us": 0}, "at 1970-01-01T00:00:00Z is before 2000"),
        ({"at_us": 2**62}, f"at {2**62} us is over a day after it was received (2026-11-22T08:00:30Z)"),
    ],
)
def test_a_bad_event_is_named(change: dict[str, Any], reason: str) -> None:
    got = sifted(sent(events=np.concatenate([event(), event(**change)])))
    (rejected,) = got.rejected
    assert (rejected.row, rejected.place) == (1, "events")
    assert reason in rejected.reason
    assert len(got.batch.events) == 1


@pytest.mark.parametrize("source", list(Source))
@pytest.mark.parametrize("hdop", [None, 1.3, 3e38])
def test_both_doors_assume_the_same_accuracy(source: Source, hdop: float | None) -> None:
    ours = sifted(sent(fix(accuracy_m=np.nan, source=source, hdop=np.nan if hdop is None else hdop, flags=8))).batch.fixes
    told = GOOD | {"tag": 5, "seq": 0, "accuracy_m": None, "source": source.name.lower(), "hdop": hdop}
    theirs = decode_json(json_frame(told), NOW_US, Limits())
    assert isinstance(theirs, Decoded)
    assert ours.tobytes() == theirs.batch.fixes.tobytes()
    assert ours["flags"][0] == Flag.ACCURACY_ASSUMED, "a gateway's own flags say nothing"


def test_what_the_edge_assumed_stays_flagged() -> None:
    flagged = fix(flags=Flag.ACCURACY_ASSUMED, accuracy_m=25)
    got = sifted(sent(flagged, received_us=NOW_US, receipt="0a" * 16, parts=1))
    assert got.batch.fixes["flags"][0] == Flag.ACCURACY_ASSUMED


def test_too_many_records_are_refused_whole() -> None:
    got = sift(sent(np.repeat(fix(), 10)), NOW_US, Limits(frame_records=10))
    assert isinstance(got, Rejected)
    assert "at most 10" in got.reason


def _with(body: bytes, at: int, *new: int) -> bytes:
    """A frame with some bytes changed, and a checksum that says they were meant."""
    changed = bytearray(body)
    changed[at : at + len(new)] = bytes(new)
    changed[-4:] = crc32c(bytes(changed[:-4])).to_bytes(4, "little")
    return bytes(changed)


_BODY = encode(sent())
_EDGED = encode(sent(received_us=NOW_US, receipt="0a" * 16, parts=1, dead=(DeadLetter("r", b"b", "p"),)))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "0 bytes are no message"),
        (_BODY[:-1], "bytes follow its length"),
        (_BODY + b"\0", "bytes follow its length"),
        (_BODY[:-1] + bytes([_BODY[-1] ^ 1]), "checksum"),
        (_with(_BODY, 4, 0), "does not begin as a message"),
        (_with(_BODY, 6, 2), "version 2"),
        (_with(_BODY, 7, Kind.ANSWER), "kind 4"),
        (wrap(Kind.FRAME, b"short"), "within its head"),
        (_with(_BODY, 16, 2), "it counts 2 fixes and 1 events"),
        (_with(_BODY, 16, 255, 255, 255, 255), "it counts 4294967295 fixes"),
        (_with(_BODY, 16, 0), "it counts 0 fixes"),
        (encode(sent(gateway="")), "0 characters"),
        (encode(sent(gateway="x" * 101)), "101 characters"),
        (_with(_BODY, 26, 2), "bits"),
        (_with(_BODY, 28, 1), "bits"),
        (_with(_BODY, 32, 255), "not UTF-8"),
        (_with(_BODY, 32, 0), "cannot be shown"),
        (_with(_BODY, 36, 1), "must be zero"),
        (_with(_BODY, len(_BODY) - 5, 1), "must be zero"),
        (_with(_BODY, 26, 1), "within the edge's section"),
        (_with(_EDGED, len(_EDGED) - 23, 3), "within a dead letter"),
        (_with(_EDGED, len(_EDGED) - 23, 0), "bytes follow the last dead letter"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bytes_that_are_no_frame_are_a_value_with_a_reason(body: bytes, reason: str) -> None:
    got = decode(body)
    assert isinstance(got, Rejected)
    assert reason in got.reason


def test_a_frame_that_came_whole_is_answered_by_its_sequence_and_another_by_none() -> None:
    wrong = [_with(_BODY, 16, 2), wrap(Kind.FRAME), wrap(Kind.HELLO, bytes(40))]
    messages = [message for message in map(unwrap, wrong) if not isinstance(message, Rejected)]
    assert [sequence_of(message) for message in messages] == [7, 0, 0]


fixes_of = st.binary(max_size=4 * 64).map(lambda raw: np.frombuffer(raw[: len(raw) // 64 * 64], WIRE_FIX))
events_of = st.binary(max_size=4 * 32).map(lambda raw: np.frombuffer(raw[: len(raw) // 32 * 32], WIRE_EVENT))


@given(fixes_of, events_of, st.integers(0, 2**64 - 1), st.text(min_size=1, max_size=100).filter(str.isprintable))
def test_whatever_stands_in_the_records_each_is_kept_or_named_and_read_as_written(
    fixes: Any, events: Any, sequence: int, name: str
) -> None:
    wide_fixes, wide_events = np.zeros(len(fixes), FIX), np.zeros(len(events), EVENT)
    for wide, wire in ((wide_fixes, fixes), (wide_events, events)):
        for field in set(wire.dtype.names or ()) - {"zero"}:
            wide[field] = wire[field]
    body = encode(Frame(name, sequence, 0, "", 0, wide_fixes, wide_events))
    got = decoded(body)
    assert encode(got) == body
    kept = sift(got, NOW_US, Limits())
    assert isinstance(kept, Decoded)
    places = [("fixes", row) for row in kept.fix_places] + [("events", row) for row in kept.event_places]
    named = [(one.place, one.row) for one in kept.rejected]
    assert sorted(places + named) == sorted(
        [("fixes", n) for n in range(len(fixes))] + [("events", n) for n in range(len(events))]
    )
    assert len(kept.batch.dead) == len(kept.rejected)


@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_make_the_reader_fail(raw: bytes, wrapped: bool) -> None:
    body = wrap(Kind.FRAME, raw) if wrapped else raw
    got = decode(body)
    assert isinstance(got, Rejected) or encode(got) == body
    message = unwrap(body)
    assert isinstance(message, Rejected) or sequence_of(message) >= 0


@given(st.sampled_from([_BODY, _EDGED]), st.data())
def test_a_flipped_bit_is_never_accepted(body: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, 8 * len(body) - 1))
    flipped = bytearray(body)
    flipped[at // 8] ^= 1 << at % 8
    assert isinstance(decode(bytes(flipped)), Rejected)


@given(st.sampled_from([_BODY, _EDGED]), st.data())
def test_a_field_that_says_something_else_is_read_or_rejected(body: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(6, len(body) - 5))
    changed = _with(body, at, *data.draw(st.binary(min_size=1, max_size=min(4, len(body) - 4 - at))))
    got = decode(changed)
    assert isinstance(got, Rejected) or encode(got) == changed
