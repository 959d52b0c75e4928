"""The console in a real browser against the real system: what an operator does in a night."""

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import SETTLE_MS, Open, kept_back, lost, sign_in
from tests.browser.instance import PASSWORD, Instance, Wearer
from tests.browser.test_access import violations
from tests.browser.wire import Wire

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def row(page: Page, wearer: Wearer) -> Locator:
    return page.get_by_role("option").filter(has_text=wearer.name)


def pane(page: Page) -> Locator:
    return page.locator("section.pane")


def choose(page: Page, wearer: Wearer) -> None:
    """Open the alert of a wearer."""
    row(page, wearer).click()
    expect(pane(page).get_by_role("heading", level=2)).to_contain_text(wearer.name)


def test_sign_in_refuses_in_words_and_survives_a_reload(open_page: Open, complaints: list[str]) -> None:
    complaints.append("/api/v1/token")
    page = open_page()
    page.get_by_label("Name").fill("operator")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).not_to_be_empty()
    sign_in(page)
    page.reload()
    expect(page.locator(".line")).to_have_text("Live")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_role_without_a_queue_is_told_so(open_page: Open) -> None:
    page = open_page()
    page.get_by_label("Name").fill("field")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("has no alert queue")).to_be_visible()


def test_an_alert_arrives_live_and_is_acknowledged_by_key(console: Page, instance: Instance) -> None:
    (ann,) = instance.wearers("Ann Arrives")
    expect(console).to_have_title("Cordon")
    instance.enter(ann)
    expect(row(console, ann)).to_contain_text("P1 Act now")
    expect(row(console, ann)).to_contain_text(f"is inside victim zone {ann.zone}")
    expect(row(console, ann)).to_contain_text("Acknowledge in")
    expect(row(console, ann)).to_contain_text("New · Nobody")
    expect(console.locator(".strip")).to_contain_text(ann.name)
    expect(console).to_have_title("(1 P1) Cordon")
    console.keyboard.press("p")
    expect(pane(console).get_by_role("heading", level=2)).to_contain_text(ann.name)
    console.keyboard.press("a")
    expect(row(console, ann)).to_contain_text("Acknowledged · You")
    expect(pane(console).get_by_role("list").filter(has_text="acknowledged")).to_contain_text("by you")
    expect(console.locator(".strip")).to_contain_text("No P1 is waiting")
    expect(console).to_have_title("Cordon")
    console.keyboard.press("h")
    expect(console.locator(".shift")).to_be_visible()
    console.keyboard.press("Escape")  # from a page one comes back to the alert that was open
    expect(pane(console).get_by_role("heading", level=2)).to_contain_text(ann.name)
    alert = instance.alert_of(ann)
    assert alert["handling"] == "acknowledged"
    assert alert["owner"]["name"] == "operator"


COUNT_PIXELS = """
async (canvas) => {
  const [width, height] = [canvas.width, canvas.height];
  const pen = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
  pen.drawImage(canvas, 0, 0);
  const { data } = pen.getImageData(0, 0, width, height);
  const near = (at, [r, g, b]) => Math.hypot(data[at] - r, data[at + 1] - g, data[at + 2] - b) < 30;
  const found = { edge: 0, last: 0, track: 0 };
  let run = 0; // of white pixels in a row: text is nowhere this thick
  for (let at = 0; at < data.length; at += 4) {
    if (near(at, [255, 128, 120])) found.edge += 1;
    run = near(at, [255, 255, 255]) ? run + 1 : 0;
    found.last = Math.max(found.last, run);
    if (data[at + 2] - data[at] > 50) found.track += 1; // blue, however faint with age
  }
  return found;
}
"""


def test_the_map_shows_zone_fix_and_trail(console: Page, instance: Instance) -> None:
    (mia,) = instance.wearers("Mia Mapped")
    for seconds_ago in (60, 30, 0):
        instance.send(mia, metres_north=10 * seconds_ago, seconds_ago=seconds_ago)
    choose(console, mia)
    words = pane(console).locator(".map-words")
    expect(words).to_contain_text(f"{mia.zone}, exclusion, victim zone, circle of radius 300 m")
    expect(words).to_contain_text("Last location point")
    expect(words).to_contain_text("3 location points")
    canvas = console.locator(".map-canvas canvas")
    expect(console.locator("[data-drawn=true]")).to_be_visible()
    console.wait_for_function("canvas => canvas.isConnected", arg=canvas.element_handle())
    seen: dict[str, int] = {}
    for _ in range(SETTLE_MS // 100):
        seen = canvas.evaluate(COUNT_PIXELS)
        if seen["edge"] and seen["track"] and seen["last"] > 12:
            break
        console.wait_for_timeout(100)
    assert seen["edge"] > 200, seen  # the zone's outline
    assert seen["last"] > 12, seen  # the last fix, a white disc across
    assert seen["track"] > 20, seen  # the way between the fixes
    assert console.locator(".maplibregl-ctrl-scale").inner_text().endswith("m")


def test_what_cannot_be_read_is_not_said_to_be_unknown_and_an_outline_is_asked_for_again(
    console: Page, instance: Instance, complaints: list[str]
) -> None:
    complaints.append("net::ERR_FAILED")  # and nothing that nobody caught
    (nat,) = instance.wearers("Nat Unread")
    instance.enter(nat)
    expect(row(console, nat)).to_be_visible()
    asked: list[str] = []

    def once_lost(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.abort()
        else:
            route.continue_()

    console.route("**/land-50m*", once_lost)
    console.route("**/api/v1/fixes?*", lambda route: route.abort())
    console.route("**/api/v1/zones/**", lambda route: route.abort())
    bare = instance.call("GET", f"/api/v1/alerts/{instance.alert_of(nat)['id']}") | {"evidence": []}  # as of a cut strap
    console.route(f"**/api/v1/alerts/{bare['id']}", lambda route: route.fulfill(json=bare))
    choose(console, nat)
    expect(pane(console).locator(".map-none")).to_have_text("Positions cannot be read now.")
    assert len(asked) == 2


def test_a_cut_line_is_said_and_nothing_is_missed(console: Page, instance: Instance, wire: Wire, complaints: list[str]) -> None:
    complaints.append("net::ERR_")
    before, during = instance.wearers("Bea Before", "Dan During")
    instance.enter(before)
    expect(row(console, before)).to_be_visible()
    wire.cut()
    line = console.locator(".line")
    expect(line).to_contain_text("Reconnecting – the list may be old")
    console.evaluate("() => { const real = Date.now; Date.now = () => real() + 31_000; }")  # half a minute goes by
    banner = console.locator(".banner[data-grade=blind]")
    expect(banner).to_contain_text("The server has not been heard since")
    expect(banner).to_contain_text("Silence means nothing until this is gone")
    instance.enter(during)
    assert instance.alert_of(during)["handling"] == "new"
    expect(row(console, during)).to_have_count(0)
    wire.mend()
    expect(line).to_have_text("Live")
    expect(banner).to_have_count(0)
    expect(row(console, during)).to_have_count(1)
    expect(row(console, before)).to_have_count(1)


# A hand that is never still, however long a test takes: one that lies on the list for ten seconds holds it no longer.
AIM = """(row) => {
  const moved = () => row.dispatchEvent(new PointerEvent("pointermove", { bubbles: true }));
  window.aiming = setInterval(moved, 500);
}"""


def test_no_row_moves_under_the_pointer(console: Page, instance: Instance) -> None:
    (pat,) = instance.wearers("Pat Pointed", purpose="area")
    (quinn,) = instance.wearers("Quinn Queued")
    instance.enter(pat)
    expect(row(console, pat)).to_be_visible()
    row(console, pat).hover()
    row(console, pat).evaluate(AIM)
    was = row(console, pat).bounding_box()
    instance.enter(quinn)
    expect(row(console, quinn)).to_be_visible()
    expect(console.get_by_role("option")).to_contain_text([pat.name, quinn.name])
    assert row(console, pat).bounding_box() == was
    console.evaluate("() => clearInterval(window.aiming)")
    console.mouse.move(1200, 10)
    expect(console.locator(".queue-held")).to_be_empty()
    expect(console.get_by_role("option")).to_contain_text([quinn.name, pat.name])  # the worse of the two is first again


def test_closing_a_victim_zone_alert_asks_for_the_victim(console: Page, instance: Instance) -> None:
    (cal,) = instance.wearers("Cal Done")
    instance.enter(cal)
    choose(console, cal)
    console.keyboard.press("c")
    warning = pane(console).locator("form .warning")
    expect(warning).to_contain_text("It still goes on: Cal Done is inside Zone of Cal Done.")
    expect(warning).to_contain_text("nobody is paged for it any more")
    console.get_by_label("Outcome").select_option(label="Apparent non-compliance")
    console.get_by_label("No", exact=True).check()
    console.get_by_label("Why not").fill("Her number does not answer; police informed.")
    console.get_by_label("Note").fill("Spoke to the wearer, who left at once.")
    console.get_by_role("button", name="Close alert").click()
    expect(pane(console).locator(".facts")).to_contain_text("Closed")
    alert = instance.alert_of(cal)
    assert (alert["handling"], alert["outcome"]) == ("closed", "apparent_non_compliance")
    console.get_by_role("button", name="Reopen").click()
    console.get_by_label("Why it is opened again").fill("He came back.")
    console.get_by_role("button", name="Reopen").last.click()
    expect(row(console, cal)).to_contain_text("In progress · You")


def test_an_alert_that_moved_on_is_not_acknowledged_unseen(
    console: Page, instance: Instance, wire: Wire, complaints: list[str]
) -> None:
    """Somebody else took it while this console could not hear of it."""
    complaints.extend(["net::ERR_", "412", "409"])
    (mo,) = instance.wearers("Mo Moved")
    instance.enter(mo)
    choose(console, mo)
    expect(pane(console).locator(".history li").first).to_be_visible()  # all of it was read before
    console.route("**/alerts/stream", lambda route: route.abort())
    wire.cut()
    wire.mend()
    alert = instance.alert_of(mo)
    instance.call("POST", f"/api/v1/alerts/{alert['id']}/acknowledge", {})
    console.keyboard.press("a")
    expect(pane(console).locator(".actions [role=alert]")).not_to_be_empty()
    after = instance.alert_of(mo)
    assert after["owner"]["name"] == "admin"
    expect(row(console, mo)).to_contain_text("Acknowledged · admin")  # read again, as no stream says so


def test_an_answer_that_comes_late_leaves_a_form_that_is_being_filled_in(console: Page, instance: Instance) -> None:
    (lou,) = instance.wearers("Lou Late")
    instance.enter(lou)
    choose(console, lou)
    come = kept_back(console, "/acknowledge")
    console.keyboard.press("a")
    expect(row(console, lou)).to_contain_text("Acknowledged · You")  # the stream says so before the answer does
    console.keyboard.press("l")
    form = console.get_by_role("form", name="Log a contact")
    form.get_by_label("What was said").fill("On her way out.")
    come()
    step = pane(console).get_by_role("button", name="Verify name and date of birth.")
    step.click()  # which waits until it can be pressed: the answer has come
    expect(step).to_have_attribute("aria-pressed", "true")
    expect(form.get_by_label("What was said")).to_have_value("On her way out.")
    form.get_by_label("No answer").check()
    form.get_by_role("button", name="Log contact").click()
    expect(form).to_have_count(0)


def test_what_is_typed_while_an_answer_travels_is_closed_by_no_answer_but_its_own(console: Page, instance: Instance) -> None:
    (una,) = instance.wearers("Una Undone")
    instance.enter(una)
    choose(console, una)
    history = pane(console).locator(".history")
    note = console.get_by_label("Note")
    save = console.get_by_role("button", name="Save note")
    come = kept_back(console, "/notes")
    console.keyboard.press("n")
    note.fill("Rang her sister.")
    save.click()
    expect(history).to_contain_text("Rang her sister.")  # the stream says so before the answer does
    console.keyboard.press("Escape")  # leaves the form, not the alert, also while its answer travels
    expect(note).to_have_count(0)
    console.keyboard.press("n")
    note.fill("The sister rings back.")
    expect(save).to_be_disabled()
    come()
    save.click()  # which waits until it can be pressed: the answer has come
    expect(note).to_have_count(0)
    expect(history).to_contain_text("The sister rings back.")


def test_what_is_typed_on_after_it_was_sent_stays_and_is_said_not_to_be_saved(console: Page, instance: Instance) -> None:
    (ona,) = instance.wearers("Ona Ongoing")
    instance.enter(ona)
    choose(console, ona)
    come = kept_back(console, "/notes")
    console.keyboard.press("n")
    note = console.get_by_label("Note")
    save = console.get_by_role("button", name="Save note")
    note.fill("On the bus.")
    save.click()
    note.fill("On the bus. Off at the next stop.")
    come()
    unsaved = pane(console).locator("form [role=alert]")
    expect(unsaved).to_have_text("Done as it stood when you pressed “Save note”. What you have changed since is not saved yet.")
    expect(note).to_have_value("On the bus. Off at the next stop.")
    assert violations(console) == []
    save.click()
    expect(note).to_have_count(0)
    expect(pane(console).locator(".history")).to_contain_text("Off at the next stop.")


def test_a_step_after_a_call_is_not_refused_where_the_stream_is_late(
    console: Page, instance: Instance, wire: Wire, complaints: list[str]
) -> None:
    complaints.append("net::ERR_")
    (lea,) = instance.wearers("Lea Later")
    instance.enter(lea)
    choose(console, lea)
    expect(pane(console).locator(".history li").first).to_be_visible()
    console.route("**/alerts/stream", lambda route: route.abort())
    wire.cut()
    wire.mend()
    console.keyboard.press("a")
    expect(row(console, lea)).to_contain_text("Acknowledged · You")
    console.keyboard.press("l")
    form = console.get_by_role("form", name="Log a contact")
    form.get_by_label("No answer").check()
    form.get_by_role("button", name="Log contact").click()
    expect(form).to_have_count(0)
    step = pane(console).get_by_role("button", name="Verify name and date of birth.")
    step.click()
    expect(step).to_have_attribute("aria-pressed", "true")
    expect(pane(console).locator(".actions [role=alert]")).to_be_empty()


def test_a_call_whose_answer_was_lost_is_sent_again_and_logged_once(
    console: Page, instance: Instance, complaints: list[str]
) -> None:
    complaints.append("net::ERR_FAILED")
    (leo,) = instance.wearers("Leo Lost")
    instance.enter(leo)
    choose(console, leo)
    lost(console, "**/api/v1/contacts")
    console.keyboard.press("l")
    form = console.get_by_role("form", name="Log a contact")
    form.get_by_label("No answer").check()
    form.get_by_label("Call back").select_option("15")  # from when it was first sent
    save = form.get_by_role("button", name="Log contact")
    save.click()
    expect(pane(console).locator(".actions [role=alert]")).to_contain_text("The server cannot be reached")
    save.click()
    expect(form).to_have_count(0)
    owed = instance.call("GET", "/api/v1/contacts?owed=true&limit=500")["items"]
    (call,) = [one for one in owed if one["wearer_name"] == leo.name]
    spoke = {"wearer": instance.alert_of(leo)["wearer_id"], "person": call["person"], "outcome": "spoke"}
    instance.call("POST", "/api/v1/contacts", spoke)  # nobody owes it in another test


def test_a_narrow_window_shows_queue_or_alert(open_page: Open, instance: Instance) -> None:
    (nia,) = instance.wearers("Nia Narrow")
    instance.enter(nia)
    page = open_page(420, 800)
    sign_in(page)
    choose(page, nia)
    expect(page.locator(".queue")).to_be_hidden()
    page.get_by_role("button", name="Back to the queue").click()
    expect(row(page, nia)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_thousand_alerts_draw_only_what_is_in_sight(console: Page, instance: Instance, complaints: list[str]) -> None:
    complaints.append("/api/v1/alerts/1000")  # the copies are not there to be read whole
    (vic,) = instance.wearers("Vic Virtual")
    instance.enter(vic)
    expect(row(console, vic)).to_be_visible()
    alert = instance.alert_of(vic)
    many = [alert | {"id": 1_000_000 + number, "wearer": f"Copy {number}"} for number in range(1_000)]
    console.route(
        lambda url: "/api/v1/alerts?" in url,
        lambda route: route.fulfill(json={"items": many, "next": None, "position": 0}),
    )
    console.route("**/alerts/stream", lambda route: route.fulfill(body="", content_type="text/event-stream"))
    console.reload()
    expect(console.locator(".queue-head")).to_contain_text("1000 open alerts")
    assert console.get_by_role("option").count() < 40
    for _ in range(3):
        console.keyboard.press("j")
    expect(console.get_by_role("option", selected=True)).to_have_attribute("aria-posinset", "3")
