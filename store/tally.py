"""Turns commits into counters: what this process has stored and said, for whoever scrapes it."""

from collections.abc import Sequence
from typing import Final

from prometheus_client import Counter, Histogram

from store.changes import Step

BUCKETS_S: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

SECONDS: Final = Histogram("cordon_commit_seconds", "Time a commit took, judging included", ["lane"], buckets=BUCKETS_S)
STORED: Final = Counter("cordon_stored_records_total", "Fixes and events that commits stored", ["lane", "what"])
CHANGES: Final = Counter("cordon_alert_changes_total", "What commits said of alerts, synthetic ones left out", ["kind", "what"])


def committed(lane: int, seconds: float, fixes: int, events: int, steps: Sequence[Step]) -> None:
    """Count one commit that succeeded."""
    SECONDS.labels(lane).observe(seconds)
    STORED.labels(lane, "fixes").inc(fixes)
    STORED.labels(lane, "events").inc(events)
    for step in steps:
        if step.row.wearer > 0:
            CHANGES.labels(step.change.kind, step.what).inc()
