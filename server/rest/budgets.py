"""``GET /v1/budgets/{id}/status``: where a budget stands in its own current window."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ledger.access import Permission, Principal
from ledger.errors import NotFound
from ledger.wallets import balance_is_low
from ledger.windows import LimitStatus, Standing
from resolvers.context import Context
from schema.context import BudgetStanding
from server.headers import Answer
from server.rest.words import instant, money, quantity
from server.routes import GuardedRoute, Routes


def budget_routes(routes: Routes, context_of: Callable[[Principal], Context]) -> Sequence[GuardedRoute]:
    """The routes about budgets."""

    async def status(request: Request, principal: Principal) -> Response:
        """404 for a budget that is unknown, of another tenant, or outside of the key's subtree alike."""
        context = context_of(principal)
        view = await context.load_view()
        budget = view.find(request.path_params["budget_id"])
        if budget is None:
            raise NotFound(f"There is no budget {request.path_params['budget_id']} that this key may see.")
        body = standing_body(await context.standing(budget.uid))
        return Answer(orjson.dumps(body))

    # Ids may hold slashes.
    return [routes.guarded("GET", "/v1/budgets/{budget_id:path}/status", status, needs=Permission.READ)]


def standing_body(found: BudgetStanding) -> dict[str, Any]:
    """A budget's status in the words of GraphQL's ``BudgetStatus``."""
    standing = found.standing
    return {
        "budget_id": standing.budget.budget_id,
        "currency": standing.budget.currency,
        "amount": money(standing.budget.amount_nano),
        "spent": money(standing.spent),
        "reserved": money(standing.reserved),
        "available": money(standing.available),
        "effective_available": money(found.effective_available_nano),
        "utilization": standing.utilization,
        "state": standing.state,
        "window_start": instant(standing.window_start_us),
        "window_end": instant(standing.window_end_us),
        "limits": [_limit(each) for each in standing.limits],
        "wallet": wallet_body(standing),
    }


def wallet_body(standing: Standing) -> dict[str, Any] | None:
    """A budget's prepaid credit in the words of GraphQL's ``Wallet``."""
    status, budget = standing.wallet, standing.budget
    if status is None:
        return None
    window, topped_up = status.window, status.amount or 0
    balance = topped_up - window.spent
    return {
        "balance": money(balance),
        "available": money(status.available),
        "reserved": money(window.reserved),
        "topped_up": money(topped_up),
        "spent": money(window.spent),
        "forced": money(window.forced),
        "low_balance_threshold": money(budget.low_balance_nano or 0),
        "low_balance": balance_is_low(budget, balance),
        "since": instant(status.limit.since_us),
    }


def _limit(status: LimitStatus) -> dict[str, Any]:
    limit, window = status.limit, status.window
    return {
        "meter": limit.meter,
        "window": limit.window,
        "enforcement": limit.enforcement,
        "resource": limit.resource,
        "limit": quantity(status.amount, limit.meter),
        "spent": quantity(window.spent, limit.meter),
        "reserved": quantity(window.reserved, limit.meter),
        "forced": quantity(window.forced, limit.meter),
        "available": quantity(status.available, limit.meter),
        "window_start": instant(window.start_us),
        "window_end": instant(window.end_us),
    }
