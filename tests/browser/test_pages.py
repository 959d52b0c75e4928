"""The pages beside the queue: who is told outside, and whose caseload is whose."""

import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, kept_back, lost, sign_in
from tests.browser.instance import PASSWORD, Instance
from tests.browser.test_access import violations
from tests.browser.test_shift import shot, sql
from tests.duties.receivers import beside, serving

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_channel_is_added_tested_and_switched_off(open_page: Open, instance: Instance) -> None:
    sql(instance, "TRUNCATE delivery, channel")  # another test's, if it was here before
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
        assert {got.path for got in desk.got} == {"/cordon"}  # besides the test it is told of any P1
        desk.says["/cordon"] = 500
        page.get_by_role("button", name="Send a test: Night desk").click()
        expect(channel).to_contain_text("The test message did not get through: the receiver answers 500.")
        page.get_by_role("button", name="Switch off: Night desk").click()
        expect(channel).to_contain_text("Switched off")
        expect(page.get_by_role("button", name="Send a test: Night desk")).to_have_count(0)


def test_a_secret_waits_for_who_left_the_page_before_it_came(open_page: Open, instance: Instance) -> None:
    with beside(serving()) as desk:
        page = open_page()
        sign_in(page, "engineer", PASSWORD)
        page.keyboard.press("w")
        secrets = page.locator(".shift-offer code")
        form = page.get_by_role("form", name="Add a channel")

        def add(name: str) -> None:
            form.get_by_label("Name").fill(name)
            form.get_by_label("Address, https").fill(f"{desk.url}/cordon")
            form.get_by_role("button", name="Add channel").click()

        add("Day desk")
        expect(secrets).to_have_count(1)
        expect(form.get_by_label("Name")).to_have_value("")
        come = kept_back(page, "/channels")
        add("Late desk")
        page.locator(".shift-head").get_by_role("button", name="Back to the queue").click()
        come()
        page.keyboard.press("w")
        expect(secrets).to_have_count(2)
        assert violations(page) == []
        for _ in range(2):
            page.get_by_role("button", name="I have it").first.click()
        expect(secrets).to_have_count(0)
        for name in ("Day desk", "Late desk"):
            page.get_by_role("button", name=f"Switch off: {name}").click()
            expect(page.get_by_role("button", name=f"Switch on: {name}")).to_be_visible()


def answered_for(instance: Instance, name: str, officer: int) -> int:
    """The order of a wearer, which an officer answers for from now on."""
    (known,) = instance.call("GET", "/api/v1/wearers?" + urlencode({"name": name}))["items"]
    (order,) = instance.call("GET", f"/api/v1/orders?wearer={known['id']}")["items"]
    instance.call("PATCH", f"/api/v1/orders/{order['id']}", {"officer": officer}, version=1)
    number: int = order["id"]
    return number


def accounts(instance: Instance) -> dict[str, int]:
    return {person["name"]: person["id"] for person in instance.call("GET", "/api/v1/handover")["people"]}


def caseload(open_page: Open) -> Page:
    page = open_page()
    sign_in(page, "supervisor", PASSWORD)
    page.keyboard.press("o")
    expect(page.get_by_role("heading", name="Caseload")).to_be_focused()
    return page


def test_what_is_ticked_and_typed_while_an_answer_travels_stays(open_page: Open, instance: Instance) -> None:
    people = accounts(instance)
    ian, ivy = instance.wearers("Ian Inflight", "Ivy Inflight")
    going, staying = (answered_for(instance, wearer.name, people["supervisor"]) for wearer in (ian, ivy))
    page = caseload(open_page)
    come = kept_back(page, "/transfers")
    page.get_by_label(f"{ian.name}, order {going}").check()
    sending = page.get_by_role("form", name="Hand orders over")
    sending.get_by_label("Send 1 order to").select_option(str(people["admin"]))
    sending.get_by_role("button", name="Send").click()
    next_ = page.get_by_label(f"{ivy.name}, order {staying}")
    next_.check()
    come()
    expect(page.locator(".shift-offer")).to_contain_text(f"sends order {going} to admin")
    expect(next_).to_be_checked()
    expect(sending.get_by_label("Send 1 order to")).to_be_visible()
    page.get_by_role("button", name="Withdraw").click()
    expect(page.locator(".shift-offer")).to_have_count(0)
    come = kept_back(page, "/covers")
    cover = page.get_by_role("form", name="Have it covered")
    cover.get_by_label("Covered by").select_option(str(people["admin"]))
    for name, day in (("From", 1), ("Until", 2)):
        cover.get_by_label(f"{name} (Europe/London)").fill(f"2031-01-0{day}T09:00")
    cover.get_by_label("Why").fill("A first leave.")
    cover.get_by_role("button", name="Have it covered").click()
    cover.get_by_label("Why").fill("A second leave.")
    come()
    expect(page.locator(".shift-part li").filter(has_text="A first leave.")).to_be_visible()
    expect(cover.get_by_label("Why")).to_have_value("A second leave.")


def test_a_cover_whose_answer_was_lost_is_made_once(open_page: Open, instance: Instance, complaints: list[str]) -> None:
    complaints.append("net::ERR_FAILED")
    page = caseload(open_page)
    cover = page.get_by_role("form", name="Have it covered")
    cover.get_by_label("Covered by").select_option(str(accounts(instance)["admin"]))
    for name, day in (("From", 1), ("Until", 2)):
        cover.get_by_label(f"{name} (Europe/London)").fill(f"2032-01-0{day}T09:00")
    cover.get_by_label("Why").fill("A lost leave.")
    lost(page, "**/api/v1/covers")
    save = cover.get_by_role("button", name="Have it covered")
    save.click()
    trouble = page.locator(".shift > .trouble")
    expect(trouble).to_contain_text("The server cannot be reached")
    made = page.locator(".shift-part li").filter(has_text="A lost leave.")
    expect(made).to_have_count(1)
    save.click()
    expect(cover.get_by_label("Why")).to_have_value("")
    expect(trouble).to_be_empty()
    expect(made).to_have_count(1)


def test_orders_are_sent_to_another_officer_and_a_caseload_is_covered(open_page: Open, instance: Instance) -> None:
    (cai,) = instance.wearers("Cai Caseload")
    people = accounts(instance)
    order = answered_for(instance, cai.name, people["supervisor"])
    page = caseload(open_page)
    expect(page.get_by_text("Level 1")).to_be_visible()
    page.get_by_label(f"{cai.name}, order {order}").check()
    sending = page.get_by_role("form", name="Hand orders over")
    sending.get_by_label("Send 1 order to").select_option(str(people["admin"]))
    sending.get_by_label("Note").fill("Moved to the coast.")
    sending.get_by_role("button", name="Send").click()
    expect(page.locator(".shift-offer")).to_contain_text(f"sends order {order} to admin, who has not accepted yet.")
    cover = page.get_by_role("form", name="Have it covered")
    cover.get_by_label("Covered by").select_option(str(people["admin"]))
    cover.get_by_label("From (Europe/London)").fill("2030-01-01T09:00")
    # In an hour that comes twice: over when it is so for the last time.
    cover.get_by_label("Until (Europe/London)").fill("2030-10-27T01:30")
    cover.get_by_label("Why").fill("On leave.")
    cover.get_by_role("button", name="Have it covered").click()
    expect(page.locator(".shift-part li").filter(has_text="On leave.")).to_contain_text(
        re.compile("admin for supervisor, .* to .* 01:30 GMT")
    )
    shot(page, "caseload")
    assert violations(page) == []

    other = open_page()
    sign_in(other, "admin", PASSWORD)
    other.keyboard.press("o")
    expect(other.locator(".shift-offer")).to_contain_text("Moved to the coast.")
    other.get_by_role("button", name="Accept transfer").click()
    expect(other.get_by_text(f"{cai.name}, order {order}")).to_be_visible()
    expect(other.locator(".shift-offer")).to_have_count(0)
