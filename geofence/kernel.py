"""Turns a plain function over numbers and arrays into a compiled kernel that lets other threads run."""

from collections.abc import Callable
from typing import Final, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., object])

# No fastmath: a verdict depends on every rounding. Numba keeps a compiled kernel by the time of its own file only and does not
# notice an edited callee in another one, so whoever starts a process sets NUMBA_CACHE_DIR to a folder named by a hash of these
# sources before numba is first imported, and that means before anything of geofence is.
_compiled: Final = numba.njit(nogil=True, cache=True)


def kernel(function: F) -> F:
    """The same function, compiled at its first call; plain Python where NUMBA_DISABLE_JIT is set."""
    compiled: F = _compiled(function)
    return compiled
