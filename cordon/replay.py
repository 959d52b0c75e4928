"""`cordon replay`: turns a recorded trace into the alerts it raises, through the real door, on the trace's own clock."""

import contextlib
import json
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import aiohttp
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cordon import document, logs, tracing
from cordon.instance import database, running
from cordon.sending import TIMEOUT_S, Door, Sent, send
from cordon.settings import Settings
from cordon.settings import read as settings_of_environment
from cordon.trace import Row, moment, read
from duties import paper
from model import instant
from model.errors import CordonError, first
from store import keys
from store.pool import Store

RUN_ON_US: Final = instant.MINUTE_US  # how long the clock runs on after the last row
GATEWAY: Final = "replay"


async def run_replay(
    trace: Path,
    zones: Path | None,
    *,
    world: Path | None,
    until: str | None,
    speed: str,
    to: str | None,
    key: str | None,
    as_json: bool,
    out: Console,
    err: Console,
) -> None:
    """Replay and report; with ``to``, only send.

    Raises
    ------
    CordonError
        If a file, an option, or the instance cannot be used, or every row is refused and a table was asked for.
    """
    until_us, times = _time(until), _speed(speed)
    rows = read(trace)
    if to is not None:
        if not to.startswith(("http://", "https://")):
            raise CordonError(f"--to {to!r} is not an address; write http://{to}")
        if key is None:
            raise CordonError("--to needs --key: a gateway key of that instance, from its `cordon keys create`")
        if zones is not None or world is not None or until is not None:
            raise CordonError(
                "--zones, --world and --until are for a private instance; with --to, world and clock are the running one's"
            )
        with _progress(err, len(rows)) as progress:
            async with _door(to, key) as door:
                sent = await send(door, rows, speed=times, keep_received=False, progress=progress)
        report = _report(sent, None)
    else:
        report = await _privately(rows, zones, world, until_us, times, err)
    if as_json:
        print(json.dumps(report))  # noqa: T201 - the contract's own output: it says what was refused, and is an answer
        return
    _show(report, out, unzoned=zones is None and world is None)
    if rows and len(report["rejected"]) == len(rows):
        raise CordonError(f"every row of {trace} was refused: there is nothing to judge; the reasons are listed above")


async def _privately(
    rows: list[Row], zones: Path | None, world: Path | None, until_us: int | None, speed: float | None, err: Console
) -> dict[str, Any]:
    """Into an instance of its own, made for this trace and gone after it."""
    made = tracing.world(rows, zones, None if world is None else await document.whole(world))
    with tempfile.TemporaryDirectory(prefix="cordon-replay-") as folder:
        data_dir = Path(folder)
        data_dir.chmod(0o711)  # as root the database server is another user
        private = {"data_dir": data_dir, "port": 0, "host": "127.0.0.1", "dsn": "", "trace_from_us": made.begins_us}
        settings = settings_of_environment().model_copy(update=private)
        logs.configure(settings.log_level, data_dir / "log" / "replay.log", "replay")
        try:
            return await _through(settings, made, rows, until_us, speed, err)
        except Exception as error:
            cause = first(error)
            said = logs.last_words(data_dir / "log")
            if isinstance(cause, CordonError) and said:
                raise CordonError(f"{cause}; before that, {said}") from error  # the logs go with the folder
            raise


async def _through(
    settings: Settings, world: tracing.World, rows: list[Row], until_us: int | None, speed: float | None, err: Console
) -> dict[str, Any]:
    """Start it, send the rows, read the alerts."""
    with err.status("Starting a private instance") as status:
        async with database(settings, fsync=False) as migrated:
            async with Store(migrated.dsn, size=2) as store:
                numbers = await tracing.load(store, world)
                key = await keys.create(store, GATEWAY)
            async with running(migrated) as system, system.kept():
                status.stop()
                with _progress(err, len(rows)) as progress:
                    async with _door(system.url, key) as door:
                        sent = await send(door, rows, speed=speed, keep_received=True, progress=progress)
                        end_us = max(_end_us(sent, until_us), sent.clock_us)
                        if end_us:
                            await door.post(f"/clock/{end_us}", {})
                if numbers.own and end_us:
                    limits = paper.LIMITS._replace(first_fix_us=round(settings.first_fix_min * instant.MINUTE_US))
                    await paper.look_back(system.store, numbers.own, sent.began_us or end_us, end_us, limits)
                return _report(sent, await tracing.alerts(system.store, numbers)) | {"repaired": world.repaired}


def _end_us(sent: Sent, until_us: int | None) -> int:
    """Up to when the clock runs; 0 where no row that was taken, and nobody, says."""
    if until_us is not None:
        return until_us
    return sent.clock_us + RUN_ON_US if sent.clock_us else 0


@contextlib.asynccontextmanager
async def _door(url: str, key: str) -> AsyncIterator[Door]:
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield Door(session, url, key)


def _time(text: str | None) -> int | None:
    until_us = moment({"until": text}, "until")
    if text is not None and until_us is None:
        raise CordonError(f"--until {text!r} is not a time with a zone from 2000 to 9000, such as 2026-03-20T09:00:00Z")
    return until_us


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        times = float(text)
    except ValueError:
        times = 0.0
    if not 0 < times < 1e6:
        raise CordonError(f"--speed {text!r} is neither a number above 0 nor max")
    return times


@contextlib.contextmanager
def _progress(err: Console, rows: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("Sending"), BarColumn(), MofNCompleteColumn(), TextColumn("rows"), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=rows)

        def advance(count: int) -> None:
            bar.advance(task, count)

        yield advance


def _report(sent: Sent, alerts: list[dict[str, Any]] | None) -> dict[str, Any]:
    """CONTRACT.md's last line of a replay; ``alerts`` is null where they are the running instance's to show."""
    return {"sent": sent.sent, "stored": sent.stored, "duplicate": sent.duplicate, "rejected": sent.rejected, "alerts": alerts}


def worded(reason: str) -> str:
    """A door's reason for a row as whoever wrote the file reads it: of a column, not of JSON."""
    return _NUMBERLESS.sub(lambda found: f"{found['column']} is no {'whole ' if found['type'] == 'int' else ''}number", reason)


def _show(report: dict[str, Any], out: Console, *, unzoned: bool) -> None:
    rejected = report["rejected"]
    out.print(f"sent {report['sent']}, stored {report['stored']}, duplicate {report['duplicate']}, rejected {len(rejected)}")
    for one in rejected[:SHOWN]:
        out.print(f"  line {one['line']}: {worded(one['reason'])}", markup=False)
    if len(rejected) > SHOWN:
        out.print(f"  and {len(rejected) - SHOWN} more (--json lists all)")
    for one in report.get("repaired", ()):
        out.print(f"  zone {one['zone']} was repaired: {one['reason']}", markup=False)
    alerts = report["alerts"]
    if alerts is None:
        return
    out.print(f"{len(alerts)} alert{'' if len(alerts) == 1 else 's'}")
    if unzoned:
        out.print(
            "No zone was given, so there was nothing to enter; --zones FILE names a GeoJSON of them, --world FILE a whole world."
        )
        return
    table = Table(box=None)
    for column in ("", "kind", "tag", "zone", "from (UTC)", "to"):
        table.add_column(column, no_wrap=True)
    table.add_column("")
    for alert in alerts:
        began, ended = alert["event_at"][:19], alert["ended_at"]
        same_day = ended is not None and ended[:10] == began[:10]
        table.add_row(
            alert["severity"],
            alert["kind"],
            "" if alert["tag"] is None else str(alert["tag"]),
            "" if alert["zone"] is None else str(alert["zone"]),
            began.replace("T", " "),
            "still there" if ended is None else (ended[11:19] if same_day else ended[:19].replace("T", " ")),
            ", ".join(_remarks(alert)),
        )
    out.print(table)


def _remarks(alert: dict[str, Any]) -> list[str]:
    """What an operator would want to know besides."""
    said = ["late"] if alert["late"] else []
    if alert["occurrences"] > 1:
        said.append(f"{alert['occurrences']} times")
    if alert["condition"] == "withdrawn":
        said.append("withdrawn")
    return said


SHOWN: Final = 10  # refused rows listed on screen
_NUMBERLESS: Final = re.compile(
    r"Expected `(?P<type>int|float)( \| null)?`, got `str` - at `\$\.(?P<column>\w+)`"
)  # a door's words
