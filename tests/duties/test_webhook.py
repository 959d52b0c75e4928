"""A webhook's messages are what the specification's own library takes, and nothing a receiver does leaves an outcome open."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
import standardwebhooks

from duties.message import Message
from duties.outcome import DELIVERED, Outcome
from duties.webhook import Webhooks, signed
from model.instant import SECOND_US, to_us
from tests.duties.receivers import HANG, Web, serving, untrusted

SAID = Message("msg_40_3_9f0c1d2e3a4b", "alert.raised", 1_774_000_000_000_000, {"alert": 12})
SECRET = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Web]:
    async with serving() as running:
        yield running


async def send(receiver: Web, path: str = "/", *secrets: bytes) -> Outcome:
    from datetime import UTC, datetime

    async with aiohttp.ClientSession() as http:
        return await Webhooks(http).send(SAID, receiver.url + path, secrets or (SECRET,), to_us(datetime.now(UTC)))


def test_the_signature_is_that_of_the_specification() -> None:
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330 * SECOND_US + 999, b'{"test": 2432232314}', [SECRET])
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


async def test_a_receiver_that_checks_takes_it(receiver: Web) -> None:
    assert await send(receiver) == DELIVERED
    [got] = receiver.got
    assert standardwebhooks.Webhook(SECRET).verify(got.body, got.headers) == {
        "type": "alert.raised",
        "timestamp": "2026-03-20T09:46:40Z",
        "data": {"alert": 12},
    }
    assert got.headers["content-type"] == "application/json"
    with pytest.raises(standardwebhooks.webhooks.WebhookVerificationError):
        standardwebhooks.Webhook(SECRET).verify(got.body.replace(b"12", b"13"), got.headers)
    with pytest.raises(standardwebhooks.webhooks.WebhookVerificationError):
        standardwebhooks.Webhook(b"another secret of some length...").verify(got.body, got.headers)


async def test_while_a_secret_is_exchanged_both_are_good(receiver: Web) -> None:
    await send(receiver, "/", b"the new secret", SECRET)
    [got] = receiver.got
    for secret in (b"the new secret", SECRET):
        assert standardwebhooks.Webhook(secret).verify(got.body, got.headers)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, DELIVERED),
        (204, DELIVERED),
        (299, DELIVERED),
        (302, Outcome("the receiver answers 302, a redirect: give the channel the address it leads to")),
        (400, Outcome("the receiver answers 400")),
        (401, Outcome("the receiver answers 401")),
        (410, Outcome("the receiver answers 410: it wants no more messages", final=True, gone=True)),
        (429, Outcome("the receiver answers 429")),
        (500, Outcome("the receiver answers 500")),
    ],
)
async def test_what_it_answers(receiver: Web, status: int, outcome: Outcome) -> None:
    receiver.says["/"] = status
    assert await send(receiver) == outcome
    assert [got.path for got in receiver.got] == ["/"], "a redirect is not followed"


async def test_one_that_hangs_is_given_up(receiver: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Webhooks, "timeout_s", 0.2)
    receiver.says["/"] = HANG
    assert (await send(receiver)).error.startswith("the receiver did not answer within")


async def test_one_that_is_slow_is_waited_for(receiver: Web) -> None:
    receiver.slow_s = 0.3
    assert await send(receiver) == DELIVERED


async def test_one_that_is_not_there(receiver: Web) -> None:
    receiver.url = "http://127.0.0.1:1"
    assert await send(receiver) == Outcome("the receiver cannot be reached (ClientConnectorError)")


async def test_one_whose_certificate_nobody_vouches_for_is_told_nothing(tmp_path: Path) -> None:
    async with serving(untrusted(tmp_path)) as receiver:
        assert await send(receiver) == Outcome("the receiver cannot be reached (ClientConnectorCertificateError)")
        assert receiver.got == []


async def test_the_body_is_the_same_in_every_try(receiver: Web) -> None:
    await send(receiver)
    await send(receiver)
    one, other = receiver.got
    assert one.body == other.body
    assert json.loads(one.body)["type"] == "alert.raised"
