"""Sends a trace's frames through a gateway door, in order, each after the last one's receipt, and adds up the answers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import stamina

from cordon.trace import Row, frames, moment
from model.errors import CordonError

# Rows in one request. Small enough that progress moves, large enough that the door's cost a request does not show.
FRAME_RECORDS: Final = 4000
# A door that is busy is tried again without a word: the progress bar stands still meanwhile, and the end says why.
stamina.instrumentation.set_on_retry_hooks([])

TIMEOUT_S: Final = 120.0
ATTEMPTS: Final = 30


@dataclass
class Sent:
    """What the door said of all of it."""

    sent: int = 0
    stored: int = 0
    duplicate: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    began_us: int = 0  # the trace's clock at the first row that the door took
    clock_us: int = 0  # and after the last row that the door took


class NotNow(Exception):
    """The door is busy or away: the same frame again, after a while."""


class Door:
    """A gateway door at ``url``, with a gateway's ``key``."""

    def __init__(self, session: aiohttp.ClientSession, url: str, key: str) -> None:
        self._session = session
        self._base = url.rstrip("/") + "/gateway/v1"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._answered = False  # an address where nobody ever answered is a wrong one; a door that went away comes back

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The door's answer to a POST, sent again while it says it is busy.

        Raises
        ------
        CordonError
            If it refuses, or cannot be reached.
        """
        try:
            async for attempt in stamina.retry_context(on=NotNow, attempts=ATTEMPTS, timeout=None, wait_max=5.0):
                with attempt:
                    return await self._post(path, body)
        except NotNow as error:
            raise CordonError(f"{self._base} did not take a frame in {ATTEMPTS} tries: {error}") from error
        raise AssertionError("a retry ends by returning or raising")

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            async with self._session.post(self._base + path, json=body, headers=self._headers) as response:
                self._answered = True
                if response.status in {429, 503}:
                    await asyncio.sleep(float(response.headers.get("Retry-After", "1")))
                    raise NotNow("it is busy")
                answer = await response.json(content_type=None)
        except (aiohttp.ClientConnectionError, TimeoutError) as error:
            if isinstance(error, aiohttp.ClientConnectorError) and not self._answered:
                raise CordonError(f"nobody answers at {self._base}: is the instance running, and the address right?") from error
            raise NotNow(f"it cannot be reached ({error})") from error
        except ValueError as error:
            raise CordonError(f"{self._base}{path} did not answer as a gateway door does; is the address right?") from error
        if response.status != 200:
            if response.status in {404, 405}:
                raise CordonError(f"{self._base}{path} is not there (status {response.status}); is the address right?")
            detail = answer.get("detail", "") if isinstance(answer, dict) else ""
            raise CordonError(f"{self._base}{path} refused (status {response.status}): {detail}")
        assert isinstance(answer, dict)
        return answer


async def send(door: Door, rows: list[Row], *, speed: float | None, keep_received: bool, progress: Callable[[int], None]) -> Sent:
    """Send all rows in file order.

    Parameters
    ----------
    speed : times the trace's own pace; None: as fast as receipts come back.
    keep_received : send ``received_at`` too, and rows of several gateways in one frame, for an instance on the trace's clock.
    progress : called with the number of rows of each frame that has its receipt.
    """
    total = Sent()
    started = asyncio.get_running_loop().time()
    first_us: int | None = None
    for run in frames(rows, FRAME_RECORDS if speed is None else 1, mixed=keep_received):
        clock_us = max(map(_received_us, run))
        if speed is not None and clock_us:  # a row of no time is sent at once
            first_us = clock_us if first_us is None else first_us
            due = started + (clock_us - first_us) / 1e6 / speed
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        answer = await door.post("/fixes", _frame(run, keep_received))
        total.sent += len(run)
        total.stored += answer["stored"] or 0
        total.duplicate += answer["duplicate"] or 0
        rejected = [_at_line(run, refused) for refused in answer["rejected"]]
        total.rejected += rejected
        lines = {one["line"] for one in rejected}
        taken = [_received_us(row) for row in run if row.line not in lines]
        total.began_us = total.began_us or next(iter(taken), 0)
        total.clock_us = max(total.clock_us, *taken, 0)
        progress(len(run))
    return total


def _frame(run: list[Row], keep_received: bool) -> dict[str, Any]:
    lists: dict[str, list[dict[str, Any]]] = {"fixes": [], "events": []}
    for row in run:
        dropped = () if keep_received else ("received_at",)
        own = {"gateway": row.gateway} if row.gateway != run[0].gateway else {}
        lists[row.place].append({name: value for name, value in row.record.items() if name not in dropped} | own)
    return {"gateway": run[0].gateway, **lists}


def _received_us(row: Row) -> int:
    return moment(row.record, "received_at") or 0  # where it has none, the door says what is wrong with it


def _at_line(run: list[Row], refused: dict[str, Any]) -> dict[str, Any]:
    """The door's refusal, with the line of the file instead of the place in a frame nobody saw."""
    own = [row for row in run if row.place == refused["in"]]
    return {"line": own[refused["index"]].line, "in": refused["in"], "reason": refused["reason"]}
