"""The people who may sign in, as rows."""

from typing import NamedTuple

import asyncpg

from store.pool import Connection, Source, Store
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


async def lock(connection: Connection, *accounts: int) -> None:
    """Let nobody become or cease to be the owner of what these accounts have, until this transaction ends.

    Whatever makes somebody an owner, and whatever asks what somebody owns so as to act on it, takes this first: before alerts and
    handovers, so that none of them waits in a circle. Rows that merely name an account do not wait for it.
    """
    await connection.execute("SELECT id FROM account WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE", list(accounts))


async def everyone(store: Store) -> list[Account]:
    """All accounts, by name."""
    return [Account(*row) for row in await store.pool.fetch(f"SELECT {COLUMNS} FROM account ORDER BY name")]  # noqa: S608


async def add(source: Source, name: str, password_hash: str, role: str) -> int:
    """Create an account; its id.

    Raises
    ------
    ConflictError
        If the name is taken.
    """
    try:
        number: int = await source.fetchval(
            "INSERT INTO account (name, password_hash, role) VALUES ($1, $2, $3) RETURNING id", name, password_hash, role
        )
    except asyncpg.UniqueViolationError:
        raise ConflictError(f"there is an account named {name} already: choose another name") from None
    return number


async def set_password(connection: Connection, name: str, password_hash: str) -> int:
    """Give an account another password; its id. Everything it is signed in to ends.

    Raises
    ------
    MissingError
        If there is no such account.
    """
    return await _set(connection, name, "password_hash = $2", password_hash)


async def set_role(connection: Connection, name: str, role: str) -> int:
    """Give an account another role; its id. Everything it is signed in to ends, as what it may do has changed.

    What it has to do and no longer can is for the caller to release, in the same transaction.

    Raises
    ------
    MissingError
        If there is no such account.
    """
    return await _set(connection, name, "role = $2", role)


async def set_active(connection: Connection, name: str, active: bool) -> int:
    """Let an account sign in, or no longer; its id. Everything it is signed in to ends (of one shut out before: nothing).

    What somebody has to do who is shut out is for the caller to release, in the same transaction.

    Raises
    ------
    MissingError
        If there is no such account.
    """
    return await _set(
        connection, name, "active = $2, shut_out_at = CASE WHEN NOT $2 THEN coalesce(shut_out_at, now()) END", active
    )


async def _set(connection: Connection, name: str, what: str, value: object) -> int:
    account: int | None = await connection.fetchval(f"UPDATE account SET {what} WHERE name = $1 RETURNING id", name, value)  # noqa: S608
    if account is None:
        raise MissingError("account", name)
    await connection.execute("UPDATE session SET revoked_at = now() WHERE account = $1 AND revoked_at IS NULL", account)
    return account
