"""Why a quote is what it is: every quantity at its rate, each rounding, and the card that each comes from.

The explanation is computed apart from the quote, exactly, and adds up to it to the nano-unit:

    component_nano = Σ quantity · rate + rounding        total_nano = Σ components

With a rate of exchange, each component is converted and rounded once more.
"""

from collections.abc import Iterator
from decimal import Context, Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final, NamedTuple

from pricing.modes import Mode
from pricing.money import NANO, format_nano, round_ratio
from pricing.quote import PROVIDER_REPORTED, Pricer, PricingRequest, Quote
from pricing.rates import REQUEST, Card, Origin, component_of
from pricing.steps import Steps
from pricing.units import COUNT_NAMES, NO_COUNTS, TokenCounts


class Component(StrEnum):
    """The parts of a cost."""

    PROMPT = "prompt"
    COMPLETION = "completion"
    OTHER = "other"


_COMPONENTS: Final = tuple(Component)
_PER: Final = {"milliseconds": 1000, REQUEST: 1, "pages": 1, "web_searches": 1}
_RESOURCE_STEP: Final = NANO
_SHOWN: Final = Context(prec=20)
FEE: Final = "fee"


class Term(NamedTuple):
    """A quantity at a rate."""

    component: Component
    unit: str
    quantity: Fraction
    """How many; of a resource, in its own unit."""
    rate: Fraction
    """Nano-units per one."""
    exact_nano: Fraction
    """Their product."""
    origin: Origin
    list_rate: Fraction | None = None
    """Without the contract, where there is one and the list has a rate."""
    step: int | None = None
    """Which step of the unit's rates, from 0, where they have steps."""

    @property
    def per(self) -> int:
        """How many of the unit people name the price of: a million tokens, one page, one second."""
        if self.component is Component.OTHER and self.unit not in COUNT_NAMES:
            return 1
        return _PER.get(self.unit, 10**6)

    @property
    def price(self) -> Decimal:
        """Money for ``per`` of the unit; at most 20 digits, where it has no end."""
        return shown(self.rate * self.per / NANO)

    @property
    def list_price(self) -> Decimal | None:
        """The same of the list."""
        return None if self.list_rate is None else shown(self.list_rate * self.per / NANO)


class Rounding(NamedTuple):
    """What rounding half to even did to a component."""

    component: Component
    exact_nano: Fraction
    rounded_nano: int

    @property
    def difference_nano(self) -> Fraction:
        """What was added, at most half a nano-unit either way."""
        return self.rounded_nano - self.exact_nano


class Explanation(NamedTuple):
    """A quote with all that it follows from. ``total_nano`` is the quote's."""

    quote: Quote
    terms: tuple[Term, ...]
    roundings: tuple[Rounding, ...]
    fee_ppm: int
    fee_nano: int
    tier: int
    """Which tier of prompt lengths, from 0."""
    tier_above: int | None
    """The prompt tokens above which that tier begins; None in the first."""
    mode: Mode
    currency: str
    """Of the terms; the quote's own currency may be another."""
    lacking: tuple[str, ...]
    """Units that were used and have no rate: why it is UNPRICED."""

    @property
    def total_nano(self) -> int:
        """The sum of the rounded components and the fee, in the currency of the terms."""
        return sum(each.rounded_nano for each in self.roundings) + self.fee_nano

    def lines(self) -> Iterator[str]:
        """The derivation as people read it."""
        yield from _lines(self)


def explain(pricer: Pricer, request: PricingRequest, quote: Quote | None = None) -> Explanation:
    """Why a request costs what the pricer says, or what ``quote`` (its conversion) says.

    Raises a ``PricingError`` where quoting does.
    """
    if quote is None:
        quote = pricer.quote(request)
    card = _card_of(pricer, request, quote)
    if quote.price_source == PROVIDER_REPORTED or card is None:
        return _unexplained(quote)
    terms = tuple(_terms(card, request))
    counted = request.counts if request.resource is None else NO_COUNTS
    lacking = tuple(COUNT_NAMES[p] for p in card.tiers[card.tier_of(counted)].unpriced if counted[p])
    if quote.reason is not None and quote.price_source is None:
        return _unexplained(quote, lacking)
    roundings: list[Rounding] = []
    for component in _COMPONENTS:
        exact = sum((term.exact_nano for term in terms if term.component is component), Fraction(0))
        roundings.append(Rounding(component, exact, round_ratio(exact.numerator, exact.denominator)))
    tier = card.tier_of(counted)
    return Explanation(
        quote,
        terms,
        tuple(roundings),
        card.fee_ppm,
        card.fee_nano(sum(each.rounded_nano for each in roundings)),
        tier,
        card.starts[tier - 1] if tier else None,
        card.mode,
        card.currency,
        (),
    )


def _card_of(pricer: Pricer, request: PricingRequest, quote: Quote) -> Card | None:
    """The card that made the quote: of whichever source it was."""
    return next((card for card in pricer.cards(request) if card.key == quote.price_card), None)


def _unexplained(quote: Quote, lacking: tuple[str, ...] = ()) -> Explanation:
    """What has no derivation: a provider's own figure, nothing used, no price."""
    amounts = zip(_COMPONENTS, (quote.prompt_nano, quote.completion_nano, quote.other_nano), strict=True)
    roundings = tuple(Rounding(component, Fraction(nano), nano) for component, nano in amounts)
    return Explanation(quote, (), roundings, 0, 0, 0, None, quote.mode, quote.currency, lacking)


def _terms(card: Card, request: PricingRequest) -> Iterator[Term]:
    if request.resource is not None:
        if card.resource is not None:
            before_nano = 0 if request.month is None else request.month.quantity_nano
            yield from _resource_terms(card, request.resource.quantity_nano, before_nano)
        return
    counts = request.counts
    before = NO_COUNTS if request.month is None else request.month.counts
    rates = card.tiers[card.tier_of(counts)].rates()
    listed = {} if card.listed is None else card.listed.tiers[card.listed.tier_of(counts)].rates()
    stepped = dict(card.stepped)
    for position, unit in enumerate(COUNT_NAMES[:-1]):
        if not counts[position]:
            continue
        component = _COMPONENTS[component_of(position)]
        if position in stepped:
            yield from _stepped(stepped[position], counts, before, position, card.origin_of(unit))
        elif unit in rates:
            quantity, rate = Fraction(counts[position]), rates[unit]
            origin = card.origin_of(unit)
            yield Term(component, unit, quantity, rate, quantity * rate, origin, listed.get(unit))
    if rates.get(REQUEST):
        quantity, rate = Fraction(counts.requests or 1), rates[REQUEST]
        origin = card.origin_of(REQUEST)
        yield Term(Component.OTHER, REQUEST, quantity, rate, quantity * rate, origin, listed.get(REQUEST))


def _stepped(
    steps: Steps, counts: TokenCounts, before: TokenCounts, position: int, origin: Origin
) -> Iterator[Term]:
    component, unit = _COMPONENTS[component_of(position)], COUNT_NAMES[position]
    for part in steps.parts(counts[position], before[position]):
        quantity = Fraction(part.quantity)
        yield Term(component, unit, quantity, part.rate, quantity * part.rate, origin, None, part.step)


def _resource_terms(card: Card, quantity_nano: int, before_nano: int) -> Iterator[Term]:
    if card.resource is None:
        return
    unit, steps = card.resource
    for part in steps.parts(quantity_nano, before_nano):
        yield Term(
            Component.OTHER,
            unit,
            Fraction(part.quantity, _RESOURCE_STEP),
            part.rate * _RESOURCE_STEP,
            part.quantity * part.rate,
            card.origin_of(unit),
            None,
            part.step if len(steps.edges) > 1 else None,
        )


def _lines(told: Explanation) -> Iterator[str]:
    quote = told.quote
    if quote.reason is not None:
        yield f"unpriced: {quote.reason}" + (f" ({', '.join(told.lacking)})" if told.lacking else "")
    elif quote.price_source == PROVIDER_REPORTED:
        yield f"{format_nano(quote.total_nano)} {quote.currency} as the provider reported it"
    else:
        for term in told.terms:
            yield _line_of(term, told.currency)
        yield from _conditions(told)
        yield f"total: {format_nano(told.total_nano)} {told.currency}"
        yield from _provenance(quote)


def _conditions(told: Explanation) -> Iterator[str]:
    """What changes the terms' sum, or chose their rates."""
    if told.tier_above is not None:
        yield f"tier {told.tier + 1}: prompts above {told.tier_above:,} tokens"
    if told.mode is not Mode.STANDARD:
        yield f"processing mode: {told.mode}"
    for rounding in told.roundings:
        if rounding.difference_nano:
            rounded = format_nano(rounding.rounded_nano)
            yield f"{rounding.component}: rounded from {_exact(rounding.exact_nano)} to {rounded}"
    if told.fee_ppm:
        yield f"fee: {shown(Fraction(told.fee_ppm, 10**4)):f} % = {format_nano(told.fee_nano)}"


def _provenance(quote: Quote) -> Iterator[str]:
    if quote.fx_rate is not None:
        yield (
            f"at {quote.fx_rate} {quote.currency} per {quote.fx_from} of {quote.fx_date} "
            f"({quote.fx_source}): {format_nano(quote.total_nano)} {quote.currency}"
        )
    if quote.catalogue_version:
        yield f"prices: {quote.price_source} {quote.catalogue_version} {quote.catalogue_hash or ''}".rstrip()


def _line_of(term: Term, currency: str) -> str:
    step = "" if term.step is None else f", step {term.step + 1}"
    listed = "" if term.list_price is None else f" (list {term.list_price:f})"
    dated = "" if term.origin.valid_from is None else f" of {term.origin.valid_from}"
    return (
        f"{term.component}: {shown(term.quantity):f} {term.unit} at {term.price:f} {currency} "
        f"per {term.per:,}{listed}{step} = {_exact(term.exact_nano)} "
        f"[{term.origin.source} {term.origin.card}{dated}]"
    )


def _exact(nano: Fraction) -> str:
    return f"{shown(nano / NANO):f}"


def shown(value: Fraction) -> Decimal:
    """An exact number in at most 20 digits."""
    return _SHOWN.divide(Decimal(value.numerator), Decimal(value.denominator)).normalize(_SHOWN)
