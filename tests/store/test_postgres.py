"""The embedded server keeps its data, ends with us however we end, and starts again whatever was left behind."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from model.errors import CordonError
from store.postgres import SOCKET_NAME, SOCKET_PATH_MAX, Postgres, socket_dir

# Starts a server on a folder, says so, and waits to be killed.
OWNER = """
import sys, time
from pathlib import Path
from store.postgres import Postgres
server = Postgres(Path(sys.argv[1]))
server.start()
print(server.pid, server._guard.pid, flush=True)
time.sleep(600)
"""


def remember(server: Postgres, value: int) -> None:
    with psycopg.connect(server.dsn) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS memory (value integer)")
        connection.execute("INSERT INTO memory VALUES (%s)", [value])


def remembered(server: Postgres) -> list[int]:
    with psycopg.connect(server.dsn) as connection:
        return [value for (value,) in connection.execute("SELECT value FROM memory ORDER BY value")]


def wait_gone(*pids: int) -> None:
    deadline = time.monotonic() + 60
    while any(running(pid) for pid in pids):
        assert time.monotonic() < deadline, f"{pids} still run"
        time.sleep(0.02)


def running(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_data_are_kept_across_restarts(server: Postgres) -> None:
    remember(server, 1)
    server.stop()
    server.start()
    remember(server, 2)
    assert remembered(server) == [1, 2]


def test_it_stops_with_its_processes_and_sockets(folder: Path) -> None:
    server = Postgres(folder / "data")
    server.start()
    pid = server.pid
    server.stop()
    assert not running(pid)
    assert not socket_dir(folder / "data").exists()
    assert not (folder / "data" / "postgres" / "postmaster.pid").exists()
    server.stop()  # again: without effect


def test_it_outlives_the_thread_that_started_it(folder: Path) -> None:
    """Asked for by a thread, the kernel's parent-death signal would come when that thread ends."""
    server = Postgres(folder / "data", fsync=False)
    starting = threading.Thread(target=server.start)
    starting.start()
    starting.join()
    remember(server, 1)
    server.stop()


async def test_it_is_entered_and_left(folder: Path) -> None:
    async with Postgres(folder / "data", fsync=False) as server:
        pid = server.pid
        remember(server, 1)
    assert not running(pid)
    with pytest.raises(CordonError, match="does not run"):
        _ = server.pid


def test_the_password_is_in_a_file_of_ours_alone(server: Postgres) -> None:
    passfile = server.data_dir / "passfile"
    password = passfile.read_text().strip().rpartition(":")[2]
    assert stat.S_IMODE(passfile.stat().st_mode) == 0o600
    assert len(password) >= 32
    assert password not in server.dsn
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.dsn.partition("&passfile")[0], password="guess")


def test_it_listens_on_a_socket_of_ours_alone(server: Postgres) -> None:
    with psycopg.connect(server.dsn) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    assert stat.S_IMODE(socket_dir(server.data_dir).stat().st_mode) == 0o700


def test_durable_unless_told_otherwise(server: Postgres, databases: str) -> None:
    def setting(dsn: str) -> list[str]:
        with psycopg.connect(dsn) as connection:
            return [connection.execute(f"SHOW {name}").fetchone()[0] for name in ("fsync", "synchronous_commit")]

    assert setting(server.dsn) == ["on", "on"]
    assert setting(databases.replace("DATABASE", "postgres")) == ["off", "off"]


def test_a_second_one_on_the_same_data_is_refused(server: Postgres) -> None:
    with pytest.raises(CordonError, match=rf"another Cordon \(process {os.getpid()}\) runs on .*: stop it, or choose another"):
        Postgres(server.data_dir).start()
    with pytest.raises(CordonError, match="already runs in this process"):
        server.start()
    remember(server, 1)  # and the first one does not mind


def start_owner(folder: Path) -> tuple["subprocess.Popen[str]", int, int]:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, folder / "data"], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    postmaster, guard = map(int, owner.stdout.readline().split())
    return owner, postmaster, guard


def end(owner: "subprocess.Popen[str]") -> None:
    owner.kill()
    owner.communicate()


def test_killed_we_take_the_server_along(folder: Path) -> None:
    owner, postmaster, guard = start_owner(folder)
    end(owner)
    wait_gone(postmaster, guard)
    again = Postgres(folder / "data")
    again.start()
    again.stop()


def test_the_server_goes_even_when_the_guard_is_killed(folder: Path) -> None:
    owner, postmaster, guard = start_owner(folder)
    os.kill(guard, signal.SIGKILL)
    wait_gone(postmaster)
    end(owner)


def test_a_server_left_over_is_stopped_before_the_next_starts(folder: Path) -> None:
    """Owner, guard and server are stopped in their tracks: what a start finds is a server that does not go by itself."""
    owner, postmaster, guard = start_owner(folder)
    os.kill(guard, signal.SIGSTOP)
    end(owner)
    again = Postgres(folder / "data")
    again.start()
    try:
        assert not running(postmaster)
        remember(again, 1)
    finally:
        again.stop()
        os.kill(guard, signal.SIGKILL)
        wait_gone(guard)


def test_after_the_server_itself_is_killed_it_recovers(server: Postgres) -> None:
    remember(server, 1)
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    server.start()
    assert remembered(server) == [1]


def test_a_server_that_ended_by_itself_is_started_again(server: Postgres) -> None:
    remember(server, 1)
    os.kill(server.pid, signal.SIGKILL)
    assert server.wait() != 0
    server.again()
    assert remembered(server) == [1]
    with pytest.raises(CordonError, match="another Cordon"):
        Postgres(server.data_dir).start()


@pytest.mark.parametrize("name", ["postgres/postmaster.pid", f"run/{SOCKET_NAME}.lock"])
def test_a_lock_that_names_a_stranger_is_stale(folder: Path, name: str) -> None:
    """After a restart of the machine the number in it is another process of the same user; PostgreSQL alone would refuse."""
    server = Postgres(folder / "data")
    server.start()
    server.stop()
    stranger = subprocess.Popen(["/bin/sleep", "600"], user=server._uid if server._uid >= 0 else None)
    try:
        lock = folder / "data" / name
        lock.parent.mkdir(exist_ok=True)
        lock.write_text(f"{stranger.pid}\n{folder / 'data' / 'postgres'}\n1\n5432\n{folder / 'data' / 'run'}\n\n")
        server.start()
        assert running(stranger.pid)
        assert server.pid != stranger.pid
    finally:
        server.stop()
        stranger.kill()
        stranger.wait()


def test_a_start_cut_short_leaves_nothing_half_made(folder: Path) -> None:
    (folder / "data" / "postgres.new").mkdir(parents=True)
    (folder / "data" / "postgres.new" / "PG_VERSION").write_text("18\n")
    server = Postgres(folder / "data", fsync=False)
    server.start()
    remember(server, 1)
    server.stop()


def test_a_long_path_has_its_socket_elsewhere(folder: Path) -> None:
    long = folder / ("a" * 100) / "data"
    server = Postgres(long, fsync=False)
    server.start()
    try:
        remember(server, 1)
        assert len(os.fsencode(socket_dir(long) / SOCKET_NAME)) <= SOCKET_PATH_MAX
        assert not socket_dir(long).is_relative_to(folder)
    finally:
        server.stop()
    assert not socket_dir(long).exists()


def test_a_stranger_s_socket_folder_is_not_trusted(folder: Path) -> None:
    long = folder / ("a" * 100) / "data"
    socket_dir(long).symlink_to(folder)
    try:
        with pytest.raises(CordonError, match="belongs to somebody else"):
            Postgres(long, fsync=False).start()
    finally:
        socket_dir(long).unlink()


def test_a_path_with_odd_characters(folder: Path) -> None:
    server = Postgres(folder / "ä data & 50%", fsync=False)
    server.start()
    try:
        remember(server, 1)
    finally:
        server.stop()


def test_another_version_s_data_are_refused(folder: Path) -> None:
    (folder / "data" / "postgres").mkdir(parents=True)
    (folder / "data" / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(CordonError, match="was written by PostgreSQL 15 and this is 18"):
        Postgres(folder / "data").start()


def test_a_server_that_does_not_come_up_says_why(folder: Path) -> None:
    server = Postgres(folder / "data", fsync=False)
    server._settings |= {"shared_buffers": "1GB", "max_connections": "-1"}
    with pytest.raises(CordonError, match=r"did not start: .*max_connections"):
        server.start()
    server._settings |= {"shared_buffers": "16MB", "max_connections": "10"}
    server.start()  # the folder was given free
    server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone gives the server to another user")
def test_a_folder_the_server_may_not_enter_is_named(folder: Path) -> None:
    (folder / "closed").mkdir(mode=0o700)
    with pytest.raises(CordonError, match=r"may not enter .*closed: choose another data folder, such as /var/lib/cordon"):
        Postgres(folder / "closed" / "data").start()


def test_a_file_is_no_folder(folder: Path) -> None:
    (folder / "data").write_text("")
    with pytest.raises(CordonError, match="cannot be used"):
        Postgres(folder / "data").start()
