"""Plans: what is read covers what is asked for, once; what makes no sense is refused."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insight.errors import InvalidQuery
from insight.facts import QUARTER_US
from insight.plan import plan
from insight.rollups import Dimension, Granularity, RollupQuery
from pricing.calendar import DAY_US, HOUR_US, day_start_us, zone
from pricing.errors import UnknownTimezone
from tests.support.rollup_worlds import BEGIN_US, DAYS, Writer, random_budgets, random_query
from tests.support.rollups import World, budget

ROOT = budget("t", "root", timezone="Europe/Berlin")
FOLDED = (20_000 * DAY_US, 20_090 * DAY_US)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_days_and_spans_cover_what_is_asked_for_once(seed: int, finer: bool) -> None:
    rng = random.Random(seed)
    world = World.of("t", random_budgets(rng, "t"))
    Writer(rng, world).write(1)
    query = random_query(rng, world)
    asked = world.tree.get(query.budget_uid)
    assert asked is not None
    folded = (BEGIN_US // DAY_US * DAY_US, (BEGIN_US // DAY_US + DAYS) * DAY_US)
    planned = plan(query, asked, folded, rollups=not finer)
    where = zone(asked.rollup_timezone)
    pieces = [(day_start_us(day, where), day_start_us(day + 1, where)) for day in range(*planned.days)]
    pieces = sorted([*pieces, *planned.spans])
    low = max(folded[0], folded[0] if query.from_us is None else query.from_us)
    high = min(folded[1], folded[1] if query.to_us is None else query.to_us)
    if low >= high:
        assert pieces == []
        return
    assert pieces[0][0] <= low
    assert pieces[-1][1] >= high
    assert all(left[1] == right[0] for left, right in itertools.pairwise(pieces))
    for begin, end in pieces:
        assert query.from_us is None or begin >= query.from_us
        assert query.to_us is None or end <= query.to_us
    assert all(slot % QUARTER_US == 0 for slot in planned.ragged)


def test_whole_days_come_from_rollups_and_ragged_ends_from_cells() -> None:
    query = RollupQuery(ROOT.uid, (Dimension.AGENT,), from_us=FOLDED[0] + 100, to_us=FOLDED[1] - 100)
    planned = plan(query, ROOT, FOLDED)
    assert planned.days == (20_001, 20_090)  # the last day in Berlin ends before the last in UTC
    assert len(planned.spans) == 2
    assert planned.utc_days == {20_000, 20_089}
    assert planned.ragged == {FOLDED[0], FOLDED[1] - QUARTER_US}


@pytest.mark.parametrize(
    "query",
    [
        RollupQuery(ROOT.uid, (Dimension.AGENT, Dimension.MODEL)),
        RollupQuery(ROOT.uid, granularity=Granularity.HOUR),
        RollupQuery(ROOT.uid, granularity=Granularity.DAY, timezone="UTC"),
    ],
)
def test_combinations_hours_and_other_zones_come_from_cells(query: RollupQuery) -> None:
    planned = plan(query, ROOT, FOLDED)
    assert planned.days == (0, 0)
    assert planned.spans == (FOLDED,)


@pytest.mark.parametrize("granularity", [each for each in Granularity if each.unit])
def test_an_end_that_is_no_edge_is_refused(granularity: Granularity) -> None:
    for field, ends in (("from", (1, None)), ("to", (None, 1))):
        begin, end = (None if each is None else FOLDED[0] + each for each in ends)
        with pytest.raises(InvalidQuery) as refused:
            plan(RollupQuery(ROOT.uid, (), granularity, begin, end), ROOT, FOLDED)
        assert refused.value.field == field


def test_a_day_begins_at_midnight_of_its_zone() -> None:
    midnight = day_start_us(20_000, zone("Europe/Berlin"))
    plan(RollupQuery(ROOT.uid, (), Granularity.DAY, midnight), ROOT, FOLDED)
    with pytest.raises(InvalidQuery):
        plan(RollupQuery(ROOT.uid, (), Granularity.DAY, midnight, timezone="UTC"), ROOT, FOLDED)
    plan(RollupQuery(ROOT.uid, (), Granularity.HOUR, midnight + HOUR_US), ROOT, FOLDED)


def test_ends_in_the_wrong_order_double_dimensions_and_unknown_zones_are_refused() -> None:
    with pytest.raises(InvalidQuery) as refused:
        plan(RollupQuery(ROOT.uid, from_us=5, to_us=5), ROOT, None)
    assert refused.value.field == "to"
    with pytest.raises(InvalidQuery) as refused:
        plan(RollupQuery(ROOT.uid, (Dimension.AGENT, Dimension.AGENT)), ROOT, None)
    assert refused.value.field == "by"
    with pytest.raises(UnknownTimezone):
        plan(RollupQuery(ROOT.uid, timezone="Mars/Olympus"), ROOT, None)


def test_before_anything_is_folded_nothing_is_read() -> None:
    planned = plan(RollupQuery(ROOT.uid), ROOT, None)
    assert planned.days == (0, 0)
    assert planned.spans == ()
