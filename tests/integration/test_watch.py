"""We watch ourselves, with real processes: a worker that stands still is noticed by everyone who should, and so is its return."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from store import crossings
from store.pool import Store
from store.postgres import Postgres
from tests.integration.system import System, http, system, until

pytestmark = [pytest.mark.serial, pytest.mark.xdist_group("watch")]

# A crossing every four seconds that is late after three: what takes a minute and a half takes ten seconds.
QUICK = {"CORDON_SYNTHETIC_S": "4", "CORDON_SYNTHETIC_LATE_S": "3", "CORDON_LANES": "2", "CORDON_DEADMAN_S": "0.2"}


class Pinged(HTTPServer):
    """An outside dead-man's switch on a free port: counts who asks."""

    def __init__(self) -> None:
        self.pings = 0
        super().__init__(("127.0.0.1", 0), _Answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/ping"


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Pinged)
        self.server.pings += 1
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextlib.contextmanager
def switch() -> Iterator[Pinged]:
    with Pinged() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def checks(up: System) -> dict[str, str]:
    """State of each check."""
    answer = up.get("/readyz").json
    return {check["name"]: check["state"] for check in answer["checks"]}


def seen(up: System) -> Any:
    return up.ask("engineer", "GET", "/status")["judging"]["seen_at"]


def outages(up: System) -> list[Any]:
    found: list[Any] = up.ask("engineer", "GET", "/alerts?state=all")["items"]
    return found


async def forget(dsn: str) -> None:
    """Drop what all crossings so far have left."""
    async with Store(dsn) as store:
        await crossings.forget(store, 0)


def test_a_worker_that_stands_still_is_noticed_and_so_is_its_return() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = QUICK | {"CORDON_METRICS_PORT": str(port)}
    with switch() as outside, system(own | {"CORDON_DEADMAN_URL": outside.url}) as up:
        up.start()
        up.people("engineer", "operator")
        first = until(lambda: seen(up), "a synthetic alert is seen")
        names = ("database", "lanes", "watch", "progress", "synthetic", "storage", "duties", "dead-man")
        until(lambda: checks(up) == dict.fromkeys(names, "ok") | {"channels": "off"}, "all is well")
        until(lambda: seen(up) != first, "and another")
        until(lambda: outside.pings, "the switch outside is asked")
        assert outages(up) == []
        counted = http("GET", f"http://127.0.0.1:{port}/metrics").body.decode()
        assert 'cordon_stored_records_total{lane="1",what="fixes"}' in counted
        assert 'cordon_synthetic_alert_seconds{lane="1"}' in up.get("/metrics").body.decode()

        worker = up.pid("worker")
        os.kill(worker, signal.SIGSTOP)
        try:
            until(lambda: up.get("/readyz").status == 503 and checks(up)["synthetic"] == "failing", "the synthetic alert is late")
            pings = outside.pings
            [alert] = until(lambda: outages(up), "engineers are called")
            told = up.ask("operator", "GET", "/status")["judging"]["failing"]
            assert [check["name"] for check in told] == ["synthetic"]
            assert "the synthetic alert of" in told[0]["text"]
            assert outside.pings == pings
        finally:
            os.kill(worker, signal.SIGCONT)
        until(lambda: up.get("/readyz").status == 200, "ready again")
        until(lambda: outside.pings > pings, "the switch outside is asked again")
        until(lambda: outages(up)[0]["condition"] == "ended", "the alert ends by itself")
        [ended] = outages(up)
        assert (ended["id"], ended["kind"], ended["severity"], ended["occurrences"]) == (alert["id"], "monitoring_down", "P1", 1)

        up.wait_for_another("worker", up.kill("worker"))
        before = seen(up)
        until(lambda: seen(up) != before, "a synthetic alert is seen after a kill -9")

        # All that while nobody was bothered with the synthetic wearers.
        assert up.ask("operator", "GET", "/alerts?state=all")["items"] == []
        status = up.ask("operator", "GET", "/status")
        assert (status["counts"]["wearers"], status["counts"]["fitted"], status["counts"]["new_alerts"]) == (0, 0, 1)
        assert up.sql("SELECT DISTINCT alert FROM outbox") == [(alert["id"],)]

        # What is kept of it all still checks, also when what crossings leave has been dropped.
        asyncio.run(forget(Postgres(up.data_dir).dsn))
        verified = up.run("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        [(kept, told)] = up.sql(
            "SELECT (SELECT count(*) FROM alert_history), (SELECT count(*) FROM feed_entry WHERE kind = 'alert')"
        )
        assert kept < told
        assert up.stop() == 0
