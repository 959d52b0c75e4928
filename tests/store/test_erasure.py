"""An erased wearer is a number: no name is left, everything still fits, and a hold or an order stands in the way."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from store import erasure, holds, wearers
from store.feed import edit
from store.holds import Subject
from store.pool import Store
from store.refusal import ConflictError, MissingError
from tests.api import given
from tests.api.client import MISSING_CONSOLE, Api, serving

NAME = "Jane Doe"


@pytest_asyncio.fixture
async def api(database: str, store: Store) -> AsyncIterator[Api]:
    async with serving(database, store, console=MISSING_CONSOLE) as running:
        yield running


async def erase(store: Store, wearer: int) -> None:
    async with edit(store) as change:
        await erasure.erase(change, wearer, "data protection officer", "request 7")


async def end_orders(store: Store) -> None:
    await store.pool.execute("UPDATE monitoring_order SET status = 'completed', ends = now()")


async def test_nothing_names_an_erased_wearer_and_alerts_are_whole(api: Api) -> None:
    who = await given.wearer(api, NAME)
    zone = await given.zone(api, who["wearer"], name=f"Home of {NAME}")
    alert = await given.alert(api.store, who, zone)
    before = (await api.get(f"/alerts/{alert}")).json
    await api.store.pool.execute(
        """INSERT INTO alert_history (alert, position, part, at, actor, what, text)
           SELECT $1, 99, 0, now(), min(id), 'note', $2 FROM account""",
        alert,
        f"{NAME} says it was a mistake",
    )
    home = await given.zone(api, who["wearer"], kind="home")
    windows = [{"days": ["mon"], "from": "19:00", "to": "07:00"}]
    curfew = await api.make("/curfews", {"order": who["order"], "home": home, "windows": windows})
    away = {"from": "2026-03-23T19:00:00Z", "to": "2026-03-23T20:00:00Z", "authoriser": NAME, "reason": f"{NAME} works."}
    await api.make("/absences", {"curfew": curfew["id"], **away})
    window = {"from": "2026-11-22T09:00:00Z", "to": "2026-11-22T12:00:00Z"}
    left = {"signed_in": window["from"], "signed_out": window["to"], "outcome": "no_access", "remark": f"{NAME} was out"}
    visit = await api.make(
        "/visits", {"wearer": who["wearer"], "kind": "inspect", "note": f"{NAME} works nights", **window, **left}
    )
    await end_orders(api.store)
    await erase(api.store, who["wearer"])
    person = await wearers.get(api.store, who["wearer"])
    assert (person["name"], person["details"], person["version"]) == ("redacted", {}, 2)
    after = await api.get(f"/alerts/{alert}")
    assert after.status == 200
    assert NAME not in after.body.decode()
    assert {key: after.json[key] for key in ("kind", "severity", "event_at", "evidence", "wearer_id")} == {
        key: before[key] for key in ("kind", "severity", "event_at", "evidence", "wearer_id")
    }
    assert {row["what"]: row["text"] for row in after.json["history"]} == {"opened": "Inside School.", "note": "redacted"}
    for path in (
        f"/zones/{zone}",
        f"/wearers/{who['wearer']}",
        f"/visits/{visit['id']}",
        f"/activations?wearer={who['wearer']}",
        "/alerts",
        "/absences",
    ):
        assert NAME not in (await api.get(path)).body.decode(), path
    audited = await api.store.pool.fetchrow("SELECT subject, details->>'reason' FROM audit WHERE action = 'erased'")
    assert tuple(audited) == (f"wearer/{who['wearer']}", "request 7")
    await erase(api.store, who["wearer"])


async def test_a_hold_or_an_order_prevents_it(api: Api) -> None:
    who = await given.wearer(api, NAME)
    with pytest.raises(ConflictError, match="has not ended"):
        await erase(api.store, who["wearer"])
    await end_orders(api.store)
    async with edit(api.store) as change:
        hold = await holds.place(change, Subject("order", who["order"]), "Court", "appeal")
    with pytest.raises(ConflictError, match=f"under hold {hold}"):
        await erase(api.store, who["wearer"])
    assert (await wearers.get(api.store, who["wearer"]))["name"] == NAME
    with pytest.raises(MissingError):
        await erase(api.store, 99)
