# What evolution and its tests call of scipy.stats, which ships no types.

from collections.abc import Sequence
from typing import NamedTuple

class _Test(NamedTuple):
    statistic: float
    pvalue: float

def kendalltau(x: Sequence[float], y: Sequence[float]) -> _Test: ...
def chisquare(f_obs: Sequence[float], f_exp: Sequence[float]) -> _Test: ...
