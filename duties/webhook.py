"""Turns a message into a signed POST, as the Standard Webhooks specification has it, and the answer into an outcome."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Final

import aiohttp

from duties.message import Message
from duties.outcome import DELIVERED, Outcome
from model.instant import SECOND_US, show

TIMEOUT_S: Final = 10.0  # for all of it: a receiver takes note and answers, its work is its own
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - how the specification writes a secret


class Webhooks:
    """One instance's sender."""

    timeout_s = TIMEOUT_S

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def send(self, said: Message, target: str, secrets: Sequence[bytes], now_us: int) -> Outcome:
        """Send once: 2xx is delivered, 410 a wish to hear no more, all else a failure; redirects are not followed."""
        body = json.dumps({"type": said.type, "timestamp": show(said.at_us), "data": said.data}, sort_keys=True).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "Cordon"} | signed(said.id, now_us, body, secrets)
        try:
            async with self._http.post(
                target,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self.timeout_s),
            ) as answer:
                status = answer.status
        except TimeoutError:
            return Outcome(f"the receiver did not answer within {self.timeout_s:.0f} s")
        except (aiohttp.ClientError, ValueError, OSError) as error:
            return Outcome(f"the receiver cannot be reached ({type(error).__name__})")
        if 200 <= status < 300:
            return DELIVERED
        if status == 410:
            return Outcome("the receiver answers 410: it wants no more messages", final=True, gone=True)
        if 300 <= status < 400:
            return Outcome(f"the receiver answers {status}, a redirect: give the channel the address it leads to")
        return Outcome(f"the receiver answers {status}")


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
