"""A duty that fails ends no other and is tried again; what must not be done twice at once is not, however many instances run."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest
import structlog

from cordon import duties
from cordon.duties import Duty
from cordon.settings import Settings
from store import rounds
from store.pool import Store
from tests.integration.system import COMMAND, END_S, ROOT, START_S, until

WITHIN_S = 20.0

Act = Callable[[Store], Awaitable[Mapping[str, object] | None]]


class Rounds:
    """A duty's act: fails with the errors given, one a round, then does nothing; ``done`` when it has done so a few times."""

    def __init__(self, *errors: Exception, wanted: int = 1) -> None:
        self._errors = list(errors)
        self._wanted = wanted
        self.done = asyncio.Event()

    async def __call__(self, _: Store) -> None:
        if self._errors:
            raise self._errors.pop(0)
        self._wanted -= 1
        if not self._wanted:
            self.done.set()


async def test_a_failing_duty_is_said_once_tried_again_and_ends_no_other(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duties, "RETRY_S", 0.001)
    failing = Rounds(OSError("away"), OSError("away"), ValueError("a fault of ours"), wanted=2)
    other = Rounds(wanted=5)
    with structlog.testing.capture_logs() as said:
        running = asyncio.create_task(duties.run(database, (Duty("failing", failing, 0.01), Duty("other", other, 0.01))))
        async with asyncio.timeout(WITHIN_S):
            await failing.done.wait()
            await other.done.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    failed = [(line["duty"], line["error"]) for line in said if line["event"] == "duty failed; trying again"]
    assert failed == [("failing", "OSError")]
    assert [line["failed_rounds"] for line in said if line["event"] == "duty goes on"] == [3]


async def test_a_failing_duty_is_tried_ever_more_rarely_and_sooner_where_people_wait(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    enough = asyncio.Event()

    async def paused(pause_s: float) -> None:
        pauses.append(pause_s)
        if len(pauses) == 9:
            enough.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(duties.asyncio, "sleep", paused)
    for most, expected in ((60.0, [1, 2, 4, 8, 16, 32, 60, 60, 60]), (4.0, [1, 2, 4, 4, 4, 4, 4, 4, 4])):
        pauses.clear()
        enough.clear()
        failing = Rounds(*[OSError("away")] * 9)
        running = asyncio.create_task(duties.keep(store, Duty("failing", failing, 0.01, retry_most_s=most)))
        await enough.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert pauses == expected
    [messages] = [duty for duty in duties.listed(Settings(_env_file=None)) if duty.name == "messages"]
    assert messages.retry_most_s == duties.RETRY_SOON_S


async def test_what_lasts_between_rounds_is_entered_before_the_first_and_left_after_the_last(database: str) -> None:
    said: list[str] = []

    @contextlib.asynccontextmanager
    async def lasting() -> AsyncIterator[None]:
        said.append("entered")
        try:
            yield
        finally:
            said.append("left")

    done = asyncio.Event()

    async def act(_: Store) -> None:
        said.append("round")
        done.set()

    running = asyncio.create_task(duties.run(database, (Duty("lasts", act, 60.0, during=lasting()),)))
    async with asyncio.timeout(WITHIN_S):
        await done.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert said == ["entered", "round", "left"]


async def test_a_duty_alone_is_never_done_by_two_at_once(database: str) -> None:
    at_it = 0
    most = 0
    rounds = 0
    enough = asyncio.Event()

    async def act(store: Store) -> None:
        nonlocal at_it, most, rounds
        at_it += 1
        most = max(most, at_it)
        await store.pool.fetchval("SELECT pg_sleep(0.01)")
        at_it -= 1
        rounds += 1
        if rounds == 10:
            enough.set()

    duty = Duty("once", act, 0.001, alone=True)
    instances = [asyncio.create_task(duties.run(database, (duty,))) for _ in range(3)]
    async with asyncio.timeout(WITHIN_S):
        await enough.wait()
    for running in instances:
        running.cancel()
    await asyncio.gather(*instances, return_exceptions=True)
    assert most == 1


async def test_a_round_skipped_for_another_instance_is_noted_as_neither_done_nor_well(store: Store) -> None:
    """Else an instance that hangs with the right to a duty, or fails at it, would look well for ever."""
    await rounds.failed(store, "once", 0.001, "OSError")
    skipped = 0
    enough = asyncio.Event()

    @contextlib.asynccontextmanager
    async def at_it(*_: object) -> AsyncIterator[bool]:
        nonlocal skipped
        skipped += 1
        if skipped == 3:
            enough.set()
        yield False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duties, "alone", at_it)
        running = asyncio.create_task(duties.keep(store, Duty("once", Rounds(), 0.001, alone=True)))
        async with asyncio.timeout(WITHIN_S):
            await enough.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    [noted] = await rounds.listed(store.pool)  # type: ignore[arg-type]
    assert (noted.done_us, noted.failing_since_us is None, noted.error) == (None, False, "OSError")


def test_the_command_does_them_and_ends_when_told(database: str) -> None:
    environment = os.environ | {"CORDON_DSN": database}
    with subprocess.Popen(
        [*COMMAND, "duties"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"

            def done() -> bool:
                import psycopg

                with psycopg.connect(database) as connection:
                    rows = connection.execute("SELECT inhrelid FROM pg_inherits WHERE inhparent = 'fix'::regclass").fetchall()
                return bool(rows)

            until(done, "the days around now have their tables", START_S)
            process.send_signal(signal.SIGTERM)
            assert process.wait(END_S) == 0
        finally:
            process.kill()


def test_the_command_says_which_database_it_lacks() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CORDON_")}
    said = subprocess.run([*COMMAND, "duties"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert said.stderr.startswith("cordon: which database? Give --dsn")
