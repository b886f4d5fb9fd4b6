"""``/api/v1/teams/{team_id}/budget | /costs``: the source document's view of a team.

A team is a budget of the type TEAM, known by the resource that it pays for, else by its own id.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from insight.rollups import Dimension, Granularity, RollupQuery, RollupResult
from ledger.access import Permission, Principal
from ledger.model import Budget, BudgetType
from ledger.windows import Standing
from pricing.calendar import day_date, day_number, zone
from pricing.money import NANO, from_nano, round_ratio
from resolvers.context import Context
from server.rest.exact import exact_answer
from server.rest.owners import paying_for
from server.rest.queries import Asked
from server.routes import GuardedRoute, Routes

PERCENT: Final = 100
PARTS: Final = (
    ((Dimension.CATEGORY,), Granularity.TOTAL),
    ((Dimension.MODEL,), Granularity.TOTAL),
    ((), Granularity.DAY),
)
"""What a team's costs are split by, in the order of ``costs_body``."""


def team_routes(routes: Routes, context_of: Callable[[Principal], Context]) -> Sequence[GuardedRoute]:
    """The routes about teams."""

    async def budget(request: Request, principal: Principal) -> Response:
        """Where a team stands in the current window of its budget."""
        context = context_of(principal)
        asked = Asked(request, ("budget_id",))
        team = paying_for(
            await context.load_view(),
            BudgetType.TEAM,
            request.path_params["team_id"],
            asked.text("budget_id"),
        )
        standing = (await context.standing(team.uid)).standing
        return exact_answer(status_body(request.path_params["team_id"], standing))

    async def costs(request: Request, principal: Principal) -> Response:
        """What a team spent: by category, by model, by day of its budget's time zone."""
        context = context_of(principal)
        asked = Asked(request, ("budget_id", "from", "to"))
        team = paying_for(
            await context.load_view(),
            BudgetType.TEAM,
            request.path_params["team_id"],
            asked.text("budget_id"),
        )
        from_us, to_us = asked.instant_us("from"), asked.instant_us("to")
        queries = [
            RollupQuery(team.uid, by=by, granularity=granularity, from_us=from_us, to_us=to_us)
            for by, granularity in PARTS
        ]
        # At one moment, so that the three parts have one total.
        rollups = context.services.rollups.query
        return exact_answer(costs_body(team, *await context.read(rollups, principal.tenant, queries)))

    return [
        routes.guarded("GET", "/api/v1/teams/{team_id:path}/budget", budget, needs=Permission.READ),
        routes.guarded("GET", "/api/v1/teams/{team_id:path}/costs", costs, needs=Permission.READ),
    ]


def status_body(team_id: str, standing: Standing) -> dict[str, Any]:
    """``BudgetStatus`` of the source document. The utilisation is a percentage."""
    amount, spent = standing.amount, standing.spent
    return {
        "team_id": team_id,
        "budget_limit": None if amount is None else from_nano(amount),
        "current_spend": from_nano(spent),
        "remaining": None if amount is None else from_nano(amount - spent),
        "utilization": None if amount is None else _percent(spent, amount),
    }


def _percent(spent: int, amount: int) -> Decimal:
    """To nine decimals; of an amount of 0: 0 while nothing is spent, then 100, as everywhere."""
    if not amount:
        return Decimal(PERCENT if spent > 0 else 0)
    return from_nano(round_ratio(spent * PERCENT * NANO, amount))


def costs_body(
    team: Budget, by_category: RollupResult, by_model: RollupResult, by_day: RollupResult
) -> dict[str, Any]:
    """``CostBreakdown`` of the source document. Units are tokens and the quantities of other resources."""
    where = zone(team.timezone)
    return {
        "by_category": [
            {
                "category": row.keys[0][1],
                "total_cost": from_nano(row.measures.total_cost_nano),
                "total_units": row.measures.total_tokens + from_nano(row.measures.units_nano),
            }
            for row in by_category.rows
        ],
        "by_model": [
            {
                "model": row.keys[0][1],
                "total_cost": from_nano(row.measures.total_cost_nano),
                "call_count": row.measures.operations,
            }
            for row in by_model.rows
        ],
        "timeline": [
            {
                "date": day_date(day_number(row.start_us or 0, where)).isoformat(),
                "total_cost": from_nano(row.measures.total_cost_nano),
            }
            for row in by_day.rows
        ],
        "total": from_nano(by_day.total.total_cost_nano),
    }
