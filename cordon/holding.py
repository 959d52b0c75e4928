"""`cordon holds` and `cordon erase`: what is kept beyond its time, and who becomes unrecognisable; each with its audit row."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from cordon.data import opened
from model.errors import CordonError
from model.instant import show
from store import erasure, holds
from store.feed import edit
from store.holds import Subject


async def run_holds_add(
    wearer: int | None, order: int | None, alert: int | None, by: str, reason: str, data_dir: Path | None, dsn: str, out: Console
) -> None:
    """Place a hold.

    Raises
    ------
    CordonError
        If not exactly one thing is named, or it does not exist.
    """
    named = [Subject(kind, ref) for kind, ref in (("wearer", wearer), ("order", order), ("alert", alert)) if ref is not None]
    if len(named) != 1:
        raise CordonError("name what is to be held: --wearer, --order or --alert, one of them")
    async with opened(data_dir, dsn) as store, edit(store) as change:
        hold = await holds.place(change, named[0], by, reason)
    out.print(f"hold {hold}: {named[0].kind} {named[0].ref} is kept until `cordon holds release {hold}`", highlight=False)


async def run_holds_list(data_dir: Path | None, dsn: str, out: Console) -> None:
    """A table of holds, standing ones first."""
    table = Table("hold", "of", "authorised by", "reason", "since", "released")
    async with opened(data_dir, dsn) as store:
        for row in await holds.listed(store):
            ended = f"{show(row['released_at'])} by {row['released_by']}: {row['release_reason']}" if row["released_at"] else ""
            subject = f"{row['kind']} {row['ref']}"
            table.add_row(str(row["id"]), subject, row["authorised_by"], row["reason"], show(row["placed_at"]), ended)
    out.print(table)


async def run_holds_release(hold: int, by: str, reason: str, data_dir: Path | None, dsn: str, out: Console) -> None:
    """End a hold."""
    async with opened(data_dir, dsn) as store, edit(store) as change:
        await holds.release(change, hold, by, reason)
    out.print(f"hold {hold} is released; what it alone kept goes within the hour", highlight=False)


async def run_erase(wearer: int, by: str, reason: str, data_dir: Path | None, dsn: str, out: Console) -> None:
    """Make a wearer unrecognisable."""
    async with opened(data_dir, dsn) as store, edit(store) as change:
        await erasure.erase(change, wearer, by, reason)
    out.print(f"wearer {wearer} is {erasure.REDACTED}; alerts, tracks and their evidence stay, under the number", highlight=False)
