"""Refresh tokens as rows: one a token, used once, of a family that ends when one is used twice."""

import hashlib
from enum import Enum
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from model.instant import SECOND_US
from store import accounts
from store.accounts import Account
from store.pool import Connection, Source, Store

# Whether an account ``p`` can be reached at a console: a sign-in that neither ended nor ran out.
SIGNED_IN: Final = """EXISTS (SELECT FROM session s WHERE s.account = p.id AND s.used_at IS NULL AND s.revoked_at IS NULL
    AND s.expires_at > clock_timestamp())"""


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


async def begin(store: Store, checked: Account, token: str, lifetime_s: int) -> Account | None:
    """Start a family with its first refresh token: the account as it is now, which may have another role than ``checked`` had.

    None, and nothing is begun, where it was shut out or given another password after it was read to check the password: that
    ends what is signed in, and this would not have been.
    """
    async with store.pool.acquire() as connection, connection.transaction():
        await accounts.lock(connection, checked.id)
        account = await accounts.get(connection, checked.id)
        if account is None or not account.active or account.password_hash != checked.password_hash:
            return None
        await connection.execute(
            """INSERT INTO session (id, family, account, token_hash, expires_at)
               VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))""",
            *(uuid4(), uuid4(), account.id, token_hash(token), lifetime_s),
        )
    return account


async def renew(store: Store, token: str, successor: str) -> Renewed | Refused:
    """Use a refresh token up and put its successor in its place.

    The successor expires when the first token would have: a shift is a shift. A token used a second time ends its family.
    """
    async with store.pool.acquire() as connection, connection.transaction():
        account = await holder(connection, token)
        if account is None:
            return Refused.UNKNOWN
        await accounts.lock(connection, account)
        row = await connection.fetchrow(
            """SELECT s.id, s.family, s.expires_at, s.used_at, s.revoked_at, s.expires_at <= now() AS expired,
                      a.name, a.role, a.active, a.password_hash
               FROM session s JOIN account a ON a.id = s.account WHERE s.token_hash = $1 FOR UPDATE OF s""",
            token_hash(token),
        )
        assert row is not None, "sessions are dropped long after they have ended"
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
            account,
            token_hash(successor),
            row["expires_at"],
        )
    return Renewed(Account(account, row["name"], row["role"], row["active"], row["password_hash"]), row["family"])


async def holder(source: Source, token: str) -> int | None:
    """The account that a refresh token was given to, whatever has become of it; None where there is no such token."""
    account: int | None = await source.fetchval("SELECT account FROM session WHERE token_hash = $1", token_hash(token))
    return account


async def end(connection: Connection, token: str) -> bool:
    """Sign out: end the one token of its family that is good still; False where none is, the sign-in is over already.

    The account has to be locked, or a renewal under way would leave its successor behind.
    """
    ended = await connection.fetchval(
        """UPDATE session SET revoked_at = now() WHERE family = (SELECT family FROM session WHERE token_hash = $1)
             AND used_at IS NULL AND revoked_at IS NULL AND expires_at > now() RETURNING true""",
        token_hash(token),
    )
    return ended is not None


async def left(connection: Connection, account: int, since_s: int) -> bool:
    """Whether somebody has signed out since then, seconds since 1970, and is signed in nowhere else.

    The account has to be locked for the answer to stay true.
    """
    gone: bool = await connection.fetchval(
        """SELECT EXISTS (SELECT FROM session WHERE account = $1 AND revoked_at >= to_timestamp($2))
             AND NOT EXISTS (SELECT FROM session WHERE account = $1 AND used_at IS NULL AND revoked_at IS NULL
                             AND expires_at > now())""",
        account,
        since_s,
    )
    return gone


async def forget(store: Store, expired_for_us: int = 24 * 3600 * SECOND_US) -> int:
    """Drop sessions expired for that long, microseconds; how many."""
    done: str = await store.pool.execute(
        "DELETE FROM session WHERE expires_at < now() - make_interval(secs => $1)", expired_for_us / SECOND_US
    )
    return int(done.rpartition(" ")[2])
