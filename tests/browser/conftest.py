"""Gives browser tests a running system and a console in a real Chromium, and fails those whose page complained or called away.

Playwright's sync API keeps a loop running, which async tests in the same process would collide with: each module starts and
stops its own.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect, sync_playwright

from tests.browser.instance import PASSWORD, ROOT, START_S, Instance, started
from tests.browser.wire import Wire
from tests.prepare import WHAT_TO_DO, chromium

# Without a GPU WebGL is drawn in software; the rest keeps the browser itself from calling home.
ARGUMENTS: Final = (
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--mute-audio",
)
SETTLE_MS: Final = 60_000  # how long a page may take to show what it must, on a machine ten times slower than ours
TEST_S: Final = START_S + 600  # for each test, as any may be the first: besides the start its accounts, and the browser's start

# Keeps back, from the page, the first answer to a request whose address ends so, until it is let through.
KEEP_BACK: Final = """(ending) => {
  const real = window.fetch;
  window.kept = false;
  window.fetch = async (url, request) => {
    const answer = await real(url, request);
    if (!window.kept && String(url).endsWith(ending)) {
      window.kept = true;
      await new Promise((resolve) => { window.letThrough = resolve; });
    }
    return answer;
  };
}"""

Open = Callable[..., Page]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give the first test room for the start of the system, which counts as its own time."""
    item.add_marker(pytest.mark.timeout(TEST_S))


@pytest.fixture(scope="session")
def instance() -> Iterator[Instance]:
    """One running system for all browser tests; each test has wearers of its own."""
    if not (ROOT / "api/console/index.html").exists():
        pytest.fail("the console is not built: run `make api/console/index.html`", pytrace=False)
    with tempfile.TemporaryDirectory(prefix="cordon-browser-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o755)  # as root the database server is another user
        with started(folder) as running:
            yield running


@pytest.fixture
def wire(instance: Instance) -> Iterator[Wire]:
    """The line between browser and system; the console is opened through it, on an empty queue."""
    instance.clear()
    at = urlsplit(instance.url)
    relay = Wire((str(at.hostname), int(at.port or 0)))
    yield relay
    relay.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium; its absence fails."""
    path = chromium()
    if path is None:
        pytest.fail(WHAT_TO_DO, pytrace=False)
    with sync_playwright() as playwright:
        started_ = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield started_
        started_.close()


@pytest.fixture
def complaints() -> list[str]:
    """Parts of console errors that a test brings about itself; any other error fails it."""
    return []


@pytest.fixture
def open_page(browser: Browser, wire: Wire, complaints: list[str]) -> Iterator[Open]:
    """Opens the console in a window of its own. Afterwards: no console error, and no request to anywhere else."""
    said: list[str] = []
    asked: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            said.append(f"{message.text} {message.location.get('url', '')}")

    def opened(width: int = 1280, height: int = 800) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale="en-GB", timezone_id="Europe/London", color_scheme="dark"
        )
        context.set_default_timeout(SETTLE_MS)
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: said.append(f"uncaught: {error}"))
        context.on("request", lambda request: asked.append(request.url))
        page.goto(wire.url)
        return page

    expect.set_options(timeout=SETTLE_MS)
    yield opened
    for context in browser.contexts:
        context.close()
    away = [url for url in asked if not url.startswith((wire.url, "data:", "blob:"))]
    assert asked
    assert away == []
    assert [line for line in said if not any(part in line for part in complaints)] == []


@pytest.fixture
def console(open_page: Open) -> Page:
    """The console, signed in as the operator and live."""
    page = open_page()
    sign_in(page)
    return page


def kept_back(page: Page, ending: str) -> Callable[[], None]:
    """Let an answer come late: to the next request whose address ends so, when what this returns is called."""
    page.evaluate(KEEP_BACK, ending)

    def come() -> None:
        # The server has done it and answered. A function, as the page's policy lets no string be evaluated again and again.
        page.wait_for_function("() => window.kept")
        page.evaluate("window.letThrough()")

    return come


def lost(page: Page, address: str) -> None:
    """Let the server do the next thing that is asked of an address, and its answer never come."""

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route(address, lose, times=1)


def sign_in(page: Page, name: str = "operator", password: str = PASSWORD) -> None:
    """Fill in the form, and wait for the queue."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".line")).to_have_text("Live")
