"""The command as a person meets it: help that reads well, small commands with and without an instance, mistakes in one line."""

import gzip
import itertools
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from typer.testing import CliRunner

from cordon.main import app, main
from tests.cordon import miniature
from tests.integration.system import GATEWAY, PASSWORD, ROOT, START_S, System, http, stamp, system
from tests.integration.world import TAG, fix

pytestmark = pytest.mark.xdist_group("cli")


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that reach it."""
    yield words, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*words, name))


TREE = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("words", TREE, ids=lambda words: " ".join(words) or "cordon")
def test_help_reads_well(words: tuple[str, ...]) -> None:
    command = TREE[words]
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert shown.exit_code == 0
    assert "Usage:" in shown.output
    first = (command.help or "").split("\n\n")[0]
    assert first.endswith("."), "one sentence that says what it does"
    assert " ".join(first.split()[:6]) in " ".join(shown.output.split())
    for parameter in command.params:
        said = getattr(parameter, "help", None)
        if parameter.name not in {"help", "password", "role"}:
            assert said, f"{parameter.name} says nothing of itself"
    if any("--dsn" in parameter.opts for parameter in command.params):
        assert "postgresql://" in shown.output
        assert "CORDON_DSN" in shown.output
    for below in getattr(command, "commands", {}).values():
        assert below.help, f"{below.name} says nothing of itself"


def test_what_is_no_terminal_is_given_whole_lines() -> None:
    long = "x " * 200
    printed = f"from cordon.main import out; from rich.table import Table; t = Table('a'); t.add_row({long!r}); out.print(t)"
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}

    def lines(**more: str) -> int:
        shown = subprocess.run(
            [sys.executable, "-c", printed], cwd=ROOT, env=environment | more, capture_output=True, text=True, check=True
        )
        return len(shown.stdout.splitlines())

    assert lines() == 5, "head and row, with a border round each"
    assert lines(COLUMNS="80") > 5, "who asks for a width has it"


def test_the_readme_lists_every_command_and_no_other() -> None:
    """Each row's code spans: a command with its words and options, or, after a comma, another last word of the one before."""
    text = (ROOT / "README.md").read_text().partition("\n## The command\n")[2].partition("\n## ")[0]
    listed: set[tuple[str, ...]] = set()
    for row in text.splitlines():
        above: tuple[str, ...] = ()
        for span in re.findall(r"`([^`]+)`", row.split("|")[1] if row.startswith("| `") else ""):
            words = tuple(itertools.takewhile(str.islower, (word for word in span.split() if not word.startswith(("[", "-")))))
            path = words[1:] if words[0] == "cordon" else (*above, *words)
            assert path in TREE, f"no command is called {span!r}"
            known = {option for parameter in TREE[path].params for option in parameter.opts}
            assert set(re.findall(r"--[a-z-]+", span)) <= known, span
            above = path[:-1]
            listed.add(path)
    assert listed == {words for words, command in TREE.items() if words and not getattr(command, "commands", None)}


class Said(NamedTuple):
    """What a command answered."""

    returncode: int
    stdout: str
    stderr: str


Cordon = Callable[..., Said]


@pytest.fixture
def cordon(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cordon:
    """Runs the command as its script does, in this process: Python's start is most of what a refusal takes."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["cordon", *words])
        capfd.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        said = capfd.readouterr()
        return Said(code, said.out, said.err)

    return run


def refused(done: "Said | subprocess.CompletedProcess[str]", *reasons: str) -> None:
    """One line on standard error that says what is wrong, and a failure."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("cordon: ")
    for reason in reasons:
        assert reason in lines[0]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A trace and zones that are good, and some that are not."""
    header = "tag,fix_at,lon,lat,accuracy_m\n"
    (tmp_path / "good.csv").write_text(header + "7,2026-03-20T10:00:00Z,-2.98,53.4,5\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "columns.csv").write_text("id,time,x,y\n1,2,3,4\n")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(header.encode() * 100)[:-20])
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    good: dict[str, Any] = {"type": "FeatureCollection", "features": [miniature.zones()["features"][0]]}
    (tmp_path / "good.geojson").write_text(json.dumps(good))
    (tmp_path / "cut.geojson").write_text(json.dumps(good)[:-5])
    (tmp_path / "list.geojson").write_text("[1]")
    bad = good["features"][0] | {"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [0, 99], [1, 1], [0, 0]]]}}
    (tmp_path / "bad.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [bad]}))
    kind = good["features"][0] | {"properties": {"kind": "moat"}}
    (tmp_path / "kind.geojson").write_text(json.dumps(kind))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("nothing.csv",), "nothing.csv cannot be read as CSV or CSV.GZ: No such file"),
        (("empty.csv",), "has no column tag, fix_at, lon, lat; the first line names the columns"),
        (("columns.csv",), "has no column tag, fix_at, lon, lat"),
        (("cut.csv.gz",), "cut.csv.gz cannot be read"),
        (("binary.csv",), "binary.csv cannot be read"),
        (("good.csv", "--zones", "nothing.geojson"), "nothing.geojson cannot be read as GeoJSON: No such file"),
        (("good.csv", "--zones", "cut.geojson"), "cut.geojson cannot be read as GeoJSON"),
        (("good.csv", "--zones", "list.geojson"), "list.geojson is not a GeoJSON FeatureCollection"),
        (("good.csv", "--zones", "bad.geojson"), "zone 0: "),
        (("good.csv", "--zones", "kind.geojson"), "zone 0: kind 'moat' is not one of exclusion, inclusion, home"),
        (("good.csv", "--until", "tomorrow"), "--until 'tomorrow' is not a time with a zone"),
        (("good.csv", "--until", "2026-03-20T10:00:00"), "is not a time with a zone"),
        (("good.csv", "--until", "9999-12-31T23:59:59-14:00"), "is not a time with a zone from 2000 to 9000"),
        (("good.csv", "--until", "1970-01-01T00:00:00Z"), "is not a time with a zone from 2000 to 9000"),
        (("good.csv", "--speed", "fast"), "--speed 'fast' is neither a number above 0 nor max"),
        (("good.csv", "--speed", "-1"), "--speed '-1' is neither"),
        (("good.csv", "--speed", "nan"), "--speed 'nan' is neither"),
        (("good.csv", "--to", "http://127.0.0.1:9"), "--to needs --key"),
        (("good.csv", "--to", "http://127.0.0.1:9", "--key", "k"), "nobody answers at http://127.0.0.1:9/gateway/v1"),
        (
            ("good.csv", "--to", "http://127.0.0.1:9", "--key", "k", "--until", "2026-03-20T10:00:00Z"),
            "are for a private instance",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_replay_that_cannot_be_is_refused_before_anything_starts(
    cordon: Cordon, files: Path, words: tuple[str, ...], reason: str
) -> None:
    placed = [str(files / word) if word.endswith((".csv", ".gz", ".geojson")) else word for word in words]
    refused(cordon("replay", *placed, "--json"), reason)


@pytest.mark.parametrize(
    ("words", "environment", "reason"),
    [
        (
            ("users", "add", "ann", "--role", "king", "--password", PASSWORD),
            {},
            "there is no role 'king'; the roles are operator",
        ),
        (("users", "add", "ann", "--role", "admin", "--password", "short"), {}, "at least 12 characters"),
        (("users", "add", "ann", "--role", "king"), {}, "there is no role 'king'; the roles are operator"),
        (("users", "add", "ann", "--role", "admin"), {}, "no terminal to ask for it: set CORDON_PASSWORD"),
        (("users", "add", "ann", "--role", "admin"), {"CORDON_PASSWORD": "short"}, "at least 12 characters"),
        (("import", "w.json", "--to", "http://127.0.0.1:9", "--user", "ann"), {}, "set CORDON_PASSWORD"),
        (("users", "list"), {"CORDON_LANES": "none"}, "CORDON_LANES is 'none' in the environment"),
        (("users", "list"), {"CORDON_LOG_LEVEL": "loud"}, "CORDON_LOG_LEVEL is 'loud' in the environment"),
        (("lanes", "8", "--data-dir", "/nowhere/instance", "--kafka", "127.0.0.1:9"), {}, "there is no instance in /nowhere"),
        (("lanes", "8"), {}, "which broker? Give --kafka, or set CORDON_KAFKA"),
        (("keys", "list", "--dsn", "postgresql://nobody@127.0.0.1:9/none"), {}, "the database cannot be reached"),
    ],
    ids=[
        "role",
        "password",
        "role first",
        "nobody to ask",
        "environment",
        "import",
        "lanes",
        "log level",
        "no instance",
        "no broker",
        "dsn",
    ],
)
def test_a_mistake_is_one_line(
    cordon: Cordon, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], environment: dict[str, str], reason: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    refused(cordon(*words), reason)


def test_the_script_itself_refuses_in_one_line() -> None:
    script = Path(sys.executable).with_name("cordon")
    done = subprocess.run(
        [script, "replay", "nothing.csv"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=START_S
    )
    refused(done, "nothing.csv cannot be read")


@pytest.mark.parametrize("words", [("up", "--port", "99999"), ("up", "--port", "http"), ("frobnicate",), ("keys", "revoke")])
def test_a_wrong_word_is_answered_with_the_usage(cordon: Cordon, words: tuple[str, ...]) -> None:
    done = cordon(*words)
    assert done.returncode == 2
    assert "Usage: cordon" in done.stderr
    assert "Traceback" not in done.stderr


def closed(folder: Path) -> Path:
    """A place nobody can keep data in: as root the database's user may not enter, anybody else may not write."""
    folder.chmod(0o700 if os.geteuid() == 0 else 0o500)
    return folder / "data"


@pytest.mark.parametrize("words", [("migrate",), ("dead", "list")], ids=" ".join)
def test_a_folder_that_cannot_be_used(cordon: Cordon, tmp_path: Path, words: tuple[str, ...]) -> None:
    file = tmp_path / "file"
    file.write_text("")
    refused(cordon(*words, "--data-dir", str(file)), str(file))
    refused(cordon(*words, "--data-dir", str(closed(tmp_path))), str(tmp_path))


def test_up_on_a_port_in_use_makes_no_folder(cordon: Cordon, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = cordon("up", "--port", port, "--data-dir", str(tmp_path / "data"))
        refused(done, f"port {port} on 127.0.0.1 cannot be used", "choose another with --port")
    assert not (tmp_path / "data").exists()


def test_up_on_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("cordon")
    words: list[str | Path] = [script, "up", "--port", "0", "--data-dir", closed(tmp_path)]
    refused(subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=START_S), str(tmp_path))


@pytest.fixture(scope="module")
def folder() -> Iterator[System]:
    """A data folder; whether an instance runs on it is the test's business."""
    with system() as made:
        yield made


def ran(folder: System, *words: str) -> str:
    done = folder.run(*words)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def started(folder: System) -> None:
    """An instance runs on the folder, whichever test comes first."""
    if folder.up is None:
        folder.start()


def test_small_commands_without_an_instance(folder: System) -> None:
    if folder.up is not None:
        assert folder.stop() == 0
        folder.up = None
    add = folder.run("users", "add", "ann", "--role", "auditor", "--password", PASSWORD)
    assert "ann can sign in as auditor" in add.stdout
    assert "the database is up to date" in ran(folder, "migrate")
    assert len(ran(folder, "keys", "create", "gw-idle").strip()) == 43
    assert folder.processes() == {}, "the database they started is gone"


@pytest.mark.parametrize(
    "words",
    [
        *[("users", "list"), ("users", "disable", "ann"), ("keys", "list"), ("keys", "revoke", "abc"), ("sla",), ("noise",)],
        *[("dead", "list"), ("dead", "show", "1"), ("billing", "--from", "2026-11-01", "--to", "2026-11-02"), ("migrate",)],
        *[("signing", "show"), ("signing", "rotate"), ("holds", "list"), ("verify",), ("backup", "copy")],
        ("erase", "1", "--by", "the court", "--reason", "a test"),
    ],
    ids=" ".join,
)
def test_a_command_that_reads_makes_no_instance(cordon: Cordon, tmp_path: Path, words: tuple[str, ...]) -> None:
    """An empty table of an instance made by a slip would look like an instance where nothing is."""
    (tmp_path / "there").mkdir()
    for name in ("there", "away"):
        refused(cordon(*words, "--data-dir", str(tmp_path / name)), f"there is no instance in {tmp_path / name}: name its folder")
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


@pytest.mark.parametrize(
    "words", [("users", "add", "ann", "--role", "auditor", "--password", PASSWORD), ("keys", "create", "gw-1")], ids=" ".join
)
def test_a_command_that_makes_an_instance_says_where(words: tuple[str, ...]) -> None:
    with system() as made:
        first, second = made.run(*words), made.run("keys", "create", "gw-2")
        assert first.returncode == second.returncode == 0, first.stderr
        assert first.stderr.strip() == f"Making a new instance in {made.data_dir}"
        assert len(first.stdout.splitlines()) == 1, "a script can take what it prints"
        assert second.stderr == ""


def test_a_world_is_loaded_into_no_instance_by_default(cordon: Cordon) -> None:
    refused(cordon("load", "world.json"), "load into which instance? Give --data-dir or --dsn")


def test_small_commands_beside_a_running_instance(folder: System) -> None:
    started(folder)
    assert "the database is up to date" in ran(folder, "migrate")
    assert "bob can sign in as auditor" in ran(folder, "users", "add", "bob", "--role", "auditor", "--password", PASSWORD)
    refused(folder.run("users", "add", "bob", "--role", "admin", "--password", PASSWORD), "bob")
    assert "bob is officer from the next sign-in on" in ran(folder, "users", "role", "bob", "officer")
    assert re.search(r"bob\s.*officer", ran(folder, "users", "list"))
    refused(folder.run("users", "role", "bob", "king"), "there is no role 'king'")
    refused(folder.run("users", "role", "nobody", "officer"), "nobody")
    words = ("users", "password", "bob", "--password")
    assert "bob signs in with the new password" in ran(folder, *words, f"{PASSWORD} anew")
    refused(folder.run(*words, "short"), "a password needs at least")
    refused(folder.run("users", "password", "nobody", "--password", PASSWORD), "nobody")
    assert "bob is shut out" in ran(folder, "users", "disable", "bob")
    refused(folder.run("users", "disable", "nobody"), "nobody")
    (row,) = [line for line in ran(folder, "users", "list").splitlines() if "bob" in line]
    assert "officer" in row
    assert "no" in row.split("│")[-2]
    assert "bob can sign in again" in ran(folder, "users", "enable", "bob")
    assert re.search(r"bob\s.*yes", ran(folder, "users", "list"))
    key = ran(folder, "keys", "create", "gw-running").strip()
    assert key[0].isalnum(), "it can be an argument"
    listed = ran(folder, "keys", "list")
    assert key[:12] in listed
    assert "gw-running" in listed
    assert key not in listed
    assert "is worthless from now on" in ran(folder, "keys", "revoke", key[:12])
    refused(folder.run("keys", "revoke", key[:12]), f"no key in use begins with {key[:12]}")
    assert "wait for somebody to look at them" in ran(folder, "dead", "list")
    assert folder.get("/readyz").status == 200


def test_a_dead_letter_is_shown_replayed_and_discarded(folder: System) -> None:
    """Refused by the door it stays; refused by an older decoder it is stored once, by the command as by the API."""
    started(folder)
    folder.people("engineer")
    bad = fix(1, tag=TAG + 9, at=stamp(-60)) | {"lat": 151.5}
    assert len(folder.send(bad)["rejected"]) == 1
    [(number,)] = folder.sql("SELECT max(id) FROM dead_letter")
    shown = ran(folder, "dead", "show", str(number))
    assert "lat 151.5 is not between -90 and 90" in shown
    assert str(TAG + 9) in shown
    listed = ran(folder, "dead", "list")
    assert "151.5" in listed, "whose sender is to be told"
    assert str(TAG + 9) not in listed, "what it is of, `dead show` tells, and that is noted"
    said = f"dead letter {number} is still refused: lat 151.5"
    refused(folder.run("dead", "replay", str(number), "--to", folder.url), said)
    assert "it is still refused: lat … is not between" in folder.call("engineer", "POST", f"/dead/{number}/replay").json["detail"]
    assert "is discarded" in ran(folder, "dead", "discard", str(number), "--reason", "a test")
    older = [json.dumps(fix(seq, tag=TAG + 9, at=stamp(-60 + seq))).encode() for seq in (2, 3)]
    for body in older:
        sql = "INSERT INTO dead_letter (gateway, protocol, reason, body) VALUES ('gw-old', 'http-json', 'fixes[0]: old', %s)"
        folder.sql(sql, body)
    assert "1 stored, 0 stored before, 0 still refused" in ran(folder, "dead", "replay", str(number + 1), "--to", folder.url)
    refused(folder.run("dead", "replay", str(number + 1), "--to", folder.url), "was replayed before")
    answer = folder.ask("engineer", "POST", f"/dead/{number + 2}/replay")
    assert answer == {"id": number + 2, "stored": 1, "duplicate": 0, "rejected": []}
    assert folder.sql("SELECT count(*), count(DISTINCT seq) FROM fix WHERE tag = %s", TAG + 9) == [(2, 2)]
    rows = folder.sql("SELECT action FROM audit WHERE subject LIKE 'dead/%%' AND action <> 'read' ORDER BY part")
    assert rows == [("discarded",), ("replayed",), ("replayed",)]
    assert folder.sql(
        "SELECT count(*) FROM gateway_key k JOIN gateway g ON g.id = k.gateway WHERE g.name = 'gw-old' AND revoked_at IS NULL"
    ) == [(0,)]


def test_somebody_shut_out_is_shut_out_at_once(folder: System) -> None:
    started(folder)
    folder.people("operator")
    assert folder.call("operator", "GET", "/alerts").status == 200
    ran(folder, "users", "disable", "operator")
    form = f"grant_type=password&username=operator&password={PASSWORD.replace(' ', '+')}".encode()
    refusal = http("POST", f"{folder.url}/api/v1/token", body=form, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert refusal.status == 400


def test_a_trace_is_sent_to_a_running_instance(cordon: Cordon, folder: System, tmp_path: Path) -> None:
    """On the wall clock, with a key; a wrong key and a wrong address are one line."""
    started(folder)
    rows = [fix(seq, tag=TAG + 5, at=stamp(-60 + seq)) for seq in range(5)]
    names = ("tag", "seq", "fix_at", "lon", "lat")
    lines = [",".join(names)] + [",".join(str(row[name]) for name in names) for row in [*rows, rows[2], rows[3] | {"lat": 100}]]
    trace = tmp_path / "trace.csv"
    trace.write_text("\n".join(lines))
    done = cordon("replay", str(trace), "--to", folder.url, "--key", folder.key, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["sent"], report["stored"], report["duplicate"], report["alerts"]) == (7, 5, 1, None)
    assert [one["line"] for one in report["rejected"]] == [8]
    refused(cordon("replay", str(trace), "--to", folder.url, "--key", "wrong"), "refused (status 401)")
    refused(cordon("replay", str(trace), "--to", f"{folder.url}/elsewhere", "--key", folder.key), "is the address right?")
    assert len(folder.sql("SELECT 1 FROM fix WHERE tag = %s", TAG + 5)) == 5
    assert GATEWAY in ran(folder, "keys", "list")
