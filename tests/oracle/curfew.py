"""A curfew watched by somebody with a clock who looks every half minute: slow, obvious, and nothing of ours.

Everything happens at a whole half minute and is received as it is taken, unless ``contacts`` say when. One order, home and tag.
"""

from dataclasses import dataclass, field

TICK_S = 30
MINUTE_S = 60

INSIDE, POSSIBLE, OUTSIDE, AFAR = "inside", "possible", "outside", "afar"  # the last: no beacon is heard there
FIXES = (INSIDE, POSSIBLE, OUTSIDE, AFAR)


@dataclass
class Told:
    """One alert as it stands when everything is over."""

    kind: str
    event_s: int
    detected_s: int
    ended_s: int | None = None
    severity: int = 3
    away_s: int = 0
    times: int = 1
    since_s: int = 0  # of the present stretch


@dataclass
class Watcher:
    """Looks at a list of (second, what was heard), in order, and at whole windows (from, to, excused)."""

    heard: list[tuple[int, str]]
    grace_s: int
    told: list[Told] = field(default_factory=list)
    contacts: list[int] | None = None  # seconds at which anything was received

    def presence(self, at_s: int, window_s: int, *, now: bool) -> tuple[str, int]:
        """What is known at a second, and since when it is contradicted; ``now`` counts what is heard at that very second."""
        known = [(s, what) for s, what in self.heard if s < at_s or (now and s == at_s)]
        fixes, run, proofs, word, out_s = self._believed(known)
        contacts = [s for s, _ in self.heard] if self.contacts is None else self.contacts
        contact = any(s <= at_s <= s + 10 * MINUTE_S for s in contacts if s < at_s or now)
        if word == "in" and len(run) < 2 and contact:
            return "proven", 0
        last = fixes[-1] if fixes else (0, "")
        speaks = at_s - last[0] <= 10 * MINUTE_S
        # A fix inside from before the beacon went says nothing of those five minutes; one after it speaks first.
        gone = out_s is not None and at_s >= max(out_s + 5 * MINUTE_S, last[0] + 10 * MINUTE_S if last[0] >= out_s else 0)
        if last[1] == INSIDE and speaks and not gone:
            return "proven", 0
        since = []
        if len(run) >= 2 and last[0] + 10 * MINUTE_S >= window_s:
            since.append(run[0])
        if out_s is not None:
            inside = [s for s, what in fixes if what == INSIDE and s >= out_s]
            begin_s = inside[-1] + 10 * MINUTE_S if inside else out_s
            if at_s >= out_s + 5 * MINUTE_S and at_s >= begin_s:
                since.append(begin_s)
        if since:
            return "contradicted", min(since)
        if last[1] == POSSIBLE and speaks:
            return "consistent", 0
        outs = [s for s, what in fixes if what == OUTSIDE]
        proven_s = max(proofs, default=-1)
        if proven_s >= 0 and contact and not any(s >= proven_s for s in outs) and self._still(known, proven_s):
            return "consistent", 0
        return "unknown", 0

    @staticmethod
    def _believed(known: list[tuple[int, str]]) -> tuple[list[tuple[int, str]], list[int], list[int], str, int | None]:
        """The fixes that count, those outside in a row, what proves home, the beacon's last word, and since when it is out.

        One outside does not count while the beacon is in range: a position drifts. One from afar does, and two of them in a row
        belie the beacon. So long as its home unit is moved, it says nothing.
        """
        fixes: list[tuple[int, str]] = []
        run: list[int] = []
        proofs: list[int] = []
        word, out_s = "", None
        for s, what in known:
            if what == "beacon_in":
                word, out_s, run = "in", None, []
                proofs.append(s)
            elif what == "beacon_out":
                if word == "in" and not run:
                    proofs.append(s)
                out_s = s if word != "out" else out_s
                word = "out"
            elif what == "home_unit_moved" and word == "in":
                word = "moved"
            elif what == "home_unit_moved_clear" and word == "moved":
                word = "in"
            elif what in FIXES and not (what == OUTSIDE and word == "in" and len(run) < 2):
                run = [*run, s] if what in (OUTSIDE, AFAR) else []
                fixes.append((s, OUTSIDE if what == AFAR else what))
                if what == INSIDE:
                    proofs.append(s)
        return fixes, run, proofs, word, out_s

    @staticmethod
    def _still(known: list[tuple[int, str]], proven_s: int) -> bool:
        moved = max((s for s, what in known if what == "motion"), default=-1)
        still = max((s for s, what in known if what == "motion_clear"), default=-1)
        return moved <= still and moved <= proven_s

    def watch(self, windows: list[tuple[int, int, bool]], end_s: int) -> list[Told]:
        """Windows in order, apart; each with whether it is a whole one, to be told as such."""
        for from_s, to_s, whole in windows:
            self._window(from_s, min(to_s, end_s), whole=whole and to_s <= end_s, closes=to_s <= end_s)
        return self.told

    def _window(self, from_s: int, to_s: int, *, whole: bool, closes: bool) -> None:
        unknown_s: int | None = None
        for at_s in range(from_s, to_s + (not closes), TICK_S):
            for now in (False, True):  # what the clock makes of what was known, and then what is heard at that second
                state, since_s = self.presence(at_s, from_s, now=now)
                self._absence(state, max(since_s, from_s), at_s)
                if state == "unknown":
                    unknown_s = self._unknown_since(at_s, from_s, now) if unknown_s is None else unknown_s
                    self._unverified(unknown_s, at_s, now=now)
                else:
                    unknown_s = None
                    self._over("curfew_unverified", at_s)
        if closes:
            away = self._active("curfew_absence")
            if away is not None and whole and away.since_s == from_s:
                away.severity = 1
            self._over("curfew_absence", to_s)
            self._over("curfew_unverified", to_s)

    def _unknown_since(self, at_s: int, from_s: int, now: bool) -> int:
        """Known up to ten minutes after something, its end included: unknown from then on, half a minute before we see it."""
        return at_s if now or at_s == from_s else at_s - TICK_S

    def _active(self, kind: str) -> Told | None:
        return next((told for told in self.told if told.kind == kind and told.ended_s is None), None)

    def _over(self, kind: str, at_s: int) -> None:
        told = self._active(kind)
        if told is not None:
            told.ended_s = at_s
            told.away_s += at_s - told.since_s

    def _absence(self, state: str, since_s: int, at_s: int) -> None:
        told = self._active("curfew_absence")
        if state != "contradicted":
            self._over("curfew_absence", at_s)
            return
        # What has been told as over is not told twice.
        since_s = max([since_s, *(one.ended_s for one in self.told if one.kind == "curfew_absence" and one.ended_s is not None)])
        if told is None and at_s - since_s >= self.grace_s:
            told = self._begin("curfew_absence", since_s, at_s, 3)
        if told is not None and told.away_s + at_s - told.since_s >= 30 * MINUTE_S:
            told.severity = min(told.severity, 2)

    def _unverified(self, since_s: int, at_s: int, *, now: bool) -> None:
        known = self.heard[0][0] < at_s + now  # of whom nothing was ever heard nothing is said
        if known and self._active("curfew_unverified") is None and at_s - since_s >= 30 * MINUTE_S:
            self._begin("curfew_unverified", since_s, at_s, 2)

    def _begin(self, kind: str, since_s: int, at_s: int, severity: int) -> Told:
        before = [told for told in self.told if told.kind == kind]
        if before and before[-1].ended_s is not None and since_s - before[-1].ended_s <= 10 * MINUTE_S:
            again = before[-1]
            again.ended_s, again.since_s, again.times = None, since_s, again.times + 1
            return again
        told = Told(kind, since_s, at_s, severity=severity, since_s=since_s)
        self.told.append(told)
        return told
