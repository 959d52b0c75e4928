"""`cordon verify`: goes through everything that was stored and says that it stands, or what does not."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from alerts.record import Basis, Judged, again
from alerts.rules import Rules
from cordon.data import found, opened
from cordon.settings import Settings, default_data_dir, read
from duties import retention, signing
from model.errors import CordonError
from model.instant import BEGINNING_US, DAY_US, parse
from model.zone import Zone
from store import evidence, heads, proof, settings
from store.alerts import Detail
from store.controls import zone_at
from store.pool import Connection, Record, Store

EPOCH: Final = date(1970, 1, 1)
ALERTS_AT_ONCE: Final = 100


async def run_verify(
    since: str | None,
    until: str | None,
    lane: int | None,
    keys: Path | None,
    data_dir: Path | None,
    dsn: str,
    *,
    kept_days: int | None = None,
    out: Console,
    err: Console,
) -> None:
    """Check, with a progress bar on standard error, and print what was checked.

    ``kept_days``: for how long days were kept when they were kept for the shortest; None: always for as long as now.

    Raises
    ------
    CordonError
        At the first thing that does not match, or where it cannot be checked.
    """
    own = _settings(data_dir, dsn)
    folder = keys or own.signing
    if keys is not None and not keys.is_dir():
        raise CordonError(f"--keys {keys} is not a folder: name the one with the public keys")
    trusted = signing.trusted(folder) if folder and folder.is_dir() else signing.Trusted({})
    noted = tuple(signing.noted(folder)) if folder and folder.is_dir() else ()
    span, now_us = proof.Span(*_times(since, until), lane), time.time_ns() // 1000
    async with _read(own) as store:
        if await store.pool.fetchval("SELECT to_regclass('commit_link') IS NULL"):
            raise CordonError("this database is older than the evidence chain: run cordon migrate; the chain begins with it")
        async with proof.moment(store) as connection:
            if not trusted.keys and await heads.held(connection):
                raise CordonError(
                    "the database has signed heads and there is no public key to check them with: give --keys FOLDER"
                )
            with _bar(err) as progress:
                task = progress.add_task("Checking", total=await proof.size(connection, span))
                counts = await proof.prove(
                    connection,
                    span,
                    noted,
                    trusted.checks,
                    lambda n: progress.advance(task, n),
                    forgets_us=now_us - retention.SETTLED_DAYS * DAY_US,
                    retires_before=now_us // DAY_US - (own.retention_days if kept_days is None else kept_days),
                )
            verdicts = await _verdicts(connection, span)
        waiting = len(await heads.unsigned(store))
    out.print(
        f"everything stands as it was stored: {counts.links} links, {counts.heads} signed heads, {counts.fixes} fixes, "
        f"{counts.events} events, {counts.alerts} alerts, {counts.entries} entries of their histories, {counts.edits} edits",
        highlight=False,
        soft_wrap=True,
    )
    out.print(
        f"{verdicts.same} verdicts are the same when judged again from their evidence; "
        f"{verdicts.beyond} rest on more than the fixes copied with them",
        highlight=False,
        soft_wrap=True,
    )
    if counts.retired:
        out.print(f"{counts.retired} tables of days are past their time: only what is held of them is left", highlight=False)
    if waiting:
        out.print(f"{waiting} lane-days are over and not signed yet: until then they rest on the database alone", highlight=False)


class Verdicts(NamedTuple):
    """How many entries of alerts' histories were judged again."""

    same: int
    beyond: int  # what the copied fixes alone cannot tell


async def _verdicts(connection: Connection, span: proof.Span) -> Verdicts:
    """Judge every alert of the span again, from its copied evidence.

    Raises
    ------
    MismatchError
        At the first entry that comes out otherwise.
    """
    same = beyond = after = 0
    every = await settings.load(connection, BEGINNING_US)
    while details := await evidence.histories(connection, after, ALERTS_AT_ONCE):
        after = details[-1].alert["id"]
        named = {
            (detail.alert["zone"], row["details"]["zone_version"])
            for detail in details
            for row in detail.history
            if row["details"].get("zone_version")
        }
        versions = await evidence.versions(connection, named)
        spans = await settings.spans(connection, [detail.alert["wearer"] for detail in details]) if every else []
        said = Basis(Rules(), every, spans)
        for detail in details:
            if not span.from_us <= detail.alert["event_at"] < span.to_us:
                continue
            for one in await asyncio.to_thread(_again, detail, versions, said):
                if one.review.equal is False:
                    raise _otherwise(detail, one)
                same += one.review.equal is True
                beyond += one.review.equal is None
    return Verdicts(same, beyond)


def _again(detail: Detail, versions: Mapping[tuple[int, int], Record], said: Basis) -> list[Judged]:
    def zone(version: int, around_us: int) -> Zone | None:
        row = versions.get((detail.alert["zone"], version))
        return None if row is None else zone_at(row, around_us)

    return again(detail.alert, detail.history, detail.evidence, zone, said)


def _otherwise(detail: Detail, one: Judged) -> proof.MismatchError:
    day = one.entry.event_at_us // DAY_US
    text = (
        f"alert {detail.alert['id']}, {one.entry.what} at feed position {one.position} (day {heads.day_text(day)}), comes out "
        f"otherwise when it is judged again from its evidence: {'; '.join(one.review.differences)}"
    )
    return proof.MismatchError("alert", text, day=day)


def show_keys(data_dir: Path | None, out: Console) -> None:
    """Print the public keys.

    Raises
    ------
    CordonError
        If there are none.
    """
    folder = _folder(data_dir)
    known = signing.trusted(folder).keys if folder.is_dir() else {}
    if not known:
        raise CordonError(f"there is no key in {folder} yet: one is made when the first day is signed")
    for name, key in known.items():
        out.print(f"{name}\n{signing.public_pem(key)}", markup=False, highlight=False, end="")


def rotate_key(data_dir: Path | None, out: Console) -> None:
    """Make a new signing key."""
    key = signing.rotate(_folder(data_dir))
    out.print(f"day heads are signed with {key.id} from now on: keep a copy of its public key outside", highlight=False)


def _settings(data_dir: Path | None, dsn: str) -> Settings:
    settings = read()
    folder = data_dir or settings.data_dir
    if not (dsn or settings.dsn):
        folder = folder or default_data_dir(demo=False)
    return settings.model_copy(update={"dsn": dsn or settings.dsn, "data_dir": folder})


def _folder(data_dir: Path | None) -> Path:
    settings = _settings(data_dir, "")
    if settings.data_dir is not None and settings.signing_dir is None and not settings.dsn:
        found(settings.data_dir)
    folder = settings.signing
    if folder is None:
        raise CordonError("where are the keys? Give --data-dir, or set CORDON_SIGNING_DIR")
    return folder


@contextlib.asynccontextmanager
async def _read(settings: Settings) -> AsyncIterator[Store]:
    """The database as it is: a backup that is being checked is not to be changed by it."""
    if settings.dsn:
        async with Store(settings.dsn, size=2) as store:
            yield store
        return
    assert settings.data_dir is not None
    async with opened(settings.data_dir, "") as store:
        yield store


def _times(since: str | None, until: str | None) -> tuple[int, int]:
    return (
        _time("--from", since, 0) if since else proof.Span().from_us,
        _time("--to", until, DAY_US) if until else proof.Span().to_us,
    )


def _time(option: str, text: str, later_us: int) -> int:
    """Microseconds of a time, or of a day ``later_us`` after its beginning."""
    try:
        if len(text) == len("2026-11-22"):
            return (date.fromisoformat(text) - EPOCH).days * DAY_US + later_us
        datetime.fromisoformat(text)
        return parse(text)
    except ValueError:
        raise CordonError(f"{option} {text!r} is no day or time: write 2026-11-22, or 2026-11-22T08:00:00Z") from None


def _bar(err: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err, transient=True)
