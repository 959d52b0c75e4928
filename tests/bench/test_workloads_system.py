"""The workloads that run a whole system, small, by both engines: their rows, and that a fix that is missing is counted."""

from typing import Any

import pytest

from bench.workloads import endurance, latency, pipeline
from bench.workloads.pipeline import Pipeline

pytestmark = [pytest.mark.serial, pytest.mark.xdist_group("own kafka"), pytest.mark.timeout(900)]


def curve(engine: str) -> list[str]:
    return [f"{engine} {what} at {rate}" for what in ("answer p50", "answer p99", "rate") for rate in pipeline.QUICK.loads]


def test_pipeline_counts_the_one_fix_that_was_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    hold, robbed = Pipeline._hold, list[str]()

    def without_one(self: Pipeline, said: dict[str, Any]) -> None:
        if self._engine not in robbed:
            robbed.append(self._engine)
            with self._system.database() as database:
                gone = database.execute("DELETE FROM fix WHERE tag = (SELECT min(tag) FROM fix) AND seq = 0")
                assert gone.rowcount == 1
        hold(self, said)

    monkeypatch.setattr(Pipeline, "_hold", without_one)
    rows = pipeline.measure(quick=True, tell=lambda line: None)
    assert robbed == ["embedded", "kafka"]
    assert [row.case for row in rows] == [
        *("embedded", "embedded rate", *curve("embedded")),
        *("kafka", "kafka rate", *curve("kafka")),
    ]
    for row in (row for row in rows if row.case in robbed):
        assert (row.lost, row.twice, row.wrong) == (1, 0, 0)
        assert row.checked is not None
        assert row.checked > pipeline.QUICK.tags * pipeline.QUICK.rounds * pipeline.QUICK.runs
        assert row.ratio is not None
    assert all(min(row.values) > 0 for row in rows)


def test_latency_misses_no_alert() -> None:
    rows = latency.measure(quick=True, tell=lambda line: None)
    cases = [f"p{percentile}{suffix}" for suffix in ("", " drain") for percentile in (50, 99)]
    assert [row.case for row in rows] == [*cases, *(f"kafka {case}" for case in cases)]
    for row in rows:
        assert (row.lost, row.wrong) == (0, 0)
        assert row.checked is not None
        assert row.checked > 0
        assert row.values[0] > 0


def test_endurance_weighs_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(endurance.ENGINES, "embedded")  # its parts are among those of the other
    rows = endurance.measure(quick=True, tell=lambda line: None)
    parts = [f"kafka {part}" for part in ("API", "edge", "parent", "worker")]
    assert [row.case for row in rows if row.along is None] == parts
    for row in rows[: len(parts)]:
        assert (row.checked, row.lost) == (endurance.QUICK.tags * endurance.QUICK.rounds, 0)
        assert row.ratio is not None
        assert min(*row.values, *row.baseline_values) > 20.0, "a Python process that does something"
    drawn = {row.along.axis for row in rows[len(parts) :] if row.along is not None}
    assert drawn == {f"{part.replace(' ', ', ')}: seconds under load" for part in parts}


def test_what_grows_is_seen_to_grow() -> None:
    looks = [endurance.Look(float(at), {"worker": 100.0 + at}) for at in range(40)]
    row = endurance._grown("embedded", "worker", looks, checked=1, lost=0)
    assert row.ratio == pytest.approx(134.5 / 114.5)
    assert row.met is False
