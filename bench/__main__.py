"""The simulated fleet's commands: `python -m bench world | trace | run`."""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from bench import clock, stops, trace, world
from bench.ledger import Ledger
from bench.sender import Course, Sender, SenderError, report_each_minute
from bench.upload import Town, town
from bench.violations import SECOND_US

HOUR_US: Final = 3600 * SECOND_US
GATEWAY: Final = "gw-demo"

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Demo = Annotated[
    bool, typer.Option("--demo", help="The demo's world: one city, zones in many shapes, violations every two minutes.")
]
Tags = Annotated[int, typer.Option(min=1, max=10_000_000, help="Wearers, a tag each.")]
Seed = Annotated[int, typer.Option(help="Another seed, another world.")]


def _fail(message: str) -> NoReturn:
    typer.echo(f"bench: {message}", err=True)
    raise typer.Exit(1)


def _instant(text: str | None, otherwise_us: int) -> int:
    if text is None:
        return otherwise_us
    try:
        return clock.read(text)
    except ValueError as error:
        _fail(f"{text!r} is no time: write it as 2026-11-22T08:00:00Z ({error})")


def _yesterday_us() -> int:
    """Midnight UTC before today's: a sender's history must lie within the activations, also just after midnight."""
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    return clock.read(f"{yesterday}T00:00:00Z")


@app.command("world")
def write_world(
    demo: Demo = False,
    tags: Tags = 200,
    seed: Seed = 7,
    start: Annotated[str | None, typer.Option(help="Orders and activations begin then; midnight UTC yesterday.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; else standard output.")] = None,
) -> None:
    """Write the WORLD document: wearers, orders, activations and zones."""
    content = msgspec.json.encode(world.document(town(seed, tags, demo), _instant(start, _yesterday_us())))
    if out is None:
        sys.stdout.buffer.write(content + b"\n")
        return
    try:
        out.write_bytes(content)
    except OSError as error:
        _fail(f"{out} cannot be written: {error.strerror}")


@app.command("trace")
def write_trace(
    out: Annotated[Path, typer.Option(help="CSV to write, gzipped where the name ends in .gz.")],
    start: Annotated[str, typer.Option(help="The first fix is not before this, or `--history` before it.")],
    demo: Demo = False,
    tags: Tags = 200,
    seed: Seed = 7,
    hours: Annotated[float, typer.Option(min=0.01, help="How much of it.")] = 24.0,
    history: Annotated[float, typer.Option(min=0, help="Minutes before it that arrive at once, as `run` sends them.")] = 0.0,
    gateway: Annotated[str, typer.Option(help="The gateway its rows name.")] = GATEWAY,
    expected: Annotated[Path | None, typer.Option(help="JSON to write: what must be found in the trace.")] = None,
) -> None:
    """Write a trace that `cordon replay` takes, and what must be found in it."""
    history_us = int(history * 60) * SECOND_US
    from_us, to_us = _instant(start, 0) - history_us, _instant(start, 0) + int(hours * HOUR_US)
    whole = town(seed, tags, demo)
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f} rows"), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("Writing", total=tags * hours * 60)
        try:
            rows = trace.write(whole, from_us, to_us, out, gateway, lambda some: progress.advance(task, some), history_us)
        except OSError as error:
            _fail(f"{out} cannot be written: {error.strerror}")
    if expected is not None:
        about = {"seed": seed, "tags": tags, "demo": demo, "start": clock.show(from_us), "end": clock.show(to_us)}
        found = trace.expected(whole, from_us, to_us)
        expected.write_bytes(msgspec.json.format(msgspec.json.encode(about | {"violations": found})))
    typer.echo(f"{rows:,} rows in {out}", err=True)


@app.command("stops")
def write_stops(
    recorded: Annotated[Path, typer.Argument(help="A trace, CSV or CSV.GZ.")],
    out: Annotated[Path, typer.Option(help="GeoJSON to write: a zone round each place where somebody stayed, theirs alone.")],
    purpose: Annotated[str, typer.Option(help="What the zones are for: area or victim.")] = "area",
) -> None:
    """Write zones round the places where a recorded trace's people stayed, for `cordon replay TRACE --zones`."""
    try:
        places, days = stops.write(recorded, out, purpose)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}")
    stays = sum(one.stays for one in places)
    typer.echo(f"{len(places)} places, {stays} stays of ten minutes, {days:.2f} person-days, in {out}", err=True)


@app.command("run")
def run(
    to: Annotated[str, typer.Option(help="Address of a running instance, http://127.0.0.1:8000.")],
    key: Annotated[str, typer.Option(envvar="CORDON_GATEWAY_KEY", help="The gateway's key; better in the environment.")],
    demo: Demo = False,
    tags: Tags = 200,
    seed: Seed = 7,
    gateway: Annotated[str, typer.Option(help="The name its frames carry.")] = GATEWAY,
    history: Annotated[float, typer.Option(min=0, help="Minutes before now that are sent first.")] = 20.0,
    from_time: Annotated[str | None, typer.Option("--from", help="Where the simulated clock starts; now.")] = None,
    speed: Annotated[float, typer.Option(min=0.01, help="Simulated seconds a second.")] = 1.0,
    rate: Annotated[float | None, typer.Option(min=1, help="At most so many records a second.")] = None,
    seconds: Annotated[float | None, typer.Option("--for", min=0, help="End after so many seconds.")] = None,
    ledger: Annotated[Path | None, typer.Option(help="Append each acknowledged fix to this file.")] = None,
    child: Annotated[bool, typer.Option("--child", help="End when standard input closes.")] = False,
) -> None:
    """Send the fleet's reports to a running instance as they fall due, until stopped."""
    from_us = _instant(from_time, time.time_ns() // 1000)
    if not to.startswith(("http://", "https://")):
        _fail(f"--to {to} is no address: it begins with http:// or https://")
    try:
        account = Ledger(ledger)
    except OSError as error:
        _fail(f"{ledger} cannot be written: {error.strerror}")
    course = Course(from_us, int(history * 60) * SECOND_US, speed, seconds, rate)
    try:
        asyncio.run(_send(town(seed, tags, demo), to, key, gateway, course, account, child))
    except SenderError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{ledger} cannot be written: {error.strerror}")
    finally:
        account.close()
    typer.echo(f"fleet: {account.line()}")
    for reason in account.reasons:
        typer.echo(f"fleet: rejected, {reason}", err=True)


async def _send(whole: Town, to: str, key: str, gateway: str, course: Course, account: Ledger, child: bool) -> None:
    sender = Sender(whole, to, key, gateway, course, account)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, sender.stop)
    if child:
        _when_input_closes(loop, sender.stop)
    console = Console()
    said: asyncio.Task[Any]
    if console.is_terminal:
        with console.status("fleet: starting") as status:
            said = asyncio.create_task(report_each_minute(sender, status.update, 1.0))
            await _beside(sender, said)
    else:
        said = asyncio.create_task(report_each_minute(sender, lambda line: print(line, flush=True)))
        await _beside(sender, said)


async def _beside(sender: Sender, said: "asyncio.Task[Any]") -> None:
    try:
        await sender.run()
    finally:
        said.cancel()
        with suppress(asyncio.CancelledError):
            await said


def _when_input_closes(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Call ``stop`` on the loop once nothing can be read any more: the parent, however it died, has closed our input."""

    def watch() -> None:
        with suppress(OSError):
            while os.read(0, 4096):
                pass
        with suppress(RuntimeError):  # the loop ended first
            loop.call_soon_threadsafe(stop)

    threading.Thread(target=watch, name="parent", daemon=True).start()


if __name__ == "__main__":
    app(prog_name="python -m bench")
