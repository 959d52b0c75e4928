"""`cordon up`: starts the whole system on this machine, says where it is, keeps it running, ends it in order."""

import asyncio
import contextlib
import itertools
import shlex
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import structlog
from rich.console import Console
from rich.panel import Panel

from cordon import child, demo, distributed, duties, logs
from cordon.broker import Broker
from cordon.instance import Running, database, listening, running
from cordon.settings import default_data_dir, read, refuse_demo_elsewhere
from cordon.supervisor import keep
from duties import partitions
from model.errors import CordonError
from store import accounts
from store.pool import Store

log = structlog.get_logger()

SILENT_S: Final = 10.0  # while a part starts, whoever reads a log hears of it this often
NO_USERS: Final = "Nobody can sign in yet. In another terminal: cordon users add NAME --role admin"


async def run_up(
    *,
    demo_fleet: bool,
    kafka: bool,
    host: str | None,
    port: int | None,
    tcp_port: int | None,
    edge_port: int | None,
    workers: int | None,
    lanes: int | None,
    data_dir: Path | None,
    out: Console,
) -> None:
    """Run until Ctrl-C, SIGTERM, or a part that cannot be kept running.

    Raises
    ------
    CordonError
        If the demo is asked for beyond loopback, an option is of the distributed form alone, the data folder or port cannot be
        used, or a part does not stay up.
    """
    given = {"host": host, "port": port, "tcp_port": tcp_port, "edge_port": edge_port, "data_dir": data_dir}
    given |= {"workers": workers, "lanes": lanes}
    settings = read().model_copy(update={name: value for name, value in given.items() if value is not None})
    for option, value in (("--workers", workers), ("--edge-port", edge_port)):
        if value is not None and not (kafka or settings.kafka):
            raise CordonError(f"{option} is of the distributed form: give --kafka as well, or leave it out")
    if demo_fleet:
        refuse_demo_elsewhere(settings.host)
    for number, option in ((settings.port, "--port"), (settings.tcp_port, "--tcp-port")):
        if number:
            listening(settings.host, number, option).close()  # before a database is made for nothing
    folder = settings.data_dir or default_data_dir(demo_fleet)
    shown = (
        {"first_fix_min": demo.FIRST_FIX_MIN, "channel_networks": settings.channel_networks or demo.NETWORKS}
        if demo_fleet
        else {}
    )
    settings = settings.model_copy(update={"demo": demo_fleet, "data_dir": folder} | shown)
    logs.configure(settings.log_level, folder / "log" / "cordon.log", "up")
    async with contextlib.AsyncExitStack() as stack:
        async with _steps(out) as now:
            now("Starting the database")
            migrated = await stack.enter_async_context(database(settings))
            async with Store(migrated.dsn, size=2) as store:
                await partitions.keep(store, time.time_ns() // 1000)
            own = None
            if kafka or settings.kafka:
                now("Starting the broker (its jars are fetched the first time)")
                migrated, own = await stack.enter_async_context(distributed.broker(migrated))
            now(
                "Starting the worker (the first start compiles the geofence kernels: half a minute, or minutes on a busy machine)"
            )
            parts = distributed.running if migrated.settings.kafka else running
            system = await stack.enter_async_context(parts(migrated))
            if demo_fleet:  # now, as a first start takes minutes, and tags that are fitted before it are missed at once
                now("Setting up the simulated fleet")
                await demo.seed(system.store)
            anyone = bool(await accounts.everyone(system.store))
        watch_parent = settings.parent_pipe  # those of the running system say that of its parts
        await _stay(system, own, demo_fleet=demo_fleet, anyone=anyone, watch_parent=watch_parent, out=out)


@contextlib.asynccontextmanager
async def _steps(out: Console) -> AsyncIterator[Callable[[str], None]]:
    """Say what is under way: on a terminal in one line that changes, in a log or a pipe as a line each, and one now and then.

    The first start takes minutes on a slow machine, and silence looks like a hang.
    """
    if out.is_terminal:
        with out.status("") as status:
            yield status.update
        return
    telling: asyncio.Task[None] | None = None

    def now(what: str) -> None:
        nonlocal telling
        if telling is not None:
            telling.cancel()
        out.print(what, highlight=False)
        telling = asyncio.create_task(_still(out))

    try:
        yield now
    finally:
        if telling is not None:
            telling.cancel()
            await asyncio.wait([telling])


async def _still(out: Console) -> None:
    """Say now and then for how long this has taken."""
    for times in itertools.count(1):
        await asyncio.sleep(SILENT_S)
        out.print(f"still at it, {times * SILENT_S:.0f} s so far", highlight=False)


async def _stay(system: Running, own: Broker | None, *, demo_fleet: bool, anyone: bool, watch_parent: bool, out: Console) -> None:
    """Keep everything running until told to stop."""
    lines = [
        f"[bold]Console[/]   {system.url}",
        f"Gateways  {system.door}/gateway/v1/fixes",
        f"Data      {system.settings.data_dir}",
    ]
    if system.settings.tcp_port is not None:
        lines.insert(2, f"Frames    tcp://{system.settings.address(system.settings.tcp_port)}")
    if system.settings.kafka:
        lines.append(f"Kafka     {system.settings.kafka}, {system.settings.workers} workers")
    if demo_fleet:
        lines.append(f"For other commands: --data-dir {shlex.quote(str(system.settings.data_dir))}")
        lines.append("Sign in as operator, officer, supervisor, field, engineer, auditor or admin, password demo")
    elif not anyone:
        lines.append(NO_USERS)
    out.print(Panel("\n".join(lines), title="Cordon is up", expand=False), highlight=False)
    out.print("Ctrl-C ends it; the data stay.", highlight=False)
    async with demo.fleet(system) if demo_fleet else contextlib.nullcontext(), asyncio.TaskGroup() as group:
        settings = system.settings.model_copy(update={"door_url": system.door})
        disk = settings.data_dir if system.database.server is not None else None
        doing = duties.run(settings.dsn, duties.listed(settings, disk))
        broker = [keep(own, "broker", settings.deaths_a_minute)] if own else []
        kept = [group.create_task(job) for job in (system.keep(), doing, *broker)]
        await child.until_told(watch_parent)
        out.print("Ending", highlight=False)
        for task in kept:
            task.cancel()
