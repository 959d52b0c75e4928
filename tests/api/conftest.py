"""Gives API tests a running API on a database of their own."""

from collections.abc import AsyncIterator

import pytest_asyncio

from store.pool import Store
from tests.api.client import MISSING_CONSOLE, Api, serving


@pytest_asyncio.fixture
async def api(database: str, store: Store) -> AsyncIterator[Api]:
    """A running API."""
    async with serving(database, store, console=MISSING_CONSOLE) as running:
        yield running
