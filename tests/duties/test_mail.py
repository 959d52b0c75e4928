"""Mail through a real mail server: taken, put off, refused, not there; and what its address may look like."""

from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult

from duties.mail import Mails, Server, server
from duties.message import Message
from duties.outcome import DELIVERED, Outcome
from model.errors import CordonError
from tests.duties.receivers import Post, posting, untrusted

SAID = Message("msg_40_3_9f0c1d2e3a4b", "test", 1_774_000_000_000_000, {"text": "A test."})
FROM = "cordon@monitor.example"


async def send(post: Post) -> Outcome:
    return await Mails(server(post.url), FROM).send(SAID, "duty@example.org")


async def test_it_is_taken() -> None:
    async with posting() as post:
        assert await send(post) == DELIVERED
    [letter] = post.got
    assert (letter["From"], letter["To"], letter["Subject"]) == (FROM, "duty@example.org", "Cordon: a test message")
    assert letter["Message-ID"] == "<msg_40_3_9f0c1d2e3a4b@monitor.example>"


async def test_it_is_put_off_by_a_server_that_greylists() -> None:
    async with posting("451 4.7.1 try again later") as post:
        assert await send(post) == Outcome("the mail server answers 451 4.7.1 try again later")
        assert await send(post) == DELIVERED


async def test_it_is_refused_for_good() -> None:
    async with posting("550 5.1.1 no such\x07 person" + " here" * 100) as post:
        refused = await send(post)
    assert refused.final
    assert refused.error.startswith("the mail server answers 550 5.1.1 no such  person here")
    assert len(refused.error) < 260


async def test_no_server_is_there() -> None:
    post = Post()
    post.url = "smtp://127.0.0.1:1"
    assert await send(post) == Outcome("the mail server cannot be reached (SMTPConnectError)")
    assert (await Mails(None, "").send(SAID, "duty@example.org")).error.startswith("no mail server is set")


async def test_a_password_is_never_sent_in_the_clear() -> None:
    asked: list[object] = []

    def authenticator(*what: object) -> None:
        asked.append(what)

    async with posting(authenticator=authenticator, auth_require_tls=False) as post:
        post.url = post.url.replace("//", "//user:secret@")
        refused = await send(post)
    assert "cannot be reached" in refused.error
    assert (asked, post.got) == ([], [])


async def test_without_a_password_any_certificate_is_better_than_none_with_one_it_must_be_trusted(tmp_path: Path) -> None:
    asked: list[object] = []

    def authenticator(*what: object) -> AuthResult:
        asked.append(what)
        return AuthResult(success=True)

    async with posting(tls_context=untrusted(tmp_path), authenticator=authenticator) as post:
        assert await send(post) == DELIVERED
        assert post.over_tls == [True]
        post.url = post.url.replace("//", "//user:secret@")
        assert not (await send(post)).final
    assert (asked, len(post.got)) == ([], 1)


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("smtp://mail.example", Server("mail.example", 25, None, None, False)),
        ("smtp://cordon:p%40ss@mail.example:587", Server("mail.example", 587, "cordon", "p@ss", False)),
        ("smtps://cordon:pass@mail.example", Server("mail.example", 465, "cordon", "pass", True)),
        ("smtp://[::1]:2525", Server("::1", 2525, None, None, False)),
    ],
)
def test_the_address_of_a_mail_server(url: str, read: Server) -> None:
    assert server(url) == read


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://", "smtp://h:port", "smtp://u@h", "smtp://h/x"])
def test_what_is_no_mail_server_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(CordonError, match="CORDON_SMTP_URL is no mail server") as refused:
        server(url)
    assert url not in str(refused.value) or url in {"smtp://", "smtp://h"}
