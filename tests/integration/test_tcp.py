"""The binary door of a whole system: durable when answered, stored once however often it is sent, also across a killed worker."""

import asyncio
import contextlib
import re
import time

import numpy as np
import pytest

from ingest.frame import Frame, encode
from model.event import empty_events
from model.fix import empty_fixes
from tests.ingest.gateway import Answer, connected
from tests.integration.system import START_S, System, system, until

pytestmark = [pytest.mark.xdist_group("system tcp"), pytest.mark.timeout(START_S)]


def frame(sequence: int, count: int = 50) -> bytes:
    fixes = empty_fixes(count)
    fixes["tag"] = 1 + np.arange(count)
    fixes["fix_at_us"] = NOW_US + sequence
    fixes["seq"] = sequence
    fixes["lon"], fixes["lat"], fixes["accuracy_m"] = -0.1, 51.5, 6
    return encode(Frame("gw-tcp", sequence, 0, "", 0, fixes, empty_events()))


NOW_US = time.time_ns() // 1000


def port(made: System) -> int:
    found = re.search(r"Frames\s+tcp://127\.0\.0\.1:(\d+)", made.said())
    assert found, made.said()
    return int(found[1])


async def send(made: System, *sequences: int) -> list[Answer]:
    """Frames over a new connection, all under way at once; their answers in order."""
    async with connected(port(made), made.key) as gateway:
        await gateway.send(*map(frame, sequences))
        return sorted([await gateway.hear() for _ in sequences])


def test_frames_are_stored_once_whatever_is_killed_and_however_often_they_are_sent() -> None:
    with system() as made:
        made.start("--port", "0", "--tcp-port", "0")
        first = asyncio.run(send(made, 0, 1, 2))
        assert [(one.sequence, one.accepted, one.stored, one.duplicate) for one in first] == [(n, 50, 50, 0) for n in range(3)]
        again = asyncio.run(send(made, 2))[0]
        assert (again.accepted, again.stored, again.duplicate) == (50, 0, 50)
        assert made.sql("SELECT count(*) FROM fix") == [(150,)]
        assert made.sql("SELECT DISTINCT name FROM fix JOIN gateway ON gateway.id = fix.gateway") == [("gw-tcp",)]

        async def under_fire() -> None:
            async with connected(port(made), made.key) as gateway:
                await gateway.send(*(frame(number) for number in range(3, 40)))
                await gateway.hear()
                died = made.kill("worker")
                with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                    while await gateway.hear() is not None:
                        pass
            made.wait_for_another("worker", died)

        asyncio.run(under_fire())
        until(lambda: made.get("/readyz").status == 200, "ready again")
        answers = asyncio.run(send(made, *range(3, 40)))
        assert all(one.stored + one.duplicate == one.accepted == 50 for one in answers)
        assert made.sql("SELECT count(*), count(DISTINCT (tag, seq)) FROM fix") == [(40 * 50, 40 * 50)]
        assert made.stop() == 0
        assert made.processes() == {}
