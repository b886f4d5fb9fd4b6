# What evolution calls of scipy.optimize, which ships no types.

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

class OptimizeResult:
    x: NDArray[np.float64] | None
    fun: float | None
    status: int
    message: str
    success: bool
    mip_dual_bound: float | None

class LinearConstraint:
    def __init__(
        self,
        A: NDArray[np.float64] | csr_array,
        lb: float | NDArray[np.float64] = ...,
        ub: float | NDArray[np.float64] = ...,
    ) -> None: ...

class Bounds:
    def __init__(self, lb: float | NDArray[np.float64], ub: float | NDArray[np.float64]) -> None: ...

def milp(
    c: NDArray[np.float64],
    *,
    integrality: NDArray[np.int64] | None = None,
    bounds: Bounds | None = None,
    constraints: LinearConstraint | None = None,
    options: Mapping[str, Any] | None = None,
) -> OptimizeResult: ...
def linprog(
    c: NDArray[np.float64],
    A_ub: NDArray[np.float64] | csr_array | None = None,
    b_ub: NDArray[np.float64] | None = None,
    A_eq: NDArray[np.float64] | None = None,
    b_eq: NDArray[np.float64] | None = None,
    bounds: NDArray[np.float64] | None = None,
    method: str = ...,
) -> OptimizeResult: ...
