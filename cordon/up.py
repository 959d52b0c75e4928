"""`cordon up`: starts the whole system on this machine, says where it is, keeps it running, ends it in order."""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Final

import structlog
from rich.console import Console
from rich.panel import Panel

from cordon import child, demo, distributed, duties, logs
from cordon.distributed import OwnBroker
from cordon.instance import Running, database, running
from cordon.settings import default_data_dir, read, refuse_demo_elsewhere
from duties import partitions
from store import accounts
from store.pool import Store

log = structlog.get_logger()

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
        If the demo is asked for beyond loopback, the data folder or port cannot be used, or a part does not stay up.
    """
    given = {"host": host, "port": port, "tcp_port": tcp_port, "edge_port": edge_port, "data_dir": data_dir}
    given |= {"workers": workers, "lanes": lanes}
    settings = read().model_copy(update={name: value for name, value in given.items() if value is not None})
    if demo_fleet:
        refuse_demo_elsewhere(settings.host)
    folder = settings.data_dir or default_data_dir(demo_fleet)
    quicker = {"first_fix_min": demo.FIRST_FIX_MIN} if demo_fleet else {}
    settings = settings.model_copy(update={"demo": demo_fleet, "data_dir": folder} | quicker)
    logs.configure(settings.log_level, folder / "log" / "cordon.log", "up")
    async with contextlib.AsyncExitStack() as stack:
        with out.status("Starting the database") as status:
            migrated = await stack.enter_async_context(database(settings))
            async with Store(migrated.dsn, size=2) as store:
                await partitions.keep(store, time.time_ns() // 1000)
                if demo_fleet:
                    status.update("Setting up the simulated fleet")
                    await demo.seed(store)
                anyone = bool(await accounts.everyone(store))
            own = None
            if kafka or settings.kafka:
                status.update("Starting the broker (its jars are fetched the first time)")
                migrated, own = await stack.enter_async_context(distributed.broker(migrated))
            status.update("Starting the worker (the first start compiles the geofence kernels, about half a minute)")
            parts = distributed.running if migrated.settings.kafka else running
            system = await stack.enter_async_context(parts(migrated))
        await _stay(system, own, demo_fleet=demo_fleet, anyone=anyone, out=out)


async def _stay(system: Running, own: OwnBroker | None, *, demo_fleet: bool, anyone: bool, out: Console) -> None:
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
        lines.append("Sign in as operator, officer, supervisor, field, engineer, auditor or admin, password demo")
    elif not anyone:
        lines.append(NO_USERS)
    out.print(Panel("\n".join(lines), title="Cordon is up", expand=False), highlight=False)
    out.print("Ctrl-C ends it; the data stay.", highlight=False)
    async with demo.fleet(system) if demo_fleet else contextlib.nullcontext(), asyncio.TaskGroup() as group:
        settings = system.settings.model_copy(update={"door_url": system.door})
        disk = settings.data_dir if system.database.server is not None else None
        doing = duties.run(settings.dsn, duties.listed(settings, disk))
        kept = [group.create_task(job) for job in (system.keep(), doing, *([own.keep()] if own else []))]
        await child.until_told(watch_parent=False)
        out.print("Ending", highlight=False)
        for task in kept:
            task.cancel()
