"""What is followed change by change is what would be read of the whole; and every tag whose answer may differ is named."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from model.instant import DAY_US, FOREVER_US, HOUR_US
from model.setting import Setting
from store import controls, feed, following, world
from store.controls import Controls
from store.feed import Edit
from store.pool import Store
from store.world import NewActivation, NewCurfew, NewOrder, NewVisit, NewWearer, NewZone
from tests.store.fake import START_US
from tests.store.told import told

PEOPLE = 6
FEATURE: dict[str, Any] = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [-2.98, 53.4]}, "properties": {}}
FRIDAYS = {"timezone": "Europe/London", "windows": [{"days": ["fri"], "from": "09:00", "to": "10:00"}]}
NIGHTS = {"windows": [{"days": ["mon", "tue"], "from": "19:00", "to": "07:00"}], "exceptions": []}


async def filled(store: Store) -> world.Created:
    """Six people, each with a home, a curfew and an exclusion zone; a zone for everyone; a tag that two wore in turn."""
    people = range(PEOPLE)
    made = await world.create(
        store,
        [NewWearer(f"Wearer {number}") for number in people],
        [NewOrder(number, START_US - DAY_US, START_US + 30 * DAY_US if number == 1 else None) for number in people],
        [
            *(NewActivation(number, 100 + number, START_US - DAY_US, START_US if number < 2 else None) for number in people),
            NewActivation(0, 101, START_US + DAY_US),
        ],
        [
            *(NewZone(number, "home", b"\x01", FEATURE, START_US, kind="home", radius_m=75.0) for number in people),
            *(NewZone(number, "away", b"\x02", FEATURE, START_US, schedule=FRIDAYS if number % 2 else None) for number in people),
            NewZone(None, "all", b"\x03", FEATURE, START_US),
        ],
        [NewCurfew(number, number, NIGHTS, START_US) for number in people],
        [NewVisit(number, "inspect", 100 + number, None, START_US, START_US + DAY_US, "", START_US + 1) for number in people],
    )
    async with store.pool.acquire() as connection:
        await connection.execute("INSERT INTO wearer_group (name) VALUES ('one'), ('other')")
    return made


Act = Callable[[Edit, random.Random, world.Created], Any]


async def zone_for_another(change: Edit, dice: random.Random, made: world.Created) -> None:
    """A new version, perhaps for somebody else, a group, or everyone."""
    zone, at_us = dice.choice(made.zones), START_US + dice.randrange(20) * HOUR_US
    whom = dice.choice(["wearer", "group", "all"])
    aim = {"wearer": dice.choice(made.wearers), "group": dice.choice([1, 2]), "all": None}[whom]
    await change.connection.execute(
        """UPDATE zone_version SET in_force_to = least(in_force_to, $2)
           WHERE zone = $1 AND version = (SELECT max(version) FROM zone_version WHERE zone = $1)""",
        zone,
        at_us,
    )
    await change.connection.execute(
        """INSERT INTO zone_version (zone, version, kind, purpose, name, wkb, feature, schedule, in_force_from, applies_wearer,
               applies_group, applies_all, radius_m, control_seq)
           SELECT zone, version + 1, kind, purpose, name, wkb, feature, schedule, $2, $3, $4, $5, radius_m + 1, 0
           FROM zone_version WHERE zone = $1 ORDER BY version DESC LIMIT 1""",
        *(zone, at_us, aim if whom == "wearer" else None, aim if whom == "group" else None, whom == "all"),
    )
    change.entry("control", zone, "zone")


async def zone_ended(change: Edit, dice: random.Random, made: world.Created) -> None:
    zone = dice.choice(made.zones)
    await change.connection.execute(
        "UPDATE zone_version SET in_force_to = least(in_force_to, $2) WHERE zone = $1", zone, START_US + DAY_US
    )
    change.entry("control", zone, "zone")


async def fitted(change: Edit, dice: random.Random, made: world.Created) -> None:
    tag, from_us = dice.randrange(100, 110), START_US + dice.randrange(40, 80) * DAY_US
    number = await change.connection.fetchval(
        """INSERT INTO activation (wearer, tag, fitted_from, fitted_to) VALUES ($1, $2, $3, $4)
           ON CONFLICT DO NOTHING RETURNING id""",
        *(dice.choice(made.wearers), tag, from_us, from_us + HOUR_US),
    )
    if number is not None:
        change.entry("control", number, "activation")


async def taken_off(change: Edit, dice: random.Random, _: world.Created) -> None:
    row = await change.connection.fetchrow(
        "SELECT id, fitted_from FROM activation WHERE tag = $1 ORDER BY fitted_from LIMIT 1", 100 + dice.randrange(PEOPLE)
    )
    assert row is not None
    await change.connection.execute(
        "UPDATE activation SET fitted_to = $2 WHERE id = $1", row["id"], row["fitted_from"] + dice.randrange(1, 40) * HOUR_US
    )
    change.entry("control", row["id"], "activation")


async def order_said(change: Edit, dice: random.Random, made: world.Created) -> None:
    order = dice.choice(made.orders)
    await change.connection.execute(
        """INSERT INTO order_status (monitoring_order, number, status, in_force_from)
           VALUES ($1, (SELECT coalesce(max(number), 0) + 1 FROM order_status WHERE monitoring_order = $1), $2, $3)""",
        *(order, dice.choice(["active", "in_custody", "unlawfully_at_large"]), START_US + dice.randrange(9) * DAY_US),
    )
    await change.connection.execute(
        "UPDATE monitoring_order SET risk = $2 WHERE id = $1", order, dice.choice(["high", "standard"])
    )
    change.entry("control", order, "order")


async def members(change: Edit, dice: random.Random, made: world.Created) -> None:
    group = dice.choice([1, 2])
    await change.connection.execute("DELETE FROM wearer_group_member WHERE wearer_group = $1", group)
    for wearer in dice.sample(made.wearers, dice.randrange(4)):
        await change.connection.execute("INSERT INTO wearer_group_member VALUES ($1, $2)", group, wearer)
    change.entry("control", group, "group")


async def curfew_changed(change: Edit, dice: random.Random, made: world.Created) -> None:
    curfew = dice.choice(made.curfews)
    await change.connection.execute("UPDATE curfew_version SET grace_min = $2 WHERE curfew = $1", curfew, dice.randrange(30))
    change.entry("control", curfew, "curfew")


async def absence_given(change: Edit, dice: random.Random, made: world.Created) -> None:
    from_us = START_US + dice.randrange(9) * DAY_US
    number = await change.connection.fetchval(
        """INSERT INTO absence (curfew, starts, ends, authoriser, reason, in_force_from) VALUES ($1, $2, $3, '', '', $2)
           RETURNING id""",
        *(dice.choice(made.curfews), from_us, from_us + DAY_US),
    )
    change.entry("control", number, "absence")


async def visit_over(change: Edit, dice: random.Random, _: world.Created) -> None:
    visit = await change.connection.fetchval("SELECT id FROM visit ORDER BY id OFFSET $1 LIMIT 1", dice.randrange(PEOPLE))
    await change.connection.execute(
        "UPDATE visit_attempt SET signed_out = $2, outcome = 'done', strap_proven = $3 WHERE visit = $1",
        *(visit, START_US + HOUR_US + dice.randrange(100), dice.random() < 0.5),
    )
    change.entry("control", visit, "visit")


async def graver(change: Edit, dice: random.Random, made: world.Created) -> None:
    wearer = dice.choice(made.wearers)
    await change.connection.execute(
        "UPDATE wearer SET details = $2 WHERE id = $1", wearer, {"risk": dice.choice(["high", "low"])}
    )
    change.entry("control", wearer, "wearer")


async def made_by(change: Edit, dice: random.Random, _: world.Created) -> None:
    tag = 100 + dice.randrange(PEOPLE)
    await change.connection.execute(
        """INSERT INTO tag_hardware (tag, model, network) VALUES ($1, $2, 'one')
           ON CONFLICT (tag) DO UPDATE SET model = excluded.model""",
        *(tag, dice.choice(["old", "new"])),
    )
    change.entry("control", tag, "tag")


ACTS: tuple[Act, ...] = (
    *(zone_for_another, zone_ended, fitted, taken_off, order_said, members),
    *(curfew_changed, absence_given, visit_over, graver, made_by),
)


def same(one: Controls, other: Controls) -> None:
    """Every column of two readings, told apart by what differs."""
    mine, theirs = (said._replace(zones=[zone._replace(wkb=b"") for zone in said.zones]) for said in (told(one), told(other)))
    for name, ours, others in zip(mine._fields, mine, theirs, strict=True):
        assert ours == others, name
    assert one.aims.tolist() == other.aims.tolist()
    assert one.members.tolist() == other.members.tolist()
    assert one.said_us == other.said_us


@pytest.mark.parametrize("seed", range(4))
async def test_followed_is_read_anew(store: Store, seed: int) -> None:
    dice, made = random.Random(seed), await filled(store)
    old = await controls.load(store, START_US)
    named = 0
    for _ in range(25):
        for _ in range(dice.randrange(1, 3)):
            async with feed.edit(store) as change:
                await dice.choice(ACTS)(change, dice, made)
        reading = await following.follow(store, old, START_US)
        assert reading is not None
        whole = await controls.load(store, START_US)
        same(reading.controls, whole)
        differ = set(following.between(old, whole).tolist())
        assert differ <= set(reading.tags.tolist())
        known = {zone: old.zones.row["version"][old.zones.row["id"] == zone].tolist() for zone in made.zones}
        new = [(zone, version) for zone, version in whole.zones if version not in known.get(zone, [])]
        outlined = reading.controls.zones.row[reading.controls.zones.outlines.row]
        assert list(zip(outlined["id"].tolist(), outlined["version"].tolist(), strict=True)) == new
        assert [bytes(reading.controls.zones[key].wkb) for key in new] == [whole.zones[key].wkb for key in new]
        named += len(differ) < PEOPLE
        old = reading.controls
    assert named > 5, "mostly few are concerned"


async def test_what_cannot_be_followed_is_said(store: Store) -> None:
    """A whole world, something that is gone, more than a thousand changes, and another history."""
    made = await filled(store)
    old = await controls.load(store, START_US)
    await world.create(store, [NewWearer("Another")])
    assert await following.follow(store, old, START_US) is None
    old = await controls.load(store, START_US)
    async with feed.edit(store) as change:
        change.entry("control", 10**6, "activation")
    assert await following.follow(store, old, START_US) is None
    old = await controls.load(store, START_US)
    async with feed.edit(store) as change:
        for number in range(following.MOST + 1):
            change.entry("control", number, "zone")
    assert await following.follow(store, old, START_US) is None
    old = await controls.load(store, START_US)
    async with feed.edit(store) as change:
        change.entry("control", made.zones[0], "zone")
    assert await following.follow(store, old, START_US) is not None
    assert await following.follow(store, old._replace(said_us=old.said_us - 1), START_US) is None


async def test_a_zone_for_everyone_concerns_everyone(store: Store) -> None:
    made = await filled(store)
    old = await controls.load(store, START_US)
    async with feed.edit(store) as change:
        await change.connection.execute(
            "UPDATE zone_version SET in_force_to = $2 WHERE zone = $1", made.zones[-1], FOREVER_US - 1
        )
        change.entry("control", made.zones[-1], "zone")
    reading = await following.follow(store, old, START_US)
    assert reading is not None
    assert reading.tags.tolist() == [100, 101, 102, 103, 104, 105]


async def test_an_order_that_joins_a_type_concerns_its_own_tags_alone(store: Store) -> None:
    """Numbers set for a type of a hundred thousand orders are for one more."""
    await filled(store)
    old = await controls.load(store, START_US)
    orders = np.unique(old.monitored[:, 2]).tolist()
    of = [Setting("type", 0, 1, (), 0, FOREVER_US, "bail", frozenset(some)) for some in (orders[1:], orders)]
    readings = [old._replace(settings=[one]) for one in of]
    theirs = np.unique(old.monitored[old.monitored[:, 2] == orders[0], 0]).tolist()
    assert following.between(*readings).tolist() == theirs
    assert following.between(readings[0], readings[0]._replace(settings=[])).tolist() == [], (
        "its end is an instant, looked at then"
    )
