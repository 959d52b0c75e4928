"""`cordon verify` beside a running database, on a restored dump, with keys that were rotated; and what it says and ends with."""

import asyncio
import io
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from rich.console import Console

from cordon.verify import run_verify
from duties import heads, signing
from duties.retention import SLACK, retain
from model.errors import CordonError
from model.instant import DAY_US
from store import settings, world
from store.feed import edit
from store.pool import Store
from store.postgres import binary
from tests.cordon.judged import CIRCLE, days, settle
from tests.store.fake import START_US


async def verify(dsn: str, keys: Path | None, **options: object) -> str:
    said = io.StringIO()
    given = {"since": None, "until": None, "lane": None} | options
    await run_verify(
        **given, keys=keys, data_dir=None, dsn=dsn, out=Console(file=said, width=400), err=Console(file=io.StringIO())
    )  # type: ignore[arg-type]
    return said.getvalue()


async def test_days_are_signed_once_they_are_over_and_checked_by_the_public_key_alone(
    store: Store, database: str, tmp_path: Path
) -> None:
    await days(store, 2)
    assert "2 lane-days are over and not signed yet" in await verify(database, None)
    assert (await heads.sign(store, tmp_path / "signing") or {})["heads"] == 2
    assert await heads.sign(store, tmp_path / "signing") is None
    given = tmp_path / "given"
    given.mkdir()
    shutil.copy(next((tmp_path / "signing").glob("*.pub")), given)
    said = await verify(database, given)
    assert said.startswith("everything stands as it was stored: ")
    assert " 2 signed heads, 8 fixes, 0 events" in said
    assert "4 verdicts are the same when judged again from their evidence" in said
    assert "not signed" not in said


async def test_verdicts_are_judged_again_by_the_numbers_that_were_set_then(store: Store, database: str) -> None:
    """An area zone is P4 by what was set; P1 later on changes nothing of it, and without what was set it comes out otherwise."""
    circle = {**CIRCLE, "properties": {**CIRCLE["properties"], "purpose": "area"}}
    await settle(store, circle, [world.NewSettings({"exclusion.area_severity": 4}, zone=0)])
    await days(store, 1)
    assert await store.pool.fetchval("SELECT severity FROM alert") == 4
    async with edit(store) as change:
        await settings.replace(change, 1, 1, {"exclusion.area_severity": 1})
    assert "2 verdicts are the same when judged again" in await verify(database, None)
    await store.pool.execute("DELETE FROM settings_version")
    with pytest.raises(CordonError, match="severity"):
        await verify(database, None)


async def test_heads_without_a_key_to_check_them_are_not_passed_over(store: Store, database: str, tmp_path: Path) -> None:
    await days(store, 1)
    await heads.sign(store, tmp_path / "signing")
    with pytest.raises(CordonError, match="no public key to check them with"):
        await verify(database, None)
    signing.rotate(tmp_path / "other")
    with pytest.raises(CordonError, match="does not check with a public key that is trusted"):
        await verify(database, tmp_path / "other")


async def test_a_rotated_key_signs_and_the_older_one_still_checks(store: Store, database: str, tmp_path: Path) -> None:
    await days(store, 1)
    first = await heads.sign(store, tmp_path)
    signing.rotate(tmp_path)
    await days(store, 1, first=1)
    second = await heads.sign(store, tmp_path)
    assert first is not None
    assert second is not None
    assert first["key"] != second["key"]
    assert len(list(tmp_path.glob("*.key"))) == 1
    assert next(tmp_path.glob("*.key")).stat().st_mode & 0o077 == 0
    assert "2 signed heads" in await verify(database, tmp_path)
    (tmp_path / f"{first['key']}.pub").unlink()
    with pytest.raises(CordonError, match="does not check"):
        await verify(database, tmp_path)


async def test_days_that_went_when_they_were_kept_for_less_are_vouched_for_by_a_person(store: Store, database: str) -> None:
    await days(store, 1)
    today = time.time_ns() // 1000 // DAY_US
    age = today - START_US // DAY_US
    assert (await retain(store, today * DAY_US, age - SLACK - 1))["dropped"] == 2
    with pytest.raises(CordonError, match="a note says that the day was let go of when it was"):
        await verify(database, None, kept_days=age)
    assert "tables of days are past their time" in await verify(database, None, kept_days=age - 1)


async def test_a_lost_key_is_said_and_no_other_is_made_without_a_word(store: Store, database: str, tmp_path: Path) -> None:
    await days(store, 1)
    await heads.sign(store, tmp_path / "one")
    await days(store, 1, first=1)
    with pytest.raises(CordonError, match="days were signed before, and there is no key in"):
        await heads.sign(store, tmp_path / "another")
    assert not (tmp_path / "another").exists()
    signing.rotate(tmp_path / "another")
    assert (await heads.sign(store, tmp_path / "another") or {})["heads"] == 1


async def test_what_is_cut_off_with_its_heads_is_shown_by_the_heads_noted_beside_the_keys(
    store: Store, database: str, tmp_path: Path
) -> None:
    """Everything of the last day goes, as if it had never been: the database agrees with itself."""
    await days(store, 2)
    await heads.sign(store, tmp_path)
    with psycopg.connect(database, autocommit=True) as superuser:
        superuser.execute("TRUNCATE alert, commit_journal, fix, day_head, commit_slice, commit_told, commit_link CASCADE")
        superuser.execute("UPDATE lane SET link = decode(repeat('00', 32), 'hex'), commit_no = 0")
    with pytest.raises(CordonError, match="stands on commit 2, and the chain ends at commit 0"):
        await verify(database, tmp_path)
    (tmp_path / signing.HEADS).unlink()
    assert "0 links" in await verify(database, tmp_path)


async def test_a_restored_dump_checks_and_shows_what_was_changed_in_it(
    store: Store, database: str, empty_database: str, tmp_path: Path
) -> None:
    await days(store, 2)
    await heads.sign(store, tmp_path)
    dump = tmp_path / "dump"
    for command in (
        [binary("pg_dump"), "-Fc", f"--file={dump}", database],
        [binary("pg_restore"), f"--dbname={empty_database}", dump],
    ):
        await asyncio.to_thread(subprocess.run, command, check=True)
    assert await verify(empty_database, tmp_path) == await verify(database, tmp_path)
    with psycopg.connect(empty_database, autocommit=True) as superuser:
        superuser.execute("UPDATE fix SET speed_mps = 1.6 WHERE tag = 2 AND fix_at > '2026-03-21'")
    line = [sys.executable, "-m", "cordon.main", "verify", "--dsn", empty_database, "--keys", str(tmp_path)]
    ended = await asyncio.to_thread(subprocess.run, line, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.splitlines()[-1] == (
        "cordon: the fix of tag 2 at 2026-03-21T09:46:40Z (seq 0, gnss) in lane 0, day 2026-03-21 "
        "is not as commit 3 stored it: changed since"
    )
    assert "everything stands" in await verify(empty_database, tmp_path, until="2026-03-20")
    with pytest.raises(CordonError, match="tag 2"):
        await verify(empty_database, tmp_path, lane=1)  # whose a row is that nobody stored so, nobody can say


async def test_a_zone_that_was_moved_shows_in_the_verdicts(store: Store, database: str, tmp_path: Path) -> None:
    """Zones are no lane's: it is by judging again that a change to one shows."""
    await days(store, 1)
    with psycopg.connect(database, autocommit=True) as superuser:
        superuser.execute("UPDATE zone_version SET radius_m = 320")
    with pytest.raises(CordonError, match=r"alert 1, opened at feed position 2 .* distance was -259.* m, now -279"):
        await verify(database, None)
    with psycopg.connect(database, autocommit=True) as superuser:
        superuser.execute("DELETE FROM zone_version")
    with pytest.raises(CordonError, match="version 1 of zone 1 is not in the database"):
        await verify(database, None)


@pytest.mark.parametrize("wrong", [{"since": "yesterday"}, {"until": "2026-13-01"}, {"since": "2026-11-22T08:00:00"}])
async def test_a_time_that_is_none_is_one_sentence(database: str, wrong: dict[str, str]) -> None:
    with pytest.raises(CordonError, match="is no day or time: write 2026-11-22"):
        await verify(database, None, **wrong)


def test_a_key_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.pub").write_text("not a key")
    with pytest.raises(CordonError, match=r"x\.pub is not an Ed25519 public key"):
        signing.trusted(tmp_path)
    (tmp_path / "heads.jsonl").write_text("{}\n")
    with pytest.raises(CordonError, match="line 1 of"):
        list(signing.noted(tmp_path))
