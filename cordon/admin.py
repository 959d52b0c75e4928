"""The small commands: migrate, gateway keys, people; each one look or one change, shown as a line or a table."""

import asyncio
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from api.password import hash_password
from api.roles import PERMISSIONS, May, Role
from cordon.data import opened
from model.errors import CordonError
from model.instant import show
from store import accounts, audit, caseloads, handovers, keys
from store.feed import Edit, edit
from store.migrate import upgrade

PASSWORD_LEAST: Final = 12  # characters; length is what counts (NIST SP 800-63B)


async def run_migrate(data_dir: Path | None, dsn: str, out: Console) -> None:
    """Also where the instance runs: it may be one that was started before this version was installed."""
    async with opened(data_dir, dsn) as store:
        await asyncio.to_thread(upgrade, store.dsn)
        out.print("the database is up to date")


async def run_keys_create(gateway: str, data_dir: Path | None, dsn: str, out: Console, err: Console) -> None:
    """Print a new key, alone on its line so that a script can take it."""
    async with opened(data_dir, dsn, making=err) as store:
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
        whole = await keys.revoke(store, prefix.removesuffix("…"))
    out.print(f"{whole} is worthless from now on", markup=False, highlight=False)


def check_role(role: str) -> None:
    """Refuse a role that there is not.

    Raises
    ------
    CordonError
        If there is no such role.
    """
    if role not in set(Role):
        raise CordonError(f"there is no role {role!r}; the roles are {', '.join(Role)}")


async def run_users_add(name: str, role: str, password: str, data_dir: Path | None, dsn: str, out: Console, err: Console) -> None:
    """Add a person.

    Raises
    ------
    CordonError
        If there is no such role, the password is short, or the name is taken.
    """
    check_role(role)
    _check_password(password)
    async with opened(data_dir, dsn, making=err) as store, edit(store) as change:
        account = await accounts.add(change.connection, name, hash_password(password), role)
        audit.done(change, "created", f"account/{account}", name=name, role=role)
    out.print(f"{name} can sign in as {role}", markup=False, highlight=False)


def _check_password(password: str) -> None:
    if len(password) < PASSWORD_LEAST:
        raise CordonError(f"a password needs at least {PASSWORD_LEAST} characters; a few words in a row are easy to keep in mind")


async def run_users_password(name: str, password: str, data_dir: Path | None, dsn: str, out: Console) -> None:
    """Give a person another password.

    Raises
    ------
    CordonError
        If the password is short, or there is nobody of that name.
    """
    _check_password(password)
    async with opened(data_dir, dsn) as store, edit(store) as change:
        account = await accounts.set_password(change.connection, name, hash_password(password))
        audit.done(change, "password set", f"account/{account}")
    out.print(f"{name} signs in with the new password; their sessions have ended", markup=False, highlight=False)


async def run_users_list(data_dir: Path | None, dsn: str, out: Console) -> None:
    """A table of people."""
    async with opened(data_dir, dsn) as store:
        table = Table("name", "role", "may sign in")
        for account in await accounts.everyone(store):
            table.add_row(account.name, account.role, "yes" if account.active else "no")
    out.print(table)


async def run_users_role(name: str, role: str, data_dir: Path | None, dsn: str, out: Console) -> None:
    """Give a person another role. What they own and owe and cannot work or call by it goes back to the queue, or is nobody's.

    Raises
    ------
    CordonError
        If there is no such role, or nobody of that name.
    """
    from api.routes.alerts import workers  # here, as it takes half a second that the other commands need not wait

    check_role(role)
    async with opened(data_dir, dsn) as store, edit(store) as change:
        account = await accounts.set_role(change.connection, name, role)
        audit.done(change, "role set", f"account/{account}", role=role)
        had = await handovers.release(
            change,
            account,
            f"their role is {role} now, which cannot work it",
            lambda alert: role in workers(alert),
            calling=May.LOG_CONTACTS in PERMISSIONS[Role(role)],
        )
        offers = await _withdrawn(change, account, Role(role))
        orders = 0 if May.EDIT_WEARERS in PERMISSIONS[Role(role)] else await caseloads.left(change.connection, account)
    gone = f"{_gone_back(had)}{_not_offered(offers)}{_stay(orders)}"
    said = f"{name} is {role} from the next sign-in on; their sessions have ended{gone}"
    out.print(said, markup=False, highlight=False)


async def run_users_active(name: str, active: bool, data_dir: Path | None, dsn: str, out: Console) -> None:
    """Shut a person out, or let them in again. What they own goes back to the queue: nobody else would look after it.

    Raises
    ------
    CordonError
        If there is nobody of that name.
    """
    async with opened(data_dir, dsn) as store, edit(store) as change:
        account = await accounts.set_active(change.connection, name, active)
        audit.done(change, "let in" if active else "shut out", f"account/{account}")
        had = handovers.Had([], []) if active else await handovers.release(change, account, "they were shut out")
        offers = 0 if active else await _withdrawn(change, account, None)
        orders = 0 if active else await caseloads.left(change.connection, account)
    gone = f"{_gone_back(had)}{_not_offered(offers)}{_stay(orders)}"
    said = f"{name} can sign in again" if active else f"{name} is shut out{gone}"
    out.print(said, markup=False, highlight=False)


async def _withdrawn(change: Edit, account: int, role: Role | None) -> int:
    """Withdraw each offer to somebody that they cannot accept by this role (None: they are shut out); how many."""
    handed, sent = await handovers.offered_to(change, account), await caseloads.offered_to(change, account)
    why = "they were shut out"
    if role is not None:
        from api.routes.handover import bar  # here, for the reason above

        why = f"their role is {role} now, which cannot take it"
        handed = [row for row in handed if await bar(change.connection, row["from_account"], role) is not None]
        sent = [] if May.EDIT_WEARERS in PERMISSIONS[role] else sent
    for row in handed:
        await handovers.withdraw(change, row, reason=why)
    for row in sent:
        await caseloads.withdraw(change, row, reason=why)
    return len(handed) + len(sent)


def _not_offered(offers: int) -> str:
    """How many offers to somebody were withdrawn, as the end of a sentence."""
    return f"; {offers} {'offer to them is' if offers == 1 else 'offers to them are'} withdrawn" if offers else ""


def _stay(orders: int) -> str:
    """How many orders still name somebody who cannot answer for them any more, and what to do, as the end of a sentence."""
    if not orders:
        return ""
    them, name = ("it", "1 order names") if orders == 1 else ("them", f"{orders} orders name")
    return f"; {name} them as responsible officer still: within a day name another, or have a supervisor transfer {them}"


def _gone_back(had: handovers.Had) -> str:
    """What somebody had to do that is others' now, as the end of a sentence."""
    back = f"; {len(had.alerts)} {'alert is' if len(had.alerts) == 1 else 'alerts are'} back in the queue" if had.alerts else ""
    return back + (f"; {len(had.calls)} {'call is' if len(had.calls) == 1 else 'calls are'} nobody's" if had.calls else "")
