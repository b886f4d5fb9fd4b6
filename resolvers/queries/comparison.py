"""What recorded usage would have cost on other models."""

from collections.abc import Sequence
from dataclasses import replace

import strawberry

from ledger.access import Permission
from ledger.errors import InvalidInput
from ledger.model import Pricing
from ledger.reader import Bill
from pricing.agreements import AGREEMENT
from pricing.errors import NoExchangeRate
from pricing.estimate import Compared, Workload
from pricing.prices import Prices
from resolvers import cursors
from resolvers.info import Info
from resolvers.spans import span_query
from schema.access import guarded
from schema.comparison import ComparedPage, CompareModelsInput, compared_models
from schema.page import PageInfo
from schema.words import optional_instant

MODELS_MAX = 20
CURRENCY = "USD"


def compared(
    prices: Prices, bills: Sequence[Bill], models: Sequence[tuple[str, str]]
) -> tuple[dict[tuple[str, str], Compared], int]:
    """What operations would have cost on each model, and how many had to be left out."""
    workload, left_out = Workload(prices.pricer(), models), 0
    for bill in bills:
        known = bill.pricing is Pricing.PRICED and bill.request.resource is None
        known = known and bill.facts["resource"] != AGREEMENT
        charged_nano = _charged(prices, bill) if known else None
        if charged_nano is None:
            left_out += 1
            continue
        workload.add([(bill.request, charged_nano)], prices.pricer(bill.path.budget_uids))
    found = workload.compared()
    return {(provider, model): found[f"{provider}/{model}"] for provider, model in models}, left_out


def _charged(prices: Prices, bill: Bill) -> int | None:
    """What an operation did cost, at the rate of its day; None where nobody knows that."""
    at_us = bill.request.at_us
    try:
        return sum(
            prices.rates.find(entry.currency, CURRENCY, at_us).convert(entry.total_cost_nano)
            for entry in bill.entries
        )
    except NoExchangeRate:
        return None


@strawberry.type
class ComparisonQueries:
    """What can be compared."""

    @guarded(
        Permission.READ,
        description="What recorded operations would have cost on other models, under the contracts of those "
        "who paid for them.",
    )
    async def compare_models(self, info: Info, input: CompareModelsInput) -> ComparedPage:
        """A page of operations on other models."""
        context = info.context
        models = list(dict.fromkeys((each.provider, each.model_id) for each in input.models))
        if not 1 <= len(models) <= MODELS_MAX:
            raise InvalidInput(f"{len(models)} models; from 1 to {MODELS_MAX} are compared", field="models")
        query = span_query(await context.load_view(), input)
        query = replace(query, after=cursors.after_of(cursors.USAGE_BY_TIME, input.after))
        page = await context.read(context.services.usage.page, query)
        books = context.services.prices
        bills = await context.read(books.bills, [row["uid"] for row in page.rows])
        prices = await context.read(books.get, context.principal.tenant)
        found, left_out = await context.read(compared, prices, bills, models)
        end = None if page.end is None else cursors.cursor_of(cursors.USAGE_BY_TIME, page.end)
        return ComparedPage(
            raw_from_us=query.from_us,
            looked=len(page.rows),
            left_out=left_out,
            models=compared_models(found),
            through=optional_instant(min((row["timestamp_us"] for row in page.rows), default=None)),
            page_info=PageInfo(has_next_page=page.has_next, end_cursor=end),
        )
