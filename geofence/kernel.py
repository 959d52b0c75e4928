"""Turns a plain function over numbers and arrays into a compiled kernel that lets other threads run."""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

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


if getattr(numba.config, "DISABLE_JIT", False):

    def ask(array: Any, i: int) -> None:
        """Nothing: plain Python waits for nothing that could be asked for."""

else:
    _tools: Final[Any] = cgutils

    @intrinsic
    def ask(_: Any, array: Any, i: Any) -> Any:
        """Have the line of the cache in which row ``i`` of an array begins fetched, and go on meanwhile; it must be a row."""

        def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            kind, index = signature.args
            made = context.make_array(kind)(context, builder, values[0])
            zero = context.get_constant(types.intp, 0)
            row = [context.cast(builder, values[1], index, types.intp)] + [zero] * (kind.ndim - 1)
            byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
            asked = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
            place = builder.bitcast(_tools.get_item_pointer(context, builder, kind, made, row), byte)
            prefetch = _tools.get_or_insert_function(builder.module, asked, "llvm.prefetch.p0i8")
            builder.call(prefetch, [place, number(0), number(3), number(1)])  # to read, near, data
            return context.get_dummy_value()

        return types.void(array, i), lower
