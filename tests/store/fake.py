"""A judge simple enough to be right by reading it, yet with a memory: what the commit's tests judge by.

A tag is inside zone 1 while its newest fix lies at lon >= 0. Entering opens an occurrence, leaving ends it, entering again within
ten minutes resumes it. The wearer has the tag's number. Fixes older than the newest are stored and judged by nothing.
"""

import math
from collections.abc import Iterable

import numpy as np

from model.alert import Change, Confidence, Judged, Kind, Op
from model.arrays import Array
from model.batch import Batch
from model.fix import Flag, empty_fixes
from model.history import NO_HISTORY, History, Window
from model.instant import MINUTE_US
from model.state import PAIR, State
from tests.rows import sorted_fixes

ZONE = 1
START_US = 1_774_000_000_000_000  # 2026-03-20


def fix(tag: int, at_s: float, lon: float = -1.0, **fields: float) -> Array:
    """A (1,) FIX ``at_s`` seconds after the tests' beginning."""
    row = empty_fixes(1)
    row["tag"], row["lon"], row["lat"] = tag, lon, 51.5
    row["fix_at_us"] = row["received_us"] = START_US + int(at_s * 1_000_000)
    row["accuracy_m"] = 5.0
    for name, value in fields.items():
        row[name] = value
    return row


def batch_of(*fixes: Array, events: Array | None = None, **rest: object) -> Batch:
    """The fixes in the order given, received together."""
    from model.event import EVENT

    rows = np.concatenate(fixes) if fixes else empty_fixes()
    received = int(rows["received_us"].max()) if len(rows) else START_US
    return Batch(rows, np.zeros(0, EVENT) if events is None else events, "gw-1", received)._replace(**rest)


def doubtful(state: State, fixes: Array) -> Array:
    """Fixes not newer than the newest known of their tag, or not alone at their instant."""
    at = fixes[["tag", "fix_at_us"]].tolist()
    old = [row["fix_at_us"] <= newest(state, int(row["tag"])) for row in fixes]
    return np.array([is_old or at.count(one) > 1 for one, is_old in zip(at, old, strict=True)], bool)


def newest(state: State, tag: int) -> int:
    record = state.peek(tag)
    return 0 if record is None else int(record["newest_us"])


def windows(fixes: Array, doubted: Array, _: Array) -> list[Window]:
    """Five minutes around every doubtful fix; none for those that the tests do not call late."""
    fixes = fixes[doubted]
    late = fixes[fixes["received_us"] - fixes["fix_at_us"] > 5 * MINUTE_US]
    return [Window(int(row["tag"]), int(row["fix_at_us"]) - 5 * MINUTE_US, int(row["fix_at_us"]) + 5 * MINUTE_US) for row in late]


def judge(state: State, batch: Batch, now_us: int, _: History = NO_HISTORY) -> Judged:
    """Judge the batch as this module says."""
    fixes = sorted_fixes(batch.fixes)
    changes = []
    for row in fixes:
        tag = int(row["tag"])
        at = state.rows(np.array([tag]))[0]
        if row["fix_at_us"] <= state.tags[at]["newest_us"]:
            row["flags"] |= Flag.DISORDERED
            continue
        state.tags[at]["newest_us"] = row["fix_at_us"]
        state.tags[at]["contact_us"] = row["received_us"]
        state.tags[at]["last"] = row
        changes += _step(state, tag, row, now_us)
    for tag in batch.events["tag"].tolist():
        state.rows(np.array([tag]))
    state.watermark_us = now_us
    return Judged(fixes, tuple(changes), empty_fixes())


def _step(state: State, tag: int, row: Array, now_us: int) -> Iterable[Change]:
    inside = bool(row["lon"] >= 0)
    pair = state.pairs.get(tag, ZONE)
    at_us = int(row["fix_at_us"])
    if inside and (pair is None or (pair["ended_us"][0] and at_us - pair["ended_us"][0] > 10 * MINUTE_US)):
        pair = np.zeros(1, PAIR)
        pair["tag"], pair["zone"], pair["occurrence_us"], pair["detected_us"] = tag, ZONE, at_us, now_us
        op = Op.OPEN
    elif inside and pair is not None and pair["ended_us"][0]:
        pair["ended_us"] = 0
        op = Op.RESUME
    elif not inside and pair is not None and not pair["ended_us"][0]:
        pair["ended_us"] = at_us
        op = Op.END
    else:
        return
    state.put(state.pairs, pair)
    yield change(
        op, tag, int(pair["occurrence_us"][0]), now_us, ended_us=int(pair["ended_us"][0]) or None, evidence=row.reshape(1).copy()
    )


def change(op: Op, tag: int, occurrence_us: int, now_us: int, **fields: object) -> Change:
    """A change of an exclusion, definite, P1, unless ``fields`` say otherwise."""
    made = Change(
        op=op,
        wearer=tag,
        tag=tag,
        zone=ZONE,
        occurrence_us=occurrence_us,
        kind=Kind.EXCLUSION,
        severity=1,
        confidence=Confidence.DEFINITE,
        late=False,
        event_at_us=occurrence_us,
        detected_us=now_us,
        ended_us=None,
        zone_version=1,
        order=1,
        due_acknowledge_us=now_us + 2 * MINUTE_US,
        due_contact_us=None,
        due_decision_us=None,
        changed_us=now_us,
        reason="the centre is inside",
        evidence=empty_fixes(),
        distance_m=math.nan,
    )
    return made._replace(**fields)
