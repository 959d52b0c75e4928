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
_inlined: Final = numba.njit(nogil=True, cache=_KEPT, forceinline=True)


def kernel(function: F) -> F:
    """The same function, compiled at its first call; plain Python where NUMBA_DISABLE_JIT is set."""
    return cast(F, _compiled(function))


def inlined(function: F) -> F:
    """The same as ``kernel``, compiled into each of its callers: for what is done for every fix and zone.

    A call hands over every array with its references counted, which costs more than most of what is called.
    """
    return cast(F, _inlined(function))
