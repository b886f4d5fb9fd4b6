"""Sums of groups are exact, or say that they cannot be."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from insight import grouping
from insight.rollups import INT_MAX, MEASURES

WIDTH = len(MEASURES)
SIZES = (3, 1, 70_000)

keys = st.tuples(*(st.integers(0, size - 1) for size in SIZES))
small = st.integers(-(10**12), 10**12)
large = st.one_of(small, st.integers(-INT_MAX, INT_MAX), st.sampled_from([INT_MAX, -INT_MAX]))


def rows_of(values: st.SearchStrategy[int]) -> st.SearchStrategy[list[tuple[tuple[int, ...], list[int]]]]:
    return st.lists(st.tuples(keys, st.lists(values, min_size=WIDTH, max_size=WIDTH)), max_size=40)


def _grouped(rows: list[tuple[tuple[int, ...], list[int]]]) -> dict[tuple[int, ...], list[int]]:
    columns = [
        (np.array([key[index] for key, _ in rows], dtype=np.int64), size) for index, size in enumerate(SIZES)
    ]
    measures = np.array([values for _, values in rows], dtype=np.int64).reshape(len(rows), WIDTH).T
    groups, example = grouping.group(columns)
    sums = grouping.sums(measures, groups, len(example))
    return {rows[row][0]: sums[:, index].tolist() for index, row in enumerate(example.tolist())}


@settings(deadline=None)
@given(rows_of(small))
def test_groups_add_up_what_a_loop_adds_up(rows: list[tuple[tuple[int, ...], list[int]]]) -> None:
    expected: dict[tuple[int, ...], list[int]] = {}
    for key, values in rows:
        sums = expected.setdefault(key, [0] * WIDTH)
        sums[:] = [left + right for left, right in zip(sums, values, strict=True)]
    assert _grouped(rows) == expected


@settings(deadline=None)
@given(rows_of(large))
def test_a_sum_past_64_bits_is_at_the_edge_and_stays_there(
    rows: list[tuple[tuple[int, ...], list[int]]],
) -> None:
    exact: dict[tuple[int, ...], list[int]] = {}
    spoilt: set[tuple[tuple[int, ...], int]] = set()
    for key, values in rows:
        sums = exact.setdefault(key, [0] * WIDTH)
        for index, value in enumerate(values):
            sums[index] += value
            if abs(value) == INT_MAX:
                spoilt.add((key, index))
    for key, sums in _grouped(rows).items():
        for index, value in enumerate(sums):
            if (key, index) in spoilt or abs(exact[key][index]) >= INT_MAX:
                assert abs(value) == INT_MAX
            else:
                assert value == exact[key][index]


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 10**6)] * 5), min_size=1, max_size=30))
def test_columns_too_wide_for_one_code_are_packed_all_the_same(rows: list[tuple[int, ...]]) -> None:
    columns = [(np.array(column, dtype=np.int64), 10**15) for column in zip(*rows, strict=True)]
    groups, example = grouping.group(columns)
    assert len(example) == len(set(rows))
    for row, group in zip(rows, groups.tolist(), strict=True):
        assert rows[example[group]] == row


@settings(deadline=None)
@given(st.lists(keys, max_size=30))
def test_groups_come_in_the_order_of_their_columns(rows: list[tuple[int, ...]]) -> None:
    columns = [
        (np.array([row[index] for row in rows], dtype=np.int64), size) for index, size in enumerate(SIZES)
    ]
    _, example = grouping.group(columns)
    ordered = [rows[row] for row in example.tolist()]
    assert ordered == sorted(set(rows))
