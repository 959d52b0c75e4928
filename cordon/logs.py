"""Turns log calls into one JSON object a line, on standard error or in a file that is rotated."""

import contextlib
import json
import logging
import logging.handlers
import sys
import textwrap
import traceback
from pathlib import Path

import structlog

from model.errors import CordonError

FILE_BYTES = 20 * 1024 * 1024  # a log file; five are kept


def configure(level: str, file: Path | None, process: str) -> None:
    """Set up structlog and the standard library's logging for this process. Names and positions never reach logs.

    Raises
    ------
    CordonError
        If the file cannot be written.
    """
    handler: logging.Handler
    if file is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            handler = logging.handlers.RotatingFileHandler(file, maxBytes=FILE_BYTES, backupCount=4)
        except OSError as error:
            raise CordonError(f"{file} cannot be written ({error.strerror}): choose another data folder") from None
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(lambda exc_info: trace(exc_info[1])),
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # One line a request says nothing a metric does not.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)


def last_words(folder: Path) -> str:
    """The newest failure that the processes of a folder's logs told of, as part of a sentence; empty where none did."""
    newest, said = "", ""
    for file in folder.glob("*.log"):
        for line in file.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                told = json.loads(line)
                if told.get("level") in {"error", "warning"} and told["timestamp"] >= newest:
                    newest = told["timestamp"]
                    said = ", ".join(str(told[name]) for name in ("process", "event", "error", "detail") if told.get(name))
    return said


def trace(error: BaseException) -> str:
    """An exception's trace, what it came of first; of the database's errors, nothing that quotes a row or a value."""
    told = []
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        told.append(trace(before))
    told.append("".join(traceback.format_tb(error.__traceback__)) + f"{type(error).__qualname__}: {_words(error)}")
    if isinstance(error, BaseExceptionGroup):
        told.extend(textwrap.indent(trace(inner), "  | ") for inner in error.exceptions)
    return "\n".join(told)


def _words(error: BaseException) -> str:
    """What an error says. PostgreSQL's first line names tables and rules, those after it (DETAIL, CONTEXT) quote rows."""
    sqlstate = getattr(error, "sqlstate", None)
    if not isinstance(sqlstate, str):
        return str(error)
    if sqlstate.startswith("22"):  # a data exception quotes the value in its first line
        return sqlstate
    return f"{sqlstate} {str(error.args[0] if error.args else error).partition(chr(10))[0]}"
