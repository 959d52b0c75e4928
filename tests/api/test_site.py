"""The console's files: found, cached by their names, never a way out of the folder, and never in a machine's way."""

import asyncio
from pathlib import Path

import pytest

from store.pool import Store
from tests.api.client import Api, serving


@pytest.fixture
def console(tmp_path: Path) -> Path:
    folder = tmp_path / "console"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<title>Cordon</title>")
    (folder / "assets" / "main-3f2a.js").write_text("1")
    (folder / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret").write_text("secret")
    (folder / "way-out").symlink_to(tmp_path / "secret")
    return folder


async def test_the_console(database: str, store: Store, console: Path) -> None:
    async with serving(database, store, console=console) as api:
        page = await api.get("//", None)
        assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert page.headers["Cache-Control"] == "no-cache"
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        asset = await api.get("//assets/main-3f2a.js", None)
        assert "immutable" in asset.headers["Cache-Control"]
        assert asset.headers["Content-Type"].startswith("text/javascript")
        assert (await api.get("//favicon.svg", None)).headers["Cache-Control"] == "no-cache"
        again = await api.get("//", None, headers={"If-None-Match": page.headers["ETag"]})
        assert again.status == 304
        # An address the console makes up, opened by a person, is the console; asked for by anything else it is not there.
        assert (await api.get("//alerts/12", None, headers={"Accept": "text/html,*/*"})).body == page.body
        assert (await api.get("//alerts/12", None)).status == 404
        for path in ("//assets/gone.js", "//api/v1/nothing", "//gateway/nothing", "//metrics/x", "//api"):
            answer = await api.get(path, None, headers={"Accept": "text/html"})
            assert answer.status == 404, path
            assert answer.headers["Content-Type"] == "application/problem+json"
        assert (await api.post("//", {})).status == 405
        head = await api.call("HEAD", "//", None)
        assert (head.status, head.body) == (200, b"")


async def test_there_is_no_way_out_of_the_folder(database: str, store: Store, console: Path) -> None:
    async with serving(database, store, console=console) as api:
        host, port = api.url.removeprefix("http://").split(":")
        for path in (
            "/../secret",
            "/%2e%2e/secret",
            "/assets/../../secret",
            "//etc/passwd",
            "/way-out",
            "/%00",
            "/" + "x" * 5000,
        ):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            assert answer.startswith(b"HTTP/1.1 404"), path
            assert b"secret\n" not in answer
            assert not answer.endswith(b"secret")


async def test_without_a_build_it_says_how_to_get_one(api: Api) -> None:
    answer = await api.get("//", None, headers={"Accept": "text/html"})
    assert answer.status == 404
    assert "make demo" in answer.json["detail"]
