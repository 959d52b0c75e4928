"""`cordon up` starts, ends, is killed whole or part by part, and starts again: nothing acknowledged lost, nothing left behind."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cordon import miniature
from tests.integration.system import COMMAND, END_S, ROOT, START_S, System, system, until
from tests.integration.world import TAG, fix, monitored

pytestmark = [pytest.mark.serial, pytest.mark.xdist_group("kills")]


@pytest.fixture(scope="module")
def up() -> Iterator[System]:
    """One system with a wearer and a zone round them; tests kill parts of it and leave it running."""
    with system() as made:
        made.start()
        made.people("admin", "operator")
        monitored(made, "admin")
        yield made


def stored(up: System) -> set[int]:
    """Sequence numbers of the stored fixes; twice the same fails."""
    seqs = [seq for (seq,) in up.sql("SELECT seq FROM fix WHERE tag = %s", TAG)]
    assert len(seqs) == len(set(seqs))
    return set(seqs)


def acknowledge(up: System, count: int) -> set[int]:
    """Send fixes one by one; the sequence numbers of those the door acknowledged."""
    first = 1 + max(stored(up), default=0)
    for seq in range(first, first + count):
        receipt = up.send(fix(seq))
        assert receipt["stored"] + receipt["duplicate"] == 1
    return set(range(first, first + count))


def gone(up: System) -> None:
    until(lambda: not up.processes(), "every process is gone", END_S)


def test_each_part_comes_back_and_nothing_is_lost(up: System) -> None:
    sent: set[int] = stored(up)
    for part in ("worker", "api", "database"):
        sent |= acknowledge(up, 3)
        up.wait_for_another(part, up.kill(part))
        sent |= acknowledge(up, 3)
        assert stored(up) == sent, part
    assert up.up is not None
    assert up.up.poll() is None
    (alert,) = up.ask("operator", "GET", "/alerts?state=all")["items"]
    assert (alert["kind"], alert["condition"], alert["occurrences"]) == ("exclusion", "active", 1)


def test_worker_and_database_at_once(up: System) -> None:
    sent = stored(up) | acknowledge(up, 2)
    worker, database = up.kill("worker"), up.kill("database")
    up.wait_for_another("worker", worker)
    up.wait_for_another("database", database)
    assert stored(up) == sent
    sent |= acknowledge(up, 2)
    assert stored(up) == sent


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_end_it_ends_with_everything_and_starts_again_with_its_data(up: System, number: signal.Signals) -> None:
    sent = stored(up) | acknowledge(up, 2)
    alerts = up.ask("operator", "GET", "/alerts?state=all")["items"]
    with Listening(up):  # an open stream must not hold it up
        began = time.monotonic()
        assert up.stop(number) == 0, up.said()
        assert time.monotonic() - began < END_S
    assert up.processes() == {}
    assert "Traceback" not in up.said()
    up.start()
    assert stored(up) == sent
    assert up.ask("operator", "GET", "/alerts?state=all")["items"] == alerts
    assert acknowledge(up, 1)


def test_killed_outright_it_takes_its_parts_along_and_a_new_start_finds_everything(up: System) -> None:
    sent = stored(up) | acknowledge(up, 2)
    assert up.up is not None
    os.kill(up.up.pid, signal.SIGKILL)
    up.up.wait()
    gone(up)
    up.start()
    assert stored(up) == sent
    assert acknowledge(up, 1)


def test_started_again_at_once_after_a_kill_on_the_same_port(up: System) -> None:
    """As a service manager does: the old parts are still leaving."""
    sent = stored(up) | acknowledge(up, 1)
    port = up.url.rpartition(":")[2]
    assert up.up is not None
    os.kill(up.up.pid, signal.SIGKILL)
    up.up.wait()
    up.start("--port", port)
    assert stored(up) == sent
    assert acknowledge(up, 1)


def test_a_second_one_on_the_same_folder_is_refused(up: System) -> None:
    refused(f"another Cordon (process {up.pid('up')}) runs on", "--data-dir", str(up.data_dir), "--port", "0")
    assert up.get("/readyz").status == 200


def test_logs_hold_no_name_and_no_position(up: System) -> None:
    up.send(fix(9001, lon=-2.9812345, lat=53.4054321), fix(9002, lon=-2.9812345, lat=153.4054321), fix(9003, tag=TAG + 1))
    text = up.logs() + up.said()
    assert "committed" in text
    for secret in ("Test Wearer", "2.9812345", "53.4054321", up.key):
        assert secret not in text


def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    with system() as other, socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused(f"port {port} on 127.0.0.1 cannot be used", "--data-dir", str(other.data_dir), "--port", port)
        gone(other)


@pytest.mark.parametrize(
    ("reason", "options"),
    [
        ("answers on loopback only, not on 0.0.0.0", ("--demo", "--host", "0.0.0.0")),
        ("answers on loopback only, not on example.org", ("--demo", "--host", "example.org")),
        ("port", ("--host", "192.0.2.1", "--port", "0")),  # nobody's address
        ("--workers is of the distributed form: give --kafka as well", ("--workers", "2")),
        ("--edge-port is of the distributed form: give --kafka as well", ("--edge-port", "0")),
    ],
)
def test_a_wrong_option_is_refused(reason: str, options: tuple[str, ...]) -> None:
    with system() as other:
        refused(reason, "--data-dir", str(other.data_dir), *options)
        gone(other)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_end_while_it_is_starting_it_leaves_nothing_behind(number: signal.Signals) -> None:
    with system() as other:
        starting = other.launch()
        until(
            lambda: any("cordon.worker" in words for words in other.processes().values()), "the worker is being started", START_S
        )
        starting.send_signal(number)
        assert starting.wait(END_S) == 128 + number
        gone(other)
        assert "Traceback" not in other.said()


def test_killed_while_it_is_starting_it_leaves_no_process_behind() -> None:
    with system() as other:
        starting = other.launch()
        until(
            lambda: any("cordon.worker" in words for words in other.processes().values()), "the worker is being started", START_S
        )
        starting.kill()
        starting.wait()
        gone(other)


def test_sigterm_ends_it_also_where_a_shell_has_it_ignore_ctrl_c() -> None:
    """A script's background job: SIGINT is ignored, SIGTERM must not be."""
    with system() as other:
        words = ["up", "--port", "0", "--data-dir", str(other.data_dir)]
        starting = other.begin(*words, through=("/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh"))
        until(
            lambda: any("cordon.worker" in words for words in other.processes().values()), "the worker is being started", START_S
        )
        starting.send_signal(signal.SIGINT)
        starting.send_signal(signal.SIGTERM)
        assert starting.wait(END_S) == 128 + signal.SIGTERM
        gone(other)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_replay_told_to_end_leaves_nothing_behind(number: signal.Signals) -> None:
    with system() as other:
        trace, zones = miniature.FOLDER / "trace.csv.gz", miniature.FOLDER / "zones.geojson"
        sending = other.begin("replay", str(trace), "--zones", str(zones), "--speed", "10")
        until(lambda: any("cordon.serve" in words for words in other.processes().values()), "the replay is under way", START_S)
        assert list(other.temporary.iterdir())
        sending.send_signal(number)
        assert sending.wait(END_S) == 128 + number
        gone(other)
        assert list(other.temporary.iterdir()) == [], "its private data are gone"
        assert "Traceback" not in other.said()


def refused(reason: str, *options: str) -> None:
    done = subprocess.run([*COMMAND, "up", *options], cwd=ROOT, capture_output=True, text=True, check=False, timeout=START_S)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 1, done.stdout + done.stderr
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("cordon: ")
    assert reason in lines[0]


class Listening:
    """An operator's open stream."""

    def __init__(self, up: System) -> None:
        host, port = up.url.removeprefix("http://").split(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.sendall(
            f"GET /api/v1/alerts/stream HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {up.token('operator')}\r\n\r\n".encode()
        )

    def __enter__(self) -> "Listening":
        heard = b""
        while b"event: hello" not in heard:
            heard += self._socket.recv(4096)
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
