"""The demonstration shows every kind of alert in its first minutes, whenever it is started; only what is not so is not shown."""

import csv
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from cordon import demo
from duties.courier import Courier
from model.alert import Kind
from model.reach import networks
from store import channels, incidents
from store.feed import edit
from store.pool import Store
from tests.integration.system import COMMAND, ROOT

MINUTES: Final = 11  # docs/fleet.md says so; a silence of ten is counted from the first message
HISTORY_MIN: Final = 20  # what the sender sends first
# No simulated fleet brings these about: the demo's own pager raises the one (below), and what goes wrong with us the other.
OURS: Final = {Kind.UNDELIVERED, Kind.MONITORING_DOWN}


def test_the_kinds_are_those_of_the_table() -> None:
    """DOMAIN.md's table, by its column of codes."""
    rows = [line.split("|") for line in (ROOT / "docs" / "DOMAIN.md").read_text().splitlines() if line.startswith("| ")]
    codes = {code for row in rows if len(row) == 5 for code in re.findall(r"`([a-z_]+)`", row[2])}
    assert codes - {"late", "reason"} == set(Kind)


@pytest.mark.xdist_group("replay")
@pytest.mark.parametrize("start", ["2026-03-20T03:00:00Z", "2026-07-14T14:07:00Z"])
def test_every_kind_is_shown_whenever_it_is_started(start: str, tmp_path: Path) -> None:
    """By a replay of what its sender would send: all that it has of the time before at once, then everything in its time."""
    began = datetime.fromisoformat(start)
    ends = began + timedelta(minutes=MINUTES)
    days_before = (began - timedelta(days=1)).strftime("%Y-%m-%dT00:00:00Z")
    bench = [sys.executable, "-m", "bench"]
    sent = ["--start", start, "--history", str(HISTORY_MIN), "--hours", str(MINUTES / 60)]
    for made in (
        ["world", "--demo", "--start", days_before, "--out", str(tmp_path / "world.json")],
        ["trace", "--demo", *sent, "--out", str(tmp_path / "whole.csv")],
    ):
        subprocess.run([*bench, *made], cwd=ROOT, check=True, capture_output=True)
    with (tmp_path / "whole.csv").open() as file:
        header, *rows = csv.reader(file)
    come = header.index("received_at")
    with (tmp_path / "trace.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *(row for row in rows if datetime.fromisoformat(row[come]) <= ends)])
    done = subprocess.run(
        [*COMMAND, "replay", "trace.csv", "--world", "world.json", "--until", ends.astimezone(UTC).isoformat(), "--json"],
        cwd=tmp_path,
        env=os.environ | {"CORDON_FIRST_FIX_MIN": str(demo.FIRST_FIX_MIN)},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    alerts = json.loads(done.stdout)["alerts"]
    assert set(Kind) - {alert["kind"] for alert in alerts} == OURS
    assert {alert["subject"] for alert in alerts if alert["kind"] == Kind.FLEET_OUTAGE} == {"gw-demo-2"}
    assert {alert["reason"] for alert in alerts if alert["kind"] == Kind.PAPERWORK} <= {
        "unworked_visit",
        "order_without_activation",
    }
    assert len(alerts) < 70, "a centre, no Christmas tree"


async def test_its_pager_hears_nothing_and_that_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A P1 that the pager is told of, tried as often as any."""
    monkeypatch.setattr("duties.courier.FIRST_S", 0.0)
    async with edit(store) as change:
        await channels.add(change, "webhook", demo.PAGER)
        await incidents.raise_(change, Kind.FLEET_OUTAGE, "gw-demo-2", "26 tags are silent.", 1)
    async with Courier("", None, "", networks(demo.NETWORKS)) as courier:
        for _ in range(500):
            await courier.round(store)
            found = await store.pool.fetchval("SELECT subject FROM alert WHERE kind = $1", Kind.UNDELIVERED)
            if found:
                break
    assert found == demo.PAGER["name"]
