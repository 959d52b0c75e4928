"""The trace: CONTRACT.md's columns, in the order it was received, the same bytes each time; and what must be found in it."""

import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bench import relay
from bench.__main__ import app
from bench.clock import read, show, texts
from bench.ledger import ENTRY, Ledger
from bench.ledger import read as entries
from bench.trace import COLUMNS, expected, write
from bench.upload import reports
from bench.violations import SECOND_US
from tests.bench.conftest import FRIDAY_US, Day

HOUR_US = 3600 * SECOND_US
START = "2026-03-20T18:00:00Z"


def bench(*arguments: str) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, list(arguments))
    return outcome.exit_code, outcome.output


def test_a_trace_is_in_order_of_receipt_and_whole(demo_day: Day, tmp_path: Path) -> None:
    path = tmp_path / "trace.csv.gz"
    begin_us, end_us = FRIDAY_US + 18 * HOUR_US, FRIDAY_US + 20 * HOUR_US
    total = write(demo_day.town, begin_us, end_us, path, "gw-demo")
    with gzip.open(path, "rt") as text:
        reader = csv.DictReader(text)
        rows = list(reader)
    assert tuple(reader.fieldnames or ()) == COLUMNS
    made = reports(demo_day.town, begin_us, end_us)
    assert total == len(rows) == len(made)
    received = [read(row["received_at"]) for row in rows]
    assert received == sorted(received)
    fixes = [row for row in rows if not row["event"]]
    events = [row for row in rows if row["event"]]
    assert events
    assert all(row["lon"] == row["accuracy_m"] == "" for row in events)
    said = {(int(row["tag"]), read(row["fix_at"])): row for row in fixes}
    for one in made[made["event"] == 0][::97]:
        row = said[int(one["tag"]), int(one["fix_at_us"])]
        assert (float(row["lon"]), float(row["lat"])) == (one["lon"], one["lat"])
        assert float(row["accuracy_m"]) == pytest.approx(one["accuracy_m"], abs=0.01)
        assert (row["hdop"] != "") == (row["source"] == "gnss")
        behind = one["row"] in demo_day.town.relayed
        assert row["gateway"] == ("gw-demo-2" if behind else "gw-demo")
        comes_us = relay.arrives_us(one["upload_us"], begin_us) if behind else one["upload_us"]
        assert abs(read(row["received_at"]) - comes_us) < 1000


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        arguments = ["--tags", "20", "--seed", "3", "--start", START, "--hours", "0.5"]
        code, said = bench(
            "trace", *arguments, "--out", str(tmp_path / f"{name}.csv.gz"), "--expected", str(tmp_path / f"{name}.json")
        )
        assert code == 0, said
        written.append([(tmp_path / f"{name}{end}").read_bytes() for end in (".csv.gz", ".json")])
    assert written[0] == written[1]


def test_what_must_be_found_names_zones_of_the_world(tmp_path: Path) -> None:
    code, said = bench("world", "--demo", "--start", START, "--out", str(tmp_path / "world.json"))
    assert code == 0, said
    arguments = ["trace", "--demo", "--start", START, "--hours", "1", "--out", str(tmp_path / "trace.csv")]
    code, said = bench(*arguments, "--expected", str(tmp_path / "expected.json"))
    assert code == 0, said
    world = json.loads((tmp_path / "world.json").read_text())
    found = json.loads((tmp_path / "expected.json").read_text())
    assert found["start"] == START
    assert len(found["violations"]) > 20
    zones = {one["ref"]: one for one in world["zones"]}
    tags = {one["tag"]: one["wearer"] for one in world["activations"]}
    for one in found["violations"]:
        assert zones[one["zone"]]["properties"]["purpose"] == one["purpose"]
        assert zones[one["zone"]]["properties"]["applies_to"] in ({"all": True}, {"wearer": one["wearer"]})
        assert tags[one["tag"]] == one["wearer"]
        assert read(one["from"]) < read(one["to"])
    header, *rows = (tmp_path / "trace.csv").read_text().splitlines()
    assert header == ",".join(COLUMNS)
    assert len(rows) > 11_000


def test_a_spell_cut_by_the_traces_end_says_so(demo_day: Day) -> None:
    whole = expected(demo_day.town, FRIDAY_US, FRIDAY_US + 6 * HOUR_US)
    cut = [one for one in whole if not one["whole"]]
    assert 0 < len(cut) < len(whole) / 2
    assert all(read(one["to"]) > FRIDAY_US and read(one["from"]) < FRIDAY_US + 6 * HOUR_US for one in whole)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["world", "--start", "yesterday"], "is no time"),
        (["world", "--start", "2026-03-20T18:00:00"], "has no zone"),
        (["world", "--out", "/no/such/folder/world.json"], "cannot be written"),
        (["trace", "--start", START, "--out", "/no/such/folder/trace.csv"], "cannot be written"),
        (["run", "--to", "localhost:8000", "--key", "k"], "begins with http"),
        (["run", "--to", "http://localhost:1", "--key", "k", "--ledger", "/no/such/folder/ledger"], "cannot be written"),
        (["world", "--tags", "0"], "--tags"),
    ],
)
def test_mistakes_are_told_in_a_sentence(arguments: list[str], says: str) -> None:
    code, said = bench(*arguments)
    assert code != 0
    assert says in said
    assert "Traceback" not in said


def test_run_ends_when_its_parents_pipe_closes() -> None:
    """As `cordon up --demo` starts it: nothing to send to, and then the parent is gone."""
    command = [
        sys.executable,
        "-m",
        "bench",
        "run",
        "--demo",
        "--tags",
        "5",
        "--to",
        "http://127.0.0.1:9",
        "--key",
        "k",
        "--child",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert out.startswith("fleet: acknowledged 0")
    assert "Traceback" not in err


def test_a_torn_entry_of_a_killed_sender_is_not_one(demo_day: Day, tmp_path: Path) -> None:
    fixes = demo_day.reports[demo_day.reports["event"] == 0]
    path = tmp_path / "ledger"
    for some in (fixes[:10], fixes[10:15]):
        ledger = Ledger(path)
        ledger.answered(some, {"accepted": len(some), "receipt": "r", "stored": None, "duplicate": None, "rejected": []})
        assert ledger.undecided == len(some)
        assert "undecided" in ledger.line()
        ledger.close()
        with path.open("ab") as torn:
            torn.write(b"half an entry")
    listed = entries(path)
    assert listed.dtype == ENTRY
    assert np.array_equal(listed["fix_at_us"], fixes["fix_at_us"][:15])


def test_times_round_trip() -> None:
    assert read("2026-11-22T08:00:00Z") == read("2026-11-22T09:00:00+01:00")
    assert show(read("2026-11-22T08:00:00Z")) == "2026-11-22T08:00:00Z"
    assert texts([read("2026-11-22T08:00:00.0019Z")], "ms") == ["2026-11-22T08:00:00.001Z"]
    with pytest.raises(ValueError, match="zone"):
        read("2026-11-22T08:00:00")
