"""The commands and settings of docker-compose.yml that are ours, as plain processes: fixes go in at the edge, alerts come out."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bench import trace
from bench.upload import town
from model.instant import MINUTE_US, parse
from store.migrate import upgrade
from tests.integration.system import COMMAND, END_S, PASSWORD, ROOT, START_S, http, until
from tests.integration.world import TAG, fix

pytestmark = [pytest.mark.serial, pytest.mark.xdist_group("kafka")]

COMPOSE = (ROOT / "docker-compose.yml").read_text()


def services() -> dict[str, tuple[list[str], int]]:
    """Command and number of each service of ours."""
    found = {}
    for name, body in re.findall(r"^  (\w+):\n((?:    .*\n)+)", COMPOSE.split("\nservices:\n")[1], re.M):
        if "<<: *cordon" in body:
            command = re.search(r"^    command: (\[.*\])$", body, re.M)
            replicas = re.search(r"replicas: (\d+)", body)
            assert command is not None, name
            found[name] = json.loads(command[1]), int(replicas[1]) if replicas else 1
    return found


def settings() -> dict[str, str]:
    """What the file sets for all of them."""
    return dict(re.findall(r"^    (CORDON_\w+): (\S+)(?:  #.*)?$", COMPOSE.split("\nservices:\n")[0], re.M))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Parts:
    """The processes, with this run's database, broker and ports in place of the containers'."""

    def __init__(self, folder: Path, dsn: str, kafka: str, prefix: str) -> None:
        self.ports = {"8000": str(free_port()), "8001": str(free_port()), "8002": str(free_port())}
        secret = folder / "token"
        secret.write_text("x" * 43)
        here = {
            "CORDON_DSN": dsn,
            "CORDON_KAFKA": kafka,
            "CORDON_DOOR_URL": f"http://127.0.0.1:{self.ports['8001']}",
            "CORDON_TOKEN_SECRET_FILE": str(secret),
            "CORDON_SIGNING_DIR": str(folder / "signing"),
        }
        given = settings()
        assert set(here) < set(given)
        self.environment = os.environ | given | here | {"CORDON_KAFKA_PREFIX": prefix}
        self._folder = folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def command(self, words: list[str]) -> list[str]:
        assert words[0] == "cordon"
        return [
            sys.executable,
            "-m",
            "cordon.main",
            *(self.ports.get(word, word).replace("0.0.0.0", "127.0.0.1") for word in words[1:]),
        ]

    def run(self, *words: str) -> str:
        done = subprocess.run(
            self.command(list(words)), cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=START_S, check=True
        )
        return done.stdout

    def start(self, name: str, words: list[str]) -> None:
        with (self._folder / f"{name}.log").open("wb") as said:
            self.running[name] = subprocess.Popen(self.command(words), cwd=ROOT, env=self.environment, stdout=said, stderr=said)

    def end(self) -> dict[str, int]:
        for process in self.running.values():
            process.terminate()
        return {name: process.wait(END_S) for name, process in self.running.items()}


@pytest.fixture
def parts(tmp_path: Path, empty_database: str, kafka: str, prefix: str) -> Iterator[Parts]:
    made = Parts(tmp_path, empty_database, kafka, prefix)
    yield made
    for process in made.running.values():
        process.kill()
        process.wait()


def test_the_file_runs(parts: Parts, empty_database: str) -> None:
    found = services()
    assert set(found) == {"migrate", "edge", "worker", "duties", "api", "fleet"}
    parts.run(*found.pop("migrate")[0])
    for name, (command, replicas) in found.items():
        for number in range(replicas):
            parts.start(f"{name}-{number}", command)
    api, edge = (f"http://127.0.0.1:{parts.ports[port]}" for port in ("8000", "8001"))
    key = parts.run("cordon", "keys", "create", "gw-1").strip()

    def taken() -> Any:
        try:
            answer = http("POST", f"{edge}/gateway/v1/fixes", bearer=key, body={"gateway": "gw-1", "fixes": [fix(1)]})
        except OSError:
            return None
        return answer.status == 200 and answer.json

    receipt = until(taken, "the edge takes a fix", START_S)

    def stored() -> bool:
        with psycopg.connect(empty_database) as connection:
            return connection.execute("SELECT seq FROM fix WHERE tag = %s", [TAG]).fetchall() == [(1,)]

    until(stored, "the fix is stored", START_S)
    said = http("GET", f"{edge}/gateway/v1/receipts/{receipt['receipt']}", bearer=key).json
    assert (said["stored"], said["duplicate"]) == (1, 0)

    def healthy() -> bool:
        try:
            return http("GET", f"{api}/healthz").status == 200
        except OSError:
            return False

    until(healthy, "the API answers", START_S)
    planned = violations()
    parts.run("cordon", "users", "add", "alice", "--role", "operator", "--password", PASSWORD)
    form = urllib.parse.urlencode({"grant_type": "password", "username": "alice", "password": PASSWORD}).encode()
    token = http("POST", f"{api}/api/v1/token", body=form, headers={"Content-Type": "application/x-www-form-urlencoded"}).json

    def alarmed() -> bool:
        found = http("GET", f"{api}/api/v1/alerts?state=all&kind=exclusion&limit=100", bearer=token["access_token"]).json["items"]
        return any(
            tag == alert["tag"] and from_us <= parse(alert["event_at"]) <= to_us
            for alert in found
            if alert["kind"] == "exclusion"
            for tag, from_us, to_us in planned
        )

    until(alarmed, "a violation that the fleet has planned is an alert", START_S)
    assert set(parts.end().values()) == {0}


def violations() -> list[tuple[int, int, int]]:
    """Tag, begin and end of each spell that must be noticed: of the twenty minutes that the fleet sends first, and to come."""
    now_us = time.time_ns() // 1000
    plans = trace.expected(town(7, 200, demo=True), now_us - 20 * MINUTE_US, now_us + 10 * MINUTE_US)
    return [(plan["tag"], parse(plan["from"]), parse(plan["to"])) for plan in plans if plan["kind"] == "definite"]


def test_a_fleet_keeps_away_from_wearers_of_flesh_and_blood(empty_database: str) -> None:
    here = {"CORDON_DSN": empty_database, "CORDON_DOOR_URL": "http://127.0.0.1:9"}
    upgrade(empty_database)
    with psycopg.connect(empty_database) as connection:
        connection.execute("INSERT INTO wearer (name) VALUES ('Somebody')")
    done = subprocess.run(
        [*COMMAND, "fleet"], cwd=ROOT, env=os.environ | here, capture_output=True, text=True, timeout=START_S, check=False
    )
    assert (done.returncode, "wearers of its own" in done.stderr) == (1, True), done.stderr
