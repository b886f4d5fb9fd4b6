# What evolution calls of scipy.sparse, which ships no types.

import numpy as np
from numpy.typing import NDArray

class csr_array:
    def __init__(
        self,
        arg1: tuple[NDArray[np.float64], tuple[NDArray[np.int64], NDArray[np.int64]]],
        shape: tuple[int, int],
    ) -> None: ...
