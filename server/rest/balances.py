"""``/api/v1/budgets/user/{user_id}/project/{project_id}``: balance, status, spending, check.

The source document's view of what a user may spend in a project (003:421-450). What the user spent in the
project and all below it, with the limits and the wallet of the budget that ``ledger.balances`` says governs
them. Answers may be kept for thirty seconds; a check is none of them, and is made on the books as they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict
from starlette.requests import Request
from starlette.responses import Response

from insight.rollups import Dimension, Measures, RollupQuery
from ledger.access import Permission, Principal
from ledger.balances import NO_POLICY, Balance, Policy, Room, balance_of, governing, violations
from ledger.errors import InvalidInput
from ledger.model import Budget, BudgetType
from ledger.reservations import parsed
from pricing.calendar import Unit, bounds, zone
from pricing.errors import PricingError
from pricing.money import from_nano, parse_nano
from resolvers.context import Context
from server.errors import BadRequest
from server.limits import read_json
from server.rest.exact import exact_answer, exact_json
from server.rest.owners import paying_for
from server.rest.queries import Asked
from server.rest.words import instant
from server.routes import GuardedRoute, Routes

CACHE: Final = "private, max-age=30"


class SpendingPeriod(StrEnum):
    """The source's words for calendar units."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"

    @property
    def unit(self) -> Unit:
        """The calendar unit."""
        return _UNITS[self]


_UNITS: Final = {
    SpendingPeriod.HOURLY: Unit.HOUR,
    SpendingPeriod.DAILY: Unit.DAY,
    SpendingPeriod.WEEKLY: Unit.WEEK,
    SpendingPeriod.MONTHLY: Unit.MONTH,
    SpendingPeriod.YEARLY: Unit.YEAR,
}


def _amount(value: object) -> int:
    """Nano-units of a JSON number or a decimal string. A number is read as it is written."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a number or a decimal string")  # noqa: TRY004 - pydantic collects these
    try:
        nano = parse_nano(format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value))
    except PricingError as error:
        raise ValueError(error.message) from None
    if nano < 0:
        raise ValueError("must not be negative")
    return nano


Amount = Annotated[int, BeforeValidator(_amount, json_schema_input_type=float | str)]


class PolicyInput(BaseModel):
    """Further limits to check against."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    per_request_limit: Amount | None = None
    daily_limit: Amount | None = None
    monthly_limit: Amount | None = None

    def policy(self) -> Policy:
        """The ledger's."""
        return Policy(self.per_request_limit, self.daily_limit, self.monthly_limit)


class CheckInput(BaseModel):
    """What a caller would like to spend."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requested_amount: Amount
    policy: PolicyInput | None = None


@dataclass(frozen=True, slots=True)
class _Pair:
    """A user in a project, as one request sees them."""

    context: Context
    user_id: str
    project: Budget
    budget: Budget
    """The one that governs them."""

    def window(self, unit: Unit) -> tuple[int, int]:
        """The calendar unit of now, in the budget's zone."""
        return bounds(unit, self.context.services.clock(), zone(self.budget.timezone))

    async def spent(self, *since_us: int | None) -> list[Measures]:
        """What the user spent in the project and below, from each of some instants on; at one moment."""
        queries = [RollupQuery(self.project.uid, by=(Dimension.USER,), from_us=each) for each in since_us]
        rollups = self.context.services.rollups.query
        found = await self.context.read(rollups, self.context.principal.tenant, queries)
        return [
            next((row.measures for row in each.rows if row.keys[0][1] == self.user_id), Measures())
            for each in found
        ]

    async def balance(self) -> Balance:
        """What may be spent, now."""
        return balance_of((await self.context.standing(self.budget.uid)).standing)


class _Door:
    """What is done at each route."""

    def __init__(self, context_of: Callable[[Principal], Context]) -> None:
        self._context_of = context_of

    async def _pair(self, request: Request, principal: Principal) -> _Pair:
        """Who is asked about. Raises ``NotFound``, ``Conflict``."""
        context, said = self._context_of(principal), Asked(request, ("budget_id",))
        view, user_id = await context.load_view(), request.path_params["user_id"]
        project_id = request.path_params["project_id"]
        project = paying_for(view, BudgetType.PROJECT, project_id, said.text("budget_id"))
        return _Pair(context, user_id, project, governing(view, project, user_id))

    async def balance(self, request: Request, principal: Principal) -> Response:
        """What is available."""
        pair = await self._pair(request, principal)
        balance = await pair.balance()
        return _kept({"available_balance": _money(balance.available_nano), "currency": pair.budget.currency})

    async def status(self, request: Request, principal: Principal) -> Response:
        """Balance, spend and limits."""
        pair = await self._pair(request, principal)
        today, month, total = await pair.spent(pair.window(Unit.DAY)[0], pair.window(Unit.MONTH)[0], None)
        balance = await pair.balance()
        return _kept(
            {
                "total_balance": _money(balance.total_nano),
                "available_balance": _money(balance.available_nano),
                "reserved_amount": from_nano(balance.reserved_nano),
                "spent_today": from_nano(today.total_cost_nano),
                "spent_this_month": from_nano(month.total_cost_nano),
                "spent_total": from_nano(total.total_cost_nano),
                "daily_limit": _limit(balance.daily),
                "monthly_limit": _limit(balance.monthly),
                "per_request_limit": _limit(balance.per_request),
                "daily_limit_reached": _reached(balance.daily),
                "monthly_limit_reached": _reached(balance.monthly),
                "low_balance": balance.low,
            }
        )

    async def spending(self, request: Request, principal: Principal) -> Response:
        """What was spent in the running hour, day, week, month or year."""
        pair, text = await self._pair(request, principal), request.path_params["period"]
        if text not in _UNITS:
            raise InvalidInput(f"period is one of {', '.join(_UNITS)}, not {text[:64]!r}.", field="period")
        start_us, end_us = pair.window(SpendingPeriod(text).unit)
        (spent,) = await pair.spent(start_us)
        return _kept(
            {
                "period": text,
                "start": instant(start_us),
                "end": instant(end_us),
                "total_spent": from_nano(spent.total_cost_nano),
                "request_count": spent.operations,
                "currency": pair.budget.currency,
            }
        )

    async def check(self, request: Request, principal: Principal) -> Response:
        """Whether an amount may be spent, and everything that speaks against it. Nothing is held."""
        pair = await self._pair(request, principal)
        body: Any = await read_json(request)
        if not isinstance(body, dict):
            raise BadRequest("Send one JSON object.")
        said = parsed(CheckInput, cast("dict[str, Any]", body))
        today, month = await pair.spent(pair.window(Unit.DAY)[0], pair.window(Unit.MONTH)[0])
        balance, requested = await pair.balance(), said.requested_amount
        policy = NO_POLICY if said.policy is None else said.policy.policy()
        found = violations(balance, policy, requested, today.total_cost_nano, month.total_cost_nano)
        available = balance.available_nano
        return exact_answer(
            {
                "available": not found,
                "sufficient": available is None or requested <= available,
                "requested_amount": from_nano(requested),
                "available_balance": _money(available),
                "violations": [
                    {
                        "type": each.type,
                        "limit": from_nano(each.limit_nano),
                        "current": from_nano(each.current_nano),
                        "requested": from_nano(each.requested_nano),
                        "message": each.message,
                    }
                    for each in found
                ],
            }
        )


def balance_routes(routes: Routes, context_of: Callable[[Principal], Context]) -> Sequence[GuardedRoute]:
    """The routes about balances."""
    door, needs = _Door(context_of), Permission.READ
    return [
        routes.guarded(
            "GET",
            "/api/v1/budgets/user/{user_id:path}/project/{project_id:path}/balance",
            door.balance,
            needs=needs,
        ),
        routes.guarded(
            "GET",
            "/api/v1/budgets/user/{user_id:path}/project/{project_id:path}/status",
            door.status,
            needs=needs,
        ),
        routes.guarded(
            "GET",
            "/api/v1/budgets/user/{user_id:path}/project/{project_id:path}/spending/{period}",
            door.spending,
            needs=needs,
        ),
        routes.guarded(
            "POST",
            "/api/v1/budgets/user/{user_id:path}/project/{project_id:path}/check",
            door.check,
            needs=needs,
        ),
    ]


def _money(nano: int | None) -> Decimal | None:
    return None if nano is None else from_nano(nano)


def _limit(room: Room | None) -> Decimal | None:
    return None if room is None else from_nano(room.limit_nano)


def _reached(room: Room | None) -> bool:
    return room is not None and room.left_nano <= 0


def _kept(body: dict[str, Any]) -> Response:
    return Response(exact_json(body), headers={"cache-control": CACHE}, media_type="application/json")
