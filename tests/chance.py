"""What tests draw by chance: the same in every run; or, where somebody searches for what nobody has thought of, anew and more.

Property tests have a profile of Hypothesis. ``steady`` is in force by itself: examples follow from a test's own text, so that a
run fails for what was changed, and fails again. As they are the same each time, a third of the usual number do; ``search`` draws
others each time and ``SEARCHED`` times the usual number.

Hypothesis also draws numbers that stand in the source of whatever modules are loaded: which those are depends on the tests that
ran before in the same process, so that one and the same tree failed in one run of three. Steady examples do without.
"""

import copy
import os
from typing import Final

from hypothesis import settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

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


_of_modules = providers._get_local_constants
_NONE: Final = copy.deepcopy(providers._local_constants)  # none yet: they are looked for at the first draw


def constants() -> Constants:
    """Those of the source that may be drawn."""
    return _NONE if settings.get_current_profile_name() == STEADY else _of_modules()


providers._get_local_constants = constants


def times(examples: int) -> int:
    """How many examples of a property for which so many are usual."""
    return examples * int(settings().max_examples) // _USUAL


def seed() -> int:
    """Of a test that kills or sends by chance: ``CORDON_TEST_SEED``, or always the same."""
    return int(os.environ.get("CORDON_TEST_SEED") or SEED)
