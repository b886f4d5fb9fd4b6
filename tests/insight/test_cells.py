"""Segments of cells: nothing is lost, and a day keeps few of them."""

import math
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from insight import cells
from insight.cells import Segment
from insight.facts import LABELS, QUARTER_US, Facts, concatenate
from insight.grouping import total
from insight.rollups import MEASURES
from pricing.calendar import DAY_US

DAY = 20_000

texts = st.sampled_from(("", "a", "b", "c"))
rows = st.tuples(
    st.integers(DAY * DAY_US, (DAY + 2) * DAY_US - 1),
    st.tuples(*[texts] * len(LABELS)),
    st.tuples(*[st.integers(-1000, 10**10)] * len(MEASURES)),
)
Row = tuple[int, tuple[str, ...], tuple[int, ...]]


def facts_of(given_rows: list[Row]) -> Facts:
    at_us = [each[0] for each in given_rows]
    labels = {name: [each[1][index] for each in given_rows] for index, name in enumerate(LABELS)}
    return Facts.of(
        at_us, labels, [[each[2][index] for each in given_rows] for index in range(len(MEASURES))]
    )


def as_dict(facts: Facts) -> dict[tuple[int, tuple[str, ...]], list[int]]:
    """Sums by instant and labels; fails where a row occurs twice."""
    columns = [facts.columns[name].texts() for name in LABELS]
    found = {
        (at_us, labels): measures
        for at_us, labels, measures in zip(
            facts.at_us.tolist(), zip(*columns, strict=True), facts.measures.T.tolist(), strict=True
        )
    }
    assert len(found) == len(facts)
    return found


def naive(given_rows: list[Row]) -> dict[tuple[int, tuple[str, ...]], list[int]]:
    expected: dict[tuple[int, tuple[str, ...]], list[int]] = {}
    for at_us, labels, measures in given_rows:
        sums = expected.setdefault((at_us // QUARTER_US * QUARTER_US, labels), [0] * len(MEASURES))
        sums[:] = [left + right for left, right in zip(sums, measures, strict=True)]
    return expected


@settings(deadline=None)
@given(st.lists(rows, min_size=1, max_size=30))
def test_cells_hold_every_combination_by_quarter_hour(given_rows: list[Row]) -> None:
    days = dict(cells.by_day(facts_of(given_rows)))
    found: dict[tuple[int, tuple[str, ...]], list[int]] = {}
    for day, facts in days.items():
        encoded = cells.encode(day, facts)
        assert set(encoded) == set(cells.COLUMNS)
        found |= as_dict(cells.decode(day, len(facts), encoded))
    assert found == naive(given_rows)


@settings(deadline=None)
@given(st.lists(st.lists(rows, min_size=1, max_size=10), min_size=1, max_size=5))
def test_merging_segments_is_folding_at_once(parts: list[list[Row]]) -> None:
    merged = cells.merge([facts_of(part).by_quarter() for part in parts])
    everything = [row for part in parts for row in part]
    if len(parts) > 1:
        assert as_dict(merged) == naive(everything)
    assert total(merged.measures).tolist() == total(concatenate([facts_of(everything)]).measures).tolist()


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 200), st.sampled_from([1, 30, 5000]))
def test_a_day_keeps_few_segments_and_rewrites_its_rows_seldom(seed: int, folds: int, size: int) -> None:
    rng = random.Random(seed)
    segments: list[Segment] = []
    rewritten = everything = 0
    for fold in range(folds):
        fresh = rng.randrange(1, size + 1)
        taken = cells.absorbed(segments, fresh)
        everything += fresh
        rewritten += sum(each.rows for each in taken)
        rest = [each for each in segments if each not in taken]
        segments = [*rest, Segment(str(fold), DAY, fresh + sum(each.rows for each in taken))]
    small = [each for each in segments if each.rows < cells.SEGMENT_ROWS_MAX // 2]
    assert sum(each.rows for each in segments) == everything
    assert len(small) <= math.log2(everything) + 2
    assert rewritten <= everything * (math.log(everything, 1.5) + 1)
    assert all(each.rows <= cells.SEGMENT_ROWS_MAX for each in segments)


def test_the_keys_of_a_day_are_its_own() -> None:
    begin, end = cells.span_of("t", 20_000, 20_001)
    assert begin <= cells.segment_uid("t", 20_000, 0) < end
    assert begin <= cells.segment_uid("t", 20_001, 10**15) < end
    for other in (
        cells.segment_uid("t", 19_999, 10**15),
        cells.segment_uid("t", 20_002, 0),
        cells.segment_uid("t/20000", 1, 1),
        cells.segment_uid("t2", 20_000, 1),
    ):
        assert not begin <= other < end
