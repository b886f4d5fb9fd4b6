"""What is encoded comes back, in few bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insight import encoding
from insight.facts import Column
from insight.rollups import MEASURES

numbers = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.integers(0, 255), st.integers(-128, 127), st.integers(0, 2**32)
)
texts = st.text(max_size=12)


def _ints(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, dtype=np.int64)


@settings(deadline=None)
@given(st.lists(numbers, min_size=1, max_size=50), st.binary(max_size=9))
def test_integers_come_back_from_anywhere_in_the_bytes(values: list[int], before: bytes) -> None:
    data = encoding.encode_integers(_ints(values))
    decoded, end = encoding.decode_integers(before + data + b"after", len(values), len(before))
    assert decoded.tolist() == values
    assert end == len(before) + len(data)


@pytest.mark.parametrize(
    ("values", "size"),
    [([0] * 100, 9), ([1, 255], 3), ([-1, 127], 3), ([0, 256], 5), ([0, 65_536], 9), ([0, 2**32], 17)],
)
def test_integers_take_the_narrowest_width(values: list[int], size: int) -> None:
    assert len(encoding.encode_integers(_ints(values))) == size


@settings(deadline=None)
@given(st.lists(texts, min_size=1, max_size=50))
def test_a_label_column_comes_back(values: list[str]) -> None:
    column = Column.of(values)
    assert encoding.decode_column(encoding.encode_column(column), len(values)).texts() == values


@settings(deadline=None)
@given(st.lists(texts, min_size=1, max_size=40, unique=True), st.data())
def test_a_table_comes_back(labels: list[str], data: st.DataObject) -> None:
    row = st.lists(numbers, min_size=len(MEASURES), max_size=len(MEASURES))
    rows = data.draw(st.lists(row, min_size=len(labels), max_size=len(labels)))
    measures = _ints([value for each in rows for value in each]).reshape(len(rows), len(MEASURES)).T
    total = encoding.to_rows(measures.sum(axis=1, keepdims=True))
    encoded = encoding.encode_table(labels, encoding.to_rows(measures))
    decoded, decoded_rows = encoding.decode_table(encoded, total)
    assert decoded == labels
    assert encoding.from_rows(decoded_rows).T.tolist() == rows


def test_a_table_of_one_label_is_the_label_and_of_none_is_nothing() -> None:
    row = encoding.to_rows(_ints([1, 2, 3, 4, 5, 6, 7]).reshape(7, 1))
    assert encoding.encode_table(["gpt"], row) == b"0gpt"
    assert encoding.encode_table([""], row) is None
