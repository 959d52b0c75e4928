"""Nights under a curfew through `cordon replay --world`: who was away, of whom nothing was known, and what that was held under.

Each wearer is a story of one night, told to the second, all of them in one world and one trace. The night is that of Saturday 28
March 2026 in London, when the clocks go forward at one: 19:00 to 07:00 is 19:00 to 06:00 UTC, eleven hours.
"""

import csv
import json
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from model.instant import SECOND_US, parse, show
from tests.integration.system import COMMAND, ROOT

pytestmark = pytest.mark.xdist_group("replay")

HOME, SHOP, SCHOOL = (-2.98, 53.4), (-2.96, 53.4), (-2.94, 53.41)
NIGHTS: Final = [{"days": ["sat"], "from": "19:00", "to": "07:00"}]
UNTIL: Final = "2026-03-29T06:30:00Z"

# One wearer a story. Nobody's real numbers.
WHO: Final = {
    name: 990000000000100 + number
    for number, name in enumerate(
        (
            "keeps",
            "late",
            "long",
            "whole",
            "grave",
            "silent",
            "blind",
            "excused",
            "free",
            "ends",
            "both",
            "brief",
            "beacon",
            "still",
        )
    )
}
FIRST, END = "18:50:00", "06:20:00"


def at(clock: str) -> str:
    """A time of the night; until noon it is Sunday's."""
    return f"2026-03-{'29' if clock < '12' else '28'}T{clock}Z"


def moves(name: str, until: str, *way: tuple[str, tuple[float, float]], **more: Any) -> Iterator[dict[str, Any]]:
    """A fix a minute: from each time on at its place, to the end, which is included."""
    begins = [parse(at(clock)) for clock, _ in way]
    for us in range(begins[0], parse(at(until)) + 1, 60 * SECOND_US):
        lon, lat = way[sum(begin <= us for begin in begins) - 1][1]
        yield {"tag": WHO[name], "fix_at": show(us), "lon": lon, "lat": lat, "accuracy_m": 8, **more}


def event(name: str, kind: str, clock: str) -> dict[str, Any]:
    return {"tag": WHO[name], "fix_at": at(clock), "event": kind}


def trace() -> list[dict[str, Any]]:
    """The night, row by row."""
    lost: dict[str, Any] = {"accuracy_m": 1500, "source": "cell"}
    rows = [
        *moves("keeps", END, (FIRST, HOME)),
        # Home late: asked for at 19:00, away since before; back within the grace of five minutes.
        *moves("late", END, (FIRST, SHOP), ("19:04:00", HOME)),
        # Out for forty minutes.
        *moves("long", END, (FIRST, HOME), ("20:01:00", SHOP), ("20:41:00", HOME)),
        # Never there.
        *moves("whole", END, (FIRST, SHOP)),
        # Six minutes, but of high risk.
        *moves("grave", END, (FIRST, HOME), ("21:01:00", SHOP), ("21:07:00", HOME)),
        # Nothing more is heard.
        *moves("silent", "20:00:00", (FIRST, HOME)),
        # Heard, still, and last proven at home: perhaps there, which is no news.
        *moves("still", "20:00:00", (FIRST, HOME)),
        *moves("still", END, ("20:01:00", HOME), **lost),
        # Moves, is heard, and does not know where it is until 22:30.
        event("blind", "motion", "20:00:30"),
        *moves("blind", "20:00:00", (FIRST, HOME)),
        *moves("blind", "22:29:00", ("20:01:00", HOME), **lost),
        *moves("blind", END, ("22:30:00", HOME)),
        # May be out until ten, and is until eleven; the school is forbidden all the same.
        *moves("excused", END, (FIRST, SHOP), ("20:32:00", SCHOOL), ("20:36:00", SHOP), ("23:00:00", HOME)),
        # This Saturday is excepted.
        *moves("free", END, (FIRST, SHOP)),
        # The order ends at midnight; gone since 23:00.
        *moves("ends", "00:30:00", (FIRST, HOME), ("23:00:00", SHOP)),
        # The strap goes at 19:30 and the wearer with it; the tag is switched off at 20:00.
        *moves("both", "20:00:00", (FIRST, HOME), ("19:31:00", SHOP)),
        event("both", "strap_tamper", "19:30:00"),
        event("both", "power_off", "20:00:05"),
        # Out twice, six minutes apart.
        *moves("brief", END, (FIRST, HOME), ("22:01:00", SHOP), ("22:11:00", HOME), ("22:17:00", SHOP), ("22:31:00", HOME)),
        # Indoors no fix says where, until 23:00; the beacon does, but where it is out of range.
        *moves("beacon", "23:00:00", (FIRST, HOME), **lost),
        *moves("beacon", END, ("23:01:00", HOME)),
        event("beacon", "beacon_in", "18:55:00"),
        event("beacon", "beacon_out", "21:00:00"),
        event("beacon", "beacon_in", "21:20:00"),
    ]
    return sorted(rows, key=lambda row: (row["fix_at"], row["tag"], row.get("event", "")))


def world() -> dict[str, Any]:
    names = list(WHO)
    order = {"type": "bail", "timezone": "Europe/London", "starts": "2026-03-20T09:00:00Z"}
    more = {"grave": {"risk": "high"}, "ends": {"ends": at("00:00:00")}}
    free = [{"date": "2026-03-28", "windows": []}]
    own = [{"kind": "home", "radius_m": 75, "applies_to": {"wearer": name}} for name in names]
    home = {"type": "Feature", "geometry": {"type": "Point", "coordinates": list(HOME)}}
    school = {"type": "Feature", "geometry": {"type": "Point", "coordinates": list(SCHOOL)}}
    return {
        "wearers": [{"ref": name, "name": f"Wearer {name}"} for name in names],
        "orders": [{"ref": f"o-{name}", "wearer": name, **order, **more.get(name, {})} for name in names],
        "activations": [{"wearer": name, "tag": WHO[name], "from": "2026-03-20T10:00:00Z"} for name in names],
        "zones": [
            *({"ref": f"h-{name}", **home, "properties": found} for name, found in zip(names, own, strict=True)),
            {"ref": "school", **school, "properties": {"radius_m": 150, "purpose": "area", "applies_to": {"wearer": "excused"}}},
            {"ref": "hers", **school, "properties": {"radius_m": 150, "purpose": "victim", "applies_to": {"wearer": "both"}}},
        ],
        "curfews": [
            {
                "ref": f"c-{n}", "order": f"o-{n}", "home": f"h-{n}", "windows": NIGHTS,
                "exceptions": free if n == "free" else [],
            }
            for n in names
        ],
        "absences": [
            {"curfew": "c-excused", "from": at("18:00:00"), "to": at("22:00:00"), "authoriser": "Court", "reason": "Night shift."}
        ],
    }  # fmt: skip


@cache
def report(folder: Path) -> Any:
    rows = trace()
    with (folder / "trace.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["tag", "fix_at", "lon", "lat", "accuracy_m", "source", "event"], restval="")
        writer.writeheader()
        writer.writerows(rows)
    (folder / "world.json").write_text(json.dumps(world()))
    done = subprocess.run(
        [*COMMAND, "replay", str(folder / "trace.csv"), "--world", str(folder / "world.json"), "--until", UNTIL, "--json"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["sent"], found["stored"], found["rejected"]) == (len(rows), len(rows), [])
    return found


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return report(tmp_path_factory.mktemp("night"))["alerts"]


def told(night: Any, name: str) -> list[tuple[Any, ...]]:
    """Kind, severity, from, until, detected, times of the night, and what it is held under, of a wearer's alerts."""
    return [
        (
            alert["kind"],
            alert["severity"],
            clock(alert["event_at"]),
            clock(alert["ended_at"]),
            clock(alert["detected_at"]),
            alert["held_under"],
        )
        for alert in night
        if alert["wearer"] == name
    ]


def clock(time: str | None) -> str | None:
    return None if time is None else time[11:19]


def test_who_keeps_it_raises_nothing(night: Any) -> None:
    assert told(night, "keeps") == []


def test_home_within_the_grace_raises_nothing(night: Any) -> None:
    assert told(night, "late") == []


def test_out_and_back_is_an_absence_from_the_first_of_two_fixes(night: Any) -> None:
    """Told when the grace of five minutes is over, to the second; graver after half an hour."""
    assert told(night, "long") == [("curfew_absence", "P2", "20:01:00", "20:41:00", "20:06:00", None)]


def test_away_for_the_whole_window_is_p1_at_its_end_which_comes_an_hour_early(night: Any) -> None:
    assert told(night, "whole") == [("curfew_absence", "P1", "19:00:00", "06:00:00", "19:05:00", None)]


def test_of_high_risk_it_is_p1_at_once(night: Any) -> None:
    assert told(night, "grave") == [("curfew_absence", "P1", "21:01:00", "21:07:00", "21:06:00", None)]


def test_silence_is_unverified_and_then_held_under_the_silence(night: Any) -> None:
    """The last fix speaks until 20:10, and half an hour more is news; two hours of silence, last at home, explain it."""
    assert told(night, "silent") == [
        ("no_contact", "P2", "20:00:00", None, "22:00:00", None),
        ("curfew_unverified", "P2", "20:10:00", "06:00:00", "20:40:00", "no_contact"),
    ]


def test_in_contact_and_not_located_is_unverified_until_it_is(night: Any) -> None:
    unverified = [alert for alert in told(night, "blind") if alert[0] == "curfew_unverified"]
    assert unverified == [("curfew_unverified", "P2", "20:10:00", "22:30:00", "20:40:00", None)]


def test_in_contact_and_still_since_it_was_proven_raises_nothing(night: Any) -> None:
    assert [alert for alert in told(night, "still") if alert[0].startswith("curfew")] == []


def test_an_authorised_absence_lifts_the_curfew_and_no_exclusion(night: Any) -> None:
    assert told(night, "excused") == [
        ("exclusion", "P2", "20:32:00", "20:36:00", "20:32:00", None),
        ("curfew_absence", "P2", "22:00:00", "23:00:00", "22:05:00", None),
    ]


def test_an_excepted_date_asks_nothing(night: Any) -> None:
    assert told(night, "free") == []


def test_an_order_that_ends_takes_the_rest_of_the_window_with_it(night: Any) -> None:
    assert told(night, "ends") == [
        ("curfew_absence", "P2", "23:00:00", "00:00:00", "23:05:00", None),
        ("paperwork", "P3", "00:00:00", None, "01:00:00", None),  # an hour later nobody has taken the tag off
    ]


def test_a_cut_strap_an_absence_and_a_tag_switched_off(night: Any) -> None:
    """The dead battery explains the silence, and is as grave: a victim's zone is in force. The absence stands by itself."""
    alerts = {alert[0]: alert for alert in told(night, "both")}
    assert alerts["strap"][:3] + alerts["strap"][4:] == ("strap", "P1", "19:30:00", "19:30:10", None)
    assert alerts["curfew_absence"] == ("curfew_absence", "P2", "19:31:00", "06:00:00", "19:36:00", None)
    assert alerts["battery_dead"][:3] == ("battery_dead", "P1", "20:00:05")
    assert alerts["no_contact"][:3] + alerts["no_contact"][4:] == ("no_contact", "P1", "20:00:05", "20:10:05", "battery_dead")


def test_out_twice_within_ten_minutes_is_one_incident(night: Any) -> None:
    [alert] = [alert for alert in night if alert["wearer"] == "brief"]
    assert (alert["event_at"], alert["ended_at"], alert["occurrences"]) == (at("22:01:00"), at("22:31:00"), 1)
    assert alert["severity"] == "P3", "ten minutes and fourteen are less than thirty"


def test_a_beacon_out_of_range_for_five_minutes_is_an_absence(night: Any) -> None:
    away = [alert for alert in told(night, "beacon") if alert[0] == "curfew_absence"]
    assert away == [("curfew_absence", "P3", "21:00:00", "21:20:00", "21:05:00", None)]


def test_every_alert_is_of_its_wearer_s_own_home(night: Any) -> None:
    of_curfews = [alert for alert in night if alert["kind"].startswith("curfew")]
    assert of_curfews
    assert {(alert["wearer"], alert["zone"]) for alert in of_curfews} == {(a["wearer"], f"h-{a['wearer']}") for a in of_curfews}


def test_nothing_else_was_told(night: Sequence[Any]) -> None:
    kinds = {
        "curfew_absence",
        "curfew_unverified",
        "exclusion",
        "strap",
        "battery_dead",
        "no_contact",
        "no_location",
        "paperwork",
    }
    assert {alert["kind"] for alert in night} <= kinds
    assert {alert["wearer"] for alert in night} == set(WHO) - {"keeps", "late", "free", "still"}
