"""`cordon import`: turns a WORLD document into what a running instance holds, through its API, each of its items once."""

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import aiohttp
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.creation import REF, SOURCE
from api.roles import May
from cordon import document as documents
from cordon.document import PARTS, SETTINGS, Document, Item
from model import setting
from model.errors import CordonError
from model.instant import FOREVER_US, parse

TIMEOUT_S: Final = 60.0
PREFIX: Final = "/api/v1"
CREATED: Final = HTTPStatus.CREATED
KNOWN: Final = HTTPStatus.OK


class Row(NamedTuple):
    """What became of one item, or would."""

    place: str
    state: str  # one of STATES
    id: int | None
    reason: str = ""


class Instance:
    """The officers' API of a running instance, as one person."""

    def __init__(self, session: aiohttp.ClientSession, url: str, user: str, password: str) -> None:
        self._session, self._url, self._user, self._password = session, url.rstrip("/"), user, password
        self._token = ""

    async def sign_in(self) -> dict[str, Any]:
        """The account that is signed in; raises ``CordonError`` where it is not."""
        form = {"grant_type": "password", "username": self._user, "password": self._password}
        status, answer = await self._send("POST", "/token", data=form)
        if status != KNOWN:
            raise CordonError(f"{self._user} cannot sign in at {self._url}: {answer.get('detail', f'status {status}')}")
        self._token = answer["access_token"]
        account: dict[str, Any] = answer["account"]
        return account

    async def call(self, method: str, path: str, **sent: Any) -> tuple[int, dict[str, Any]]:
        """Status and body; signed in anew where the token has run out meanwhile."""
        status, answer = await self._send(method, path, **sent)
        if status == HTTPStatus.UNAUTHORIZED:
            await self.sign_in()
            status, answer = await self._send(method, path, **sent)
        return status, answer

    async def listed(self, path: str, **query: str) -> list[dict[str, Any]]:
        """All items of a list; raises ``CordonError`` where it is refused."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            status, answer = await self.call("GET", path, params=query | ({"cursor": cursor} if cursor else {}))
            if status != KNOWN:
                raise CordonError(f"{self._url}{PREFIX}{path} refused: {answer.get('detail', f'status {status}')}")
            items += answer["items"]
            cursor = answer["next"]
            if cursor is None:
                return items

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **sent: Any
    ) -> tuple[int, dict[str, Any]]:
        own = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            async with self._session.request(
                method, self._url + PREFIX + path, headers={**own, **(headers or {})}, **sent
            ) as answer:
                body = await answer.json(content_type=None)
                return answer.status, body if isinstance(body, dict) else {}
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise CordonError(
                f"{self._url} does not answer as Cordon does ({type(error).__name__}); is the address right, and does it run?"
            ) from error


async def run_import(
    world: Path, *, to: str, user: str, password: str, name: str | None, dry_run: bool, as_json: bool, out: Console, err: Console
) -> None:
    """Import and report.

    Raises
    ------
    CordonError
        If the file, or the instance, cannot be used at all; or, after the report, if an item was refused. What the file alone
        shows to be wrong is refused before anything is written, or the instance is asked.
    """
    if not to.startswith(("http://", "https://")):
        raise CordonError(f"--to {to!r} is not an address; write http://{to}")
    found = await documents.read(documents.load(world), str(world))
    total = sum(map(len, found.values()))
    wrong = sum(1 for _ in documents.wrong(found))
    if wrong and not dry_run:
        _show(_unsent(found), as_json=as_json, dry_run=False, out=out)
        raise CordonError(f"nothing was written, {wrong} of {total} items are wrong: correct them in {world} and import it again")
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
        instance = Instance(session, to, user, password)
        account = await instance.sign_in()
        if May.EDIT_WEARERS not in account["permissions"]:
            raise CordonError(f"{user} is {account['role']} and may not import: it takes an officer, supervisor or admin")
        source = name or world.stem
        with _progress(err, total, "Checking" if dry_run else "Importing") as progress:
            rows = [row async for row in _rows(instance, source, found, progress, dry_run=dry_run)]
    if wrong:  # then an import writes nothing at all
        rows = [row._replace(state="left", id=None) if row.state == "created" else row for row in rows]
    _show(rows, as_json=as_json, dry_run=dry_run, out=out)
    refused = sum(row.state == "refused" for row in rows)
    if refused:
        raise CordonError(f"{refused} of {len(rows)} items refused: correct them in {world} and import it again")


def _unsent(found: Document) -> list[Row]:
    """What is wrong, and what was left out because of it: all of the rest."""
    return [
        Row(item.place, "refused" if item.reason else "left", None, item.reason) for items in found.values() for item in items
    ]


async def _rows(
    instance: Instance, source: str, found: Document, progress: Callable[[int], None], *, dry_run: bool
) -> AsyncIterator[Row]:
    """Every item in the order in which they can be created, each with what became of it."""
    known = {one["ref"]: one for one in await instance.listed("/imports", source=source)} if dry_run else {}
    ids: dict[str, dict[str, int]] = {part: {} for part in PARTS}
    for part, items in found.items():
        for item in items:
            if item.reason:
                row = Row(item.place, "refused", None, item.reason)
            elif part == SETTINGS:
                row = await _set(instance, item, ids, dry_run=dry_run)
            else:
                row = await _one(instance, source, part, item, ids, known if dry_run else None)
            if part != SETTINGS and row.id is not None and item.ref is not None:
                ids[part][item.ref] = row.id
            progress(1)
            yield row


async def _one(
    instance: Instance,
    source: str,
    part: str,
    item: Item,
    ids: Mapping[str, Mapping[str, int]],
    known: Mapping[str, Mapping[str, Any]] | None,
) -> Row:
    """One item, created; or, where what is known is given, only looked at."""
    try:
        sent = documents.resolved(item.sent, PARTS[part].names, ids)
    except documents.NamelessError as error:  # it is in the file: reading it would have refused it else
        return Row(item.place, "refused", None, f"its {error.what} {error.ref} was refused")
    body = json.dumps(sent, sort_keys=True).encode()
    # An item that nobody names is known by what it says.
    ref = f"{part}/{item.ref or hashlib.sha256(body).hexdigest()}"
    if known is not None:
        return await _tried(instance, part, item, body, known.get(ref))
    headers = {SOURCE: quote(source), REF: quote(ref), "Content-Type": "application/json"}
    status, answer = await instance.call("POST", f"/{part}", data=body, headers=headers)
    if status == HTTPStatus.ACCEPTED:
        return Row(item.place, "waiting", answer["id"], f"waits for a second person: {answer['relaxes']}")
    if status in {CREATED, KNOWN}:
        return Row(item.place, "created" if status == CREATED else "unchanged", answer.get("id") or answer["tag"])
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        raise CordonError(
            f"stopped at {item.place}: {answer.get('detail', f'status {status}')}; import again, what is there is found"
        )
    return Row(item.place, "refused", None, answer.get("detail", f"status {status}"))


async def _set(instance: Instance, item: Item, ids: Mapping[str, Mapping[str, int]], *, dry_run: bool) -> Row:
    """What is set in one place, as it is to be; unchanged where it is so already. What it has no id for yet was not set."""
    said: documents.Set = item.body
    query = {}
    if said.scope == "type":
        query = {"type": said.order_type}
    elif said.scope != "all":
        number = ids[f"{said.scope}s"].get(item.ref or "")
        if number is None:
            return Row(item.place, "refused", None, f"that {said.scope} was refused")
        query = {said.scope: str(number)}
    known: dict[str, Any] = {"numbers": {}, "version": 0}
    if query.get(said.scope) != str(NOT_YET):
        status, known = await instance.call("GET", "/settings", params=query)
        if status != KNOWN:
            return Row(item.place, "refused", None, known.get("detail", f"status {status}"))
    if known["numbers"] == setting.document(said.numbers):
        return Row(item.place, "unchanged", None)
    if dry_run:
        return Row(item.place, "created", None)
    sent = {"numbers": item.sent}
    headers = {"If-Match": f'"{known["version"]}"'}
    status, answer = await instance.call("PUT", "/settings", params=query, json=sent, headers=headers)
    if status == HTTPStatus.ACCEPTED:
        return Row(item.place, "waiting", answer["id"], f"waits for a second person: {answer['relaxes']}")
    if status == KNOWN:
        return Row(item.place, "created", None)
    return Row(item.place, "refused", None, answer.get("detail", f"status {status}"))


async def _tried(instance: Instance, part: str, item: Item, body: bytes, known: Mapping[str, Any] | None) -> Row:
    """What would become of an item, as far as it can be known without writing it."""
    if known is not None:
        content = hashlib.sha256(f"POST {PREFIX}/{part}\n".encode() + body).hexdigest()
        if content == known["content"]:
            return Row(item.place, "unchanged", known["resource"])
        reason = f"it was imported before with other content, as {known['resource']}: change it there, or give it another ref"
        return Row(item.place, "refused", None, reason)
    if part == "activations":
        worn = await instance.listed("/activations", tag=str(item.body.tag))
        ends_us = FOREVER_US if item.body.fitted_to is None else item.body.fitted_to
        for one in worn:
            other_us = FOREVER_US if one["to"] is None else parse(one["to"])
            if parse(one["from"]) < ends_us and item.body.fitted_from < other_us:
                return Row(item.place, "refused", None, f"tag {item.body.tag} is fitted to {one['wearer_name']} in that time")
    return Row(item.place, "created", NOT_YET)


@contextlib.contextmanager
def _progress(err: Console, items: int, doing: str) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TextColumn("items"), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=items)

        def advance(count: int) -> None:
            bar.advance(task, count)

        yield advance


def _show(rows: Sequence[Row], *, as_json: bool, dry_run: bool, out: Console) -> None:
    counts = Counter(row.state for row in rows)
    if as_json:
        report = {"dry_run": dry_run, **{state: counts[state] for state in STATES}, "rows": [_said(row) for row in rows]}
        print(json.dumps(report))  # noqa: T201 - what a script reads
        return
    would = "would be " if dry_run else ""
    for row in rows:
        if row.state == "left":
            continue  # all that is not named as refused
        said = f" as {row.id}" if row.id else ""
        reason = f": {row.reason}" if row.reason else ""
        out.print(f"{would}{row.state:9} {row.place}{said}{reason}", markup=False, highlight=False)
    said_of = [state for state in STATES if counts[state] or state not in {"waiting", "left"}]
    out.print(", ".join(f"{counts[state]} {would}{state}" for state in said_of), markup=False, highlight=False)


def _said(row: Row) -> dict[str, Any]:
    return row._asdict() | {"id": row.id or None, "reason": row.reason or None}


STATES: Final = ("created", "waiting", "unchanged", "refused", "left")
NOT_YET: Final = 0  # the id of what would be created
