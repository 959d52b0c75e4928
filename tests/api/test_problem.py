"""Whatever fails is a problem with a type, a place and what to do; ours tells nothing of what it holds."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal

import aiohttp
import psycopg
import pytest
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from api.problem import places
from store import wearers
from store.pool import Store
from tests.api.client import MISSING_CONSOLE, Answer, Api, serving


def is_problem(answer: Answer, status: int, code: str) -> dict[str, Any]:
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json
    assert problem["type"] == f"urn:cordon:{code}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"].startswith("/")
    return problem


async def test_paths_and_methods_that_are_not_there(api: Api) -> None:
    for path in ("/nothing", "//api", "//api/v2/alerts", "/alerts/1/nothing", "//gateway/v1/nothing", "/alerts/"):
        is_problem(await api.get(path, headers={"Accept": "text/html"}), 404, "missing")
    wrong = await api.call("PUT", "/alerts", "admin", {})
    is_problem(wrong, 405, "refused")
    assert wrong.headers["Allow"] == "GET"


async def test_ids_that_are_none(api: Api) -> None:
    for path in ("/alerts/x", "/alerts/0", f"/alerts/{2**63}", "/wearers/-1", "/zones/1.5", "/tags/x"):
        problem = is_problem(await api.get(path), 422, "invalid")
        assert problem["errors"][0]["in"] == "path"


async def test_bodies_that_are_not_json(api: Api) -> None:
    json = {"Content-Type": "application/json"}
    for body in (b"{", b"", b"nul", b'{"name": "x"', b"\xff\xfe", b"[" * 100_000):
        answer = await api.call("POST", "/wearers", data=body, headers=json)
        assert answer.status in {400, 422}, body[:20]
        is_problem(answer, answer.status, "malformed" if answer.status == 400 else "invalid")
    problem = is_problem(await api.call("POST", "/wearers", data=b'{"name": x}', headers=json), 400, "malformed")
    assert "character 9" in problem["detail"]
    for value in (b"NaN", b"Infinity", b"1e999"):
        body = (
            b'{"type":"Feature","geometry":{"type":"Point","coordinates":[0,51]},'
            b'"properties":{"applies_to":{"all":true},"radius_m":%b}}'
        )
        is_problem(await api.call("POST", "/zones", data=body % value, headers=json), 422, "invalid")
    for body in (b"[]", b'"x"', b"5", b"null"):
        is_problem(await api.call("POST", "/wearers", data=body, headers=json), 422, "invalid")


async def test_a_body_of_another_kind(api: Api) -> None:
    problem = is_problem(await api.call("POST", "/wearers", data="<name/>", headers={"Content-Type": "text/xml"}), 415, "refused")
    assert "application/json" in problem["detail"]


async def test_a_body_too_large_announced_or_not(api: Api) -> None:
    async def dripping() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 10_000

    json = {"Content-Type": "application/json"}
    is_problem(await api.call("POST", "/wearers", data=b" " * 300_000, headers=json), 413, "refused")
    is_problem(await api.call("POST", "/wearers", data=dripping(), headers=json), 413, "refused")
    big = await api.call("POST", "/token", None, data={"username": "x", "password": "y" * 300_000})
    is_problem(big, 413, "refused")
    assert (await api.get("/me")).status == 200  # the server goes on


async def test_several_places_are_all_named(api: Api) -> None:
    problem = is_problem(await api.post("/orders", {"wearer": "x", "color": 1}), 422, "invalid")
    assert {wrong["field"] for wrong in problem["errors"]} == {"wearer", "type", "timezone", "starts", "color"}
    assert "(and 4 more)" in problem["detail"]


class Asked(BaseModel):
    home: int = 1
    grace_min: int = Field(5, ge=0, le=60)
    by: Literal["all", "tag"] = "all"
    authorised_by: str = Field("x", min_length=1)
    at: AwareDatetime | None = None


@pytest.mark.parametrize(
    ("field", "given", "words"),
    [
        ("home", None, "is no whole number"),
        ("grace_min", 90, "is too much: 60 at most"),
        ("by", "wearer", "is none of 'all' or 'tag'"),
        ("authorised_by", "", "is too short: it needs 1 or more characters"),
        ("at", "yesterday", "is no time: write it like 2026-11-22T08:00:00Z"),
        ("at", "2026-11-22T08:00:00", "does not say in which time zone: write it like 2026-11-22T08:00:00Z"),
    ],
)
def test_what_is_wrong_with_a_field_is_said_to_people(field: str, given: object, words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Asked.model_validate({field: given})
    assert places(refused.value.errors()) == [(field, words)]  # type: ignore[arg-type]


async def test_a_misspelt_filter_is_not_ignored(api: Api) -> None:
    for path, name in (
        ("/alerts?wearers=1", "wearers"),
        ("/zones?kind=home&end=true", "end"),
        ("/me?x=", "x"),
        ("/wearers/1?a=b", "a"),
    ):
        problem = is_problem(await api.get(path), 422, "invalid")
        assert (problem["errors"][0]["in"], problem["errors"][0]["field"]) == ("query", name)
    assert "severity" in (await api.get("/alerts?sevrity=P1")).json["detail"]


async def test_an_error_of_ours_tells_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fails(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the wearer Jane Doe at 53.4")

    monkeypatch.setattr(wearers, "get", fails)
    answer = await api.get("/wearers/1")
    problem = is_problem(answer, 500, "fault")
    assert b"Jane" not in answer.body
    logged = capsys.readouterr().out
    assert problem["reference"] in logged
    assert "fails" in logged  # where
    assert "RuntimeError" in logged
    assert "Jane" not in logged
    assert "53.4" not in logged
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_database_that_is_away_is_said_and_found_again(api: Api, database: str) -> None:
    async with api.store.pool.acquire() as connection:
        dbname = await connection.fetchval("SELECT current_database()")
    with psycopg.connect(database.replace(dbname, "postgres"), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {dbname} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [dbname])
        await asyncio.sleep(0.05)
        answer = await api.get("/wearers")
        is_problem(answer, 503, "unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
        is_problem(await api.get("//readyz", None), 503, "unavailable")
        is_problem(await api.get("/alerts/stream"), 503, "unavailable")
        assert (await api.get("//healthz", None)).status == 200
        admin.execute(f"ALTER DATABASE {dbname} ALLOW_CONNECTIONS true")
    assert (await api.get("/wearers")).status == 200


async def test_a_request_that_finds_every_connection_in_use_is_told_to_come_again(database: str, store: Store) -> None:
    async with serving(database, store, console=MISSING_CONSOLE, pool_wait_s=0.05) as api:
        async with api.app.state.parts.store.pool.acquire():
            for path in ("/visits", "/zones"):  # by a connection of its own, and by the pool's own methods
                answer = await api.get(path)
                is_problem(answer, 503, "unavailable")
                assert int(answer.headers["Retry-After"]) > 0
            is_problem(await api.post("/wearers", {"name": "Test Wearer"}), 503, "unavailable")
        assert (await api.get("/visits")).status == 200


async def test_only_named_hosts_are_answered(database: str, store: Store) -> None:
    async with serving(database, store, console=MISSING_CONSOLE, hosts=("127.0.0.1",)) as api:
        assert (await api.get("//healthz", None)).status == 200
        assert (await api.get("//healthz", None, headers={"Host": "evil.example"})).status == 400


async def test_what_browsers_are_told(api: Api) -> None:
    for path in ("/me", "/nothing", "//healthz"):
        headers = (await api.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "worker-src 'self' blob:" in policy
        assert "http" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Frame-Options"] == "DENY"


async def test_a_client_that_goes_away_in_the_middle_of_its_body_does_no_harm(api: Api) -> None:
    async def breaks() -> AsyncIterator[bytes]:
        yield b'{"name": '
        raise RuntimeError

    with pytest.raises((aiohttp.ClientError, RuntimeError)):
        await api.call("POST", "/wearers", data=breaks(), headers={"Content-Type": "application/json"})
    assert (await api.get("/me")).status == 200
