"""A run of the tests draws what the run before drew, unless it was told to search."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers

from tests import chance


def drawn(profile: str) -> list[int]:
    """What a property that has 5 examples draws by a profile."""
    found: list[int] = []
    before = settings.get_current_profile_name()
    settings.load_profile(profile)
    try:
        mine = settings(max_examples=chance.times(5))
    finally:
        settings.load_profile(before)

    @mine
    @given(st.integers(0, 2**64))
    def draws(number: int) -> None:
        found.append(number)

    draws()
    return found


def test_two_runs_draw_the_same_and_a_search_draws_more_and_anew() -> None:
    first = drawn(chance.STEADY)
    assert drawn(chance.STEADY) == first
    found = [drawn(chance.SEARCH) for _ in range(2)]
    assert min(map(len, found)) > len(first) * chance.SEARCHED / 2
    assert found[0] != found[1]


def test_what_modules_are_loaded_does_not_change_what_is_drawn() -> None:
    before = settings.get_current_profile_name()
    try:
        settings.load_profile(chance.STEADY)
        assert len(providers._get_local_constants()) == 0
        settings.load_profile(chance.SEARCH)
        assert len(providers._get_local_constants()) > 100, "a search draws from all that there is"
    finally:
        settings.load_profile(before)


def test_every_property_of_this_run_is_steady(request: pytest.FixtureRequest) -> None:
    """Settings that a module makes begin by those in force when it is read."""
    if settings.get_current_profile_name() == chance.SEARCH:
        pytest.skip("a search was asked for")
    asked = [item.obj for item in request.session.items if getattr(getattr(item, "obj", None), "is_hypothesis_test", False)]
    assert [test.__name__ for test in asked if not test._hypothesis_internal_use_settings.derandomize] == []
