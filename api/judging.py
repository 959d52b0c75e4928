"""Turns the lanes' watermarks and the watch's last look into what everyone is told: whether Cordon judges, and as of when."""

from collections.abc import Sequence
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.fields import Instant, Row
from model.instant import SECOND_US, from_us
from store.watch import Looked

BEHIND_S: Final = 60  # DESIGN.md section 3.4: over this a lane says "judging as of"

State = Literal["live", "behind", "stopped"]


class Check(BaseModel):
    """One thing that must be so. ``off``: not asked for; ``unknown``: nobody has looked lately."""

    name: str
    state: Literal["ok", "failing", "off", "unknown"]
    text: str = Field(description="a sentence that names nobody")


class Judging(BaseModel):
    """Whether positions are being judged."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "state": "live",
                    "as_of": "2026-11-22T08:00:00Z",
                    "text": "judging live",
                    "failing": [],
                    "seen_at": "2026-11-22T07:59:31Z",
                }
            ]
        }
    )

    state: State = Field(description="live; behind: over a minute late; stopped: nothing is judged")
    as_of: Instant | None = Field(description="everything up to here has been judged")
    text: str = Field(description="the sentence for the screen")
    failing: list[Check] = Field(default=[], description="what the watch found wrong, as `/readyz` tells it")
    seen_at: Instant | None = Field(default=None, description="every lane's synthetic alert has come since")


class Lane(BaseModel):
    """One lane."""

    partition: int
    owner: str
    watermark: Instant
    lag_s: float = Field(description="how far its time is behind the database's clock, seconds")
    state: State


def lane(row: Row) -> Lane:
    """One lane's state."""
    lag_s = max(0.0, (row["now"] - row["watermark"]) / SECOND_US)
    state: State = "live" if lag_s <= BEHIND_S else "behind"
    if row["claimed_at"] is None or not row["owner"]:
        state = "stopped"
    return Lane(partition=row["partition"], owner=row["owner"], watermark=row["watermark"], lag_s=round(lag_s, 3), state=state)


def judging(lanes: Sequence[Lane]) -> Judging:
    """The state of the worst lane: an operator must not think that all is well while one lane is blind."""
    if not lanes:
        return Judging(state="stopped", as_of=None, text="not judging: no worker has ever run")
    least_us = min(one.watermark for one in lanes)
    as_of = least_us or None  # a lane that has never committed has judged nothing
    stopped = [one.partition for one in lanes if one.state == "stopped"]
    if stopped:
        return Judging(state="stopped", as_of=as_of, text=f"not judging: no worker owns lane {', '.join(map(str, stopped))}")
    if as_of is None:
        return Judging(state="behind", as_of=None, text="not judged yet: a lane is starting")
    if any(one.state == "behind" for one in lanes):
        return Judging(state="behind", as_of=as_of, text=f"judging as of {from_us(as_of):%H:%M} UTC")
    return Judging(state="live", as_of=as_of, text="judging live")


def checks(lanes: Sequence[Lane], looked: Looked) -> list[Check]:
    """All that must be so: what this process sees for itself first, then what the watch saw."""
    own = judging(lanes)
    found = [
        Check(name="database", state="ok", text="the database answers"),
        Check(name="lanes", state="ok" if own.state == "live" else "failing", text=own.text),
    ]
    if looked.fresh:
        found.append(Check(name="watch", state="ok", text="the duties look after all of it"))
    else:
        since = f"since {from_us(looked.looked_us):%H:%M:%S} UTC" if looked.looked_us else "yet"
        found.append(Check(name="watch", state="failing", text=f"no duties have looked {since}: is `cordon duties` running?"))
    for name, state, text in looked.checks:
        if name != "lanes":
            found.append(Check.model_validate({"name": name, "state": state if looked.fresh else "unknown", "text": text}))
    return found


def watched(lanes: Sequence[Lane], looked: Looked) -> Judging:
    """What everyone is told."""
    failing = [check for check in checks(lanes, looked) if check.state == "failing"]
    return judging(lanes).model_copy(update={"failing": failing, "seen_at": looked.seen_us})


NO_DATABASE: Final = Check(name="database", state="failing", text="the database cannot be reached")
UNREACHABLE: Final = Judging(state="stopped", as_of=None, text="not known: the database cannot be reached", failing=[NO_DATABASE])
