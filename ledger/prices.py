"""Pricing on the path that pays: its contracts, the month's use so far, the currency of its budgets.

A usage comes with its list price, worked out before the ledger's lock was taken. Who pays is known under the
lock alone, and so is the price where an organisation has cards of its own: it is worked out again there.
"""

from typing import NamedTuple

from ledger.changes import MonthUse
from ledger.model import ChargePath, Pricing
from ledger.reader import KnownOperation
from ledger.results import InvalidUsage
from ledger.state import TenantState
from ledger.usage import Usage
from pricing.calendar import to_datetime
from pricing.currency import charge_in
from pricing.errors import PricingError
from pricing.quote import MonthToDate, Pricer, PricingRequest, Quote
from pricing.units import NO_COUNTS, Resource, TokenCounts


class Priced(NamedTuple):
    """A usage's cost in the currency of the budget that pays."""

    quote: Quote
    month_uid: str | None = None
    """The month's use that its price depends on, and that it adds to."""


def request_of(usage: Usage, at_us: int) -> PricingRequest:
    """What is to be priced of a usage."""
    sent = usage.sent
    return PricingRequest(
        at_us,
        sent.provider,
        sent.model_id,
        usage.counts,
        usage.provider_cost_nano,
        usage.provider_cost_currency,
        usage.resource,
        usage.mode,
    )


def price_on(
    state: TenantState,
    path: ChargePath,
    usage: Usage,
    listed: Quote,
    at_us: int,
    known: KnownOperation | None = None,
) -> Priced | InvalidUsage:
    """What a usage costs on a path; ``known`` is what is recorded of an operation that grows."""
    prices = state.prices
    leaf = state.tree.get(path.leaf_uid)
    currency = listed.currency if leaf is None else leaf.currency
    month_uid: str | None = None
    try:
        if not prices.plain or usage.resource is not None:
            pricer = prices.pricer(path.budget_uids)
            request = request_of(usage, at_us)
            month_uid = month_uid_of(path, pricer, request)
            if month_uid is not None:
                request = request._replace(month=_before(state, month_uid, known))
            listed = pricer.quote(request)
        if listed.currency == currency:
            return Priced(listed, month_uid)
        return Priced(charge_in(listed, currency, prices.rates, at_us), month_uid)
    except PricingError as error:
        return InvalidUsage(usage.sent.operation_id, error.code, error.field, str(error))


def bound_on(
    state: TenantState, path: ChargePath, request: PricingRequest | None, listed: Quote, currency: str
) -> Quote:
    """What a call costs at most on a path, by a request of its longest form. Raises ``PricingError``."""
    prices, at_us = state.prices, 0 if request is None else request.at_us
    if request is not None and not prices.plain:
        pricer = prices.pricer(path.budget_uids)
        month_uid = month_uid_of(path, pricer, request)
        if month_uid is not None:
            request = request._replace(month=_before(state, month_uid, None))
        listed = pricer.quote(request)
    return charge_in(listed, currency, prices.rates, at_us)


def month_uid_of(path: ChargePath, pricer: Pricer, request: PricingRequest) -> str | None:
    """The key of the month's use that a price depends on; None where it does not."""
    if request.provider_cost_nano is not None and request.resource is None:
        return None
    card = pricer.card(request)
    if card is None or not (card.monthly or request.resource is not None):
        return None
    name = card.name if request.resource is None else request.resource.unit
    return f"{path.chain[-1]}@{to_datetime(request.at_us):%Y-%m}/{name}"


def _before(state: TenantState, month_uid: str, known: KnownOperation | None) -> MonthToDate:
    """What a month has used, without what is recorded of the operation itself."""
    use = state.month_use(month_uid)
    own = NO_COUNTS if known is None or known.pricing is Pricing.UNPRICED else known.counts
    counts = TokenCounts._make(max(0, whole - part) for whole, part in zip(use.counts, own, strict=True))
    return MonthToDate(counts, use.quantity_nano)


def count_in_month(
    state: TenantState, priced: Priced | None, counts: TokenCounts, resource: Resource | None
) -> None:
    """Add what was recorded to the month's use that its price depended on."""
    if priced is None or priced.month_uid is None:
        return
    use = state.month_use(priced.month_uid)
    added = TokenCounts._make(map(int.__add__, use.counts, counts))
    quantity_nano = use.quantity_nano + (0 if resource is None else resource.quantity_nano)
    state.put_month_use(MonthUse(use.uid, added, quantity_nano))
