"""Turns an account into a signed access token, and a token back into the caller."""

import secrets
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from api.roles import PERMISSIONS, May, Role

ISSUER: Final = "cordon"
ALGORITHM: Final = "HS256"
SECRET_BYTES: Final = 32


class Caller(NamedTuple):
    """Who asks."""

    account: int
    name: str
    role: Role
    issued_s: int  # when the access token was given, seconds since 1970
    expires_s: int  # when it ends

    def may(self, permission: May) -> bool:
        """Whether the role allows it."""
        return permission in PERMISSIONS[self.role]


class Signer:
    """Signs and reads access tokens (JWT, RFC 7519, HS256).

    Parameters
    ----------
    secret : the instance's key
    lifetime_s : how long a token is good for
    now_s : seconds since 1970
    """

    def __init__(self, secret: bytes, lifetime_s: int, now_s: Callable[[], float] = time.time) -> None:
        if len(secret) < SECRET_BYTES:
            raise ValueError(f"the token secret needs at least {SECRET_BYTES} bytes: make one with secrets.token_bytes")
        self._key = OctKey.import_key(secret)
        self._now_s = now_s
        self.lifetime_s = lifetime_s

    def sign(self, account: int, name: str, role: Role) -> str:
        """An access token."""
        now_s = int(self._now_s())
        claims = {
            "iss": ISSUER,
            "sub": str(account),
            "name": name,
            "role": role.value,
            "iat": now_s,
            "exp": now_s + self.lifetime_s,
        }
        return jwt.encode({"alg": ALGORITHM}, claims, self._key)

    def read(self, token: str) -> Caller | None:
        """Whom a token was given to; None if it is not ours, was changed, or has expired."""
        try:
            claims = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
            caller = Caller(int(claims["sub"]), str(claims["name"]), Role(claims["role"]), int(claims["iat"]), int(claims["exp"]))
        except (JoseError, KeyError, TypeError, ValueError):
            return None
        return caller if claims.get("iss") == ISSUER and caller.expires_s > self._now_s() else None


def refresh_token() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(32)
