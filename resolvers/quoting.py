"""Quotes: what an operation would cost whoever pays, without recording it."""

from collections.abc import Mapping
from typing import Any, Final

from graph.prices import PriceBooks
from ledger.errors import InvalidInput, NotFound
from ledger.model import ChargePath
from ledger.prices import month_uid_of, request_of
from ledger.results import InvalidUsage
from ledger.usage import Usage, parse_usage
from ledger.view import View
from pricing.calendar import from_datetime
from pricing.currency import charge_in
from pricing.explain import Explanation, explain
from pricing.money import validate_currency
from pricing.prices import Prices
from pricing.quote import MonthToDate, Pricer, PricingRequest
from resolvers.request import Request

# What a usage must say and a quote does not: it is recorded nowhere.
_NOBODY: Final = {
    "operation_id": "quote",
    "agent_id": "quote",
    "capability_type": "quote",
    "outcome": "ERROR",
}


def path_for(view: View, budget_id: str | None, usage: Usage) -> tuple[ChargePath | None, str | None]:
    """Who would pay, and in which currency: the budget, else the key's own, else nobody in particular.

    Raises ``NotFound``.
    """
    budget = view.get(view.scope_uid) if budget_id is None else view.find(budget_id)
    if budget is None:
        if budget_id is not None:
            raise NotFound(f"There is no budget {budget_id}.", field="budget_id")
        return None, None
    sent = usage.sent
    facts = {
        "provider": sent.provider,
        "model_id": sent.model_id,
        "user_id": None,
        "agent_id": None,
        **view.tree.tag_facts(sent.tags),
    }
    return view.tree.path(budget.uid, facts), budget.currency


async def quoted(request: Request, words: Mapping[str, Any]) -> Explanation:
    """A quote with its derivation; ``words`` are those of ``QuoteInput``. Raises ``LedgerError``."""
    said = dict(words)
    budget_id, currency, at = said.pop("budget_id", None), said.pop("currency", None), said.pop("at", None)
    usage = parse_usage({**_NOBODY, **said, **({} if at is None else {"timestamp": at})})
    if isinstance(usage, InvalidUsage):
        field = "at" if usage.field == "timestamp" else usage.field
        raise InvalidInput(usage.message, field=field)
    if currency is not None:
        validate_currency(currency)
    view = await request.load_view()
    path, own_currency = path_for(view, budget_id, usage)
    books = request.services.prices
    prices = await request.read(books.get, request.principal.tenant)
    at_us = request.services.clock() if usage.sent.timestamp is None else from_datetime(usage.sent.timestamp)
    wanted = request_of(usage, at_us)
    pricer = prices.pricer(() if path is None else path.budget_uids)
    if path is not None:
        wanted = await request.read(_in_its_month, books, path, pricer, wanted)
    return explained(prices, pricer, wanted, currency or own_currency)


def explained(prices: Prices, pricer: Pricer, wanted: PricingRequest, currency: str | None) -> Explanation:
    """A quote and its derivation, in a currency; None: that of the price. Raises ``PricingError``."""
    quote = pricer.quote(wanted)
    if currency is not None:
        quote = charge_in(quote, currency, prices.rates, wanted.at_us)
    return explain(pricer, wanted, quote)


def _in_its_month(
    books: PriceBooks, path: ChargePath, pricer: Pricer, wanted: PricingRequest
) -> PricingRequest:
    """The request with what its month has used, where its price depends on that."""
    uid = month_uid_of(path, pricer, wanted)
    if uid is None:
        return wanted
    use = books.months([uid]).get(uid)
    return wanted._replace(month=MonthToDate() if use is None else MonthToDate(use.counts, use.quantity_nano))
