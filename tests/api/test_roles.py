"""Who may what: every operation by every role, against a table written here anew."""

import re
from typing import Any, Final

import pytest

from api.roles import PERMISSIONS, May, Role, lacking
from api.routes.alerts import WORKING_ROLES
from tests.api import given
from tests.api.client import Api

EVERYONE: Final = frozenset(Role)
QUEUE: Final = frozenset({Role.OPERATOR, Role.OFFICER, Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN})
ALERTS: Final = QUEUE | {Role.ENGINEER}  # an engineer's hold no wearer: tests/api/test_outages.py
WORKERS: Final = ALERTS - {Role.AUDITOR}
SETTERS: Final = frozenset({Role.OFFICER, Role.SUPERVISOR, Role.ADMIN})
LEADERS: Final = frozenset({Role.SUPERVISOR, Role.ADMIN})
CHANNELS: Final = frozenset({Role.SUPERVISOR, Role.ENGINEER, Role.AUDITOR, Role.ADMIN})
NO_ENGINEER: Final = EVERYONE - {Role.ENGINEER}

# By the words of DOMAIN.md: engineers see no personal data, auditors only read, field officers have no queue, officers set zones.
TABLE: Final[dict[str, frozenset[Role]]] = {
    "GET /me": EVERYONE,
    "GET /alerts": ALERTS,
    "GET /alerts/stream": ALERTS,
    "GET /alerts/{alert_id}": ALERTS,
    "GET /alerts/{alert_id}/evidence": QUEUE,
    "POST /alerts/{alert_id}/acknowledge": WORKERS,
    "POST /alerts/{alert_id}/assign": WORKERS,
    "POST /alerts/{alert_id}/notes": WORKERS,
    "POST /alerts/{alert_id}/steps": WORKERS,
    "POST /alerts/{alert_id}/close": WORKERS,
    "POST /alerts/{alert_id}/reopen": WORKERS,
    "GET /contacts": QUEUE,
    "POST /contacts": QUEUE - {Role.AUDITOR},
    "GET /contacts/{contact_id}": QUEUE,
    "PATCH /contacts/{contact_id}": QUEUE - {Role.AUDITOR},
    "GET /escalations": ALERTS,
    "POST /escalations": LEADERS,
    "GET /escalations/{escalation_id}": ALERTS,
    "PATCH /escalations/{escalation_id}": LEADERS,
    "GET /sla": LEADERS | {Role.ENGINEER, Role.AUDITOR},
    "GET /noise": LEADERS | {Role.ENGINEER, Role.AUDITOR},
    "GET /caseload": NO_ENGINEER,
    "GET /covers": NO_ENGINEER,
    "POST /covers": SETTERS,
    "GET /covers/{cover_id}": NO_ENGINEER,
    "PATCH /covers/{cover_id}": SETTERS,
    "GET /transfers": NO_ENGINEER,
    "POST /transfers": SETTERS,
    "GET /transfers/{transfer_id}": NO_ENGINEER,
    "POST /transfers/{transfer_id}/accept": SETTERS,
    "POST /transfers/{transfer_id}/withdraw": SETTERS,
    "GET /handover": ALERTS,
    "POST /handover": WORKERS,
    "POST /handover/release": LEADERS,
    "GET /handover/offers": ALERTS,
    "GET /handover/{handover_id}": ALERTS,
    "POST /handover/{handover_id}/accept": WORKERS,
    "POST /handover/{handover_id}/withdraw": WORKERS,
    "GET /pauses": NO_ENGINEER,
    "POST /pauses": QUEUE - {Role.AUDITOR},
    "GET /pauses/{pause_id}": NO_ENGINEER,
    "PATCH /pauses/{pause_id}": QUEUE - {Role.AUDITOR},
    "GET /zones": QUEUE,
    "POST /zones": SETTERS,
    "POST /zones/check": QUEUE,
    "GET /zones/{zone_id}": QUEUE,
    "GET /zones/{zone_id}/versions": QUEUE,
    "PUT /zones/{zone_id}": SETTERS,
    "DELETE /zones/{zone_id}": SETTERS,
    "GET /settings": QUEUE,
    "PUT /settings": SETTERS,
    "GET /settings/names": QUEUE,
    "GET /settings/places": QUEUE,
    "GET /settings/holding": QUEUE,
    "GET /settings/versions": QUEUE,
    "GET /changes": NO_ENGINEER - {Role.FIELD},
    "GET /changes/{change_id}": NO_ENGINEER - {Role.FIELD},
    "POST /changes/{change_id}/approve": LEADERS,
    "POST /changes/{change_id}/refuse": LEADERS,
    "GET /curfews": NO_ENGINEER,
    "POST /curfews": SETTERS,
    "POST /curfews/preview": NO_ENGINEER,
    "GET /curfews/{curfew_id}": NO_ENGINEER,
    "GET /curfews/{curfew_id}/versions": NO_ENGINEER,
    "PATCH /curfews/{curfew_id}": SETTERS,
    "DELETE /curfews/{curfew_id}": SETTERS,
    "GET /absences": NO_ENGINEER,
    "POST /absences": SETTERS,
    "GET /absences/{absence_id}": NO_ENGINEER,
    "DELETE /absences/{absence_id}": SETTERS,
    "GET /wearers": NO_ENGINEER,
    "POST /wearers": SETTERS,
    "GET /wearers/{wearer_id}": NO_ENGINEER,
    "PATCH /wearers/{wearer_id}": SETTERS,
    "GET /orders": NO_ENGINEER,
    "POST /orders": SETTERS,
    "GET /orders/changes": NO_ENGINEER,
    "GET /orders/{order_id}": NO_ENGINEER,
    "PATCH /orders/{order_id}": SETTERS,
    "GET /orders/{order_id}/statuses": NO_ENGINEER,
    "GET /orders/{order_id}/changes": NO_ENGINEER,
    "POST /orders/{order_id}/changes/{number}/approve": frozenset({Role.SUPERVISOR, Role.ADMIN}),
    "POST /orders/{order_id}/changes/{number}/refuse": frozenset({Role.SUPERVISOR, Role.ADMIN}),
    "GET /activations": NO_ENGINEER,
    "POST /activations": SETTERS | {Role.FIELD},
    "GET /activations/{activation_id}": NO_ENGINEER,
    "PATCH /activations/{activation_id}": SETTERS | {Role.FIELD},
    "GET /visits": NO_ENGINEER,
    "POST /visits": NO_ENGINEER - {Role.AUDITOR},
    "GET /visits/{visit_id}": NO_ENGINEER,
    "PATCH /visits/{visit_id}": NO_ENGINEER - {Role.AUDITOR},
    "GET /groups": NO_ENGINEER,
    "POST /groups": SETTERS,
    "GET /groups/{group_id}": NO_ENGINEER,
    "PATCH /groups/{group_id}": SETTERS,
    "GET /imports": SETTERS,
    "GET /tags": EVERYONE,
    "GET /tags/{tag}": EVERYONE,
    "POST /tags": SETTERS | {Role.ENGINEER},
    "PATCH /tags/{tag}": SETTERS | {Role.ENGINEER},
    "GET /fixes": QUEUE,
    "GET /compliance/{wearer}": QUEUE,
    "GET /status": EVERYONE,
    "GET /dead": frozenset({Role.SUPERVISOR, Role.ENGINEER, Role.AUDITOR, Role.ADMIN}),
    "GET /dead/{letter_id}": frozenset({Role.SUPERVISOR, Role.ENGINEER, Role.AUDITOR, Role.ADMIN}),
    "POST /dead/{letter_id}/replay": frozenset({Role.SUPERVISOR, Role.ENGINEER, Role.ADMIN}),
    "POST /dead/{letter_id}/discard": frozenset({Role.SUPERVISOR, Role.ENGINEER, Role.ADMIN}),
    "GET /billing": frozenset({Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN}),
    "GET /audit": frozenset({Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN}),
    "GET /channels": CHANNELS,
    "POST /channels": frozenset({Role.ENGINEER, Role.ADMIN}),
    "GET /channels/{channel_id}": CHANNELS,
    "PATCH /channels/{channel_id}": frozenset({Role.ENGINEER, Role.ADMIN}),
    "POST /channels/{channel_id}/test": frozenset({Role.ENGINEER, Role.ADMIN}),
    "GET /deliveries": CHANNELS,
    "GET /deliveries/{delivery_id}": CHANNELS,
    "GET /alerts/{alert_id}/deliveries": ALERTS,
}

# What needs no token: signing in and out, and what machines ask.
OPEN: Final = {"POST /token", "DELETE /token", "GET //healthz", "GET //readyz", "GET //metrics"}


def operations(api: Api) -> set[str]:
    """All there are, as ``METHOD /path``; those outside the prefix with two slashes."""
    found = set()
    for path, methods in api.app.openapi()["paths"].items():
        short = path.removeprefix("/api/v1") if path.startswith("/api/v1") else "/" + path
        found |= {f"{method.upper()} {short}" for method in methods}
    return found


async def test_the_table_names_every_operation(api: Api) -> None:
    assert operations(api) == TABLE.keys() | OPEN


async def test_every_operation_by_every_role(api: Api) -> None:
    for operation, allowed in TABLE.items():
        method, path = operation.split()
        path = re.sub(r"\{\w+\}", "999", path)
        body: Any = {"nonsense": 1} if method != "GET" else None
        path += "?last_event_id=x" if path.endswith("stream") else ""  # where allowed it would never end
        assert (await api.call(method, path, None, body)).status == 401, operation
        for role in Role:
            answer = await api.call(method, path, role, body)
            if role in allowed:
                assert answer.status not in {401, 403}, (operation, role)
            else:
                assert answer.status == 403, (operation, role)
                assert answer.json["type"] == "urn:cordon:not-allowed"
                assert answer.json["permission"] in set(May)
                assert role in answer.json["detail"]


# What changes nothing, although it is sent like a change.
ASKING: Final = {"POST /zones/check", "POST /curfews/preview"}


def sent(api: Api) -> dict[str, Any]:
    """Every operation that changes something, with the body that the OpenAPI document shows as its example, or None."""
    document = api.app.openapi()
    found = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name = f"{method.upper()} {path.removeprefix('/api/v1')}"
            if method == "get" or name in OPEN | ASKING:
                continue
            shape = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            shape = shape.get("anyOf", [shape])[0]  # one that may be left out: it, or null
            if "$ref" in shape:
                shape = document["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
            found[name] = shape["examples"][0] if shape else None
    return found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE account SET role = 'auditor' WHERE id = $1", "your role is auditor now: sign in again"),
        (
            "UPDATE account SET active = false, shut_out_at = now() WHERE id = $1",
            "this account is shut out: ask an administrator to let you in again",
        ),
        ("UPDATE session SET revoked_at = now() WHERE account = $1", "you have signed out: sign in again"),
    ],
)
async def test_every_operation_that_changes_something_refuses_a_token_that_outlived_its_right(
    api: Api, change: str, said: str
) -> None:
    """A token is good for minutes. What it may do is asked again by whatever writes: a new operation is found here, too."""
    bodies = sent(api)
    bodies["POST /pauses"].pop("from")  # which has passed: that is said before anything is read
    known = {"escalation_id": await api.store.pool.fetchval("SELECT id FROM escalation"), "tag": given.TAG}
    await given.wearer(api)
    assert bodies.keys() | ASKING == {name for name in TABLE if not name.startswith("GET ")}
    token = (await api.sign_in("admin")).json["access_token"]
    await api.store.pool.execute(change, api.accounts["admin"])
    headers = {"Authorization": f"Bearer {token}", "If-Match": '"1"'}
    otherwise = {}
    for name, body in bodies.items():
        method, path = name.split()
        path = re.sub(r"\{(\w+)\}", lambda found: str(known.get(found[1], 999)), path)
        answer = await api.call(method, path, None, body, headers=headers)
        if (answer.status, answer.json.get("detail")) != (401, said):
            otherwise[name] = answer.body
    assert not otherwise


async def test_a_refused_write_leaves_nothing(api: Api) -> None:
    who = await given.wearer(api)
    zone = await given.zone(api, who["wearer"])
    alert = await given.alert(api.store, who, zone)
    before = await api.store.pool.fetchval("SELECT position FROM feed")
    assert (await api.post(f"/alerts/{alert}/acknowledge", role="auditor")).status == 403
    assert (await api.call("DELETE", f"/zones/{zone}", "operator", headers={"If-Match": '"1"'})).status == 403
    assert await api.store.pool.fetchval("SELECT position FROM feed") == before
    assert (await api.get(f"/alerts/{alert}")).json["handling"] == "new"


async def test_an_engineer_sees_no_person_and_no_place(api: Api) -> None:
    await given.wearer(api)
    await given.fixes(api.store, given.fix())
    seen = await api.get(f"/tags/{given.TAG}", "engineer")
    assert seen.json["activation"] is None
    assert (seen.json["last"]["lon"], seen.json["last"]["lat"]) == (None, None)
    assert seen.json["last"]["fix_at"] == "2026-11-22T08:00:00Z"
    everything = seen.body + (await api.get("/tags", "engineer")).body + (await api.get("/status", "engineer")).body
    assert b"Test Wearer" not in everything
    assert b"53.4" not in everything
    whole = (await api.get(f"/tags/{given.TAG}", "operator")).json
    assert whole["activation"]["wearer_name"] == "Test Wearer"
    assert whole["last"]["lat"] == 53.4
    # A filter must not tell what the answer hides.
    by_wearer = (await api.get("/tags?wearer=999", "engineer")).json["items"]
    assert [item["tag"] for item in by_wearer] == [given.TAG]


async def test_a_field_officer_sees_who_wears_a_tag_and_not_where_they_are(api: Api) -> None:
    await given.wearer(api)
    await given.fixes(api.store, given.fix())
    seen = (await api.get(f"/tags/{given.TAG}", "field")).json
    assert seen["activation"]["wearer_name"] == "Test Wearer"
    assert seen["last"]["lat"] is None


def test_auditors_change_nothing() -> None:
    assert all(may.startswith("see_") for may in PERMISSIONS[Role.AUDITOR])


def test_every_role_is_in_the_table_and_only_workers_can_be_given_alerts() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert set(WORKING_ROLES) == set(WORKERS)


@pytest.mark.parametrize("role", list(Role))
def test_whoever_may_edit_may_see(role: Role) -> None:
    mine = PERMISSIONS[role]
    for edit, see in (
        (May.WORK_ALERTS, May.SEE_QUEUE),
        (May.EDIT_WEARERS, May.SEE_WEARERS),
        (May.EDIT_ZONES, May.SEE_ZONES),
        (May.EDIT_SETTINGS, May.SEE_SETTINGS),
        (May.EDIT_ALL_SETTINGS, May.EDIT_SETTINGS),
        (May.EDIT_TAGS, May.SEE_TAGS),
        (May.FIT_TAGS, May.SEE_TAGS),
        (May.LOG_CONTACTS, May.SEE_CONTACTS),
        (May.PAUSE_ALERTS, May.SEE_WEARERS),
        (May.APPROVE_PAUSES, May.PAUSE_ALERTS),
        (May.SET_ESCALATIONS, May.SEE_QUEUE),
        (May.SETTLE_DEAD, May.SEE_DEAD),
        (May.EDIT_CHANNELS, May.SEE_CHANNELS),
    ):
        assert edit not in mine or see in mine


def test_a_refusal_names_the_roles_that_may() -> None:
    assert lacking("officer", May.APPROVE_RELAXED) == "officer may not do this (approve_relaxed): it takes supervisor or admin"
    assert lacking("operator", May.EDIT_CHANNELS).endswith(": it takes engineer or admin")
