"""Gateways with ledgers of their own send while parts are killed at random: nothing acknowledged is lost, nothing is twice."""

import json
import os
import random
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from tests import chance
from tests.integration.system import GATEWAY, System, stamp, system, until
from tests.integration.world import circle, fix, loaded

pytestmark = [pytest.mark.serial, pytest.mark.xdist_group("ledger")]

SENDERS: Final = 4
TAGS_EACH: Final = 3
FIXES: Final = 120  # of a tag, one a minute
PER_FRAME: Final = 2  # of each of a sender's tags
ZONES_AT_M: Final = (0.0, 3000.0, 5000.0)
RADIUS_M: Final = 400.0
FIRST: Final = 356307042460000
TWIN: Final = 1000  # a tag's twin takes the same walk while nothing is killed
TAIL: Final = 500  # tags that nobody wears, of the last frames, which nobody sends again
KILLS: Final = ("worker", "database", "worker", "api", "worker")

Key = tuple[int, int]


class Ledger:
    """What the door acknowledged, on disk before anything else happens."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        self.frames = 0

    def note(self, frame: list[dict[str, Any]]) -> None:
        with self._writing:
            with self._path.open("a") as file:
                file.write(json.dumps([(one["tag"], one["seq"]) for one in frame]) + "\n")
                file.flush()
                os.fsync(file.fileno())
            self.frames += 1

    def read(self) -> set[Key]:
        return {(tag, seq) for line in self._path.read_text().splitlines() for tag, seq in json.loads(line)}


def walk(seed: int, tag: int) -> list[dict[str, Any]]:
    """Fixes a minute apart, north and south past the zones at a walker's to a driver's pace; over two hours ago, as if kept."""
    dice = random.Random(f"{seed} {tag}")
    north_m, goal_m, fixes = dice.uniform(-2000, 7000), 0.0, []
    for seq in range(FIXES):
        if seq % 20 == 0:
            goal_m = dice.choice((*ZONES_AT_M, -2000.0, 1500.0, 7000.0))
        pace_m = dice.uniform(60, 900)
        north_m += max(-pace_m, min(pace_m, goal_m - north_m))
        where = fix(seq, tag=tag, north_m=north_m, at=BEGIN_AND_MINUTES[seq], accuracy_m=round(dice.uniform(4, 30), 1))
        fixes.append(where)
    return fixes


BEGIN_AND_MINUTES: Final = [stamp(60 * (minute - FIXES) - 7200) for minute in range(FIXES)]


class Gateway(threading.Thread):
    """Sends its tags' walks in order, each frame again until it is acknowledged; a last one once, whatever comes."""

    def __init__(self, up: System, seed: int, number: int, shift: int, ledger: Ledger, tail: threading.Event | None) -> None:
        super().__init__(daemon=True)
        self._up, self._ledger, self._tail, self._key = up, ledger, tail, up.key
        tags = [FIRST + number * TAGS_EACH + i for i in range(TAGS_EACH)]
        walks = [[one | {"tag": tag + shift} for one in walk(seed, tag)] for tag in tags]
        self.frames = [[one for fixes in walks for one in fixes[at : at + PER_FRAME]] for at in range(0, FIXES, PER_FRAME)]
        self.last = [fix(1, tag=tag + TAIL, at=stamp(-60)) for tag in tags]

    def run(self) -> None:
        for frame in self.frames:
            until(partial(self._acknowledged, frame), "a frame is acknowledged")
            self._ledger.note(frame)
        if self._tail is not None:
            self._tail.wait()
            if self._acknowledged(self.last):
                self._ledger.note(self.last)

    def _acknowledged(self, frame: list[dict[str, Any]]) -> bool:
        try:
            answer = self._up.post({"gateway": GATEWAY, "fixes": frame}, key=self._key)
        except OSError:
            return False
        assert answer.status in {200, 503}, answer.body
        return answer.status == 200


@pytest.fixture(scope="module")
def up() -> Iterator[System]:
    with system() as made:
        made.start()
        made.people("operator")
        yield made


def told(up: System, shift: int) -> list[Any]:
    """Every alert of the walks, as it stands and as its history has it, by the tag without its shift."""
    return up.sql(
        """
        SELECT tag - %s, zone, kind, condition, late, event_at, ended_at, occurrences, evidence, history FROM alert,
            LATERAL (SELECT count(*) AS evidence FROM alert_evidence WHERE alert = alert.id) AS shown,
            LATERAL (
                -- how long ago it was is the only thing that may differ
                SELECT string_agg(what || regexp_replace(text, ', known .* later', ''), '; ' ORDER BY position, part) AS history
                FROM alert_history WHERE alert = alert.id
            ) AS said
        WHERE tag BETWEEN %s AND %s ORDER BY 1, 2, 6
        """,
        *(shift, FIRST + shift, FIRST + shift + TWIN - 1),
    )


def test_acknowledged_is_stored_once_whatever_is_killed(up: System, tmp_path: Path) -> None:
    seed = chance.seed()
    print(f"CORDON_TEST_SEED={seed}")
    dice = random.Random(seed)
    tags = [FIRST + i + shift for shift in (0, TWIN) for i in range(SENDERS * TAGS_EACH)]
    loaded(up, tags, [circle({}, north_m=at, radius_m=RADIUS_M) for at in ZONES_AT_M], everyone=True)

    undisturbed = Ledger(tmp_path / "undisturbed")
    twins = [Gateway(up, seed, number, TWIN, undisturbed, None) for number in range(SENDERS)]
    for gateway in twins:
        gateway.start()
    for gateway in twins:
        gateway.join()

    ledger, tail = Ledger(tmp_path / "ledger"), threading.Event()
    gateways = [Gateway(up, seed, number, 0, ledger, tail) for number in range(SENDERS)]
    total = SENDERS * FIXES // PER_FRAME
    for gateway in gateways:
        gateway.start()
    for number, part in enumerate(KILLS):
        moment = total * (number + dice.uniform(0.2, 0.8)) / (len(KILLS) + 0.5)
        until(lambda moment=moment: ledger.frames >= moment, f"{moment:.0f} frames are acknowledged")
        time.sleep(dice.uniform(0, 0.03))  # anywhere within a frame's way, a commit, an answer
        up.wait_for_another(part, up.kill(part))
    until(lambda: ledger.frames >= total, "every frame is acknowledged")
    tail.set()
    time.sleep(dice.uniform(0, 0.02))
    up.wait_for_another("worker", up.kill("worker"))
    for gateway in gateways:
        gateway.join()

    acknowledged = ledger.read()
    stored = up.sql("SELECT tag, seq FROM fix WHERE tag < %s", FIRST + TWIN)
    assert len(stored) == len(set(stored)), "none twice"
    assert acknowledged - set(stored) == set(), "none lost"
    in_flight = {(one["tag"], one["seq"]) for gateway in gateways for one in gateway.last} - acknowledged
    assert set(stored) - acknowledged <= in_flight, "nothing that nobody sent"
    alerts = told(up, 0)
    assert len(alerts) > SENDERS * TAGS_EACH
    assert alerts == told(up, TWIN), "as if nothing had been killed"
    checked = up.run("verify")
    assert checked.returncode == 0, checked.stderr
    assert "everything stands as it was stored" in checked.stdout, "beside the running system, after every kill"
