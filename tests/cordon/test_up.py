"""What `cordon up` says while it starts, read without a terminal."""

import asyncio
import io

import pytest
from rich.console import Console

from cordon import up


class Heard(io.StringIO):
    """What is written, and an event at the third line of a step that takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.often = asyncio.Event()

    def write(self, text: str) -> int:
        done = super().write(text)
        if self.getvalue().count("still at it") >= 3:
            self.often.set()
        return done


async def test_a_step_that_takes_its_time_says_so_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "SILENT_S", 0.001)
    heard, before = Heard(), asyncio.all_tasks()
    async with up._steps(Console(file=heard, force_terminal=False)) as now:
        now("Starting the worker")
        async with asyncio.timeout(60):
            await heard.often.wait()
    lines = heard.getvalue().splitlines()
    assert lines[0] == "Starting the worker"
    assert set(lines[1:]) == {"still at it, 0 s so far"}
    assert asyncio.all_tasks() == before, "and nothing once Cordon is up"


async def test_a_quick_step_is_one_line() -> None:
    heard = Heard()
    async with up._steps(Console(file=heard, force_terminal=False)) as now:
        now("Starting the database")
        now("Starting the worker")
    assert heard.getvalue().splitlines() == ["Starting the database", "Starting the worker"]
