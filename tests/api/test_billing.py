"""The billing report over the API and on the command line: activations and evidence, nobody twice."""

import csv
import io
import os
import subprocess
from typing import Any

import numpy as np

from tests.api import given
from tests.api.client import Api
from tests.integration.system import COMMAND, ROOT

DAY = "from=2026-11-22&to=2026-11-23"


async def billed(api: Api, span: str = DAY) -> dict[str, Any]:
    answer = await api.get(f"/billing?{span}", "supervisor")
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json
    return found


async def test_two_tags_two_orders_and_a_swap_are_one_person(api: Api) -> None:
    who = await given.wearer(api)
    other = await given.wearer(api, "Silent", 999)
    await api.make(
        "/orders", {"wearer": who["wearer"], "type": "licence", "timezone": "Asia/Tokyo", "starts": "2026-02-01T00:00:00Z"}
    )
    await api.make("/activations", {"wearer": who["wearer"], "tag": 7, "from": "2026-01-01T00:00:00Z"})
    await given.fixes(api.store, np.concatenate([given.track(20), given.track(20, tag=7)]))
    found = await billed(api)
    assert found["items"] == [{"date": "2026-11-22", "organisation": {"id": 1, "name": "Monitoring centre"}, "people": 1}]
    assert (found["people"], found["person_days"]) == (1, 1)
    assert other["wearer"] != who["wearer"]
    assert (await billed(api, "from=2026-11-23&to=2026-11-25"))["items"] == [], "nothing was heard of anybody"


async def test_without_authority_nobody_is_billed_for(api: Api) -> None:
    who = await given.wearer(api)
    await given.fixes(api.store, given.track(20))
    await given.relaxed(api, who["order"], {"status": "in_custody", "in_force_from": "2026-11-22T00:00:00Z"})
    assert (await billed(api))["person_days"] == 0


async def test_what_a_spreadsheet_takes(api: Api) -> None:
    await given.wearer(api)
    await given.fixes(api.store, given.track(20))
    answer = await api.get(f"/billing?{DAY}", "auditor", headers={"Accept": "text/csv"})
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = [["date", "organisation", "name", "people"], ["2026-11-22", "1", "Monitoring centre", "1"]]
    assert list(csv.reader(io.StringIO(answer.body.decode()))) == rows
    assert (await api.get(f"/billing?{DAY}", headers={"Accept": "image/png"})).status == 406
    read = (await api.get("/audit?subject=billing")).json["items"]
    assert [entry["details"]["format"] for entry in read] == ["text/csv"]


async def test_what_cannot_be_counted_is_refused(api: Api) -> None:
    for span, words in (
        ("from=2026-11-22&to=2026-11-22", "not after from"),
        ("from=2026-01-01&to=2026-11-22", "more than 92 days"),
        ("from=2090-01-01&to=2090-01-02", "future"),
        ("from=1970-01-01&to=1970-01-02", "before there was any tag"),
        ("from=yesterday&to=2026-11-22", "from"),
    ):
        answer = await api.get(f"/billing?{span}")
        assert answer.status == 422, span
        assert words in answer.json["detail"], span
    await api.store.pool.execute("INSERT INTO retired_day (name, kept) VALUES ('fix_20261001', 0)")
    gone = await api.get("/billing?from=2026-10-02&to=2026-10-04")
    assert gone.status == 409
    assert "begin on 2026-10-03" in gone.json["detail"]
    assert (await api.get("/billing?from=2026-10-03&to=2026-10-04")).status == 200


async def test_the_command_says_the_same(api: Api, database: str) -> None:
    await given.wearer(api)
    await given.fixes(api.store, given.track(20))

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        command = [*COMMAND, "billing", "--from", "2026-11-22", "--dsn", database, *more]
        return subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False, timeout=120)

    assert run("--to", "2026-11-23", "--csv").stdout.splitlines()[1] == "2026-11-22,1,Monitoring centre,1"
    assert "1 days of 1 people" in run("--to", "2026-11-23").stdout
    wrong = run("--to", "tomorrow")
    assert (wrong.returncode, wrong.stderr) == (1, "cordon: --to 'tomorrow' is no date: write 2026-11-01\n")
