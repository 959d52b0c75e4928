"""Messages by real processes: they say nothing of anybody, none is lost whoever is killed, and one comes twice at most."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from duties.courier import EACH, EACH_P1
from store.pool import Store
from tests.duties.paged import Lanes, channel
from tests.duties.receivers import HANG, beside, posting, serving
from tests.integration.system import COMMAND, END_S, ROOT, START_S, system, until
from tests.integration.world import LAT, LON, TAG, circle, fix, in_force, wearer

pytestmark = [pytest.mark.serial, pytest.mark.xdist_group("messages")]

NAME = "Zebedee Quatermain"
PLACE = "Hermione's nursery"
CONSOLE = "https://cordon.example"
HERE = "127.0.0.0/8"


def test_no_message_says_who_or_where() -> None:
    with beside(serving()) as desk, beside(posting()) as post:
        own = {
            "CORDON_SMTP_URL": post.url,
            "CORDON_MAIL_FROM": "cordon@monitor.example",
            "CORDON_CONSOLE_URL": CONSOLE,
            "CORDON_CHANNEL_NETWORKS": HERE,
        }
        with system(own) as up:
            up.start()
            up.people("officer", "operator", "engineer")
            up.ask("engineer", "POST", "/channels", {"name": "Duty desk", "kind": "webhook", "target": f"{desk.url}/cordon"})
            up.ask("engineer", "POST", "/channels", {"name": "Night officer", "kind": "mail", "target": "duty@example.org"})
            who = wearer(up, "officer", TAG, NAME)
            zone = up.ask("officer", "POST", "/zones", circle({"wearer": who}, name=PLACE, purpose="victim"))
            in_force(zone["in_force_from"])
            at = fix(1)["fix_at"]
            up.send(fix(1, at=at), events=[{"tag": TAG, "kind": "case_tamper", "at": at}])

            def raised() -> list[tuple[str, str, int]]:
                return [(one["kind"], one["severity"], one["id"]) for one in up.ask("operator", "GET", "/alerts")["items"]]

            def told() -> list[dict[str, Any]]:
                return [json.loads(got.body)["data"] for got in desk.got]

            def said() -> list[tuple[str, str, int]]:
                return sorted((one["kind"], one["severity"], one["alert"]) for one in told())

            until(lambda: {"exclusion", "case"} <= {kind for kind, _, _ in raised()}, "both alerts are there")
            until(lambda: said() == sorted(raised()) and len(post.got) == len(desk.got), "all there are, are told by both")
            until(lambda: up.sql("SELECT count(*) FROM delivery WHERE state <> 'delivered'") == [(0,)], "that is noted")
            expected = sorted(raised())
            assert all(set(one) == {"kind", "severity", "alert", "raised_at", "link", "taken"} for one in told())
            assert {one["link"] for one in told()} == {f"{CONSOLE}/#alert={number}" for _, _, number in expected}
            assert sorted(letter["Subject"] for letter in post.got) == sorted(
                f"Cordon {severity}: {kind.replace('_', ' ')}, alert {number}" for kind, severity, number in expected
            )

            produced = b"\n".join(
                [got.body + "".join(f"{name}: {value}\n" for name, value in got.headers.items()).encode() for got in desk.got]
                + post.raw
            )
            for forbidden in (
                *NAME.split(),
                "Hermione",
                "nursery",
                str(LAT),
                str(abs(LON)),
                str(TAG),
                "gw-test",
                "victim",
                "zone",
            ):
                assert forbidden.encode() not in produced, forbidden
            assert b"exclusion" in produced, "what is looked through is what was sent"

            # Whom we told stands in the alert.
            for _, _, number in expected:
                history = up.ask("operator", "GET", f"/alerts/{number}")["history"]
                assert sorted(one["text"] for one in history if one["what"] == "told") == [
                    "Told channel Duty desk.",
                    "Told channel Night officer.",
                ]
                sent = up.ask("operator", "GET", f"/alerts/{number}/deliveries")["items"]
                assert [(one["state"], one["attempts"]) for one in sent] == [("delivered", 1)] * 2
            logs = up.logs()
            assert not [word for word in (NAME, PLACE, "whsec_", "duty@example.org", desk.url) if word in logs]
            assert up.stop() == 0


@contextlib.contextmanager
def duties(dsn: str) -> "Iterator[subprocess.Popen[str]]":
    environment = os.environ | {"CORDON_DSN": dsn, "CORDON_SYNTHETIC_S": "0", "CORDON_CHANNEL_NETWORKS": HERE}
    with subprocess.Popen([*COMMAND, "duties"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def test_killed_between_sending_and_noting_nothing_is_lost_and_nothing_comes_more_than_twice(database: str) -> None:
    messages, at_once = 40, EACH + EACH_P1

    async def given(target: str) -> None:
        async with Store(database, size=2) as store:
            await channel(store, target)
            lanes = Lanes(store)
            for zone in range(1, messages + 1):
                await lanes.raises(zone=zone)

    def waiting() -> int:
        with psycopg.connect(database) as connection:
            row = connection.execute("SELECT count(*) FROM delivery WHERE state <> 'delivered'").fetchone()
            assert row is not None
            return int(row[0])

    with beside(serving()) as desk:
        desk.says["/"] = HANG
        asyncio.run(given(f"{desk.url}/"))
        with duties(database) as killed, duties(database) as stays:
            until(lambda: len(desk.got) == 2 * at_once, "each instance has sent what it may at once, and no more")
            killed.send_signal(signal.SIGKILL)
            killed.wait(END_S)
            desk.says["/"] = 200
            until(lambda: waiting() == 0, "all are noted", START_S)
            stays.send_signal(signal.SIGTERM)
            assert stays.wait(END_S) == 0
        counted = desk.counted()
        assert len(counted) == messages, "none is lost"
        # What the one had sent when it was killed, and what the other gave up waiting for.
        assert sorted(counted.values()) == [1] * (messages - 2 * at_once) + [2] * 2 * at_once
        bodies = {got.id: got.body for got in desk.got}
        assert all(bodies[got.id] == got.body for got in desk.got), "what comes twice is the same"
