"""A day told in short stories through `cordon replay --world`, each held against DOMAIN.md's sentences, to the second.

A story is a wearer. What they do is told in lines: a time, then how many metres east of a place they are from then on, a fix a
minute; or ``silent``; or a device event. What is told of them is lines too: kind, severity, ``from-until``, and when it was told.
"""

import csv
import json
import math
import subprocess
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pytest

from model.instant import DAY_US, MINUTE_US, parse, show
from tests.integration.system import COMMAND, ROOT

pytestmark = pytest.mark.xdist_group("replay")

DAY, UNTIL = "2026-03-20", "11:20:00"  # a Friday
LON, LAT = -2.98, 53.4
DEGREE_M = 66_500.0  # of longitude there, nearly; a zone's edge is never nearer than some metres to a fix


class Story(NamedTuple):
    does: str  # "stop" ends what came late
    told: str = ""
    zone: dict[str, Any] | None = None  # properties of one of 200 m round the place; of another shape by its ``geometry``
    order: dict[str, Any] | None = {}  # noqa: RUF012 (never changed)
    visit: dict[str, Any] | None = None
    tags: tuple[tuple[str | None, str | None], ...] = ((None, None),)  # from and until; None: since long ago, and open


VICTIM: Final[dict[str, Any]] = {"purpose": "victim"}
AREA: Final[dict[str, Any]] = {"purpose": "area"}
NEAR: Final[dict[str, Any]] = {"purpose": "victim", "buffer_m": 500}
HOME: Final[dict[str, Any]] = {"kind": "home"}
STAY: Final[dict[str, Any]] = {"kind": "inclusion"}
SCHEDULE: Final = {"windows": [{"days": ["fri"], "from": "09:30", "to": "10:30"}]}
TWICE: Final = {"windows": [{"days": ["fri"], "from": "09:30", "to": "09:45"}, {"days": ["fri"], "from": "10:15", "to": "10:30"}]}
AT_DOOR: Final[dict[str, Any]] = {"kind": "inspect", "signed_in": "09:05", "signed_out": "09:20", "outcome": "done"}


def square(metres: float) -> list[list[float]]:
    """A ring round the place, nearly so far from it on each side."""
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    return [[LON + east * metres / DEGREE_M, LAT + north * metres / 111_000] for east, north in corners]


RING: Final = {"type": "Polygon", "coordinates": [square(2000), square(1000)]}


def status(word: str, since: str) -> dict[str, Any]:
    return {"status": word, "in_force_from": f"{DAY}T{since}:00Z"}


STORIES: Final[dict[str, Story]] = {
    # ---------------------------------------------------------------- exclusion zones
    "entry, victim": Story("09:00 3000; 09:10 0; 09:12 3000", "exclusion P1 09:10-09:12 told 09:10", VICTIM),
    "entry, area": Story("09:00 3000; 09:10 0; 09:12 3000", "exclusion P2 09:10-09:12 told 09:10", AREA),
    "entry, purpose unset": Story("09:00 3000; 09:10 0; 09:12 3000", "exclusion P1 09:10-09:12 told 09:10", {}),
    "possible twice": Story(
        "09:00 3000; 09:10 150 accuracy_m=100; 09:12 3000", "exclusion_possible P2 09:10-09:12 told 09:11", VICTIM
    ),
    "possible twice, area": Story(
        "09:00 3000; 09:10 150 accuracy_m=100; 09:12 3000", "exclusion_possible P4 09:10-09:12 told 09:11", AREA
    ),
    "possible once": Story("09:00 3000; 09:10 150 accuracy_m=100; 09:11 3000", "", VICTIM),
    "possible, then definite": Story(
        "09:00 3000; 09:10 150 accuracy_m=100; 09:12 0; 09:15 3000", "exclusion P1 09:10-09:15 told 09:11", VICTIM
    ),
    "possible once, then definite": Story(
        "09:00 3000; 09:10 150 accuracy_m=100; 09:11 0; 09:15 3000", "exclusion P1 09:11-09:15 told 09:11", VICTIM
    ),
    "possible, centre too far off": Story("09:00 3000; 09:10 360 accuracy_m=300; 09:15 3000", "", VICTIM),
    "by wifi only possible": Story(
        "09:00 3000; 09:10 0 accuracy_m=20 source=wifi; 09:12 3000", "exclusion_possible P2 09:10-09:12 told 09:11", VICTIM
    ),
    "a sharp fix is never surer than ten metres": Story(
        "09:00 3000; 09:10 195 accuracy_m=1; 09:12 3000", "exclusion_possible P2 09:10-09:12 told 09:11", VICTIM
    ),
    "crossed": Story("09:00 -1500; 09:09 silent; 09:12 1500", "crossed P2 09:12-09:12 told 09:12", VICTIM),
    "crossed, area": Story("09:00 -1500; 09:09 silent; 09:12 1500", "crossed P4 09:12-09:12 told 09:12", AREA),
    "crossed, with a position by wifi between": Story(
        "09:00 -1500; 09:09 silent; 09:10 700 source=wifi accuracy_m=75; 09:11 silent; 09:12 1500",
        "crossed P2 09:12-09:12 told 09:12", VICTIM,
    ),
    "crossed by wifi alone is crossed by nobody": Story(
        "09:00 -1500 source=wifi accuracy_m=75; 09:09 silent; 09:12 1500 source=wifi accuracy_m=75", "", VICTIM
    ),
    "crossed, too long between": Story("09:00 -1500; 09:09 silent; 09:15 1500", "", VICTIM),
    "crossed, too fast": Story("09:00 -3000; 09:10 3000", "", VICTIM),
    "back within ten minutes": Story(
        "09:00 3000; 09:10 0; 09:12 3000; 09:22 0; 09:24 3000", "exclusion P1 09:10-09:24 told 09:10", VICTIM
    ),
    "back after more than ten": Story(
        "09:00 3000; 09:10 0; 09:12 3000; 09:23 0; 09:25 3000", "exclusion P1 09:10-09:25 told 09:10 x2", VICTIM
    ),
    "one step outside ends nothing, two do": Story(
        "09:00 3000; 09:10 0; 09:11 225; 09:12 0; 09:13 225", "exclusion P1 09:10-09:13 told 09:10", VICTIM
    ),
    "one step far outside ends it": Story(
        "09:00 3000; 09:10 0; 09:11 260; 09:12 0; 09:14 3000", "exclusion P1 09:10-09:14 told 09:10", VICTIM
    ),
    "far is farther than the buffer": Story(
        "09:00 3000; 09:10 0; 09:11 280; 09:12 0; 09:16 3000", "exclusion P1 09:10-09:16 told 09:10", {"buffer_m": 100}
    ),
    "approach": Story("09:00 3000; 09:10 400; 09:20 3000", "approach P3 09:10-09:20 told 09:15", NEAR),
    "approach, too short": Story("09:00 3000; 09:10 400; 09:14 3000", "", NEAR),
    "approach, area": Story("09:00 3000; 09:10 400; 09:20 3000", "", NEAR | AREA),
    "there when a schedule begins and ends": Story(
        "09:00 3000; 09:10 0", "exclusion P1 09:30-10:30 told 09:30", VICTIM | {"schedule": SCHEDULE}
    ),
    # ---------------------------------------------------------------- late, repeated, disordered, skewed
    "late, half an hour old at most": Story(
        "09:00 3000; 09:10 silent; 09:10 0 received_at=09:30; 09:13 3000 received_at=09:30; 09:30 3000",
        "no_contact P1 09:09-09:30 told 09:19; exclusion P1 09:10-09:13 told 09:30 late", VICTIM,
    ),
    "late, older, whereabouts known": Story(
        "09:00 3000; 09:10 silent; 09:12 3000; 09:10 0 received_at=10:00:30; 09:12 stop",
        "exclusion P2 09:10-09:12 told 10:00:30 late", VICTIM,
    ),
    "a clock five minutes ahead, once": Story("09:00 3000; 09:35:10 0 received_at=09:30:10; 09:35:11 stop", "", VICTIM),
    "a clock five minutes ahead, twice": Story(
        "09:00 3000; 09:35:10 0 received_at=09:30:10; 09:35:20 0 received_at=09:30:20; 09:35:21 stop",
        "exclusion_possible P2 09:30:10-09:31 told 09:30:20", VICTIM,
    ),
    "three times a clock fifteen minutes ahead": Story(
        "09:00 3000; 09:45:10 3000 received_at=09:30:10; 09:45:20 3000 received_at=09:30:20; 09:45:30 3000 received_at=09:30:30;"
        "09:45:31 stop", "tag_fault P4 09:30:10- told 09:30:30",
    ),
    # ---------------------------------------------------------------- straps, cases, visits
    "strap": Story("09:00 3000; 09:10:30 strap_tamper; 09:15:30 strap_tamper_clear", "strap P1 09:10:30- told 09:10:40"),
    "strap, ten seconds": Story(
        "09:00 3000; 09:10:30 strap_tamper; 09:10:40 strap_tamper_clear", "strap P1 09:10:30- told 09:10:40"
    ),
    "strap, nine seconds": Story(
        "09:00 3000; 09:10:30 strap_tamper; 09:10:39 strap_tamper_clear", "strap_brief P2 09:10:30-09:10:39 told 09:10:39"
    ),
    "strap, briefly, thrice": Story(
        "09:00 3000; 09:10:30 strap_tamper; 09:10:35 strap_tamper_clear; 09:30:30 strap_tamper; 09:30:35 strap_tamper_clear;"
        "09:50:30 strap_tamper; 09:50:35 strap_tamper_clear", "strap_brief P1 09:10:30-09:50:35 told 09:10:35 x3",
    ),
    "case": Story("09:00 3000; 09:10:30 case_tamper", "case P1 09:10:30- told 09:10:30"),
    "at the door, proven": Story("09:00 3000; 09:10:30 strap_tamper", visit=AT_DOOR | {"strap_proven": True}),
    "at the door, unproven": Story(
        "09:00 3000; 09:10:30 strap_tamper", "strap P1 09:10:30- told 09:20", visit=AT_DOOR | {"strap_proven": False}
    ),
    "at the door, for two hours": Story(
        "09:00 3000; 09:10:30 strap_tamper", "strap P1 09:10:30- told 11:05", visit={"kind": "inspect", "signed_in": "09:05"}
    ),
    "two tags, one strap, another's silence": Story(
        "09:00 3000 tag=1; 09:00 3000 tag=2; 09:10 silent tag=2; 09:10:30 strap_tamper tag=1",
        "no_contact P2 09:09- told 10:09; strap P1 09:10:30- told 09:10:40", tags=((None, None), (None, None)),
    ),
    # ---------------------------------------------------------------- silence, radio, battery
    "silence": Story("09:00 3000; 09:10 silent", "no_contact P2 09:09- told 10:09", AREA),
    "silence, victim": Story("09:00 3000; 09:10 silent", "no_contact P1 09:09- told 09:19", VICTIM),
    "silence, last at home": Story("09:00 0; 09:10 silent", "no_contact P2 09:09- told 11:09", HOME),
    "silence, last at home and moved since": Story(
        "09:00 0; 09:10 silent; 09:10:30 motion", "no_contact P2 09:10:30- told 10:10:30", HOME
    ),
    "silence, and back": Story("09:00 3000; 09:10 silent; 10:30 3000", "no_contact P2 09:09-10:30 told 10:09"),
    "any message is contact": Story(
        "09:00 3000; 09:10 silent; 09:30 contact; 09:50 contact; 10:10 contact", "no_contact P2 10:10- told 11:10"
    ),
    "jamming": Story("09:00 3000; 09:10:30 jamming; 09:15:30 jamming_clear", "jamming P2 09:10:30-09:15:30 told 09:12:30"),
    "shielding, victim": Story(
        "09:00 3000; 09:10:30 shielding; 09:15:30 shielding_clear", "jamming P1 09:10:30-09:15:30 told 09:12:30", VICTIM
    ),
    "jamming, too short": Story("09:00 3000; 09:10:30 jamming; 09:12:00 jamming_clear"),
    "battery at ten per cent": Story("09:00 3000 battery_pct=40; 09:10 3000 battery_pct=10", "battery_low P3 09:10- told 09:25"),
    "battery at twenty": Story("09:00 3000 battery_pct=40; 09:10 3000 battery_pct=20"),
    "battery low and charging": Story("09:00 3000 battery_pct=40; 09:09:30 charging; 09:10 3000 battery_pct=9"),
    "switched off": Story(
        "09:00 3000; 09:10 silent; 09:10:30 power_off",
        "battery_dead P2 09:10:30- told 09:10:30; no_contact P2 09:10:30- told 10:10:30 under battery_dead",
    ),
    "switched off, victim": Story(
        "09:00 3000; 09:10 silent; 09:10:30 power_off",
        "battery_dead P1 09:10:30- told 09:10:30; no_contact P1 09:10:30- told 09:20:30 under battery_dead", VICTIM,
    ),
    # ---------------------------------------------------------------- inclusion zones
    "out of an inclusion zone": Story("09:00 0; 09:10 3000; 09:20 0", "inclusion_exit P2 09:10-09:20 told 09:11", STAY),
    "attended": Story("09:00 3000; 10:00 0; 10:02 3000", "", STAY | {"schedule": SCHEDULE, "attendance": True}),
    "missed": Story(
        "09:00 3000", "attendance_missed P3 10:30-10:30 told 10:30", STAY | {"schedule": SCHEDULE, "attendance": True}
    ),
    # ---------------------------------------------------------------- orders and tags
    "the order ends": Story(
        "09:00 3000; 09:10 0",
        "exclusion P1 09:10-10:30 told 09:10", VICTIM, {"ends": "10:30"},
    ),
    "the order begins": Story("09:00 0", "exclusion P1 09:30- told 09:30", VICTIM, {"starts": "09:30"}, tags=(("08:50", None),)),
    "into custody": Story(
        "09:00 3000; 09:10 0", "exclusion P1 09:10-10:30 told 09:10", VICTIM, {"statuses": [status("in_custody", "10:30")]}
    ),
    "into custody and out of it within ten minutes is one occurrence": Story(
        "09:00 3000; 09:10 0", "exclusion P1 09:10- told 09:10", VICTIM,
        {"statuses": [status("in_custody", "09:30"), status("active", "09:38")]},
    ),
    "at large is monitored": Story(
        "09:00 3000; 09:40 0", "exclusion P1 09:40- told 09:40", VICTIM, {"statuses": [status("unlawfully_at_large", "09:30")]}
    ),
    # ---------------------------------------------------------------- on paper
    "nobody was fitted by the order's own word": Story(
        "", "not_fitted P2 10:00- told 10:00; paperwork P3 10:00- told 10:00 under not_fitted (order_without_activation)",
        order={"starts": "09:00", "fit_by": "10:00"}, tags=(),
    ),
    "nobody was fitted, of high risk, until eleven": Story(
        "11:00 3000",
        "not_fitted P1 10:00-11:00 told 10:00; paperwork P3 10:00-11:00 told 10:00 under not_fitted (order_without_activation)",
        order={"starts": "09:00", "fit_by": "10:00", "risk": "high"}, tags=(("11:00", None),),
    ),
    "a fitting was planned, and its window is over": Story(
        "", "not_fitted P2 10:30- told 10:30", order={"starts": "09:00"}, tags=(), visit={"kind": "fit", "to": "10:30"},
    ),
    "fitted in time": Story("09:50 3000", order={"starts": "09:00", "fit_by": "10:00"}, tags=(("09:50", None),)),
    "fitted, and no position until eleven": Story(
        "10:10 contact; 11:00 3000", "no_first_fix P2 09:50-11:00 told 10:20", order={"starts": "09:00"}, tags=(("09:50", None),)
    ),
    "a tag, and no order": Story("09:00 3000", "paperwork P3 09:30- told 10:30 (activation_without_order)",
        order=None, tags=(("09:30", None),)),
    # ---------------------------------------------------------------- from outside: written from the domain's words alone
    "a jump that the next fix confirms": Story(
        "09:00 20000; 09:10 0; 09:12 20000", "exclusion P1 09:10-09:12 told 09:11", VICTIM
    ),
    "a jump that nothing confirms": Story("09:00 20000; 09:10 0; 09:11 20000", "", VICTIM),
    "three jumps that nothing confirms": Story(
        "09:00 20000; 09:10 0; 09:11 20000; 09:20 0; 09:21 20000; 09:30 0; 09:31 20000", "tag_fault P4 09:10- told 09:31"
    ),
    "as fast as an express": Story("09:00 4150; 09:10 0; 09:12 4150", "exclusion P1 09:10-09:12 told 09:10", VICTIM),
    "hdop one is ten metres": Story(
        "09:00 3000; 09:10 185 accuracy_m= hdop=1; 09:12 3000", "exclusion P1 09:10-09:12 told 09:10", VICTIM
    ),
    "hdop five is fifty": Story(
        "09:00 3000; 09:10 185 accuracy_m= hdop=5; 09:12 3000", "exclusion_possible P2 09:10-09:12 told 09:11", VICTIM
    ),
    "nothing said of accuracy is twenty-five": Story(
        "09:00 3000; 09:10 185 accuracy_m=; 09:12 3000", "exclusion_possible P2 09:10-09:12 told 09:11", VICTIM
    ),
    "a wide circle deep inside is definite": Story(
        "09:00 3000; 09:10 0 accuracy_m=300; 09:12 3000", "exclusion P1 09:10-09:12 told 09:10", VICTIM | {"radius_m": 500}
    ),
    "what wifi says ends nothing": Story(
        "09:00 3000; 09:10 0; 09:11 3000 source=wifi; 09:14 0; 09:16 3000", "exclusion P1 09:10-09:16 told 09:10", VICTIM
    ),
    "a zone that three have to confirm": Story(
        "09:00 3000; 09:10 150 accuracy_m=100; 09:13 3000", "exclusion_possible P2 09:10-09:13 told 09:12",
        VICTIM | {"confirm_fixes": 3},
    ),
    "over a ring into its hole, and out on the ring": Story(
        "09:00 3000; 09:10 0; 09:15 1500; 09:16 0",
        "crossed P2 09:10-09:10 told 09:10; exclusion P1 09:15-09:16 told 09:15", VICTIM | {"geometry": RING},
    ),
    "approach, then entry": Story(
        "09:00 3000; 09:10 400; 09:20 0; 09:22 3000",
        "approach P3 09:10-09:20 told 09:15; exclusion P1 09:20-09:22 told 09:20", NEAR,
    ),
    "a zone comes into force round somebody": Story(
        "09:00 3000; 09:10 0; 09:40 3000", "exclusion P1 09:30:30-09:40 told 09:30:30",
        VICTIM | {"valid_from": f"{DAY}T09:30:30Z"},
    ),
    "a zone ends round somebody": Story(
        "09:00 3000; 09:10 0", "exclusion P1 09:10-09:30:30 told 09:10", VICTIM | {"valid_to": f"{DAY}T09:30:30Z"}
    ),
    "there in both windows of a schedule": Story(
        "09:00 3000; 09:10 0", "exclusion P1 09:30-10:30 told 09:30 x2", VICTIM | {"schedule": TWICE}
    ),
    "there between the windows only": Story("09:00 3000; 09:50 0; 10:10 3000", "", VICTIM | {"schedule": TWICE}),
    "into custody and released": Story(
        "09:00 3000; 09:10 0", "exclusion P1 09:10- told 09:10 x2", VICTIM,
        {"statuses": [status("in_custody", "09:30"), status("active", "10:00")]},
    ),
    "late, in an area zone": Story(
        "09:00 3000; 09:10 silent; 09:10 0 received_at=09:30; 09:13 3000 received_at=09:30; 09:30 3000",
        "exclusion P2 09:10-09:13 told 09:30 late", AREA,
    ),
    "late, of a zone that has ended since": Story(
        "09:00 3000; 09:10 silent; 09:10 0 received_at=09:30; 09:13 3000 received_at=09:30; 09:30 3000",
        "exclusion P2 09:10-09:13 told 09:30 late", AREA | {"valid_to": f"{DAY}T09:20:00Z"},
    ),
    "an entry in time, before something older is received": Story(
        "09:00 3000; 09:30 0; 09:32 3000; 09:10:20 3000 received_at=10:00:30; 09:10:21 stop",
        "exclusion P1 09:30-09:32 told 09:30", VICTIM,
    ),
    "out of the file's order, at one time of receipt": Story(
        "09:00 1500; 09:29:30 0 received_at=09:30; 09:29:31 stop", "exclusion P1 09:29:30-09:30 told 09:30 late", VICTIM
    ),
    "late, and the order is over since": Story(
        "09:00 3000; 09:10 silent; 09:10 0 received_at=09:30; 09:12 stop",
        "no_contact P1 09:09-09:25 told 09:19; exclusion P1 09:10-09:25 told 09:30 late", VICTIM, {"ends": "09:25"},
        tags=((None, "09:25"),),
    ),
    "late, and the zone is over since": Story(
        "09:00 3000; 09:10 silent; 09:10 0 received_at=09:30; 09:12 stop",
        "exclusion P2 09:10-09:25 told 09:30 late; no_contact P2 09:30- told 10:30", AREA | {"valid_to": f"{DAY}T09:25:00Z"},
    ),
    "late, and was gone before the order was over": Story(
        "09:00 3000; 09:10 0; 09:12 silent; 09:14 3000 received_at=09:30; 09:15 stop",
        "no_contact P1 09:11-09:25 told 09:21; exclusion P1 09:10-09:14 told 09:10", VICTIM, {"ends": "09:25"},
        tags=((None, "09:25"),),
    ),
    "late out of an inclusion zone whose schedule is over": Story(
        "09:00 0; 10:20 silent; 10:20 3000 received_at=10:40; 10:22 stop",
        "inclusion_exit P2 10:20-10:30 told 10:40 late", STAY | {"schedule": SCHEDULE},
    ),
    "a strap that was told, proven at the door": Story(
        "09:00 3000; 09:02:30 strap_tamper", "strap P1 09:02:30-09:20 told 09:02:40", visit=AT_DOOR | {"strap_proven": True}
    ),
    "a strap that was told, and nobody let in": Story(
        "09:00 3000; 09:02:30 strap_tamper", "strap P1 09:02:30- told 09:02:40", visit=AT_DOOR | {"outcome": "no_access"}
    ),
    "shielding goes over into jamming": Story(
        "09:00 3000; 09:10 shielding; 09:11 jamming; 09:11:30 shielding_clear; 09:14 jamming_clear",
        "jamming P2 09:10-09:14 told 09:12",
    ),
    "off the charger, and still low": Story(
        "09:00 3000 battery_pct=9; 09:00:30 charging; 09:20:30 charging_clear", "battery_low P3 09:20:30- told 09:35:30"
    ),
    "silent, with five per cent at last": Story(
        "09:00 3000 battery_pct=5; 09:10 silent",
        "battery_low P3 09:00- told 09:15; battery_dead P2 09:09- told 10:09;"
        "no_contact P2 09:09- told 10:09 under battery_dead",
    ),
    "moving, and no location": Story(
        "09:00 3000; 09:10 silent; 09:10:30 motion; 09:15 contact; 09:20 contact; 09:25 contact; 09:30 contact; 09:35 3000",
        "no_location P2 09:10:30-09:35 told 09:30:30",
    ),
    "no longer moving, and no location": Story(
        "09:00 3000; 09:10 silent; 09:10:30 motion; 09:15 contact; 09:20 contact; 09:25 motion_clear; 09:30 contact;"
        "09:35 contact; 09:40 3000"
    ),
    "a minute less than an hour is no silence": Story("09:00 3000; 09:10 silent; 10:08:59 3000"),
    "outside as the schedule begins": Story(
        "09:00 3000; 09:40 0", "inclusion_exit P2 09:30-09:40 told 09:30", STAY | {"schedule": SCHEDULE}
    ),
    "out, perhaps, and out again": Story(
        "09:00 0; 09:10 225; 09:11 225 accuracy_m=60; 09:12 225; 09:14 0", "inclusion_exit P2 09:12-09:14 told 09:13", STAY
    ),
    "attended, as was heard of after the end": Story(
        "09:00 1000; 10:10:20 0 received_at=10:50:30; 10:10:21 stop",
        "attendance_missed P3 10:30-10:30 told 10:30 withdrawn", STAY | {"schedule": SCHEDULE, "attendance": True},
    ),
    "a visit that nobody made": Story(
        "09:00 3000", "paperwork P3 09:30- told 10:30 (unworked_visit)", visit={"kind": "inspect", "to": "09:30"}
    ),
}  # fmt: skip


def at_us(clock: str) -> int:
    return parse(f"{DAY}T{clock if clock.count(':') == 2 else clock + ':00'}Z")


def tag(number: int, which: int = 1) -> int:
    """Nobody's real numbers."""
    return 990000000001000 + 1000 * which + number


def ends(steps: list[list[str]], place: int) -> Iterator[int]:
    """When a tag is no longer where a line says: of what came late at the next line, else at the next that says where it is."""
    late = "received_at" in " ".join(steps[place])
    which = next((one for one in steps[place] if one.startswith("tag=")), "tag=1")
    for clock, what, *given in steps[place + 1 :]:
        if late or (
            (what == "silent" or what.lstrip("-").isdigit())
            and not any(one.startswith("received_at=") for one in given)
            and which in (given if any(one.startswith("tag=") for one in given) else ("tag=1",))
        ):
            yield at_us(clock)


def rows(number: int, story: Story) -> Iterator[tuple[int, dict[str, Any]]]:
    """What the tags of a story sent, each with when it was received."""
    steps = [line.split() for line in story.does.split(";") if line.strip()]
    for place, (clock, what, *given) in enumerate(steps):
        more: dict[str, Any] = dict(one.split("=") for one in given)
        which, received = int(more.pop("tag", 1)), more.pop("received_at", None)
        record = {"tag": tag(number, which), **more}
        if what in {"silent", "stop"}:
            continue
        if not what.lstrip("-").isdigit():
            yield at_us(clock), record | {"fix_at": show(at_us(clock)), "event": what}
            continue
        until = min(ends(steps, place), default=at_us(UNTIL) + 1)
        us = at_us(clock)
        while us < until:
            lon = LON + int(what) / DEGREE_M
            fix = {"accuracy_m": 8} | record | {"fix_at": show(us), "lon": f"{lon:.7f}", "lat": LAT}
            yield at_us(received) if received else us, fix
            us = (us // MINUTE_US + 1) * MINUTE_US


def timed(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return body | {name: show(at_us(body[name])) for name in names if body.get(name) and "T" not in body[name]}


def world() -> dict[str, Any]:
    found: dict[str, Any] = {name: [] for name in ("wearers", "orders", "activations", "zones", "visits")}
    long_ago, midnight = show(at_us("00:00") - 10 * DAY_US), show(at_us("00:00"))
    for number, (name, story) in enumerate(STORIES.items()):
        found["wearers"].append({"ref": name, "name": name})
        if story.order is not None:
            order = {"wearer": name, "type": "bail", "timezone": "Europe/London", "starts": long_ago, **story.order}
            found["orders"].append(timed(order, "starts", "ends", "fit_by"))
        for which, (start, end) in enumerate(story.tags, 1):
            worn = timed({"from": start, "to": end}, "from", "to")
            found["activations"].append({"wearer": name, "tag": tag(number, which), **worn, "from": worn["from"] or long_ago})
        if story.zone is not None:
            properties = {"applies_to": {"wearer": name}, **story.zone}
            drawn = properties.pop("geometry", None)
            if drawn is None:
                drawn, properties = {"type": "Point", "coordinates": [LON, LAT]}, {"radius_m": 200} | properties
            found["zones"].append({"ref": name, "type": "Feature", "geometry": drawn, "properties": properties})
        if story.visit is not None:
            visit = timed({"to": "23:00", **story.visit}, "signed_in", "signed_out", "to")
            found["visits"].append({"wearer": name, "from": midnight, **visit})
    return found


def line(alert: dict[str, Any]) -> str:
    """An alert as the stories tell it."""

    def clock(time: str | None) -> str:
        return "" if time is None else time[11 if time.startswith(DAY) else 0 : -1].removesuffix(":00")

    said = f"{alert['kind']} {alert['severity']} {clock(alert['event_at'])}-{clock(alert['ended_at'])}"
    said += f" told {clock(alert['detected_at'])}" + (" late" if alert["late"] else "")
    said += f" x{alert['occurrences']}" if alert["occurrences"] > 1 else ""
    said += f" under {alert['held_under']}" if alert["held_under"] else ""
    said += " withdrawn" if alert["condition"] == "withdrawn" else ""
    return said + (f" ({alert['reason']})" if alert["reason"] else "")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    folder = tmp_path_factory.mktemp("day")
    sent = [row for number, story in enumerate(STORIES.values()) for row in rows(number, story)]
    sent.sort(key=lambda row: row[0])
    columns = ["tag", "fix_at", "lon", "lat", "accuracy_m", "hdop", "source", "battery_pct", "event", "received_at"]
    with (folder / "trace.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(record | {"received_at": show(us)} for us, record in sent)
    (folder / "world.json").write_text(json.dumps(world()))
    command = ["replay", str(folder / "trace.csv"), "--world", str(folder / "world.json"), "--until", f"{DAY}T{UNTIL}Z", "--json"]
    done = subprocess.run([*COMMAND, *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["rejected"], report["sent"], report["stored"]) == ([], len(sent), len(sent))
    found: dict[str, list[str]] = {name: [] for name in STORIES}
    for alert in report["alerts"]:
        found[alert["wearer"]].append(line(alert))
    return found


@pytest.mark.parametrize("name", STORIES)
def test_a_story_is_told_as_it_should_be(day: dict[str, list[str]], name: str) -> None:
    expected = [one.strip() for one in STORIES[name].told.split(";") if one.strip()]
    assert sorted(day[name]) == sorted(expected)


def test_places_are_as_far_apart_as_the_stories_say() -> None:
    """A degree of longitude at that latitude, by the ellipsoid: within two metres of a kilometre."""
    a, squared = 6_378_137.0, 0.00669437999014
    sine = math.sin(math.radians(LAT))
    degree_m = math.radians(a / math.sqrt(1 - squared * sine * sine) * math.cos(math.radians(LAT)))
    assert abs(1000 * degree_m / DEGREE_M - 1000) < 2
