"""A night's work beyond the queue: calling by the script, clocks that stop, calls owed, and a shift handed over."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Open, sign_in
from tests.browser.instance import PASSWORD, Instance
from tests.browser.test_access import violations
from tests.browser.test_console import choose, pane, row

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def fact(page: Page, name: str) -> Locator:
    """The value beside a name among the alert's facts."""
    return pane(page).locator(".facts > div").filter(has=page.get_by_text(name, exact=True)).locator("dd")


def sql(instance: Instance, statement: str, *values: Any) -> None:
    with psycopg.connect(instance.database) as connection:
        connection.execute(statement, values)


def shot(page: Page, name: str) -> None:
    """Keep a picture where somebody asked for one."""
    folder = os.environ.get("CORDON_SHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def test_a_call_by_the_script_stops_the_clock_and_owes_a_callback(console: Page, instance: Instance) -> None:
    (cal,) = instance.wearers("Cal Called")
    instance.enter(cal)
    choose(console, cal)
    expect(pane(console).get_by_text("7 of 7 steps to do")).to_be_visible()
    expect(pane(console).get_by_role("button", name="Call the device wearer.")).to_be_hidden()  # the map first
    console.keyboard.press("a")
    expect(fact(console, "Acknowledge")).to_have_text("done")
    expect(fact(console, "First contact")).to_contain_text("in ")
    expect(fact(console, "Back to the queue")).to_contain_text("in ")
    expect(pane(console).get_by_text("Never say whom a zone protects")).to_be_visible()
    shot(console, "script")
    pane(console).get_by_role("button", name="Call the device wearer.").click()
    form = console.get_by_role("form", name="Log a contact")
    expect(form.get_by_label("With")).to_be_focused()
    form.get_by_label("No answer").check()
    form.get_by_label("Call back").select_option("15")
    form.get_by_label("What was said").fill("Rang out twice.")
    shot(console, "contact")
    assert violations(console) == []
    form.get_by_role("button", name="Log contact").click()
    expect(form).to_be_hidden()
    expect(fact(console, "First contact")).to_have_text("done")
    expect(fact(console, "Decision")).to_contain_text("in ")
    expect(fact(console, "Call back")).to_contain_text("in 1")
    expect(row(console, cal)).to_contain_text("Call owed")
    expect(row(console, cal)).to_contain_text("In progress · You")
    expect(pane(console).get_by_role("button", name="Call the device wearer.")).to_have_attribute("aria-pressed", "true")
    expect(pane(console).locator(".history li").first).to_contain_text("Called the wearer: no answer. Rang out twice.")
    expect(console.locator(".owed")).to_contain_text("1 call owed")
    pane(console).get_by_role("button", name="Verify name and date of birth.").click()
    expect(pane(console).get_by_role("button", name="Verify name and date of birth.")).to_have_attribute("aria-pressed", "true")
    expect(pane(console).get_by_role("button", name="Verify name and date of birth.")).to_be_disabled()
    pane(console).get_by_role("button", name="Decide").click()
    console.get_by_label("What is decided, and why").fill("No police: he is on the bus through.")
    console.get_by_role("button", name="Save decision").click()
    expect(fact(console, "Decision")).to_have_text("done")
    expect(row(console, cal)).to_contain_text("No clock")
    console.keyboard.press("l")
    form.get_by_label("Spoke").check()
    form.get_by_role("button", name="Log contact").click()
    expect(console.locator(".owed")).to_be_hidden()
    expect(row(console, cal)).not_to_contain_text("Call owed")
    expect(pane(console).get_by_text("4 of 7 steps to do")).to_be_visible()
    shot(console, "worked")
    assert violations(console) == []


def test_an_escalated_alert_says_so_and_no_pause_mutes_an_entry_into_a_victims_zone(console: Page, instance: Instance) -> None:
    esa, pia = instance.wearers("Esa Escalated", "Pia Paused")
    instance.enter(esa)
    expect(row(console, esa)).to_be_visible()
    alert = instance.alert_of(esa)
    sql(
        instance, "UPDATE alert SET due_acknowledge = now() WHERE id = %s", alert["id"]
    )  # two minutes go by; the duty does the rest
    expect(row(console, esa)).to_contain_text("Level 1", timeout=30_000)
    choose(console, esa)
    expect(fact(console, "Escalated")).to_contain_text("level 1, due to the duty")
    expect(fact(console, "Escalated")).to_contain_text("nobody was told", timeout=30_000)  # there is no channel
    expect(pane(console).locator(".history")).to_contain_text("No acknowledgement in time: escalated to level 1")
    instance.enter(pia)
    expect(row(console, pia)).to_be_visible()
    other = instance.alert_of(pia)
    sql(
        instance,
        """INSERT INTO pause (wearer, kind, including_p1, reason, starts, until, requested_by, approved_by, approved_at)
           SELECT %s, 'exclusion', true, 'On the ward.', now(), now() + interval '1 h', min(id), max(id), now() FROM account""",
        other["wearer_id"],
    )
    instance.call("POST", f"/api/v1/alerts/{other['id']}/notes", {"text": "Looked."})  # the next change would show it
    choose(console, pia)
    expect(pane(console).locator(".history")).to_contain_text("Looked.")
    expect(fact(console, "Paging paused")).to_have_count(0)
    pane(console).get_by_role("button", name="Pause paging").click()
    form = console.get_by_role("form", name="Ask for a pause")
    expect(form.get_by_role("status")).to_contain_text("This alert pages all the same: its zone may protect a victim")
    form.get_by_role("button", name="Cancel").click()
    shot(console, "escalated")


def test_a_pause_of_paging_stands_on_the_alert_that_it_mutes(console: Page, instance: Instance) -> None:
    (abe,) = instance.wearers("Abe Area", purpose="area")
    instance.enter(abe)
    expect(row(console, abe)).to_be_visible()
    alert = instance.alert_of(abe)
    choose(console, abe)
    expect(fact(console, "Paging paused")).to_have_count(0)
    sql(
        instance,
        """INSERT INTO pause (wearer, kind, including_p1, reason, starts, until, requested_by, approved_by, approved_at)
           SELECT %s, 'exclusion', false, 'On the ward.', now(), now() + interval '1 h', min(id), max(id), now() FROM account""",
        alert["wearer_id"],
    )
    instance.call("POST", f"/api/v1/alerts/{alert['id']}/notes", {"text": "Looked."})  # the next change shows it
    expect(fact(console, "Paging paused")).to_contain_text("On the ward.")
    shot(console, "paused")
    assert violations(console) == []


def test_a_shift_is_handed_over_and_nobody_leaves_before(open_page: Open, console: Page, instance: Instance, complaints: list[str]) -> None:  # fmt: skip  # noqa: E501
    complaints.append("/api/v1/token")  # the refusal is a 409
    (hal,) = instance.wearers("Hal Handed")
    instance.enter(hal)
    choose(console, hal)
    console.keyboard.press("a")
    expect(row(console, hal)).to_contain_text("Acknowledged · You")
    console.get_by_role("button", name="Sign out").click()
    page = console.locator(".shift")
    expect(page).to_contain_text("Not signed out: you own 1 active alert")
    expect(page.get_by_role("heading", name="Open P1 and P2 1")).to_be_visible()
    expect(page.get_by_role("button", name="Leave all the same")).to_have_count(0)
    shot(console, "refused")
    form = page.get_by_role("form", name="Hand over")
    expect(form).to_contain_text("You own 1 alert.")
    admin = next(person for person in instance.call("GET", "/api/v1/handover")["people"] if person["name"] == "admin")
    barred = form.get_by_role("option", name="engineer")
    expect(barred).to_contain_text(f"cannot work alert {instance.alert_of(hal)['id']}")
    expect(barred).to_be_disabled()
    form.get_by_label("Hand over to").select_option(str(admin["id"]))
    form.get_by_label("Note").fill("He is on the bus; his mother calls at six.")
    form.get_by_role("button", name="Offer").click()
    expect(page).to_contain_text("You have offered what you own to admin")
    assert violations(console) == []

    incoming = open_page()
    sign_in(incoming, "admin", PASSWORD)
    expect(incoming.get_by_role("button", name="Handover offered to you")).to_be_visible()
    incoming.keyboard.press("h")
    theirs = incoming.locator(".shift")
    expect(theirs).to_contain_text("operator hands over to you: 1 alert.")
    expect(theirs).to_contain_text("his mother calls at six")
    expect(theirs).to_contain_text("You own nothing")
    shot(incoming, "incoming")
    theirs.get_by_role("button", name="Accept handover").click()
    expect(theirs.get_by_role("button", name="Accept handover")).to_be_hidden()
    incoming.keyboard.press("Escape")
    expect(row(incoming, hal)).to_contain_text("Acknowledged · You")

    console.keyboard.press("Escape")
    expect(row(console, hal)).to_contain_text("Acknowledged · admin")
    console.get_by_role("button", name="Sign out").click()
    expect(console.get_by_role("button", name="Sign in")).to_be_visible()


# What the page reads of a colleague, by their name: as it is told (""), that they may take over ("may"), or nothing ("gone").
READ_OF = """(name) => {
  const real = window.fetch;
  window.readOf = "may";
  window.fetch = async (url, request) => {
    const answer = await real(url, request);
    const reads = String(url).endsWith("/api/v1/handover") && (request?.method ?? "GET") === "GET";
    if (!reads || window.readOf === "") return answer;
    const shift = await answer.json();
    const seen = (one) => (one.name !== name ? one : window.readOf === "may" ? { ...one, barred: null } : null);
    return Response.json({ ...shift, people: shift.people.map(seen).filter((one) => one !== null) });
  };
}"""


def test_who_was_chosen_and_cannot_take_over_any_more_is_said_and_nobody_takes_their_place(
    console: Page, instance: Instance, complaints: list[str]
) -> None:
    complaints.append("/api/v1/handover")  # the refusal is a 409
    (bo,) = instance.wearers("Bo Barred")
    instance.enter(bo)
    choose(console, bo)
    console.keyboard.press("a")
    expect(row(console, bo)).to_contain_text("Acknowledged · You")
    console.evaluate(READ_OF, "engineer")
    console.keyboard.press("h")
    form = console.get_by_role("form", name="Hand over")
    to = form.get_by_label("Hand over to")
    taker = form.get_by_role("option", name="engineer")
    value = taker.get_attribute("value")
    assert value is not None
    to.select_option(value)
    expect(form.get_by_role("status")).to_be_empty()
    console.evaluate("window.readOf = ''")
    cannot = f"cannot work alert {instance.alert_of(bo)['id']}: choose somebody who can"
    expect(form.get_by_role("status")).to_have_text(f"engineer {cannot}.")  # as the page reads again by itself
    expect(to).to_have_value(value)
    form.get_by_role("button", name="Offer").click()
    expect(console.locator(".shift")).to_contain_text(f"engineer is engineer and {cannot}")  # the server's words
    shot(console, "barred")
    assert violations(console) == []
    console.evaluate("window.readOf = 'gone'")
    expect(form.get_by_role("status")).to_contain_text("engineer cannot be handed anything any more")
    expect(to).to_have_value("")
    form.get_by_role("button", name="Offer").click()
    expect(to).to_be_focused()  # the browser asks for somebody
    expect(console.get_by_text("You have offered")).to_have_count(0)


def test_what_is_over_or_owed_keeps_who_would_leave_and_is_named(
    console: Page, instance: Instance, complaints: list[str]
) -> None:
    complaints.append("/api/v1/token")  # each refusal is a 409
    (ova,) = instance.wearers("Ova Gone")
    instance.enter(ova)
    choose(console, ova)
    console.keyboard.press("a")
    expect(row(console, ova)).to_contain_text("Acknowledged · You")
    console.keyboard.press("l")
    form = console.get_by_role("form", name="Log a contact")
    form.get_by_label("With").select_option("victim")
    form.get_by_label("No answer").check()
    form.get_by_label("Call back").select_option("30")
    form.get_by_role("button", name="Log contact").click()
    expect(row(console, ova)).to_contain_text("Call owed")
    for _ in range(2):  # however soon: a second one that agrees makes both plausible
        instance.send(ova, metres_north=450)
    expect(row(console, ova)).to_contain_text("was inside")
    console.get_by_role("button", name="Sign out").click()
    page = console.locator(".shift")
    expect(page).to_contain_text("Not signed out: you own 1 alert that is over and not closed and owe 1 call due within 12 h")
    kept = page.get_by_role("list", name="What keeps you")
    alert = instance.alert_of(ova)
    expect(kept.get_by_role("button")).to_have_text([f"P1 {ova.name} was inside {ova.zone}", f"Alert {alert['id']}"])
    expect(kept).to_contain_text("over, not closed")
    (call,) = [one for one in instance.call("GET", "/api/v1/contacts?owed=true")["items"] if one["alert"] == alert["id"]]
    due = datetime.fromisoformat(call["callback_at"]).astimezone(ZoneInfo("Europe/London"))
    said = due.strftime(rf"Call owed: Victim, about {ova.name}, (\w{{3}},? \d{{1,2}} \w{{3,4}} )?%H:%M (GMT|BST)")
    expect(kept.get_by_role("listitem").nth(1)).to_have_text(re.compile(said))
    expect(page.get_by_role("form", name="Hand over")).to_contain_text("You own 1 alert and 1 owed call.")
    expect(page.locator(".shift-part li").filter(has_text="set by operator")).to_contain_text("yours to make")
    shot(console, "kept")
    assert violations(console) == []
    kept.get_by_role("button").last.click()
    expect(pane(console).get_by_role("heading", name="was inside")).to_be_visible()
    told = {"outcome": "explained", "note": "Left at once.", "victim": {"notified": False, "reason": "No answer yet."}}
    instance.call("POST", f"/api/v1/alerts/{alert['id']}/close", told)
    console.get_by_role("button", name="Sign out").click()
    expect(page).to_contain_text("Not signed out: you owe 1 call due within 12 h")
    expect(kept.get_by_role("listitem")).to_have_count(1)
    spoke = {"wearer": alert["wearer_id"], "person": "victim", "outcome": "spoke"}
    instance.call("POST", "/api/v1/contacts", spoke)
    console.get_by_role("button", name="Sign out").click()
    expect(console.get_by_role("button", name="Sign in")).to_be_visible()


def test_who_has_an_alert_is_told_a_minute_before_it_pages_again(console: Page, open_page: Open, instance: Instance) -> None:
    (wes,) = instance.wearers("Wes Warned")
    instance.enter(wes)
    choose(console, wes)
    console.keyboard.press("a")
    expect(row(console, wes)).to_contain_text("Acknowledged · You")
    alert = instance.alert_of(wes)

    other = open_page()
    sign_in(other, "supervisor", PASSWORD)
    choose(other, wes)

    notes = 0

    def almost_back() -> str:
        """Fifty seconds before it goes back, also where it has gone back meanwhile; the note that shows it."""
        nonlocal notes
        notes += 1
        sql(
            instance,
            """UPDATE alert SET handling = 'acknowledged', owner = (SELECT id FROM account WHERE name = 'operator'),
                   handled_at = now() - interval '4 minutes 10 seconds' WHERE id = %s""",
            alert["id"],
        )
        instance.call("POST", f"/api/v1/alerts/{alert['id']}/notes", {"text": f"Look {notes}."})  # the next change shows it
        return f"Look {notes}."

    def soon(what: Locator, says: str) -> None:
        """It says so meanwhile; where the page took longer than the fifty seconds, they are given once more."""
        for left in (3, 2, 1, 0):
            almost_back()
            try:
                expect(what).to_contain_text(says, timeout=50_000)
                break
            except AssertionError:
                if left == 0:
                    raise

    warning = pane(console).locator(".script-warning[role=alert]")
    soon(row(console, wes), "Log a step, 0:")
    soon(warning, "Log a step, or it pages again at")
    shot(console, "warned")
    assert violations(console) == []
    soon(fact(other, "Back to the queue"), "in 0:")
    expect(row(other, wes)).not_to_contain_text("Log a step")
    expect(pane(console).locator(".history")).to_contain_text(almost_back())  # a step is taken of the alert as it stands
    pane(console).get_by_role("button", name="Verify name and date of birth.").click()
    expect(warning).to_be_empty()
    expect(row(console, wes)).to_contain_text("In progress · You")
    expect(row(console, wes)).not_to_contain_text("Log a step")


def test_a_server_that_cannot_be_asked_keeps_who_may_leave_all_the_same(console: Page, complaints: list[str]) -> None:
    complaints.extend(["/api/v1/token", "net::ERR"])
    console.route("**/api/v1/token", lambda route: route.abort())
    console.get_by_role("button", name="Sign out").click()
    page = console.locator(".shift")
    expect(page.get_by_role("alert").first).to_contain_text("Not signed out: The server does not answer")
    assert violations(console) == []
    page.get_by_role("button", name="Leave all the same").click()
    expect(console.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_visit_to_the_wearer_stands_on_their_alert(console: Page, instance: Instance) -> None:
    (vera,) = instance.wearers("Vera Visited")
    instance.enter(vera)
    (known,) = instance.call("GET", "/api/v1/wearers?name=Vera%20Visited")["items"]
    now = datetime.now(UTC)
    times = {"from": now - timedelta(hours=1), "to": now + timedelta(hours=1), "signed_in": now - timedelta(minutes=1)}
    plan = {"wearer": known["id"], "kind": "inspect", "tag": vera.tag} | {name: at.isoformat() for name, at in times.items()}
    instance.call("POST", "/api/v1/visits", plan)
    choose(console, vera)
    expect(pane(console).get_by_role("list", name="Visits")).to_contain_text("Inspect: somebody is at the door")
    assert violations(console) == []
