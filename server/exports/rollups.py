"""Rollups as a table: the rows of one question, asked a piece of the range at a time.

Rows of a bucket are exact at one moment, which their ``as_of`` names. What is in memory is one piece: a day
of hours, a month of days, a year of months.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from insight.plan import check
from insight.rollups import Dimension, Granularity, RollupQuery, RollupResult, RollupRow
from ledger.errors import NotFound
from pricing.calendar import Unit, bounds
from resolvers.context import Context
from server.exports.tables import Column, Kind, Row
from server.rest.words import instant

PIECES: Final = {
    Granularity.HOUR: Unit.DAY,
    Granularity.DAY: Unit.MONTH,
    Granularity.WEEK: Unit.WEEK,
    Granularity.MONTH: Unit.YEAR,
    Granularity.YEAR: Unit.YEAR,
}
"""What is asked at once: whole buckets of each granularity."""

MEASURES: Final = (
    Column("operations", Kind.COUNT),
    Column("prompt_tokens", Kind.COUNT),
    Column("completion_tokens", Kind.COUNT),
    Column("total_tokens", Kind.COUNT),
    Column("prompt_cost", Kind.MONEY),
    Column("completion_cost", Kind.MONEY),
    Column("other_cost", Kind.MONEY),
    Column("total_cost", Kind.MONEY),
    Column("units", Kind.MONEY),
)
"""Units have nine decimals like money."""


def columns_of(by: Sequence[Dimension]) -> list[Column]:
    """The columns of a rollup that is split by some dimensions."""
    split = [Column(dimension.column) for dimension in by]
    return [
        Column("budget_id"),
        Column("start"),
        Column("end"),
        *split,
        *MEASURES,
        Column("currency"),
        Column("as_of"),
    ]


async def rollup_rows(context: Context, query: RollupQuery) -> AsyncIterator[list[Row]]:
    """What a question is answered, piece by piece; what is split by nothing is one row of totals.

    Raises ``InsightError``, ``PricingError``, ``NotFound`` for a budget that is not seen.
    """
    budget = (await context.load_view()).get(query.budget_uid)
    if budget is None:
        raise NotFound("There is no such budget.", field="budget_id")
    where, unit = check(query, budget)
    facts: Row = {"budget_id": budget.budget_id, "currency": budget.currency}
    if unit is None:
        result = await _ask(context, query)
        totals = result.total if query.include_descendants else result.own
        rows = result.rows if query.by else (RollupRow((), None, None, totals),)
        asked = (row._replace(start_us=query.from_us, end_us=query.to_us) for row in rows)
        yield _rows(facts, replace(result, rows=tuple(asked)))
        return
    piece_unit = PIECES[query.granularity]
    for start_us, end_us in await _pieces(context, query, piece_unit, where):
        from_us = start_us if query.from_us is None else max(start_us, query.from_us)
        to_us = end_us if query.to_us is None else min(end_us, query.to_us)
        yield _rows(facts, await _ask(context, replace(query, from_us=from_us, to_us=to_us)))


async def _ask(context: Context, query: RollupQuery) -> RollupResult:
    """As a request of its own: nothing of an export is kept in the request's loaders."""
    tenant = context.principal.tenant
    (result,) = await context.read(context.services.rollups.query, tenant, [query])
    return result


async def _pieces(context: Context, query: RollupQuery, unit: Unit, where: ZoneInfo) -> list[tuple[int, int]]:
    """The pieces of the range in which anything was charged."""
    whole = replace(
        query,
        by=(),
        granularity=Granularity(unit),
        from_us=None if query.from_us is None else bounds(unit, query.from_us, where)[0],
        to_us=None if query.to_us is None else bounds(unit, query.to_us - 1, where)[1],
    )
    rows = (await _ask(context, whole)).rows
    return [(row.start_us, row.end_us) for row in rows if row.start_us is not None and row.end_us is not None]


def _rows(facts: Row, result: RollupResult) -> list[Row]:
    as_of = instant(result.as_of_us)
    return [{**facts, **_of_row(row), "as_of": as_of} for row in result.rows]


def _of_row(row: RollupRow) -> dict[str, Any]:
    measures = row.measures
    return {
        "start": instant(row.start_us),
        "end": instant(row.end_us),
        **{dimension.column: value for dimension, value in row.keys},
        "operations": measures.operations,
        "prompt_tokens": measures.prompt_tokens,
        "completion_tokens": measures.completion_tokens,
        "total_tokens": measures.total_tokens,
        "prompt_cost": measures.prompt_cost_nano,
        "completion_cost": measures.completion_cost_nano,
        "other_cost": measures.other_cost_nano,
        "total_cost": measures.total_cost_nano,
        "units": measures.units_nano,
    }
