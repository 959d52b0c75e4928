"""What people change while somebody is inside: zones, orders, tags."""

from model.alert import Op
from model.instant import BEGINNING_US, FOREVER_US
from tests.alerts.story import MONITORED, TAG, WEARER, Story, us, zone_of


def test_a_zone_drawn_round_somebody_raises_at_that_instant_though_nobody_moves() -> None:
    story = Story(zone_of(in_force_from_us=us("09:00:00")))
    story.at("08:59:00").inside(by=42)
    assert story.told() == []
    assert story.rejudged("09:00:00") == ["09:00:00 OPEN exclusion P1 from 09:00:00"]
    story.at("09:00:30").inside(by=42)
    assert story.told() == []


def test_a_fix_taken_before_that_instant_and_received_after_it_ends_nothing() -> None:
    story = Story(zone_of(in_force_from_us=us("09:00:00")))
    story.at("08:59:00").inside(by=42)
    story.told()
    story.rejudged("09:00:00")
    story.at("08:59:59").inside(by=42)
    story.at("09:00:59").inside(by=42)
    assert story.told() == []


def test_a_last_position_older_than_ten_minutes_is_possible_at_most_and_raises_alone() -> None:
    story = Story(zone_of(in_force_from_us=us("09:00:00")))
    story.at("08:30:00").inside(by=42)
    story.told()
    judged = story.rejudged("09:00:00")
    assert judged == ["09:00:00 OPEN exclusion_possible P2 from 09:00:00"]


def test_judging_a_last_fix_again_does_not_count_it_twice() -> None:
    story = Story()
    story.at("08:59:00").inside(by=5)
    story.told()
    assert story.rejudged("09:00:00") == []
    assert story.rejudged("09:00:00") == []


def test_a_zone_moved_away_from_somebody_ends_it_at_that_instant() -> None:
    story = Story(zone_of())
    story.at("08:59:00").inside(by=42)
    story.told()
    story.change_world(zone_of(in_force_to_us=us("09:00:00")), zone_of(version=2, in_force_from_us=us("09:00:00")))
    story.script[1] = [(7, 20.0, False)]
    assert story.rejudged("09:00:00") == ["09:00:00 END exclusion P1 from 08:59:00 to 09:00:00"]


def test_without_that_the_next_fix_tells_and_one_suffices() -> None:
    story = Story(zone_of())
    story.at("08:59:00").inside(by=42)
    story.told()
    story.change_world(zone_of(in_force_to_us=us("09:00:00")), zone_of(version=2, in_force_from_us=us("09:00:00")))
    story.at("09:00:30").outside(by=20)
    (change,) = story.changes()
    assert (change.op, change.ended_us, change.zone_version) == (Op.END, us("09:00:30"), 2)
    assert change.reason == "outside the zone as it was changed: 20 m outside at 09:00:30, accuracy 10 m"


def test_a_zone_that_ends_ends_the_condition_and_says_so() -> None:
    story = Story(zone_of(in_force_to_us=us("09:00:00")))
    story.at("08:59:00").inside(by=42)
    story.told()
    story.at("09:00:30").inside(by=42)
    (change,) = story.changes()
    assert (change.op, change.ended_us) == (Op.END, us("09:00:30"))
    assert change.reason == "the zone no longer applied at 09:00:30"
    assert change.zone_version == 1


def test_a_zone_that_ends_ends_it_at_its_instant_where_the_last_fix_is_judged_again() -> None:
    story = Story(zone_of(in_force_to_us=us("09:00:00")))
    story.at("08:59:00").inside(by=42)
    story.told()
    assert story.rejudged("09:00:00") == ["09:00:00 END exclusion P1 from 08:59:00 to 09:00:00"]


def test_a_schedule_that_pauses_less_than_ten_minutes_is_one_occurrence() -> None:
    story = Story(zone_of(intervals=((BEGINNING_US, us("09:00:00")), (us("09:05:00"), FOREVER_US))))
    for clock in ("08:59:00", "09:00:30", "09:05:30"):
        story.at(clock).inside(by=42)
    assert [text.split()[1] for text in story.told()] == ["OPEN", "END", "RESUME"]


def test_a_schedule_that_starts_again_while_nobody_moves_is_told_at_its_instant() -> None:
    story = Story(zone_of(intervals=((BEGINNING_US, us("09:00:00")), (us("09:05:00"), FOREVER_US))))
    story.at("08:59:00").inside(by=42)
    story.told()
    assert story.rejudged("09:00:00") == ["09:00:00 END exclusion P1 from 08:59:00 to 09:00:00"]
    assert story.rejudged("09:05:00") == ["09:05:00 RESUME exclusion P1 from 08:59:00"]


def test_an_order_that_ends_ends_the_condition() -> None:
    ended = MONITORED._replace(to_us=us("09:00:00"))
    story = Story(monitored=[ended])
    story.at("08:59:00").inside(by=42)
    story.at("09:00:30").inside(by=42)
    *_, change = story.changes()
    assert (change.op, change.reason) == (Op.END, "no order allowed judging at 09:00:00")


def test_a_tag_passed_on_ends_the_first_wearer_s_and_begins_the_second_s() -> None:
    first = MONITORED._replace(to_us=us("09:00:00"))
    second = MONITORED._replace(wearer=51, order=501, from_us=us("09:00:00"))
    story = Story(monitored=[first, second])
    story.at("08:59:00").inside(by=42)
    story.at("09:00:30").inside(by=42)
    began, ended, again = story.changes()
    assert [(change.op, change.wearer, change.order) for change in (began, ended, again)] == [
        (Op.OPEN, WEARER, 500),
        (Op.END, WEARER, 500),
        (Op.OPEN, 51, 501),
    ]
    assert ended.reason == "the tag was another wearer's at 09:00:00"


def test_a_second_order_goes_on_where_the_first_ends() -> None:
    story = Story(monitored=[MONITORED._replace(to_us=us("09:00:00")), MONITORED._replace(order=501)])
    story.at("08:59:00").inside(by=42)
    story.at("09:00:30").inside(by=42)
    assert len(story.told()) == 1


def test_a_tag_never_seen_has_no_last_fix_to_judge() -> None:
    story = Story()
    assert story.rejudged("09:00:00") == []
    assert story.memory.state.row_of == {}
    assert story.memory.state.watermark_us == us("09:00:00")
    assert TAG not in story.memory.state.row_of


def test_on_a_day_the_zone_s_schedule_leaves_out_nobody_is_inside_it() -> None:
    story = Story(zone_of(intervals=((BEGINNING_US, us("00:00")), (us("+1 00:00"), FOREVER_US))))
    for clock in ("00:00", "12:00", "23:59:59"):
        story.at(clock).inside(by=42)
    assert story.told() == []
    story.at("+1 00:00:00").inside(by=42)
    assert story.told() == ["00:00:02 OPEN exclusion P1 from 00:00:00"]


def test_where_somebody_was_who_wore_the_tag_before_says_nothing_of_who_wears_it_now() -> None:
    """Worn by one until 09:00, by another from then on, who has not sent anything yet."""
    before = MONITORED._replace(wearer=WEARER + 1, order=9, to_us=us("09:00:00"))
    now = MONITORED._replace(from_us=us("09:00:00"), worn_us=us("09:00:00"))
    story = Story(zone_of(in_force_from_us=us("09:00:00")), monitored=[before, now])
    story.at("08:59:55").inside(by=42)
    assert story.told() == []
    assert story.rejudged("09:00:00") == []
    story.at("09:00:30").inside(by=42)
    assert story.told() == ["09:00:32 OPEN exclusion P1 from 09:00:30"]


def test_nor_where_the_tag_was_before_anybody_wore_it_but_where_its_wearer_was_before_the_order_does() -> None:
    for worn, told in (("09:00:00", []), ("08:00:00", ["09:00:00 OPEN exclusion P1 from 09:00:00"])):
        story = Story(zone_of(), monitored=[MONITORED._replace(from_us=us("09:00:00"), worn_us=us(worn))])
        story.at("08:59:55").inside(by=42)
        assert story.told() == []
        assert story.rejudged("09:00:00") == told


def test_what_goes_on_of_who_wore_the_tag_before_ends_with_the_tag_s_change_of_hands() -> None:
    before = MONITORED._replace(to_us=us("09:00:00"))
    now = MONITORED._replace(wearer=WEARER + 1, order=9, from_us=us("09:00:00"), worn_us=us("09:00:00"))
    story = Story(zone_of(), monitored=[before, now])
    story.at("08:59:55").inside(by=42)
    assert story.told() == ["08:59:57 OPEN exclusion P1 from 08:59:55"]
    assert story.rejudged("09:00:00") == ["09:00:00 END exclusion P1 from 08:59:55 to 09:00:00"]
