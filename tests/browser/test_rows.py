"""What a row and an alert say where there is little room, or little to say: measured in a real browser."""

import re

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, sign_in
from tests.browser.instance import Instance
from tests.browser.test_access import violations
from tests.browser.test_console import choose, pane, row
from tests.browser.test_shift import shot

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

# Of each thing that says who has an alert: whether all of it is drawn, within its row and within the window.
WHOLE = """() => [...document.querySelectorAll(".row")].map((row) => {
  const box = row.getBoundingClientRect();
  return [...row.querySelectorAll(".row-name, .row-end, .row-due")].every((part) => {
    const own = part.getBoundingClientRect();
    return part.scrollWidth <= part.clientWidth + 1 && own.left >= box.left && own.right <= Math.min(box.right, window.innerWidth)
      && own.top >= box.top && own.bottom <= box.bottom;
  });
})"""


# Pairs of things in a row that are drawn one over the other, by their words.
OVERLAPPING = """() => [...document.querySelectorAll(".row")].flatMap((row) => {
  const drawn = [...row.querySelectorAll(".row-line > *")].filter((part) => part.textContent !== "");
  const boxes = drawn.map((part) => [part.textContent, part.getBoundingClientRect()]);
  return boxes.flatMap(([one, a], at) => boxes.slice(at + 1)
    .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
    .map(([other]) => `${one} / ${other}`));
})"""


def rows_whole(page: Page) -> list[bool]:
    whole: list[bool] = page.evaluate(WHOLE)
    return whole


# Begun so many minutes ago, and what its row says of that: what began on an earlier day says which, at any hour of this one.
TODAY = (35, r"3[5-9] min · ")
NIGHT = (23 * 60 + 31, r"23 h 3\d min · (\w{3},? \d{1,2} \w{3,4} )?\d\d:\d\d")
EARLIER = (27 * 60 + 5, r"1 day 3 h · \w{3},? \d{1,2} \w{3,4} \d\d:\d\d")


@pytest.mark.parametrize(
    ("width", "begun"),
    [
        *((width, TODAY) for width in (420, 560, 561, 910, 1280)),
        *((width, NIGHT) for width in (420, 561, 910, 1280)),
        *((width, EARLIER) for width in (420, 560)),
    ],
    ids=["420", "560", "561", "910", "1280", "420-night", "561-night", "910-night", "1280-night", "420-earlier", "560-earlier"],
)
def test_a_row_says_whole_who_it_is_about_and_who_has_it(
    open_page: Open, instance: Instance, width: int, begun: tuple[int, str]
) -> None:
    minutes, since = begun
    first, second = instance.wearers("Cricket Applewhistle", "Ann Owned")
    instance.enter(first)
    instance.enter(second)
    page = open_page(width=width)
    sign_in(page)
    expect(row(page, first)).to_be_visible()
    row(page, second).click()
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    expect(row(page, second)).to_contain_text("Acknowledged · You")
    with psycopg.connect(instance.database) as connection:  # overdue, so that it is escalated, but not for as long as is unworked
        connection.execute(
            """UPDATE alert SET event_at = event_at - make_interval(mins => %s),
                   due_acknowledge = due_acknowledge - interval '35 minutes' WHERE handling = 'new' AND wearer > 0""",
            (minutes,),
        )
    expect(row(page, first)).to_contain_text("Level")
    page.reload()
    expect(row(page, first)).to_contain_text(re.compile(since))
    expect(row(page, first).locator(".row-age")).to_be_visible()
    shot(page, f"rows-{width}-{minutes}-min")
    assert rows_whole(page) == [True, True]
    assert page.evaluate(OVERLAPPING) == []
    boxes = [row(page, wearer).bounding_box() for wearer in (first, second)]
    tops = sorted((box["y"], box["height"]) for box in boxes if box is not None)
    assert tops[0][0] + tops[0][1] <= tops[1][0] + 1, "rows lie on each other"
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [420, 1217, 1280])
def test_who_has_it_stands_whole_beside_a_long_name(open_page: Open, instance: Instance, width: int) -> None:
    (cricket,) = instance.wearers("Cricket Applewhistle")
    instance.enter(cricket)
    page = open_page(width=width)
    sign_in(page, "supervisor")
    choose(page, cricket)
    page.keyboard.press("a")
    expect(pane(page).locator(".facts")).to_contain_text("Acknowledged")
    other = open_page(width=width)
    sign_in(other)
    expect(row(other, cricket)).to_contain_text("Acknowledged · supervisor")
    shot(other, f"owner-{width}")
    assert rows_whole(other) == [True]
    assert other.evaluate(OVERLAPPING) == []


@pytest.mark.parametrize("width", [420, 561, 910, 1217, 1280])
def test_a_clock_that_is_out_for_days_leaves_since_when_its_room(open_page: Open, instance: Instance, width: int) -> None:
    (old,) = instance.wearers("Olive Overdue")
    instance.enter(old)
    page = open_page(width=width)
    sign_in(page)
    gravest = row(page, old).and_(
        page.locator('[data-severity="P1"]')
    )  # its paperwork may have come by then, as a row of its own
    expect(gravest).to_be_visible()
    with psycopg.connect(instance.database) as connection:
        connection.execute(
            """UPDATE alert SET event_at = event_at - interval '13 days 23 h',
                   due_acknowledge = due_acknowledge - interval '13 days 23 h'
               WHERE handling = 'new' AND wearer > 0"""
        )
    page.reload()
    expect(gravest.locator(".row-due").first).to_contain_text("overdue 13 days 2")
    expect(gravest.locator(".row-line:last-child > .row-end").first).to_contain_text(
        re.compile(r"\w{3},? \d{1,2} \w{3,4} \d\d:\d\d")
    )
    shot(page, f"overdue-{width}")
    whole = rows_whole(page)
    assert whole
    assert all(whole), "its paperwork besides, where that has come"
    assert page.evaluate(OVERLAPPING) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    "name", ["Sam Strip", "Bartholomew Featherstone", "Bartholomew Featherstonehaugh", "Ann " + "Longest-Name " * 3]
)
def test_the_strip_is_as_tall_when_its_clock_is_out_for_days(open_page: Open, instance: Instance, name: str) -> None:
    one, another = instance.wearers(name.strip(), f"Another {name}".strip())
    for wearer in (one, another):
        instance.enter(wearer)
    page = open_page(width=1280)
    sign_in(page)
    strip = page.locator(".strip")
    expect(strip.locator(".strip-what")).to_contain_text("and 1 more")
    before = strip.bounding_box()
    with psycopg.connect(instance.database) as connection:
        connection.execute(
            "UPDATE alert SET due_acknowledge = due_acknowledge - interval '13 days 23 h' WHERE handling = 'new' AND wearer > 0"
        )
    page.reload()
    expect(strip.locator(".strip-due")).to_contain_text("overdue 13 days 2")
    shot(page, f"strip-{len(name)}")
    assert strip.bounding_box() == before
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_a_row_s_title_says_what_has_no_room_in_it(console: Page, instance: Instance) -> None:
    (lew,) = instance.wearers("Lew Latedata")
    instance.enter(lew)
    with psycopg.connect(instance.database) as connection:
        connection.execute("UPDATE alert SET late = true WHERE handling = 'new' AND wearer > 0")
    console.reload()
    expect(row(console, lew).locator(".row-remarks")).to_have_attribute("title", re.compile("From late data"))


@pytest.mark.parametrize(("width", "lines"), [(1280, 1), (420, 3)])
def test_a_supervisor_s_bar_is_one_line_and_three_on_a_phone(open_page: Open, instance: Instance, width: int, lines: int) -> None:
    page = open_page(width=width)
    sign_in(page, "supervisor")
    expect(page.locator(".proof")).to_be_visible()
    shot(page, f"bar-{width}")
    tops = page.evaluate("""() => [...document.querySelectorAll(".bar > h1, .line, .bar-end > *")].map((part) => {
      const box = part.getBoundingClientRect();
      return box.height === 0 ? null : Math.round((box.top + box.bottom) / 2);
    }).filter((middle) => middle !== null)""")
    assert len({round(top / 20) for top in tops}) <= lines, tops
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name, key in (("Caseload", "o"), ("Channels", "w")):
        expect(page.get_by_role("button", name=f"{name} {key}" if width > 560 else name, exact=True)).to_be_visible()


def test_a_strap_closed_again_is_said_to_be_and_to_wait_for_an_inspection(console: Page, instance: Instance) -> None:
    (tim,) = instance.wearers("Tim Tamper")
    instance.send(tim, metres_north=3000)
    instance.tell(tim, "strap_tamper", seconds_ago=40)
    expect(row(console, tim)).to_contain_text("has an open strap")
    instance.tell(tim, "strap_tamper_clear", seconds_ago=5)
    expect(row(console, tim)).to_contain_text("– strap closed again")
    expect(row(console, tim)).to_contain_text(", not inspected")
    expect(row(console, tim)).not_to_contain_text("has an open strap")
    shot(console, "strap-closed-again")


def test_an_alert_without_a_position_has_no_map_and_says_so(console: Page, instance: Instance) -> None:
    (nia,) = instance.wearers("Nia Nowhere")
    instance.tell(nia, "case_tamper")
    choose(console, nia)
    expect(pane(console).locator(".map-none")).to_have_text("No position known. None came in the day before either.")
    expect(pane(console).locator(".map-canvas")).to_have_count(0)
    shot(console, "no-position")
    assert violations(console) == []
    instance.send(nia, metres_north=3000)
    instance.call("POST", f"/api/v1/alerts/{instance.alert_of(nia, 'case')['id']}/notes", {"text": "Looked."})
    console.reload()
    choose(console, nia)
    expect(pane(console).locator(".map-canvas")).to_be_visible()
