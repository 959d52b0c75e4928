"""The worker dies at every step of a commit, then other parts do: nothing is lost, doubled or wrong, and what is, is counted."""

import shutil
from collections.abc import Iterator

import pytest

from bench.crash.trial import KAFKA, LOG, STEPS, WAYS, Trial, plan
from tests import chance
from tests.conftest import server_folder

pytestmark = [pytest.mark.serial, pytest.mark.xdist_group("crash"), pytest.mark.timeout(600)]

GATEWAYS = 4


@pytest.fixture(scope="module")
def trial() -> Iterator[Trial]:
    """A system under load; the seed is printed and repeats its plan."""
    seed = chance.seed()
    print(f"CORDON_TEST_SEED={seed}")
    folder = server_folder()
    made = Trial(folder, seed, GATEWAYS, print)
    try:
        made.begin()
        yield made
    finally:
        made.end()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_kill_at_every_step_loses_nothing(trial: Trial) -> None:
    others = ("database", "gateway to door, cut", f"worker to database, {WAYS[2]}")
    done = [trial.do(fault) for fault in plan(trial.seed, (*STEPS, *others), 1)]
    assert {one.case for one in done if not one.hits} == set(), "every step is come to"
    done.append(trial.finish())
    assert [(one.case, one.cost) for one in done if one.cost.lost or one.cost.twice or one.cost.wrong] == []
    assert done[-1].cost.checked > 1000


def test_a_kill_at_every_step_loses_nothing_behind_a_log() -> None:
    """On Kafka another worker has the lanes of the one that died; what it all cost is counted once, at the end."""
    folder = server_folder()
    trial = Trial(folder, chance.seed(), GATEWAYS, print, KAFKA)
    try:
        trial.begin()
        faults = plan(trial.seed, (*STEPS, f"{LOG}, {WAYS[0]}"), 1)
        assert [fault.case for fault in faults if not trial.strike(fault)] == [], "every step is come to, and the link is cut"
        whole = trial.finish()
    finally:
        trial.end()
        shutil.rmtree(folder, ignore_errors=True)
    assert (whole.cost.lost, whole.cost.twice, whole.cost.wrong) == (0, 0, 0), whole.cost.said
    assert whole.cost.checked > 1000


@pytest.mark.parametrize(
    ("tampered", "field"),
    [
        ("DELETE FROM fix WHERE (tag, fix_at) IN (SELECT tag, fix_at FROM fix WHERE flags & 4 = 0 LIMIT 1)", "lost"),
        ("DELETE FROM receipt WHERE id IN (SELECT id FROM receipt LIMIT 1)", "lost"),
        (
            "INSERT INTO outbox (position, alert, topic, body)"
            " SELECT position, alert, topic, body FROM outbox WHERE topic = 'alert' LIMIT 1",
            "twice",
        ),
        ("DELETE FROM feed_entry WHERE position = (SELECT max(position) - 1 FROM feed_entry)", "wrong"),
        (
            "UPDATE alert SET ended_at = event_at + interval '1 s' WHERE tag = 356307042470000",
            "wrong",
        ),
    ],
)
def test_what_is_lost_or_doubled_or_wrong_is_counted(trial: Trial, tampered: str, field: str) -> None:
    """After the trial, in its database: one row, and the count says so."""
    before = trial.count().also(trial.verdicts())
    trial.instance.sql(tampered)
    after = trial.count().also(trial.verdicts())
    assert getattr(after, field) > getattr(before, field), after.said
