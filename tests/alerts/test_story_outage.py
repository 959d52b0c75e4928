"""Many tags fall silent at once: told as stories of minutes, and against a rule written out anew."""

import random
from collections.abc import Iterable
from dataclasses import replace

import pytest

from alerts.outage import ALONE_US, Happened, Outages, Overdue, Told
from model.instant import FOREVER_US, MINUTE_US
from model.outage import Group

GATEWAY, OTHER = Group("gateway", "1"), Group("gateway", "2")
NETWORK, MODEL = Group("network", "EE"), Group("model", "M3")


def overdue(
    tags: Iterable[int], since_min: float, *groups: Group, back_min: float | None = None, guarded: int = 0
) -> list[Overdue]:
    """Tags overdue one second after another; so many of the first with a victim to be protected."""
    return [
        Overdue(
            tag,
            round(since_min * MINUTE_US) + place * 1_000_000,
            groups or (GATEWAY,),
            place < guarded,
            *([] if back_min is None else [round(back_min * MINUTE_US) + place * 1_000_000]),
        )
        for place, tag in enumerate(tags)
    ]


def clock(us: int) -> str:
    return f"{us // MINUTE_US}:{us % MINUTE_US // 1_000_000:02d}"


def lines(told: Iterable[Happened]) -> list[str]:
    """``5:19 BEGAN gateway 1: 20 of 30``; who joins or is back is left out."""
    return [
        f"{clock(one.at_us)} {one.told.name} {' '.join(one.group)}: {len(one.tags)} of {one.worn}"
        for one in told
        if one.told not in {Told.JOINED, Told.BACK}
    ]


def at(minutes: float) -> int:
    return round(minutes * MINUTE_US)


def test_the_twentieth_tag_makes_it_one_incident_and_the_rest_join_its_list() -> None:
    told = Outages().step({GATEWAY: 30}, overdue(range(1, 31), 5), at(10))
    assert lines(told) == ["5:19 BEGAN gateway 1: 20 of 30"]
    assert [one.tags[0].tag for one in told[1:]] == list(range(21, 31))


def test_nineteen_are_none_and_twenty_of_a_hundred_and_one_are_none() -> None:
    assert Outages().step({GATEWAY: 19}, overdue(range(1, 20), 5), at(10)) == []
    assert Outages().step({GATEWAY: 101}, overdue(range(1, 21), 5), at(10)) == []
    assert lines(Outages().step({GATEWAY: 100}, overdue(range(1, 21), 5), at(10))) == ["5:19 BEGAN gateway 1: 20 of 100"]


def test_tags_that_were_never_overdue_at_once_are_no_outage() -> None:
    spells = overdue(range(1, 11), 5, back_min=8) + overdue(range(11, 21), 9)
    assert lines(Outages().step({GATEWAY: 20}, spells, at(30))) == []


def test_those_with_a_victim_to_be_protected_are_named_first() -> None:
    silent = overdue(range(1, 21), 5) + overdue(range(50, 52), 5.1, guarded=2)
    (began, *_) = Outages().step({GATEWAY: 30}, silent, at(10))
    assert [one.tag for one in began.tags[:3]] == [50, 51, 1]


def test_it_is_over_when_half_are_back_and_the_rest_stand_alone_a_quarter_of_an_hour_later() -> None:
    outages = Outages()
    outages.step({GATEWAY: 30}, overdue(range(1, 31), 5), at(10))
    back = [one._replace(to_us=at(20) + one.tag * 1_000_000) for one in overdue(range(1, 16), 5)]
    left = overdue(range(1, 31), 5)[15:]
    told = outages.step({GATEWAY: 30}, back + left, at(30))
    assert lines(told) == ["20:15 ENDED gateway 1: 15 of 30"]
    assert lines(outages.step({GATEWAY: 30}, left, at(35))) == []
    assert lines(outages.step({GATEWAY: 30}, left, at(36))) == ["35:15 SETTLED gateway 1: 15 of 30"]
    assert outages.open == {}
    assert lines(outages.step({GATEWAY: 30}, left + overdue(range(40, 60), 40), at(50))) == ["40:19 BEGAN gateway 1: 20 of 30"]


def test_those_left_over_count_for_no_other_until_they_are_heard() -> None:
    outages = Outages()
    silent = overdue(range(1, 61), 5)
    outages.step({GATEWAY: 60}, silent, at(10))
    left = silent[30:]
    assert lines(outages.step({GATEWAY: 60}, left, at(20))) == ["20:00 ENDED gateway 1: 30 of 60"]
    assert lines(outages.step({GATEWAY: 60}, left, at(60))) == ["35:00 SETTLED gateway 1: 30 of 60"]
    assert lines(outages.step({GATEWAY: 60}, left, at(90))) == []
    again = [one._replace(since_us=at(100) + one.tag) for one in left]
    assert lines(outages.step({GATEWAY: 60}, again, at(110))) == ["100:00 BEGAN gateway 1: 20 of 60"]


def test_those_left_over_are_not_of_those_who_could_be_heard() -> None:
    """Thirty of a hundred and sixty stand alone: twenty-six are a fifth of the others, and not of all."""
    for looks_apart in (False, True):
        outages = Outages()
        left = overdue(range(1, 31), 5)
        outages.step({GATEWAY: 160}, overdue(range(1, 61), 5), at(10))
        outages.step({GATEWAY: 160}, left, at(20))
        outages.step({GATEWAY: 160}, left, at(60))
        if looks_apart:
            outages = Outages((), left)  # as whoever looks next knows it, from what is stored
        more = overdue(range(101, 127), 70)
        assert lines(outages.step({GATEWAY: 160}, left + more[:25], at(80))) == []
        assert lines(outages.step({GATEWAY: 160}, left + more, at(90))) == ["70:25 BEGAN gateway 1: 26 of 160"]


def test_one_cause_is_one_incident_though_the_tags_share_a_network_and_a_model_too() -> None:
    worn = {GATEWAY: 30, OTHER: 70, NETWORK: 100, MODEL: 100}
    told = Outages().step(worn, overdue(range(1, 31), 5, GATEWAY, NETWORK, MODEL), at(10))
    assert lines(told) == ["5:19 BEGAN gateway 1: 20 of 30"], (
        "30 of 100 are enough of the network as well: nothing is left of them"
    )


def test_a_network_behind_many_gateways_is_one_incident() -> None:
    silent = [one._replace(groups=(Group("gateway", str(one.tag % 10)), NETWORK)) for one in overdue(range(1, 41), 5)]
    worn = {Group("gateway", str(n)): 4 for n in range(10)} | {NETWORK: 60}
    told = Outages().step(worn, silent, at(10))
    assert lines(told) == ["5:19 BEGAN network EE: 20 of 60"]
    assert sum(one.told is Told.JOINED for one in told) == 20


def test_a_model_may_fail_beside_a_gateway() -> None:
    worn = {GATEWAY: 30, OTHER: 100, MODEL: 80}
    silent = overdue(range(1, 31), 5, GATEWAY) + overdue(range(101, 131), 6, OTHER, MODEL)
    assert lines(Outages().step(worn, silent, at(10))) == ["5:19 BEGAN gateway 1: 20 of 30", "6:19 BEGAN model M3: 20 of 80"]


def rebuilt(rule: Outages) -> Outages:
    """As whoever looks next knows it, from what is stored."""
    standing = [replace(one, listed=set(one.listed), still=dict(one.still)) for one in (*rule.open.values(), *rule.over)]
    kept = {tag for one in standing for tag in one.still}
    known = [rule._silent[tag] for tag in rule._alone]
    assert not kept & {one.tag for one in known}
    return Outages(standing, known)


def in_pieces(
    worn: dict[Group, int], spells: list[Overdue], to_min: int, every_min: int, *, anew: bool = False
) -> list[Happened]:
    """Told by looks so far apart; ``anew``: each by another, who knows only what is stored."""
    pieces, told = Outages(), list[Happened]()
    for minute in range(0, to_min + every_min, every_min):
        before, now = at(minute - every_min), at(minute)
        seen = [one for one in spells if one.since_us <= now and one.to_us > before]
        told += pieces.step(worn, [one if one.to_us <= now else one._replace(to_us=FOREVER_US) for one in seen], now)
        if anew:
            pieces = rebuilt(pieces)
    return told


def plain(told: list[Happened]) -> list[tuple[object, ...]]:
    return [(one.told, one.group, one.at_us, one.began_us, tuple(tag.tag for tag in one.tags)) for one in told]


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("anew", [False, True])
def test_it_does_not_depend_on_how_often_anybody_looks(seed: int, *, anew: bool) -> None:
    chance = random.Random(seed)
    spells = []
    for tag in range(1, 61):
        begin = chance.uniform(5, 30)
        while begin < 120:
            end = begin + chance.choice([3, 20, 50, 400]) * chance.random()
            spells.append(Overdue(tag, at(begin), (GATEWAY, MODEL) if tag % 3 else (OTHER, MODEL), False, at(end)))
            begin = end + chance.choice([1, 6, 40]) * chance.uniform(0.5, 1)
    worn = {GATEWAY: 40, OTHER: 20, MODEL: 60}
    whole = Outages().step(worn, spells, at(560))
    assert plain(in_pieces(worn, spells, 553, 7, anew=anew)) == plain(whole)
    assert any(one.told in {Told.SETTLED, Told.FEW} for one in whole)


@pytest.mark.parametrize(("first", "last"), [(35, 44), (35, 50)])
def test_a_second_one_of_a_group_begins_before_the_first_is_settled(first: int, last: int) -> None:
    """Half of a hundred are back at 30:00, and silent again; those still silent of the first stay on its list."""
    spells = overdue(range(1, 41), 5, back_min=90) + [one._replace(to_us=at(30)) for one in overdue(range(41, 101), 5)]
    spells += [one._replace(since_us=at(first), to_us=at(last)) for one in overdue(range(41, 101), 5)]
    expected = [
        "5:09 BEGAN gateway 1: 20 of 100",
        "30:00 ENDED gateway 1: 50 of 100",
        f"{first}:00 BEGAN gateway 1: 20 of 100",
        f"{last}:00 ENDED gateway 1: 30 of 100",
        "45:00 SETTLED gateway 1: 40 of 100",
        f"{last + 15}:00 SETTLED gateway 1: 0 of 100",
    ]
    told = Outages().step({GATEWAY: 100}, spells, at(100))
    assert sorted(lines(told)) == sorted(expected)
    for every in (1, 4):
        for anew in (False, True):
            assert plain(in_pieces({GATEWAY: 100}, spells, 100, every, anew=anew)) == plain(told)


def test_what_one_outage_explains_may_leave_another_group_with_its_share() -> None:
    """Twenty-one of a network are a fifth of it as soon as five hundred others are explained: told then, and not of before."""
    spells = overdue(range(1001, 1022), 5, OTHER, NETWORK) + overdue(range(1, 501), 6, GATEWAY, NETWORK)
    worn = {GATEWAY: 500, OTHER: 1000, NETWORK: 605}
    told = Outages().step(worn, spells, at(30))
    assert lines(told) == ["7:39 BEGAN gateway 1: 100 of 500", "14:19 BEGAN network EE: 21 of 605"]
    for every in (1, 7):
        for anew in (False, True):
            assert plain(in_pieces(worn, spells, 30, every, anew=anew)) == plain(told)


def test_who_never_comes_back_mutes_nobody_for_good() -> None:
    """Twenty of a hundred, nine are back by 10:08: eleven in a drawer. They are no outage, and nobody joins them."""
    outages = Outages()
    silent = overdue(range(1, 21), 5)
    outages.step({GATEWAY: 100}, silent, at(6))
    back = [one._replace(to_us=at(10) + place * 1_000_000) for place, one in enumerate(silent[:9])]
    more = overdue([50], 12)
    assert lines(outages.step({GATEWAY: 100}, back + silent[9:] + more, at(20))) == []
    assert 50 not in outages.open[GATEWAY].listed
    assert lines(outages.step({GATEWAY: 100}, silent[9:] + more, at(30))) == ["25:00 FEW gateway 1: 11 of 100"]
    later = overdue([60], 3 * 1440)
    assert outages.step({GATEWAY: 100}, silent[9:] + more + later, at(4 * 1440)) == []


def test_an_outage_that_grows_to_be_one_again_goes_on() -> None:
    outages = Outages()
    silent = overdue(range(1, 21), 5)
    outages.step({GATEWAY: 100}, silent, at(6))
    back = [one._replace(to_us=at(10)) for one in silent[:5]]
    more = overdue(range(50, 55), 12)
    told = outages.step({GATEWAY: 100}, back + silent[5:] + more, at(60))
    assert lines(told) == []
    assert [(clock(one.at_us), len(one.tags)) for one in told if one.told is Told.JOINED] == [("12:04", 5)]


def test_one_that_people_close_holds_nobody_from_then_on() -> None:
    outages = Outages()
    silent = overdue(range(1, 31), 5)
    outages.step({GATEWAY: 100}, silent, at(6))
    outages.open[GATEWAY].closed_us = at(8)
    assert lines(outages.step({GATEWAY: 100}, silent, at(9))) == ["8:00 CLOSED gateway 1: 30 of 100"]
    assert outages.open == {}
    again = overdue(range(51, 75), 20)
    assert lines(outages.step({GATEWAY: 100}, silent + again, at(30))) == ["20:19 BEGAN gateway 1: 20 of 100"]


def test_the_list_is_all_that_were_overdue_and_half_of_them_ends_it() -> None:
    """Thirty become overdue, ten are back at once, twenty more become overdue: twenty-five of fifty have to be back."""
    outages = Outages()
    outages.step({GATEWAY: 80}, overdue(range(1, 31), 5), at(6))
    first = overdue(range(1, 31), 5)
    told = outages.step({GATEWAY: 80}, first[10:] + overdue(range(51, 71), 7), at(8))
    assert lines(told) == []
    assert len(outages.open[GATEWAY].listed) == 50
    assert lines(outages.step({GATEWAY: 80}, first[25:] + overdue(range(51, 71), 7), at(9))) == ["9:00 ENDED gateway 1: 25 of 80"]
    assert ALONE_US == 15 * MINUTE_US
