"""Every refusal names the record and the reason, and the good records beside it are kept."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decoded import Decoded, Limits
from ingest.records import decode
from model.batch import Rejected
from model.event import EventKind
from model.fix import Flag, Source
from model.instant import DAY_US, parse

NOW_US = parse("2026-11-22T08:00:30Z")
GOOD = {"tag": 356307042441013, "seq": 7, "fix_at": "2026-11-22T08:00:00Z", "lon": -0.1, "lat": 51.5, "accuracy_m": 6.0}


def frame(*fixes: Any, events: Any = (), gateway: str = "gw-1") -> bytes:
    return json.dumps({"gateway": gateway, "fixes": list(fixes), "events": list(events)}).encode()


LIVE = Limits()


def decoded(body: bytes, limits: Limits = LIVE) -> Decoded:
    result = decode(body, NOW_US, limits)
    assert isinstance(result, Decoded), result
    return result


def test_a_good_fix_is_kept_field_by_field() -> None:
    full = GOOD | {"speed_mps": 1.5, "heading_deg": 90, "hdop": 0.9, "satellites": 9, "battery_pct": 81, "source": "rf"}
    got = decoded(frame(full))
    assert got.rejected == ()
    assert got.batch.dead == ()
    row = got.batch.fixes[0]
    assert (row["tag"], row["seq"], row["lon"], row["lat"]) == (356307042441013, 7, -0.1, 51.5)
    assert row["fix_at_us"] == parse("2026-11-22T08:00:00Z")
    assert row["received_us"] == NOW_US == got.batch.received_us
    assert row["accuracy_m"] == 6.0
    assert row["speed_mps"] == 1.5
    assert (row["satellites"], row["battery_pct"], row["source"]) == (9, 81, Source.RF)


def test_absent_fields_are_absent_and_not_zero() -> None:
    row = decoded(frame({"tag": 1, "fix_at": "2026-11-22T08:00:00+01:00", "lon": 0, "lat": 0})).batch.fixes[0]
    assert row["fix_at_us"] == parse("2026-11-22T07:00:00Z")
    assert np.isnan(row["speed_mps"])
    assert row["battery_pct"] == -1
    assert (row["lon"], row["lat"]) == (0, 0), "longitude 0 and latitude 0 are real places"


@pytest.mark.parametrize(
    ("given_fields", "accuracy_m", "assumed"),
    [
        ({"accuracy_m": 6.0}, 6.0, False),
        ({"hdop": 1.5}, 15.0, True),
        ({}, 25.0, True),
        ({"source": "wifi"}, 75.0, True),
        ({"source": "wifi", "hdop": 1.5}, 75.0, True),
        ({"source": "cell"}, 1500.0, True),
        ({"source": "rf"}, 30.0, True),
    ],
)
def test_accuracy_is_the_95_percent_radius_or_assumed_by_source(
    given_fields: dict[str, Any], accuracy_m: float, assumed: bool
) -> None:
    fix = {name: value for name, value in GOOD.items() if name != "accuracy_m"} | given_fields
    row = decoded(frame(fix)).batch.fixes[0]
    assert row["accuracy_m"] == accuracy_m
    assert bool(row["flags"] & Flag.ACCURACY_ASSUMED) is assumed


BAD_FIXES = [
    ({"lon": math.nan}, "lon is nan"),
    ({"lat": math.inf}, "lat is inf"),
    ({"lon": 51.5, "lat": -120.1}, "are lon and lat swapped?"),
    ({"lon": 181.0}, "lon 181.0 is not between -180 and 180"),
    ({"lat": 90.001}, "lat 90.001 is not between -90 and 90"),
    ({"fix_at": "1970-01-01T00:00:00Z"}, "the device had no time yet"),
    ({"fix_at": "2027-11-22T08:00:00Z"}, "the device's clock is wrong"),
    ({"fix_at": "2024-01-01T00:00:00Z"}, "older than the oldest day kept (400 days)"),
    ({"fix_at": "0001-01-01T00:00:00+14:00"}, "the device had no time yet"),
    ({"fix_at": "9999-12-31T23:59:59-14:00"}, "the device's clock is wrong"),
    ({"fix_at": "2026-11-22T08:00:00"}, "timezone"),
    ({"fix_at": "yesterday"}, "$.fix_at"),
    ({"fix_at": None}, "$.fix_at"),
    ({"tag": 0}, "$.tag"),
    ({"tag": -5}, "$.tag"),
    ({"tag": 2**63}, "$.tag"),
    ({"tag": 2**62}, "numbers are those of Cordon's own synthetic wearers"),
    ({"tag": "356307042441013"}, "$.tag"),
    ({"seq": -1}, "$.seq"),
    ({"lon": "1"}, "$.lon"),
    ({"lat": None}, "$.lat"),
    ({"source": "guess"}, "source 'guess' is not one of gnss, wifi, cell, rf"),
    ({"accuracy_m": -1}, "accuracy_m -1"),
    ({"accuracy_m": math.nan}, "accuracy_m nan"),
    ({"accuracy_m": 1e39}, "accuracy_m 1e+39"),
    ({"speed_mps": 1e200}, "speed_mps 1e+200"),
    ({"speed_mps": -0.1}, "speed_mps -0.1"),
    ({"hdop": math.inf}, "hdop inf"),
    ({"battery_pct": 101}, "battery_pct 101"),
    ({"satellites": -2}, "$.satellites"),
    ({"satellites": 1000}, "satellites 1000"),
    ({"battery_pct": -1}, "$.battery_pct"),
    ({"battery_pct": 100.4}, "battery_pct 100.4"),
    ({"battery_pct": math.nan}, "$.battery_pct"),
]


@pytest.mark.parametrize(("change", "reason"), BAD_FIXES, ids=[reason for _, reason in BAD_FIXES])
def test_a_bad_fix_is_named_and_buried_and_its_neighbours_are_kept(change: dict[str, Any], reason: str) -> None:
    before, after = GOOD | {"seq": 1}, GOOD | {"seq": 3}
    bad = GOOD | change | {"extra": "kept as sent"}
    got = decoded(frame(before, bad, after))
    assert got.batch.fixes["seq"].tolist() == [1, 3]
    assert got.fix_places.tolist() == [0, 2]
    (rejected,) = got.rejected
    assert (rejected.row, rejected.place) == (1, "fixes")
    assert reason in rejected.reason
    (letter,) = got.batch.dead
    assert letter.body == json.dumps(bad, separators=(",", ":")).encode()
    assert letter.reason.startswith("fixes[1]: ")


def test_a_fix_that_is_no_object_is_named() -> None:
    got = decoded(frame(GOOD, 5, [], None, {}))
    assert [one.row for one in got.rejected] == [1, 2, 3, 4]
    assert len(got.batch.fixes) == 1


def test_events_are_kept_by_kind_and_refused_by_name() -> None:
    at = "2026-11-22T08:00:05Z"
    got = decoded(
        frame(GOOD, events=[{"tag": 3, "kind": "strap_tamper", "at": at}, {"tag": 3, "kind": "strap", "at": at}, {"tag": 3}])
    )
    assert got.batch.events["kind"].tolist() == [EventKind.STRAP_TAMPER]
    assert got.event_places.tolist() == [0]
    assert [(one.place, one.row) for one in got.rejected] == [("events", 1), ("events", 2)]
    assert "strap_tamper_clear" in got.rejected[0].reason
    assert len(got.batch.fixes) == 1


def test_every_event_kind_has_its_clear_where_the_contract_says_so() -> None:
    words = {kind.word for kind in EventKind}
    cleared = {word.removesuffix("_clear") for word in words if word.endswith("_clear")}
    assert words - {f"{word}_clear" for word in cleared} == cleared | {"beacon_in", "beacon_out", "contact"}
    for word in cleared:
        assert EventKind[f"{word.upper()}_CLEAR"] == EventKind[word.upper()] + 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b'{"gateway": "gw-1", "fixes": [', "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[]", "not a frame"),
        (b"{}", "gateway"),
        (b'{"gateway": "", "fixes": []}', "$.gateway"),
        (b'{"gateway": "gw-1", "fixes": 3}', "$.fixes"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"gateway": "gw-1", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"gateway": "gw-1", "fixes": [{"tag": ' + b"1" * 5000 + b"}]}", "not JSON"),
        (b'{"gateway": "\xe9"}', "not JSON"),
        (b'{"gateway": "a\\u0000b", "fixes": []}', "cannot be shown"),
        (b'{"gateway": "\\ud800", "fixes": []}', "cannot be shown"),
    ],
)
def test_a_body_that_is_no_frame_is_refused_whole(body: bytes, reason: str) -> None:
    result = decode(body, NOW_US, Limits())
    assert isinstance(result, Rejected)
    assert reason in result.reason


def test_what_only_one_of_two_readers_takes_is_still_answered() -> None:
    """A number of thousands of digits in a field that nobody asks for."""
    body = b'{"gateway": "gw-1", "x": ' + b"1" * 5000 + b', "fixes": [' + json.dumps(GOOD | {"lat": 91}).encode() + b"]}"
    got = decoded(body)
    assert [one.row for one in got.rejected] == [0]
    assert [letter.body for letter in got.batch.dead] == [body]


def test_a_vast_hdop_is_a_vast_radius_and_not_an_infinite_one() -> None:
    row = decoded(frame({name: value for name, value in GOOD.items() if name != "accuracy_m"} | {"hdop": 1e38})).batch.fixes[0]
    assert row["accuracy_m"] == 2e7


def test_too_many_records_are_refused_whole() -> None:
    result = decode(frame(*[GOOD] * 11), NOW_US, Limits(frame_records=10))
    assert isinstance(result, Rejected)
    assert "at most 10" in result.reason
    result = decode(frame(*[5] * 11), NOW_US, Limits(frame_records=10))
    assert isinstance(result, Rejected)


def test_the_sender_sets_the_clock_only_where_the_instance_was_made_for_it() -> None:
    told = GOOD | {"received_at": "2020-05-05T00:00:00Z", "fix_at": "2020-05-04T23:59:59Z"}
    live = decoded(frame(told), Limits(oldest_us=4000 * DAY_US))
    assert live.batch.fixes["received_us"][0] == NOW_US
    traced = decoded(frame(told), Limits(trace_clock=True))
    assert traced.batch.fixes["received_us"][0] == parse("2020-05-05T00:00:00Z") == traced.batch.received_us


def test_a_trace_s_records_may_each_name_their_gateway() -> None:
    told = GOOD | {"received_at": "2026-11-22T08:00:00Z"}
    event = {
        "tag": 5,
        "kind": "strap_tamper",
        "at": "2026-11-22T08:00:00Z",
        "received_at": "2026-11-22T08:00:00Z",
        "gateway": "b",
    }
    given = frame(
        told | {"gateway": "b"},
        told | {"seq": 1},
        told | {"seq": 2, "gateway": "\x00"},
        told | {"seq": 3, "gateway": "c"},
        events=[event],
    )
    got = decoded(given, Limits(trace_clock=True))
    names = [got.batch.gateways[place] for rows in (got.batch.fixes, got.batch.events) for place in rows["gateway"].tolist()]
    assert names == ["b", got.batch.gateway, "c", "b"]
    assert [(one.place, one.row) for one in got.rejected] == [("fixes", 2)]
    live = decoded(frame(GOOD | {"gateway": "b"}), Limits(oldest_us=4000 * DAY_US)).batch
    assert (live.gateways, live.fixes["gateway"].tolist()) == ((), [0]), "a live gateway speaks for itself alone"


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-14:00", "9000-01-01T00:00:00Z", "1999-12-31T23:59:59Z"])
def test_a_trace_s_record_received_when_nothing_was_is_refused_and_moves_no_clock(at: str) -> None:
    fine = GOOD | {"received_at": "2026-11-22T08:00:00Z"}
    event = {"tag": 5, "kind": "strap_tamper", "at": at, "received_at": at}
    got = decoded(frame(fine, GOOD | {"fix_at": at, "received_at": at}, events=[event]), Limits(trace_clock=True))
    assert [(one.place, one.row) for one in got.rejected] == [("fixes", 1), ("events", 0)]
    assert {one.reason for one in got.rejected} == {
        f"received_at {at} is not between 2000 and 9000: nothing of ours was received then"
    }
    assert got.batch.received_us == parse("2026-11-22T08:00:00Z")
    assert len(got.batch.dead) == 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*GOOD, "x"]), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(json_values | st.fixed_dictionaries({}, optional=dict.fromkeys(GOOD, json_values)), max_size=5))
def test_whatever_stands_in_a_frame_each_record_is_either_kept_or_named(records: list[Any]) -> None:
    got = decode(frame(GOOD, *records), NOW_US, Limits())
    assert isinstance(got, Decoded)
    assert sorted([*got.fix_places.tolist(), *(one.row for one in got.rejected)]) == list(range(len(records) + 1))
    assert len(got.batch.dead) == len(got.rejected)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_door_fail(body: bytes) -> None:
    assert isinstance(decode(body, NOW_US, Limits()), Decoded | Rejected)
