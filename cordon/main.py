"""The ``cordon`` command: each subcommand reads its options, does one thing, and says in one line what went wrong."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console

from bench.workloads import WORKLOADS
from model.errors import CordonError, first

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Cordon: the backend of an electronic-monitoring centre.",
)
keys = typer.Typer(no_args_is_help=True, help="Gateway keys: make, list, revoke.")
users = typer.Typer(
    no_args_is_help=True,
    help="People who sign in: add, list, give another role or password, shut out.",
)
dead = typer.Typer(no_args_is_help=True, help="Dead letters: records that could not be kept, with their bytes and the reason.")
signing = typer.Typer(no_args_is_help=True, help="The key that signs the evidence chain's day heads: show, rotate.")
app.add_typer(signing, name="signing")
app.add_typer(keys, name="keys")
app.add_typer(users, name="users")
app.add_typer(dead, name="dead")
holds = typer.Typer(no_args_is_help=True, help="Legal holds: what is kept beyond its time, by whose authority and why.")
app.add_typer(holds, name="holds")

UNBROKEN = 10_000  # columns where a file or another program reads, for which nothing is to be broken into lines


def _columns(stream: TextIO) -> int | None:
    """How wide what is printed there may be; None: as wide as the terminal, or as COLUMNS says."""
    return None if stream.isatty() or "COLUMNS" in os.environ else UNBROKEN


out = Console(width=_columns(sys.stdout))
err = Console(stderr=True)

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder of the instance's data.", show_default="a folder of this user's")
]
TcpPort = Annotated[
    int | None,
    typer.Option(
        "--tcp-port", help="Port of the gateways' binary door; 0: any free one.", show_default="closed", min=0, max=65535
    ),
]
Dsn = Annotated[
    str,
    typer.Option(
        "--dsn",
        help="Address of an outside PostgreSQL, postgresql://user@host/database, instead of the data folder's own.",
        show_default="CORDON_DSN",
    ),
]

Password = Annotated[
    str,
    typer.Option("--password", envvar="CORDON_PASSWORD", help="That person's.", show_envvar=True, show_default="asked for"),
]


def _asked(*, twice: bool = False) -> str:
    """The password as a person at the terminal types it; a pipe or a timer has nobody to ask."""
    if not sys.stdin.isatty():
        raise CordonError("a password is needed, and there is no terminal to ask for it: set CORDON_PASSWORD")
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=twice)
    return typed


def _run(job: Coroutine[Any, Any, None]) -> None:
    """Run one command's work; Ctrl-C and SIGTERM end it in order, and quietly."""
    import uvloop

    async def until_told() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await job

    try:
        uvloop.run(until_told())
    except asyncio.CancelledError:
        raise typer.Exit(128 + signal.SIGTERM) from None


def _readable(path: Path, what: str) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise CordonError(f"{path} cannot be read as {what}: {error.strerror}") from None


@app.command()
def up(
    demo: Annotated[bool, typer.Option("--demo", help="Add a simulated fleet, and one user a role (password `demo`).")] = False,
    port: Annotated[
        int | None,
        typer.Option("--port", help="Port of the console, the API and the gateway door.", show_default="8000", min=0, max=65535),
    ] = None,
    tcp_port: TcpPort = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.", show_default="127.0.0.1")] = None,
    kafka: Annotated[
        bool,
        typer.Option(
            "--kafka", help="The distributed form: a broker, an edge and several workers. CORDON_KAFKA names another broker."
        ),
    ] = False,
    workers: Annotated[int | None, typer.Option("--workers", help="Workers, with --kafka.", show_default="2", min=1)] = None,
    lanes: Annotated[
        int | None,
        typer.Option(
            "--lanes",
            help="Commit streams of a new instance; with Kafka, `cordon lanes` changes them later.",
            show_default="4",
            min=1,
            max=256,
        ),
    ] = None,
    edge_port: Annotated[
        int | None,
        typer.Option(
            "--edge-port", help="Port of the gateway door, with --kafka.", show_default="the next one", min=0, max=65535
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """The whole system on this machine: database, worker, API and console, until Ctrl-C."""
    from cordon.up import run_up

    ports = {"port": port, "tcp_port": tcp_port, "edge_port": edge_port}
    _run(run_up(demo_fleet=demo, kafka=kafka, host=host, workers=workers, lanes=lanes, data_dir=data_dir, out=out, **ports))


@app.command()
def worker(
    dsn: Dsn = "",
    kafka: Annotated[str, typer.Option("--kafka", help="The broker, host:port; several with commas between.")] = "",
) -> None:
    """One of the workers of a distributed system, until Ctrl-C: consumes from Kafka, judges, commits.

    Start as many as you like, on as many machines: they share the lanes, and take over the lanes of one that ends.
    """
    from cordon.kernels import environment

    os.environ.update(environment())  # before the first import of anything compiled
    from cordon.consumer import run_worker

    _run(run_worker(dsn, kafka))


@app.command()
def api(
    dsn: Dsn = "",
    kafka: Annotated[str, typer.Option("--kafka", help="The broker, host:port; several with commas between.")] = "",
    port: Annotated[
        int | None, typer.Option("--port", help="Port of the console and the API.", show_default="8000", min=0, max=65535)
    ] = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.", show_default="127.0.0.1")] = None,
) -> None:
    """The officers' API and console of a distributed system, until Ctrl-C; any number of them share CORDON_TOKEN_SECRET_FILE."""
    from cordon.kernels import environment

    os.environ.update(environment())
    from cordon.serve import run_api

    _run(run_api(dsn, kafka, host, port))


@app.command()
def lanes(
    count: Annotated[int, typer.Argument(help="How many.", min=1, max=256)],
    data_dir: DataDir = None,
    dsn: Dsn = "",
    kafka: Annotated[str, typer.Option("--kafka", help="The broker, host:port; several with commas between.")] = "",
) -> None:
    """Spread the work of a distributed system over another number of lanes, while it runs; the most workers that have work.

    Gateways are held up for some seconds and send again; nothing is lost. Interrupted, it goes on when given once more.
    """
    from cordon.moving import run_lanes

    _run(run_lanes(count, data_dir, dsn, kafka, out))


@app.command()
def edge(
    dsn: Dsn = "",
    kafka: Annotated[str, typer.Option("--kafka", help="The broker, host:port; several with commas between.")] = "",
    port: Annotated[
        int | None, typer.Option("--port", help="Port of the gateways' HTTP door.", show_default="8000", min=0, max=65535)
    ] = None,
    tcp_port: TcpPort = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.", show_default="127.0.0.1")] = None,
) -> None:
    """The gateways' doors of a distributed system, until Ctrl-C: a gateway is answered once Kafka has what it sent.

    Start as many as you like behind a load balancer: they share nothing but the broker.
    """
    from cordon.edge import run_edge

    _run(run_edge(dsn, kafka, host, port, tcp_port))


@app.command()
def duties(dsn: Dsn = "") -> None:
    """The background duties of a distributed system, until Ctrl-C; as many of these as you like, on as many machines.

    `cordon up` does them itself.
    """
    from cordon.duties import run_duties

    _run(run_duties(dsn))


@app.command()
def fleet(
    dsn: Dsn = "",
    to: Annotated[str, typer.Option("--to", help="Address of the gateways' door.", show_default="CORDON_DOOR_URL")] = "",
) -> None:
    """A simulated fleet for a distributed system, until Ctrl-C: for trials, in a database that has no wearers of its own.

    Writes the fleet's wearers, orders and zones into it, and sends what their tags report to the door.
    """
    from cordon.demo import run_fleet

    _run(run_fleet(dsn, to))


@app.command()
def replay(
    trace: Annotated[Path, typer.Argument(help="CSV or CSV.GZ: tag, fix_at, lon, lat and any other fix column by its name.")],
    zones: Annotated[Path | None, typer.Option("--zones", help="GeoJSON; each feature an exclusion zone for every tag.")] = None,
    world: Annotated[
        Path | None, typer.Option("--world", help="WORLD document: wearers, orders, activations, zones, as they were then.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Let the clock run on to this time.", show_default="one minute on")
    ] = None,
    speed: Annotated[str, typer.Option("--speed", help="Times the trace's own pace, or max.")] = "max",
    to: Annotated[str | None, typer.Option("--to", help="Address of a running instance, instead of a private one.")] = None,
    key: Annotated[str | None, typer.Option("--key", help="A gateway key of that instance.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Send a recorded trace through the gateway door and show the alerts it raises, on the trace's own clock."""
    for path, what in ((trace, "CSV or CSV.GZ"), (zones, "GeoJSON"), (world, "a WORLD document")):
        if path is not None:
            _readable(path, what)  # before the imports, which take seconds
    from cordon.replay import run_replay

    _run(run_replay(trace, zones, world=world, until=until, speed=speed, to=to, key=key, as_json=json, out=out, err=err))


@app.command("import")
def import_(
    world: Annotated[
        Path,
        typer.Argument(
            help="WORLD document: wearers, orders, activations, zones, curfews, absences, visits, tags, pauses, settings."
        ),
    ],
    to: Annotated[str, typer.Option("--to", help="Address of the running instance.")],
    user: Annotated[
        str, typer.Option("--user", help="Who imports: an officer, supervisor or admin of it.", envvar="CORDON_USER")
    ],
    password: Password = "",
    name: Annotated[
        str | None, typer.Option("--name", help="What its refs are remembered under.", show_default="the file's name")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all of it and write nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
) -> None:
    """Load a WORLD document into a running instance, with a line for each item; imported again, nothing is made twice.

    Where the file itself is wrong nothing is written, and all that is wrong is named. Ends with 1 where an item was refused; what
    only the instance refuses keeps nothing else out.
    """
    from cordon.importing import run_import

    password = password or _asked()
    _run(run_import(world, to=to, user=user, password=password, name=name, dry_run=dry_run, as_json=json, out=out, err=err))


@app.command()
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help=f"{', '.join(WORKLOADS)}; all where none is named.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the rows as one JSON list; the table goes to standard error.")
    ] = False,
    plot: Annotated[Path | None, typer.Option("--plot", help="Folder for a picture of each workload.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A small size: shows that it works, not how fast.")] = False,
) -> None:
    """Measure this machine against what an engineer would use instead, and compare every answer.

    Ends with 1 where an answer is wrong; a ratio that misses its aim is shown as missed, and is no failure.
    """
    from bench.runner import run
    from cordon.kernels import environment

    os.environ.update(environment())
    raise typer.Exit(run(names or [], as_json=json, plot=plot, out=out, err=err, quick=quick))


@app.command(hidden=True)
def load(
    world: Annotated[Path, typer.Argument(help="WORLD document, as `python -m bench world` writes it.")],
    data_dir: DataDir = None,
    dsn: Dsn = "",
) -> None:
    """Write a whole world straight into an instance's database: for benchmarks and trials, not for people's records."""
    from cordon.loading import run_load

    _run(run_load(world, data_dir, dsn, out, err))


@app.command()
def migrate(data_dir: DataDir = None, dsn: Dsn = "") -> None:
    """Bring a database up to this version; safe to repeat, and while the system runs."""
    from cordon.admin import run_migrate

    _run(run_migrate(data_dir, dsn, out))


@app.command()
def verify(
    since: Annotated[
        str | None,
        typer.Option("--from", help="From this day or time on: 2026-11-22, or with a time and a zone.", show_default="all"),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="Up to this time, or to the end of this day.", show_default="all")
    ] = None,
    lane: Annotated[
        int | None,
        typer.Option(
            "--lane", help="Only this lane's commits; a row that no commit stored is always named.", show_default="all", min=0
        ),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", help="Folder of public keys to trust, and of heads.jsonl.", show_default="the instance's own"),
    ] = None,
    kept: Annotated[
        int | None,
        typer.Option(
            "--kept",
            help="The fewest days that CORDON_RETENTION_DAYS ever was: older ones may be gone, where that is noted.",
            show_default="what it is now",
            min=1,
        ),
    ] = None,
    data_dir: DataDir = None,
    dsn: Dsn = "",
) -> None:
    """Check that everything stands as it was stored, beside a running system or on a restored backup.

    Ends with 1 and one sentence about the first thing that does not match.
    """
    from cordon.kernels import environment

    os.environ.update(environment())
    from cordon.verify import run_verify

    _run(run_verify(since, until, lane, keys, data_dir, dsn, kept_days=kept, out=out, err=err))


@signing.command("show")
def signing_show(data_dir: DataDir = None) -> None:
    """Print every public key that checks day heads, for safekeeping outside."""
    from cordon.verify import show_keys

    show_keys(data_dir, out)


@signing.command("rotate")
def signing_rotate(data_dir: DataDir = None) -> None:
    """Sign with a new key from now on; the old private key is deleted, its public key stays."""
    from cordon.verify import rotate_key

    rotate_key(data_dir, out)


@keys.command("create")
def keys_create(
    gateway: Annotated[str, typer.Argument(help="The gateway's name.")], data_dir: DataDir = None, dsn: Dsn = ""
) -> None:
    """Make a key for a gateway and print it, this once; makes the instance where there is none yet."""
    from cordon.admin import run_keys_create

    _run(run_keys_create(gateway, data_dir, dsn, out, err))


@keys.command("list")
def keys_list(data_dir: DataDir = None, dsn: Dsn = "") -> None:
    """List gateway keys by their first characters."""
    from cordon.admin import run_keys_list

    _run(run_keys_list(data_dir, dsn, out))


@keys.command("revoke")
def keys_revoke(
    prefix: Annotated[
        str, typer.Argument(help="The key's first characters, as `keys list` shows them: 4 or more that tell it from others.")
    ],
    data_dir: DataDir = None,
    dsn: Dsn = "",
) -> None:
    """Make a key worthless at once."""
    from cordon.admin import run_keys_revoke

    _run(run_keys_revoke(prefix, data_dir, dsn, out))


@users.command("add")
def users_add(
    name: Annotated[str, typer.Argument(help="What the person signs in as.")],
    role: Annotated[str, typer.Option("--role", help="operator, officer, supervisor, field, engineer, auditor or admin.")],
    password: Password = "",
    data_dir: DataDir = None,
    dsn: Dsn = "",
) -> None:
    """Add a person; the password is asked for where it is not given, and the instance made where there is none yet."""
    from cordon.admin import check_role, run_users_add

    check_role(role)
    password = password or _asked(twice=True)
    _run(run_users_add(name, role, password, data_dir, dsn, out, err))


@users.command("list")
def users_list(data_dir: DataDir = None, dsn: Dsn = "") -> None:
    """List people and their roles."""
    from cordon.admin import run_users_list

    _run(run_users_list(data_dir, dsn, out))


@users.command("role")
def users_role(
    name: Annotated[str, typer.Argument(help="Who.")],
    role: Annotated[str, typer.Argument(help="operator, officer, supervisor, field, engineer, auditor or admin.")],
    data_dir: DataDir = None,
    dsn: Dsn = "",
) -> None:
    """Give a person another role at once: their sessions end, and the next sign-in has it.

    Alerts they own that it cannot work go back to the queue, and calls they owe are nobody's where it logs none.
    """
    from cordon.admin import run_users_role

    _run(run_users_role(name, role, data_dir, dsn, out))


@users.command("password")
def users_password(
    name: Annotated[str, typer.Argument(help="Who.")],
    password: Password = "",
    data_dir: DataDir = None,
    dsn: Dsn = "",
) -> None:
    """Give a person another password at once; it is asked for where it is not given. Their sessions end."""
    from cordon.admin import run_users_password

    password = password or _asked(twice=True)
    _run(run_users_password(name, password, data_dir, dsn, out))


@users.command("disable")
def users_disable(name: Annotated[str, typer.Argument(help="Who.")], data_dir: DataDir = None, dsn: Dsn = "") -> None:
    """Shut a person out at once: no sign-in, and their sessions end. What they own goes back to the queue."""
    from cordon.admin import run_users_active

    _run(run_users_active(name, False, data_dir, dsn, out))


@users.command("enable")
def users_enable(name: Annotated[str, typer.Argument(help="Who.")], data_dir: DataDir = None, dsn: Dsn = "") -> None:
    """Let a person in again who was shut out, with the password and role they had."""
    from cordon.admin import run_users_active

    _run(run_users_active(name, True, data_dir, dsn, out))


@dead.command("list")
def dead_list(
    last: Annotated[int, typer.Option("--last", help="How many, newest first.", min=1)] = 20,
    data_dir: DataDir = None,
    dsn: Dsn = "",
) -> None:
    """List dead letters with their reasons."""
    from cordon.letters import run_dead_list

    _run(run_dead_list(last, data_dir, dsn, out))


Letter = Annotated[int, typer.Argument(help="The letter's number, as `dead list` shows it.")]


@dead.command("show")
def dead_show(letter: Letter, data_dir: DataDir = None, dsn: Dsn = "") -> None:
    """Show one with its bytes, which may be positions: who looks is noted."""
    from cordon.letters import run_dead_show

    _run(run_dead_show(letter, data_dir, dsn, out))


@dead.command("replay")
def dead_replay(
    letters: Annotated[list[int], typer.Argument(metavar="LETTER...", help="Numbers, as `dead list` shows them.")],
    to: Annotated[str, typer.Option("--to", help="Address of the running instance.")] = "http://127.0.0.1:8000",
    data_dir: DataDir = None,
    dsn: Dsn = "",
) -> None:
    """Send them through the instance's gateway door once more; one that is still refused stays as it was."""
    from cordon.letters import run_dead_replay

    _run(run_dead_replay(letters, to, data_dir, dsn, out))


@dead.command("discard")
def dead_discard(
    letter: Letter,
    reason: Annotated[str, typer.Option("--reason", help="Why it is of no use; it stays in the audit.")],
    data_dir: DataDir = None,
    dsn: Dsn = "",
) -> None:
    """Let one wait no longer; its bytes go thirty days later."""
    from cordon.letters import run_dead_discard

    _run(run_dead_discard(letter, reason, data_dir, dsn, out))


Days = Annotated[int, typer.Option("--days", help="Of the last so many days.", min=1, max=400)]


@app.command()
def sla(days: Days = 28, data_dir: DataDir = None, dsn: Dsn = "") -> None:
    """How soon people answered: each clock's median, ninetieth percentile and misses, by kind and shift."""
    from cordon.figures import run_sla

    _run(run_sla(days, data_dir, dsn, out))


@app.command()
def noise(
    by: Annotated[str, typer.Option("--by", help="all, rule, tag, model or zone.")] = "rule",
    days: Days = 28,
    data_dir: DataDir = None,
    dsn: Dsn = "",
) -> None:
    """What people called a false alarm, the noisiest first, and alerts a person-day against the targets."""
    from cordon.figures import run_noise

    _run(run_noise(by, days, data_dir, dsn, out))


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder, on another disk.")],
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with the log, so that whatever is acknowledged later is in it too.")
    ] = False,
    data_dir: DataDir = None,
    dsn: Dsn = "",
) -> None:
    """Back the database up while the system runs."""
    from cordon.backups import run_backup

    _run(run_backup(folder, follow, data_dir, dsn, out))


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="A folder that `cordon backup` made.")],
    data_dir: Annotated[Path, typer.Option("--data-dir", help="A new folder for the instance's data.")],
) -> None:
    """Make a new instance's data folder of a backup; `cordon up --data-dir` on it goes on from there."""
    from cordon.backups import run_restore

    _run(run_restore(folder, data_dir, out))


By = Annotated[str, typer.Option("--by", help="Who authorised it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stays in the audit.")]


@app.command()
def billing(
    first: Annotated[str, typer.Option("--from", help="The first date, 2026-11-01.")],
    end: Annotated[str, typer.Option("--to", help="The date after the last.")],
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")] = False,
    data_dir: DataDir = None,
    dsn: Dsn = "",
) -> None:
    """Count the people really monitored on each day, none of them twice."""
    from cordon.billing import run_billing

    _run(run_billing(first, end, data_dir, dsn, out, csv=csv))


@holds.command("add")
def holds_add(
    by: By,
    reason: Reason,
    wearer: Annotated[int | None, typer.Option("--wearer", help="All records of this wearer.")] = None,
    order: Annotated[int | None, typer.Option("--order", help="The wearer's records of this order's time.")] = None,
    alert: Annotated[
        int | None, typer.Option("--alert", help="The wearer's records from a day before to a day after it.")
    ] = None,
    data_dir: DataDir = None,
    dsn: Dsn = "",
) -> None:
    """Keep records until the hold is released, however old they become."""
    from cordon.holding import run_holds_add

    _run(run_holds_add(wearer, order, alert, by, reason, data_dir, dsn, out))


@holds.command("list")
def holds_list(data_dir: DataDir = None, dsn: Dsn = "") -> None:
    """List holds, standing ones first."""
    from cordon.holding import run_holds_list

    _run(run_holds_list(data_dir, dsn, out))


@holds.command("release")
def holds_release(
    hold: Annotated[int, typer.Argument(help="The hold's number.")],
    by: By,
    reason: Reason,
    data_dir: DataDir = None,
    dsn: Dsn = "",
) -> None:
    """End a hold."""
    from cordon.holding import run_holds_release

    _run(run_holds_release(hold, by, reason, data_dir, dsn, out))


@app.command()
def erase(
    wearer: Annotated[int, typer.Argument(help="The wearer's number.")],
    by: By,
    reason: Reason,
    data_dir: DataDir = None,
    dsn: Dsn = "",
) -> None:
    """Make a wearer whose orders have ended unrecognisable; refused while a hold stands."""
    from cordon.holding import run_erase

    _run(run_erase(wearer, by, reason, data_dir, dsn, out))


def main() -> None:
    """Run the command; a failure that a user can meet is one line on standard error (a file's faults one each), exit code 1."""
    try:
        app(prog_name="cordon")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        cause = first(error)
        if not isinstance(cause, CordonError):
            raise
        err.print(f"cordon: {cause}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
