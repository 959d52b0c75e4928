"""What the API process is given from outside; built once in cordon/ and passed in."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from model.batch import DeadLetter, Receipt, Rejected
from model.reach import Network

CONSOLE: Final = Path(__file__).with_name("console")


# What became of a dead letter's records, and those of them that are still refused; a reason alone where all of them are.
Replay = Callable[[DeadLetter], Awaitable[tuple[Receipt, tuple[Rejected, ...]] | Rejected]]


@dataclass(frozen=True)
class Settings:
    """Everything the API process needs to know; it keeps nothing else between requests.

    Attributes
    ----------
    database : address of the migrated database
    token_secret : key that signs access tokens, at least 32 bytes, one an instance, kept outside the database
    console : folder of the built web console; it may be absent
    hosts : values of the Host header that are answered; ``*`` for any. Naming them keeps DNS rebinding out
    access_s : life of an access token, seconds; short, because it cannot be called back
    refresh_s : life of a sign-in, seconds; one shift
    pool : most database connections at once
    pool_wait_s : how long a request waits for one that is free, seconds, before it is answered 503
    timezone : IANA name meant where a zone's schedule names none
    replay : gives a dead letter to the gateways' door once more; None where this process has none
    inside : networks that are not public and channels may lead to all the same
    hash_threads : password checks at once; each takes 64 MiB and a tenth of a second of one core
    """

    database: str
    token_secret: bytes
    console: Path = CONSOLE
    hosts: tuple[str, ...] = ("*",)
    access_s: int = 15 * 60
    refresh_s: int = 12 * 3600
    pool: int = 10
    pool_wait_s: float = 5.0
    timezone: str = "Europe/London"
    replay: Replay | None = None
    inside: tuple[Network, ...] = ()
    hash_threads: int = 2
