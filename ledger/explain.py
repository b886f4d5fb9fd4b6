"""Why an entry is what it is: the derivation of a cost that was booked, from the prices as known then."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ledger.model import ChargePath, CostEntry, EntryKind, Pricing
from pricing.currency import charge_in
from pricing.errors import PricingError
from pricing.explain import Explanation, explain
from pricing.money import format_nano
from pricing.prices import Prices
from pricing.quote import PROVIDER_REPORTED, PricingRequest

HELD_AMOUNT = "held_amount"


class Derivation(NamedTuple):
    """The lines that people read, and what they follow from, where it can be computed again."""

    lines: tuple[str, ...]
    told: Explanation | None
    currency: str
    exact: bool
    """Whether the terms add up to the cost."""


@dataclass(frozen=True, slots=True)
class Priced:
    """A usage as far as its price goes: what was used, when, who paid."""

    request: PricingRequest
    path: ChargePath
    entries: int
    """How many entries it has."""
    timestamp_us: int


def explain_entry(prices: Prices, entry: CostEntry, priced: Priced) -> Derivation:
    """Why an entry costs what it does, by what was known when it was written."""
    amount = f"{format_nano(entry.total_cost_nano)} {entry.currency}"
    if entry.kind is EntryKind.ADJUSTMENT:
        lines = [f"adjustment ({entry.price_source}): {amount}"]
        if entry.price_card is not None:
            lines.append(f"to the price of {entry.price_card} {entry.catalogue_version or ''}".rstrip())
        if entry.reason is not None:
            lines.append(f"reason: {entry.reason}")
        return Derivation(tuple(lines), None, entry.currency, exact=True)
    if entry.price_source == HELD_AMOUNT:
        line = f"{amount} was held and no price was known: what was held was charged"
        return Derivation((line,), None, entry.currency, exact=True)
    if entry.price_source == PROVIDER_REPORTED:
        return Derivation((f"{amount} as the provider reported it",), None, entry.currency, exact=True)
    try:
        told = _again(prices.known_at(entry.recorded_at_us), entry, priced)
    except PricingError as error:
        return Derivation((f"{amount}; it cannot be derived: {error}",), None, entry.currency, exact=False)
    exact = told.quote.pricing is Pricing.PRICED and told.quote.total_nano == entry.total_cost_nano
    return Derivation(tuple(_lines(entry, told, exact=exact)), told, entry.currency, exact)


def _again(prices: Prices, entry: CostEntry, priced: Priced) -> Explanation:
    """The derivation of the whole operation, computed anew."""
    pricer = prices.pricer(priced.path.budget_uids)
    request = priced.request
    quote = charge_in(pricer.quote(request), entry.currency, prices.rates, request.at_us)
    return explain(pricer, request, quote)


def _lines(entry: CostEntry, told: Explanation, *, exact: bool) -> Iterator[str]:
    if not exact:
        yield (
            f"booked: {format_nano(entry.total_cost_nano)} {entry.currency} by {entry.price_source} "
            f"{entry.price_card or ''} {entry.catalogue_version or ''}".rstrip()
        )
        yield (
            "the whole operation as it is now, at the prices that were known then:"
            if entry.kind is EntryKind.CONTINUATION or told.quote.catalogue_hash == entry.catalogue_hash
            else "computed again with the price list of this server, which is another version:"
        )
    yield from told.lines()
