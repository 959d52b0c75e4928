"""Turns a plain function over numbers and arrays into a compiled kernel that lets other threads run."""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])

Record = Any  # one row of a structured array

# No fastmath: a verdict depends on every rounding. Numba's cache goes by the time of a kernel's own file and does not notice an
# edited callee in another one, so compiled code is kept only where NUMBA_CACHE_DIR names a folder; whoever starts the process
# names it by a hash of these sources. Numba reads the setting once, when first imported: set it before geofence is.
_KEPT: Final = bool(getattr(numba.config, "CACHE_DIR", ""))
_compiled: Final = numba.njit(nogil=True, cache=_KEPT)
# What allocates nothing needs no references counted: for arrays in tuples that was a third of the time. No divisor is checked.
_LEAN: Final[dict[str, Any]] = {"_nrt": False, "error_model": "numpy"}  # the first as Numba has it for its own strings
_lean: Final = numba.njit(nogil=True, cache=_KEPT, **_LEAN)
_inlined: Final = numba.njit(nogil=True, cache=_KEPT, forceinline=True, **_LEAN)


def kernel(function: F) -> F:
    """The same function, compiled at its first call; plain Python where NUMBA_DISABLE_JIT is set."""
    return cast(F, _compiled(function))


def lean(function: F) -> F:
    """The same as ``kernel``, for a function that allocates no array: no references are counted, and nothing divides by zero."""
    return cast(F, _lean(function))


def inlined(function: F) -> F:
    """The same as ``lean``, compiled into each of its callers: for what is done for every fix and zone."""
    return cast(F, _inlined(function))
