"""Escalation chains: the built-in one, an order's own, and what cannot be one; what is overdue or nobody's is found."""

from typing import Any

from tests.api import given
from tests.api.client import Api

HOURS = {"windows": [{"days": ["mon", "tue"], "from": "09:00", "to": "17:00"}], "exceptions": []}
CHAIN: dict[str, Any] = {
    "timezone": "Europe/London",
    "office": HOURS,
    "levels": [{"office": "duty_officer", "otherwise": "police"}],
    "repeat_min": 15,
}


async def test_there_is_one_for_all_orders(api: Api) -> None:
    [built_in] = (await api.get("/escalations", "operator")).json["items"]
    assert (built_in["order"], built_in["timezone"], built_in["repeat_min"]) == (None, "Europe/London", 10)
    assert built_in["levels"][0] == {"office": "duty_officer", "otherwise": "duty_manager"}
    one = await api.get(f"/escalations/{built_in['id']}", "engineer")
    assert (one.json, one.headers["ETag"]) == (built_in, '"1"')


async def test_an_order_may_have_its_own(api: Api) -> None:
    who = await given.wearer(api)
    made = await api.post("/escalations", CHAIN | {"order": who["order"]}, "supervisor", headers={"Idempotency-Key": "k"})
    assert made.status == 201
    assert made.json == CHAIN | {
        "order": who["order"],
        "id": made.json["id"],
        "version": 1,
        "created_at": made.json["created_at"],
    }
    again = await api.post("/escalations", CHAIN | {"order": who["order"]}, "supervisor", headers={"Idempotency-Key": "k"})
    assert again.body == made.body
    assert (await api.post("/escalations", CHAIN | {"order": who["order"]})).status == 409
    assert (await api.get(f"/escalations?order={who['order']}")).json["items"] == [made.json]
    other = await given.wearer(api, "Other", 42)
    [holds] = (await api.get(f"/escalations?order={other['order']}")).json["items"]
    assert holds["order"] is None
    assert [item["order"] for item in (await api.get("/escalations")).json["items"]] == [None, who["order"]]


async def test_a_chain_is_changed_by_who_has_read_it(api: Api) -> None:
    [built_in] = (await api.get("/escalations")).json["items"]
    path = f"/escalations/{built_in['id']}"
    assert (await api.call("PATCH", path, "supervisor", {"repeat_min": 5})).status == 428
    changed = await api.patch(path, {"repeat_min": 5}, 1, "supervisor")
    assert (changed.json, changed.headers["ETag"]) == (built_in | {"repeat_min": 5, "version": 2}, '"2"')
    assert (await api.patch(path, {"repeat_min": 6}, 1)).status == 412
    assert (await api.patch("/escalations/999", {"repeat_min": 6}, 1)).status == 404
    [noted, *_] = (await api.get(f"/audit?subject=escalation/{built_in['id']}")).json["items"]
    assert (noted["action"], noted["actor"]["name"], noted["details"]["repeat_min"]) == ("edited", "supervisor", 5)


async def test_what_cannot_be_a_chain_is_refused_in_words(api: Api) -> None:
    who = await given.wearer(api)
    whole = CHAIN | {"order": who["order"]}
    twice = {"windows": HOURS["windows"] * 2}
    for more, field in (
        ({"order": 999}, "order"),
        ({"order": None}, "order"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"levels": []}, "levels"),
        ({"levels": [{"office": "dog", "otherwise": "police"}]}, "levels.0.office"),
        ({"repeat_min": 0}, "repeat_min"),
        ({"office": twice}, "office"),
        ({"office": {"windows": [{"days": ["mon"], "from": "9", "to": "17:00"}]}}, "office"),
    ):
        answer = await api.post("/escalations", whole | more)
        assert answer.status == 422, more
        assert answer.json["errors"][0]["field"] == field, answer.json
    [built_in] = (await api.get("/escalations")).json["items"]
    for patch, field in (({"office": twice}, "office"), ({"levels": None}, "levels"), ({"order": 1}, "order")):
        answer = await api.patch(f"/escalations/{built_in['id']}", patch, 1)
        assert (answer.status, answer.json["errors"][0]["field"]) == (422, field)


async def test_an_office_may_never_be_open(api: Api) -> None:
    who = await given.wearer(api)
    await api.make("/escalations", CHAIN | {"order": who["order"], "office": {"windows": []}})


async def test_what_is_overdue_and_what_nobody_owns_is_found(api: Api) -> None:
    who = await given.wearer(api)
    late = await given.alert(api.store, who, 1)
    early = await given.alert(api.store, who, 2)
    await api.store.pool.execute(
        """UPDATE alert SET due_acknowledge = now() + interval '1 h', due_contact = NULL, due_decision = NULL WHERE id = $1""",
        early,
    )
    owned = await given.alert(api.store, who, 3)
    await api.post(f"/alerts/{owned}/acknowledge")

    async def ids(query: str) -> set[int]:
        return {item["id"] for item in (await api.get(f"/alerts?{query}", "operator")).json["items"]}

    assert await ids("overdue=true") == {late, owned}
    assert await ids("unowned=true") == {late, early}
    assert await ids("unowned=true&overdue=true") == {late}
