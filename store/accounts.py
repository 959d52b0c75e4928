"""The people who may sign in, as rows."""

from typing import NamedTuple

import asyncpg

from store.pool import Source, Store
from store.refusal import ConflictError, MissingError


class Account(NamedTuple):
    """One person; ``password_hash`` is argon2's own text form."""

    id: int
    name: str
    role: str
    active: bool
    password_hash: str


COLUMNS = "id, name, role, active, password_hash"


async def named(store: Store, name: str) -> Account | None:
    """The account of that name, or None."""
    row = await store.pool.fetchrow(f"SELECT {COLUMNS} FROM account WHERE name = $1", name)  # noqa: S608
    return None if row is None else Account(*row)


async def get(source: Source, account: int) -> Account | None:
    """The account of that id, or None."""
    row = await source.fetchrow(f"SELECT {COLUMNS} FROM account WHERE id = $1", account)  # noqa: S608
    return None if row is None else Account(*row)


async def everyone(store: Store) -> list[Account]:
    """All accounts, by name."""
    return [Account(*row) for row in await store.pool.fetch(f"SELECT {COLUMNS} FROM account ORDER BY name")]  # noqa: S608


async def add(store: Store, name: str, password_hash: str, role: str) -> int:
    """Create an account; its id.

    Raises
    ------
    ConflictError
        If the name is taken.
    """
    try:
        number: int = await store.pool.fetchval(
            "INSERT INTO account (name, password_hash, role) VALUES ($1, $2, $3) RETURNING id", name, password_hash, role
        )
    except asyncpg.UniqueViolationError:
        raise ConflictError(f"there is an account named {name} already: choose another name") from None
    return number


async def set_password(store: Store, name: str, password_hash: str) -> None:
    """Give an account another password; everything it is signed in to ends.

    Raises
    ------
    MissingError
        If there is no such account.
    """
    async with store.pool.acquire() as connection, connection.transaction():
        account = await connection.fetchval(
            "UPDATE account SET password_hash = $2 WHERE name = $1 RETURNING id", name, password_hash
        )
        if account is None:
            raise MissingError("account", name)
        await connection.execute("UPDATE session SET revoked_at = now() WHERE account = $1 AND revoked_at IS NULL", account)


async def set_active(store: Store, name: str, active: bool) -> None:
    """Let an account sign in, or no longer; switched off, everything it is signed in to ends.

    Raises
    ------
    MissingError
        If there is no such account.
    """
    async with store.pool.acquire() as connection, connection.transaction():
        account = await connection.fetchval("UPDATE account SET active = $2 WHERE name = $1 RETURNING id", name, active)
        if account is None:
            raise MissingError("account", name)
        if not active:
            await connection.execute("UPDATE session SET revoked_at = now() WHERE account = $1 AND revoked_at IS NULL", account)
