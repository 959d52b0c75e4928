"""Bad input at the real doors: an answer naming record and reason, counted, kept with its bytes; good ones beside are stored."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.system import GATEWAY, System, http, stamp, system
from tests.integration.world import LAT, LON, TAG, circle, fix, monitored

pytestmark = pytest.mark.xdist_group("refusals")


@pytest.fixture(scope="module")
def up() -> Iterator[System]:
    with system() as made:
        made.start()
        made.people("admin", "operator", "engineer", "officer")
        monitored(made, "admin")
        yield made


_seq = iter(range(1, 10_000))


def good(**more: Any) -> dict[str, Any]:
    return fix(next(_seq), north_m=2000, **more)


def letters(up: System) -> list[tuple[str, bytes, str]]:
    """Reason, bytes and gateway of every dead letter, oldest first."""
    return [tuple(row) for row in up.sql("SELECT reason, body, gateway FROM dead_letter ORDER BY id")]


def counted(up: System, name: str, **labels: str) -> float:
    """A counter of /metrics, 0 where it is not there yet."""
    wanted = name + "{" + ",".join(f'{label}="{value}"' for label, value in labels.items()) + "}" if labels else name
    found = re.search(rf"^{re.escape(wanted)} (\S+)$", up.get("/metrics").body.decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


BAD_FIXES: list[tuple[str, Callable[[], dict[str, Any]], str]] = [
    ("lat out of range", lambda: good(lat=-91.5), "lat -91.5 is not between -90 and 90"),
    ("swapped", lambda: good(lon=LAT, lat=120.3), "lat 120.3 is not between -90 and 90; are lon and lat swapped?"),
    ("lon out of range", lambda: good(lon=181.0), "lon 181.0 is not between -180 and 180"),
    ("lon NaN", lambda: good(lon=float("nan")), "lon is nan"),
    ("lat infinite", lambda: good(lat=float("-inf")), "lat is -inf"),
    ("accuracy NaN", lambda: good(accuracy_m=float("nan")), "accuracy_m nan"),
    ("1970", lambda: good(at="1970-01-01T00:00:00Z"), "1970-01-01T00:00:00Z is before 2000"),
    ("far future", lambda: good(at="2999-01-01T00:00:00Z"), "2999-01-01T00:00:00Z is over a day after it was received"),
    ("too old", lambda: good(at="2001-01-01T00:00:00Z"), "older than the oldest day kept"),
    ("no zone", lambda: good(at="2026-11-22T08:00:00"), "$.fix_at"),
    ("text for a number", lambda: good(lon="east"), "$.lon"),
    ("no tag", lambda: {name: value for name, value in good().items() if name != "tag"}, "`tag`"),
    ("tag 0", lambda: good(tag=0), "$.tag"),
    ("tag too large", lambda: good(tag=2**63), "$.tag"),
    ("unknown source", lambda: good(source="dowsing"), "source 'dowsing' is not one of"),
    ("battery", lambda: good(battery_pct=101), "battery_pct 101"),
]


@pytest.mark.parametrize(("spoil", "reason"), [case[1:] for case in BAD_FIXES], ids=[case[0] for case in BAD_FIXES])
def test_a_bad_fix_is_refused_by_place_and_reason_and_those_beside_it_are_stored(
    up: System, spoil: Callable[[], dict[str, Any]], reason: str
) -> None:
    before, bad = (good(), spoil())
    after, buried = good(), letters(up)
    rejected, accepted = (counted(up, "cordon_gateway_records_total", outcome=one) for one in ("rejected", "accepted"))
    receipt = up.send(before, bad, after)
    assert (receipt["accepted"], receipt["stored"], receipt["duplicate"]) == (2, 2, 0)
    (refused,) = receipt["rejected"]
    assert (refused["index"], refused["in"]) == (1, "fixes")
    assert reason in refused["reason"]
    (letter,) = letters(up)[len(buried) :]
    assert letter[0] == f"fixes[1]: {refused['reason']}"
    assert json.dumps(json.loads(letter[1])) == json.dumps(bad), "the record as it was sent"
    assert letter[2] == GATEWAY
    seqs = {seq for (seq,) in up.sql("SELECT seq FROM fix WHERE tag = %s", TAG)}
    assert {before["seq"], after["seq"]} <= seqs
    assert bad["seq"] not in seqs
    assert counted(up, "cordon_gateway_records_total", outcome="rejected") == rejected + 1
    assert counted(up, "cordon_gateway_records_total", outcome="accepted") == accepted + 2


def test_a_bad_event_is_refused_beside_good_ones(up: System) -> None:
    event = {"tag": TAG, "kind": "strap_tamper", "at": stamp()}
    receipt = up.send(good(), events=[event, event | {"kind": "levitation"}, event | {"at": "1970-01-01T00:00:00Z"}])
    assert (receipt["accepted"], receipt["stored"]) == (2, 2)
    assert [(one["index"], one["in"]) for one in receipt["rejected"]] == [(1, "events"), (2, "events")]
    assert "event kind 'levitation' is not known; the kinds are" in receipt["rejected"][0]["reason"]
    assert "at 1970-01-01T00:00:00Z is before 2000" in receipt["rejected"][1]["reason"]


def test_the_same_again_is_a_duplicate_and_other_content_is_poison(up: System) -> None:
    first = good()
    assert up.send(first)["stored"] == 1
    receipt = up.send(first, first | {"lon": LON + 0.01}, good())
    assert (receipt["accepted"], receipt["stored"], receipt["duplicate"]) == (2, 1, 1)
    (refused,) = receipt["rejected"]
    assert (refused["index"], refused["in"]) == (1, "fixes")
    assert f"tag {TAG}, seq {first['seq']}" in refused["reason"]
    assert "was stored before with other content" in refused["reason"]
    reason, body, gateway = letters(up)[-1]
    assert "with other lon" in reason
    assert json.loads(body)["fixes"][0]["lon"] == LON + 0.01
    assert gateway == GATEWAY
    ((lon,),) = up.sql("SELECT lon FROM fix WHERE tag = %s AND seq = %s", TAG, first["seq"])
    assert lon == first["lon"], "the first is kept"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"gateway": "gw-1", "fixes": [', "the body is not JSON"),
        (b"", "the body is not JSON"),
        (b"\xff\xfe\x00", "the body is not JSON"),
        (b"[1, 2]", "the body is not a frame"),
        (b'{"fixes": []}', "`gateway`"),
        (b'{"gateway": "gw-1", "fixes": {"tag": 1}}', "the body is not a frame"),
        (b'{"gateway": "gw-1", "fixes": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    ],
    ids=["cut off", "empty", "not text", "a list", "no gateway", "fixes no list", "nested"],
)
def test_a_body_that_cannot_be_read(up: System, body: bytes, reason: str) -> None:
    unreadable = counted(up, "cordon_gateway_refusals_total", reason="unreadable")
    answer = up.post(body)
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert reason in answer.json["detail"]
    kept_reason, kept, gateway = letters(up)[-1]
    assert (kept_reason, kept, gateway) == (answer.json["detail"], body[: 64 * 1024], GATEWAY)
    assert counted(up, "cordon_gateway_refusals_total", reason="unreadable") == unreadable + 1


def test_an_enormous_body_is_refused_without_being_read(up: System) -> None:
    size = counted(up, "cordon_gateway_refusals_total", reason="size")
    body = b'{"gateway": "gw-1", "fixes": [' + b" " * (17 * 1024 * 1024) + b"]}"
    try:
        answer = up.post(body)
        assert answer.status == 413
        assert "send fewer records in one request" in answer.json["detail"]
    except OSError:
        pass  # the door closed the connection while we were still sending: its answer may be lost on the way
    reason, kept, _ = letters(up)[-1]
    assert "the body is over" in reason
    assert len(kept) == 64 * 1024
    assert counted(up, "cordon_gateway_refusals_total", reason="size") == size + 1
    assert up.send(good())["stored"] == 1


def test_too_many_records(up: System) -> None:
    answer = up.post(b'{"gateway": "gw-1", "fixes": [' + b",".join([b"1"] * 100_001) + b"]}")
    assert answer.status == 400
    assert "100001 records; send at most 100000" in answer.json["detail"]


@pytest.mark.parametrize("key", ["", "x", "not-a-key-of-ours-but-of-the-same-length-xx", "ключ"])
def test_a_wrong_key(up: System, key: str) -> None:
    refused = counted(up, "cordon_gateway_refusals_total", reason="key")
    stored, buried = up.sql("SELECT count(*) FROM fix"), len(letters(up))
    url, frame = f"{up.url}/gateway/v1/fixes", {"gateway": GATEWAY, "fixes": [good()]}
    answer = http("POST", url, body=frame, headers={"Authorization": f"Bearer {key}".encode().decode("latin-1")})
    assert answer.status == 401
    assert "gateway's key" in answer.json["detail"]
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert counted(up, "cordon_gateway_refusals_total", reason="key") == refused + 1
    assert (up.sql("SELECT count(*) FROM fix"), len(letters(up))) == (stored, buried), "a stranger's bytes are not kept"


def test_an_operator_s_token_is_no_gateway_key_nor_the_other_way_round(up: System) -> None:
    assert up.post({"gateway": GATEWAY, "fixes": [good()]}, key=up.token("operator")).status == 401
    assert http("GET", f"{up.url}/api/v1/alerts", bearer=up.key).status == 401


def test_an_unknown_tag_is_stored_unassigned_and_listed(up: System) -> None:
    stranger = TAG + 77
    inside = [fix(seq, tag=stranger) for seq in (1, 2, 3)]
    assert up.send(*inside)["stored"] == 3
    assert up.sql("SELECT tag, fixes FROM unknown_tag") == [(stranger, 3)]
    (listed,) = up.ask("operator", "GET", "/tags?unknown=true")["items"]
    assert (listed["tag"], listed["unknown"]["fixes"], listed["activation"]) == (stranger, 3, None)
    assert "unassigned" in listed["last"]["flags"]
    alerts = up.ask("operator", "GET", "/alerts?state=all")["items"]
    assert [alert for alert in alerts if alert["tag"] == stranger] == [], "nobody is monitored by it"


def test_dead_letters_are_listed_by_the_command_and_by_the_api(up: System) -> None:
    up.send(good(lat=-93.5))
    up.send(good(lat=-93.25))
    done = up.run("dead", "list", "--last", "1")
    assert done.returncode == 0, done.stderr
    assert "lat -93.25 is not between -90 and 90" in done.stdout
    assert GATEWAY in done.stdout
    assert '"tag"' not in done.stdout, "positions are not listed"
    total = len(letters(up))
    assert f"{total} wait" in done.stdout
    page = up.ask("engineer", "GET", "/dead?limit=1")
    assert "lat … is not between" in page["items"][0]["reason"]
    assert page["items"][0]["bytes"] == len(letters(up)[-1][1])
    assert page["next"]
    assert counted(up, "cordon_rows", what="dead_letters") == total


SQUARE = [[-2.99, 53.40], [-2.97, 53.40], [-2.97, 53.41], [-2.99, 53.41], [-2.99, 53.40]]
BOW = [[-2.99, 53.40], [-2.97, 53.41], [-2.97, 53.40], [-2.99, 53.41], [-2.99, 53.40]]


@pytest.mark.parametrize(
    ("geometry", "place", "reason"),
    [
        ({"type": "Polygon", "coordinates": [BOW]}, "-2.98", "cross"),
        (
            {"type": "Polygon", "coordinates": [[[30.28, -97.74], [30.29, -97.74], [30.29, -97.73], [30.28, -97.74]]]},
            "-97.74",
            "swapped",
        ),
        ({"type": "Polygon", "coordinates": [[[lat, lon] for lon, lat in SQUARE]]}, "lon -2.98", "British Isles"),
        ({"type": "Polygon", "coordinates": []}, "", "empty"),
        ({"type": "Polygon", "coordinates": [[]]}, "", ""),
        ({"type": "Polygon", "coordinates": [SQUARE[:2]]}, "", ""),
        ({"type": "MultiPolygon", "coordinates": []}, "", "empty"),
        ({"type": "LineString", "coordinates": SQUARE}, "", "LineString"),
        ({"type": "Polygon", "coordinates": [[*SQUARE[:2], [-2.97, 153.41], *SQUARE[3:]]]}, "153.41", ""),
    ],
    ids=[
        "self-crossing",
        "swapped",
        "swapped in Liverpool",
        "empty",
        "empty ring",
        "two points",
        "no part",
        "line",
        "off the earth",
    ],
)
def test_a_zone_that_cannot_be_judged_by_is_refused(up: System, geometry: Any, place: str, reason: str) -> None:
    feature = {"type": "Feature", "geometry": geometry, "properties": {"name": "Bad", "applies_to": {"all": True}}}
    zones = up.ask("officer", "GET", "/zones")
    answer = up.call("officer", "POST", "/zones", feature)
    assert answer.status == 422, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    detail = answer.json["detail"]
    assert "geometry" in detail
    assert place in detail
    assert reason in detail
    assert up.ask("officer", "GET", "/zones") == zones


def test_a_circle_without_a_radius(up: System) -> None:
    answer = up.call("officer", "POST", "/zones", circle({"all": True}, radius_m=0))
    assert answer.status == 422
    assert "radius" in answer.json["detail"]
