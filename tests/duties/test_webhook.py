"""A webhook's messages are what the specification's own library takes, and nothing a receiver does leaves an outcome open."""

import base64
import json
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
import standardwebhooks

from duties.message import Message
from duties.outcome import DELIVERED, Outcome
from duties.webhook import INSIDE, NOWHERE, Way, Webhooks, signed
from model import reach
from model.instant import SECOND_US, to_us
from tests.duties.receivers import HANG, HERE, Web, serving, untrusted

SAID = Message("msg_40_3_9f0c1d2e3a4b", "alert.raised", 1_774_000_000_000_000, {"alert": 12})
SECRET = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Web]:
    async with serving() as running:
        yield running


async def send(receiver: Web, path: str = "/", *secrets: bytes, inside: Sequence[reach.Network] = HERE) -> Outcome:
    from datetime import UTC, datetime

    return await Webhooks(inside).send(SAID, receiver.url + path, secrets or (SECRET,), to_us(datetime.now(UTC)))


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


async def test_one_that_is_slow_is_waited_for(receiver: Web) -> None:
    receiver.slow_s = 0.3
    assert await send(receiver) == DELIVERED


async def test_what_fails_inside_fails_in_one_sentence(receiver: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who makes channels learns nothing of a listed network but what takes webhooks there."""
    monkeypatch.setattr(Webhooks, "timeout_s", 0.2)
    receiver.says["/"] = HANG
    assert await send(receiver) == Outcome(INSIDE)
    receiver.url = "http://127.0.0.1:1"
    assert await send(receiver) == Outcome(INSIDE), "nothing listens"
    with socket.create_server(("127.0.0.1", 0)) as mute:
        receiver.url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        assert await send(receiver) == Outcome(INSIDE), "something listens, and says nothing"
    async with serving(untrusted(tmp_path)) as safe:
        assert await send(safe) == Outcome(INSIDE), "a certificate nobody vouches for"
        assert safe.got == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "nobody.invalid"])
async def test_what_is_not_public_is_sent_to_only_where_it_is_listed(receiver: Web, host: str) -> None:
    """By the address that a socket would be made for, however the target writes it; what leads nowhere is said alike."""
    port = receiver.url.rpartition(":")[2]
    for scheme in ("http", "https"):
        receiver.url = f"{scheme}://{host}:{port}"
        assert await send(receiver, inside=()) == Outcome(NOWHERE)
        assert await send(receiver, inside=reach.networks("10.0.0.0/8, fd00::/8")) == Outcome(NOWHERE)
    assert receiver.got == []


async def test_a_name_that_leads_to_a_listed_network_is_sent_to(receiver: Web) -> None:
    receiver.url = receiver.url.replace("127.0.0.1", "localhost")
    assert await send(receiver) == DELIVERED


def at(address: str) -> tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int]]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 443))


def test_a_public_address_is_gone_to_by_https_alone_and_its_failures_are_told() -> None:
    way = Way(HERE, secure=True)
    assert way.failed("it broke") == NOWHERE
    with pytest.raises(OSError, match="leads to no address"):
        way.socket(at("10.1.2.3"))
    assert way.failed("it broke") == NOWHERE
    way.socket(at("93.184.215.14")).close()
    assert way.failed("it broke") == "it broke"
    way.socket(at("127.0.0.1")).close()
    assert way.failed("it broke") == INSIDE, "a name that leads to both"
    with pytest.raises(OSError, match="leads to no address"):
        Way(HERE, secure=False).socket(at("93.184.215.14"))


async def test_the_body_is_the_same_in_every_try(receiver: Web) -> None:
    await send(receiver)
    await send(receiver)
    one, other = receiver.got
    assert one.body == other.body
    assert json.loads(one.body)["type"] == "alert.raised"
