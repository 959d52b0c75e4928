"""Signing in: right and wrong, refreshed, stolen, ended, slowed down."""

import base64
import json
from collections.abc import Awaitable, Callable

import pytest

from api.password import Checker, hash_password
from api.roles import PERMISSIONS, Role
from api.token import Signer
from store import accounts, idempotency, sessions
from tests.api.client import CHEAP, PASSWORD, SECRET, Answer, Api


async def test_a_password_becomes_tokens_that_say_who_is_signed_in(api: Api) -> None:
    answer = await api.sign_in("officer")
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    tokens = answer.json
    assert tokens["token_type"] == "bearer"
    assert tokens["expires_in"] == 900
    me = await api.get("/me", None, headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert me.json == tokens["account"]
    assert me.json["role"] == "officer"
    assert set(me.json["permissions"]) == PERMISSIONS[Role.OFFICER]


@pytest.mark.parametrize(("name", "password"), [("operator", "wrong"), ("nobody", PASSWORD), ("operator\0", PASSWORD)])
async def test_wrong_credentials_are_refused_alike(api: Api, name: str, password: str) -> None:
    answer = await api.sign_in(name, password)
    assert answer.status == 400
    assert answer.json["error"] == "invalid_grant"
    assert answer.json["detail"] == "name or password is wrong"
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_switched_off_account_neither_signs_in_nor_goes_on(api: Api) -> None:
    refresh = (await api.sign_in()).json["refresh_token"]
    async with api.store.pool.acquire() as connection:
        await accounts.set_active(connection, "operator", False)
    assert (await api.sign_in()).status == 400
    assert (await renew(api, refresh)).status == 400
    async with api.store.pool.acquire() as connection:
        await accounts.set_active(connection, "operator", True)
    assert (await renew(api, refresh)).status == 400, "let in again, one signs in again"
    assert (await api.sign_in()).status == 200


async def test_a_new_password_ends_what_was_signed_in(api: Api) -> None:
    refresh = (await api.sign_in()).json["refresh_token"]
    account = await accounts.named(api.store, "operator")
    assert account is not None
    async with api.store.pool.acquire() as connection:
        await accounts.set_password(connection, "operator", account.password_hash)
    assert (await renew(api, refresh)).json["error"] == "invalid_grant"


async def shut_out(api: Api) -> None:
    async with api.store.pool.acquire() as connection:
        await accounts.set_active(connection, "operator", False)


async def given_another_password(api: Api) -> None:
    async with api.store.pool.acquire() as connection:
        await accounts.set_password(connection, "operator", hash_password("another horse", CHEAP))


async def made_an_engineer(api: Api) -> None:
    async with api.store.pool.acquire() as connection:
        await accounts.set_role(connection, "operator", "engineer")


@pytest.mark.parametrize(("change", "status"), [(shut_out, 400), (given_another_password, 400), (made_an_engineer, 200)])
async def test_what_becomes_of_an_account_while_its_password_is_checked_holds_for_the_sign_in(
    api: Api, change: Callable[[Api], Awaitable[None]], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check takes a tenth of a second, and what ends all sign-ins would not find the one that comes of it."""
    matches = Checker.matches

    async def meanwhile(self: Checker, password: str, password_hash: str | None) -> bool:
        right = await matches(self, password, password_hash)
        await change(api)
        return right

    monkeypatch.setattr(Checker, "matches", meanwhile)
    answer = await api.sign_in()
    assert answer.status == status, answer.body
    living = await api.store.pool.fetchval("SELECT count(*) FROM session WHERE revoked_at IS NULL")
    if status == 200:
        assert (answer.json["account"]["role"], living) == ("engineer", 1)
    else:
        assert (answer.json["error"], living) == ("invalid_grant", 0)
        refused = await api.store.pool.fetchval("SELECT actor FROM audit WHERE action = 'sign-in refused'")
        assert refused == api.accounts["operator"]


async def renew(api: Api, refresh: str) -> Answer:
    return await api.call("POST", "/token", None, data={"grant_type": "refresh_token", "refresh_token": refresh})


async def test_a_refresh_token_works_once_and_its_reuse_ends_the_family(api: Api) -> None:
    other = (await api.sign_in()).json["refresh_token"]
    first = (await api.sign_in()).json["refresh_token"]
    second = (await renew(api, first)).json["refresh_token"]
    third = (await renew(api, second)).json["refresh_token"]
    assert len({first, second, third}) == 3
    stolen = await renew(api, first)
    assert stolen.status == 400
    assert "used before" in stolen.json["detail"]
    assert (await renew(api, third)).status == 400  # whoever holds it, thief or owner
    assert (await renew(api, other)).status == 200  # another sign-in is not concerned


async def test_only_hashes_of_refresh_tokens_are_stored(api: Api) -> None:
    refresh = (await api.sign_in()).json["refresh_token"]
    row = await api.store.pool.fetchrow("SELECT session::text AS text FROM session")
    assert row is not None
    assert refresh not in row["text"]


async def test_an_expired_sign_in_is_over(api: Api) -> None:
    refresh = (await api.sign_in()).json["refresh_token"]
    await api.store.pool.execute("UPDATE session SET expires_at = now()")
    answer = await renew(api, refresh)
    assert answer.status == 400
    assert "over" in answer.json["detail"]


async def test_refreshing_does_not_lengthen_the_shift(api: Api) -> None:
    refresh = (await api.sign_in()).json["refresh_token"]
    await renew(api, refresh)
    assert await api.store.pool.fetchval("SELECT count(DISTINCT expires_at) FROM session") == 1


async def test_signing_out_ends_the_family(api: Api) -> None:
    refresh = (await api.sign_in()).json["refresh_token"]
    assert (await api.call("DELETE", "/token", None, {"refresh_token": refresh})).status == 204
    assert (await renew(api, refresh)).status == 400


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"grant_type": "password", "password": "x"}, "username"),
        ({"grant_type": "password", "username": "x"}, "password"),
        ({"grant_type": "refresh_token"}, "refresh_token"),
    ],
)
async def test_a_missing_field_is_named(api: Api, form: dict[str, str], field: str) -> None:
    answer = await api.call("POST", "/token", None, data=form)
    assert answer.status == 422
    assert answer.json["errors"] == [{"in": "body", "field": field, "reason": "is needed"}]


async def test_other_grants_are_refused_in_the_standard_s_word(api: Api) -> None:
    answer = await api.call("POST", "/token", None, data={"grant_type": "client_credentials"})
    assert answer.status == 400
    assert answer.json["error"] == "unsupported_grant_type"


async def test_wrong_passwords_slow_down_and_say_how_long(api: Api) -> None:
    statuses = [(await api.sign_in("operator", "wrong")).status for _ in range(5)]
    assert statuses == [400] * 5
    slowed = await api.sign_in()
    assert slowed.status == 429
    assert int(slowed.headers["Retry-After"]) >= 1
    assert (await api.sign_in("officer")).status == 200  # others go on


async def test_sign_ins_are_audited(api: Api) -> None:
    await api.sign_in()
    await api.sign_in("operator", "wrong")
    rows = await api.store.pool.fetch("SELECT actor, action FROM audit ORDER BY part")
    assert [tuple(row) for row in rows] == [
        (api.accounts["operator"], "signed in"),
        (api.accounts["operator"], "sign-in refused"),
    ]


def changed_payload(token: str) -> str:
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["role"] = "admin"
    return ".".join([header, base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("="), signature])


def unsigned(token: str) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    return ".".join([header, token.split(".")[1], ""])


async def test_tokens_that_are_not_ours_are_refused(api: Api) -> None:
    good = api.signer.sign(api.accounts["operator"], "operator", Role.OPERATOR)
    bad = [
        "",
        "nonsense",
        changed_payload(good),
        unsigned(good),
        Signer(b"another secret, of another instance", 900).sign(1, "operator", Role.OPERATOR),
        Signer(SECRET, -1).sign(1, "operator", Role.OPERATOR),  # expired
    ]
    assert (await api.get("/me", None, headers={"Authorization": f"Bearer {good}"})).status == 200
    for token in bad:
        answer = await api.get("/me", None, headers={"Authorization": f"Bearer {token}"})
        assert answer.status == 401, token
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.json["type"] == "urn:cordon:signed-out"
    assert (await api.get("/me", None)).status == 401


def test_a_short_secret_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Signer(b"short", 900)


async def test_what_is_long_over_is_forgotten(api: Api) -> None:
    live = (await api.sign_in()).json["refresh_token"]
    await api.sign_in("officer")
    await api.store.pool.execute(
        "UPDATE session SET expires_at = now() - interval '2 days' WHERE account = $1", api.accounts["officer"]
    )
    assert await sessions.forget(api.store) == 1
    assert (await renew(api, live)).status == 200
    await api.post("/wearers", {"name": "W"}, headers={"Idempotency-Key": "k"})
    assert await idempotency.forget(api.store) == 0
    await api.store.pool.execute("UPDATE idempotency SET at = now() - interval '3 days'")
    assert await idempotency.forget(api.store) == 1
