"""Orders as they are: statuses by whose word and from when, relaxed by two people only, what came after them sealed."""

import time
from typing import Any

from model.instant import DAY_US, HOUR_US, MINUTE_US, show
from tests.api import given
from tests.api.client import Answer, Api
from tests.store import told


async def patched(api: Api, order: int, body: dict[str, Any], role: str = "officer") -> Answer:
    tag = (await api.get(f"/orders/{order}")).headers["ETag"].strip('"')
    return await api.patch(f"/orders/{order}", body, tag, role)


async def monitored(api: Api) -> bool:
    return bool((await told.load(api.store)).monitored)


async def test_what_relaxes_an_order_waits_for_a_second_person(api: Api) -> None:
    who = await given.wearer(api)
    order = who["order"]
    asked = await patched(api, order, {"status": "completed", "words": "Sentence served."})
    assert asked.status == 202
    assert (asked.json["status"], asked.json["pending"]) == ("active", [1])
    assert await monitored(api), "nothing is done yet"
    (change,) = (await api.get(f"/orders/{order}/changes")).json["items"]
    assert (change["state"], change["relaxes"]) == ("waiting", ["monitoring would stop: completed"])
    assert (change["words"], change["proposed_by"]["name"]) == ("Sentence served.", "officer")
    assert (await api.post(f"/orders/{order}/changes/1/approve", role="officer")).status == 403
    done = await api.post(f"/orders/{order}/changes/1/approve", {"words": "Letter seen."}, "supervisor")
    assert done.status == 200, done.body
    assert (done.json["status"], done.json["pending"]) == ("completed", [])
    (span,) = (await told.load(api.store)).monitored
    assert span.to_us < 2**62, "in force a second after it was approved"
    assert (await api.post(f"/orders/{order}/changes/1/approve", role="admin")).status == 409
    (change,) = (await api.get(f"/orders/{order}/changes")).json["items"]
    assert (change["state"], change["decided_by"]["name"]) == ("applied", "supervisor")
    assert change["words"] == "Sentence served. / Letter seen."
    audited = [item["action"] for item in (await api.get(f"/audit?subject=order/{order}")).json["items"]]
    assert audited == ["edited", "approved", "proposed", "created"]


async def test_what_waits_of_all_orders_is_one_list(api: Api) -> None:
    one, other = await given.wearer(api), await given.wearer(api, "Other", 42)
    assert (await api.get("/orders/changes", "supervisor")).json == {"items": [], "next": None}
    for who in (one, other):
        assert (await api.patch(f"/orders/{who['order']}", {"status": "completed"}, 1, "officer")).status == 202
    listed = (await api.get("/orders/changes", "supervisor")).json["items"]
    assert [(item["order"], item["wearer_name"], item["overtaken"]) for item in listed] == [
        (one["order"], "Test Wearer", False), (other["order"], "Other", False),
    ]  # fmt: skip
    first = listed[0]
    assert (first["fields"], first["before"], first["proposed_by"]["name"]) == (
        {"status": "completed"}, {"status": "active"}, "officer",
    )  # fmt: skip
    await api.patch(f"/orders/{other['order']}", {"risk": "high"}, 1, "officer")
    await api.post(f"/orders/{one['order']}/changes/1/approve", role="supervisor")
    listed = (await api.get("/orders/changes", "supervisor")).json["items"]
    assert [(item["order"], item["overtaken"]) for item in listed] == [(other["order"], True)]


async def test_nobody_is_their_own_second_person(api: Api) -> None:
    order = (await given.wearer(api))["order"]
    assert (await patched(api, order, {"ends": "2026-06-01T00:00:00Z"}, "supervisor")).status == 202
    own = await api.post(f"/orders/{order}/changes/1/approve", role="supervisor")
    assert own.status == 409
    assert "second person" in own.json["detail"]
    assert (await api.post(f"/orders/{order}/changes/1/approve", role="admin")).json["ends"] == "2026-06-01T00:00:00Z"


async def test_a_release_that_is_known_ahead_is_not_taken_back_by_one_person(api: Api) -> None:
    """The status of now does not change; the authority of Friday would."""
    order = (await given.wearer(api))["order"]
    await given.relaxed(api, order, {"status": "in_custody"})
    ahead = show(time.time_ns() // 1000 + 3 * DAY_US)
    assert (await patched(api, order, {"status": "active", "in_force_from": ahead})).status == 200
    spans = (await told.load(api.store)).monitored
    assert len(spans) == 2, "until custody, and from the release"
    again = await patched(api, order, {"status": "completed", "in_force_from": ahead})
    assert again.status == 202
    assert (await told.load(api.store)).monitored == spans, "nothing is done yet"
    change = (await api.get(f"/orders/{order}/changes")).json["items"][-1]
    assert change["relaxes"][0].startswith("monitoring would stop from "), change


async def test_another_type_and_another_clock_for_its_curfews_wait_too(api: Api) -> None:
    """The type says what needs a second person: who may change it alone may do all the rest alone."""
    who = await given.wearer(api)
    assert (await patched(api, who["order"], {"timezone": "Europe/Paris"})).status == 200, "there is no curfew yet"
    home = await given.zone(api, who["wearer"], kind="home", radius_m=75)
    nights = [{"days": ["fri"], "from": "19:00", "to": "07:00"}]
    await api.make("/curfews", {"order": who["order"], "home": home, "windows": nights})
    for body in ({"timezone": "Pacific/Auckland"}, {"type": "licence"}):
        asked = await patched(api, who["order"], body)
        assert (asked.status, asked.json["timezone"], asked.json["type"]) == (202, "Europe/Paris", "bail"), body


async def test_a_refused_variation_leaves_the_order_as_it_is(api: Api) -> None:
    order = (await given.wearer(api))["order"]
    await patched(api, order, {"status": "revoked"})
    refused = await api.post(f"/orders/{order}/changes/1/refuse", {"words": "No letter."}, "supervisor")
    assert (refused.json["status"], refused.json["pending"], refused.json["version"]) == ("active", [], 1)
    assert await monitored(api)


async def test_an_order_that_changed_since_is_proposed_again(api: Api) -> None:
    order = (await given.wearer(api))["order"]
    await patched(api, order, {"status": "revoked"})
    assert (await patched(api, order, {"risk": "high"})).status == 200
    stale = await api.post(f"/orders/{order}/changes/1/approve", role="supervisor")
    assert stale.status == 409
    assert "has changed since" in stale.json["detail"]
    assert (await api.post(f"/orders/{order}/changes/9/approve", role="supervisor")).status == 404


async def test_what_tightens_is_done_at_once_and_written_down(api: Api) -> None:
    order = (await given.wearer(api))["order"]
    body = {"status": "unlawfully_at_large", "authorised_by": "Duty governor", "document": "UAL 7", "risk": "high"}
    done = await patched(api, order, body)
    assert (done.status, done.json["status"], done.json["risk"]) == (200, "unlawfully_at_large", "high")
    assert await monitored(api)
    first, second = (await api.get(f"/orders/{order}/statuses")).json["items"]
    assert (first["status"], first["in_force_from"]) == ("active", "2026-01-01T00:00:00Z")
    assert (second["authorised_by"], second["document"], second["recorded_by"]["name"]) == ("Duty governor", "UAL 7", "officer")
    (change,) = (await api.get(f"/orders/{order}/changes")).json["items"]
    assert (change["state"], change["before"]) == ("applied", {"status": "active", "risk": "standard"})


async def test_a_status_that_is_recorded_later_holds_from_when_it_says(api: Api) -> None:
    """Two times: from when it holds, and when we were told of it."""
    who = await given.wearer(api)
    held = {"status": "in_custody", "in_force_from": show(given.AT_US), "recheck_at": show(given.AT_US + 24 * HOUR_US)}
    assert (await patched(api, who["order"], held)).status == 202
    await api.post(f"/orders/{who['order']}/changes/1/approve", role="supervisor")
    (span,) = (await told.load(api.store)).monitored
    assert span.to_us == given.AT_US
    _, status = (await api.get(f"/orders/{who['order']}/statuses")).json["items"]
    assert status["in_force_from"] == held["in_force_from"] < status["recorded_at"]
    assert status["recheck_at"] == held["recheck_at"]


async def test_fixes_after_the_end_of_authority_are_shown_to_nobody(api: Api) -> None:
    who = await given.wearer(api)
    await given.fixes(api.store, given.track(20))
    after = given.AT_US + 10 * MINUTE_US
    await patched(api, who["order"], {"status": "in_custody", "in_force_from": show(after)})
    span = f"from={show(given.AT_US)}&to={show(given.AT_US + HOUR_US)}"

    async def seen(whose: str) -> int:
        return len((await api.get(f"/fixes?{whose}&{span}")).json["features"])

    assert await seen(f"wearer={who['wearer']}") == await seen(f"tag={given.TAG}") == 20
    await api.post(f"/orders/{who['order']}/changes/1/approve", role="supervisor")
    assert await seen(f"wearer={who['wearer']}") == await seen(f"tag={given.TAG}") == 10
    assert (await api.get(f"/tags/{given.TAG}")).json["last"]["fix_at"] == show(after - MINUTE_US)
    # Another order of theirs allows what the first does not any more; no point twice where both do.
    again = {"wearer": who["wearer"], "type": "licence", "timezone": "Europe/London", "starts": show(given.AT_US + 5 * MINUTE_US)}
    await api.make("/orders", again)
    assert await seen(f"wearer={who['wearer']}") == await seen(f"tag={given.TAG}") == 20


async def test_a_stranger_s_tag_is_nobody_s_to_hide(api: Api) -> None:
    await given.fixes(api.store, given.track(3, tag=99))
    found = (await api.get(f"/fixes?tag=99&from={show(given.AT_US)}&to={show(given.AT_US + HOUR_US)}")).json
    assert len(found["features"]) == 3


async def test_an_order_is_made_with_what_was_decided_already(api: Api) -> None:
    who = await given.wearer(api)
    body = {
        "wearer": who["wearer"], "type": "licence", "timezone": "Europe/London", "starts": "2026-03-01T00:00:00Z",
        "status": "pending", "authorised_by": "Parole Board", "fit_by": "2026-03-02T00:00:00Z",
        "statuses": [{"status": "active", "in_force_from": "2026-03-05T00:00:00Z", "document": "licence 9"}],
    }  # fmt: skip
    made = await api.make("/orders", body)
    assert (made["status"], made["fit_by"], made["organisation"]) == ("active", body["fit_by"], 1)
    said = (await api.get(f"/orders/{made['id']}/statuses")).json["items"]
    assert [(one["number"], one["status"], one["authorised_by"], one["document"]) for one in said] == [
        (1, "pending", "Parole Board", None),
        (2, "active", None, "licence 9"),
    ]
    listed = (await api.get("/orders?status=active")).json["items"]
    assert made["id"] in [item["id"] for item in listed]


async def test_every_refusal_says_what_to_do(api: Api) -> None:
    order = (await given.wearer(api))["order"]
    wrong: list[tuple[dict[str, Any], int, str]] = [
        ({"authorised_by": "Court"}, 422, "send status as well"),
        ({"status": None}, 422, "cannot be taken away"),
        ({"officer": 999}, 422, "there is no account 999"),
        ({"ends": "2025-01-01T00:00:00Z"}, 409, "would end before it starts"),
        ({"wearer": 999}, 409, "another wearer's"),
    ]
    for body, status, words in wrong:
        answer = await patched(api, order, body)
        assert (answer.status, words in answer.json["detail"]) == (status, True), (body, answer.body)
    assert (await api.get(f"/orders/{order}/changes")).json["items"] == []
    assert (await api.get("/orders/999/statuses")).status == (await api.get("/orders/999/changes")).status == 404
