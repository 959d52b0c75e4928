"""Turns every path that is no operation into the web console: its built files, and its page for the addresses it makes up."""

import os
import stat
from pathlib import Path
from typing import Final

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

# Vite puts a hash of the content into the names under assets/: such a file never changes.
HASHED: Final = "assets/"
FOR_EVER: Final = "public, max-age=31536000, immutable"
ASK_EACH_TIME: Final = "no-cache"

# Paths of machines: what is not there is a problem, never the console.
MACHINES: Final = ("/api/", "/gateway/", "/metrics", "/healthz", "/readyz")


class Console:
    """An ASGI application over the folder of the built console, which may be absent, or appear later."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = StaticFiles(directory=folder, check_dir=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(MACHINES):
            raise HTTPException(404)
        if scope["method"] not in {"GET", "HEAD"}:
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        response = await self._find(scope["path"].lstrip("/"), _accepts_page(scope))
        await response(scope, receive, send)

    async def _find(self, path: str, accepts_page: bool) -> Response:
        found = await anyio.to_thread.run_sync(self._look, path or "index.html")
        if found is not None:
            caching = FOR_EVER if path.startswith(HASHED) else ASK_EACH_TIME
            return FileResponse(found[0], stat_result=found[1], headers={"Cache-Control": caching})
        page = await anyio.to_thread.run_sync(self._look, "index.html")
        if page is None:
            raise HTTPException(404, "the web console is not built: `make demo` builds it; the API is under /api/v1")
        # A missing file is missing; only an address that a person may have typed or kept is the console's own.
        if path.startswith(HASHED) or not accepts_page:
            raise HTTPException(404)
        return FileResponse(page[0], stat_result=page[1], headers={"Cache-Control": ASK_EACH_TIME})

    def _look(self, path: str) -> tuple[str, os.stat_result] | None:
        try:
            full, found = self._files.lookup_path(os.path.normpath(path))
        except (OSError, ValueError):  # a name too long, or with a zero byte
            return None
        return (full, found) if found is not None and stat.S_ISREG(found.st_mode) else None


def _accepts_page(scope: Scope) -> bool:
    accept = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    return b"text/html" in accept
