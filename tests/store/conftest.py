"""What tests that start a server of their own share."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.postgres import Postgres
from tests.conftest import server_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that a server's user may enter."""
    made = server_folder()
    yield made
    shutil.rmtree(made)


@pytest.fixture
def server(folder: Path) -> Iterator[Postgres]:
    """A server of the test's own, without a database of ours."""
    made = Postgres(folder / "data")
    made.start()
    yield made
    made.stop()
