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
    left = {
        "signed_in": window["from"],
        "signed_out": window["to"],
        "outcome": "no_access",
        "remark": f"{NAME} was out",
    }
    visit = await api.make(
        "/visits", {"wearer": who["wearer"], "kind": "inspect", "note": f"{NAME} works nights", **window, **left}
    )
    word = {"status": "unlawfully_at_large", "authorised_by": f"Sister of {NAME}", "document": f"letter on {NAME}"}
    assert (await api.patch(f"/orders/{who['order']}", word | {"words": f"{NAME} ran."}, 1)).status == 200
    asked = await api.call("PUT", f"/zones/{zone}", "officer", given.circle({"wearer": who["wearer"]}, name=NAME, radius_m=9),
                           headers={"If-Match": '"1"'})  # fmt: skip
    assert asked.status == 202
    long = {"from": "2026-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"}
    assert (await api.post("/absences", {"curfew": curfew["id"], **away, **long}, "officer")).status == 202
    accounts = [row["id"] for row in await api.store.pool.fetch("SELECT id FROM account ORDER BY id LIMIT 2")]
    await api.store.pool.execute(
        """INSERT INTO transfer (from_account, to_account, orders, note, requested_by)
           VALUES ($1, $2, ARRAY[$3::bigint], $4, $1)""",
        *accounts,
        who["order"],
        f"{NAME} moves",
    )
    await api.store.pool.execute(
        "INSERT INTO handover (from_account, to_account, alerts, note) VALUES ($1, $2, ARRAY[$3::bigint], $4)",
        *accounts,
        alert,
        f"{NAME} called",
    )
    call = await api.make("/contacts", {"wearer": who["wearer"], "person": "wearer", "outcome": "no_answer"})
    await api.store.pool.execute(
        "INSERT INTO handover (from_account, to_account, alerts, calls, note) VALUES ($1, $2, '{}', ARRAY[$3::bigint], $4)",
        *reversed(accounts),
        call["id"],
        f"Ring {NAME}'s mother",
    )
    await end_orders(api.store)
    await erase(api.store, who["wearer"])
    tables = (
        "order_status",
        "order_change",
        "waiting_change",
        "transfer",
        "handover",
        "visit_attempt",
        "absence",
        "pause",
        "contact",
    )
    for table in tables:
        left = await api.store.pool.fetch(f"SELECT to_jsonb(t)::text AS row FROM {table} t")
        assert not [row["row"] for row in left if NAME in row["row"]], table
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
