"""Drives the TCP door with a crowd's fixes, as fast as it takes them or on a schedule, and keeps account: `python -m bench.load`.

A process of its own, so that what it measures is not its own waiting. Frames are made a round ahead of being sent, a round being
one fix of every tag, so that making them costs a few per cent of one core.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import numpy as np
import typer
import uvloop

from bench import frame
from bench.process import end_with_parent
from bench.workloads.crowd import GATEWAY, Crowd, crowd

BUFFER_BYTES: Final = 1 << 20


class Plan(NamedTuple):
    """What is sent."""

    tags: int
    rounds: int  # fixes a tag
    frame_fixes: int
    connections: int
    window: int  # frames under way a connection; the door's own bound holds besides
    rate: float | None  # fixes a second, by the clock; None: as fast as they are answered
    age_s: float  # how old fixes are when they are sent: a backlog
    seq: int  # of the first round
    outing_every: float  # seconds between two tags that go into a fence; 0: nobody does
    outing_s: float  # how long each stays
    outing_first: int


class Account(NamedTuple):
    """A row a frame, in the order of sending. Times are seconds since the start; NaN where nothing came."""

    due_s: Any  # when it was to be sent
    sent_s: Any
    answered_s: Any
    accepted: Any
    stored: Any
    duplicate: Any


class Load:
    """One run against one door."""

    def __init__(self, people: Crowd, plan: Plan, key: str) -> None:
        self.people, self.plan, self._key = people, plan, key
        self.per_round = -(-plan.tags // plan.frame_fixes)
        count = self.per_round * plan.rounds
        self.account = Account(*(np.full(count, np.nan) for _ in range(3)), *(np.zeros(count, np.int64) for _ in range(3)))
        self.rejected = 0
        self.fix_at_us = np.zeros(plan.rounds, np.int64)
        # Tag, fence, first and last fix_at inside, and when the second fix inside was to be sent: wall time, microseconds.
        self.outings: list[tuple[int, int, int, int, int]] = []
        self._out: dict[int, tuple[int, int, int]] = {}  # row: fence, until, place in outings
        self._next_outing_us = 0
        self._rows = frame.fixes(plan.tags)
        self._rows["tag"] = people.town.tags[: plan.tags]
        self._rows["accuracy_m"], self._rows["source"], self._rows["battery_pct"] = 8.0, 0, 77
        self._ready: list[asyncio.Queue[tuple[int, bytes]]] = []
        self._told: set[asyncio.StreamWriter] = set()  # connections over which all was sent, and the door told so
        self._start_s = 0.0
        self.started_us = 0

    def due_s(self, round_: int, at: int) -> float:
        """When a frame is to be sent, seconds since the start."""
        if self.plan.rate is None:
            return 0.0
        return (round_ * self.plan.tags + at * self.plan.frame_fixes) / self.plan.rate

    def made(self, round_: int, now_us: int) -> Any:
        """FIX rows of one round: one fix of every tag, taken now."""
        rows, people = self._rows, self.people
        self.fix_at_us[round_] = now_us
        rows["fix_at_us"], rows["seq"] = now_us, self.plan.seq + round_
        rows["lon"], rows["lat"] = people.at(slice(0, self.plan.tags), now_us)
        self._go_out(now_us)
        for row, (fence, until_us, place) in list(self._out.items()):
            if now_us > until_us:
                del self._out[row]
            else:
                rows["lon"][row], rows["lat"][row] = people.inside(row, fence)
                tag, _, first_us, last_us, decided_us = self.outings[place]
                if last_us and not decided_us:
                    decided_us = self.started_us + int(self.due_s(round_, row // self.plan.frame_fixes) * 1e6)
                self.outings[place] = tag, fence, first_us or now_us, now_us, decided_us
        return rows

    def _go_out(self, now_us: int) -> None:
        if not self.plan.outing_every:
            return
        self._next_outing_us = self._next_outing_us or now_us
        while self._next_outing_us <= now_us:
            row, fence = self.people.outing(self.plan.outing_first + len(self.outings))
            self._out[row] = fence, now_us + int(self.plan.outing_s * 1e6), len(self.outings)
            self.outings.append((int(self.people.town.tags[row]), fence, 0, 0, 0))
            self._next_outing_us += int(self.plan.outing_every * 1e6)

    async def run(self, host: str, port: int) -> None:
        """Send everything and hear every answer."""
        links = [await self._connected(host, port) for _ in range(self.plan.connections)]
        self._ready = [asyncio.Queue(2 * self.per_round // self.plan.connections + 2) for _ in links]
        self._start_s, self.started_us = time.perf_counter(), time.time_ns() // 1000
        async with asyncio.TaskGroup() as group:
            for (reader, writer), queue in zip(links, self._ready, strict=True):
                room = asyncio.Semaphore(self.plan.window)
                group.create_task(self._send(writer, queue, room))
                group.create_task(self._hear(reader, writer, room))
            group.create_task(self._make())
        for _, writer in links:
            writer.close()

    async def _connected(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(host, port, limit=BUFFER_BYTES)
        writer.write(frame.message(frame.HELLO, self._key.encode()))
        kind, body = await _message(reader)
        if kind != frame.WELCOME:
            raise SystemExit(f"refused: {frame.refusal(body)}")
        return reader, writer

    async def _make(self) -> None:
        gateway = GATEWAY.encode()
        for round_ in range(self.plan.rounds):
            ahead_s = self.due_s(round_, 0) - (time.perf_counter() - self._start_s)
            if ahead_s > 0:
                await asyncio.sleep(ahead_s)
            rows = self.made(round_, time.time_ns() // 1000 - int(self.plan.age_s * 1e6))
            for at in range(self.per_round):
                some = rows[at * self.plan.frame_fixes : (at + 1) * self.plan.frame_fixes]
                number = round_ * self.per_round + at
                self.account.due_s[number] = self.due_s(round_, at)
                await self._ready[at % len(self._ready)].put((number, frame.frame(gateway, number, some)))
        for queue in self._ready:
            await queue.put((-1, b""))

    async def _send(
        self, writer: asyncio.StreamWriter, queue: "asyncio.Queue[tuple[int, bytes]]", room: asyncio.Semaphore
    ) -> None:
        while True:
            number, body = await queue.get()
            if number < 0:
                break
            await room.acquire()
            if self.plan.rate is not None:
                wait_s = self.account.due_s[number] - (time.perf_counter() - self._start_s)
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
            writer.write(body)
            self.account.sent_s[number] = time.perf_counter() - self._start_s
            if self.plan.rate is None:
                self.account.due_s[number] = self.account.sent_s[number]
            await writer.drain()
        writer.write_eof()
        self._told.add(writer)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, room: asyncio.Semaphore) -> None:
        while True:
            kind, body = await _message(reader)
            if not kind:
                if writer not in self._told:  # whoever still sends would wait for answers for ever
                    raise SystemExit("the door has gone: not all was sent")
                return
            if kind != frame.ANSWER:
                raise SystemExit(f"refused: {frame.refusal(body)}")
            number, accepted, rejected, stored, duplicate = frame.answer(body)
            account = self.account
            account.answered_s[number] = time.perf_counter() - self._start_s
            account.accepted[number], account.stored[number], account.duplicate[number] = accepted, stored, duplicate
            self.rejected += rejected
            room.release()


async def _message(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Kind and body of the next message; kind 0 at the end."""
    try:
        length = int.from_bytes(await reader.readexactly(4), "little")
    except asyncio.IncompleteReadError:
        return 0, b""
    rest = await reader.readexactly(length)
    return rest[3], rest[4:-4]


def summary(load: Load) -> dict[str, Any]:
    """The account in numbers, and what was promised, for whoever compares it with the store."""
    account, plan = load.account, load.plan
    answered = ~np.isnan(account.answered_s)
    waits_s = (account.answered_s - account.due_s)[answered]
    late_s = account.sent_s - account.due_s
    ends = np.sort(account.answered_s[answered])
    by_round = np.where(answered, account.accepted, 0).reshape(plan.rounds, load.per_round).sum(axis=1)
    return {
        "sent": plan.rounds * plan.tags,
        "accepted": int(account.accepted.sum()),
        "stored": int(account.stored.sum()),
        "duplicate": int(account.duplicate.sum()),
        "rejected": load.rejected,
        "unanswered": int((~answered).sum()) * plan.frame_fixes,
        "start_us": load.started_us,
        "seconds": float(ends[-1]) if len(ends) else 0.0,
        "rate": float(account.accepted.sum() / ends[-1]) if len(ends) else 0.0,
        "answer_ms": {f"p{at}": float(1000 * np.percentile(waits_s, at)) for at in (50, 90, 99)} if len(waits_s) else {},
        "late_ms": float(1000 * np.nanmax(late_s)),
        "seq": plan.seq,
        "accepted_by_round": by_round.tolist(),
        "fix_at_us": load.fix_at_us.tolist(),
        "outings": load.outings,
    }


def main(
    to: Annotated[str, typer.Option(help="The TCP door, host:port.")],
    key: Annotated[str, typer.Option(envvar="CORDON_GATEWAY_KEY", help="The gateway's key.")],
    tags: int = 20_000,
    rounds: int = 10,
    frame_fixes: int = 500,
    connections: int = 4,
    window: int = 64,
    rate: Annotated[float | None, typer.Option(help="Fixes a second by the clock; else as fast as they are answered.")] = None,
    age_s: float = 0.0,
    seq: int = 0,
    outing_every: float = 0.0,
    outing_s: float = 5.0,
    outing_first: int = 0,
    out: Annotated[Path | None, typer.Option(help="JSON to write; else standard output.")] = None,
    child: Annotated[bool, typer.Option("--child", help="End when standard input closes.")] = False,
) -> None:
    """Send rounds of a crowd's fixes to a TCP door."""
    if child:
        end_with_parent()
    plan = Plan(tags, rounds, frame_fixes, connections, window, rate, age_s, seq, outing_every, outing_s, outing_first)
    load = Load(crowd(tags), plan, key)
    host, _, port = to.rpartition(":")
    uvloop.run(load.run(host.strip("[]"), int(port)))
    said = json.dumps(summary(load))
    if out is None:
        sys.stdout.write(said + "\n")
    else:
        out.write_text(said)


if __name__ == "__main__":
    typer.run(main)
