"""A ledger, the walks and the digests noted on the way become what was lost, what was done twice, and what is wrong."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from bench.crash import oracle
from bench.crash.gateway import UNKNOWN, Gateway, Promised
from bench.crash.instance import Instance
from bench.crash.oracle import Alert
from bench.crash.world import ZONE


class Count(NamedTuple):
    """What was compared, and what came of it. ``said`` are the first few faults in words."""

    checked: int = 0
    lost: int = 0
    twice: int = 0
    wrong: int = 0
    said: tuple[str, ...] = ()

    def also(self, other: "Count") -> "Count":
        """Both together."""
        return Count(
            self.checked + other.checked,
            self.lost + other.lost,
            self.twice + other.twice,
            self.wrong + other.wrong,
            self.said + other.said,
        )

    def line(self) -> str:
        """It in words."""
        counted = f"{self.checked:,} checked, {self.lost} lost, {self.twice} twice, {self.wrong} wrong"
        return "; ".join((counted, *self.said))


def records(instance: Instance, promised: Promised) -> Count:
    """Every record and receipt that was acknowledged is stored, and none twice."""
    fixes, events, receipts = promised
    said: list[str] = []
    lost = twice = 0
    stored_fixes = instance.sql("SELECT tag, (extract(epoch FROM fix_at) * 1000000)::bigint, seq, source FROM fix")
    stored_events = instance.sql("SELECT tag, (extract(epoch FROM at) * 1000000)::bigint, seq, kind FROM event")
    for what, acknowledged, rows in (("fix", fixes, stored_fixes), ("event", events, stored_events)):
        held = Counter(map(tuple, rows))
        missing = acknowledged - held.keys()
        doubled = [row for row, times in held.items() if times > 1]
        lost, twice = lost + len(missing), twice + len(doubled)
        said += [f"lost {what} {row}" for row in sorted(missing)[:3]] + [f"{what} {row} stored twice" for row in doubled[:3]]
    kept = {row[0] for row in instance.sql("SELECT id FROM receipt")}
    lost += len(receipts - kept)
    said += [f"lost receipt {receipt}" for receipt in sorted(receipts - kept)[:3]]
    return Count(len(fixes) + len(events) + len(receipts), lost, twice, 0, tuple(said))


def doubles(instance: Instance) -> Count:
    """No alert stands twice, no line of a history, no page, no number of the feed; and the feed has no hole."""
    queries = {
        "alerts that stand twice": "SELECT count(*) FROM alert WHERE handling <> 'closed' GROUP BY wearer, family, zone",
        "lines of history twice": "SELECT count(*) FROM alert_history GROUP BY alert, what, at, text, details",
        "pages twice": "SELECT count(*) FROM outbox WHERE topic = 'alert' GROUP BY alert, body",
        "numbers of the feed twice": "SELECT count(*) FROM feed_entry GROUP BY position",
    }
    said, twice, checked = [], 0, 0
    for what, query in queries.items():
        counts = [count for (count,) in instance.sql(query)]
        extra = sum(counts) - len(counts)
        checked += len(counts)
        twice += extra
        said += [f"{extra} {what}"] if extra else []
    ((holes,),) = instance.sql("SELECT COALESCE(max(position) - min(position) + 1 - count(*), 0) FROM feed_entry")
    said += [f"{holes} holes in the feed"] if holes else []
    return Count(checked, 0, twice, int(holes), tuple(said))


def verdicts(instance: Instance, gateways: Sequence[Gateway]) -> Count:
    """Every alert is one that the oracle has for the walk, and the other way round."""
    expected = {alert for gateway in gateways for alert in told(gateway.sent)}
    ours = instance.sql(
        "SELECT zone FROM zone_version WHERE name LIKE %s ORDER BY zone", f"{ZONE}%"
    )  # Cordon has some of its own
    zones = {zone: row for row, (zone,) in enumerate(ours)}
    found = {
        Alert(tag, zones[zone], *rest)
        for tag, zone, *rest in instance.sql(
            """
            SELECT tag, zone, kind, condition, (extract(epoch FROM event_at) * 1000000)::bigint,
                (extract(epoch FROM ended_at) * 1000000)::bigint, occurrences
            FROM alert WHERE zone = ANY(%s) AND tag = ANY(%s)
            """,
            list(zones),
            [tag for gateway in gateways for tag in gateway.tags],
        )
    }
    wrong = sorted(expected ^ found, key=str)
    said = tuple(f"{'not raised' if alert in expected else 'raised for nothing'}: {alert}" for alert in wrong[:6])
    return Count(len(expected), 0, 0, len(wrong), said)


def told(sent: Sequence[Any]) -> list[Alert]:
    """What the oracle says of all that was sent."""
    walks: dict[int, set[Any]] = {}
    for point in sent:
        if point.tag < UNKNOWN:
            walks.setdefault(point.tag, set()).add(point)
    return [alert for points in walks.values() for alert in oracle.alerts(sorted(points, key=lambda point: point.at_us))]


def states(lines: Iterable[str]) -> Count:
    """Every state that was rebuilt is the one that was committed last under its number, bit for bit.

    ``lines`` are those of ``cordon.doom``: ``committing|recovered LANE COMMIT_NO DIGEST PID``, tabs between. Several processes
    may have tried a commit of a number; the fence lets one through, and who comes after it begins from the number above.
    """
    committing: dict[tuple[str, str], str] = {}
    checked = wrong = 0
    said = []
    for line in lines:
        what, lane, commit_no, digest, _ = line.split("\t")
        if what == "committing":
            committing[lane, commit_no] = digest
        elif (lane, commit_no) in committing:
            checked += 1
            if committing[lane, commit_no] != digest:
                wrong += 1
                said.append(f"lane {lane} was rebuilt at commit {commit_no} as another state than was committed")
    return Count(checked, 0, 0, wrong, tuple(said[:3]))
