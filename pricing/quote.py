"""What one operation costs, and which price says so.

A :class:`Pricer` asks its sources in order; the first that knows the model gives the card. A cost that the
provider reports itself wins over every card, zero included: then the total is that amount, and the card only
says how it divides (in proportion to the card's components; all of it is "other" where no card knows the
operation, because nobody said that it was for the prompt or for the completion).

An operation that used nothing (a call that failed at once) costs nothing, whatever its model.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, cast

from pricing.errors import InvalidAmount
from pricing.modes import Mode
from pricing.money import NANO_MAX, check_range, round_ratio, validate_currency
from pricing.ports import RateSource
from pricing.rates import Card, Costs
from pricing.units import NO_COUNTS, Resource, TokenCounts

# What a NamedTuple's own constructor calls, in half its time: this is the hot path.
_new: Callable[[type["Quote"], tuple[Any, ...]], "Quote"] = cast("Any", tuple).__new__
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
    MODE_NOT_PRICED = "MODE_NOT_PRICED"
    """The model is known, but not what it costs in that processing mode."""
    MONTH_UNKNOWN = "MONTH_UNKNOWN"
    """The price depends on what the month has used, and nobody said how much that is."""
    NO_RATE = "NO_RATE"
    """The cost is known in another currency than the budgets', and no exchange rate is."""


class MonthToDate(NamedTuple):
    """What a calendar month has used so far, in the scope that a free allowance or a monthly tier counts."""

    counts: TokenCounts = NO_COUNTS
    quantity_nano: int = 0
    """Of the resource that is to be priced."""


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
    mode: Mode = Mode.STANDARD
    month: MonthToDate | None = None
    """What the month had used before, for prices that depend on it."""


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
    mode: Mode = Mode.STANDARD
    list_nano: int | None = None
    """What it costs without the customer's contract, in the same currency; None where nothing differs."""
    fx_rate: str | None = None
    """How much of ``currency`` one ``fx_from`` was worth, where the card is in another currency."""
    fx_date: str | None = None
    fx_source: str | None = None
    fx_from: str | None = None

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
        at_us, provider, name, counts, reported_nano, _, resource, mode, _ = request
        if reported_nano is not None:
            return self._reported(request, reported_nano)
        if resource is not None:
            return self._resource(request, resource)
        if not any(counts):
            return Quote(Pricing.PRICED)
        card = None if name is None else self._find(provider, name, at_us, mode)
        if card is None:
            return Quote(Pricing.UNPRICED, reason=self._why(request, name))
        if card.listed is not None or card.stepped:
            return _contracted(card, request) or self._elsewhere(request, card)
        costs = card.costs(counts)
        return self._elsewhere(request, card) if costs is None else _priced(card, costs)

    def card(self, request: PricingRequest) -> Card | None:
        """The card that prices a request, of whichever source knows it first."""
        return next(self.cards(request), None)

    def cards(self, request: PricingRequest) -> Iterator[Card]:
        """Every source's card for a request, in the order of the sources."""
        name = request.model_id if request.resource is None else request.resource.unit
        for source in self._sources:
            card = None if name is None else source.find(request.provider, name, request.at_us)
            card = None if card is None else card.in_mode(request.mode)
            if card is not None:
                yield card

    def _resource(self, request: PricingRequest, resource: Resource) -> Quote:
        card = self._find(request.provider, resource.unit, request.at_us, request.mode)
        if card is None:
            return Quote(Pricing.UNPRICED, reason=self._why(request, resource.unit))
        if card.monthly and request.month is None:
            return _unpriced(card, Reason.MONTH_UNKNOWN)
        before_nano = 0 if request.month is None else request.month.quantity_nano
        costs = card.resource_cost(resource.quantity_nano, before_nano)
        if costs is None:
            return _unpriced(card, Reason.UNIT_NOT_PRICED)
        listed = card.listed and card.listed.resource_cost(resource.quantity_nano, before_nano)
        return _priced(card, costs, listed)

    def _find(self, provider: str | None, name: str, at_us: int, mode: Mode) -> Card | None:
        for source in self._sources:
            card = source.find(provider, name, at_us)
            if card is not None and card.mode is not mode:
                card = card.in_mode(mode)
            if card is not None:
                return card
        return None

    def _elsewhere(self, request: PricingRequest, card: Card) -> Quote:
        """The quote of a later source that prices all that was used; the first card does not."""
        for other in self.cards(request):
            if other is not card and not other.monthly:
                quote = _contracted(other, request)
                if quote is not None:
                    return quote
        return _unpriced(card, Reason.UNIT_NOT_PRICED)

    def _why(self, request: PricingRequest, name: str | None) -> Reason:
        """Why there is no card."""
        if name is not None and request.mode is not Mode.STANDARD:
            sources = self._sources
            if any(s.find(request.provider, name, request.at_us) is not None for s in sources):
                return Reason.MODE_NOT_PRICED
        return Reason.UNKNOWN_MODEL if request.resource is None else Reason.UNIT_NOT_PRICED

    def _reported(self, request: PricingRequest, total_nano: int) -> Quote:
        if total_nano < 0:
            raise InvalidAmount("provider_cost is negative; a refund is an adjustment", "provider_cost")
        check_range(total_nano, "provider_cost")
        validate_currency(request.provider_cost_currency, "provider_cost_currency")
        card = self.card(request)
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


def _contracted(card: Card, request: PricingRequest) -> Quote | None:
    """A card with a list price beside it, or with steps."""
    if card.monthly and request.month is None:
        return _unpriced(card, Reason.MONTH_UNKNOWN)
    before = NO_COUNTS if request.month is None else request.month.counts
    costs = card.costs(request.counts, before)
    if costs is None:
        return None
    return _priced(card, costs, None if card.listed is None else card.listed.costs(request.counts, before))


def _priced(card: Card, costs: Costs, listed: Costs | None = None) -> Quote:
    prompt_nano, completion_nano, other_nano = costs
    total_nano = prompt_nano + completion_nano + other_nano
    if total_nano > NANO_MAX:
        check_range(total_nano, "total_cost")
    return _new(Quote, (
        Pricing.PRICED, card.currency, prompt_nano, completion_nano, other_nano, total_nano, None,
        card.source, card.key, card.valid_from, card.version, card.content_hash, card.mode,
        None if listed is None else check_range(sum(listed), "list_cost"), None, None, None, None,
    ))  # fmt: skip


def _unpriced(card: Card, reason: Reason) -> Quote:
    return Quote(
        Pricing.UNPRICED,
        reason=reason,
        price_card=card.key,
        catalogue_version=card.version,
        catalogue_hash=card.content_hash,
        mode=card.mode,
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
