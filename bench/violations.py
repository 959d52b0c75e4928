"""Turns (wearer, cycle of time) into a planned excursion to one of their zones, with the times it is truly inside.

A plan is drawn from (seed, wearer, cycle) and leaves from and comes back to the wearer's routine, so it too can be asked for at
any instant. Its way is straight pieces walked or driven at steady speed. Nothing else of a wearer's life comes near a zone.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Any, Final, NamedTuple

import numpy as np

from bench.chance import F64, Draw, between, bits, unit
from bench.fleet import I64
from bench.receiver import WORST
from bench.routine import locate
from bench.shape import signed_distance
from bench.zones import MARGIN_M, RAISE_M, Zone, Zones

SECOND_US: Final = 1_000_000

DRIVE_MPS: Final = 14.0
WALK_MPS: Final = 1.5
STAGE_M: Final = 120.0  # people get out this far before the edge and walk the rest
REACH_M: Final = 10_000.0  # no plan drives farther in one go

BRUSH_ACCURACY_M: Final = 20.0
BRUSH_ERROR_M: Final = 10.0  # a cautious receiver: its 95 % radius is really this
BRUSH_AT_M: Final = 6.0  # outside the edge: 6 +- 12 m is within 20 m of it at every fix, and never 20 m inside
NEAR_ACCURACY_M: Final = 12.0
NEAR_AT_M: Final = 35.0  # outside: at least 35 - 14.4 m is more than 12 m, so outside is certain at every fix
AGAIN_S: Final = 750.0  # out for this long before going in again; over 10 min is a new occurrence (DOMAIN.md)
HELD_S: Final = (45.0, 480.0)  # a late tag falls silent so long before it is inside, and is heard again so long after
THROUGH_BOUND_M: Final = 350.0  # only so small a zone can be driven through between two fixes a minute apart
THROUGH_CLEAR_M: Final = 160.0  # both fixes are this far outside its bound

SPAN_S: Final = 3000.0  # a plan is over by then ...
SPAN_AGAIN_S: Final = 4300.0  # ... or, with a second entry, by then; one that would not be is not begun

# The demo: a plan begins this often, in turn through those who take part.
DEMO_EVERY_S: Final = 105.0
DEMO_THROUGH_BOUND_M: Final = 600.0  # 27 m/s through its largest zone: on so few wearers' zones a turn must not be lost
_DEMO_GUESTS: Final = 6  # wearers without a zone of their own who go to a shared one
# Elsewhere: this share of wearers does one on any day, which is about what a real caseload does.
DAILY_SHARE: Final = 0.03


class Story(Enum):
    """What a plan does, and what must come of it."""

    ENTER = "enter", "definite"  # walks in, stays, walks out
    LATE = "late", "definite"  # the same, but the tag is out of contact until some minutes after
    AGAIN = "again", "definite"  # goes in a second time after more than ten minutes outside
    BRUSH = "brush", "possible"  # stands at the edge: within accuracy of it, never certainly inside
    NEAR = "near", "none"  # stands outside by more than the accuracy: nothing to say
    THROUGH = "through", "crossed"  # drives through between two fixes

    @property
    def word(self) -> str:
        """Its name in files."""
        return str(self.value[0])

    @property
    def kind(self) -> str:
        """What a judge must say: definite, possible, crossed, none."""
        return str(self.value[1])


_STORIES: Final = (Story.ENTER, Story.LATE, Story.AGAIN, Story.BRUSH, Story.NEAR, Story.THROUGH)
_UPTO: Final = np.cumsum([0.40, 0.08, 0.10, 0.16, 0.14, 0.12])
# The demo's take turns, so that each is begun every quarter of an hour, and those that may be given up (too near to another zone)
# twice; 9 and 46 wearers have no common factor, so everybody does all of them.
_TURNS: Final = (
    *(Story.ENTER, Story.THROUGH, Story.BRUSH, Story.AGAIN, Story.ENTER, Story.THROUGH, Story.BRUSH, Story.LATE),
    Story.NEAR,
)


class Plan(NamedTuple):
    """One excursion. Times are microseconds since 1970 UTC, positions metres about the wearer's home."""

    row: int
    story: Story
    zone: Zone
    at_us: I64  # (k,) when each corner of the way is reached, ascending; the first is when it leaves the routine
    x: F64  # (k,)
    y: F64  # (k,)
    accuracy_m: float  # what the tag reports meanwhile
    error_m: float  # the 95 % radius its error really has
    spells: tuple[tuple[int, int], ...]  # truly inside (brush, near: standing at the edge), [from, to]
    prompt_us: tuple[int, int]  # the tag uploads each fix at once
    held_us: tuple[int, int]  # the tag cannot upload; (0, 0) for never

    @property
    def begin_us(self) -> int:
        """Leaves the routine."""
        return int(self.at_us[0])

    @property
    def end_us(self) -> int:
        """Back in the routine."""
        return int(self.at_us[-1])

    @property
    def alarmed_us(self) -> tuple[tuple[int, int], ...]:
        """When the tag knows itself inside and reports more often; driving through is over before it does."""
        return self.spells if self.story.kind == "definite" else ()


class Plans:
    """All plans of a fleet, made when asked for and kept while recent."""

    def __init__(self, zones: Zones) -> None:
        self.zones = zones
        fleet = zones.fleet
        if fleet.demo:
            self.rows = np.concatenate([zones.owners, _guests(zones)])
            self.cycle_us = int(DEMO_EVERY_S * SECOND_US) * len(self.rows)
            self._offset_us = np.arange(len(self.rows)) * int(DEMO_EVERY_S * SECOND_US)
            self._spread_us, self._share = 30.0 * SECOND_US, 1.0
        else:
            self.rows = np.arange(fleet.size)
            self.cycle_us = 86_400 * SECOND_US
            self._offset_us = np.zeros(len(self.rows), np.int64)
            self._spread_us, self._share = (86_400 - SPAN_AGAIN_S) * SECOND_US, DAILY_SHARE
        if self.cycle_us < (SPAN_AGAIN_S + 60) * SECOND_US:  # a demo of very few wearers goes round more slowly
            self.cycle_us = int((SPAN_AGAIN_S + 60) * SECOND_US)
        self._made: dict[tuple[int, int], Plan | None] = {}

    def overlapping(self, from_us: int, to_us: int) -> list[Plan]:
        """Every plan with a moment in [from_us, to_us), by when it begins."""
        first = (from_us - int(SPAN_AGAIN_S * SECOND_US) - self._offset_us) // self.cycle_us
        last = (to_us - self._offset_us) // self.cycle_us
        wanted: list[tuple[int, int, int, int]] = []
        place = np.arange(len(self.rows))
        for ahead in range(int((last - first).max()) + 1):
            cycle = first + ahead
            root = bits(self.zones.fleet.key[self.rows], Draw.PLAN, cycle)
            begin = cycle * self.cycle_us + self._offset_us + (self._spread_us * unit(root, 0)).astype(np.int64)
            begin -= begin % SECOND_US
            span_us = int(SPAN_AGAIN_S * SECOND_US)
            chosen = (cycle <= last) & (unit(root, 1) < self._share) & (begin < to_us) & (begin + span_us > from_us)
            turn = cycle * len(self.rows) + place
            columns = (self.rows, cycle, begin, turn)
            wanted.extend(zip(*(column[chosen].tolist() for column in columns), strict=True))
        self._make([one for one in wanted if one[:2] not in self._made])
        plans = [plan for one in wanted if (plan := self._made[one[:2]]) is not None]
        return sorted((p for p in plans if p.begin_us < to_us and p.end_us > from_us), key=lambda p: (p.begin_us, p.row))

    def _make(self, new: list[tuple[int, int, int, int]]) -> None:
        if not new:
            return
        if len(self._made) > 50_000:
            self._made.clear()
        rows = np.array([row for row, _, _, _ in new])
        begin = np.array([at for _, _, at, _ in new])
        self.zones.sites(rows.tolist())
        start = locate(self.zones.fleet, rows, begin)
        for at, (row, cycle, begin_us, turn) in enumerate(new):
            draw = _Drawn(self.zones, row, cycle, begin_us, np.array([start.x[at], start.y[at]]))
            if self.zones.fleet.demo:
                draw.story = _TURNS[turn % len(_TURNS)]
            self._made[row, cycle] = draw.plan()


def _guests(zones: Zones) -> I64:
    """Wearers without a zone of their own who live nearest to a shared one."""
    others = np.setdiff1d(np.arange(zones.fleet.size), zones.owners)
    if not len(others):
        return others
    away = [np.hypot(*zones.fleet.metres(others, zone.x, zone.y)) for zone in zones.shared]
    return np.sort(others[np.argsort(np.min(away, axis=0), kind="stable")[:_DEMO_GUESTS]])


class _Drawn:
    """One plan while it is worked out."""

    def __init__(self, zones: Zones, row: int, cycle: int, begin_us: int, start: F64) -> None:
        self.zones, self.row, self.begin_us, self.start = zones, row, begin_us, start
        self.root = bits(zones.fleet.key[row], Draw.PLAN_KIND, cycle)[0]
        self.story = _STORIES[min(int(np.searchsorted(_UPTO, unit(self.root, 0)[0], side="right")), len(_STORIES) - 1)]
        self.knots: list[tuple[float, float, float]] = [(0.0, float(start[0]), float(start[1]))]  # seconds, x, y

    def plan(self) -> Plan | None:
        """The plan, or None where it would come too near to another zone, or not be back in time."""
        others = self._choose()
        if not others:
            return None
        self.centre, self.bound, number = others.pop(0)
        self.zone = self.zones.shared[-1 - number] if number < 0 else self.zones.zone(self.row, number)
        widest_m = DEMO_THROUGH_BOUND_M if self.zones.fleet.demo else THROUGH_BOUND_M
        if self.story is Story.THROUGH and self.bound > widest_m:
            self.story = Story.ENTER
        span_s = SPAN_AGAIN_S if self.story is Story.AGAIN else SPAN_S
        self.end_us = self.begin_us + int(span_s * SECOND_US)
        home = locate(self.zones.fleet, np.array([self.row]), np.array([self.end_us]))
        self.goal = np.array([home.x[0], home.y[0]])
        if max(np.hypot(*(self.start - self.centre)), np.hypot(*(self.goal - self.centre))) > REACH_M:
            return None
        if self.story is Story.THROUGH:
            self._through()
        elif self.story in {Story.BRUSH, Story.NEAR}:
            self._edge()
        else:
            self._enter()
        if self.knots[-1][0] > span_s or not self._clear(others):
            return None
        return self._finished(span_s)

    def _choose(self) -> list[tuple[F64, float, int]]:
        """Centre, bound and number of every zone for the wearer, the one to go to first; shared ones count from -1 down."""
        sites = self.zones.of(self.row)
        own = np.flatnonzero(sites.found).tolist()
        if own:
            turn = int(unit(self.root, Draw.PLAN_ZONE)[0] * len(own))
            own = own[turn:] + own[:turn]
        shared = [-1 - number for number in range(len(self.zones.shared))]
        if unit(self.root, Draw.PLAN_ZONE, 1)[0] < 0.5:
            shared.reverse()
        found = [(np.array([sites.x[number], sites.y[number]]), float(sites.bound_m[number]), number) for number in own]
        for number in shared:
            zone = self.zones.shared[-1 - number]
            found.append((np.array(self.zones.centre(zone, self.row)), zone.bound_m, number))
        # A wearer without a zone of their own goes to a shared one within reach, if there is one.
        return found if own else sorted(found, key=lambda one: float(np.hypot(*(self.start - one[0]))) > REACH_M)

    def _go(self, to: F64, speed_mps: float) -> None:
        t, x, y = self.knots[-1]
        self.knots.append((t + float(np.hypot(to[0] - x, to[1] - y)) / speed_mps, float(to[0]), float(to[1])))

    def _wait(self, seconds: float) -> None:
        t, x, y = self.knots[-1]
        self.knots.append((t + seconds, x, y))

    def _ray(self, towards: F64) -> tuple[F64, F64, F64]:
        """Unit vector from the centre towards a point, and signed distance to the edge each metre along it."""
        ray = (towards - self.centre) / np.hypot(*(towards - self.centre))
        along = np.arange(0, self.bound + STAGE_M, 1.0)
        return ray, along, signed_distance(self.zone.shape, along[:, None] * ray)

    def _edge_m(self, depth: F64, along: F64, at_m: float) -> float:
        """How far from the centre along a ray the last point nearer to the zone than ``at_m`` is."""
        return float(along[np.flatnonzero(depth <= at_m)[-1]]) + 1.0

    def _enter(self) -> None:
        ray, along, depth = self._ray(self.start)
        stage = self.centre + ray * (self._edge_m(depth, along, 0.0) + STAGE_M)
        self._go(stage, DRIVE_MPS)
        self.prompt_s = self.knots[-1][0]
        self._go(self.centre, WALK_MPS)
        self._wait(float(between(240, 420, self.root, Draw.PLAN_STAY)[0]))
        if self.story is Story.AGAIN:
            self._go(stage, WALK_MPS)
            self._wait(AGAIN_S)
            self._go(self.centre, WALK_MPS)
            self._wait(180.0)
        ray, along, depth = self._ray(self.goal)
        self._go(self.centre + ray * (self._edge_m(depth, along, 0.0) + STAGE_M), WALK_MPS)
        self.prompt_end_s = self.knots[-1][0] + 180
        self._go(self.goal, DRIVE_MPS)
        self.accuracy = self.error = float(np.round(between(6, 16, self.root, Draw.SKY)[0], 1))

    def _edge(self) -> None:
        brush = self.story is Story.BRUSH
        ray, along, depth = self._ray(self.start)
        self.stand = self._edge_m(depth, along, BRUSH_AT_M if brush else NEAR_AT_M)
        stage = self.centre + ray * (self._edge_m(depth, along, 0.0) + STAGE_M)
        self._go(stage, DRIVE_MPS)
        self.prompt_s = self.knots[-1][0]
        self._go(self.centre + ray * self.stand, WALK_MPS)
        arrived = self.knots[-1][0]
        self._wait(360.0 if brush else 180.0)
        self.stood = (arrived, self.knots[-1][0])
        self._go(stage, WALK_MPS)
        self.prompt_end_s = self.knots[-1][0] + 180
        self._go(self.start, DRIVE_MPS)
        self._go(self.goal, DRIVE_MPS)
        self.accuracy = BRUSH_ACCURACY_M if brush else NEAR_ACCURACY_M
        self.error = BRUSH_ERROR_M if brush else NEAR_ACCURACY_M

    def _through(self) -> None:
        """One fix before, one after, none inside: waits outside for its own report's second, then drives straight through."""
        ray, _, _ = self._ray(self.start)
        away = self.bound + THROUGH_CLEAR_M
        self._go(self.centre + ray * away, DRIVE_MPS)
        self.prompt_s = self.knots[-1][0]
        now_s = self.begin_us // SECOND_US + self.knots[-1][0]
        phase = int(self.zones.fleet.phase_s[self.row])
        self._wait(-((now_s - phase) % -60.0) + 2)  # two seconds past the next report
        self._go(self.centre - ray * away, 2 * away / 56.0)  # there two seconds before the one after
        self._wait(10.0)
        side = np.array([-ray[1], ray[0]])
        if side @ (self.goal - self.centre) < 0:
            side = -side
        self._go(self.centre + side * (away + 150), DRIVE_MPS)
        self.prompt_end_s = self.knots[-1][0] + 180
        self._go(self.goal, DRIVE_MPS)
        self.accuracy = self.error = float(np.round(between(6, 12, self.root, Draw.SKY)[0], 1))

    def _clear(self, others: list[tuple[F64, float, int]]) -> bool:
        """Whether the whole way keeps clear of all other zones, and the end of it of this one."""
        far = WORST * BRUSH_ACCURACY_M + RAISE_M + MARGIN_M
        way = np.array([(x, y) for _, x, y in self.knots])
        if any(_nearest_m(way, centre) < bound + far for centre, bound, _ in others):
            return False
        if self.story in {Story.BRUSH, Story.NEAR}:
            return _nearest_m(way[-2:], self.centre) > self.bound + far
        if self.story is Story.THROUGH:
            return _nearest_m(way[-3:], self.centre) > self.bound + 30 and _nearest_m(way[-2:], self.centre) > self.bound + far
        return True

    def _finished(self, span_s: float) -> Plan:
        self.knots.append((span_s, float(self.goal[0]), float(self.goal[1])))
        t_s, x, y = (np.array(column) for column in zip(*self.knots, strict=True))
        at_us = self.begin_us + np.round(t_s * SECOND_US).astype(np.int64)
        prompt = self._us(self.prompt_s), self._us(self.prompt_end_s)
        if self.story in {Story.BRUSH, Story.NEAR}:
            spells: tuple[tuple[int, int], ...] = ((self._us(self.stood[0]), self._us(self.stood[1])),)
        else:
            spells = self._spells(t_s, x, y)
        held = (0, 0)
        if self.story is Story.LATE:
            held = spells[0][0] - int(HELD_S[0] * SECOND_US), spells[0][0] + int(HELD_S[1] * SECOND_US)
        return Plan(self.row, self.story, self.zone, at_us, x, y, self.accuracy, self.error, spells, prompt, held)

    def _us(self, seconds: float) -> int:
        return self.begin_us + int(seconds * SECOND_US)

    def _spells(self, t_s: F64, x: F64, y: F64) -> tuple[tuple[int, int], ...]:
        """When the way is inside, to a second; less than ten minutes outside does not part two spells."""
        clock = np.arange(t_s[0], t_s[-1], 1.0)
        points = np.stack([np.interp(clock, t_s, x), np.interp(clock, t_s, y)], axis=1) - self.centre
        close = np.flatnonzero(np.hypot(points[:, 0], points[:, 1]) <= self.bound)
        inside = clock[close[signed_distance(self.zone.shape, points[close]) <= 0]]
        breaks = np.flatnonzero(np.diff(inside) > 600)
        starts = inside[np.concatenate([[0], breaks + 1])]
        ends = inside[np.concatenate([breaks, [len(inside) - 1]])]
        return tuple((self._us(float(a)), self._us(float(b))) for a, b in zip(starts, ends, strict=True))


def _nearest_m(way: F64, point: F64) -> float:
    """Metres from a point to a way of straight pieces (k, 2)."""
    step = np.diff(way, axis=0)
    rel = point - way[:-1]
    share = np.clip((rel * step).sum(axis=1) / np.maximum((step**2).sum(axis=1), 1e-9), 0, 1)
    return float(np.hypot(*(rel - share[:, None] * step).T).min())


class Overlay(NamedTuple):
    """Where plans put wearers instead of their routine: rows of the asked arrays, and what they are there."""

    at: I64  # (m,) rows of the arrays that were asked about
    x: F64
    y: F64
    speed_mps: F64
    heading_deg: F64  # NaN while standing
    accuracy_m: F64  # to report
    error_m: F64  # the 95 % radius the error really has


def overlay(plans: Iterable[Plan], rows: Any, t_us: Any) -> Overlay:
    """Which of (row, instant) pairs (n,) fall into a plan, and where it has the wearer then.

    Parameters
    ----------
    rows, t_us : (n,) int64, in any order.
    """
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    parts: list[tuple[Any, ...]] = []
    for plan in plans:
        low, high = np.searchsorted(ordered, [plan.row, plan.row + 1])
        at = order[low:high]
        at = at[(t_us[at] >= plan.begin_us) & (t_us[at] < plan.end_us)]
        if not len(at):
            continue
        when = t_us[at]
        piece = np.searchsorted(plan.at_us, when, side="right") - 1
        length_s = np.diff(plan.at_us)[piece] / 1e6
        dx, dy = np.diff(plan.x)[piece], np.diff(plan.y)[piece]
        share = (when - plan.at_us[piece]) / 1e6 / length_s
        speed = np.hypot(dx, dy) / length_s
        heading = np.where(speed > 0, np.degrees(np.arctan2(dx, dy)) % 360, np.nan)
        x, y = plan.x[piece] + share * dx, plan.y[piece] + share * dy
        parts.append((at, x, y, speed, heading, np.full(len(at), plan.accuracy_m), np.full(len(at), plan.error_m)))
    if not parts:
        none = np.zeros(0)
        return Overlay(np.zeros(0, np.int64), *[none] * 6)
    return Overlay(*(np.concatenate(column) for column in zip(*parts, strict=True)))
