"""Turns a folder outside the database into the key that signs day heads, and into the public keys that check them.

``<id>.key`` is the private key in use (PKCS8 PEM, its owner's alone), ``<id>.pub`` every public key there ever was (PEM), and
``heads.jsonl`` a copy of every head signed here: copied elsewhere, it shows what whoever owns the database takes out of it.
"""

import base64
import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from model.errors import CordonError
from store.heads import Head, Signed

EPOCH: Final = date(1970, 1, 1)
HEADS: Final = "heads.jsonl"
ID_HEX: Final = 16  # of the SHA-256 of the 32 raw bytes of a public key: enough to name it


class Signer:
    """The private key in use."""

    def __init__(self, folder: Path, key: Ed25519PrivateKey) -> None:
        self._folder = folder
        self._key = key
        self.id = key_id(key.public_key())

    def sign(self, head: Head) -> Signed:
        """Sign a head, and note it beside the keys before anybody has it."""
        signed = Signed(head, self.id, self._key.sign(head.statement()))
        line = json.loads(head.statement()) | {"key": self.id, "signature": base64.b64encode(signed.signature).decode()}
        with (self._folder / HEADS).open("a") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return signed


class Trusted:
    """Public keys by id."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self.keys = dict(keys)

    def checks(self, signed: Signed) -> bool:
        """Whether a signature is right; False too for a key that is not ours."""
        key = self.keys.get(signed.key)
        if key is None:
            return False
        with contextlib.suppress(InvalidSignature):
            key.verify(signed.signature, signed.head.statement())
            return True
        return False


def signer(folder: Path, *, first: bool) -> Signer:
    """The key in use; made where there is none and this is the ``first`` time that anything is signed.

    Raises
    ------
    CordonError
        If there is none, or the folder or the key cannot be read or made.
    """
    try:
        found = sorted(folder.glob("*.key"), key=lambda path: path.stat().st_mtime_ns)
        if not found and not first:
            raise CordonError(
                f"days were signed before, and there is no key in {folder}: bring its folder back (all `cordon duties` need the "
                "same one), or make a new key there with `cordon signing rotate`"
            )
        return Signer(folder, _private(found[-1])) if found else rotate(folder)
    except OSError as error:
        raise CordonError(f"the signing key in {folder} cannot be used ({error.strerror}): check the folder") from None


def rotate(folder: Path) -> Signer:
    """Make a new key and sign with it from now on. The old private key is deleted; its public key stays, for what it signed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    older = list(folder.glob("*.key"))
    key = Ed25519PrivateKey.generate()
    made = Signer(folder, key)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{made.id}.pub").write_bytes(public)
    descriptor = os.open(folder / f"{made.id}.key", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    for path in older:
        path.unlink(missing_ok=True)
    return made


def trusted(folder: Path) -> Trusted:
    """Every public key in a folder: files that end in ``.pub`` or ``.pem``.

    Raises
    ------
    CordonError
        If one of them is no Ed25519 public key.
    """
    keys = {}
    for path in sorted([*folder.glob("*.pub"), *folder.glob("*.pem")]):
        try:
            key = load_pem_public_key(path.read_bytes())
        except (OSError, ValueError):
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise CordonError(f"{path} is not an Ed25519 public key in PEM: take it out of the folder")
        keys[key_id(key)] = key
    return Trusted(keys)


def noted(folder: Path) -> Iterator[Signed]:
    """The heads noted beside the keys, in the order they were signed.

    Raises
    ------
    CordonError
        If a line cannot be read.
    """
    path = folder / HEADS
    if not path.exists():
        return
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            yield _signed(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise CordonError(f"line {number} of {path} is not a signed head: restore the file from its copy") from error


def key_id(key: Ed25519PublicKey) -> str:
    """What heads call a public key."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:ID_HEX]


def public_pem(key: Ed25519PublicKey) -> str:
    """A public key as text."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _signed(line: Mapping[str, str]) -> Signed:
    day = (date.fromisoformat(line["day"]) - EPOCH).days
    head = Head(int(line["lane"]), day, int(line["commit"]), bytes.fromhex(line["link"]))
    return Signed(head, line["key"], base64.b64decode(line["signature"], validate=True))


def _private(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise CordonError(f"{path} is not an Ed25519 private key: restore it from its copy, or run `cordon signing rotate`")
    return key
