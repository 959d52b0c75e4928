"""Counts what the API does, and shows it with how the system runs in Prometheus's text."""

import math
import time
from collections.abc import Sequence
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.judging import Lane, checks
from model.instant import SECOND_US
from store import channels, status, watch
from store.pool import Store
from store.watch import Readings

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Meters:
    """One process's counters. Each label takes a few fixed values: a path with an id in it would grow without end."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("cordon_api_requests", "Requests answered", ["method", "route", "status"], registry=self.registry)
        self.seconds = Histogram(
            "cordon_api_request_seconds",
            "Time to an answer's headers",
            ["method", "route"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self.streams = Gauge("cordon_api_streams", "Alert streams open", registry=self.registry)
        self.lag = Gauge("cordon_lane_lag_seconds", "How far a lane's time is behind", ["lane"], registry=self.registry)
        self.claimed = Gauge("cordon_lane_claimed", "1 where a worker owns the lane", ["lane"], registry=self.registry)
        self.feed = Gauge("cordon_feed_position", "Newest position of the feed", registry=self.registry)
        self.alerts = Gauge("cordon_alerts_open", "Alerts not closed", ["kind", "severity"], registry=self.registry)
        self.counts = Gauge("cordon_rows", "Wearers, tags and letters", ["what"], registry=self.registry)
        self.database = Gauge("cordon_database_bytes", "Size of the database", registry=self.registry)
        self.checks = Gauge(
            "cordon_check_ok", "1 where a check of /readyz is ok, 0 where it fails", ["check"], registry=self.registry
        )
        self.commits = Counter("cordon_lane_commits", "Commits of a lane, whoever owned it", ["lane"], registry=self.registry)
        self.synthetic_s = Gauge(
            "cordon_synthetic_alert_seconds", "From a synthetic fix to its alert on the feed", ["lane"], registry=self.registry
        )
        self.synthetic_age_s = Gauge(
            "cordon_synthetic_alert_age_seconds", "Since a synthetic alert was last seen", ["lane"], registry=self.registry
        )
        self.done_age_s = Gauge("cordon_duty_age_seconds", "Since a duty was last done", ["duty"], registry=self.registry)
        self.free = Gauge("cordon_storage_free_bytes", "Free on the database's disk", registry=self.registry)
        self.growth = Gauge("cordon_storage_growth_bytes", "What a day takes, from the days kept", registry=self.registry)
        self.days_left = Gauge("cordon_storage_days_left", "Days the disk will do, +Inf: it lasts", registry=self.registry)
        self.delivered = Counter("cordon_messages_delivered", "Messages that came", ["by"], registry=self.registry)
        self.failed = Counter("cordon_message_tries_failed", "Tries that failed", ["by"], registry=self.registry)
        self.waiting = Gauge("cordon_messages_waiting", "Messages on their way", ["by"], registry=self.registry)
        self.dead = Gauge(
            "cordon_messages_dead", "Messages that failed so often that somebody was told", ["by"], registry=self.registry
        )
        self.oldest_s = Gauge(
            "cordon_messages_oldest_seconds", "How long the oldest on its way has been", ["by"], registry=self.registry
        )
        self.failing = Gauge("cordon_duty_failing", "1 while a duty's rounds fail", ["duty"], registry=self.registry)

    async def text(self, store: Store, lanes: Sequence[Lane], streams: int) -> bytes:
        """Everything, as of now."""
        self.streams.set(streams)
        self.checks.clear()
        for check in checks(lanes, await watch.last(store)):
            if check.state in {"ok", "failing"}:
                self.checks.labels(check.name).set(check.state == "ok")
        self._read(await watch.seen(store))
        self.lag.clear()
        self.claimed.clear()
        for lane in lanes:
            self.lag.labels(lane.partition).set(lane.lag_s)
            self.claimed.labels(lane.partition).set(lane.state != "stopped")
        for family in (self.delivered, self.failed, self.waiting, self.dead, self.oldest_s):
            family.clear()
        for total in await channels.totals(store):
            self.delivered.labels(total.kind).inc(total.delivered)
            self.failed.labels(total.kind).inc(total.failed)
            self.waiting.labels(total.kind).set(total.waiting)
            self.dead.labels(total.kind).set(total.dead)
            self.oldest_s.labels(total.kind).set(total.oldest_s)
        counts = await status.counts(store)
        opened = await status.open_alerts(store)
        self.feed.set(counts["feed_position"])
        self.database.set(counts["database_bytes"])
        self.alerts.clear()
        for (kind, severity), count in opened.items():
            self.alerts.labels(kind, f"P{severity}").set(count)
        for what in ("wearers", "fitted", "unknown_tags", "dead_letters", "new_alerts"):
            self.counts.labels(what).set(counts[what])
        # The gateway door beside the API counts in the process's own registry, as does Python.
        return generate_latest(self.registry) + generate_latest(REGISTRY)

    def _read(self, readings: Readings) -> None:
        """What the watch reads, as numbers."""

        def age_s(at_us: int) -> float:
            return max(0.0, (readings.now_us - at_us) / SECOND_US)

        for family in (self.commits, self.synthetic_s, self.synthetic_age_s, self.done_age_s, self.failing):
            family.clear()
        for lane in readings.lanes:
            self.commits.labels(lane.partition).inc(lane.commit_no)
        for crossing in readings.crossings:
            if crossing.took_s is not None and crossing.seen_us is not None:
                self.synthetic_s.labels(crossing.lane).set(crossing.took_s)
                self.synthetic_age_s.labels(crossing.lane).set(age_s(crossing.seen_us))
        for duty in readings.duties:
            if duty.done_us is not None:
                self.done_age_s.labels(duty.name).set(age_s(duty.done_us))
            self.failing.labels(duty.name).set(duty.failing_since_us is not None)
        found = readings.headroom
        self.free.set(math.nan if found is None else found.free_bytes)
        self.growth.set(math.nan if found is None else found.growth_bytes)
        left = math.nan if found is None else found.days_left
        self.days_left.set(math.inf if left is None else left)


class Measured:
    """ASGI middleware that counts every answer."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self._app = app
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                method, route = _method(scope["method"]), route_of(scope)
                self._meters.requests.labels(method, route, message["status"]).inc()
                self._meters.seconds.labels(method, route).observe(time.perf_counter() - began_s)
            await send(message)

        await self._app(scope, receive, counted)


def route_of(scope: Scope) -> str:
    """The route's template, never the path: a path can hold an id, and anything a stranger types."""
    if "route" not in scope:
        return "unmatched"
    path = Request(scope).url.path
    for name, value in scope.get("path_params", {}).items():
        path = path.replace(f"/{value}", f"/{{{name}}}", 1)
    return path


def _method(method: str) -> str:
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "other"
