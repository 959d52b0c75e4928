"""What officers change is judged at once, also where it reaches back, and a restart forgets none of it.

Each story once on a worker that goes on and once with the worker killed between the change and the next fix.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.system import System, stamp, system, until
from tests.integration.world import RADIUS_M, circle, fix, in_force

pytestmark = [pytest.mark.serial, pytest.mark.xdist_group("kills")]

FIRST = 356307042460000
SOON_S = 30.0  # no fix comes meanwhile: without looking again nothing would ever change


@pytest.fixture(scope="module")
def up() -> Iterator[System]:
    with system() as made:
        made.start()
        made.people("officer", "operator", "supervisor")
        yield made


def conditions(up: System, tag: int) -> list[str]:
    found: list[Any] = up.ask("operator", "GET", "/alerts?state=all")["items"]
    return [alert["condition"] for alert in found if alert["tag"] == tag]


def kill(up: System) -> None:
    up.wait_for_another("worker", up.kill("worker"))


def ordered(up: System, name: str) -> tuple[int, int]:
    """A wearer with an order in force and no tag: their ids."""
    who = int(up.ask("officer", "POST", "/wearers", {"name": name})["id"])
    order = {"wearer": who, "type": "bail", "timezone": "Europe/London", "starts": stamp(-7200), "status": "active"}
    return who, int(up.ask("officer", "POST", "/orders", order)["id"])


def edited(up: System, path: str, body: dict[str, Any], status: int = 200) -> None:
    tag = up.call("officer", "GET", path).headers["ETag"]
    answer = up.call("officer", "PATCH", path, body, headers={"If-Match": tag})
    assert answer.status == status, answer.body


@pytest.mark.parametrize("killed", [False, True])
def test_a_fitting_recorded_after_it_happened(up: System, killed: bool) -> None:
    tag = FIRST + 1 + killed
    who, _ = ordered(up, "Late Paper")
    in_force(up.ask("officer", "POST", "/zones", circle({"wearer": who}))["in_force_from"])
    up.send(fix(1, tag=tag))
    assert conditions(up, tag) == [], "nobody wears it yet"
    up.ask("officer", "POST", "/activations", {"wearer": who, "tag": tag, "from": stamp(-3600)})
    if killed:
        kill(up)
    until(lambda: conditions(up, tag) == ["active"], "who stands inside has an alert without another fix", SOON_S)
    up.send(fix(2, tag=tag))
    assert conditions(up, tag) == ["active"]


@pytest.mark.parametrize("killed", [False, True])
def test_an_order_that_is_completed_ends_its_alerts(up: System, killed: bool) -> None:
    tag = FIRST + 11 + killed
    who, order = ordered(up, "Last Day")
    in_force(up.ask("officer", "POST", "/zones", circle({"wearer": who}))["in_force_from"])
    up.ask("officer", "POST", "/activations", {"wearer": who, "tag": tag, "from": stamp(-3600)})
    up.send(fix(1, tag=tag))
    until(lambda: conditions(up, tag) == ["active"], "it begins", SOON_S)
    edited(up, f"/orders/{order}", {"status": "completed"}, status=202)
    (waiting,) = up.ask("officer", "GET", f"/orders/{order}")["pending"]
    assert conditions(up, tag) == ["active"], "relaxed by one person alone, it is not"
    up.ask("supervisor", "POST", f"/orders/{order}/changes/{waiting}/approve")
    if killed:
        kill(up)
    until(lambda: conditions(up, tag) == ["ended"], "nothing is judged without authority", SOON_S)
    up.send(fix(2, tag=tag))
    assert conditions(up, tag) == ["ended"]


@pytest.mark.parametrize("killed", [False, True])
def test_a_wearer_added_to_a_group_whose_zone_they_stand_in(up: System, killed: bool) -> None:
    tag = FIRST + 21 + killed
    who, _ = ordered(up, "New Member")
    up.ask("officer", "POST", "/activations", {"wearer": who, "tag": tag, "from": stamp(-3600)})
    group = up.ask("officer", "POST", "/groups", {"name": f"Group {killed}", "wearers": []})["id"]
    in_force(up.ask("officer", "POST", "/zones", circle({"group": group}))["in_force_from"])
    up.send(fix(1, tag=tag))
    assert conditions(up, tag) == []
    edited(up, f"/groups/{group}", {"wearers": [who]})
    if killed:
        kill(up)
    until(lambda: conditions(up, tag) == ["active"], "the group's zone applies to them", SOON_S)
    up.send(fix(2, tag=tag, north_m=RADIUS_M + 500, at=stamp(60)))
    assert conditions(up, tag) == ["ended"]
