"""The console by the rules of WCAG 2.2 AA, as far as axe can tell, in each of its states; and by keyboard alone."""

from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.instance import ROOT, Instance

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

AXE: Final = ROOT / "web/node_modules/axe-core/axe.min.js"
GRAVE: Final = {"serious", "critical"}


def violations(page: Page) -> list[str]:
    """What axe finds grave in the page as it stands: rule, and the elements."""
    if not AXE.exists():
        pytest.fail("axe-core is not installed: run `make api/console/index.html`", pytrace=False)
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{item['id']}: {[node['html'] for node in item['nodes']]}" for item in found["violations"] if item["impact"] in GRAVE
    ]


def test_axe_itself_finds_what_is_wrong(open_page: Open) -> None:
    page = open_page()
    page.evaluate("document.querySelector('main').innerHTML = '<input>'")
    assert any(line.startswith("label") for line in violations(page))


def test_every_state_of_the_page(open_page: Open, console: Page, instance: Instance) -> None:
    assert violations(open_page()) == []
    (axa,) = instance.wearers("Axa Accessible")
    instance.enter(axa)
    expect(console.locator(".strip")).to_contain_text("P1 waiting")
    assert violations(console) == []
    console.keyboard.press("p")
    expect(console.locator("[data-drawn=true]")).to_be_visible()
    expect(console.locator(".history li").first).to_be_visible()
    assert violations(console) == []
    console.keyboard.press("c")
    expect(console.get_by_label("Outcome")).to_be_focused()
    assert violations(console) == []
    console.keyboard.press("Escape")
    console.keyboard.press("?")
    expect(console.get_by_role("dialog")).to_be_visible()
    assert violations(console) == []


def test_a_note_is_written_without_a_mouse(console: Page, instance: Instance) -> None:
    (kay,) = instance.wearers("Kay Keyboard")
    instance.enter(kay)
    expect(console.get_by_role("option").filter(has_text=kay.name)).to_be_visible()
    listed = console.get_by_role("listbox")
    listed.focus()
    console.keyboard.press("ArrowDown")
    for _ in range(20):
        if kay.name in console.get_by_role("option", selected=True).inner_text():
            break
        console.keyboard.press("ArrowDown")
    console.keyboard.press("n")
    console.keyboard.type("japan")  # letters that are keys elsewhere
    console.keyboard.press("Tab")
    console.keyboard.press("Enter")
    expect(console.locator(".history")).to_contain_text("japan")
    expect(console.locator(".form")).to_have_count(0)  # Escape would close it, where the stream was faster than the answer
    console.keyboard.press("Escape")
    expect(listed).to_be_focused()
