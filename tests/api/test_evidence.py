"""The evidence of an alert: what it was judged by, and the same verdict again, or not."""

from tests.api.client import Api
from tests.cordon.judged import Watched, at, days
from tests.store.fake import START_US


async def test_all_it_was_judged_by_and_the_same_verdict_again(api: Api) -> None:
    await days(api.store, 1)
    await api.post("/alerts/1/acknowledge", {"note": "seen"}, "operator")
    answer = await api.get("/alerts/1/evidence", "auditor")
    assert answer.status == 200
    said = answer.json
    assert said["equal"] is True
    opened, ended = said["judged"]
    assert opened["recorded"] == opened["again"]
    assert opened["recorded"] | {"distance_m": None} == {
        "what": "opened",
        "kind": "exclusion",
        "severity": "P1",
        "zone_version": 1,
        "event_at": "2026-03-20T09:46:40Z",
        "ended_at": None,
        "late": False,
        "distance_m": None,
    }
    (fix,) = opened["fixes"]
    assert (fix["says"], fix["judged_at"], round(fix["distance_m"])) == ("inside", "2026-03-20T09:46:40Z", -260)
    assert (ended["equal"], ended["again"]["ended_at"]) == (True, "2026-03-20T09:47:40Z")
    link = await api.store.pool.fetchval("SELECT link FROM commit_link WHERE commit_no = 1")
    assert opened["chain"] == {"lane": 0, "commit": 1, "at": "2026-03-20T09:46:40Z", "link": link.hex(), "head": None}
    (zone,) = said["zones"]
    assert (zone["id"], zone["version"], zone["feature"]["geometry"]["coordinates"]) == (1, 1, [0.0, 51.5])
    assert [order["id"] for order in said["orders"]] == [1]
    assert [fitted["tag"] for fitted in said["fitted"]] == [1]
    assert (said["rules"]["leave_fixes"], said["clocks"]["P1"]["acknowledge_min"]) == (2, 2)
    assert [entry["what"] for entry in said["history"]] == ["opened", "ended", "acknowledged"]
    assert [(look["actor"]["name"], look["action"]) for look in said["looked"]] == [("operator", "acknowledged")]
    again = (await api.get("/alerts/1/evidence", "supervisor")).json
    assert [look["action"] for look in again["looked"]] == ["acknowledged", "read evidence"]


async def test_a_signed_day_is_named_with_its_key(api: Api) -> None:
    from store import heads
    from store.heads import Signed

    await days(api.store, 1)
    for head in await heads.unsigned(api.store):
        await heads.keep(api.store, Signed(head, "a1b2", b"\x01\x02"))
    said = (await api.get("/alerts/1/evidence", "officer")).json
    head = said["judged"][0]["chain"]["head"]
    assert (head["day"], head["commit"], head["key"], head["signature"]) == ("2026-03-20", 2, "a1b2", "0102")


async def test_what_does_not_come_out_the_same_is_said(api: Api) -> None:
    await days(api.store, 1)
    await api.store.pool.execute("UPDATE zone_version SET radius_m = 10")
    said = (await api.get("/alerts/1/evidence", "auditor")).json
    assert said["equal"] is False
    opened = said["judged"][0]
    assert opened["equal"] is False
    assert opened["differences"]
    assert opened["recorded"]["kind"] == "exclusion"


async def test_late_data_and_possible_entries_come_out_the_same(api: Api) -> None:
    lane = await Watched.begin(api.store)
    await lane.put(at(-2400, 5000.0), at(0, 5000.0))
    await lane.put(at(60, 310.0, accuracy_m=30.0), at(75, 305.0, accuracy_m=30.0))  # may be inside, twice
    await lane.put(at(135, 900.0), at(195, 900.0))
    late = at(-3000, 20.0)
    late["received_us"] = START_US + 200_000_000  # type: ignore[index]
    await lane.put(late)
    numbers = [row["id"] for row in await api.store.pool.fetch("SELECT id FROM alert ORDER BY id")]
    kinds = set()
    for number in numbers:
        said = (await api.get(f"/alerts/{number}/evidence", "auditor")).json
        assert said["equal"] is True
        kinds |= {(one["recorded"]["what"], one["recorded"]["kind"], one["recorded"]["late"]) for one in said["judged"]}
    assert ("opened", "exclusion_possible", False) in kinds
    assert ("opened", "exclusion", True) in kinds, kinds


async def test_who_may_not_see_fixes_gets_none(api: Api) -> None:
    await days(api.store, 1)
    for role in ("field", "engineer"):
        assert (await api.get("/alerts/1/evidence", role)).status == 403
    assert (await api.get("/alerts/99/evidence", "auditor")).status == 404


async def test_a_pdf_is_refused_in_words_that_say_what_there_is(api: Api) -> None:
    await days(api.store, 1)
    refused = await api.get("/alerts/1/evidence", "auditor", headers={"Accept": "application/pdf"})
    assert (refused.status, refused.headers["Content-Type"]) == (406, "application/problem+json")
    assert refused.json["detail"] == (
        "the evidence is there as application/json alone: ask for that in Accept, a PDF is not made yet"
    )
    looked = "SELECT count(*) FROM audit WHERE action = 'read evidence'"
    assert await api.store.pool.fetchval(looked) == 0, "nobody has seen anything"
    for accept in ("application/pdf, application/json;q=0.5", "*/*", "application/*"):
        assert (await api.get("/alerts/1/evidence", "auditor", headers={"Accept": accept})).status == 200, accept
