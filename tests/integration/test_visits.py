"""Work at the door, through a real instance: the worker killed in the middle of the visit forgets none of it."""

import pytest

from tests.integration.system import stamp, system, until
from tests.integration.world import fix

pytestmark = [pytest.mark.serial, pytest.mark.xdist_group("kills")]

TAG = 356307042465001


def test_a_strap_opened_at_the_door_is_told_at_an_unproven_sign_out_and_ended_by_an_inspection() -> None:
    with system() as up:
        up.start()
        up.people("officer", "operator", "field")

        def alerts() -> list[tuple[str, str, str]]:
            found = up.ask("operator", "GET", "/alerts?state=all&kind=strap")["items"]
            return [(alert["kind"], alert["severity"], alert["condition"]) for alert in found]

        def patched(visit: int, body: dict[str, object]) -> None:
            tag = up.call("field", "GET", f"/visits/{visit}").headers["ETag"]
            answer = up.call("field", "PATCH", f"/visits/{visit}", body, headers={"If-Match": tag})
            assert answer.status == 200, answer.body

        def signed_in(visit: int) -> None:
            patched(visit, {"signed_in": stamp(-1)})

        def signed_out(visit: int, *, proven: bool) -> None:
            patched(visit, {"signed_out": stamp(), "outcome": "done", "strap_proven": proven})

        wearer = int(up.ask("officer", "POST", "/wearers", {"name": "At Home"})["id"])
        order = {"wearer": wearer, "type": "bail", "timezone": "Europe/London", "starts": stamp(-7200), "status": "active"}
        up.ask("officer", "POST", "/orders", order)
        up.ask("officer", "POST", "/activations", {"wearer": wearer, "tag": TAG, "from": stamp(-3600)})
        up.send(fix(1, tag=TAG))
        plan = {"wearer": wearer, "kind": "inspect", "tag": TAG, "from": stamp(-60), "to": stamp(3600)}
        first, second = (int(up.ask("operator", "POST", "/visits", plan)["id"]) for _ in range(2))

        signed_in(first)
        up.send(events=[{"tag": TAG, "kind": "strap_tamper", "at": stamp()}])
        up.wait_for_another("worker", up.kill("worker"))
        # The clock runs on by far more than ten seconds of lane time: a message of its own would say so.
        up.send(fix(2, tag=TAG, at=stamp(15)))
        assert alerts() == []
        until(lambda: up.ask("field", "GET", f"/visits/{first}")["joined"], "the visit shows what joined it")
        signed_out(first, proven=False)
        until(lambda: alerts() == [("strap", "P1", "active")], "unproven at sign-out", 30.0)
        signed_in(second)
        signed_out(second, proven=True)
        until(lambda: alerts() == [("strap", "P1", "ended")], "proven by the next visit", 30.0)
        (alert,) = up.ask("operator", "GET", "/alerts?state=all&kind=strap")["items"]
        history = up.ask("operator", "GET", f"/alerts/{alert['id']}")["history"]
        assert f"visit {second} by field" in history[-1]["text"]
