"""Turns a town into the WORLD document of CONTRACT.md: wearers, orders, activations, zones, curfews, with names nobody has."""

import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from bench.clock import show
from bench.fleet import Fleet
from bench.mishaps import SLOT_S
from bench.upload import CURFEWED, Town
from bench.zones import Zone

HOME_RADIUS_M: Final = 75.0
HOUR_US: Final = 3_600_000_000

DAYS: Final = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

# The demo's curfews. Nobody's routine or plan has them out between these local times, summer or winter.
NIGHT: Final = ("22:30", "05:30")
# And two who never went to the address they were bailed to. Their windows are short and take turns, so that one is open at any
# hour: minutes past the hour, from and to; together 16 hours a day and 112 a week, which is as much as the law allows.
AWAY: Final = ((("00", "20"), ("30", "50")), (("15", "35"), ("45", "05")))
AWAY_GRACE_MIN: Final = 2
# Those of whom nothing is heard for a while each hour are asked to be at home once no fix speaks for them any more, from and to:
# minutes of their slot of mishaps.
UNHEARD: Final = (11, 26)
UNHEARD_ORDER: Final = "licence"
UNHEARD_AFTER_MIN: Final = (
    5  # nobody watches a demonstration for half an hour: a number of their order type, as anybody may set it
)
NIGHTS: Final = CURFEWED - len(AWAY)  # wearers who keep one

# Words that are no one's name, so that nobody mistakes an invented wearer for a person.
_FIRST_WORDS: Final = (
    "Acorn,Badger,Bramble,Clover,Cricket,Dormouse,Fennel,Finch,Gorse,Heron,Juniper,Kestrel,Lichen,Linnet,Magpie,Nettle,Otter,"
    "Pebble,Plover,Quince,Rook,Rowan,Sorrel,Starling,Teasel,Thistle,Vole,Wagtail,Wren,Yarrow"
)
_LAST_WORDS: Final = (
    "Applewhistle,Bellwether,Candlewick,Dandelow,Elderflume,Featherstep,Gingerbell,Hollowpot,Inkhorn,Jackstraw,Kettlewink,"
    "Lanternby,Marrowgate,Nutmegson,Oatencake,Pepperdown,Quillfeather,Rushlight,Saltmarrow,Tumbledown,Underhedge,Velvetine,"
    "Windlestraw"
)
_FIRST: Final = _FIRST_WORDS.split(",")
_LAST: Final = _LAST_WORDS.split(",")


def name(index: int) -> str:
    """An invented name; the first 690 differ, the rest are numbered."""
    # 30 and 23 have no common factor, so stepping both goes through every pair.
    again = index // (len(_FIRST) * len(_LAST))
    whole = f"{_FIRST[index % len(_FIRST)]} {_LAST[index % len(_LAST)]}"
    return f"{whole} {again + 1}" if again else whole


def wearer(row: int) -> str:
    """The ref of the wearer of a row."""
    return f"w{row + 1}"


def document(town: Town, start_us: int) -> dict[str, Any]:
    """The whole WORLD document; orders and activations begin at ``start_us``."""
    fleet = town.fleet
    bare, dumb = _on_paper(town)  # the bare ones last: they have no activation
    licensed = set(town.mishaps.of["curfew_unverified"].tolist())
    rows, begins = range(fleet.size + dumb + bare), show(start_us)
    tags = [*fleet.tag.tolist(), *(int(fleet.tag.max()) + 1 + number for number in range(dumb))]
    return {
        "wearers": [{"ref": wearer(row), "name": name(row)} for row in rows],
        "orders": [
            {
                "ref": f"o{row + 1}",
                "wearer": wearer(row),
                "type": UNHEARD_ORDER if row in licensed else "bail",
                "timezone": "Europe/London",
                "starts": begins,
                "ends": None,
                "status": "active",
                "risk": "standard",
                "fit_by": show(start_us + HOUR_US),
            }
            for row in rows
        ],
        "activations": [{"wearer": wearer(row), "tag": tag, "from": begins, "to": None} for row, tag in enumerate(tags)],
        "zones": [*_homes(fleet), *exclusions(town), *_addresses(town), *_mishaps(town)],
        "curfews": list(_curfews(town)),
        "visits": [{"wearer": wearer(0), "kind": "inspect", "from": begins, "to": show(start_us + HOUR_US)}] if bare else [],
        "pauses": [],
        "settings": {"types": {UNHEARD_ORDER: {"curfew_unverified": {"after_min": UNHEARD_AFTER_MIN}}}} if licensed else {},
    }


def _on_paper(town: Town) -> tuple[int, int]:
    """How many wearers there are besides the fleet: those nobody has fitted, and those whose tag never says a word."""
    return (1, 1) if town.fleet.demo else (0, 0)


def _homes(fleet: Fleet) -> Iterator[dict[str, Any]]:
    for row in range(fleet.size):
        position = [round(float(fleet.lon[row]), 7), round(float(fleet.lat[row]), 7)]
        properties = {"name": "Home", "kind": "home", "radius_m": HOME_RADIUS_M, "applies_to": {"wearer": wearer(row)}}
        yield _feature(f"home{row + 1}", {"type": "Point", "coordinates": position}, properties)


def _stay_at_home(town: Town) -> list[int]:
    """Rows of wearers without a plan, who never are anywhere but where their routine has them; none where it is no demo."""
    planned = set(town.plans.rows.tolist())
    return [row for row in range(town.fleet.size) if row not in planned] if town.fleet.demo else []


def _away(town: Town) -> list[int]:
    """Rows of those who never went to their address."""
    return _stay_at_home(town)[: len(AWAY)]


def _addresses(town: Town) -> Iterator[dict[str, Any]]:
    """Where those should be: at the home that is farthest from everything they do."""
    fleet = town.fleet
    for number, row in enumerate(_away(town), 1):
        x, y = fleet.metres(np.full(fleet.size, row), fleet.lon, fleet.lat)
        other = int(np.argmax(np.hypot(x, y)))
        position = [round(float(fleet.lon[other]), 7), round(float(fleet.lat[other]), 7)]
        properties = {"name": "Bail address", "kind": "home", "radius_m": HOME_RADIUS_M, "applies_to": {"wearer": wearer(row)}}
        yield _feature(f"address{number}", {"type": "Point", "coordinates": position}, properties)


def _mishaps(town: Town) -> Iterator[dict[str, Any]]:
    """What the demo's mishaps need zones for: a victim near by or far off, a place to stay in, appointments to be kept.

    Nobody ever comes to the last two; each asks for eight minutes of every twenty, in turn.
    """
    of, fleet = town.mishaps.of, town.fleet
    for name in ("approach", "no_contact"):
        for row in of[name].tolist():
            if town.zones.placed(row):
                feature = _exclusion(town, town.zones.zone(row, 0), {"wearer": wearer(row)})
                # Home lies within the buffer.
                buffer_m = math.ceil(math.hypot(*town.zones.centre(town.zones.zone(row, 0), row))) if name == "approach" else 0
                feature["properties"] |= {"purpose": "victim", "buffer_m": buffer_m}
                yield feature
    for name, called in (("inclusion_exit", "Day centre"), ("attendance_missed", "Probation office")):
        for number, row in enumerate(of[name].tolist()):
            x, y = fleet.metres(np.full(fleet.size, row), fleet.lon, fleet.lat)
            other = int(np.argmax(np.hypot(x, y)))
            position = [round(float(fleet.lon[other]), 7), round(float(fleet.lat[other]), 7)]
            begins = [f"{hour:02}:{minute:02}" for hour in range(24) for minute in range(10 * number, 60, 20)]
            windows = [{"days": DAYS, "from": begin, "to": f"{begin[:3]}{int(begin[3:]) + 8:02}"} for begin in begins]
            properties = {"name": called, "kind": "inclusion", "radius_m": HOME_RADIUS_M, "applies_to": {"wearer": wearer(row)}}
            more = {"attendance": name == "attendance_missed", "schedule": {"windows": windows, "timezone": "Europe/London"}}
            yield _feature(f"{name}{number + 1}", {"type": "Point", "coordinates": position}, properties | more)


def _curfews(town: Town) -> Iterator[dict[str, Any]]:
    for number, (row, minutes) in enumerate(zip(_away(town), AWAY, strict=False), 1):
        windows = [
            {"days": DAYS, "from": f"{hour:02}:{start}", "to": f"{(hour + (end < start)) % 24:02}:{end}"}
            for hour in range(24)
            for start, end in minutes
        ]
        grace = {"grace_min": AWAY_GRACE_MIN}
        yield {"ref": f"c{row + 1}", "order": f"o{row + 1}", "home": f"address{number}", **grace, "windows": windows}
    for number, row in enumerate(town.mishaps.of["curfew_unverified"].tolist()):  # six: the slots of an hour
        begins, ends = (SLOT_S // 60 * number + minute for minute in UNHEARD)
        windows = [{"days": DAYS, "from": _minute(60 * hour + begins), "to": _minute(60 * hour + ends)} for hour in range(24)]
        yield {"ref": f"c{row + 1}", "order": f"o{row + 1}", "home": f"home{row + 1}", "windows": windows}
    for row in _stay_at_home(town)[len(AWAY) :][:NIGHTS]:
        windows = [{"days": DAYS, "from": NIGHT[0], "to": NIGHT[1]}]
        yield {"ref": f"c{row + 1}", "order": f"o{row + 1}", "home": f"home{row + 1}", "windows": windows}


def _minute(of_day: int) -> str:
    """Local time of a minute of the day; past midnight, of the next."""
    return f"{of_day // 60 % 24:02}:{of_day % 60:02}"


def exclusions(town: Town) -> Iterator[dict[str, Any]]:
    """Every exclusion zone of the town as a Feature with its ``ref``: the wearers' own, then those for everybody."""
    zones = town.zones
    zones.sites(zones.owners.tolist())
    for row in zones.owners.tolist():
        for number in range(zones.per_tag):
            yield _exclusion(town, zones.zone(row, number), {"wearer": wearer(row)})
    for zone in zones.shared:
        yield _exclusion(town, zone, {"all": True})


def _exclusion(town: Town, zone: Zone, applies_to: dict[str, Any]) -> dict[str, Any]:
    properties = {"name": zone.name, "kind": "exclusion", "purpose": zone.purpose, "applies_to": applies_to}
    if zone.shape.radius_m:
        middle = list(town.zones.middle(zone))
        return _feature(
            zone.ref, {"type": "Point", "coordinates": middle}, properties | {"radius_m": round(zone.shape.radius_m, 2)}
        )
    polygons = [[[*ring.tolist(), ring[0].tolist()] for ring in part] for part in town.zones.rings(zone)]
    geometry = {"type": "Polygon", "coordinates": polygons[0]} if len(polygons) == 1 else _multi(polygons)
    return _feature(zone.ref, geometry, properties)


def _multi(polygons: list[Any]) -> dict[str, Any]:
    return {"type": "MultiPolygon", "coordinates": polygons}


def _feature(ref: str, geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"ref": ref, "type": "Feature", "geometry": geometry, "properties": properties}
