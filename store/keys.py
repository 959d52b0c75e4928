"""Turns gateways' keys into hashes that recognise them: a key is shown once, when it is made."""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Final, NamedTuple

from model.errors import CordonError
from store import gateways
from store.pool import Store

PREFIX: Final = 12  # characters that find a key's row and are shown in lists; the other 31 stay secret
NAMED: Final = 4  # the fewest of them that a key to be revoked is named by


class Key(NamedTuple):
    """A key as it may be shown."""

    id: int
    gateway: str
    prefix: str
    created_us: int
    revoked_us: int | None  # ahead of now where it was made for a while only


async def create(store: Store, gateway: str, good_s: float | None = None) -> str:
    """A new key of 256 random bits for a gateway, which is made if it is new; the only time the key is seen.

    Parameters
    ----------
    good_s : after so many seconds it is worthless by itself; None: it is good until somebody revokes it
    """
    key = ""
    while not key[:1].isalnum():  # its beginning is what `keys revoke` is given, where a dash would begin an option
        key = secrets.token_urlsafe(32)
    await store.pool.execute(
        """INSERT INTO gateway_key (gateway, prefix, hash, revoked_at)
           VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))""",
        *(await gateways.number(store, gateway), key[:PREFIX], _hash(key), good_s),
    )
    return key


async def authenticate(store: Store, key: str) -> str | None:
    """The name of the gateway whose key this is, None where it is nobody's or was revoked."""
    row = await store.pool.fetchrow(
        """
        SELECT gateway.name, hash FROM gateway_key JOIN gateway ON gateway.id = gateway_key.gateway
        WHERE prefix = $1 AND (revoked_at IS NULL OR revoked_at > clock_timestamp())
        """,
        key[:PREFIX],
    )
    if row is None or not secrets.compare_digest(row["hash"], _hash(key)):
        return None
    name: str = row["name"]
    return name


async def listed(store: Store) -> Sequence[Key]:
    """All keys, the newest last, revoked ones too."""
    rows = await store.pool.fetch(
        """
        SELECT gateway_key.id, gateway.name, prefix, created_at, revoked_at
        FROM gateway_key JOIN gateway ON gateway.id = gateway_key.gateway ORDER BY gateway_key.id
        """
    )
    return [Key(*row) for row in rows]


async def revoke(store: Store, prefix: str) -> str:
    """Make a key worthless from now on, named by enough of the start of it that lists show; that whole start.

    Raises
    ------
    CordonError
        If it is named too shortly, there is no such key in use, or there are several.
    """
    if len(prefix) < NAMED:
        raise CordonError(
            f"{prefix!r} is too short to name a key: give at least {NAMED} of the characters cordon keys list shows"
        )
    found = await store.pool.fetch(
        """SELECT id, prefix FROM gateway_key WHERE starts_with(prefix, $1) AND (revoked_at IS NULL OR revoked_at > now())
           ORDER BY id""",
        prefix,
    )
    if not found:
        raise CordonError(f"no key in use begins with {prefix}: cordon keys list shows them")
    if len(found) > 1:
        which = ", ".join(row["prefix"] for row in found)
        raise CordonError(f"{len(found)} keys in use begin with {prefix}: give more of the one of {which}")
    await store.pool.execute("UPDATE gateway_key SET revoked_at = now() WHERE id = $1", found[0]["id"])
    whole: str = found[0]["prefix"]
    return whole


async def expire(store: Store, gateway: str, older_than_s: float) -> None:
    """Make a gateway's keys worthless that were made so long ago: of one whose senders make new ones for themselves."""
    await store.pool.execute(
        """UPDATE gateway_key SET revoked_at = now() FROM gateway WHERE gateway.id = gateway_key.gateway AND name = $1
               AND revoked_at IS NULL AND created_at < now() - make_interval(secs => $2)""",
        *(gateway, older_than_s),
    )


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
