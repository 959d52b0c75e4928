"""What API tests need to be there: a wearer with a tag, an order and a zone, alerts as a worker writes them, stored fixes."""

from typing import Any

import numpy as np

from model.fix import FIX, Quality, empty_fixes
from model.instant import SECOND_US, parse
from store.feed import edit
from store.pool import Store
from tests.api.client import Api

TAG = 356307042441013
AT_US = parse("2026-11-22T08:00:00Z")


async def wearer(api: Api, name: str = "Test Wearer", tag: int = TAG) -> dict[str, Any]:
    """A monitored wearer with a tag: ids of each."""
    person = await api.make("/wearers", {"name": name})
    order = await api.make(
        "/orders", {"wearer": person["id"], "type": "bail", "timezone": "Europe/London", "starts": "2026-01-01T00:00:00Z"}
    )
    fitted = await api.make("/activations", {"wearer": person["id"], "tag": tag, "from": "2026-01-01T00:00:00Z"})
    return {"wearer": person["id"], "order": order["id"], "activation": fitted["id"], "tag": tag}


async def relaxed(api: Api, order: int, body: dict[str, Any], version: int = 1) -> None:
    """A variation that relaxes an order, proposed and approved."""
    assert (await api.patch(f"/orders/{order}", body, version)).status == 202
    (change,) = (await api.get(f"/orders/{order}")).json["pending"]
    assert (await api.post(f"/orders/{order}/changes/{change}/approve", role="supervisor")).status == 200


def circle(applies_to: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """A zone to send."""
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [-2.98, 53.4]},
        "properties": {"name": "School", "radius_m": 300, "applies_to": applies_to, **properties},
    }


async def zone(api: Api, wearer_id: int, **properties: Any) -> int:
    """A zone of a wearer's; its id."""
    made = await api.make("/zones", circle({"wearer": wearer_id}, **properties))
    return int(made["id"])


async def settings(api: Api, numbers: dict[str, Any], **place: Any) -> None:
    """Numbers set in a place, by two people where they ask less."""
    path = "/settings?" + "&".join(f"{name}={value}" for name, value in place.items())
    version = (await api.get(path)).json["version"]
    answer = await api.call("PUT", path, "supervisor", {"numbers": numbers}, headers={"If-Match": f'"{version}"'})
    if answer.status == 202:
        answer = await api.post(f"/changes/{answer.json['id']}/approve", role="admin")
    assert answer.status == 200, answer.body


def fix(at_us: int = AT_US, tag: int = TAG, lon: float = -2.98, lat: float = 53.4) -> Any:
    """(1,) FIX."""
    row = empty_fixes(1)
    row["tag"], row["fix_at_us"], row["received_us"] = tag, at_us, at_us + SECOND_US
    row["lon"], row["lat"], row["accuracy_m"], row["quality"] = lon, lat, 6.0, Quality.OK
    return row


async def alert(
    store: Store,
    who: dict[str, Any],
    zone_id: int,
    *,
    severity: int = 1,
    kind: str = "exclusion",
    event_us: int = AT_US,
    due_s: int = 120,
) -> int:
    """An alert as a worker's commit leaves it, feed entry, history and evidence included; its id."""
    async with edit(store) as change:
        number: int = await change.connection.fetchval(
            """INSERT INTO alert (wearer, family, zone, kind, severity, condition, confidence, late, tag, zone_version,
                 monitoring_order, event_at, detected_at, occurrences, calls, due_acknowledge, due_contact, due_decision,
                 raised_seq)
               VALUES ($1, $2, $3, $2, $4, 'active', 'definite', false, $5, 1, $6, $7, $7, 1, 1, $8, $9, $10, 0) RETURNING id""",
            who["wearer"],
            kind,
            zone_id,
            severity,
            who["tag"],
            who["order"],
            event_us,
            event_us + due_s * SECOND_US,
            event_us + 2 * due_s * SECOND_US,
            event_us + 3 * due_s * SECOND_US,
        )
        change.entry("alert", number, "opened")
        change.numbered(
            """INSERT INTO alert_history (alert, position, part, at, what, text, details)
               VALUES ($2, $1, 0, $3, 'opened', 'Inside School.', $4)""",
            number,
            event_us,
            {"late": False, "ended_us": None, "event_at_us": event_us},
        )
        change.numbered(
            """INSERT INTO alert_evidence (alert, position, part, fixes, zone, zone_version, distance_m)
               VALUES ($2, $1, 0, $3, $4, 1, -35.2)""",
            number,
            fix(event_us, who["tag"]).tobytes(),
            zone_id,
        )
    return number


async def occurs_again(store: Store, alert_id: int) -> None:
    """Another occurrence on the row, as a worker writes it."""
    async with edit(store) as change:
        await change.connection.execute(
            """UPDATE alert SET occurrences = occurrences + 1, calls = calls + 1, condition_version = condition_version + 1
               WHERE id = $1""",
            alert_id,
        )
        change.entry("alert", alert_id, "opened")
        change.numbered(
            """INSERT INTO alert_history (alert, position, part, at, what, text, details)
               VALUES ($2, $1, 0, $3, 'opened', 'Inside School again.', $4)""",
            alert_id,
            AT_US,
            {"due_acknowledge_us": AT_US},
        )


async def condition(store: Store, alert_id: int, what: str) -> None:
    """The machine's axis moves on: ended or withdrawn."""
    async with edit(store) as change:
        await change.connection.execute(
            "UPDATE alert SET condition = $2, condition_version = condition_version + 1 WHERE id = $1", alert_id, what
        )
        change.entry("alert", alert_id, what)


async def fixes(store: Store, rows: Any) -> None:
    """Store (n,) FIX rows, making the days they need."""
    assert rows.dtype == FIX
    for day in sorted({int(us) // 86_400_000_000 for us in rows["fix_at_us"]}):
        await store.pool.execute(
            f"""CREATE TABLE IF NOT EXISTS fix_test_{day} PARTITION OF fix
                FOR VALUES FROM ('epoch'::timestamptz + {day} * interval '1 day')
                TO ('epoch'::timestamptz + {day + 1} * interval '1 day')"""
        )
    await store.pool.execute("INSERT INTO gateway (name) VALUES ('gw-1') ON CONFLICT DO NOTHING")
    gateway = await store.pool.fetchval("SELECT id FROM gateway WHERE name = 'gw-1'")
    columns = ("tag", "fix_at", "received_at", "seq", "lon", "lat", "accuracy_m", "speed_mps", "heading_deg", "hdop")
    columns += ("gateway", "flags", "source", "quality", "battery_pct", "satellites")
    rows = rows.copy()
    rows["gateway"] = gateway
    await store.pool.copy_records_to_table("fix", records=[tuple(row) for row in rows.tolist()], columns=list(columns))


def track(count: int, *, tag: int = TAG, from_us: int = AT_US, step_s: int = 60) -> Any:
    """(count,) FIX, one a minute."""
    rows = np.concatenate([fix(from_us + i * step_s * SECOND_US, tag, -2.98 + i * 1e-5) for i in range(count)])
    rows["seq"] = np.arange(count)
    return rows
