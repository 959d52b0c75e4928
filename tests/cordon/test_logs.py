"""What goes wrong is logged with its trace, and nobody's position or name with it."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest
import structlog

from cordon import logs

POSITION = "-2.980000"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    handlers, level, config = root.handlers, root.level, structlog.get_config()
    logs.configure("info", tmp_path / "x.log", "test")
    yield tmp_path / "x.log"
    for handler in root.handlers:
        handler.close()
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**config)
    structlog.contextvars.clear_contextvars()


def said(file: Path) -> dict[str, Any]:
    *_, last = file.read_text().splitlines()
    line = json.loads(last)
    assert isinstance(line, dict)
    return line


def conflict() -> asyncpg.PostgresError:
    """As asyncpg makes it of what the server answers."""
    made: asyncpg.PostgresError = asyncpg.PostgresError.new(
        {
            "C": "23505",
            "M": 'duplicate key value violates unique constraint "fix_pkey"',
            "D": f"Key (lon)=({POSITION}) already exists.",
            "W": f"COPY fix, line 1: {POSITION}",
        }
    )
    return made


def fail(kind: str) -> None:
    if kind == "alone":
        raise conflict()
    if kind == "group":
        raise ExceptionGroup("unhandled errors in a TaskGroup", [KeyError("tag"), conflict()])
    try:
        raise conflict()
    except asyncpg.PostgresError as error:
        if kind == "cause":
            raise RuntimeError("the commit failed") from error
        raise RuntimeError("the commit failed")  # noqa: B904 - what it came of is then its context


@pytest.mark.parametrize("kind", ["alone", "group", "cause", "context"])
@pytest.mark.parametrize("own", [True, False], ids=["ours", "a library's"])
def test_a_database_error_is_logged_without_the_rows_it_quotes(file: Path, kind: str, own: bool) -> None:
    assert POSITION in str(conflict())
    try:
        fail(kind)
    except Exception:
        (structlog.get_logger() if own else logging.getLogger("uvicorn.error")).exception("failed")
    assert POSITION not in file.read_text()
    trace = said(file)["exception"]
    assert 'UniqueViolationError: 23505 duplicate key value violates unique constraint "fix_pkey"' in trace
    assert "in fail" in trace
    if kind in {"cause", "context"}:
        assert trace.index("UniqueViolationError") < trace.index("RuntimeError: the commit failed")


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.DataError(f"invalid input for query argument $3: '{POSITION}' (a float is required)"),
        psycopg.errors.NotNullViolation(f"null value in column\nDETAIL:  Failing row contains ({POSITION})."),
    ],
    ids=["value", "psycopg"],
)
def test_neither_a_value_nor_another_driver_s_detail_is_logged(file: Path, error: Exception) -> None:
    structlog.get_logger().error("failed", exc_info=error)
    assert POSITION not in file.read_text()
    assert type(error).__name__ in said(file)["exception"]


def test_another_error_is_told_in_full(file: Path) -> None:
    try:
        int("many lanes")
    except ValueError:
        structlog.get_logger().exception("failed", lane=3)
    line = said(file)
    assert line["exception"].endswith("ValueError: invalid literal for int() with base 10: 'many lanes'")
    assert (line["lane"], line["process"]) == (3, "test")
