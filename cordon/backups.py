"""`cordon backup` and `cordon restore`: a running instance into a folder, and a folder into a new instance."""

import asyncio
import os
from pathlib import Path

from rich.console import Console

from cordon.data import opened
from cordon.settings import default_data_dir, read
from store import backup
from store.postgres import SERVER_UID


async def run_backup(folder: Path, follow: bool, data_dir: Path | None, dsn: str, out: Console) -> None:
    """Back up, and go on with the log where asked to."""
    settings = read()
    embedded = not (dsn or settings.dsn)
    home = (data_dir or settings.data_dir or default_data_dir(demo=False)) if embedded else None
    async with opened(data_dir, dsn) as store:
        if follow:
            out.print("Backing up; then the log is followed until Ctrl-C, or until the database ends.", highlight=False)
        await backup.take(store.dsn, folder.absolute(), home, follow=follow)
    out.print(f"{folder} holds everything acknowledged before now: cordon restore {folder} --data-dir NEW", highlight=False)


async def run_restore(folder: Path, data_dir: Path, out: Console) -> None:
    """Restore into a data folder that has no database."""
    owner = SERVER_UID if os.geteuid() == 0 else -1
    await asyncio.to_thread(backup.restore, folder.absolute(), data_dir.absolute(), owner)
    out.print(f"{data_dir} is restored: cordon up --data-dir {data_dir}", highlight=False)
