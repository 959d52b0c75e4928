"""What a tag says of itself besides: that a strap is closed again, and how near an approach came."""

from typing import Any

from model.instant import MINUTE_US, show
from tests.api import given
from tests.api.client import Api


async def occurrence(api: Api, alert: int, tag: int, at_us: int, cleared_us: int | None) -> None:
    """One that goes on, as a worker's commit leaves it, with what its history says last."""
    await api.store.pool.execute(
        """INSERT INTO alert_occurrence (alert, tag, occurrence, kind, severity, confidence, late, event_at, detected_at,
               withdrawn, zone_version, monitoring_order)
           VALUES ($1, $2, $3, 'strap', 1, 'definite', false, $3, $3, false, 0, 0)""",
        *(alert, tag, at_us),
    )
    for cleared in (None, *([] if cleared_us is None else [cleared_us])):
        details: dict[str, Any] = {"tag": tag, "occurrence_us": at_us} | ({} if cleared is None else {"cleared_us": cleared})
        await api.store.pool.execute(
            """INSERT INTO alert_history (alert, position, part, at, what, text, details)
               SELECT $1, max(position) + 1, 0, $2, 'amended', '', $3 FROM alert_history""",
            *(alert, at_us if cleared is None else cleared, details),
        )


async def listed(api: Api, alert: int) -> Any:
    (item,) = [item for item in (await api.get("/alerts")).json["items"] if item["id"] == alert]
    assert item["cleared_at"] == (await api.get(f"/alerts/{alert}")).json["cleared_at"]
    return item


async def test_a_strap_says_when_it_was_closed_again_and_stays_active(api: Api) -> None:
    who = await given.wearer(api)
    alert = await given.alert(api.store, who, 0, kind="strap")
    await occurrence(api, alert, who["tag"], given.AT_US, given.AT_US + MINUTE_US)
    item = await listed(api, alert)
    assert (item["cleared_at"], item["condition"]) == (show(given.AT_US + MINUTE_US), "active")
    await occurrence(api, alert, 99, given.AT_US + 2 * MINUTE_US, None)
    assert (await listed(api, alert))["cleared_at"] is None, "a second tag's strap is open still"
    await api.store.pool.execute("UPDATE alert_occurrence SET ended_at = now() WHERE tag = 99")
    assert (await listed(api, alert))["cleared_at"] == item["cleared_at"]
    await api.store.pool.execute("UPDATE alert SET condition = 'ended', ended_at = now() WHERE id = $1", alert)
    assert (await listed(api, alert))["cleared_at"] is None, "inspected"


async def test_only_an_approach_says_how_near(api: Api) -> None:
    who = await given.wearer(api)
    zone = await given.zone(api, who["wearer"])
    near, inside = [await given.alert(api.store, who, zone, kind=kind) for kind in ("approach", "exclusion")]
    assert (await listed(api, inside))["nearest_m"] is None
    await api.store.pool.execute("UPDATE alert_evidence SET distance_m = 1270.5 WHERE alert = $1", near)
    assert (await listed(api, near))["nearest_m"] == 1270.5
