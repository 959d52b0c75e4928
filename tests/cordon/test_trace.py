"""A recorded trace becomes rows in file order, each with the time it was received and the line it stood on."""

import gzip
from pathlib import Path

import pytest

from cordon.trace import REQUIRED, Row, frames, read, tags
from cordon.tracing import world
from model.errors import CordonError
from model.instant import parse

HEADER = "tag,fix_at,lon,lat,received_at,gateway,event,battery_pct,comment"


def trace(folder: Path, *lines: str) -> list[Row]:
    path = folder / "trace.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return read(path)


def test_a_row_becomes_a_record_of_the_columns_that_are_known(tmp_path: Path) -> None:
    (row,) = trace(tmp_path, "7,2026-03-20T10:00:00Z,-2.98,53.4,,gw-2,,81,hello")
    record = {"tag": 7, "fix_at": "2026-03-20T10:00:00Z", "lon": -2.98, "lat": 53.4, "battery_pct": 81.0}
    assert row == Row(2, "gw-2", "fixes", record | {"received_at": "2026-03-20T10:00:00Z"})


def test_received_at_is_its_own_else_the_newest_fix_so_far(tmp_path: Path) -> None:
    rows = trace(
        tmp_path,
        "7,2026-03-20T10:05:00Z,0,0,,,,,",
        "7,2026-03-20T10:01:00Z,0,0,,,,,",
        "8,2026-03-20T10:02:00+01:00,0,0,2026-03-20T11:00:00Z,,,,",
        "8,2026-03-20T10:06:00Z,0,0,,,,,",
        "9,2061-01-01T00:00:00Z,0,0,2026-03-20T10:06:30Z,,,,",  # a clock years ahead does not carry the trace's along
        "9,soon,0,0,,,,,",
        "9,2026-03-20T10:06:00Z,0,0,,,,,",
    )
    minutes = ["10:05:00", "10:05:00", "11:00:00", "10:06:00", "10:06:30", "10:06:30", "10:06:30"]
    assert [row.record["received_at"] for row in rows] == [f"2026-03-20T{minute}Z" for minute in minutes]
    assert [row.line for row in rows] == [2, 3, 4, 5, 6, 7, 8]


ENDLESS = "9999-12-31T23:59:59-14:00"  # in UTC beyond what a calendar holds


def test_times_no_door_takes_do_not_move_the_trace_s_clock(tmp_path: Path) -> None:
    rows = trace(
        tmp_path,
        f"7,{ENDLESS},0,0,,,,,",
        "7,2026-03-20T10:05:00Z,0,0,,,,,",
        f"7,{ENDLESS},0,0,,,,,",
        "7,2026-03-20T10:06:00Z,0,0,9999-12-31T23:59:59Z,,,,",
        f"7,{ENDLESS},0,0,{ENDLESS},,,,",
        "7,1999-12-31T23:59:59Z,0,0,1999-12-31T23:59:59Z,,,,",
        "7,2026-03-20T10:05:30Z,0,0,,,,,",
    )
    own = ["9999-12-31T23:59:59Z", ENDLESS, "1999-12-31T23:59:59Z"]
    assert [row.record["received_at"] for row in rows] == [
        "2000-01-01T00:00:00Z", "2026-03-20T10:05:00Z", "2026-03-20T10:05:00Z", *own, "2026-03-20T10:05:30Z"
    ]  # fmt: skip
    assert rows[0].record["fix_at"] == ENDLESS, "for the door to refuse"
    assert world(rows, None).begins_us == parse("2026-03-19T10:05:00Z")


def test_what_is_no_number_is_left_for_the_door_to_refuse(tmp_path: Path) -> None:
    (row,) = trace(tmp_path, "seven,2026-03-20T10:00:00Z,east,,,,,,")
    assert (row.record["tag"], row.record["lon"], "lat" in row.record) == ("seven", "east", False)
    assert tags([row]) == []


def test_a_device_event_needs_no_position(tmp_path: Path) -> None:
    (row,) = trace(tmp_path, "7,2026-03-20T10:00:00Z,,,,,strap_tamper,,")
    at = "2026-03-20T10:00:00Z"
    assert row == Row(2, "replay", "events", {"tag": 7, "kind": "strap_tamper", "at": at, "received_at": at})


def test_compressed_or_not_and_with_a_byte_order_mark(tmp_path: Path) -> None:
    text = f"\ufeff{HEADER}\n7,2026-03-20T10:00:00Z,0,0,,,,,\n".encode()
    (tmp_path / "plain.csv").write_bytes(text)
    (tmp_path / "any.name").write_bytes(gzip.compress(text))
    assert read(tmp_path / "plain.csv") == read(tmp_path / "any.name")


def test_a_row_with_too_few_or_too_many_fields(tmp_path: Path) -> None:
    short, long = trace(tmp_path, "7,2026-03-20T10:00:00Z", "7,2026-03-20T10:00:00Z,1,2,,,,,,,,")
    assert "lon" not in short.record
    assert (long.record["lon"], long.record["lat"]) == (1.0, 2.0)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("tag,lon\n1,2\n")
    with pytest.raises(CordonError, match="has no column fix_at, lat"):
        read(path)


@pytest.mark.parametrize(("sign", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_columns_that_something_else_separates_are_told_so(tmp_path: Path, sign: str, name: str) -> None:
    path = tmp_path / "trace.csv"
    path.write_text(sign.join(REQUIRED) + "\n" + sign.join(["7", "2026-03-20T10:00:00Z", "1", "2"]) + "\n")
    with pytest.raises(CordonError, match=f"separates its columns by {name}: separate them by commas"):
        read(path)


def test_frames_are_runs_of_one_gateway_in_file_order() -> None:
    rows = [Row(line, gateway, "fixes", {"tag": line}) for line, gateway in enumerate("aaaabba")]
    runs = list(frames(rows, 3))
    assert [[row.line for row in run] for run in runs] == [[0, 1, 2], [3], [4, 5], [6]]
    assert [[row.line for row in run] for run in frames(rows, 3, mixed=True)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(frames([], 3)) == []


def test_no_frame_holds_fixes_of_a_tag_in_order_and_out_of_it(tmp_path: Path) -> None:
    rows = trace(
        tmp_path,
        "7,2026-03-20T10:05:00Z,0,0,,,,,",
        "7,2026-03-20T10:01:00Z,0,0,,,,,",  # out of order, though received at the same time as the one before
        "8,2026-03-20T10:02:00Z,0,0,,,,,",
        "7,2026-03-20T10:03:00Z,0,0,,,,,",  # comes with it
        "7,2026-03-20T10:04:00Z,0,0,2026-03-20T10:06:00Z,,,,",  # out of order at another time
        "8,2026-03-20T12:00:00Z,0,0,2026-03-20T10:06:00Z,,,,",  # a wrong clock is judged when it comes
        "8,2026-03-20T10:06:00Z,0,0,,,,,",
        "7,2026-03-20T10:02:00Z,,,,,jamming,,",
        "7,2026-03-20T10:06:00Z,0,0,,,,,",
    )
    runs = list(frames(rows, 4000, mixed=True))
    assert [[row.line for row in run] for run in runs] == [[2], [3, 4, 5], [6, 7, 8, 9], [10]]


def test_tags_are_those_that_could_be_worn() -> None:
    rows = [Row(1, "a", "fixes", {"tag": tag}) for tag in (9, 3, 9, -1, 0, "x")] + [Row(1, "a", "fixes", {})]
    assert tags(rows) == [3, 9]
