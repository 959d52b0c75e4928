"""Wrong passwords wait longer and longer, in bounded memory, and lock nobody out for long."""

from api import attempts
from api.attempts import Attempts


class Clock:
    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


def wrong(counted: Attempts, clock: Clock, times: int, name: str = "op", address: str = "10.0.0.1") -> float:
    """So many wrong ones, each as soon as it may be; the wait after the last."""
    for _ in range(times):
        clock.s += counted.wait_s(name, address)
        counted.begin(name, address)
    return counted.wait_s(name, address)


def test_the_wait_doubles_up_to_a_minute() -> None:
    clock = Clock()
    counted = Attempts(clock)
    assert wrong(counted, clock, 4) == 0
    waits = [wrong(counted, clock, 1) for _ in range(9)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert wrong(counted, clock, 5000) <= attempts.LONGEST_ADDRESS_S  # and no overflow


def test_a_right_one_forgives_the_name() -> None:
    clock = Clock()
    counted = Attempts(clock)
    wrong(counted, clock, 7)
    clock.s += 60
    counted.begin("op", "10.0.0.1")
    counted.succeeded("op", "10.0.0.1")
    assert counted.wait_s("op", "10.0.0.1") == 0
    assert wrong(counted, clock, 4) == 0


def test_many_names_from_one_address_wait_too() -> None:
    clock = Clock()
    counted = Attempts(clock)
    for n in range(attempts.FREE_ADDRESS):
        counted.begin(f"name{n}", "10.0.0.1")
    assert counted.wait_s("fresh", "10.0.0.1") > 0
    assert counted.wait_s("fresh", "10.0.0.2") == 0


def test_one_good_account_does_not_buy_guesses_at_others() -> None:
    clock = Clock()
    counted = Attempts(clock)
    for n in range(60):
        for name in (f"victim{n}", "mine"):
            clock.s += counted.wait_s(name, "10.0.0.1")
            counted.begin(name, "10.0.0.1")
        counted.succeeded("mine", "10.0.0.1")
    assert clock.s - 1000 > 3600


def test_a_whole_office_signing_in_is_not_slowed() -> None:
    clock = Clock()
    counted = Attempts(clock)
    for n in range(500):
        assert counted.wait_s(f"officer{n}", "10.0.0.1") == 0
        counted.begin(f"officer{n}", "10.0.0.1")
        counted.succeeded(f"officer{n}", "10.0.0.1")


def test_a_hundred_at_once_are_not_all_free() -> None:
    """Each is counted before it is checked."""
    clock = Clock()
    counted = Attempts(clock)
    let_through = 0
    for _ in range(100):
        if counted.wait_s("op", "10.0.0.1") == 0:
            counted.begin("op", "10.0.0.1")
            let_through += 1
    assert let_through == attempts.FREE_NAME


def test_after_an_hour_of_peace_counting_starts_again() -> None:
    clock = Clock()
    counted = Attempts(clock)
    wrong(counted, clock, 10)
    clock.s += attempts.FORGOTTEN_S + 61
    assert wrong(counted, clock, 4) == 0


def test_memory_is_bounded() -> None:
    counted = Attempts(Clock())
    for n in range(3 * attempts.KEPT):
        counted.begin(f"name{n}", f"address{n}")
    assert len(counted) == attempts.KEPT
