"""Who is told outside: made, changed, tested and read, a secret shown once; and on an alert, who was told of it."""

import base64
from typing import Any

import pytest

from model import reach
from model.alert import Kind
from store import channels, incidents
from store.feed import edit
from store.pool import Store
from store.refusal import ConflictError
from tests.api import given
from tests.api.client import MISSING_CONSOLE, Api, serving

WEBHOOK: dict[str, Any] = {"name": "Duty desk", "kind": "webhook", "target": "https://desk.example/cordon"}
MAIL: dict[str, Any] = {"name": "Night officer", "kind": "mail", "target": "duty@example.org"}


async def addressed(api: Api, channel: int, alert: int, **fields: Any) -> int:
    """A delivery as the duties leave it; its id."""
    whole = {"state": "waiting", "attempts": 2, "last_error": "the receiver answers 500"} | fields
    number: int = await api.store.pool.fetchval(
        """WITH told AS (INSERT INTO outbox (position, alert, topic, body, addressed_at)
                         VALUES (1, $2, 'alert', '{"kind": "exclusion", "severity": 1}', now()) RETURNING id)
           INSERT INTO delivery (outbox, channel, alert, severity, key, state, attempts, last_error)
           SELECT id, $1, $2, 1, 'msg_' || id, $3, $4, $5 FROM told RETURNING id""",
        *(channel, alert, *whole.values()),
    )
    return number


async def test_a_channel_is_kept_as_sent_and_its_secret_shown_once(api: Api) -> None:
    sent = WEBHOOK | {
        "kinds": ["exclusion", "strap"],
        "severities": ["P2", "P1"],
        "tells": ["raised", "duty_manager"],
        "organisation": 1,
        "officer": api.accounts["officer"],
    }
    answer = await api.post("/channels", sent, "engineer")
    assert answer.status == 201
    made = answer.json
    assert answer.headers["Location"] == f"/api/v1/channels/{made['id']}"
    assert {name: made[name] for name in sent} == sent | {"severities": ["P1", "P2"]}
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    one = await api.get(f"/channels/{made['id']}")
    assert (one.json, one.headers["ETag"]) == (made, '"1"')
    listed = await api.get("/channels", "auditor")
    assert listed.json == {"items": [made], "next": None}
    audit = await api.get("/audit")
    assert "created" in [item["action"] for item in audit.json["items"] if item["subject"] == f"channel/{made['id']}"]
    for answer in (one, listed, audit):
        assert secret.removeprefix("whsec_").encode() not in answer.body
    assert "desk.example" not in audit.body.decode(), "an address may be a secret, too"


async def test_a_digest_is_set_and_taken_away(api: Api) -> None:
    daily = {"at": "07:00", "timezone": "Europe/London"}
    made = await api.make("/channels", MAIL | {"digest": daily, "tells": ["digest"]})
    assert (made["digest"], made["tells"]) == (daily, ["digest"])
    changed = await api.patch(f"/channels/{made['id']}", {"digest": daily | {"at": "06:30"}}, 1)
    assert changed.json["digest"] == {"at": "06:30", "timezone": "Europe/London"}
    assert (await api.patch(f"/channels/{made['id']}", {"name": "Desk"}, 2)).json["digest"]["at"] == "06:30"
    assert (await api.patch(f"/channels/{made['id']}", {"digest": None}, 3)).json["digest"] is None
    # A name that Python knows and the database does not would fail everybody's digest.
    fields = dict.fromkeys(channels.FIELDS) | MAIL | {"name": "Other", "digest_at": "07:00", "digest_timezone": "Mars/Olympus"}
    with pytest.raises(ConflictError, match="the database knows no time zone Mars/Olympus"):
        async with edit(api.store) as change:
            await channels.add(change, "mail", fields)


async def test_mail_has_no_secret(api: Api) -> None:
    made = await api.make("/channels", MAIL)
    assert made["secret"] is None
    refused = await api.patch(f"/channels/{made['id']}", {"rotate_secret": True}, 1)
    assert (refused.status, refused.json["type"]) == (409, "urn:cordon:conflict")


async def test_asked_twice_with_one_key_one_is_made(api: Api) -> None:
    answers = [await api.post("/channels", WEBHOOK, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert len((await api.get("/channels")).json["items"]) == 1
    assert (await api.post("/channels", WEBHOOK)).json["detail"].startswith("there is a channel named Duty desk already")


async def test_a_new_secret_is_shown_and_the_one_before_signs_for_a_day(api: Api) -> None:
    made = await api.make("/channels", WEBHOOK)
    changed = await api.patch(f"/channels/{made['id']}", {"rotate_secret": True}, 1)
    assert changed.json["secret"] not in {None, made["secret"]}
    row = await api.store.pool.fetchrow(
        "SELECT secret, secret_before, extract(epoch FROM before_until - now())::float8 AS left_s FROM channel"
    )
    assert row is not None
    assert [f"whsec_{base64.b64encode(row[name]).decode()}" for name in ("secret", "secret_before")] == [
        changed.json["secret"],
        made["secret"],
    ]
    assert 23 * 3600 < row["left_s"] <= 24 * 3600
    assert (await api.patch(f"/channels/{made['id']}", {"name": "Desk"}, 2)).json["secret"] is None


async def test_only_what_is_sent_changes_and_by_who_has_read_it(api: Api) -> None:
    made = await api.make("/channels", MAIL | {"severities": ["P1"]})
    changed = await api.patch(f"/channels/{made['id']}", {"severities": None, "name": "Duty officer"}, 1)
    assert changed.json == made | {"severities": None, "name": "Duty officer", "version": 2}
    assert changed.headers["ETag"] == '"2"'
    assert (await api.patch(f"/channels/{made['id']}", {"active": False}, 1)).status == 412
    assert (await api.call("PATCH", f"/channels/{made['id']}", body={"active": False})).status == 428
    assert (await api.patch("/channels/999", {"target": "a@b.example"}, 1)).status == 404
    refused = await api.patch(f"/channels/{made['id']}", {"target": None}, 2)
    assert (refused.status, refused.json["errors"][0]["reason"]) == (422, "cannot be taken away")


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ({"target": "ftp://desk.example"}, "target"),
        ({"target": "https://"}, "target"),
        ({"target": "https://desk.example:x/"}, "target"),
        ({"target": "https://name:secret@desk.example/"}, "target"),
        ({"target": "https://desk.example/#a"}, "target"),
        ({"target": "http://desk.example/"}, "target"),
        ({"target": "https://127.0.0.1/"}, "target"),
        ({"target": "https://[::ffff:10.0.0.1]/"}, "target"),
        ({"target": "https://169.254.169.254/latest"}, "target"),
        ({"target": "https://desk.example/\nHost: x"}, "target"),
        ({"kind": "mail"}, "target"),
        ({"kind": "mail", "target": "a@b.example, c@d.example"}, "target"),
        ({"kind": "mail", "target": "a@b.example\nBcc: c@d.example"}, "target"),
        ({"kind": "pigeon"}, "kind"),
        ({"kinds": []}, "kinds"),
        ({"kinds": ["exclusion", "exclusion"]}, "kinds"),
        ({"kinds": ["nothing"]}, "kinds.0"),
        ({"severities": ["P5"]}, "severities.0"),
        ({"tells": ["everything"]}, "tells.0"),
        ({"digest": {"at": "24:00", "timezone": "Europe/London"}}, "digest.at"),
        ({"digest": {"at": "07:00", "timezone": "Mars/Olympus"}}, "digest.timezone"),
        ({"digest": {"at": "07:00"}}, "digest.timezone"),
        ({"secret": "mine"}, "secret"),
        ({"officer": 999}, "officer"),
        ({"organisation": 999}, "organisation"),
    ],
)
async def test_what_cannot_be_a_channel_is_refused_with_the_field(api: Api, part: dict[str, Any], field: str) -> None:
    refused = await api.post("/channels", WEBHOOK | part)
    assert refused.status == 422, refused.body
    assert [place["field"] for place in refused.json["errors"]] == [field]
    moved = {name: value for name, value in part.items() if name == "target"}
    if moved and "kind" not in part:
        made = await api.make("/channels", WEBHOOK)
        assert (await api.patch(f"/channels/{made['id']}", moved, 1)).status == 422


async def test_a_listed_network_is_sent_to_over_plain_http_too(database: str, store: Store) -> None:
    async with serving(database, store, console=MISSING_CONSOLE, inside=reach.networks("10.20.0.0/16")) as api:
        for host, status in (("10.20.0.9:8080", 201), ("desk.internal", 201), ("10.21.0.9", 422), ("93.184.215.14", 422)):
            answer = await api.post("/channels", WEBHOOK | {"name": host, "target": f"http://{host}/"})
            assert answer.status == status, (host, answer.body)
        refused = await api.post("/channels", WEBHOOK | {"target": "https://10.21.0.9/"})
        assert refused.json["errors"][0]["reason"] == "is no public address, and CORDON_CHANNEL_NETWORKS lists no network with it"


async def test_a_test_message_is_asked_for_once_and_its_delivery_read(api: Api) -> None:
    made = await api.make("/channels", WEBHOOK)
    answers = [
        await api.call("POST", f"/channels/{made['id']}/test", "engineer", headers={"Idempotency-Key": "t"}) for _ in range(2)
    ]
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    sent = answers[0].json
    assert answers[0].headers["Location"] == f"/api/v1/deliveries/{sent['id']}"
    assert (sent["state"], sent["attempts"], sent["alert"], sent["channel_name"]) == ("waiting", 0, None, "Duty desk")
    assert (await api.get(f"/deliveries/{sent['id']}", "supervisor")).json == sent
    assert (await api.get("/deliveries/999")).status == 404
    await api.patch(f"/channels/{made['id']}", {"active": False}, 1)
    assert (await api.get(f"/deliveries/{sent['id']}")).json["state"] == "superseded"
    refused = await api.post(f"/channels/{made['id']}/test")
    assert (refused.status, refused.json["detail"]) == (409, f"channel {made['id']} is switched off: switch it on first")
    assert (await api.post("/channels/999/test")).status == 404


async def test_what_became_of_each_message(api: Api) -> None:
    who = await given.wearer(api)
    alert = await given.alert(api.store, who, await given.zone(api, who["wearer"]))
    desk, night = [(await api.make("/channels", one))["id"] for one in (WEBHOOK, MAIL)]
    first = await addressed(api, desk, alert)
    second = await addressed(api, night, alert, state="dead", attempts=5)
    told = (await api.get("/deliveries")).json["items"]
    assert [one["id"] for one in told] == [second, first]
    assert (told[1]["last_error"], told[1]["kind"], told[1]["severity"]) == ("the receiver answers 500", "exclusion", "P1")
    assert told[1]["next_try_at"] is not None
    for query, found in (
        ("state=dead", [second]),
        (f"channel={desk}", [first]),
        (f"alert={alert}", [second, first]),
        ("alert=9", []),
    ):
        assert [one["id"] for one in (await api.get(f"/deliveries?{query}")).json["items"]] == found
    page = (await api.get("/deliveries?limit=1")).json
    assert [one["id"] for one in page["items"]] == [second]
    assert [one["id"] for one in (await api.get(f"/deliveries?cursor={page['next']}")).json["items"]] == [first]


async def test_who_sees_an_alert_sees_who_was_told_of_it(api: Api) -> None:
    who = await given.wearer(api)
    alert = await given.alert(api.store, who, await given.zone(api, who["wearer"]))
    desk = (await api.make("/channels", WEBHOOK))["id"]
    number = await addressed(api, desk, alert, state="delivered", last_error="")
    assert [one["id"] for one in (await api.get(f"/alerts/{alert}/deliveries", "operator")).json["items"]] == [number]
    # A person's alert is not an engineer's to see, nor one about the system an operator's.
    assert (await api.get(f"/alerts/{alert}/deliveries", "engineer")).status == 404
    async with edit(api.store) as change:
        ours = await incidents.raise_(
            change, Kind.UNDELIVERED, "Duty desk", "Nothing gets through channel Duty desk.", given.AT_US
        )
    assert (await api.get(f"/alerts/{ours}/deliveries", "operator")).status == 404
    assert (await api.get(f"/alerts/{ours}/deliveries", "engineer")).json == {"items": [], "next": None}
    shown = (await api.get(f"/alerts/{ours}", "engineer")).json
    assert (shown["kind"], shown["severity"], shown["subject"], shown["wearer"]) == ("undelivered", "P1", "Duty desk", None)


async def test_messages_are_counted_for_prometheus(api: Api) -> None:
    who = await given.wearer(api)
    alert = await given.alert(api.store, who, await given.zone(api, who["wearer"]))
    desk = (await api.make("/channels", WEBHOOK))["id"]
    await api.store.pool.execute("UPDATE channel SET delivered = 3, failed = 2")
    number = await addressed(api, desk, alert)
    await addressed(api, desk, alert, state="dead")
    await api.store.pool.execute("UPDATE delivery SET created_at = now() - interval '90 s' WHERE id = $1", number)
    text = (await api.get("//metrics", None)).body.decode()
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("cordon_message"))
    oldest_s = float(lines.pop('cordon_messages_oldest_seconds{by="webhook"}'))
    assert 90 <= oldest_s < 200
    assert {name: float(value) for name, value in lines.items() if "_created" not in name} == {
        'cordon_messages_delivered_total{by="webhook"}': 3.0,
        'cordon_message_tries_failed_total{by="webhook"}': 2.0,
        'cordon_messages_waiting{by="webhook"}': 1.0,
        'cordon_messages_dead{by="webhook"}': 1.0,
    }
