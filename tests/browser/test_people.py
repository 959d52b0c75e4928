"""What a second person and a supervisor do: approve what relaxes, take alerts back into the queue, let nobody be paged."""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, lost, sign_in
from tests.browser.instance import PASSWORD, Instance, Wearer, stamp
from tests.browser.test_access import violations
from tests.browser.test_console import choose, pane, row
from tests.browser.test_shift import fact, shot

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def supervisor(open_page: Open) -> Page:
    page = open_page()
    sign_in(page, "supervisor", PASSWORD)
    return page


def pause_of(instance: Instance, wearer: Wearer) -> Any:
    """The pause of a wearer that stands, whoever else is paused."""
    standing = instance.call("GET", "/api/v1/pauses?standing=true&limit=500")["items"]
    (pause,) = [one for one in standing if one["wearer_name"] == wearer.name]
    return pause


def test_what_relaxes_is_read_and_approved_by_a_second_person(open_page: Open, instance: Instance) -> None:
    rex, rita = instance.wearers("Rex Relaxed", "Rita Refused")
    zones = {one["properties"]["name"]: one["id"] for one in instance.call("GET", "/api/v1/zones?limit=500")["items"]}
    for wearer in (rex, rita):
        instance.call("DELETE", f"/api/v1/zones/{zones[wearer.zone]}", version=1)
    page = supervisor(open_page)
    expect(page.get_by_role("button", name="Approvals 2")).to_be_visible()
    page.keyboard.press("v")
    expect(page.get_by_role("heading", name="Approvals")).to_be_focused()
    asked = page.locator(".asked").filter(has_text=rex.zone)
    expect(asked.get_by_role("heading")).to_have_text(f"Zone {rex.zone} of {rex.name}")
    expect(asked).to_contain_text("The zone would end.")
    expect(asked).to_contain_text("It protects a victim")
    expect(asked).to_contain_text("Asked for by admin")
    shot(page, "approvals")
    assert violations(page) == []
    page.get_by_role("button", name=f"Approve: Zone {rex.zone}").press("Enter")
    expect(asked).to_have_count(0)
    refuse = page.get_by_role("button", name=f"Refuse: Zone {rita.zone}")
    expect(refuse).to_be_enabled()  # a key pressed on a button that still waits for an answer does nothing
    refuse.press("Enter")
    expect(page.get_by_text("Nothing waits for a second person.")).to_be_visible()
    (known,) = instance.call("GET", "/api/v1/wearers?name=Rita%20Refused")["items"]
    asking = {"wearer": known["id"], "reason": "On the ward.", "until": stamp(timedelta(hours=2))}
    pause = instance.call("POST", "/api/v1/pauses", asking)
    page.keyboard.press("Escape")
    page.keyboard.press("v")
    expect(page.get_by_text("No change waits here.")).to_be_visible()
    expect(page.get_by_text("Pauses wait in the shift handover (h): 1.")).to_be_visible()
    instance.call("PATCH", f"/api/v1/pauses/{pause['id']}", {"ended": True}, version=pause["version"])
    states = [one["state"] for one in instance.call("GET", "/api/v1/changes?kind=zone&limit=500")["items"]][-2:]
    assert states == ["approved", "refused"]
    page.keyboard.press("Escape")
    expect(page.locator(".work")).to_be_visible()


def test_who_asked_cannot_approve_and_is_told_so(open_page: Open, instance: Instance) -> None:
    (own,) = instance.wearers("Olga Own")
    zones = {one["properties"]["name"]: one["id"] for one in instance.call("GET", "/api/v1/zones?limit=500")["items"]}
    instance.call("DELETE", f"/api/v1/zones/{zones[own.zone]}", version=1)
    page = open_page()
    sign_in(page, "admin", PASSWORD)
    page.get_by_role("button", name="Approvals").click()
    asked = page.locator(".asked").filter(has_text=own.zone)
    expect(asked).to_contain_text("Somebody else must approve what you asked for.")
    expect(asked.get_by_role("button", name="Approve")).to_have_count(0)
    asked.get_by_role("button", name="Refuse").click()
    expect(asked).to_have_count(0)


def test_a_supervisor_puts_back_what_somebody_holds(open_page: Open, console: Page, instance: Instance) -> None:
    (bob,) = instance.wearers("Bob Back")
    instance.enter(bob)
    choose(console, bob)
    console.keyboard.press("a")
    expect(row(console, bob)).to_contain_text("Acknowledged · You")
    page = supervisor(open_page)
    page.keyboard.press("h")
    page.get_by_role("button", name="Release what operator holds").click()
    page.get_by_label("Why what operator holds goes back").fill("Taken ill.")
    shot(page, "release")
    assert violations(page) == []
    page.get_by_role("button", name="Put back").click()
    expect(page.get_by_role("button", name="Release what operator holds")).to_have_count(0)
    expect(row(console, bob)).to_contain_text("New · Nobody")
    expect(pane(console).locator(".history")).to_contain_text("Taken from operator, back to the queue: Taken ill.")


def test_words_that_were_refused_stay_to_be_sent_again(
    open_page: Open, console: Page, instance: Instance, complaints: list[str]
) -> None:
    complaints.append("/api/v1/handover/release")
    (bea,) = instance.wearers("Bea Busy")
    instance.enter(bea)
    choose(console, bea)
    console.keyboard.press("a")
    expect(row(console, bea)).to_contain_text("Acknowledged · You")
    page = supervisor(open_page)
    page.keyboard.press("h")
    refusing = {"status": 503, "json": {"title": "Not now", "detail": "Repeat in a moment."}}
    page.route("**/handover/release", lambda route: route.fulfill(**refusing), times=1)
    page.get_by_role("button", name="Release what operator holds").click()
    why = page.get_by_label("Why what operator holds goes back")
    why.fill("Taken ill.")
    page.get_by_role("button", name="Put back").click()
    expect(page.get_by_role("alert").filter(has_text="Repeat in a moment.")).to_be_visible()
    expect(why).to_have_value("Taken ill.")
    page.get_by_role("button", name="Put back").click()
    expect(why).to_have_count(0)
    expect(row(console, bea)).to_contain_text("New · Nobody")


def test_a_pause_whose_answer_was_lost_is_asked_for_once(console: Page, instance: Instance, complaints: list[str]) -> None:
    complaints.append("net::ERR_FAILED")
    (pat,) = instance.wearers("Pat Patient", purpose="area")
    instance.enter(pat)
    choose(console, pat)
    lost(console, "**/api/v1/pauses")
    pane(console).get_by_role("button", name="Pause paging").click()
    form = console.get_by_role("form", name="Ask for a pause")
    form.get_by_label("Why").fill("On the ward.")
    save = form.get_by_role("button", name="Ask for the pause")
    save.click()
    expect(pane(console).locator(".actions [role=alert]")).to_contain_text("The server cannot be reached")
    save.click()
    expect(form).to_have_count(0)
    made = pause_of(instance, pat)
    instance.call("PATCH", f"/api/v1/pauses/{made['id']}", {"ended": True}, version=made["version"])


def test_a_pause_is_asked_for_on_the_alert_and_begins_with_a_second_person(
    open_page: Open, console: Page, instance: Instance
) -> None:
    (pam,) = instance.wearers("Pam Pausing", purpose="area")
    instance.enter(pam)
    choose(console, pam)
    pane(console).get_by_role("button", name="Pause paging").click()
    form = console.get_by_role("form", name="Ask for a pause")
    expect(form.get_by_label("What is not paged")).to_be_focused()
    form.get_by_label("What is not paged").select_option("all")
    expect(form.get_by_label("P1 of this kind, too")).to_be_disabled()
    form.get_by_label("What is not paged").select_option("this")
    expect(form.get_by_label("P1 of this kind, too: never of an entry into a zone")).to_be_disabled()
    form.get_by_label("For how long").select_option("2")
    form.get_by_label("Why").fill("On the ward.")
    shot(console, "pausing")
    assert violations(console) == []
    form.get_by_role("button", name="Ask for the pause").click()
    expect(pane(console).get_by_text("it begins when a second person approves it")).to_be_visible()
    page = supervisor(open_page)
    page.keyboard.press("h")
    paused = page.locator(".shift-part li").filter(has_text=pam.name).filter(has_text="On the ward.")
    paused.get_by_role("button", name="Approve").click()
    expect(row(console, pam)).to_contain_text("Paused")
    expect(fact(console, "Paging paused")).to_contain_text("On the ward.")
    expect(pane(console).get_by_text("it begins when a second person approves it")).to_have_count(0)
    made = pause_of(instance, pam)
    later = stamp(timedelta(hours=4))
    instance.call("PATCH", f"/api/v1/pauses/{made['id']}", {"until": later}, version=made["version"])
    page.reload()
    expect(page.locator(".line")).to_have_text("Live")
    page.keyboard.press("h")
    expect(paused).to_contain_text("as soon as a second person approves (admin asks)")
    expect(row(console, pam)).to_contain_text("Paused")
    shot(page, "longer")
    paused.get_by_role("button", name="Approve").click()
    expect(paused).not_to_contain_text("as soon as")
    longer = pause_of(instance, pam)
    assert (longer["longer"], longer["until"] > made["until"]) == (None, True)
    instance.call("PATCH", f"/api/v1/pauses/{longer['id']}", {"ended": True}, version=longer["version"])


def test_a_pause_is_lengthened_and_ended_in_the_shift_handover(open_page: Open, console: Page, instance: Instance) -> None:
    (len_,) = instance.wearers("Len Longer", purpose="area")
    (known,) = instance.call("GET", "/api/v1/wearers?name=Len%20Longer")["items"]
    asking = {"wearer": known["id"], "reason": "On the ward.", "until": stamp(timedelta(hours=2))}
    made = instance.call("POST", "/api/v1/pauses", asking)

    def stands() -> Any:
        return instance.call("GET", f"/api/v1/pauses/{made['id']}")

    second = supervisor(open_page)
    second.keyboard.press("h")
    theirs = second.locator(".shift-part li").filter(has_text=len_.name)
    theirs.get_by_role("button", name="Approve").click()
    expect(theirs).not_to_contain_text("not in force")
    console.keyboard.press("h")
    paused = console.locator(".shift-part li").filter(has_text=len_.name)
    paused.get_by_role("button", name="Another end").click()
    form = console.get_by_role("form", name="Another end of the pause of Len Longer")
    field = form.get_by_label("New end (Europe/London)")
    expect(field).to_be_focused()
    expect(form).to_contain_text("A later one waits for a second person")
    london = ZoneInfo("Europe/London")
    begun = datetime.fromisoformat(stands()["from"])
    latest = (begun + timedelta(hours=24)).astimezone(london).strftime("%Y-%m-%dT%H:%M")
    expect(field).to_have_attribute("max", latest)
    shot(console, "another-end")
    assert violations(console) == []
    later = (begun + timedelta(hours=5)).astimezone(london)
    field.fill(later.strftime("%Y-%m-%dT%H:%M"))
    save = form.get_by_role("button", name="Set the end")
    save.press("Enter")
    expect(paused).to_contain_text("as soon as a second person approves (operator asks)")
    assert (stands()["state"], stands()["until"]) == ("in_force", made["until"])
    paused.get_by_role("button", name="Drop the later end").click()
    expect(paused).not_to_contain_text("as soon as")
    assert (stands()["longer"], stands()["until"]) == (None, made["until"])
    sooner = (begun + timedelta(hours=1)).astimezone(london)
    paused.get_by_role("button", name="Another end").click()
    field.fill(sooner.strftime("%Y-%m-%dT%H:%M"))
    expect(save).to_be_enabled()
    save.press("Enter")
    expect(paused).to_contain_text(re.compile(sooner.strftime("until .*%H:%M:00")))  # tomorrow's says its day
    paused.get_by_role("button", name="End now: the pause of Len Longer").click()
    expect(paused).to_have_count(0)
    assert (stands()["state"], stands()["ended_by"]["name"]) == ("ended", "operator")


def test_a_pause_that_somebody_else_has_changed_is_refused_in_words(
    open_page: Open, instance: Instance, complaints: list[str]
) -> None:
    complaints.append("/api/v1/pauses/")  # the refusal is a 409
    instance.wearers("Ray Refused", purpose="area")
    (known,) = instance.call("GET", "/api/v1/wearers?name=Ray%20Refused")["items"]
    asking = {"wearer": known["id"], "reason": "On the ward.", "until": stamp(timedelta(hours=2))}
    made = instance.call("POST", "/api/v1/pauses", asking)
    page = supervisor(open_page)
    page.keyboard.press("h")
    ending = page.get_by_role("button", name="End now: the pause of Ray Refused")
    expect(ending).to_be_visible()
    page.route("**/api/v1/handover", lambda route: route.abort() if route.request.method == "GET" else route.continue_())
    complaints.append("/api/v1/handover")
    instance.call("PATCH", f"/api/v1/pauses/{made['id']}", {"ended": True}, version=made["version"])
    ending.click()
    refused = page.get_by_role("alert").filter(has_text=f"pause {made['id']}")
    expect(refused).to_contain_text("The server cannot be reached")  # said besides, when it has been tried often enough
