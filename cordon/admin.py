"""The small commands: migrate, gateway keys, people; each one look or one change, shown as a line or a table."""

import asyncio
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from api.password import hash_password
from api.roles import Role
from cordon import demo
from cordon.data import opened
from model.errors import CordonError
from model.instant import show
from store import accounts, keys
from store.migrate import upgrade

PASSWORD_LEAST: Final = 12  # characters; length is what counts (NIST SP 800-63B)


async def run_migrate(data_dir: Path | None, dsn: str, out: Console) -> None:
    """Also where the instance runs: it may be one that was started before this version was installed."""
    async with opened(data_dir, dsn) as store:
        await asyncio.to_thread(upgrade, store.dsn)
        out.print("the database is up to date")


async def run_load(world: Path, data_dir: Path | None, dsn: str, out: Console) -> None:
    """Write a WORLD document's wearers, orders, activations and zones, in force since the times it says.

    Raises
    ------
    CordonError
        If the file cannot be read.
    """
    try:
        document = msgspec.json.decode(world.read_bytes())
    except OSError as error:
        raise CordonError(f"{world} cannot be read ({error.strerror})") from error
    except msgspec.DecodeError as error:
        raise CordonError(f"{world} is not JSON: {error}") from error
    async with opened(data_dir, dsn) as store:
        await demo.load(store, document)
    out.print(f"{len(document['wearers']):,} wearers and {len(document['zones']):,} zones loaded", highlight=False)


async def run_keys_create(gateway: str, data_dir: Path | None, dsn: str, out: Console) -> None:
    """Print a new key, alone on its line so that a script can take it."""
    async with opened(data_dir, dsn) as store:
        out.print(await keys.create(store, gateway), markup=False, highlight=False, soft_wrap=True)


async def run_keys_list(data_dir: Path | None, dsn: str, out: Console) -> None:
    """A table of keys, revoked ones too."""
    async with opened(data_dir, dsn) as store:
        table = Table("key", "gateway", "made", "revoked")
        for key in await keys.listed(store):
            table.add_row(f"{key.prefix}…", key.gateway, show(key.created_us), show(key.revoked_us) if key.revoked_us else "")
    out.print(table)


async def run_keys_revoke(prefix: str, data_dir: Path | None, dsn: str, out: Console) -> None:
    """Revoke one key."""
    async with opened(data_dir, dsn) as store:
        await keys.revoke(store, prefix.removesuffix("…"))
    out.print(f"{prefix} is worthless from now on", markup=False, highlight=False)


async def run_users_add(name: str, role: str, password: str, data_dir: Path | None, dsn: str, out: Console) -> None:
    """Add a person.

    Raises
    ------
    CordonError
        If there is no such role, the password is short, or the name is taken.
    """
    if role not in set(Role):
        raise CordonError(f"there is no role {role!r}; the roles are {', '.join(Role)}")
    if len(password) < PASSWORD_LEAST:
        raise CordonError(f"a password needs at least {PASSWORD_LEAST} characters; a few words in a row are easy to keep in mind")
    async with opened(data_dir, dsn) as store:
        await accounts.add(store, name, hash_password(password), role)
    out.print(f"{name} can sign in as {role}", markup=False, highlight=False)


async def run_users_list(data_dir: Path | None, dsn: str, out: Console) -> None:
    """A table of people."""
    async with opened(data_dir, dsn) as store:
        table = Table("name", "role", "may sign in")
        for account in await accounts.everyone(store):
            table.add_row(account.name, account.role, "yes" if account.active else "no")
    out.print(table)


async def run_users_disable(name: str, data_dir: Path | None, dsn: str, out: Console) -> None:
    """Shut a person out."""
    async with opened(data_dir, dsn) as store:
        await accounts.set_active(store, name, active=False)
    out.print(f"{name} is shut out", markup=False, highlight=False)
