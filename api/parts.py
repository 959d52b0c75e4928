"""What every operation of one API process works with."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from api.attempts import Attempts
from api.hub import Hub
from api.meters import Meters
from api.password import Checker
from api.settings import Settings
from api.token import Signer
from store.pool import Store


@dataclass(frozen=True)
class Parts:
    """Made by the lifespan, gone with it; nothing in it outlives the process or is needed by another."""

    settings: Settings
    store: Store
    signer: Signer
    checker: Checker
    attempts: Attempts
    hub: Hub
    meters: Meters


def _parts(request: Request) -> Parts:
    return cast(Parts, request.app.state.parts)


PartsDep = Annotated[Parts, Depends(_parts)]
