"""A seed becomes a plan of faults; each is done to a running system while gateways send, and what it cost is counted."""

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import psycopg

from bench.crash import count, world
from bench.crash.count import Count
from bench.crash.disk import Disk
from bench.crash.gateway import Gateway, Ledger, wait_for_all
from bench.crash.instance import DATABASE, Instance, until
from bench.crash.orders import Orders
from bench.crash.proxy import Proxy, interposed
from bench.crash.walk import walk
from model.steps import Step

STEPS: Final = tuple(str(step) for step in Step)
EMBEDDED: Final = "embedded"
KAFKA: Final = "kafka"
PARTS: Final = {
    EMBEDDED: ("worker", DATABASE, "API", "parent"),
    KAFKA: ("worker", DATABASE, "API", "edge", "broker", "parent"),
}
DOOR, HAND, STORE, LOG = "gateway to door", "door to worker", "worker to database", "all to broker"
LINKS: Final = {EMBEDDED: (DOOR, HAND, STORE), KAFKA: (DOOR, STORE, LOG)}
WAYS: Final = ("cut", "stall", "half-close to server", "half-close to client")
ZOMBIES: Final = tuple(f"zombie, {step}" for step in (Step.FENCE, Step.STORE, Step.COMMIT, Step.ANSWER))
FULL: Final = "disk full"  # the database's
LOG_FULL: Final = "broker's disk full"
REBALANCE: Final = "rebalance"  # a worker leaves in order, and another joins

FIRST_TAG: Final = 356_307_042_470_000
TAGS_EACH: Final = 4
POINTS: Final = 12_000  # of a walk: more than any trial sends
SESSION_MS: Final = 2000  # after which a killed worker's lanes are another's
SNAPSHOT_ENTRIES: Final = 15  # so that every few commits carry a snapshot
REACH_S: Final = 60.0  # for a step to be come to
STALL_S: Final = 4.0
FULL_S: Final = 10.0  # without space
STILL_S: Final = 2.0  # in which a lane that can store fixes does, many times
DRAIN_S: Final = 60.0  # within which what is on the broker is committed

Tell = Callable[[str], None]


class Fault(NamedTuple):
    """One thing that is done to the system. ``case`` is what its row is called."""

    case: str
    how: int = 1  # of a step: the how-manieth time it is reached


class Done(NamedTuple):
    """What became of one fault: how often it struck, and what it cost."""

    case: str
    hits: int
    cost: Count


def plan(seed: int, faults: Sequence[str], rounds: int) -> list[Fault]:
    """The faults in an order of the seed's, ``rounds`` times, each time another."""
    dice = random.Random(f"{seed} plan")
    planned = []
    for _ in range(rounds):
        mixed = list(faults)
        dice.shuffle(mixed)
        planned += [Fault(case, dice.randint(1, 3)) for case in mixed]
    return planned


class Trial:
    """One system under gateways' load; ``do`` a fault, ``finish``, and there are the counts."""

    def __init__(self, folder: Path, seed: int, gateways: int, tell: Tell, engine: str = EMBEDDED) -> None:
        self.seed, self._tell, self._engine = seed, tell, engine
        self._folder = folder
        self.orders = Orders(folder / "doom")
        more = {"CORDON_SNAPSHOT_ENTRIES": str(SNAPSHOT_ENTRIES), "CORDON_DEATHS_A_MINUTE": "1000"}
        self._settings = self.orders.environment | more
        self._disk, self._log_disk = Disk(folder / "one"), None
        self._links: dict[str, Proxy] = {}
        if engine == KAFKA:
            self._log_disk = Disk(folder / "one" / "data" / "kafka")
            # Always through a relay: clients go where the broker says it is, whatever they were told at first.
            self._links[LOG] = Proxy(self._broker)
            self._settings["CORDON_BROKER_ADVERTISED"] = f"127.0.0.1:{self._links[LOG].port}"
            self._settings["CORDON_KAFKA_SESSION_MS"] = str(SESSION_MS)
        self.instance = Instance(folder / "one", self._settings, ["--kafka"] if engine == KAFKA else [])
        self.ledger = Ledger(folder / "ledger")
        self._gateways: list[Gateway] = []
        self._number = gateways
        self._door: Proxy | None = None
        self._states = Count()

    def begin(self) -> None:
        """Start the system, its world and the gateways; returns when all are answered."""
        self.instance.start()
        tags = [FIRST_TAG + i for i in range(self._number * TAGS_EACH)]
        since = datetime.now(UTC) - timedelta(days=30)
        position = world.load(self.instance.dsn, tags, since.isoformat())
        until(lambda: self._judged_by(position), "every lane judges by the world")
        key = self.instance.command("keys", "create", "crash")
        self._door = Proxy(("127.0.0.1", self.instance.door_port))
        begin_us = int((since + timedelta(days=5)).timestamp()) * 1_000_000
        for number in range(self._number):
            own = tags[number * TAGS_EACH : (number + 1) * TAGS_EACH]
            walks = [walk(self.seed, tag, begin_us, POINTS) for tag in own]
            self._gateways.append(Gateway(self.seed, number, walks, key, self._door.port, self.ledger))
        for gateway in self._gateways:
            gateway.start()
        wait_for_all(self._gateways, until)

    def _judged_by(self, position: int) -> bool:
        ((least,),) = self.instance.sql("SELECT COALESCE(min(control_seq), 0) FROM lane")
        return bool(least >= position)

    def end(self) -> None:
        """Leave nothing behind."""
        for gateway in self._gateways:
            gateway.stop()
        self.instance.end()
        for proxy in (self._door, *self._links.values()):
            if proxy is not None:
                proxy.close()
        self.ledger.close()
        for disk in (self._log_disk, self._disk):
            if disk is not None:
                disk.close()

    def do(self, fault: Fault) -> Done:
        """One fault, until every gateway is answered again; then everything acknowledged so far is looked for."""
        hits = self.strike(fault)
        began = time.monotonic()
        wait_for_all(self._gateways, until)
        took_s = time.monotonic() - began
        found = self.count()
        states = count.states(self.orders.digests())
        found = found.also(
            states._replace(checked=states.checked - self._states.checked, wrong=states.wrong - self._states.wrong)
        )
        self._states = states
        self._tell(f"{fault.case}: {hits} hit, answered again after {took_s:.1f} s; {found.line()}")
        return Done(fault.case, hits, found)

    def count(self) -> Count:
        """All that can be counted at any moment; the database may be starting again, and is waited for.

        On Kafka what was acknowledged is on the broker, and lost only if it does not come in time. What is acknowledged meanwhile
        is none of it: where workers are seconds behind, the newest of it never has come when it is looked for.
        """
        promised, ends = self.ledger.read(), time.monotonic() + DRAIN_S

        def look() -> list[Count]:
            try:
                found = count.records(self.instance, promised)
            except psycopg.OperationalError:
                return []
            drained = self._engine == EMBEDDED or not found.lost or time.monotonic() > ends
            return [found] if drained else []

        return until(look, "the database answers")[0].also(count.doubles(self.instance))

    def verdicts(self) -> Count:
        """The alerts, once the gateways have ended."""
        return count.verdicts(self.instance, self._gateways)

    def finish(self) -> Done:
        """Let every gateway have its last answer, and count everything; its hits are the frames that were acknowledged."""
        for gateway in self._gateways:
            gateway.stop()
        for gateway in self._gateways:
            gateway.join()
            if gateway.failure is not None:
                raise gateway.failure
        found = self.count().also(self.verdicts()).also(count.states(self.orders.digests()))
        self._tell(f"{self.ledger.frames:,} frames acknowledged; {found.line()}")
        return Done("whole", self.ledger.frames, found)

    # -- faults

    def strike(self, fault: Fault) -> int:
        """One fault and nothing more; how often it struck. ``finish`` counts what many of them cost."""
        if fault.case in STEPS:
            return int(self.orders.carry_out("kill", fault.case, fault.how, REACH_S) > 0)
        if fault.case in PARTS[self._engine]:
            return self._kill(fault.case)
        if fault.case == REBALANCE:
            return int(self.instance.send("worker", signal.SIGTERM) > 0)
        if fault.case in ZOMBIES:
            zombie = self._zombie if self._engine == EMBEDDED else self._evicted
            return zombie(fault.case.partition(", ")[2], fault.how)
        if fault.case == FULL:
            return self._fill() if self._engine == EMBEDDED else self._fill_behind()
        if fault.case == LOG_FULL:
            assert self._log_disk is not None
            return self._fill(self._log_disk)
        link, way = next((link, way) for link in LINKS[self._engine] for way in WAYS if fault.case == f"{link}, {way}")
        return self._disturb(self._link(link), way)

    def _kill(self, part: str) -> int:
        self.instance.send(part, signal.SIGKILL)
        if part == "parent":
            self._start_again()
        return 1

    def _start_again(self) -> None:
        """What a machine's own supervisor does when `cordon up` has ended."""
        until(lambda: not self.instance.alive, "the parent is gone")
        until(lambda: not self.instance.processes(), "everything it started is gone")
        self.instance.start()

    def _broker(self) -> tuple[str, int] | None:
        return self.instance.broker()

    def _link(self, link: str) -> Proxy:
        """The relay of a link; who talks over it is made to connect again, through it."""
        if link == DOOR:
            assert self._door is not None
            return self._door
        if link == LOG:
            return self._links[LOG]
        who, path = ("API", self.instance.worker_socket()) if link == HAND else ("worker", self.instance.database_socket())
        known = self._links.get(link)
        if known is not None and path.exists() and path.stat().st_ino == known.inode:
            return known
        if known is not None:
            known.close()
        self._links[link] = relay = interposed(path)
        self.instance.send(who, signal.SIGKILL)
        until(lambda: relay.relayed, f"the {who} connects through the relay")
        wait_for_all(self._gateways, until)
        return relay

    def _disturb(self, relay: Proxy, way: str) -> int:
        acts = {
            WAYS[0]: relay.cut,
            WAYS[1]: relay.stall,
            WAYS[2]: lambda: relay.half_close(towards_server=True),
            WAYS[3]: lambda: relay.half_close(towards_server=False),
        }
        hits = until(acts[way], "something goes through the relay")
        time.sleep(STALL_S)
        relay.flow()
        return hits

    def _zombie(self, step: str, how: int) -> int:
        """Freeze a worker inside a commit until another owns its lanes, and wake it: it must see that it is fenced off."""
        assert self._door is not None
        parent = self.instance.send("parent", 0)
        frozen = self.orders.carry_out("freeze", step, how, REACH_S)
        if not frozen:
            return 0
        os.kill(parent, signal.SIGSTOP)  # or it would start another worker as soon as this one ends
        other = Instance(self._folder / "two", self._settings | {"CORDON_DSN": self.instance.dsn})
        try:
            other.start()
            self._door.target = ("127.0.0.1", other.door_port)
            self._door.cut()
            wait_for_all(self._gateways, until)
            os.kill(frozen, signal.SIGCONT)
            until(lambda: not self.instance.pid("worker"), "the zombie ends")
            wait_for_all(self._gateways, until)
            other.stop()
        finally:
            other.end()
            os.kill(parent, signal.SIGCONT)
            self._door.target = ("127.0.0.1", self.instance.door_port)
            self._door.cut()
        return 1

    def _evicted(self, step: str, how: int) -> int:
        """Freeze one of several workers inside a commit until the group has given its lanes to others, and wake it."""
        frozen = self.orders.carry_out("freeze", step, how, REACH_S)
        if not frozen:
            return 0
        try:
            until(lambda: not self._lanes_of(frozen), "others have the zombie's lanes")
        finally:
            os.kill(frozen, signal.SIGCONT)
        return 1

    def _lanes_of(self, pid: int) -> int:
        ((count,),) = self.instance.sql("SELECT count(*) FROM lane WHERE owner LIKE %s", f"%:{pid}")
        return int(count)

    def _fill(self, disk: Disk | None = None) -> int:
        """Take all room from the database, or the broker, for a while; gateways must be told to come again, and nothing more."""
        disk = disk or self._disk
        refused = sum(gateway.busy for gateway in self._gateways)
        disk.fill()
        try:
            until(lambda: sum(gateway.busy for gateway in self._gateways) > refused, "gateways are told to come again")
            time.sleep(FULL_S)
        finally:
            disk.free()
        if not self.instance.alive:
            self._start_again()
        return 1

    def _stands_still(self) -> bool:
        """Whether no fix is stored, though some come all the time; what needs no more room, as a clock's commit, still is."""
        before = self._stored()
        time.sleep(STILL_S)
        return self._stored() in {before, None}

    def _stored(self) -> int | None:
        """How many fixes there are; None where the database cannot be asked."""
        try:
            ((count,),) = self.instance.sql("SELECT count(*) FROM fix")
        except psycopg.Error:
            return None
        return int(count)

    def _fill_behind(self) -> int:
        """Take all room from the database behind the broker for a while; how many frames were acknowledged all the same."""
        self._disk.fill()
        try:
            until(self._stands_still, "the database takes nothing any more")
            before = self.ledger.frames
            time.sleep(FULL_S)
            kept = self.ledger.frames - before
        finally:
            self._disk.free()
        if not self.instance.alive:
            self._start_again()
        return kept
