"""Turns a running database into a folder that a new one starts from, by PostgreSQL's own tools, and back.

``postgres`` in that folder is a base backup, ``wal`` the log from before it began to as far as it was followed. A server started
on the two together replays the log to its last whole commit.
"""

import asyncio
import contextlib
import os
import shutil
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from model.errors import CordonError
from store.postgres import ENVIRONMENT, binary

BASE: Final = "postgres"
LOG: Final = "wal"
PARTIAL: Final = ".partial"  # what the tool calls the segment it is still writing
KEYS: Final = ("passfile", "token.key")  # of a data folder: what its database and its sign-ins are opened with
STARTS_S: Final = 30.0
LOOK_S: Final = 0.05
SEGMENT_DIGITS: Final = 24


async def take(dsn: str, folder: Path, data_dir: Path | None, *, follow: bool) -> None:
    """Back a running database up into a new folder; with ``follow``, go on with its log until cancelled, or until it ends.

    The log is received from before the base backup begins, so that there is no gap between the two. What was acknowledged before
    the base backup was finished is in it; followed, what was acknowledged at all, but for the last moment if the machine itself
    is lost.

    Parameters
    ----------
    data_dir : of an embedded database, whose keys are copied besides; those that sign evidence are not, nor is the log folder

    Raises
    ------
    CordonError
        If the folder holds anything, or the server refuses.
    """
    if folder.exists() and any(folder.iterdir()):
        raise CordonError(f"{folder} is not empty: name a new folder for each backup")
    try:
        (folder / LOG).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CordonError(f"{folder} cannot be used ({error.strerror}): name another folder for the backup") from None
    folder.chmod(0o700)
    address, secret = parted(dsn)
    following = await _begin(
        "pg_receivewal", f"--dbname={address}", f"--directory={folder / LOG}", "--synchronous", "--no-loop", secret=secret
    )
    try:
        await _begun(following, folder / LOG)
        target = f"--pgdata={folder / BASE}"
        base = await _begin(
            "pg_basebackup", f"--dbname={address}", target, "--checkpoint=fast", "--wal-method=stream", secret=secret
        )
        try:
            _check(base, await base.communicate())
        except asyncio.CancelledError:
            await _stop(base)
            raise
        _check(checked := await _begin("pg_verifybackup", "--quiet", str(folder / BASE)), await checked.communicate())
        for name in KEYS if data_dir is not None else ():
            source = data_dir / name if data_dir is not None else Path(name)
            if source.exists():
                shutil.copy2(source, folder / name)
        if follow:
            await following.wait()
    finally:
        await _stop(following)


def parted(dsn: str) -> tuple[str, str | None]:
    """An address without its password, and the password: everyone on the machine sees the words a process is started with."""
    url = urlsplit(dsn)
    user, at, host = url.netloc.rpartition("@")
    name, _, coded = user.partition(":")
    query = url.query.split("&")
    kept = [part for part in query if not part.startswith("password=")] or [""]
    coded = next((part.partition("=")[2] for part in query if part not in kept), coded)  # which libpq takes, too, where both are
    rest = f"?{'&'.join(kept)}" if kept != [""] else ""
    return f"{url.scheme}://{name}{at}{host}{url.path}{rest}", unquote(coded) or None


async def _begin(name: str, *options: str, secret: str | None = None) -> asyncio.subprocess.Process:
    password = secret or os.environ.get("PGPASSWORD")
    return await asyncio.create_subprocess_exec(
        binary(name),
        *options,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=ENVIRONMENT | ({"PGPASSWORD": password} if password else {}),
        start_new_session=True,  # Ctrl-C is ours: we end it in order
    )


async def _begun(following: asyncio.subprocess.Process, folder: Path) -> None:
    """Return when the log is being received: its first segment is there."""
    try:
        async with asyncio.timeout(STARTS_S):
            while not any(folder.iterdir()):
                if following.returncode is not None:
                    _check(following, await following.communicate())
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        raise CordonError("the server sends no log: may this user replicate, and are its max_wal_senders used up?") from None


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End a tool in order: it finishes the segment it writes."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    await process.communicate()


def _check(process: asyncio.subprocess.Process, said: tuple[bytes, bytes]) -> None:
    if process.returncode:
        lines = said[1].decode(errors="replace").strip().splitlines() or [f"exit code {process.returncode}"]
        raise CordonError(f"the database could not be backed up: {lines[-1]}")


def restore(folder: Path, data_dir: Path, owner: int) -> None:
    """Make a new data folder of a backup; the first start on it replays the log.

    Parameters
    ----------
    owner : uid the server will run as; below 0: our own

    Raises
    ------
    CordonError
        If the backup is not whole, or the data folder holds a database.
    """
    base, target = folder / BASE, data_dir / BASE
    if not (base / "backup_label").exists() or not (base / "backup_manifest").exists():
        raise CordonError(f"{folder} holds no finished backup: name the folder that `cordon backup` was given")
    if target.exists():
        raise CordonError(f"{data_dir} holds a database already: restore into a new folder")
    data_dir.mkdir(parents=True, exist_ok=True)
    building = data_dir / f"{BASE}.restoring"
    shutil.rmtree(building, ignore_errors=True)
    shutil.copytree(base, building, symlinks=True)
    for segment in sorted((folder / LOG).glob("*")):
        name = segment.name.removesuffix(PARTIAL)
        # A segment that was finished stands beside the part of it that a restart of the tool left.
        if len(name) == SEGMENT_DIGITS and not (segment.name.endswith(PARTIAL) and (folder / LOG / name).exists()):
            shutil.copyfile(segment, building / "pg_wal" / name)
    building.chmod(0o700)
    if owner >= 0:
        for path in (building, *building.rglob("*")):
            os.chown(path, owner, owner, follow_symlinks=False)
    for name in KEYS:
        if (folder / name).exists():
            shutil.copy2(folder / name, data_dir / name)
    building.rename(target)
