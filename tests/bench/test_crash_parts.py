"""The parts of the crash harness by themselves: the same seed the same plan, an oracle like the other one, one bit is noticed."""

import random
from pathlib import Path

import numpy as np
import pytest
import shapely

from bench.crash import count, oracle
from bench.crash.gateway import Gateway, Ledger
from bench.crash.trial import EMBEDDED, KAFKA, STEPS, plan
from bench.crash.walk import LAT, LON, METRES_A_DEGREE, RADIUS_M, ZONES_AT_M, walk
from bench.workloads import crash
from cordon.doom import DIGESTS, Doom
from model.state import State
from model.steps import Reached, Step
from tests.oracle import track


def test_the_same_seed_is_the_same_plan_and_the_same_frames(tmp_path: Path) -> None:
    assert plan(7, STEPS, 3) == plan(7, STEPS, 3) != plan(8, STEPS, 3)
    ledger = Ledger(tmp_path / "ledger")
    frames = [list(Gateway(seed, 0, [walk(seed, 1, 0, 200)], "", 0, ledger).frames()) for seed in (7, 7, 8)]
    ledger.close()
    assert frames[0] == frames[1] != frames[2]


@pytest.mark.parametrize("engine", [EMBEDDED, KAFKA])
def test_a_plan_comes_to_every_step_link_and_part(engine: str) -> None:
    cases = {fault.case for fault in crash.faults(engine, 7, quick=False)}
    assert set(STEPS) < cases
    assert {"parent", "database", "gateway to door, stall", "zombie, commit"} < cases
    assert {EMBEDDED: "disk full", KAFKA: "broker"}[engine] in cases


def test_the_oracle_agrees_with_the_one_that_measures_on_the_ellipsoid() -> None:
    dice = random.Random(3)
    for tag in range(4):
        points = walk(dice.randrange(10**6), tag, 0, 150)
        fixes = [track.Fix(p.at_us, LON, LAT + p.north_m / METRES_A_DEGREE, p.accuracy_m) for p in points]
        for zone, north_m in enumerate(ZONES_AT_M):
            seen = track.occurrences(fixes, shapely.Point(LON, LAT + north_m / METRES_A_DEGREE), RADIUS_M)
            found = [alert for alert in oracle.alerts(points) if alert.zone == zone]
            assert [alert.occurrences for alert in found] == ([len(seen)] if seen else [])
            if seen:
                assert (found[0].event_us, found[0].ended_us) == (seen[0].event_us, seen[-1].ended_us)
                assert found[0].kind == min(one.kind for one in seen)


def test_one_bit_of_a_rebuilt_state_is_noticed(tmp_path: Path) -> None:
    state, seed = State(), random.Random(5)
    state.rows(np.array([11, 12, 13], np.int64))
    doom = Doom(tmp_path)
    doom.reached(Reached(Step.COMMIT, 1, 0, 1, state))
    doom.recovered(0, 1, state)
    assert count.states((tmp_path / DIGESTS).read_text().splitlines())[:4] == (1, 0, 0, 0)
    bit = seed.randrange(8 * state.tags[:3].nbytes)
    state.tags.view(np.uint8)[bit // 8] ^= 1 << bit % 8
    doom.recovered(0, 1, state)
    assert count.states((tmp_path / DIGESTS).read_text().splitlines())[:4] == (2, 0, 0, 1)


def test_a_state_is_compared_with_the_last_try_of_its_commit() -> None:
    tries = ["committing\t0\t5\ta\t1", "committing\t0\t5\tb\t2", "committing\t1\t5\tc\t2"]
    assert count.states([*tries, "recovered\t0\t5\tb\t3"])[:4] == (1, 0, 0, 0)
    assert count.states([*tries, "recovered\t0\t5\ta\t3"])[:4] == (1, 0, 0, 1)
    assert count.states([*tries, "recovered\t0\t4\ta\t3"])[:4] == (0, 0, 0, 0), "begun before anything was noted"
