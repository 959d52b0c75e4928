"""Refresh tokens as rows: one a token, used once, of a family that ends when one is used twice."""

import hashlib
from enum import Enum
from typing import NamedTuple
from uuid import UUID, uuid4

from model.instant import SECOND_US
from store.accounts import Account
from store.pool import Store


class Refused(Enum):
    """Why a refresh token is worth nothing."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REUSED = "reused"  # its family has just been ended
    REVOKED = "revoked"
    INACTIVE = "inactive"  # the account was switched off


class Renewed(NamedTuple):
    """A refresh token changed for its successor."""

    account: Account
    family: UUID


def token_hash(token: str) -> bytes:
    """SHA-256: the tokens are 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).digest()


async def begin(store: Store, account: int, token: str, lifetime_s: int) -> UUID:
    """Start a family with its first refresh token."""
    family = uuid4()
    await store.pool.execute(
        """INSERT INTO session (id, family, account, token_hash, expires_at)
           VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))""",
        uuid4(),
        family,
        account,
        token_hash(token),
        lifetime_s,
    )
    return family


async def renew(store: Store, token: str, successor: str) -> Renewed | Refused:
    """Use a refresh token up and put its successor in its place.

    The successor expires when the first token would have: a shift is a shift. A token used a second time ends its family.
    """
    async with store.pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(
            """SELECT s.id, s.family, s.expires_at, s.used_at, s.revoked_at, s.expires_at <= now() AS expired,
                      a.id AS account, a.name, a.role, a.active, a.password_hash
               FROM session s JOIN account a ON a.id = s.account WHERE s.token_hash = $1 FOR UPDATE OF s""",
            token_hash(token),
        )
        if row is None:
            return Refused.UNKNOWN
        if row["used_at"] is not None:
            await connection.execute(
                "UPDATE session SET revoked_at = now() WHERE family = $1 AND revoked_at IS NULL", row["family"]
            )
            return Refused.REUSED
        if row["revoked_at"] is not None:
            return Refused.REVOKED
        if row["expired"]:
            return Refused.EXPIRED
        if not row["active"]:
            return Refused.INACTIVE
        await connection.execute("UPDATE session SET used_at = now() WHERE id = $1", row["id"])
        await connection.execute(
            "INSERT INTO session (id, family, account, token_hash, expires_at) VALUES ($1, $2, $3, $4, $5)",
            uuid4(),
            row["family"],
            row["account"],
            token_hash(successor),
            row["expires_at"],
        )
    account = Account(row["account"], row["name"], row["role"], row["active"], row["password_hash"])
    return Renewed(account, row["family"])


async def holder(store: Store, token: str) -> int | None:
    """The account whose sign-in a refresh token came of, also one that is used up; None where the sign-in is over."""
    account: int | None = await store.pool.fetchval(
        """SELECT account FROM session WHERE family = (SELECT family FROM session WHERE token_hash = $1)
             AND used_at IS NULL AND revoked_at IS NULL AND expires_at > now()""",
        token_hash(token),
    )
    return account


async def end(store: Store, token: str) -> None:
    """Sign out: end the family of a refresh token; without effect for an unknown one."""
    await store.pool.execute(
        """UPDATE session SET revoked_at = now()
           WHERE revoked_at IS NULL AND family = (SELECT family FROM session WHERE token_hash = $1)""",
        token_hash(token),
    )


async def forget(store: Store, expired_for_us: int = 24 * 3600 * SECOND_US) -> int:
    """Drop sessions expired for that long, microseconds; how many."""
    done: str = await store.pool.execute(
        "DELETE FROM session WHERE expires_at < now() - make_interval(secs => $1)", expired_for_us / SECOND_US
    )
    return int(done.rpartition(" ")[2])
