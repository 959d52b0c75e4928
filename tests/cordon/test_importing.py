"""`cordon import` against an API that runs: a line for each item, nothing made twice, what is wrong said, the rest taken."""

import asyncio
import copy
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest_asyncio

from store.pool import Store
from tests.api import given
from tests.api.client import MISSING_CONSOLE, PASSWORD, Api, serving
from tests.cordon.test_document import TAG, WORLD
from tests.integration.system import COMMAND, ROOT
from tests.store import told

ITEMS = sum(len(items) for items in WORLD.values())


@pytest_asyncio.fixture
async def api(database: str, store: Store) -> AsyncIterator[Api]:
    async with serving(database, store, console=MISSING_CONSOLE) as running:
        yield running


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def refused(self) -> dict[str, str]:
        return {row["place"]: row["reason"] for row in self.json["rows"] if row["state"] == "refused"}

    @property
    def counts(self) -> tuple[int, int, int]:
        return self.json["created"], self.json["unchanged"], self.json["refused"]


async def imported(api: Api, folder: Path, world: Any, *options: str, role: str = "officer", password: str = PASSWORD) -> Done:
    """The command, as a process of its own, told the password as a script would."""
    path = folder / "centre.json"
    path.write_text(json.dumps(world))
    process = await asyncio.create_subprocess_exec(
        *(*COMMAND, "import", str(path), "--to", api.url, "--user", role, *options),
        cwd=ROOT,
        env=os.environ | {"CORDON_PASSWORD": password, "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


async def count(api: Api) -> int:
    total = 0
    for path in ("/wearers", "/orders", "/activations", "/zones", "/curfews", "/absences", "/visits"):
        total += len((await api.get(path, "admin")).json["items"])
    return total


async def test_everything_goes_in_once(api: Api, tmp_path: Path) -> None:
    first = await imported(api, tmp_path, WORLD)
    assert first.code == 0, first.err
    assert first.out.splitlines()[0].split() == ["created", "wearers[0]", "(w1)", "as", "1"]
    assert first.out.splitlines()[-1] == f"{ITEMS} created, 0 unchanged, 0 refused"
    assert await count(api) == ITEMS
    loaded = await told.load(api.store)
    assert {span.tag for span in loaded.monitored} == {TAG}
    assert [(curfew.order, curfew.wearer, curfew.home) for curfew in loaded.curfews] == [(2, 2, 1), (2, 2, 1)]
    again = await imported(api, tmp_path, WORLD, "--json", role="supervisor")
    assert (again.code, again.counts) == (0, (0, ITEMS, 0)), again.err
    assert await count(api) == ITEMS


async def test_what_a_file_sets_is_set_once_and_what_asks_less_waits(api: Api, tmp_path: Path) -> None:
    world = copy.deepcopy(WORLD)
    world["settings"] = {
        "no_contact": {"standard_min": 50},
        "orders": {"o1": {"no_contact": {"standard_min": 40}}},
        "zones": {"home1": {"again": {"within_min": 20}}},
    }
    tried = await imported(api, tmp_path, world, "--dry-run", "--json", role="supervisor")
    assert (tried.code, tried.counts) == (0, (ITEMS + 3, 0, 0)), tried.out
    assert (await told.load(api.store)).settings == []
    first = await imported(api, tmp_path, world, "--json", role="supervisor")
    states = {row["place"]: row["state"] for row in first.json["rows"] if row["place"].startswith("settings")}
    assert states == {"settings": "created", "settings.orders.o1": "created", "settings.zones.home1": "waiting"}, first.out
    read = (await told.load(api.store)).settings
    assert [(one.scope, dict(one.values)) for one in read] == [
        ("all", {"no_contact.standard_min": 50}),
        ("order", {"no_contact.standard_min": 40}),
    ]
    again = await imported(api, tmp_path, world, "--json", role="supervisor")
    assert {row["state"] for row in again.json["rows"] if row["place"] in {"settings", "settings.orders.o1"}} == {"unchanged"}
    refused = await imported(api, tmp_path, world | {"settings": {"no_contact": {"standard_min": 30}}}, "--json")
    assert "ask a supervisor" in refused.refused["settings"]


async def test_a_dry_run_says_the_same_and_writes_nothing(api: Api, tmp_path: Path) -> None:
    tried = await imported(api, tmp_path, WORLD, "--dry-run", "--json")
    assert (tried.code, tried.counts, tried.json["dry_run"]) == (0, (ITEMS, 0, 0), True), tried.err
    assert await count(api) == 0
    assert (await api.get("/imports?source=centre", "admin")).json["items"] == []
    await imported(api, tmp_path, WORLD)
    changed = copy.deepcopy(WORLD)
    changed["wearers"][1]["name"] = "Somebody else"
    changed["wearers"].append({"ref": "w3", "name": "New"})
    tried = await imported(api, tmp_path, changed, "--dry-run", "--json")
    by_name = 6  # an order, an activation, a home; by these two curfews, and an absence
    assert tried.counts == (1, ITEMS - 1 - by_name, 1 + by_name)
    assert "imported before with other content" in tried.refused["wearers[1] (w2)"]
    assert await count(api) == ITEMS


async def test_what_the_file_shows_to_be_wrong_is_all_named_and_nothing_is_written(api: Api, tmp_path: Path) -> None:
    wrong = copy.deepcopy(WORLD)
    wrong["orders"][1]["timezone"] = "Europe/Atlantis"  # both curfews are of this order
    wrong["absences"][0]["to"] = "2026-03-23T18:00:00Z"  # the last of the lists
    done = await imported(api, tmp_path, wrong, "--json")
    assert done.code == 1
    path = tmp_path / "centre.json"
    assert done.err.strip() == (
        f"cordon: nothing was written, 2 of {ITEMS} items are wrong: correct them in {path} and import it again"
    )
    assert (done.counts, done.json["left"]) == ((0, 0, 2), ITEMS - 2)
    assert "is no time zone" in done.refused["orders[1] (o2)"]
    assert "end before it starts" in done.refused["absences[0]"]
    assert await count(api) == 0
    said = await imported(api, tmp_path, wrong)
    assert [line.split()[:2] for line in said.out.splitlines()[:-1]] == [["refused", "orders[1]"], ["refused", "absences[0]:"]]
    assert said.out.splitlines()[-1] == f"0 created, 0 unchanged, 2 refused, {ITEMS - 2} left"
    tried = await imported(api, tmp_path, wrong, "--dry-run", "--json")
    assert sorted(tried.refused) == ["absences[0]", "curfews[0] (c1)", "curfews[1]", "orders[1] (o2)"]
    assert "its order o2 was refused" in tried.refused["curfews[1]"]
    assert (tried.counts, tried.json["left"]) == ((0, 0, 4), ITEMS - 4), "as an import would leave them"
    done = await imported(api, tmp_path, WORLD, "--json")  # corrected
    assert (done.code, done.counts) == (0, (ITEMS, 0, 0))


async def test_what_the_instance_refuses_is_said_in_its_words(api: Api, tmp_path: Path) -> None:
    await given.wearer(api, "Somebody", TAG)
    tried = await imported(api, tmp_path, WORLD, "--dry-run", "--json")
    assert f"tag {TAG} is fitted to Somebody in that time" in tried.refused["activations[0]"]
    done = await imported(api, tmp_path, WORLD, "--json")
    assert sorted(done.refused) == sorted(tried.refused) == ["activations[0]", "activations[1]"]
    assert "was fitted to somebody in that time" in done.refused["activations[0]"]


async def test_other_content_under_a_known_ref_is_refused_unless_it_is_another_file_s(api: Api, tmp_path: Path) -> None:
    await imported(api, tmp_path, WORLD)
    changed = copy.deepcopy(WORLD)
    changed["wearers"][0]["name"] = "Other Name"
    done = await imported(api, tmp_path, changed, "--json")
    assert list(done.refused) == ["wearers[0] (w1)", "orders[0] (o1)", "activations[0]"]
    assert "wearers/w1 of centre was imported before with other content, as 1" in done.refused["wearers[0] (w1)"]
    only = {"wearers": changed["wearers"][:1]}
    named = await imported(api, tmp_path, only, "--json", "--name", "Überführung")
    assert (named.counts, named.json["rows"][0]["id"]) == ((1, 0, 0), 3)
    kept = (await api.get("/imports", "admin", params={"source": "Überführung"})).json["items"]
    assert [(one["ref"], one["resource"]) for one in kept] == [("wearers/w1", 3)]


async def test_who_may_not_and_who_is_not_there(api: Api, tmp_path: Path) -> None:
    done = await imported(api, tmp_path, WORLD, role="operator")
    assert (done.code, done.err) == (
        1,
        "cordon: operator is operator and may not import: it takes an officer, supervisor or admin\n",
    )
    done = await imported(api, tmp_path, WORLD, password="not it")
    assert done.code == 1
    assert done.err.startswith("cordon: officer cannot sign in at http://127.0.0.1:")
    nobody = await imported(replace(api, url="http://127.0.0.1:9"), tmp_path, WORLD)
    assert (nobody.code, "is the address right, and does it run?" in nobody.err) == (1, True)
