"""The four costs of a budget's month: from its agreement's running sums, else from its entries."""

from collections.abc import Iterator, Sequence
from typing import Final

import strawberry

from graph.agreements import AgreementMonths
from insight.rollups import RollupQuery
from ledger.agreements import month_uid
from ledger.changes import AgreementMonth
from ledger.errors import InvalidInput, NotFound
from ledger.model import Budget
from ledger.view import View
from pricing.agreements import (
    Agreed,
    Agreements,
    Month,
    first_month,
    month_at,
    month_named,
    months_between,
    settle_months,
)
from pricing.errors import PricingError
from pricing.volume import Adjustment, MonthSums, columns
from resolvers.request import Request
from schema.agreement import AgreementLine, MonthlyCosts
from schema.scalars import BigInt, DateTime
from schema.words import money

ADDED_UP_MAX: Final = 500_000
"""How many operations of a budget without an agreement are looked through."""
AGREEMENTS_MAX: Final = 200
"""How many agreements, on a budget and below it, are worked out at once."""

Known = dict[str, AgreementMonth]


async def monthly_costs(request: Request, budget_id: str, key: str | None) -> MonthlyCosts:
    """The costs of a budget's month; None: of the running one. Raises ``NotFound``, ``InvalidInput``."""
    view = await request.load_view()
    budget = view.find(budget_id)
    if budget is None:
        raise NotFound(f"There is no budget {budget_id}.", field="budget_id")
    prices = await request.read(request.services.prices.get, request.principal.tenant)
    every = list(_agreed_below(view, prices.agreements, budget))
    if len(every) > AGREEMENTS_MAX:
        text = f"{len(every)} agreements are below {budget_id}; ask for the budgets below it"
        raise InvalidInput(text, field="budget_id")
    own = next((each for each in every if each[-1].budget_uid == budget.uid), None)
    now_us = request.services.clock()
    month = _asked(key, budget.timezone if own is None else own[-1].timezone, now_us)
    every = [each for each in every if first_month(each) <= month.key]
    months = request.services.agreement_months
    known = (
        await request.read(months.months, list(_uids(view.tree.tenant, every, month.key))) if every else {}
    )
    if own is not None and own in every:
        stored = known.get(month_uid(view.tree.tenant, own[-1].agreement_id, month.key))
        sums = MonthSums() if stored is None else stored.sums
    else:
        await _check_size(request, budget)
        sums = await request.read(_sums, months, budget, month)
    lines, closed = await request.read(_lines, view.tree.tenant, every, known, month.key)
    found = columns(sums, lines)
    return MonthlyCosts(
        budget_id=strawberry.ID(budget.budget_id),
        month=month.key,
        start=DateTime(month.start_us),
        end=DateTime(month.end_us),
        currency=budget.currency,
        closed=closed and month.end_us <= now_us,
        list_cost=money(found.list_nano),
        contracted_cost=money(found.contracted_nano),
        effective_cost=money(found.effective_nano),
        billed_cost=money(found.billed_nano),
        tokens=BigInt(sums.tokens),
        lines=AgreementLine.each(lines),
    )


def _agreed_below(view: View, agreements: Agreements, budget: Budget) -> Iterator[Sequence[Agreed]]:
    """The versions of each agreement of a budget and of what is below it."""
    if agreements:
        for each in view.tree.subtree(budget.uid):
            yield from agreements.of_budget(each.uid)


def _asked(key: str | None, timezone: str, now_us: int) -> Month:
    running = month_at(now_us, timezone)
    if key is None:
        return running
    try:
        month = month_named(key, timezone)
    except PricingError as error:
        raise InvalidInput(error.message, field="month") from error
    if month.key > running.key:
        raise InvalidInput(f"{key} has not begun yet", field="month")
    return month


def _uids(tenant: str, every: Sequence[Sequence[Agreed]], through: str) -> Iterator[str]:
    """The months that the lines of a month depend on: those before it say what is left of credits."""
    for versions in every:
        last = versions[-1]
        for month in months_between(first_month(versions), through, last.timezone):
            yield month_uid(tenant, last.agreement_id, month.key)


def _lines(
    tenant: str, every: Sequence[Sequence[Agreed]], known: Known, key: str
) -> tuple[list[Adjustment], bool]:
    """The lines of a month by all that was agreed, and whether all of it is booked."""
    lines, closed = list[Adjustment](), True
    for versions in every:
        agreement_id = versions[-1].agreement_id
        months = {each.key: each for each in known.values() if each.agreement_id == agreement_id}
        sums = {each: month.sums for each, month in months.items()}
        done = {each for each, month in months.items() if month.closed}
        settled = settle_months(versions, sums, key, done.__contains__)[-1]
        lines += settled.lines
        stored = known.get(month_uid(tenant, agreement_id, key))
        closed &= stored is not None and stored.closed and not stored.due
    return lines, closed


async def _check_size(request: Request, budget: Budget) -> None:
    """Raise ``InvalidInput`` for a budget whose entries are too many to look through."""
    query = RollupQuery(budget.uid)
    (found,) = await request.read(request.services.rollups.query, request.principal.tenant, [query])
    if found.total.operations > ADDED_UP_MAX:
        raise InvalidInput(
            f"{budget.budget_id} has {found.total.operations} operations, too many to add up one by one. "
            "An agreement on it, even one without terms, keeps its months' sums.",
            field="budget_id",
        )


def _sums(months: AgreementMonths, budget: Budget, month: Month) -> MonthSums:
    return months.sums(budget.uid, month.start_us, month.end_us)
