"""`cordon replay` of a fleet behind one gateway that goes: one incident with its list, what it holds, each at its instant."""

import csv
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cordon.test_replay_world import circle, order
from tests.integration.system import COMMAND

pytestmark = pytest.mark.xdist_group("replay")

TAGS = range(1, 31)
PLACE = (-2.98, 53.4)


def clock(second: int) -> str:
    return f"2026-03-20T{10 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"


def test_thirty_tags_that_fall_silent_behind_one_gateway_are_one_incident(tmp_path: Path) -> None:
    """Heard each minute until 10:20; fifteen are back at 11:40, one at 11:45. The first's wearer is to be kept from a victim."""
    rows = [(minute * 60 + tag, tag, "gw-a") for minute in range(21) for tag in TAGS]
    rows += [(100 * 60 + tag, tag, "gw-a") for tag in TAGS if tag <= 15] + [(105 * 60, 16, "gw-a")]
    rows += [(minute * 60, tag, "gw-b") for minute in range(120) for tag in (101, 102)]
    with (tmp_path / "trace.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["tag", "fix_at", "lon", "lat", "accuracy_m", "gateway"])
        writer.writerows([tag, clock(second), *PLACE, 8, gateway] for second, tag, gateway in sorted(rows))
    world = {
        "wearers": [{"ref": "w1", "name": "Test Wearer"}],
        "orders": [order("o1", "w1")],
        "activations": [{"wearer": "w1", "tag": 1, "from": "2026-03-01T00:00:00Z"}],
        "zones": [circle("victim", {"wearer": "w1"}, (-1.0, 52.0))],
    }
    (tmp_path / "world.json").write_text(json.dumps(world))
    done = subprocess.run(
        [*COMMAND, "replay", "trace.csv", "--world", "world.json", "--until", clock(7200), "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    alerts: list[dict[str, Any]] = json.loads(done.stdout)["alerts"]
    (outage,) = [alert for alert in alerts if alert["kind"] == "fleet_outage"]
    assert (outage["subject"], outage["severity"], outage["wearer"], outage["tags"]) == ("gw-a", "P1", None, list(TAGS))
    assert (outage["event_at"], outage["detected_at"]) == (clock(25 * 60 + 20), clock(25 * 60 + 20)), "the twentieth"
    assert outage["ended_at"] == clock(100 * 60 + 15), "half are back"
    silent = {alert["tag"]: alert for alert in alerts if alert["kind"] == "no_contact"}
    assert silent.keys() == set(TAGS)
    assert (silent[1]["severity"], silent[1]["detected_at"], silent[1]["held_under"]) == (
        "P1",
        clock(30 * 60 + 1),
        "fleet_outage",
    )
    for tag in range(2, 31):
        assert (silent[tag]["severity"], silent[tag]["detected_at"]) == ("P2", clock(80 * 60 + tag)), "its own clock"
    assert {tag for tag, alert in silent.items() if alert["held_under"] is None} == set(range(17, 31)), "they stand alone"
    still = {tag for tag, alert in silent.items() if alert["ended_at"] is None}
    assert still == {1, *range(17, 31)}, "the first is silent for ten minutes once more"
