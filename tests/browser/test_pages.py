"""The pages beside the queue: who is told outside, and whose caseload is whose."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open, sign_in
from tests.browser.instance import PASSWORD, Instance
from tests.browser.test_access import violations
from tests.browser.test_shift import shot
from tests.duties.receivers import beside, serving

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_channel_is_added_tested_and_switched_off(open_page: Open, instance: Instance) -> None:
    with beside(serving()) as desk:
        page = open_page()
        sign_in(page, "engineer", PASSWORD)
        page.keyboard.press("w")
        expect(page.get_by_role("heading", name="Channels")).to_be_focused()
        expect(page.get_by_text("Nobody: messages go nowhere.")).to_be_visible()
        form = page.get_by_role("form", name="Add a channel")
        form.get_by_label("Name").fill("Night desk")
        form.get_by_label("Address, https").fill(f"{desk.url}/cordon")
        form.get_by_label("P1, Act now").check()
        form.get_by_role("button", name="Add channel").press("Enter")
        expect(page.get_by_text("whsec_")).to_be_visible()
        shot(page, "channels")
        assert violations(page) == []
        page.get_by_role("button", name="I have it").click()
        expect(page.get_by_text("whsec_")).to_have_count(0)
        channel = page.locator(".channel").filter(has_text="Night desk")
        expect(channel).to_contain_text("Told of P1")
        expect(channel).to_contain_text("Nothing sent yet")
        page.get_by_role("button", name="Send a test: Night desk").click()
        expect(channel).to_contain_text("The test message was taken.")
        assert [got.path for got in desk.got] == ["/cordon"]
        desk.says["/cordon"] = 500
        page.get_by_role("button", name="Send a test: Night desk").click()
        expect(channel).to_contain_text("The test message did not get through: the receiver answers 500.")
        page.get_by_role("button", name="Switch off: Night desk").click()
        expect(channel).to_contain_text("Switched off")
        expect(page.get_by_role("button", name="Send a test: Night desk")).to_have_count(0)


def test_orders_are_sent_to_another_officer_and_a_caseload_is_covered(open_page: Open, instance: Instance) -> None:
    (cai,) = instance.wearers("Cai Caseload")
    people = {person["name"]: person["id"] for person in instance.call("GET", "/api/v1/handover")["people"]}
    (known,) = instance.call("GET", "/api/v1/wearers?name=Cai%20Caseload")["items"]
    (order,) = instance.call("GET", f"/api/v1/orders?wearer={known['id']}")["items"]
    instance.call("PATCH", f"/api/v1/orders/{order['id']}", {"officer": people["supervisor"]}, version=1)
    page = open_page()
    sign_in(page, "supervisor", PASSWORD)
    page.keyboard.press("o")
    expect(page.get_by_role("heading", name="Caseload")).to_be_focused()
    expect(page.get_by_text("Level 1")).to_be_visible()
    page.get_by_label(f"{cai.name}, order {order['id']}").check()
    sending = page.get_by_role("form", name="Hand orders over")
    sending.get_by_label("Send 1 order to").select_option(str(people["admin"]))
    sending.get_by_label("Note").fill("Moved to the coast.")
    sending.get_by_role("button", name="Send").click()
    expect(page.locator(".shift-offer")).to_contain_text(f"sends order {order['id']} to admin, who has not accepted yet.")
    cover = page.get_by_role("form", name="Have it covered")
    cover.get_by_label("Covered by").select_option(str(people["admin"]))
    cover.get_by_label("From (Europe/London)").fill("2030-01-01T09:00")
    cover.get_by_label("Until (Europe/London)").fill("2030-01-08T09:00")
    cover.get_by_label("Why").fill("On leave.")
    cover.get_by_role("button", name="Have it covered").click()
    expect(page.locator(".shift-part li").filter(has_text="On leave.")).to_contain_text("admin for supervisor")
    shot(page, "caseload")
    assert violations(page) == []

    other = open_page()
    sign_in(other, "admin", PASSWORD)
    other.keyboard.press("o")
    expect(other.locator(".shift-offer")).to_contain_text("Moved to the coast.")
    other.get_by_role("button", name="Accept transfer").click()
    expect(other.get_by_text(f"{cai.name}, order {order['id']}")).to_be_visible()
    expect(other.locator(".shift-offer")).to_have_count(0)
