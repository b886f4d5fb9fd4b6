"""Rollups: all that a request asks, at one moment."""

from collections.abc import Sequence

from insight.errors import InsightError
from insight.rollups import RollupQuery, RollupResult
from pricing.errors import PricingError
from resolvers.request import Request

Answer = RollupResult | InsightError | PricingError


async def load_rollups(request: Request, queries: list[RollupQuery]) -> Sequence[Answer]:
    """The answer to each query, or why it cannot be answered."""
    try:
        return await _query(request, queries)
    except (InsightError, PricingError) as error:
        if len(queries) == 1:
            return [error]
    # One of them is at fault: each on its own, so that the others are answered.
    answers: list[Answer] = []
    for query in queries:
        answers.extend(await load_rollups(request, [query]))
    return answers


async def _query(request: Request, queries: Sequence[RollupQuery]) -> list[RollupResult]:
    return await request.read(request.services.rollups.query, request.principal.tenant, queries)
