"""Numbers that are set for everyone, a type, an order or a zone, told as stories."""

from itertools import product

import numpy as np
import pytest

from alerts.instants import Instants
from alerts.numbers import Numbers
from alerts.rules import SET, Rules, unruled
from model.event import EventKind
from model.instant import BEGINNING_US, FOREVER_US, MINUTE_US
from model.setting import NAMES, Scope, Setting, Value, strictest
from model.state import State
from model.zone import Assignment, Monitored, Purpose, ZoneKind
from tests.alerts.story import MONITORED, ORDER, TAG, WEARER, ZONE, Story, curfew_of, home_of, us, zone_of

AREA = zone_of(purpose=Purpose.AREA)
OTHER = 501


def said(
    scope: Scope = "order", subject: int = ORDER, start: str = "", stop: str = "", version: int = 1, **numbers: Value
) -> Setting:
    """A setting by ``kind__name=value``, from and to times of the story's day."""
    values = tuple(sorted((name.replace("__", "."), value) for name, value in numbers.items()))
    span = us(start) if start else BEGINNING_US, us(stop) if stop else FOREVER_US
    typed = ("bail", frozenset({ORDER})) if scope == "type" else ("", frozenset[int]())
    return Setting(scope, subject if scope in {"order", "zone"} else 0, version, values, *span, *typed)


def story(*settings: Setting, zone: object = AREA, **given: object) -> Story:
    return Story(zone, rules=Rules(), settings=settings, **given)  # type: ignore[arg-type]


def test_an_order_is_missed_after_its_own_number_of_minutes() -> None:
    one = story(said(no_contact__standard_min=45))
    one.at("08:00", received="08:00").away()
    assert one.told() == []
    assert one.clock("08:44:59") == []
    assert one.clock("09:30") == ["08:45:00 OPEN no_contact P2 from 08:00:00"]


@pytest.mark.parametrize(
    ("settings", "minutes"),
    [
        ((), 60),
        ((said("all", no_contact__standard_min=50),), 50),
        ((said("all", no_contact__standard_min=50), said("type", no_contact__standard_min=40)), 40),
        (tuple(said(scope, no_contact__standard_min=least) for scope, least in (("all", 20), ("type", 40), ("order", 70))), 70),
        ((said("order", OTHER, no_contact__standard_min=5),), 60),
    ],
)
def test_the_nearest_place_says(settings: tuple[Setting, ...], minutes: int) -> None:
    one = story(*settings)
    one.at("08:00", received="08:00").away()
    one.told()
    assert one.clock("10:00") == [f"{minutes // 60 + 8:02d}:{minutes % 60:02d}:00 OPEN no_contact P2 from 08:00:00"]


def test_of_two_orders_the_stricter_number_holds() -> None:
    second = Monitored(TAG, WEARER, OTHER, us("08:00"), FOREVER_US)
    one = story(
        said(no_contact__standard_min=90), said("order", OTHER, no_contact__standard_min=70), monitored=[MONITORED, second]
    )
    one.at("08:00", received="08:00").away()
    one.told()
    assert one.clock("10:00") == ["09:10:00 OPEN no_contact P2 from 08:00:00"]


def test_a_number_that_is_made_stricter_is_told_at_the_instant_at_which_it_is_in_force() -> None:
    one = story(said(stop="08:40", no_contact__standard_min=90), said(start="08:40", version=2, no_contact__standard_min=30))
    one.at("08:00", received="08:00").away()
    one.told()
    assert one.clock("08:39:59") == []
    assert one.rejudged("08:40") == ["08:40:00 OPEN no_contact P2 from 08:00:00"]


def test_a_number_that_is_relaxed_puts_off_what_was_not_told_yet() -> None:
    one = story(said(start="08:40", no_contact__standard_min=90))
    one.at("08:00", received="08:00").away()
    one.told()
    assert one.clock("08:39:59") == []
    assert one.rejudged("08:40") == []
    assert one.clock("10:00") == ["09:30:00 OPEN no_contact P2 from 08:00:00"]


def test_a_strap_counts_by_the_seconds_in_force_when_the_message_was_sent() -> None:
    settings = said(stop="09:00", strap__open_s=30)
    one = story(settings)
    assert one.events(("08:00:00", EventKind.STRAP_TAMPER), ("08:00:20", EventKind.STRAP_TAMPER_CLEAR), received="09:30") == [
        "09:30:00 OPEN strap_brief P2 from 08:00:00 to 08:00:20 late"
    ]
    other = story(settings)
    told = other.events(("09:10:00", EventKind.STRAP_TAMPER), ("09:10:20", EventKind.STRAP_TAMPER_CLEAR), received="09:30")
    assert told[0] == "09:30:00 OPEN strap P1 from 09:10:00 late"


def test_a_battery_is_low_by_the_percentage_that_is_set() -> None:
    one = story(said(battery_low__percent=25, battery_low__after_min=5, battery_low__severity=2))
    one.at("08:00", battery=25).away()
    assert one.told() == []
    assert one.clock("08:10") == ["08:05:00 OPEN battery_low P2 from 08:00:00"]


def test_a_zone_has_its_own_dwell_and_its_own_severity() -> None:
    ring = zone_of(buffer_m=500.0)
    one = story(said("zone", ZONE, approach__dwell_min=2, approach__severity=2), zone=ring)
    one.at("08:00").outside(by=300)
    one.at("08:01").outside(by=300)
    one.at("08:02").outside(by=300)
    assert one.told() == ["08:02:00 OPEN approach P2 from 08:00:00"]


def test_an_area_zone_may_be_as_grave_as_it_is_set_and_a_victims_stays_p1() -> None:
    grave = said("zone", ZONE, exclusion__area_severity=1)
    area, victim = story(grave), story(grave, zone=zone_of())
    for one in (area, victim):
        one.at("08:00").inside(by=50)
        assert one.told() == ["08:00:02 OPEN exclusion P1 from 08:00:00"]
    light = story(said("all", exclusion__area_severity=4), zone=zone_of())
    light.at("08:00").inside(by=50)
    assert light.told() == ["08:00:02 OPEN exclusion P1 from 08:00:00"]


def test_back_within_the_minutes_that_are_set_is_the_same_occurrence() -> None:
    one = story(said("zone", ZONE, again__within_min=30))
    one.at("08:00").inside(by=50)
    one.at("08:05").away()
    one.at("08:30").inside(by=50)
    assert [line.split()[1] for line in one.told()] == ["OPEN", "END", "RESUME"]


def test_people_have_the_minutes_that_were_set_when_their_clocks_began() -> None:
    one = story(said("zone", ZONE, clocks__acknowledge_p2_min=4, clocks__contact_p2_min=9))
    one.at("08:00").inside(by=50)
    (change,) = one.changes()
    began_us = us("08:00:02")
    assert change.due_acknowledge_us == began_us + 4 * MINUTE_US
    assert change.due_contact_us == began_us + 9 * MINUTE_US
    assert change.due_decision_us is None


def test_a_curfew_that_cannot_be_verified_is_told_after_the_minutes_that_are_set() -> None:
    home = home_of()
    one = Story(
        home,
        rules=Rules(),
        curfews=[curfew_of()],
        settings=[said(curfew_unverified__after_min=10, no_contact__standard_min=300, no_contact__home_min=300)],
    )
    one.at("18:59", received="18:59").inside(by=60, zone=home.id)
    one.told()
    assert one.clock("20:00") == ["19:19:00 OPEN curfew_unverified P2 from 19:09:00"]


def test_an_instant_concerns_whom_the_setting_is_for() -> None:
    orders = [Monitored(1, 50, 500, BEGINNING_US, FOREVER_US), Monitored(2, 51, 501, BEGINNING_US, FOREVER_US)]
    zones = [Assignment(2, ZONE, BEGINNING_US, FOREVER_US)]
    state = State()
    state.rows(np.array([1, 2, 3]))
    for setting, tags in (
        (said("all", start="08:00", no_contact__standard_min=5), [1, 2]),
        (said("type", start="08:00", no_contact__standard_min=5), [1]),
        (said("order", 501, start="08:00", no_contact__standard_min=5), [2]),
        (said("zone", ZONE, start="08:00", approach__dwell_min=5), [2]),
    ):
        instants = Instants([zone_of(kind=ZoneKind.EXCLUSION)], zones, orders, [], [setting])
        assert instants.between(us("07:00"), us("09:00")) == [us("08:00")]
        assert instants.tags(us("08:00"), state).tolist() == tags


def test_every_number_that_lanes_judge_by_is_a_rule_and_its_default_is_the_rules() -> None:
    assert SET.keys() == {key for key, one in NAMES.items() if one.kind not in {"cap", "second_person"}}
    assert unruled(Rules()) == {key: NAMES[key].default for key in SET}


def test_numbers_against_an_oracle() -> None:
    """Every mixture of places, of one order and two, by a few lines that look everything up again."""
    key, default = "no_contact.standard_min", NAMES["no_contact.standard_min"].default
    choices: tuple[int | None, ...] = (None, 20, 90)
    for everyone, of_type, first, second in product(choices, repeat=4):
        settings = [
            said(scope, subject, no_contact__standard_min=value)  # type: ignore[arg-type]
            for scope, subject, value in (
                ("all", 0, everyone),
                ("type", 0, of_type),
                ("order", ORDER, first),
                ("order", OTHER, second),
            )
            if value is not None
        ]
        numbers = Numbers(settings)
        base = default if everyone is None else everyone
        mine = first or of_type or base
        theirs = second or base  # the type is the first order's alone
        assert numbers.at(Rules(), [ORDER], 0, us("08:00")).silent_us == mine * MINUTE_US
        assert numbers.at(Rules(), [ORDER, OTHER], 0, us("08:00")).silent_us == strictest(NAMES[key], [mine, theirs]) * MINUTE_US  # type: ignore[operator]
        keen = numbers.keenest(Rules(), [ORDER, OTHER])
        assert keen.silent_us <= min(mine, theirs) * MINUTE_US  # type: ignore[operator]
