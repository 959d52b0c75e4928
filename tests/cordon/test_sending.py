"""A trace is sent in order; what the door refuses is named by its line and moves no clock."""

from typing import Any

import pytest

from cordon.sending import Sent, send
from cordon.trace import Row
from model.instant import parse


class Door:
    """Answers frames as a gateway door does: good but for the fixes it was told to refuse."""

    def __init__(self, refuses: set[int]) -> None:
        self.refuses = refuses
        self.frames: list[tuple[str, list[str | None]]] = []

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        assert path == "/fixes"
        self.frames.append((body["gateway"], [fix.get("gateway") for fix in body["fixes"]]))
        bad = [at for at, fix in enumerate(body["fixes"]) if fix["seq"] in self.refuses]
        rejected = [{"index": at, "in": "fixes", "reason": "no such time"} for at in bad]
        return {"stored": len(body["fixes"]) - len(bad), "duplicate": 0, "rejected": rejected}


def rows(*received_at: str) -> list[Row]:
    return [Row(line, "g", "fixes", {"tag": 7, "seq": line, "received_at": text}) for line, text in enumerate(received_at)]


async def sent(made: list[Row], refuses: set[int], speed: float | None = None) -> Sent:
    door: Any = Door(refuses)
    return await send(door, made, speed=speed, keep_received=True, progress=lambda _: None)


TIMES = ("2026-03-20T10:00:00Z", "9999-12-31T23:59:59-14:00", "8000-01-01T00:00:00Z", "soon", "2026-03-20T10:00:01Z")


async def test_a_refused_row_moves_no_clock() -> None:
    total = await sent(rows(*TIMES), {1, 2, 3})
    assert total.clock_us == parse(TIMES[-1])
    assert [one["line"] for one in total.rejected] == [1, 2, 3]
    assert (await sent(rows(*TIMES[:2]), {0, 1})).clock_us == 0


@pytest.mark.parametrize("bad", [TIMES[1], "soon", "9999-12-31T23:59:59Z"])
async def test_a_row_of_no_time_does_not_set_the_pace(bad: str) -> None:
    made = rows(bad, TIMES[0], bad, TIMES[-1])
    total = await sent(made, {0, 2}, speed=100.0)
    assert (total.sent, total.clock_us) == (4, parse(TIMES[-1]))


@pytest.mark.parametrize(
    ("on_trace_clock", "frames"), [(True, [("a", [None, "b", None])]), (False, [("a", [None]), ("b", [None]), ("a", [None])])]
)
async def test_rows_of_several_gateways_are_one_frame_where_the_clock_is_the_trace_s(on_trace_clock: bool, frames: Any) -> None:
    made = [row._replace(gateway=gateway) for row, gateway in zip(rows(*[TIMES[0]] * 3), "aba", strict=True)]
    door: Any = Door(set())
    await send(door, made, speed=None, keep_received=on_trace_clock, progress=lambda _: None)
    assert door.frames == frames
