"""The one array type annotation, so that signatures stay readable."""

from typing import Any

import numpy as np
import numpy.typing as npt

# Structured and plain arrays alike; the docstring of each function gives shape, dtype and unit.
Array = npt.NDArray[Any]

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
