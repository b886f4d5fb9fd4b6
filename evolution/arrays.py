"""Array types of the room, and the few array steps that several modules take."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from evolution.checks import NANO_MAX
from evolution.errors import InvalidInput, SumOutOfRange

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def finite(values: Sequence[float] | Floats, field: str) -> Floats:
    """A copy as float64. Raises ``InvalidInput`` for NaN or infinity: such a row would rank first."""
    array = np.array(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise InvalidInput(f"{field} holds a NaN or an infinity", field=field)
    return array


def points_of(points: Sequence[Sequence[float]] | Floats) -> Floats:
    """Finite points as rows, to be minimised in every column."""
    array = finite(points, "points")  # pyright: ignore[reportArgumentType] - rows of rows are an array too
    if array.ndim != 2 or array.shape[1] < 1:  # noqa: PLR2004 - rows and columns
        raise InvalidInput("points must be rows of one length", field="points")
    return array


def exact_sums(rows: Ints, values: Sequence[int], size: int, field: str) -> Ints:
    """Sums of integers of at least 0 by row, exactly. Raises ``SumOutOfRange`` past 64 bits."""
    if sum(values) > NANO_MAX:
        raise SumOutOfRange(f"the sum of {field} is past what 64 bits can hold", field=field)
    sums = np.zeros(size, dtype=np.int64)
    np.add.at(sums, rows, np.array(values, dtype=np.int64))
    return sums


def sums_by(rows: Ints, values: Floats, size: int) -> Floats:
    """Sums of values by row."""
    return np.bincount(rows, weights=values, minlength=size).astype(np.float64)


def counts_by(rows: Ints, size: int) -> Ints:
    """How often each row occurs."""
    return np.bincount(rows, minlength=size).astype(np.int64)


def divide(numerator: Floats | Ints, denominator: Floats | Ints) -> Floats:
    """The quotient, NaN where the denominator is 0."""
    result = np.full(np.shape(numerator), np.nan, dtype=np.float64)
    np.divide(numerator, denominator, out=result, where=np.asarray(denominator) != 0)
    return result


def quantile_of(confidence: float) -> float:
    """How many standard deviations a two-sided interval reaches: 1.96 for .95."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)
