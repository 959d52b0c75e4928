"""`cordon replay --world`: a trace judged by a file's orders, activations and zones, as they were in force then."""

import csv
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.integration.system import COMMAND, ROOT

pytestmark = pytest.mark.xdist_group("replay")

TAG, STRANGER, OTHERS = 356307042441013, 77, 88
HERE, AWAY = (-2.98, 53.4), (-2.9, 53.4)


def replay(
    folder: Path, world: Any, rows: Sequence[tuple[int, str, tuple[float, float]]], *options: str
) -> subprocess.CompletedProcess[str]:
    """(tag, clock of 20 March 2026, place) each, through the command."""
    with (folder / "trace.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["tag", "fix_at", "lon", "lat", "accuracy_m"])
        writer.writerows([tag, f"2026-03-20T{at}Z", *place, 8] for tag, at, place in rows)
    (folder / "world.json").write_text(json.dumps(world))
    return subprocess.run(
        [*COMMAND, "replay", str(folder / "trace.csv"), "--world", str(folder / "world.json"), "--json", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


def order(ref: str, wearer: str, **more: Any) -> dict[str, Any]:
    return {"ref": ref, "wearer": wearer, "type": "bail", "timezone": "Europe/London", "starts": "2026-03-01T00:00:00Z", **more}


def circle(ref: str, applies_to: dict[str, Any], place: tuple[float, float], **more: Any) -> dict[str, Any]:
    properties = {"radius_m": 200, "applies_to": applies_to, **more}
    return {"ref": ref, "type": "Feature", "geometry": {"type": "Point", "coordinates": list(place)}, "properties": properties}


def test_a_world_is_in_force_as_it_says_and_strangers_have_one_of_their_own(tmp_path: Path) -> None:
    world = {
        "wearers": [{"ref": "w1", "name": "Test Wearer"}, {"ref": "w2", "name": "Another"}],
        "orders": [order("o1", "w1", ends="2026-03-20T12:00:00Z"), order("o2", "w2", status="in_custody")],
        "activations": [
            {"wearer": "w1", "tag": TAG, "from": "2026-03-20T10:00:00Z"},
            {"wearer": "w2", "tag": OTHERS, "from": "2026-03-01T00:00:00Z"},
        ],
        "zones": [
            circle("early", {"wearer": "w1"}, HERE, purpose="area", valid_to="2026-03-20T10:30:00Z"),
            circle("school", {"wearer": "w1"}, HERE, valid_from="2026-03-20T11:00:00Z"),
            circle("everyone", {"all": True}, AWAY, purpose="area"),
        ],
        "visits": [],
    }
    rows = [
        (TAG, "09:40:00", HERE),  # not fitted yet, and off again when it is
        (TAG, "09:55:00", (-2.95, 53.4)),
        (OTHERS, "10:05:00", AWAY),  # in custody: nobody may be judged
        (STRANGER, "10:10:00", AWAY),
        (TAG, "10:20:00", HERE),
        (TAG, "10:59:00", HERE),
        (TAG, "11:00:30", HERE),
        (TAG, "12:00:30", AWAY),  # the order has ended
    ]
    done = replay(tmp_path, world, rows, "--until", "2026-03-20T12:01:00Z")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["sent"], report["stored"], report["rejected"]) == (8, 8, [])
    entered = [
        (alert["wearer"], alert["zone"], alert["severity"], alert["event_at"], alert["ended_at"])
        for alert in report["alerts"]
        if alert["kind"] == "exclusion"
    ]
    assert entered == [
        ("Wearer of tag 77", "everyone", "P2", "2026-03-20T10:10:00Z", None),
        ("w1", "early", "P2", "2026-03-20T10:20:00Z", "2026-03-20T10:30:00Z"),
        ("w1", "school", "P1", "2026-03-20T11:00:00Z", "2026-03-20T12:00:00Z"),
    ]
    # The school protects somebody: the ten minutes of silence from 10:20 on are news at 10:30.
    assert ("w1", "no_contact") in {(alert["wearer"], alert["kind"]) for alert in report["alerts"]}
    assert "w2" not in {alert["wearer"] for alert in report["alerts"]}


def test_what_is_set_holds_for_the_whole_trace(tmp_path: Path) -> None:
    """For everyone 50 minutes, for one order 40, for a type 55 and graver; a zone with its own severity."""
    world = {
        "wearers": [{"ref": "w1", "name": "Test Wearer"}, {"ref": "w2", "name": "Another"}],
        "orders": [order("o1", "w1"), order("o2", "w2", type="licence")],
        "activations": [{"wearer": w, "tag": tag, "from": "2026-03-01T00:00:00Z"} for w, tag in (("w1", TAG), ("w2", OTHERS))],
        "zones": [circle("place", {"all": True}, HERE, purpose="area")],
        "settings": {
            "no_contact": {"standard_min": 50},
            "types": {"licence": {"no_contact": {"standard_min": 55, "severity": 3}}},
            "orders": {"o1": {"no_contact": {"standard_min": 40}}},
            "zones": {"place": {"exclusion": {"area_severity": 3}}},
        },
    }
    rows = [(tag, "10:00:00", AWAY) for tag in (TAG, OTHERS, STRANGER)] + [(TAG, "10:02:00", HERE)]
    done = replay(tmp_path, world, rows, "--until", "2026-03-20T11:30:00Z")
    assert done.returncode == 0, done.stderr
    said = {
        (alert["wearer"], alert["kind"], alert["severity"], alert["detected_at"][11:19])
        for alert in json.loads(done.stdout)["alerts"]
    }
    assert said == {
        ("w1", "exclusion", "P3", "10:02:00"),
        ("w1", "no_contact", "P2", "10:42:00"),
        ("w2", "no_contact", "P3", "10:55:00"),
        ("Wearer of tag 77", "no_contact", "P2", "10:50:00"),
    }


def test_zones_of_a_file_of_their_own_apply_beside_it(tmp_path: Path) -> None:
    world = {
        "wearers": [{"ref": "w1", "name": "Test Wearer"}],
        "orders": [order("o1", "w1")],
        "activations": [{"wearer": "w1", "tag": TAG, "from": "2026-03-01T00:00:00Z"}],
        "zones": [],
    }
    drawn = [circle("", {}, HERE) | {"properties": {"radius_m": 50, "tag": tag}} for tag in (STRANGER, TAG)]
    zones = {"type": "FeatureCollection", "features": drawn}
    (tmp_path / "zones.geojson").write_text(json.dumps(zones))
    done = replay(tmp_path, world, [(TAG, "10:00:00", HERE)], "--zones", str(tmp_path / "zones.geojson"))
    assert done.returncode == 0, done.stderr
    assert [(alert["wearer"], alert["zone"]) for alert in json.loads(done.stdout)["alerts"]] == [("w1", 1)]


def test_a_trace_of_which_nothing_is_taken_is_reported_and_moves_no_clock(tmp_path: Path) -> None:
    world = {"wearers": [{"ref": "w1", "name": "Test Wearer"}], "orders": [order("o1", "w1")]}
    done = replay(tmp_path, world, [(-5, "10:00:00", HERE)])
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["sent"], report["stored"], report["alerts"]) == (1, 0, [])
    assert [one["line"] for one in report["rejected"]] == [2]


def test_a_world_that_is_wrong_is_one_line(tmp_path: Path) -> None:
    done = replay(tmp_path, {"wearers": [{"ref": "w1"}]}, [(TAG, "10:00:00", HERE)])
    assert done.returncode == 1
    assert done.stderr == f"cordon: {tmp_path / 'world.json'}: wearers[0] (w1): name: is needed\n"


def test_work_at_the_door_is_judged_by_the_visits_of_the_world(tmp_path: Path) -> None:
    day = "2026-03-20T"
    window = {"from": f"{day}08:00:00Z", "to": f"{day}18:00:00Z"}
    done = {"outcome": "done", "strap_proven": True}

    def inspected(start: str, end: str, **more: Any) -> dict[str, Any]:
        at = {"signed_in": f"{day}{start}Z", "signed_out": f"{day}{end}Z"}
        return {"wearer": "w1", "kind": "inspect", **window, **at, **more}

    world = {
        "wearers": [{"ref": f"w{n}", "name": "Test Wearer"} for n in (1, 2)],
        "orders": [order("o1", "w1"), order("o2", "w2")],
        "activations": [{"wearer": "w1", "tag": TAG, "from": "2026-03-01T00:00:00Z"}],
        "visits": [
            # Opened at the door and proven: nothing. Opened at the door and not proven: told at sign-out, ended by the next.
            inspected("10:00:00", "10:20:00", **done),
            inspected("11:00:00", "11:20:00", outcome="refused"),
            inspected("12:00:00", "12:20:00", **done),
            {
                "wearer": "w2", "kind": "fit", "tag": OTHERS, "signed_in": f"{day}10:00:00Z",
                "signed_out": f"{day}10:30:00Z", **done, **window,
            },
        ],
        "zones": [],
    }  # fmt: skip
    rows = [
        (TAG, "09:59:00", ""), (TAG, "10:05:00", "strap_tamper"), (OTHERS, "10:10:00", "strap_tamper"),
        (TAG, "10:15:00", "strap_tamper_clear"), (OTHERS, "10:40:00", ""), (TAG, "10:50:00", ""),
        (TAG, "11:05:00", "strap_tamper"), (TAG, "11:30:00", ""), (TAG, "12:30:00", ""), (OTHERS, "12:30:00", ""),
    ]  # fmt: skip
    with (tmp_path / "trace.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["tag", "fix_at", "lon", "lat", "accuracy_m", "event"])
        for tag, at, event in rows:
            writer.writerow([tag, f"{day}{at}Z", *(("", "", "") if event else (*HERE, 8)), event])
    (tmp_path / "world.json").write_text(json.dumps(world))
    command = ["replay", str(tmp_path / "trace.csv"), "--world", str(tmp_path / "world.json"), "--json"]
    ran = subprocess.run([*COMMAND, *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert ran.returncode == 0, ran.stderr
    alerts = [alert for alert in json.loads(ran.stdout)["alerts"] if alert["kind"] != "no_contact"]
    assert [(a["wearer"], a["kind"], a["severity"], a["event_at"], a["detected_at"], a["ended_at"]) for a in alerts] == [
        ("w1", "strap", "P1", f"{day}11:05:00Z", f"{day}11:20:00Z", f"{day}12:20:00Z")
    ]
