"""Turns every path that is no operation into the web console: its built files, and its page for the addresses it makes up."""

import os
import stat
from pathlib import Path
from typing import Final

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

# Vite puts a hash of the content into the names under assets/: such a file never changes.
HASHED: Final = "assets/"
FOR_EVER: Final = "public, max-age=31536000, immutable"
ASK_EACH_TIME: Final = "no-cache"

# First steps of machines' paths: what is not there is a problem, never the console.
MACHINES: Final = {"api", "gateway", "metrics", "healthz", "readyz"}


class Console:
    """An ASGI application over the folder of the built console, which may be absent, or appear later."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = StaticFiles(directory=folder, check_dir=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].lstrip("/").partition("/")[0] in MACHINES:
            raise HTTPException(404)
        if scope["method"] not in {"GET", "HEAD"}:
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        response = await self._find(scope)
        await response(scope, receive, send)

    async def _find(self, scope: Scope) -> Response:
        path = scope["path"].lstrip("/")
        found = await anyio.to_thread.run_sync(self._look, path or "index.html")
        if found is not None:
            return self._file(found, scope, FOR_EVER if path.startswith(HASHED) else ASK_EACH_TIME)
        page = await anyio.to_thread.run_sync(self._look, "index.html")
        if page is None:
            raise HTTPException(404, "the web console is not built: `make demo` builds it; the API is under /api/v1")
        # A missing file is missing; only an address that a person may have typed or kept is the console's own.
        if path.startswith(HASHED) or not _accepts_page(scope):
            raise HTTPException(404)
        return self._file(page, scope, ASK_EACH_TIME)

    def _file(self, found: tuple[str, os.stat_result], scope: Scope, caching: str) -> Response:
        response = self._files.file_response(*found, scope)  # 304 where the browser has it
        response.headers["Cache-Control"] = caching
        return response

    def _look(self, path: str) -> tuple[str, os.stat_result] | None:
        try:
            full, found = self._files.lookup_path(os.path.normpath(path))
        except (OSError, ValueError):  # a name too long, or with a zero byte
            return None
        return (full, found) if found is not None and stat.S_ISREG(found.st_mode) else None


def _accepts_page(scope: Scope) -> bool:
    accept = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    return b"text/html" in accept
