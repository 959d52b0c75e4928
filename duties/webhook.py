"""Turns a message into a signed POST, as the Standard Webhooks specification has it, and the answer into an outcome.

Who may make channels may not thereby look round the networks that this process stands in. So it is the address a socket is made
for that is judged, whatever a name led to a moment before, and what fails inside fails in one sentence.
"""

import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from duties.message import Message
from duties.outcome import DELIVERED, Outcome
from model import reach
from model.instant import SECOND_US, show

TIMEOUT_S: Final = 10.0  # for all of it: a receiver takes note and answers, its work is its own


NOWHERE: Final = (
    "the target leads to no address that messages may go to: a public one by https, or one in CORDON_CHANNEL_NETWORKS "
    "(docs/notifications.md)"
)
INSIDE: Final = "the receiver takes no messages there: nothing answers, or not as a receiver of webhooks does"


class Webhooks:
    """One instance's sender.

    Parameters
    ----------
    inside : networks that are not public and may be sent to all the same, over plain http too
    """

    timeout_s = TIMEOUT_S

    def __init__(self, inside: Sequence[reach.Network]) -> None:
        self._inside = inside

    async def send(self, said: Message, target: str, secrets: Sequence[bytes], now_us: int) -> Outcome:
        """Send once: 2xx is delivered, 410 a wish to hear no more, all else a failure; redirects are not followed."""
        body = json.dumps({"type": said.type, "timestamp": show(said.at_us), "data": said.data}, sort_keys=True).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "Cordon"} | signed(said.id, now_us, body, secrets)
        way = Way(self._inside, secure=urlsplit(target).scheme == "https")
        # No connection is kept: a receiver that has gone away would be noticed by a page.
        connector = aiohttp.TCPConnector(force_close=True, limit=0, socket_factory=way.socket)
        try:
            async with (
                aiohttp.ClientSession(connector=connector) as http,
                http.post(
                    target,
                    data=body,
                    headers=headers,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=self.timeout_s),
                ) as answer,
            ):
                status = answer.status
        except TimeoutError:
            return Outcome(way.failed(f"the receiver did not answer within {self.timeout_s:.0f} s"))
        except (aiohttp.ClientError, ValueError, OSError) as error:
            return Outcome(way.failed(f"the receiver cannot be reached ({type(error).__name__})"))
        if 200 <= status < 300:
            return DELIVERED
        if status == 410:
            return Outcome("the receiver answers 410: it wants no more messages", final=True, gone=True)
        if 300 <= status < 400:
            return Outcome(f"the receiver answers {status}, a redirect: give the channel the address it leads to")
        return Outcome(f"the receiver answers {status}")


class Way:
    """The way of one try: which addresses it may take, and which it took."""

    def __init__(self, inside: Sequence[reach.Network], *, secure: bool) -> None:
        self._inside, self._secure = inside, secure
        self._went = self._went_inside = False

    def socket(self, address: tuple[Any, ...]) -> socket.socket:
        """A socket for this very address, as ``getaddrinfo`` has it.

        Raises
        ------
        OSError
            If no message may go there.
        """
        family, type_, protocol, _, where = address
        host = reach.literal(where[0])
        inside = host is not None and reach.listed(host, self._inside)
        if host is None or not (inside or (self._secure and reach.public(host))):
            raise OSError(NOWHERE)
        self._went = True
        self._went_inside |= inside
        return socket.socket(family, type_, protocol)

    def failed(self, how: str) -> str:
        """What to say of a try that failed as ``how`` says: all of it only where it went to the public internet alone."""
        if not self._went:
            return NOWHERE
        return INSIDE if self._went_inside else how


def signed(key: str, now_us: int, body: bytes, secrets: Sequence[bytes]) -> dict[str, str]:
    """The headers that say which message it is, when it was sent, and that it is ours: a signature by each secret."""
    timestamp = now_us // SECOND_US
    content = f"{key}.{timestamp}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode() for secret in secrets]
    return {
        "webhook-id": key,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
