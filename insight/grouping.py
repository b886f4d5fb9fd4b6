"""Sums of groups, exactly: the arithmetic under every rollup.

Measures are 64-bit integers of shape ``(measures, rows)``. A sum past 64 bits is kept as ``±INT_MAX``,
which stays what it is in every further sum and is refused when somebody asks for it
(``Measures.of``): one absurd count spoils its own sums and nothing else.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insight.rollups import INT_MAX

Ints = NDArray[np.int64]

_PACKED_MAX: Final = 2**62
_TABLE_MIN: Final = 1 << 16
_TABLE_PER_ROW: Final = 8


def pack(columns: Sequence[tuple[Ints, int]]) -> tuple[Ints, int]:
    """One code per row, equal where all columns are equal. A column comes with its number of codes."""
    packed, room = columns[0]
    for column, size in columns[1:]:
        if room * size > _PACKED_MAX:
            packed, room = dense(packed, room)
        packed, room = packed * max(size, 1) + column, room * max(size, 1)
    return packed, room


def dense(codes: Ints, room: int) -> tuple[Ints, int]:
    """The same codes without gaps, in the same order, and how many there are."""
    if room <= max(_TABLE_MIN, _TABLE_PER_ROW * len(codes)):
        present = np.zeros(room, dtype=bool)
        present[codes] = True
        return (np.cumsum(present) - 1)[codes], int(np.count_nonzero(present))
    found, inverse = np.unique(codes, return_inverse=True)
    return inverse.astype(np.int64, copy=False), len(found)


def group(columns: Sequence[tuple[Ints, int]]) -> tuple[Ints, Ints]:
    """Group equal rows: the group of each row, in the order of the columns, and one row of each group."""
    groups, count = dense(*pack(columns))
    example = np.empty(count, dtype=np.int64)
    example[groups] = np.arange(len(groups))
    return groups, example


def sums(measures: Ints, groups: Ints, count: int) -> Ints:
    """Sums by group, of shape ``(measures, count)``; what does not fit is ``±INT_MAX``."""
    result = np.zeros((len(measures), count), dtype=np.int64)
    if not len(groups):
        return result
    largest = int(np.bincount(groups, minlength=count).max())
    for values, into in zip(measures, result, strict=True):
        bound = max(int(values.max()), -int(values.min()))
        if bound * largest < INT_MAX:
            if bound:
                np.add.at(into, groups, values)
        else:
            into[:] = _careful(values, groups, count)
    return result


def total(measures: Ints) -> Ints:
    """The sum of all rows, of shape ``(measures,)``."""
    everything: Ints = np.zeros(len(measures[0]), dtype=np.int64)
    return sums(measures, everything, 1)[:, 0]


def _careful(values: Ints, groups: Ints, count: int) -> list[int]:
    wide = [0] * count
    spoilt: dict[int, int] = {}
    rows: zip[tuple[Any, Any]] = zip(values.tolist(), groups.tolist(), strict=True)
    for value, index in rows:
        wide[index] += value
        if abs(value) >= INT_MAX:
            spoilt[index] = INT_MAX if value > 0 else -INT_MAX
    for index, edge in spoilt.items():
        wide[index] = edge
    return [min(max(value, -INT_MAX), INT_MAX) for value in wide]
