"""A tag is swapped while something goes on: one incident on one row, told once, whichever tag's lane tells of it."""

from collections.abc import Iterable

from model.alert import Change
from model.event import EventKind
from model.instant import BEGINNING_US, FOREVER_US
from model.setting import Setting
from model.zone import Monitored
from store.changes import Row, Step, columns, plan
from tests.alerts.story import HOME, MONITORED, TAG, ZONE, Story, curfew_of, home_of, us, zone_of
from tests.alerts.test_story_curfew import PATIENT

NEW = 3  # the tag that is fitted in place of the first
SWAPPED = "20:30"
BOTH = (MONITORED._replace(to_us=us(SWAPPED)), Monitored(NEW, MONITORED.wearer, MONITORED.order, us(SWAPPED), FOREVER_US))


class Desk:
    """The rows that people see, and what pages them."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def told(self, changes: Iterable[Change]) -> list[str]:
        """``opened P1 pages``, and so on; rows are numbered as the store would."""
        steps = plan(self.rows, list(changes))
        for number, row in enumerate(self.rows, 1):
            row.id = number
        return [self._line(step) for step in steps]

    @staticmethod
    def _line(step: Step) -> str:
        return f"{step.what} {step.change.kind} P{step.change.severity}" + (" pages" if step.pages else "")


class Swap(Story):
    """A wearer whose tag is swapped at half past eight; each fix is sent alone."""

    def __init__(self, *zones: object, **given: object) -> None:
        super().__init__(*zones, rules=PATIENT, monitored=BOTH, **given)  # type: ignore[arg-type]
        self.desk = Desk()

    def fix(self, clock: str, tag: int, metres: float, zone: int) -> list[str]:
        self.at(clock, tag=tag, received=clock).add(metres, zone=zone)
        return self.desk.told(self.changes())

    def open(self, clock: str, tag: int) -> list[str]:
        """The strap opens; what is made of it half a minute later."""
        self.desk.told(self.event_changes((f"{clock}:00", EventKind.STRAP_TAMPER), tag=tag))
        return self.desk.told(self.clock_changes(f"{clock}:30"))

    def swap(self) -> list[str]:
        return self.desk.told(self.rejudged_changes(SWAPPED))


def test_inside_a_zone() -> None:
    story = Swap()
    assert story.fix("20:00", TAG, -42, ZONE) == ["opened exclusion P1 pages"]
    assert story.swap() == ["ended exclusion P1"]
    assert story.fix("20:34", NEW, -42, ZONE) == ["resumed exclusion P1"]
    (row,) = story.desk.rows
    assert (row.calls, row.raised, row.last and row.last.tag) == (1, 1, NEW)
    assert story.fix("21:10", NEW, 300, ZONE) == ["ended exclusion P1"]
    said = columns(row.occurrences.values())
    assert (said.event_at_us, said.ended_us) == (us("20:00"), us("21:10")), "one incident from the first tag's entry on"
    assert story.fix("21:30", NEW, -42, ZONE) == ["opened exclusion P1 pages"], "back after twenty minutes it is a new one"


def test_inside_a_zone_the_new_tag_before_it_is_known_that_the_old_one_is_off() -> None:
    story = Swap()
    story.fix("20:00", TAG, -42, ZONE)
    assert story.fix("20:31", NEW, -42, ZONE) == ["amended exclusion P1"]
    assert story.swap() == ["ended exclusion P1"]
    (row,) = story.desk.rows
    assert (row.calls, columns(row.occurrences.values()).ended_us) == (1, None)


def test_who_may_be_inside_by_one_tag_and_is_by_the_next_is_graver_and_pages() -> None:
    story = Swap()
    story.fix("20:00", TAG, 5, ZONE)
    assert story.fix("20:01", TAG, 5, ZONE) == ["opened exclusion_possible P2 pages"]
    story.swap()
    assert story.fix("20:34", NEW, -42, ZONE) == ["resumed exclusion P1 pages"]
    (row,) = story.desk.rows
    assert (row.calls, row.raised) == (2, 1)


def test_half_an_hour_after_the_swap_it_is_news() -> None:
    story = Swap()
    story.fix("20:00", TAG, -42, ZONE)
    story.swap()
    assert story.fix("20:45", NEW, -42, ZONE) == ["opened exclusion P1 pages"]


def test_twenty_minutes_after_the_swap_it_is_the_same_where_that_was_set() -> None:
    story = Swap(settings=[Setting("all", 0, 1, (("again.within_min", 20),), BEGINNING_US, FOREVER_US)])
    story.fix("20:00", TAG, -42, ZONE)
    story.swap()
    assert story.fix("20:50", NEW, -42, ZONE) == ["resumed exclusion P1"]
    assert story.fix("21:10", NEW, 300, ZONE) == ["ended exclusion P1"]
    assert story.fix("21:31", NEW, -42, ZONE) == ["opened exclusion P1 pages"]


def test_during_an_absence_from_home() -> None:
    story = Swap(home_of(), curfews=[curfew_of(("19:55", "+1 07:00"))])
    told = []
    for clock in ("19:55", "19:56", "20:00"):
        told += story.fix(clock, TAG, 500, HOME)
    assert told == ["opened curfew_absence P3 pages"]
    assert story.fix("20:26", TAG, 500, HOME) == ["amended curfew_absence P2 pages"]
    assert story.swap() == ["ended curfew_absence P2"]
    told = []
    for clock in ("20:33", "20:34", "20:38"):
        told += story.fix(clock, NEW, 500, HOME)
    assert told == ["resumed curfew_absence P3"]
    assert story.fix("21:03", NEW, 500, HOME) == ["amended curfew_absence P2"], "they were told that it is P2"
    (row,) = story.desk.rows
    assert (row.calls, row.raised, row.last and row.last.tag) == (2, 1, NEW)
    assert columns(row.occurrences.values()).severity == 2


def test_two_orders_curfews_are_two_matters_whichever_tag_tells_of_them() -> None:
    story = Swap(home_of(), curfews=[curfew_of(("19:55", "+1 07:00"))])
    for clock in ("20:00", "20:01", "20:06"):
        story.fix(clock, TAG, 500, HOME)
    (told,) = story.memory.occurrences.values()
    other = [change._replace(tag=NEW, order=told.order + 1) for change in opened(story)]
    assert story.desk.told(other) == ["opened curfew_absence P3 pages"]


def opened(story: Swap) -> list[Change]:
    """The last change that the desk was told of."""
    change = story.desk.rows[0].last
    assert change is not None
    return [change]


def test_after_a_strap_alert_the_old_tag_s_stands_and_the_new_one_s_pages() -> None:
    story = Swap(zone_of())
    story.fix("20:00", TAG, 5000, ZONE)
    assert story.open("20:10", TAG) == ["opened strap P1 pages"]
    assert story.swap() == ["ended strap P1"]
    assert story.fix("20:33", NEW, 5000, ZONE) == [], "a strap that is closed is no news"
    assert story.open("20:35", NEW) == ["opened strap P1 pages"], "what a tag says of itself is its own"
    (row,) = story.desk.rows
    assert (row.calls, row.raised, row.last and row.last.tag) == (2, 2, NEW)


def test_what_the_new_tag_tells_of_long_before_is_an_occurrence_of_its_own() -> None:
    story = Swap()
    story.fix("20:00", TAG, -42, ZONE)
    (change,) = opened(story)
    early = change._replace(tag=NEW, occurrence_us=us("18:00"), event_at_us=us("18:00"), ended_us=us("18:30"), late=True)
    assert story.desk.told([early]) == ["opened exclusion P1 pages"]
