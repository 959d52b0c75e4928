"""Turns --data-dir and --dsn into an open store: that of a running instance, or of a data folder started for the moment."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from rich.console import Console

from cordon.instance import database
from cordon.settings import Settings, default_data_dir, read
from model.errors import CordonError
from store.pool import Store
from store.postgres import Postgres


@contextlib.asynccontextmanager
async def opened(data_dir: Path | None, dsn: str, *, making: Console | None = None) -> AsyncIterator[Store]:
    """A store on a migrated database, whether its instance runs just now or not.

    ``making``: where there is none, make one and say there which; None: refuse, for a new one would show as an empty one.

    Raises
    ------
    CordonError
        If there is no instance, or it cannot be used.
    """
    settings = read()
    chosen = settings.model_copy(
        update={"dsn": dsn or settings.dsn, "data_dir": data_dir or settings.data_dir or default_data_dir(demo=False)}
    )
    if not chosen.dsn:
        assert chosen.data_dir is not None
        if making is None:
            found(chosen.data_dir)
        elif not Postgres(chosen.data_dir).made:
            making.print(f"Making a new instance in {chosen.data_dir}", markup=False, highlight=False, soft_wrap=True)
    async with contextlib.AsyncExitStack() as stack:
        yield await _server(chosen, stack)


def found(data_dir: Path) -> None:
    """See that there is an instance.

    Raises
    ------
    CordonError
        If there is none.
    """
    if not Postgres(data_dir).made:
        raise CordonError(f"there is no instance in {data_dir}: name its folder with --data-dir, or its database with --dsn")


async def _server(settings: Settings, stack: contextlib.AsyncExitStack) -> Store:
    if not settings.dsn:
        assert settings.data_dir is not None
        with contextlib.suppress(CordonError):  # the instance does not run: its server is started below
            return await stack.enter_async_context(Store(Postgres(settings.data_dir).dsn, size=2))
    migrated = await stack.enter_async_context(database(settings))
    return await stack.enter_async_context(Store(migrated.dsn, size=2))
