"""Turns a span of time into what every tag reports in it, and when each report reaches a gateway.

A tag takes a fix at its own second of each minute, and every 15 s while it is inside a zone. It uploads one, five or ten at a
time, but each at once while a plan is under way; when it is out of contact it keeps them until it is back.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from bench import relay
from bench.chance import Draw, bits, unit
from bench.fleet import I64, Fleet, build
from bench.mishaps import Mishaps
from bench.receiver import battery, report
from bench.routine import locate
from bench.violations import SECOND_US, Plan, Plans, overlay
from bench.zones import Zones

STEP_S: Final = 15  # a fix this often while inside a zone
MINUTE_S: Final = 60
_HOUR_US: Final = 3600 * SECOND_US
_CHUNK: Final = 1 << 17  # reports worked out at a time: bounded memory whatever the fleet

# Out of contact for a while, now and then: this share of hours, for so long, never across the hour.
OUTAGE_SHARE: Final = 0.03
OUTAGE_S: Final = (60.0, 720.0)
LATENCY_S: Final = (0.4, 1.6)  # from the tag to the gateway
COLLECT_S: Final = 10 * MINUTE_S + OUTAGE_S[1]  # no report waits longer, where no plan holds it

# What reaches a gateway. ``event`` is 0 for a fix, else a row of EVENTS, and then only tag, times and seq mean anything.
REPORT: Final = np.dtype(
    [
        ("tag", "<i8"),
        ("fix_at_us", "<i8"),
        ("upload_us", "<i8"),  # when the gateway has it
        ("seq", "<i8"),  # the tag's own counter: quarter minutes, so the same after any restart
        ("lon", "<f8"),
        ("lat", "<f8"),
        ("accuracy_m", "<f4"),
        ("speed_mps", "<f4"),
        ("heading_deg", "<f4"),  # NaN while standing
        ("hdop", "<f4"),  # NaN where not GNSS
        ("row", "<i4"),
        ("battery_pct", "<i2"),
        ("satellites", "<i2"),  # -1 where not GNSS
        ("source", "<i2"),  # row of receiver.SOURCES
        ("event", "<i2"),
    ]
)
EVENTS: Final = (
    "",
    "charging",
    "charging_clear",
    "battery_low",
    "battery_low_clear",
    "battery_critical",
    "battery_critical_clear",
    "strap_tamper",
    "strap_tamper_clear",
    "case_tamper",
    "case_tamper_clear",
    "jamming",
    "jamming_clear",
    "power_off",
    "motion",
    "motion_clear",
    "contact",
)
LOW_PCT: Final = 30
CURFEWED: Final = 14  # of the demo's wearers without a plan so many are asked to be at home
CRITICAL_PCT: Final = 10


class Town(NamedTuple):
    """The whole world of one seed."""

    fleet: Fleet
    zones: Zones
    plans: Plans
    mishaps: Mishaps
    relayed: I64  # rows of those behind the second gateway


def town(seed: int, tags: int, demo: bool = False) -> Town:
    """The world of a seed: the same fleet, zones and plans whoever asks."""
    fleet = build(seed, tags, demo)
    zones = Zones(fleet)
    plans = Plans(zones)
    mishaps = Mishaps(fleet, plans, CURFEWED)
    relayed = np.setdiff1d(np.arange(fleet.size), [*plans.rows, *mishaps.rows])[CURFEWED:][: relay.TAGS]
    if not len(mishaps.rows):  # no demo, or one of too few
        relayed = relayed[:0]
    # Each fix at once: of a tag that is heard from every ten minutes half an hour's silence is nothing yet.
    batch = np.where(np.isin(np.arange(fleet.size), relayed), np.int8(1), fleet.batch)
    return Town(fleet._replace(batch=batch), zones, plans, mishaps, relayed)


def reports(world: Town, from_us: int, to_us: int) -> Any:
    """Every report taken in [from_us, to_us), microseconds since 1970 UTC, ordered by when it reaches a gateway.

    Returns
    -------
    (n,) REPORT. A function of world and time alone: spans laid end to end give what one long span gives.
    """
    fleet = world.fleet
    # A plan still to come may call in what is being collected now.
    plans = world.plans.overlapping(from_us, to_us + int(COLLECT_S) * SECOND_US)
    parts: list[Any] = []
    for low in range(0, fleet.size, _CHUNK):
        rows = np.arange(low, min(low + _CHUNK, fleet.size))
        step = max(MINUTE_S * SECOND_US, _CHUNK // len(rows) * MINUTE_S * SECOND_US)
        spans = ((start_us, min(start_us + step, to_us)) for start_us in range(from_us, to_us, step))
        parts.extend(_reported(world, plans, rows, *span) for span in spans)
    made = np.concatenate(parts) if parts else np.zeros(0, REPORT)
    made = world.mishaps.befall(fleet, made, EVENTS, from_us, to_us)
    return made[np.lexsort((made["event"] == 0, made["fix_at_us"], made["tag"], made["upload_us"]))]


def slots(world: Town, plans: list[Plan], rows: Any, from_us: int, to_us: int) -> tuple[I64, I64]:
    """Which of ``rows`` take a fix in [from_us, to_us), and at which quarter minute: both (n,), in no order."""
    phase_us = world.fleet.phase_s[rows].astype(np.int64) * SECOND_US
    minute_us = MINUTE_S * SECOND_US
    first = -((phase_us - from_us) // minute_us)  # the first of the tag's minutes that is not before from_us
    row_parts, slot_parts = [], []
    for ahead in range((to_us - from_us) // minute_us + 1):
        minute = first + ahead
        inside = minute * minute_us + phase_us < to_us
        row_parts.append(rows[inside])
        slot_parts.append(4 * minute[inside])
    low, high = int(rows[0]), int(rows[-1])
    for plan in plans:
        if not low <= plan.row <= high:
            continue
        phase = int(world.fleet.phase_s[plan.row]) * SECOND_US
        for begin_us, end_us in plan.alarmed_us:
            begin, end = max(begin_us, from_us), min(end_us, to_us)
            extra = np.arange(-((phase - begin) // (STEP_S * SECOND_US)), -((phase - end) // (STEP_S * SECOND_US)))
            extra = extra[extra % 4 != 0]
            row_parts.append(np.full(len(extra), plan.row))
            slot_parts.append(extra)
    return np.concatenate(row_parts), np.concatenate(slot_parts)


def _reported(world: Town, plans: list[Plan], rows: Any, from_us: int, to_us: int) -> Any:
    """The fixes and events of some rows in a short span, in no order."""
    fleet = world.fleet
    row, slot = slots(world, plans, rows, from_us, to_us)
    at_us = slot * (STEP_S * SECOND_US) + fleet.phase_s[row].astype(np.int64) * SECOND_US
    routine = locate(fleet, row, at_us)
    x, y, speed, heading, still = routine
    accuracy, error = np.full(len(row), np.nan), np.full(len(row), np.nan)
    over = overlay(plans, row, at_us)
    x[over.at], y[over.at], speed[over.at], heading[over.at] = over.x, over.y, over.speed_mps, over.heading_deg
    still[over.at], accuracy[over.at], error[over.at] = False, over.accuracy_m, over.error_m
    said = report(fleet, row, at_us, (x, y), still, (accuracy, error))
    charge = battery(fleet, row, at_us)
    made = np.zeros(len(row), REPORT)
    made["row"], made["tag"], made["fix_at_us"], made["seq"] = row, fleet.tag[row], at_us, slot
    lon, lat = fleet.degrees(row, said.x, said.y)
    made["lon"], made["lat"] = np.round(lon, 6), np.round(lat, 6)
    made["accuracy_m"], made["source"], made["hdop"] = said.accuracy_m, said.source, said.hdop
    made["satellites"], made["battery_pct"] = said.satellites, charge.percent
    made["speed_mps"], made["heading_deg"] = np.round(speed, 1), np.round(heading)
    made["upload_us"] = upload_us(world, plans, row, slot, at_us)
    return np.concatenate([made[said.heard], *_events(fleet, made, charge)])


def upload_us(world: Town, plans: list[Plan], row: Any, slot: Any, at_us: Any) -> I64:
    """When the gateway has each (n,) report: never before it was taken, and in the order a tag took them.

    ``plans`` must hold every plan of these rows from now until ``COLLECT_S`` later.
    """
    fleet = world.fleet
    batch = fleet.batch[row].astype(np.int64)
    wait = (batch - 1) - (slot // 4 + row) % batch  # minutes until the tag's own time to upload; row spreads tags out
    sent = (slot // 4 + wait) * MINUTE_S * SECOND_US + fleet.phase_s[row].astype(np.int64) * SECOND_US
    root = bits(fleet.key[row], Draw.OUTAGE, sent // _HOUR_US)
    length_us = (OUTAGE_S[0] + (OUTAGE_S[1] - OUTAGE_S[0]) * unit(root, 1)) * SECOND_US
    lost_us = sent // _HOUR_US * _HOUR_US + unit(root, 2) * (_HOUR_US - length_us)
    lost = (unit(root, 0) < OUTAGE_SHARE) & (sent >= lost_us) & (sent < lost_us + length_us)
    sent = np.where(lost, lost_us + length_us, sent).astype(np.int64)
    order = np.argsort(row, kind="stable")
    ordered = row[order]
    for plan in plans:
        low, high = np.searchsorted(ordered, [plan.row, plan.row + 1])
        own = order[low:high]
        begin_us, end_us = plan.prompt_us
        prompt = own[(at_us[own] >= begin_us) & (at_us[own] < end_us)]
        called = own[(at_us[own] < begin_us) & (sent[own] >= begin_us)]
        sent[prompt], sent[called] = at_us[prompt], begin_us
        from_us, to_us = plan.held_us
        silent = own[(sent[own] >= from_us) & (sent[own] < to_us)]
        sent[silent] = to_us
    latency_s = LATENCY_S[0] + (LATENCY_S[1] - LATENCY_S[0]) * unit(fleet.key[row], Draw.LATENCY)
    return np.asarray(sent + (latency_s * 1000).astype(np.int64) * 1000)


def _events(fleet: Fleet, made: Any, charge: Any) -> list[Any]:
    """Battery events: what differs from a minute before, reported with the fix of the minute."""
    on_minute = np.flatnonzero(made["seq"] % 4 == 0)
    row, at_us = made["row"][on_minute].astype(np.int64), made["fix_at_us"][on_minute]
    before = battery(fleet, row, at_us - MINUTE_S * SECOND_US)
    now_pct, now_charging = charge.percent[on_minute], charge.charging[on_minute]
    changes = [
        ("charging", before.charging, now_charging),
        ("battery_low", before.percent <= LOW_PCT, now_pct <= LOW_PCT),
        ("battery_critical", before.percent <= CRITICAL_PCT, now_pct <= CRITICAL_PCT),
    ]
    found = []
    for word, was, now in changes:
        for name, changed in ((word, now & ~was), (f"{word}_clear", was & ~now)):
            events = made[on_minute[changed]]
            events["event"] = EVENTS.index(name)
            found.append(events)
    return found
