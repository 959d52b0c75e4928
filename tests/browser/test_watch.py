"""What the console shows of the system itself: a quiet sign that alerts come, and a banner that cannot be overlooked when not."""

import asyncio
import json
import os
import re
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, Route, expect

from model.alert import Kind
from model.instant import parse
from model.outage import Group
from store import gateways, incidents, outages
from store.feed import edit
from store.outages import Tag
from store.pool import Store
from tests.browser.conftest import Open, sign_in
from tests.browser.instance import PASSWORD, Instance
from tests.browser.test_access import violations

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

STATUS: dict[str, Any] = {
    "state": "live",
    "as_of": "2026-11-22T08:00:00Z",
    "text": "judging live",
    "failing": [],
    "seen_at": None,
}


def told(page: Page, **status: Any) -> None:
    """Let the stream say this of the system, whatever it is."""
    hello = {"position": 0, "status": STATUS | status}

    def answer(route: Route) -> None:
        route.fulfill(content_type="text/event-stream", body=f"event: hello\nid: 0\ndata: {json.dumps(hello)}\n\n")

    page.route("**/alerts/stream*", answer)


def signed_in(page: Page) -> Page:
    page.get_by_label("Name").fill("operator")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    return page


def test_a_quiet_sign_while_alerts_come(console: Page) -> None:
    expect(console.locator(".proof")).to_contain_text("Test alert came")
    expect(console.locator(".banner")).to_have_text("")


def test_a_banner_says_that_monitoring_may_be_down_and_what_to_do(open_page: Open) -> None:
    page = open_page(width=420)
    late = {"name": "synthetic", "state": "failing", "text": "the synthetic alert of 08:00:00 UTC has not come in every lane"}
    told(page, failing=[late])
    banner = signed_in(page).locator(".banner[data-grade=blind]")
    expect(banner).to_contain_text("Monitoring may be down")
    expect(banner).to_contain_text("has not come in every lane")
    expect(banner).to_contain_text("Silence means nothing until this is gone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 420


def test_a_banner_says_as_of_when_it_judges(open_page: Open) -> None:
    page = open_page()
    told(page, state="behind", failing=[{"name": "lanes", "state": "failing", "text": "judging as of 08:00 UTC"}])
    expect(signed_in(page).locator(".banner[data-grade=blind]")).to_contain_text(
        re.compile(r"Judging as of (Sun,? 22 Nov (2026 )?)?08:00:00 GMT")  # the year from the next on, no day on that day
    )


def raised(instance: Instance, kind: Kind, subject: str, text: str) -> int:
    """An alert that concerns no wearer; its id."""
    made: list[int] = []

    async def raise_() -> None:
        async with Store(instance.database) as store, edit(store) as change:
            made.append(await incidents.raise_(change, kind, subject, text, parse("2026-11-22T08:00:00Z")))

    other = threading.Thread(target=lambda: asyncio.run(raise_()))  # the browser keeps this one's loop running
    other.start()
    other.join()
    return made[0]


def test_everybody_is_told_that_messages_do_not_get_through(open_page: Open) -> None:
    page = open_page()
    told(
        page,
        failing=[{"name": "channels", "state": "failing", "text": "messages do not get through channel 3 since 08:00:00 UTC"}],
    )
    banner = signed_in(page).locator(".banner[data-grade=note]")
    expect(banner).to_contain_text("messages do not get through channel 3 since 08:00:00 UTC")
    expect(banner).to_contain_text("Tell the engineer on call")


def test_the_link_of_a_message_opens_its_alert_also_when_it_was_closed(open_page: Open, instance: Instance) -> None:
    number = raised(instance, Kind.UNDELIVERED, "Duty desk", "Nothing gets through channel Duty desk: a test.")
    page = open_page()
    page.evaluate(f"location.hash = '#alert={number}'")
    sign_in(page, "engineer")
    pane = page.locator("section.pane")
    expect(pane).to_contain_text("Message to Duty desk cannot be delivered")
    expect(pane).to_contain_text("Nothing gets through channel Duty desk: a test.")
    page.keyboard.press("c")
    page.get_by_label("Outcome").select_option("equipment_fault")
    page.get_by_label("Note").fill("The desk's server was replaced.")
    page.get_by_role("button", name="Close alert").click()
    expect(pane).to_contain_text("Closed")
    page.reload()
    expect(page.locator(".line")).to_have_text("Live")
    expect(pane).to_contain_text("The desk's server was replaced.")


def test_an_engineer_works_the_alert_that_monitoring_is_down(open_page: Open, instance: Instance) -> None:
    raised(instance, Kind.MONITORING_DOWN, "", "Monitoring is down: a test.")
    page = open_page()
    sign_in(page, "engineer")
    row = page.get_by_role("option").filter(has_text="Monitoring")
    expect(row).to_contain_text("is down")
    page.keyboard.press("p")
    expect(page.locator("section.pane")).to_contain_text("Monitoring is down: a test.")
    expect(page.get_by_label("Where")).to_have_count(0)
    page.keyboard.press("a")
    expect(row).to_contain_text("Acknowledged · You")
    step = page.get_by_role("button", name="Call the engineer on call.")
    step.click()  # is logged as a step: they log no contacts
    expect(step).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("form", name="Log a contact")).to_have_count(0)
    expect(page.locator("section.pane .actions [role=alert]")).to_be_empty()


def test_an_outage_shows_its_tags_and_whom_to_check_on_first(open_page: Open, instance: Instance) -> None:
    (kept,) = instance.wearers("Vic Vigilant")

    async def begin() -> None:
        async with Store(instance.database) as store, edit(store) as change:
            gateway = str(await gateways.number(store, "gw-north"))
            since_us = parse("2026-11-22T08:00:00Z")
            tags = [Tag(number, since_us + number, gateway, "", "", False) for number in range(501, 521)]
            first = Tag(kept.tag, int(time.time() * 1_000_000), gateway, "", "", True)
            await outages.begin(change, Group("gateway", gateway), 40, [*tags, first], since_us)
            await outages.back(change, [(501, since_us + 60_000_000)])

    with psycopg.connect(instance.database) as looking:
        looking.execute("SELECT FROM watch FOR UPDATE")  # the watch, which knows that they are not silent, is kept from looking
        other = threading.Thread(target=lambda: asyncio.run(begin()))
        other.start()
        other.join()
        page = open_page()
        sign_in(page, "operator")
        page.get_by_role("option").filter(has_text="Gateway gw-north").click()
        listed = page.locator(".listed > li")
        expect(page.get_by_role("heading", name="Tags: 20 of 21 still silent")).to_be_visible()
        expect(listed).to_have_count(21)
        expect(listed.first).to_contain_text("Vic Vigilant")
        expect(listed.first).to_contain_text("Check by hand first")
        expect(listed.last).to_contain_text("heard again")
        assert violations(page) == []
        folder = os.environ.get("CORDON_SHOTS")
        if folder:
            page.screenshot(path=str(Path(folder) / "outage.png"))
