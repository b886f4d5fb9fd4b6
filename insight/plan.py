"""Where the answer to a rollup query is read: whole days from Rollup nodes, the rest from finer ones."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from insight.errors import InvalidQuery
from insight.facts import QUARTER_US
from insight.fold import rollup_uid
from insight.ports import BudgetFacts
from insight.rollups import Granularity, RollupQuery
from pricing.calendar import DAY_US, Unit, day_number, day_start_us, iterate, on_edge, zone

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to read: ``days`` from Rollup nodes, ``spans`` from Cells; nothing is in both.

    ``days`` are days of the budget's rollup zone, [first, end); ``spans`` are stretches of folded time.
    ``zone`` and ``unit`` cut the rows (None: not at all).
    """

    query: RollupQuery
    budget: BudgetFacts
    zone: ZoneInfo
    unit: Unit | None
    days: tuple[int, int]
    spans: tuple[Span, ...]

    @property
    def rollup_uids(self) -> list[str]:
        """The Rollup nodes that may hold some of it."""
        return [rollup_uid(self.budget.uid, day) for day in range(*self.days)]

    def finer(self) -> "Plan":
        """The same from Cells alone."""
        where = zone(self.budget.rollup_timezone)
        ends = [*self.spans, (day_start_us(self.days[0], where), day_start_us(self.days[1], where))]
        span = (min(begin for begin, _ in ends), max(end for _, end in ends))
        return replace(self, days=(0, 0), spans=(span,))

    @property
    def utc_days(self) -> set[int]:
        """The days whose Cells hold some of it."""
        return {day for begin, end in self.spans for day in range(begin // DAY_US, (end - 1) // DAY_US + 1)}

    @property
    def ragged(self) -> set[int]:
        """Quarter hours, by their beginning, that an edge cuts in two: only usage itself can tell."""
        edges = (edge for span in self.spans for edge in self._edges(span))
        return {edge // QUARTER_US * QUARTER_US for edge in edges if edge % QUARTER_US}

    def _edges(self, span: Span) -> Iterator[int]:
        yield from span
        if self.unit is not None:
            for begin, end in iterate(self.unit, *span, self.zone):
                yield begin
                yield end


def check(query: RollupQuery, budget: BudgetFacts) -> tuple[ZoneInfo, Unit | None]:
    """The zone and unit of a query that makes sense. Raises ``InvalidQuery``, ``UnknownTimezone``."""
    if len(set(query.by)) < len(query.by):
        raise InvalidQuery("A dimension is named twice.", field="by")
    if query.from_us is not None and query.to_us is not None and query.from_us >= query.to_us:
        raise InvalidQuery("from must lie before to.", field="to")
    where = zone(query.timezone or budget.timezone)
    unit = query.granularity.unit
    for field, instant_us in (("from", query.from_us), ("to", query.to_us)):
        if unit is not None and instant_us is not None and not on_edge(unit, instant_us, where):
            name = query.timezone or budget.timezone
            raise InvalidQuery(f"{field} must be where a {unit.value} begins in {name}.", field=field)
    return where, unit


def plan(query: RollupQuery, budget: BudgetFacts, folded: Span | None) -> Plan:
    """Plan a query. ``folded`` is the stretch of time that anything folded lies in. Raises as ``check``."""
    where, unit = check(query, budget)
    nothing = Plan(query, budget, where, unit, (0, 0), ())
    if folded is None:
        return nothing
    low_us = folded[0] if query.from_us is None else max(folded[0], query.from_us)
    high_us = folded[1] if query.to_us is None else min(folded[1], query.to_us)
    if low_us >= high_us:
        return nothing
    everything = Plan(query, budget, where, unit, (0, 0), ((low_us, high_us),))
    same_days = query.granularity is Granularity.TOTAL or (
        unit is not Unit.HOUR and (query.timezone or budget.timezone) == budget.rollup_timezone
    )
    if not same_days or len(query.by) > 1:
        return everything
    first, end = _whole_days(query, low_us, high_us, zone(budget.rollup_timezone))
    if first >= end:
        return everything
    begin_us, end_us = (day_start_us(day, zone(budget.rollup_timezone)) for day in (first, end))
    spans = tuple(span for span in ((low_us, begin_us), (end_us, high_us)) if span[0] < span[1])
    return Plan(query, budget, where, unit, (first, end), spans)


def _whole_days(query: RollupQuery, low_us: int, high_us: int, where: ZoneInfo) -> tuple[int, int]:
    """The days of which the query leaves nothing out, among those that meet [low_us, high_us)."""
    first, last = day_number(low_us, where), day_number(high_us - 1, where)
    if query.from_us is not None and query.from_us > day_start_us(first, where):
        first += 1
    if query.to_us is not None and query.to_us < day_start_us(last + 1, where):
        last -= 1
    return first, last + 1
