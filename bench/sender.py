"""Turns a town's reports into requests at a gateway door, as they fall due, until each is acknowledged."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

import aiohttp
import msgspec
import numpy as np

from bench import relay
from bench.clock import show, texts
from bench.ledger import Ledger
from bench.receiver import SOURCES
from bench.upload import COLLECT_S, EVENTS, REPORT, Town, reports
from bench.violations import HELD_S, SECOND_US

RECORDS_MAX: Final = 500  # in one request: about 100 KB
LINES: Final = 4  # requests under way at once; a tag always goes by the same line, so its reports stay in order
QUEUE_MAX: Final = 100  # portions waiting on a line before the clock waits too: bounded memory behind a slow door
TICK_S: Final = 0.25
SPAN_US: Final = 10 * SECOND_US  # reports are worked out for so long at a time
ANSWER_S: Final = 60.0  # no answer for so long is a broken connection
BACKOFF_S: Final = (0.2, 5.0)  # first and longest wait after one
WAIT_S: Final = 1.0  # after 429 or 503 without Retry-After
WAIT_MAX_S: Final = 60.0
WAIT_MIN_S: Final = 0.05  # even where the door says 0: asking without a pause would keep it busy
GRACE_S: Final = 5.0  # when stopping, an answer under way may still come

# No report reaches a gateway later after it was taken than this: what a sender that starts must look back over.
_LONGEST_US: Final = int(COLLECT_S + HELD_S[0] + HELD_S[1] + 60) * SECOND_US


class SenderError(Exception):
    """The door will never take what we send; one sentence that says why and what to do."""


class Course(NamedTuple):
    """How time passes for a sender. Simulated time is the wall's, unless ``from_us`` or ``speed`` say otherwise."""

    from_us: int  # simulated time at the start, microseconds since 1970 UTC
    history_us: int  # this much before it is sent at once
    speed: float = 1.0
    until_s: float | None = None  # ends after so many seconds of wall time
    rate_per_s: float | None = None  # at most so many records a second


class Sender:
    """One run of a fleet against one door."""

    def __init__(self, town: Town, url: str, key: str, gateway: str, course: Course, ledger: Ledger) -> None:
        self.town, self.course, self.ledger = town, course, ledger
        self._url = f"{url.rstrip('/')}/gateway/v1/fixes"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        # The last line is the second gateway's.
        self._gateways = [*[gateway] * LINES, relay.name(gateway)]
        self._lines: list[asyncio.Queue[Any]] = [asyncio.Queue(QUEUE_MAX) for _ in self._gateways]
        self._stop = asyncio.Event()
        self._free_at_s = 0.0
        self.trouble = ""  # what the door last said instead of taking a request; empty while all is well
        self.now_us = course.from_us

    def stop(self) -> None:
        """End the run; what is under way may still be answered."""
        self._stop.set()

    @property
    def waiting(self) -> int:
        """Portions not yet sent."""
        return sum(line.qsize() for line in self._lines)

    async def run(self) -> None:
        """Send history, then live, until stopped.

        Raises
        ------
        SenderError
            If the door refuses the key, or is no gateway door.
        """
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        async with aiohttp.ClientSession(timeout=timeout, headers=self._headers) as session:
            lines = zip(self._lines, self._gateways, strict=True)
            tasks = [asyncio.create_task(self._line(session, line, gateway)) for line, gateway in lines]
            tasks.append(asyncio.create_task(self._feed()))
            work = asyncio.gather(*tasks)  # ends with the first failure, or when all is sent
            stopped = asyncio.create_task(self._stop.wait())
            try:
                await asyncio.wait((asyncio.ensure_future(work), stopped), return_when=asyncio.FIRST_COMPLETED)
                self._stop.set()
                await asyncio.wait(tasks, timeout=GRACE_S)
            finally:
                for task in (*tasks, stopped):
                    task.cancel()
                ended = await asyncio.gather(*tasks, work, stopped, return_exceptions=True)
            for outcome in ended:
                if isinstance(outcome, Exception):
                    raise outcome

    async def _feed(self) -> None:
        """Put each report on its line when it is due. The last line of it closes the lines."""
        async for due in self._due():
            number = np.where(np.isin(due["row"], self.town.relayed), LINES, due["row"] % LINES)
            for at in range(len(self._lines)):
                mine = due[number == at]
                for low in range(0, len(mine), RECORDS_MAX):
                    await self._unless_stopped(self._lines[at].put(mine[low : low + RECORDS_MAX]))
            if self._stop.is_set():
                return
        for line in self._lines:
            await self._unless_stopped(line.put(None))

    async def _due(self) -> AsyncIterator[Any]:
        """REPORT arrays as they fall due: first what a gateway had of the history, then everything in its time."""
        course = self.course
        began_s = time.monotonic()
        back_us = max(course.history_us, _LONGEST_US)
        made_until_us = course.from_us - back_us
        waiting = np.zeros(0, REPORT)
        while not self._stop.is_set():
            passed_s = time.monotonic() - began_s
            self.now_us = course.from_us + int(passed_s * course.speed * SECOND_US)
            while made_until_us <= self.now_us and not self._stop.is_set():
                end_us = made_until_us + SPAN_US * (6 if made_until_us < course.from_us else 1)
                made = await asyncio.to_thread(reports, self.town, made_until_us, end_us)
                made_until_us = end_us
                behind = np.isin(made["row"], self.town.relayed)
                made["upload_us"][behind] = relay.arrives_us(made["upload_us"][behind], course.from_us)
                # Of the time before the history only what was still on the tags is sent.
                old = made["fix_at_us"] < course.from_us - course.history_us
                waiting = np.concatenate([waiting, made[~old | (made["upload_us"] >= course.from_us)]])
            waiting = waiting[np.argsort(waiting["upload_us"], kind="stable")]
            due = int(np.searchsorted(waiting["upload_us"], self.now_us, side="right"))
            if due:
                yield waiting[:due]
                waiting = waiting[due:]
            if course.until_s is not None and passed_s >= course.until_s:
                return
            await self._rest(TICK_S)

    async def _line(self, session: aiohttp.ClientSession, line: "asyncio.Queue[Any]", gateway: str) -> None:
        """Send a line's portions one after the other, as many in a request as there are and fit."""
        closing = False
        while not closing:
            portion = await self._unless_stopped(line.get())
            if portion is None:
                return
            taken, parts = 1, [portion]
            while parts[-1] is not None and sum(map(len, parts)) < RECORDS_MAX and not line.empty():
                parts.append(line.get_nowait())
                taken += 1
            closing = parts[-1] is None
            if closing:
                parts.pop()
            if parts:
                whole = np.concatenate(parts)
                # Fixes before events, as the ledger counts the places of a body.
                for low in range(0, len(whole), RECORDS_MAX):
                    some = whole[low : low + RECORDS_MAX]
                    await self._deliver(session, some[np.argsort(some["event"] != 0, kind="stable")], gateway)
            for _ in range(taken):
                line.task_done()

    async def _deliver(self, session: aiohttp.ClientSession, some: Any, gateway: str) -> None:
        """Send (n,) REPORT rows again and again until the door has acknowledged them; gives up only when stopped."""
        content = body(some, gateway)
        backoff_s = BACKOFF_S[0]
        await self._pace(len(some))
        while not self._stop.is_set():
            self.ledger.requests += 1
            try:
                async with session.post(self._url, data=content) as answer:
                    wait_s = await self._answered(session, answer, some, gateway)
            except (aiohttp.ClientError, TimeoutError) as error:
                self.ledger.broken += 1
                self.trouble = f"no answer ({type(error).__name__}), sending again"
                wait_s = backoff_s * random.uniform(0.5, 1.0)
                backoff_s = min(backoff_s * 2, BACKOFF_S[1])
            if wait_s is None:
                return
            await self._rest(wait_s)

    async def _answered(
        self, session: aiohttp.ClientSession, answer: aiohttp.ClientResponse, some: Any, gateway: str
    ) -> float | None:
        """Deal with one answer: None where it is done with, else the seconds to wait before sending the same again."""
        if answer.status == 200:
            content = await answer.read()
            try:
                self.ledger.answered(some, msgspec.json.decode(content))
            except (msgspec.DecodeError, LookupError, TypeError, ValueError) as error:
                raise SenderError(
                    f"{self._url} answered 200 with something that is no receipt; is it Cordon's address?"
                ) from error
            self.trouble = ""
            return None
        if answer.status in {429, 503}:
            self.ledger.busy += 1
            wait_s = retry_after_s(answer.headers.get("Retry-After"))
            self.trouble = f"busy ({answer.status}), sending again in {wait_s:g} s"
            return wait_s
        if answer.status == 413 and len(some) > 1:
            answer.close()
            for half in np.array_split(some, 2):
                await self._deliver(session, half, gateway)
            return None
        if answer.status in {401, 403}:
            raise SenderError(f"the gateway key was refused ({answer.status}): `cordon keys` makes one")
        if answer.status >= 500:
            self.ledger.broken += 1
            self.trouble = f"the server failed ({answer.status}), sending again"
            return WAIT_S
        detail = (await answer.text(errors="replace"))[:300]
        raise SenderError(f"{self._url} answered {answer.status}, which no gateway door says to a good request: {detail}")

    async def _pace(self, records: int) -> None:
        """Wait until so many more records keep to the rate."""
        if self.course.rate_per_s is None:
            return
        now_s = time.monotonic()
        self._free_at_s = max(self._free_at_s, now_s) + records / self.course.rate_per_s
        await self._rest(self._free_at_s - records / self.course.rate_per_s - now_s)

    async def _rest(self, seconds: float) -> None:
        """Sleep, but not past a stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), max(seconds, 0))

    async def _unless_stopped(self, waits: Any) -> Any:
        """What something gives once it is there; None where a stop comes first."""
        task, stopped = asyncio.ensure_future(waits), asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            if not task.done():
                task.cancel()
        return task.result() if task.done() and not task.cancelled() else None


def body(some: Any, gateway: str) -> bytes:
    """The JSON body of `POST /gateway/v1/fixes` for (n,) REPORT rows; optional fields that are absent are left out."""
    fixes, events = [], []
    times = texts(some["fix_at_us"], "s")
    for record, at in zip(some.tolist(), times, strict=True):
        tag, _, _, seq, lon, lat, accuracy, speed, heading, hdop, _, battery, satellites, source, event = record
        if event:
            events.append({"tag": tag, "kind": EVENTS[event], "at": at, "seq": seq})
            continue
        fix = {
            "tag": tag,
            "seq": seq,
            "fix_at": at,
            "lon": lon,
            "lat": lat,
            "accuracy_m": round(accuracy, 1),
            "source": SOURCES[source],
            "battery_pct": battery,
        }
        if satellites >= 0:
            fix |= {"speed_mps": round(speed, 1), "hdop": round(hdop, 1), "satellites": satellites}
            if heading == heading:  # noqa: PLR0124  # not NaN: the tag moves
                fix["heading_deg"] = heading
        fixes.append(fix)
    return msgspec.json.encode({"gateway": gateway, "fixes": fixes, "events": events})


def retry_after_s(header: str | None) -> float:
    """Seconds that a Retry-After header asks for, as a number or a date; a second where it is absent or no such thing."""
    if header is None:
        return WAIT_S
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return WAIT_S
    return min(max(seconds, WAIT_MIN_S), WAIT_MAX_S) if seconds == seconds else WAIT_S  # noqa: PLR0124  # NaN


async def report_each_minute(sender: Sender, say: Callable[[str], None], every_s: float = 60.0) -> None:
    """Say the totals every so often until cancelled."""
    while True:
        await asyncio.sleep(every_s)
        trouble = f"; {sender.trouble}" if sender.trouble else ""
        say(f"{show(sender.now_us // SECOND_US * SECOND_US)} fleet: {sender.ledger.line()}{trouble}")
