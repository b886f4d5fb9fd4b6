"""What a budget uses of its quotas, for GraphQL and REST alike."""

from insight.rollups import RollupQuery
from ledger.commands import AGENTS
from ledger.errors import InvalidInput
from ledger.model import Budget
from ledger.quotas import Usage, level_of, uses
from ledger.view import View
from pricing.calendar import Unit, bounds, zone
from resolvers.context import Context


def asked_budget(view: View, budget_id: str | None) -> Budget | None:
    """The budget with that id; without an id the usual one. Raises ``InvalidInput`` where there is none."""
    if budget_id is not None:
        return view.find(budget_id)
    usual = view.usual()
    if usual is None:
        raise InvalidInput("Say which budget: this key sees several roots.", field="budget_id")
    return usual


async def quota_usage(context: Context, budget: Budget) -> Usage:
    """What a visible budget uses now: what was recorded, and what open reservations hold."""
    services, tenant = context.services, context.principal.tenant
    now_us, where = services.clock(), zone(budget.timezone)
    day_us, minute_us = bounds(Unit.DAY, now_us, where)[0], bounds(Unit.MINUTE, now_us, where)[0]
    # What is settled in between is seen twice rather than not at all.
    held = await context.read(services.reservations.held, tenant, budget.uid, now_us, day_us, minute_us)
    queries = [RollupQuery(budget.uid, from_us=day_us), RollupQuery(budget.uid, from_us=minute_us)]
    today, minute = await context.read(services.rollups.query, tenant, queries)
    standing = (await context.standing(budget.uid)).standing
    return Usage(
        budget,
        today.total.total_tokens + sum(each.tokens_today for each in held),
        today.total.total_cost_nano + sum(each.cost_nano_today for each in held),
        level_of(held, AGENTS),
        minute.total.operations + sum(each.requests_this_minute for each in held),
        uses(standing, held, now_us),
    )
