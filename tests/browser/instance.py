"""Starts a private `cordon up` and talks to it from outside, as an administrator and as a gateway would."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from store.postgres import Postgres
from tests.integration.world import in_force

ROOT: Final = Path(__file__).parents[2]
PASSWORD: Final = "a password for the browser tests"
START_S: Final = 240  # the first start compiles kernels; no machine is to fail for being slow
STOP_S: Final = 120
RADIUS_M: Final = 300
FIRST_TAG: Final = 356_307_042_441_000


class Wearer(NamedTuple):
    """Somebody with a tag on and a circular exclusion zone of their own."""

    name: str
    zone: str
    tag: int
    lon: float
    lat: float


class Instance:
    """A running system, driven over HTTP."""

    def __init__(self, url: str, key: str, database: str) -> None:
        self.url = url
        self.database = database
        self._key = key
        self._token = self._sign_in("admin")
        self._made = 0
        self._worn: list[int] = []  # activations

    def call(self, method: str, path: str, body: Any = None, *, bearer: str | None = None, version: int | None = None) -> Any:
        """One request's JSON answer; ``path`` is whole, ``version`` the one that was read of what is changed."""
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("Authorization", f"Bearer {bearer or self._token}")
        if version is not None:
            request.add_header("If-Match", f'"{version}"')
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            raise AssertionError(f"{method} {path}: {refusal.status} {refusal.read().decode()}") from None

    def wearers(self, *names: str, purpose: str = "victim") -> list[Wearer]:
        """People with a tag on and a zone in force, each 5 km from the next."""
        made = []
        for name in names:
            wearer, force = self._wearer(name, purpose)
            made.append(wearer)
        in_force(force)  # the last zone's, one second after it was saved
        return made

    def send(self, wearer: Wearer, *, metres_north: float = 0, seconds_ago: float = 0) -> None:
        """One fix so far from the middle of the wearer's zone, through the gateway door."""
        fix = {
            "tag": wearer.tag,
            "fix_at": stamp(timedelta(seconds=-seconds_ago)),
            "lon": wearer.lon,
            "lat": wearer.lat + metres_north / 111_000,
            "accuracy_m": 8,
            "source": "gnss",
        }
        answer = self.call("POST", "/gateway/v1/fixes", {"gateway": "gw-browser", "fixes": [fix]}, bearer=self._key)
        assert answer["stored"] == 1, answer

    def tell(self, wearer: Wearer, kind: str, *, seconds_ago: float = 0) -> None:
        """What the tag says of itself, through the gateway door."""
        event = {"tag": wearer.tag, "kind": kind, "at": stamp(timedelta(seconds=-seconds_ago))}
        answer = self.call("POST", "/gateway/v1/fixes", {"gateway": "gw-browser", "events": [event]}, bearer=self._key)
        assert answer["stored"] == 1, answer

    def enter(self, wearer: Wearer) -> None:
        """Be definitely inside."""
        self.send(wearer)

    def alert_of(self, wearer: Wearer, kind: str = "exclusion") -> Any:
        """The alert of this kind about a wearer, closed or not, whatever else has been noticed of them meanwhile."""
        items = self.call("GET", "/api/v1/alerts?state=all&limit=500")["items"]
        (alert,) = [item for item in items if (item["wearer"], item["kind"]) == (wearer.name, kind)]
        return alert

    def clear(self) -> None:
        """Leave a test an empty queue, whatever ran before it and however long ago.

        Earlier tests' wearers take their tags off: after ten minutes without a word each would be an alert of its own, and twenty
        of them an outage.
        """
        while self._worn:
            self.call("PATCH", f"/api/v1/activations/{self._worn[-1]}", {"to": stamp()}, version=1)
            self._worn.pop()  # one at a time: where one fails, the next test asks for no other again
        closing = {"outcome": "other", "note": "left by another test", "victim": {"notified": True}}
        for item in self.call("GET", "/api/v1/alerts?limit=500")["items"]:
            self.call("POST", f"/api/v1/alerts/{item['id']}/close", closing)

    def _wearer(self, name: str, purpose: str) -> tuple[Wearer, str]:
        """One of them, and from when on the zone is in force."""
        self._made += 1
        made = Wearer(name, f"Zone of {name}", FIRST_TAG + self._made, -3.0 + 0.08 * self._made, 53.4)
        since = stamp(timedelta(hours=-1))
        wearer = self.call("POST", "/api/v1/wearers", {"name": name})["id"]
        order = {"wearer": wearer, "type": "bail", "timezone": "Europe/London", "starts": since, "status": "active"}
        self.call("POST", "/api/v1/orders", order)
        worn = self.call("POST", "/api/v1/activations", {"wearer": wearer, "tag": made.tag, "from": since})
        self._worn.append(worn["id"])
        properties = {"name": made.zone, "kind": "exclusion", "purpose": purpose, "applies_to": {"wearer": wearer}}
        zone = {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [made.lon, made.lat]},
            "properties": properties | {"radius_m": RADIUS_M},
        }
        return made, self.call("POST", "/api/v1/zones", zone)["in_force_from"]

    def _sign_in(self, name: str) -> str:
        form = urllib.parse.urlencode({"grant_type": "password", "username": name, "password": PASSWORD}).encode()
        with urllib.request.urlopen(f"{self.url}/api/v1/token", form) as answer:
            token: str = json.load(answer)["access_token"]
        return token


def stamp(shift: timedelta = timedelta()) -> str:
    """Now, RFC 3339 UTC."""
    return (datetime.now(UTC) + shift).isoformat().replace("+00:00", "Z")


@contextmanager
def started(folder: Path) -> Iterator[Instance]:
    """A system of this run's own on a free port, with an operator, an administrator and a gateway; nothing is left of it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "cordon.main"]
    log = folder / "up.log"
    with log.open("wb") as said:
        up = subprocess.Popen(
            [*command, "up", "--port", str(port), "--data-dir", str(folder / "data")],
            cwd=ROOT,
            env=os.environ | {"CORDON_CHANNEL_NETWORKS": "127.0.0.0/8"},  # where a test's receivers are
            stdout=said,
            stderr=said,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(up, f"{url}/readyz", log)

        def run(*words: str) -> str:
            done = subprocess.run(
                [*command, *words, "--data-dir", str(folder / "data")], cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            return done.stdout.strip()

        for role in ("operator", "supervisor", "admin", "engineer", "field"):
            run("users", "add", role, "--role", role, "--password", PASSWORD)
        yield Instance(url, run("keys", "create", "gw-browser"), Postgres(folder / "data").dsn)
    finally:
        up.send_signal(signal.SIGINT)
        try:
            up.wait(STOP_S)
        except subprocess.TimeoutExpired:
            up.kill()
            raise


def _wait(up: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends:
        assert up.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"not ready after {START_S} s:\n{log.read_text()}")
