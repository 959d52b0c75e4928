"""Turns a message into a mail, hands it to the mail server, and turns what that says into an outcome."""

from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

import aiosmtplib

from duties import message
from duties.message import Message
from duties.outcome import DELIVERED, Outcome
from model.errors import CordonError
from model.instant import from_us

TIMEOUT_S: Final = 30.0  # mail servers let strangers wait
SAID_MOST: Final = 200  # characters of a server's own words
PORTS: Final = {"smtp": 25, "smtps": 465}


class Server(NamedTuple):
    """The mail server that takes our messages."""

    host: str
    port: int
    user: str | None
    password: str | None
    tls: bool  # from the first byte


def server(url: str) -> Server:
    """The server of ``smtp://[user:password@]host[:port]``, or ``smtps://``.

    Raises
    ------
    CordonError
        If it is not such an address.
    """
    wrong = "CORDON_SMTP_URL is no mail server: write smtp://host, smtp://user:password@host:587 or smtps://user:password@host"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise CordonError(wrong) from None
    if parts.scheme not in PORTS or not parts.hostname or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise CordonError(wrong)
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    if (user is None) != (password is None):
        raise CordonError(wrong)
    return Server(parts.hostname, port or PORTS[parts.scheme], user, password, parts.scheme == "smtps")


class Mails:
    """One instance's sender.

    ``smtps`` is TLS from the first byte. ``smtp`` goes over to TLS where the server offers it, as mail servers among themselves
    do; with a user and password it must, and must show a certificate to be trusted: they are never sent in the clear.
    """

    timeout_s = TIMEOUT_S

    def __init__(self, to: Server | None, sender: str) -> None:
        self._to, self._sender = to, sender

    async def send(self, said: Message, target: str, *_: object) -> Outcome:
        """Send once. A 4xx is tried again later; with a 5xx the server says that trying again is no use."""
        if self._to is None or not self._sender:
            return Outcome("no mail server is set: CORDON_SMTP_URL, CORDON_MAIL_FROM")
        to = self._to
        try:
            await aiosmtplib.send(
                mail(said, self._sender, target),
                sender=self._sender,
                recipients=[target],
                hostname=to.host,
                port=to.port,
                username=to.user,
                password=to.password,
                use_tls=to.tls,
                start_tls=True if to.user and not to.tls else None,
                validate_certs=to.tls or to.user is not None,
                timeout=self.timeout_s,
            )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            return _refused(refused.recipients[0])
        except aiosmtplib.SMTPResponseException as refused:
            return _refused(refused)
        except TimeoutError:
            return Outcome(f"the mail server did not answer within {self.timeout_s:.0f} s")
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return Outcome(f"the mail server cannot be reached ({type(error).__name__})")
        return DELIVERED


def mail(said: Message, sender: str, target: str) -> EmailMessage:
    """The mail of a message: text alone, the same in every try, answered by no machine."""
    letter = EmailMessage()
    letter["From"] = sender
    letter["To"] = target
    letter["Subject"] = message.subject(said)
    letter["Date"] = format_datetime(from_us(said.at_us))
    letter["Message-ID"] = f"<{said.id}@{sender.rpartition('@')[2]}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(message.text(said), cte="7bit")
    return letter


def _refused(error: aiosmtplib.SMTPResponseException) -> Outcome:
    words = "".join(letter if letter.isprintable() else " " for letter in error.message)[:SAID_MOST]
    return Outcome(f"the mail server answers {error.code} {words}".rstrip(), final=500 <= error.code < 600)
