"""What the control tables say, as objects that a test can compare."""

from typing import NamedTuple

from model.curfew import Curfew
from model.outage import Hardware
from model.setting import Setting
from model.visit import Visit
from model.zone import Assignment, Monitored, Zone
from store import controls
from store.controls import Controls
from store.pool import Store


class Told(NamedTuple):
    """``Controls`` with an object for each row."""

    zones: list[Zone]
    assignments: list[Assignment]
    monitored: list[Monitored]
    shared: list[int]
    control_seq: int
    curfews: list[Curfew]
    visits: list[Visit]
    settings: list[Setting]
    hardware: list[Hardware]


def told(found: Controls) -> Told:
    """The same as objects."""
    return Told(
        list(found.zones.values()),
        [Assignment(*row) for row in found.assignments.tolist()],
        [Monitored(*row) for row in found.monitored.tolist()],
        list(found.shared),
        found.control_seq,
        list(found.curfews),
        list(found.visits),
        list(found.settings),
        list(found.hardware),
    )


async def load(store: Store, around_us: int | None = None) -> Told:
    """All controls."""
    return told(await controls.load(store, around_us))
