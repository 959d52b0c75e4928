"""The second gateway: what comes in while it stands still arrives when it is back, all else at once."""

import numpy as np

from bench import relay
from bench.violations import SECOND_US
from tests.bench.conftest import FRIDAY_US


def test_once_an_hour_it_keeps_what_comes_in() -> None:
    offsets_s = np.array([-500, 0, 89, 90, 500, 869, 870, 3689, 3690, 4469, 4470])
    arrives_s = (relay.arrives_us(FRIDAY_US + offsets_s * SECOND_US, FRIDAY_US) - FRIDAY_US) / SECOND_US
    assert arrives_s.tolist() == [-500, 0, 89, 870, 870, 870, 870, 3689, 4470, 4470, 4470]
