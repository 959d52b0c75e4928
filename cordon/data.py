"""Turns --data-dir and --dsn into an open store: that of a running instance, or of a data folder started for the moment."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from cordon.instance import database
from cordon.settings import Settings, default_data_dir, read
from model.errors import CordonError
from store.pool import Store
from store.postgres import Postgres


@contextlib.asynccontextmanager
async def opened(data_dir: Path | None, dsn: str) -> AsyncIterator[Store]:
    """A store on a migrated database, whether its instance runs just now or not."""
    settings = read()
    chosen = settings.model_copy(
        update={"dsn": dsn or settings.dsn, "data_dir": data_dir or settings.data_dir or default_data_dir(demo=False)}
    )
    async with contextlib.AsyncExitStack() as stack:
        yield await _found(chosen, stack)


async def _found(settings: Settings, stack: contextlib.AsyncExitStack) -> Store:
    if not settings.dsn:
        assert settings.data_dir is not None
        with contextlib.suppress(CordonError):  # the instance does not run: its server is started below
            return await stack.enter_async_context(Store(Postgres(settings.data_dir).dsn, size=2))
    migrated = await stack.enter_async_context(database(settings))
    return await stack.enter_async_context(Store(migrated.dsn, size=2))
