"""What one operation costs, and which price says so.

A :class:`Pricer` asks its sources in order; the first that knows the model gives the card. A cost that the
provider reports itself wins over every card, zero included: then the total is that amount, and the card only
says how it divides (in proportion to the card's components; all of it is "other" where no card knows the
operation, because nobody said that it was for the prompt or for the completion).

An operation that used nothing (a call that failed at once) costs nothing, whatever its model.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from pricing.errors import InvalidAmount
from pricing.money import check_range, round_ratio, validate_currency
from pricing.ports import RateSource
from pricing.rates import Card, Costs
from pricing.units import NO_COUNTS, Resource, TokenCounts

PROVIDER_REPORTED = "provider_reported"


class Pricing(StrEnum):
    """Whether an operation has a cost yet."""

    PRICED = "PRICED"
    UNPRICED = "UNPRICED"
    ESTIMATED = "ESTIMATED"


class Reason(StrEnum):
    """Why an operation has no price."""

    UNKNOWN_MODEL = "UNKNOWN_MODEL"
    """No source knows the provider and model, or the model was not named."""
    UNIT_NOT_PRICED = "UNIT_NOT_PRICED"
    """The model is known, but something that was used has no rate."""
    NO_RATE = "NO_RATE"
    """The cost is known in another currency than the budgets', and no exchange rate is."""


class PricingRequest(NamedTuple):
    """One operation to price."""

    at_us: int
    """When it happened: the price that was valid then is taken."""
    provider: str | None = None
    model_id: str | None = None
    counts: TokenCounts = NO_COUNTS
    provider_cost_nano: int | None = None
    """What the provider says it charged, from 0; None where it says nothing."""
    provider_cost_currency: str = "USD"
    resource: Resource | None = None


class Quote(NamedTuple):
    """The cost of one operation in nano-units, ``total_nano`` = the sum of the three, with its provenance.

    Where ``pricing`` is UNPRICED the amounts are 0 and say nothing, and ``reason`` says why.
    """

    pricing: Pricing
    currency: str = "USD"
    prompt_nano: int = 0
    completion_nano: int = 0
    other_nano: int = 0
    total_nano: int = 0
    reason: Reason | None = None
    price_source: str | None = None
    """``catalogue``, ``provider_reported``; None where nothing was used or nothing is known."""
    price_card: str | None = None
    """``provider/model`` in the source's words."""
    price_date: str | None = None
    """ISO date from which that price was valid; None where the source gives none."""
    catalogue_version: str | None = None
    catalogue_hash: str | None = None

    def charged_in(self, currency: str) -> "Quote":
        """This cost for a budget tree of that currency: UNPRICED (NO_RATE) where it is another one.

        Zero is zero in every currency.
        """
        if currency == self.currency:
            return self
        if not self.total_nano:
            return self._replace(currency=currency)
        return self._replace(
            pricing=Pricing.UNPRICED,
            currency=currency,
            prompt_nano=0,
            completion_nano=0,
            other_nano=0,
            total_nano=0,
            reason=Reason.NO_RATE,
        )


class Pricer:
    """Prices operations by a chain of sources, most specific first."""

    def __init__(self, sources: Sequence[RateSource]) -> None:
        self._sources = tuple(sources)

    def quote(self, request: PricingRequest) -> Quote:
        """The cost of one operation; raises a ``PricingError`` for amounts and instants that cannot be."""
        if request.provider_cost_nano is not None:
            return self._reported(request, request.provider_cost_nano)
        if request.resource is not None:
            return Quote(Pricing.UNPRICED, reason=Reason.UNIT_NOT_PRICED)
        if not any(request.counts):
            return Quote(Pricing.PRICED)
        card = self._card(request)
        if card is None:
            return Quote(Pricing.UNPRICED, reason=Reason.UNKNOWN_MODEL)
        costs = card.costs(request.counts)
        if costs is None:
            return Quote(
                Pricing.UNPRICED,
                reason=Reason.UNIT_NOT_PRICED,
                price_card=card.key,
                catalogue_version=card.version,
                catalogue_hash=card.content_hash,
            )
        prompt_nano, completion_nano, other_nano = costs
        return Quote(
            Pricing.PRICED,
            card.currency,
            prompt_nano,
            completion_nano,
            other_nano,
            check_range(prompt_nano + completion_nano + other_nano, "total_cost"),
            None,
            card.source,
            card.key,
            card.valid_from,
            card.version,
            card.content_hash,
        )

    def _card(self, request: PricingRequest) -> Card | None:
        if request.model_id is None:
            return None
        for source in self._sources:
            card = source.find(request.provider, request.model_id, request.at_us)
            if card is not None:
                return card
        return None

    def _reported(self, request: PricingRequest, total_nano: int) -> Quote:
        if total_nano < 0:
            raise InvalidAmount("provider_cost is negative; a refund is an adjustment", "provider_cost")
        check_range(total_nano, "provider_cost")
        validate_currency(request.provider_cost_currency, "provider_cost_currency")
        card = self._card(request)
        prompt_nano, completion_nano, other_nano = _divide(total_nano, card and card.costs(request.counts))
        return Quote(
            Pricing.PRICED,
            request.provider_cost_currency,
            prompt_nano,
            completion_nano,
            other_nano,
            total_nano,
            price_source=PROVIDER_REPORTED,
        )


def _divide(total_nano: int, shares: Costs | None) -> Costs:
    """``total_nano`` in proportion to ``shares``, exactly: what two roundings leave is the third."""
    whole = sum(shares) if shares else 0
    if not shares or not whole:
        return Costs(0, 0, total_nano)
    prompt_nano = round_ratio(total_nano * shares.prompt_nano, whole)
    rest = whole - shares.prompt_nano
    left = total_nano - prompt_nano
    completion_nano = round_ratio(left * shares.completion_nano, rest) if rest else 0
    return Costs(prompt_nano, completion_nano, left - completion_nano)
