"""``GET /v1/quotas/usage``: how far the quotas of a budget are used."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ledger.access import Permission, Principal
from ledger.errors import NotFound
from ledger.quotas import Usage, text_of
from resolvers.context import Context
from resolvers.quotas import asked_budget, quota_usage
from server.headers import Answer
from server.rest.queries import Asked
from server.rest.words import instant, money
from server.routes import GuardedRoute, Routes


def quota_routes(routes: Routes, context_of: Callable[[Principal], Context]) -> Sequence[GuardedRoute]:
    """The route about quotas."""

    async def usage(request: Request, principal: Principal) -> Response:
        """404 for a budget that is unknown, of another tenant, or outside of the key's subtree alike."""
        context, said = context_of(principal), Asked(request, ("budget_id",))
        budget_id = said.text("budget_id")
        budget = asked_budget(await context.load_view(), budget_id)
        if budget is None:
            raise NotFound(f"There is no budget {budget_id} that this key may see.", field="budget_id")
        body = usage_body(await quota_usage(context, budget))
        return Answer(orjson.dumps(body))

    return [routes.guarded("GET", "/v1/quotas/usage", usage, needs=Permission.READ)]


def usage_body(row: Usage) -> dict[str, Any]:
    """The words of GraphQL's ``QuotaUsage``."""
    return {
        "budget_id": row.budget.budget_id,
        "currency": row.budget.currency,
        "tokens_today": row.tokens_today,
        "cost_today": money(row.cost_nano_today),
        "concurrent_agents": row.concurrent_agents,
        "requests_this_minute": row.requests_this_minute,
        "quotas": [
            {
                "key": each.key,
                "used": text_of(each.used),
                "limit": text_of(each.limit),
                "resets_at": instant(each.resets_at_us),
            }
            for each in row.quotas
        ],
    }
