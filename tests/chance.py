"""What tests draw by chance: the same in every run; or, where somebody searches for what nobody has thought of, anew and more.

Property tests have a profile of Hypothesis. ``steady`` is in force by itself: examples follow from a test's own text, so that a
run fails for what was changed, and fails again. As they are the same each time, a third of the usual number do; ``search`` draws
others each time and ``SEARCHED`` times the usual number.
"""

import os
from typing import Final

from hypothesis import settings

STEADY: Final = "steady"
SEARCH: Final = "search"
SEARCHED: Final = 20
_USUAL: Final = 100  # examples of a property that does not say how many
SEED: Final = 4711

settings.register_profile(STEADY, max_examples=_USUAL // 3, derandomize=True, deadline=None, print_blob=True)
settings.register_profile(SEARCH, max_examples=_USUAL * SEARCHED, derandomize=False, deadline=None, print_blob=True)
settings.load_profile(
    STEADY
)  # before any test module is read, whose settings start from this; an option of pytest says otherwise


def times(examples: int) -> int:
    """How many examples of a property for which so many are usual."""
    return examples * int(settings().max_examples) // _USUAL


def seed() -> int:
    """Of a test that kills or sends by chance: ``CORDON_TEST_SEED``, or always the same."""
    return int(os.environ.get("CORDON_TEST_SEED") or SEED)
