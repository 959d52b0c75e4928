"""Turns a password into a hash and checks one, slowly on purpose and off the event loop."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# argon2-cffi's defaults are RFC 9106's low-memory profile: 64 MiB, 3 passes, 4 lanes.
_hasher = PasswordHasher()


def hash_password(password: str, hasher: PasswordHasher = _hasher) -> str:
    """Argon2id's text form of a password; takes about a tenth of a second."""
    return hasher.hash(password)


@lru_cache
def _nobody() -> str:
    """Checked when there is no such account, so that the answer takes as long."""
    return hash_password("nobody has this password")


class Checker:
    """Checks passwords in a few threads of its own, so that a flood of sign-ins takes neither the loop nor the memory."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, "password")

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is the one; with no hash it takes as long and is not."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._matches, password, password_hash)

    def _matches(self, password: str, password_hash: str | None) -> bool:
        try:
            return _hasher.verify(password_hash or _nobody(), password) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)
