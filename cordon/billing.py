"""Turns two dates into the table of people really monitored on each day between them, for whoever writes the bill."""

from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from api.track import table
from cordon.data import opened
from model.errors import CordonError
from model.instant import show
from store import billing


async def run_billing(first: str, end: str, data_dir: Path | None, dsn: str, out: Console, *, csv: bool) -> None:
    """Print the report as a table, or as CSV.

    Raises
    ------
    CordonError
        If the dates are none, or their positions are not kept any more.
    """
    began, ended = _date(first, "--from"), _date(end, "--to")
    if ended <= began:
        raise CordonError("--to is not after --from: it is the date after the last one counted")
    async with opened(data_dir, dsn) as store:
        found = await billing.report(store, began, ended)
    if csv:
        rows = [(line.day, line.organisation, line.name, line.people) for line in found.lines]
        print(table(("date", "organisation", "name", "people"), rows), end="")  # noqa: T201 (for a file, as it is)
        return
    shown = Table("date", "organisation", "people", title=f"People really monitored, as of {show(found.as_of_us)}")
    for line in found.lines:
        shown.add_row(str(line.day), line.name, f"{line.people:,}")
    out.print(shown)
    out.print(f"{found.person_days:,} days of {found.people:,} people", highlight=False)


def _date(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CordonError(f"{option} {text!r} is no date: write 2026-11-01") from None
