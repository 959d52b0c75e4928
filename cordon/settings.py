"""Turns the environment and the command line into one record of settings, built once."""

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Final, Literal

import platformdirs
from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from model import reach
from model.errors import CordonError

CRASH_TESTS: Final = "kill-me"  # what CORDON_CRASH_TESTS must say


class Settings(BaseSettings):
    """Everything that can be set, as ``CORDON_<NAME>`` in the environment; command-line options win."""

    model_config = SettingsConfigDict(env_prefix="CORDON_", extra="ignore", frozen=True)

    dsn: str = ""  # an outside PostgreSQL; empty: the embedded one of the data folder
    data_dir: Path | None = None  # embedded PostgreSQL, keys, logs; None: default_data_dir()
    signing_dir: Path | None = None  # keys that sign the evidence chain's day heads; None: `signing` in the data folder
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000  # 0: any free one
    tcp_port: Annotated[int, Field(ge=0, le=65535)] | None = None  # of the gateways' binary door; 0: any free one, None: closed
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_file: Path | None = None  # None: standard error

    # One commit stream each; fixed once an instance has data. Four keep PostgreSQL busy on small machines.
    lanes: Annotated[int, Field(ge=1, le=256)] = 4
    # The log between doors and workers, `host:port`; empty: there is none, a door hands its batches to the one worker.
    kafka: Annotated[str, Field(pattern=r"^(\S+:\d+(,\S+:\d+)*)?$")] = ""
    kafka_prefix: Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,100}$")] = "cordon"  # of its topics and the workers' group
    # Copies of each record, where topics are made: 3 in earnest, with `min.insync.replicas` 2 on the brokers.
    kafka_replication: Annotated[int, Field(ge=1)] = 1
    # A worker not heard of for so long loses its lanes to the others.
    kafka_session_ms: Annotated[int, Field(ge=500)] = 8000
    # Of the distributed form on one machine (`cordon up --kafka`): its workers, and where its edge answers; 0: any free port,
    # None: the port after the API's.
    workers: Annotated[int, Field(ge=1, le=64)] = 2
    edge_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    # And where its own broker tells everybody to connect, where that is a relay in front of it; empty: to itself.
    broker_advertised: Annotated[str, Field(pattern=r"^(\S+:\d+)?$")] = ""
    # Records waiting for a commit before gateways are told to come back; about 100 MB.
    queue_records: Annotated[int, Field(ge=1)] = 400_000
    # Records one commit takes at most: more only makes the first of them wait longer.
    commit_records: Annotated[int, Field(ge=1)] = 50_000
    # A fix older than the oldest day kept is refused.
    retention_days: Annotated[int, Field(ge=1, le=36_500)] = 400
    # What an outside PostgreSQL may take, so that somebody is told before it is full; 0: not watched. The embedded one's disk is.
    storage_bytes: Annotated[int, Field(ge=0)] = 0
    # Only for an instance made for replay: when its trace begins, microseconds since 1970 UTC. Lane time and times of receipt
    # then come from the sender. 0: the wall clock.
    trace_from_us: int = 0
    demo: bool = False
    # Where the worker shows its counters to Prometheus, on this machine only; 0: nowhere. The API's are on its own port.
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0

    # How we watch ourselves. Seconds between two crossings of each lane's synthetic wearer, 0 for none; a crossing's alert that
    # is not on the feed so long after is late. `cordon duties` has to be told where the gateways' HTTP door answers.
    synthetic_s: Annotated[float, Field(ge=0, le=3600)] = 60.0
    synthetic_late_s: Annotated[float, Field(gt=0, le=600)] = 20.0
    door_url: str = ""
    # How long after a tag was fitted its first position has to have come (docs/orders.md).
    first_fix_min: Annotated[float, Field(ge=1, le=1440)] = 30.0
    # An address outside (a dead-man's switch) that is asked this often while all is well, and calls somebody when it is not.
    deadman_url: str = ""
    deadman_s: Annotated[float, Field(gt=0, le=3600)] = 30.0

    # Messages to people outside (channels). Where they open the console, for the links; the server that takes our mail,
    # `smtp://user:password@host:587` or `smtps://...`, and the address it comes from.
    console_url: Annotated[str, Field(pattern=r"^(https?://[^\s#?]+)?$")] = ""
    smtp_url: Annotated[str, Field(repr=False)] = ""
    mail_from: Annotated[str, Field(pattern=r"^([^@\s]+@[^@\s]+)?$")] = ""
    # Networks that are not public and channels may lead to all the same, over plain http too: `10.20.0.0/16,fd00:5::/64`.
    channel_networks: str = ""

    # Journal entries of a lane after which the next commit carries a snapshot.
    snapshot_entries: Annotated[int, Field(ge=1)] = 1000
    # A part that ends by itself is started again, unless it did so this often within a minute.
    deaths_a_minute: Annotated[int, Field(ge=1)] = 5

    # Only for crash tests (cordon/doom.py): a folder in which a process finds the order to end itself at a step of a commit, and
    # where it notes the digest of each state. Without the word in crash_tests it is refused, so that no copied line ends a real
    # instance.
    crash_tests: str = ""
    doom_dir: Path | None = None

    # Between the processes of one machine, set by `cordon up` for its children.
    worker_socket: Path | None = None
    token_secret_file: Path | None = None
    listen_fd: int = -1
    tcp_listen_fd: int = -1
    parent_pipe: bool = False  # standard input is a pipe that ends with the parent

    @field_validator("doom_dir")
    @classmethod
    def _only_in_crash_tests(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("crash_tests") != CRASH_TESTS:
            raise ValueError(f"processes end themselves only where CORDON_CRASH_TESTS is {CRASH_TESTS!r}")
        return value

    @field_validator("channel_networks")
    @classmethod
    def _networks(cls, value: str) -> str:
        reach.networks(value)
        return value

    @property
    def trace_clock(self) -> bool:
        """Whether time comes from the sender."""
        return self.trace_from_us > 0

    @property
    def signing(self) -> Path | None:
        """The folder of the keys that sign day heads; None where nothing says where: an outside database, no data folder."""
        return self.signing_dir or (self.data_dir / "signing" if self.data_dir else None)

    def address(self, port: int) -> str:
        """Where a port of ours answers: ``host:port``."""
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"

    def environment(self) -> dict[str, str]:
        """The process environment that makes an equal record in a child."""
        own = {
            f"CORDON_{name.upper()}": str(int(value) if isinstance(value, bool) else value)
            for name, value in self.model_dump().items()
            if value is not None
        }
        return {name: value for name, value in os.environ.items() if not name.startswith("CORDON_")} | own


def read() -> Settings:
    """What the environment says.

    Raises
    ------
    CordonError
        If a value there cannot be used.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = error.errors()[0]
        name = f"CORDON_{'_'.join(map(str, wrong['loc'])).upper()}"
        raise CordonError(f"{name} is {str(wrong['input'])!r} in the environment: {wrong['msg'].lower()}") from None
    if settings.smtp_url:  # not by a validator: what is wrong there is not to be shown, a password is in it
        from duties import mail

        mail.server(settings.smtp_url)
    return settings


ROOT_DATA_DIR: Final = Path("/var/lib/cordon")


def default_data_dir(demo: bool) -> Path:
    """Where an instance keeps its data unless told otherwise; the demo has a place of its own, so that the two never mix."""
    base = ROOT_DATA_DIR if os.geteuid() == 0 else Path(platformdirs.user_data_dir("cordon"))
    return base / ("demo" if demo else "main")


def refuse_demo_elsewhere(host: str) -> None:
    """The demo's passwords are known to everyone, so it answers on this machine only."""
    if host == "localhost":
        return
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise CordonError(f"--demo has known passwords and answers on loopback only, not on {host}; leave --host out")
