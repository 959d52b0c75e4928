"""What all browser tests stand on: a queue that is emptied before each, and time enough for whichever is the first."""

from typing import Any

import pytest

from tests.browser.instance import START_S, Instance


class Refusing(Instance):
    """Knows nothing of a server but what is asked of it, which refuses the next change of one activation."""

    def __init__(self, *worn: int, refused: int) -> None:
        self._worn = list(worn)
        self._refused: int | None = refused
        self.ended: list[int] = []

    def call(self, method: str, path: str, body: Any = None, *, bearer: str | None = None, version: int | None = None) -> Any:
        if method == "GET":
            return {"items": []}
        activation = int(path.rpartition("/")[2])
        if activation == self._refused:
            self._refused = None
            raise AssertionError("503")
        assert activation not in self.ended, "412: its version is 2"
        self.ended.append(activation)
        return None


def test_one_activation_that_could_not_be_ended_fails_one_test_and_not_all_after_it() -> None:
    system = Refusing(1, 2, 3, refused=2)
    with pytest.raises(AssertionError, match="503"):
        system.clear()
    system.clear()
    assert sorted(system.ended) == [1, 2, 3]


def test_whichever_browser_test_is_the_first_has_its_own_time_besides_the_start(request: pytest.FixtureRequest) -> None:
    mark = request.node.get_closest_marker("timeout")
    assert mark is not None
    assert mark.args[0] >= START_S + float(request.config.getini("timeout"))
