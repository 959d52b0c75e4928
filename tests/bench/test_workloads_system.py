"""The workloads that run a whole system, small, by both engines: their rows, and that a fix that is missing is counted."""

from typing import Any

import pytest

from bench.workloads import latency, pipeline
from bench.workloads.pipeline import Pipeline

pytestmark = [pytest.mark.serial, pytest.mark.xdist_group("kafka"), pytest.mark.timeout(900)]


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
