"""Authorised absences: recorded before or after, in force a second later, withdrawn and never forgotten."""

from typing import Any

import pytest

from model.instant import MINUTE_US, SECOND_US, parse, show
from store import controls
from tests.api import given
from tests.api.client import Api
from tests.api.test_curfews import curfew, refused
from tests.store import told

DAY = {"from": "2026-03-25T18:00:00Z", "to": "2026-03-25T23:00:00Z"}


@pytest.fixture
async def kept(api: Api) -> int:
    """A curfew's id."""
    who = await given.wearer(api)
    home = await given.zone(api, who["wearer"], kind="home")
    return int((await api.make("/curfews", curfew(who | {"home": home})))["id"])


def absence(kept: int, **fields: Any) -> dict[str, Any]:
    return {"curfew": kept, **DAY, "authoriser": "Court of record", "reason": "Night shift.", **fields}


async def excused(api: Api, around: str) -> list[tuple[str, str]]:
    [read] = (await told.load(api.store, parse(around))).curfews
    return [(show(low), show(high)) for low, high in read.excused]


async def test_an_absence_comes_back_as_it_was_sent(api: Api, kept: int) -> None:
    answer = await api.post("/absences", absence(kept), "officer")
    assert answer.status == 201, answer.json
    saved = answer.json
    assert {name: saved[name] for name in absence(kept)} == absence(kept)
    assert parse(saved["in_force_from"]) - parse(saved["recorded_at"]) >= SECOND_US
    assert saved["recorded_by"]["name"] == "officer"
    assert (await api.get(f"/absences/{saved['id']}")).json == saved
    assert (await api.get(f"/absences?curfew={kept}")).json["items"] == [saved]
    assert (await api.get("/absences?curfew=999")).json["items"] == []
    assert [one["id"] for one in (await api.get("/absences?wearer=1")).json["items"]] == [saved["id"]]


async def test_given_before_it_lifts_all_of_it_and_given_after_nothing_that_was_judged(api: Api, kept: int) -> None:
    recorded = parse((await api.make("/absences", absence(kept)))["in_force_from"])
    assert parse(DAY["to"]) < recorded
    assert await excused(api, DAY["to"]) == []  # long past: the history stays
    ahead = {"from": show(recorded + MINUTE_US), "to": show(recorded + 5 * MINUTE_US)}
    await api.make("/absences", absence(kept, **ahead))
    now = show(recorded)
    assert await excused(api, now) == [(ahead["from"], ahead["to"])]
    running = await api.make("/absences", absence(kept, **{"from": show(recorded - MINUTE_US), "to": ahead["from"]}))
    assert await excused(api, now) == [
        (running["in_force_from"], ahead["to"])
    ]  # from when it was recorded; those that touch are one


async def test_withdrawn_it_lifts_no_more_and_its_row_stays(api: Api, kept: int) -> None:
    ahead = {"from": "2199-03-25T18:00:00Z", "to": "2199-03-25T23:00:00Z"}
    saved = await api.make("/absences", absence(kept, **ahead))
    path = f"/absences/{saved['id']}"
    seq = await controls.seq(api.store)
    assert (await api.call("DELETE", path, "officer")).status == 428
    answer = await api.call("DELETE", path, "officer", headers={"If-Match": '"1"'})
    assert (answer.status, answer.headers["ETag"]) == (200, '"2"')
    assert await controls.seq(api.store) > seq
    assert await excused(api, ahead["from"]) == []
    assert (await api.get("/absences")).json["items"] == [answer.json]
    assert (await api.call("DELETE", path, "officer", headers={"If-Match": '"2"'})).status == 409
    assert (await api.call("DELETE", path, "officer", headers={"If-Match": '"1"'})).status == 412


async def test_what_is_wrong_is_said(api: Api, kept: int) -> None:
    await refused(api, absence(kept, to=DAY["from"]), "", "would end before it starts", "/absences", 409)
    await refused(api, absence(999), "curfew", "there is no curfew 999", "/absences")
    await refused(api, absence(kept, reason=" "), "reason", "reason: ", "/absences")
    assert (await api.post("/absences", absence(kept), "operator")).status == 403
