"""Turns what the lanes, the duties and the synthetic wearers leave in the database into checks, and what fails into an alert.

The watch lane (DESIGN.md section 3.10). A look is one transaction that locks the lane's one row and keeps there all that the next
look needs, so that any instance may take the next one, and an instance that was frozen has nothing to write when it wakes.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from duties import outages
from model.alert import Kind
from model.instant import SECOND_US, from_us
from store import feed, incidents, watch
from store.headroom import Headroom
from store.pool import Store
from store.watch import Check, LaneRow, Readings

EVERY_S: Final = 2.0
BEHIND_S: Final = 60.0  # DESIGN.md section 3.4
STILL_S: Final = 30.0  # an idle lane commits its clock every 5 s, a lane that moves to another worker takes up to 20
STARTING_S: Final = 60.0  # a lane that has never committed may take this long from the start of all; then nobody takes it
ASLEEP_S: Final = 30.0  # nobody looked for this long: what was remembered of before says nothing of now
FAILING_S: Final = 30.0  # a duty that fails for less is only trying again
NAMED: Final = 6  # lanes listed one by one in a sentence
STEADY_S: Final = 10.0  # well for this long before it is called over, so that nothing flaps

STARTING: Final = "starting"
DEAD_MAN: Final = "dead-man"  # the duty, and the check of it

# What may leave people unwatched. The other checks fail the readiness, and wake nobody.
BLIND: Final = frozenset({"lanes", "progress", "synthetic"})


class Limits(NamedTuple):
    """What an instance is watched by."""

    synthetic_s: float = 60.0  # between two crossings of the synthetic wearers; 0: there are none
    late_s: float = 20.0  # from a crossing's fix to its alert on the feed


class Memory(NamedTuple):
    """What a look remembers for the next; kept as JSON."""

    looked_us: int = 0
    since_us: int = 0  # looks have followed each other since then
    commits: dict[str, list[int]] = {}  # noqa: RUF012 (never changed) by lane: number of the last commit, and when it was new
    alert: int | None = None  # the alert raised, while it is active
    said: list[str] = []  # noqa: RUF012 (never changed) names of the checks that it has told of
    well_us: int | None = None  # since when all is well again


def moved_on(readings: Readings, before: Memory) -> Memory:
    """What is remembered of the lanes and of our own looking, brought up to date."""
    now_us = readings.now_us
    slept = now_us - before.looked_us > ASLEEP_S * SECOND_US
    commits = {}
    for lane in readings.lanes:
        number, at_us = before.commits.get(str(lane.partition), [-1, 0])
        fresh = slept or number != lane.commit_no
        commits[str(lane.partition)] = [lane.commit_no, now_us if fresh else at_us]
    return before._replace(looked_us=now_us, since_us=now_us if slept else before.since_us, commits=commits)


def checks(readings: Readings, memory: Memory, limits: Limits) -> list[Check]:
    """What must be so, and whether it is; ``memory`` is up to date."""
    return [
        _lanes(readings, memory),
        _check("progress", _progress(readings, memory)),
        _check("synthetic", _synthetic(readings, memory, limits)) if limits.synthetic_s else _SYNTHETIC_OFF,
        _check("storage", _storage(readings.headroom)) if readings.headroom else _STORAGE_OFF,
        _check("duties", _duties(readings, memory)),
        _check("channels", _channels(readings)) if readings.channels else _CHANNELS_OFF,
        _check(DEAD_MAN, _duties(readings, memory, DEAD_MAN)) if _pings(readings) else _DEAD_MAN_OFF,
    ]


_WELL: Final = {
    "lanes": "every lane judges",
    "progress": "every lane commits",
    "synthetic": "every lane's last synthetic alert was seen in time",
    "storage": "there is room",
    "duties": "every duty is done",
    "channels": "every channel delivers",
    DEAD_MAN: "the dead-man's switch answers",
}
_DEAD_MAN_OFF: Final = Check(DEAD_MAN, "off", "no dead-man's switch: CORDON_DEADMAN_URL is empty")
_SYNTHETIC_OFF: Final = Check("synthetic", "off", "no synthetic wearers: CORDON_SYNTHETIC_S is 0")


_CHANNELS_OFF: Final = Check("channels", "off", "nobody is told outside: there is no channel")
_STORAGE_OFF: Final = Check("storage", "off", "no disk is watched: CORDON_STORAGE_BYTES is 0")


def _check(name: str, wrong: Iterable[str]) -> Check:
    sentences = list(wrong)
    return Check(name, "failing" if sentences else "ok", "; ".join(sentences) or _WELL[name])


def _lanes(readings: Readings, memory: Memory) -> Check:
    """Whether every lane judges; one that never has is starting, until all have had the time for it."""
    never = len(set(range(readings.topics)) - {lane.partition for lane in readings.lanes})
    begun = [lane for lane in readings.lanes if lane.commit_no or (lane.owner and not _behind(lane, readings))]
    starting = len(readings.lanes) - len(begun) + never
    if (begun and not starting) or readings.now_us - memory.since_us > STARTING_S * SECOND_US:
        return _check("lanes", _not_judging(readings, readings.lanes, never))
    wrong = list(_not_judging(readings, begun, 0)) if begun else []
    return _check("lanes", wrong) if wrong else Check("lanes", STARTING, f"{starting or 'all'} of the lanes are starting")


def _behind(lane: LaneRow, readings: Readings) -> bool:
    return readings.now_us - lane.watermark_us > BEHIND_S * SECOND_US


def _not_judging(readings: Readings, lanes: Sequence[LaneRow], never: int) -> Iterable[str]:
    if not lanes:
        yield "no worker has ever run"
    elif never:
        yield f"no worker ever owned {never} of {readings.topics} lanes"
    lost = [lane.partition for lane in lanes if not lane.owner]
    if lost:
        yield f"no worker owns {_named(lost, readings)}"
    owned = [lane for lane in lanes if lane.owner and _behind(lane, readings)]
    unjudged = [lane.partition for lane in owned if not lane.watermark_us]
    if unjudged:
        yield f"nothing judged yet in {_named(unjudged, readings)}"
    behind = [lane for lane in owned if lane.watermark_us]
    if behind:
        as_of_us = min(lane.watermark_us for lane in behind)
        yield f"judging as of {_clock(as_of_us)} in {_named([lane.partition for lane in behind], readings)}"


def _progress(readings: Readings, memory: Memory) -> Iterable[str]:
    since_us = {lane.partition: memory.commits[str(lane.partition)][1] for lane in readings.lanes}
    still = [lane for lane, at_us in since_us.items() if readings.now_us - at_us > STILL_S * SECOND_US]
    if still:
        since = _clock(min(since_us[lane] for lane in still))
        yield f"nothing committed since {since} in {_named(still, readings)}: see the worker's log"


def _synthetic(readings: Readings, memory: Memory, limits: Limits) -> Iterable[str]:
    late_us = int(limits.late_s * SECOND_US)
    # While nobody looked, nobody sent either: what was sent before may have been cut off with us.
    waiting_us = {
        crossing.lane: max(crossing.waiting_us, memory.since_us)
        for crossing in readings.crossings
        if crossing.waiting_us is not None
    }
    late = [lane for lane, at_us in waiting_us.items() if readings.now_us - at_us > late_us]
    if late:
        errors = sorted({crossing.error for crossing in readings.crossings if crossing.lane in late and crossing.error})
        why = f" ({'; '.join(errors)})" if errors else ""
        at_us = min(waiting_us[lane] for lane in late)
        yield f"the synthetic alert of {_clock(at_us)} has not come in {_named(late, readings)}{why}"
    sent_us = max([crossing.sent_us for crossing in readings.crossings], default=0)
    if readings.now_us - max(sent_us, memory.since_us) > 2 * (limits.synthetic_s * SECOND_US + late_us):
        yield (
            f"no synthetic wearer has been sent out since {_clock(sent_us)}"
            if sent_us
            else "no synthetic wearer was sent out yet"
        )


def _named(some: Sequence[int], readings: Readings) -> str:
    """Which lanes, in as few words as say it."""
    if len(some) == len(readings.lanes) > 1:
        return "every lane"
    if len(some) > NAMED:
        return f"{len(some)} of {len(readings.lanes)} lanes"
    return f"lane{'s' if len(some) > 1 else ''} {', '.join(map(str, sorted(some)))}"


def _storage(found: Headroom) -> Iterable[str]:
    if not found.low:
        return
    free = f"{found.free_bytes / 1e9:.1f} GB free"
    if found.days_left is None:
        yield f"{free} are too little to rewrite a day beside itself"
    else:
        yield f"{free} will do for {found.days_left:.0f} days at {found.growth_bytes / 1e9:.2f} GB a day"


def _channels(readings: Readings) -> Iterable[str]:
    """By their numbers: a name may be a person's."""
    silent = [channel for channel in readings.channels if channel.since_us is not None]
    if silent:
        since = _clock(min(channel.since_us or 0 for channel in silent))
        names = ", ".join(str(channel.id) for channel in silent[:NAMED]) + (" and others" if len(silent) > NAMED else "")
        yield f"messages do not get through channel{'s' if len(silent) > 1 else ''} {names} since {since}"


def _pings(readings: Readings) -> bool:
    return any(duty.name == DEAD_MAN for duty in readings.duties)


def _duties(readings: Readings, memory: Memory, only: str = "") -> Iterable[str]:
    """Those not done; the dead-man's switch apart, which is to be asked while nothing else is wrong."""
    for duty in readings.duties:
        if (duty.name == DEAD_MAN) != (only == DEAD_MAN):
            continue
        failing_us, done_us = duty.failing_since_us, max(duty.done_us or 0, memory.since_us)
        if failing_us is not None and readings.now_us - failing_us > FAILING_S * SECOND_US:
            yield f"duty {duty.name} fails since {_clock(failing_us)} ({duty.error})"
        elif readings.now_us - done_us > (3 * duty.every_s + BEHIND_S) * SECOND_US:
            yield f"duty {duty.name} has not been done since {_clock(done_us)}"


def _clock(us: int) -> str:
    return f"{from_us(us):%H:%M:%S} UTC"


async def look(store: Store, owner: str, limits: Limits) -> dict[str, object] | None:
    """Look once, unless somebody else is at it; what it raised or ended, None where that is nothing."""
    async with feed.edit(store) as change:
        kept = await watch.turn(change)
        if kept is None:
            return None
        readings = await watch.read(change.connection)
        memory = moved_on(readings, Memory(**{name: kept[name] for name in Memory._fields if name in kept}))
        found = checks(readings, memory, limits)
        did, memory = await _tell(change, found, memory)
        if all(check.state == "ok" for check in found if check.name in {"lanes", "progress"}):  # else what they say may be old
            overdue = [outages.overdue(tag) for tag in readings.said.overdue]
            did = (did or {}) | await outages.look(change, readings.said.worn, overdue, readings.now_us) or None
        await watch.write(change, owner, _kept(memory), found, readings.now_us)
    return did


def _kept(memory: Memory) -> dict[str, Any]:
    return memory._asdict()


async def _tell(change: feed.Edit, found: list[Check], memory: Memory) -> tuple[dict[str, object] | None, Memory]:
    """Raise the alert, add to it, or end it."""
    failing = [check for check in found if check.name in BLIND and check.state == "failing"]
    now_us = memory.looked_us
    if failing:
        memory = memory._replace(well_us=None)
        names = [check.name for check in failing]
        news = "; ".join(check.text for check in failing if check.name not in memory.said)
        if memory.alert is None:
            alert = await incidents.raise_(change, Kind.MONITORING_DOWN, "", f"Monitoring is down: {news}.", now_us)
            return {"raised": alert, "checks": names}, memory._replace(alert=alert, said=names)
        if news:
            await incidents.amend(change, memory.alert, f"Also: {news}.", now_us)
            return {"amended": memory.alert, "checks": names}, memory._replace(said=sorted({*memory.said, *names}))
        return None, memory
    if memory.alert is None or any(check.state == STARTING for check in found):
        return None, memory
    well_us = memory.well_us or now_us
    if now_us - well_us < STEADY_S * SECOND_US:
        return None, memory._replace(well_us=well_us)
    await incidents.end(change, memory.alert, "Monitoring works again: every lane judges and is caught up.", well_us)
    return {"ended": memory.alert}, memory._replace(alert=None, said=[], well_us=None)
