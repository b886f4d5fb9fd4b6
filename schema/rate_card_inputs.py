"""What is said about prices: cards, exchange rates, price files, as callers say it."""

from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal as Number

import strawberry

from ledger.access import Principal
from ledger.errors import InvalidInput
from ledger.price_commands import PutExchangeRates, PutPriceFile, PutRateCard
from pricing.calendar import DAY_US, INSTANT_MAX_US, SECOND_US, date_day
from pricing.cards import UNITS, Hours, RateCard, RateLine
from pricing.currency import ExchangeRate, read_ecb
from pricing.modes import Mode
from pricing.money import parse_decimal
from pricing.prices import CONTRACT, OVERRIDE
from pricing.rates import FEE_SCALE
from pricing.resources import type_of
from schema.enums import StepBasis, StepSemantics
from schema.scalars import BigInt, Decimal, InstantText
from schema.words import instant_us

PERCENT_PPM = 10_000
ANY_MODE = "any"
LINES_MAX = 64
STEPS_MAX = 64
ONE = BigInt(1)


@strawberry.input(description="A further price, from a quantity on.")
class RateStepInput:
    """A further price."""

    above: BigInt
    price: Decimal


@strawberry.input(description="What one unit costs: `price` for each `per` units, or a discount.")
class RateLineInput:
    """What one unit costs."""

    unit: str = strawberry.field(
        description="A count (uncached, cache_read, completion …), request, a resource's unit, or * for all."
    )
    price: Decimal | None
    per: BigInt = strawberry.field(default=ONE, description="How many units the price is for: 1000000.")
    discount_percent: Decimal | None = strawberry.field(description="Off the list price.")
    steps: list[RateStepInput] = strawberry.field(default_factory=list)
    semantics: StepSemantics = StepSemantics.GRADUATED
    basis: StepBasis = StepBasis.CALL

    def line(self) -> RateLine:
        """The card's. Raises ``PricingError``, ``InvalidInput``."""
        if len(self.steps) > STEPS_MAX:
            raise InvalidInput(f"{self.unit} has {len(self.steps)} steps; at most {STEPS_MAX}", field="lines")
        discount = self.discount_percent
        return RateLine(
            self.unit,
            None if self.price is None else parse_decimal(self.price, "lines"),
            self.per,
            tuple((each.above, parse_decimal(each.price, "lines")) for each in self.steps),
            self.semantics,
            self.basis,
            None if discount is None else percent_ppm(discount, "lines"),
        )


@strawberry.input(
    description="A dated price, as a contract of a budget and what is below it, or for the whole "
    "organisation. It names what differs from the list price; the rest stays as it is."
)
class RateCardInput:
    """A card, or all of its next version."""

    card_id: strawberry.ID
    model: str = strawberry.field(description="A model's name, a pattern with * and ?, or a resource's unit.")
    lines: list[RateLineInput]
    budget_id: strawberry.ID | None = strawberry.field(
        description="Whose contract it is; without one it holds for the whole organisation."
    )
    provider: str | None = strawberry.field(description="Without one: any.")
    mode: str = strawberry.field(
        default="standard", description="standard, batch, flex, priority, fast; any: all of them."
    )
    currency: str = "USD"
    valid_from: InstantText | None
    valid_to: InstantText | None
    hours_from: str | None = strawberry.field(description="From this time of the day in UTC: 18:00.")
    hours_to: str | None
    fee_percent: Decimal | None = strawberry.field(description="A fee on top of all else.")
    may_raise: bool = strawberry.field(
        default=False, description="Whether a price above the list price is meant; else the list price holds."
    )
    max_input_tokens: BigInt | None
    max_output_tokens: BigInt | None
    reason: str | None

    def card(self) -> RateCard:
        """The card, without what the ledger notes. Raises ``PricingError``, ``InvalidInput``."""
        if len(self.lines) > LINES_MAX:
            raise InvalidInput(f"{len(self.lines)} lines are more than {LINES_MAX}", field="lines")
        lines = tuple(each.line() for each in self.lines)
        for line in lines:
            if line.unit not in UNITS:
                type_of(line.unit, "lines")
        start_us, end_us = (
            instant_us(self.valid_from, "valid_from"),
            instant_us(self.valid_to, "valid_to"),
        )
        return RateCard(
            card_id=self.card_id,
            provider=self.provider,
            model=self.model,
            lines=lines,
            source=OVERRIDE if self.budget_id is None else CONTRACT,
            currency=self.currency,
            mode=None if self.mode.lower() == ANY_MODE else Mode.of(self.mode),
            valid_from_us=0 if start_us is None else start_us,
            valid_to_us=INSTANT_MAX_US if end_us is None else end_us,
            hours=self._hours(),
            fee_ppm=0 if self.fee_percent is None else percent_ppm(self.fee_percent, "fee_percent"),
            may_raise=self.may_raise,
            max_input_tokens=_count(self.max_input_tokens, "max_input_tokens"),
            max_output_tokens=_count(self.max_output_tokens, "max_output_tokens"),
        )

    def _hours(self) -> Hours | None:
        if self.hours_from is None and self.hours_to is None:
            return None
        if self.hours_from is None or self.hours_to is None:
            raise InvalidInput("hours_from and hours_to go together", field="hours_from")
        return Hours(_of_day(self.hours_from, "hours_from"), _of_day(self.hours_to, "hours_to") or DAY_US)

    def command(self, principal: Principal, *, revise: bool) -> PutRateCard:
        """The ledger's command. Raises ``PricingError``, ``LedgerError``."""
        return PutRateCard(
            principal.tenant,
            principal.scope_uid,
            principal.key_id,
            self.card(),
            self.budget_id,
            self.reason,
            revise,
        )


@strawberry.input(description="One `base` was worth `rate` of `quote` on a day.")
class ExchangeRateInput:
    """An exchange rate."""

    base: str
    quote: str
    rate: Decimal
    date: str = strawberry.field(description="2026-11-22; it holds for that day and up to seven after.")
    source: str = "manual"


@strawberry.input(description="Rates one by one, or a table as the European Central Bank publishes it (CSV).")
class AddExchangeRatesInput:
    """Exchange rates."""

    rates: list[ExchangeRateInput] = strawberry.field(default_factory=list)
    ecb_csv: str | None = strawberry.field(description="A column Date and one per currency, per one EUR.")

    def command(self, principal: Principal) -> PutExchangeRates:
        """The ledger's command. Raises ``PricingError``, ``LedgerError``."""
        return PutExchangeRates(principal.tenant, principal.scope_uid, principal.key_id, tuple(self._rates()))

    def _rates(self) -> Iterator[ExchangeRate]:
        for each in self.rates:
            try:
                day = date_day(date.fromisoformat(each.date))
            except ValueError:
                raise InvalidInput(f"date {each.date[:20]!r} is not like 2026-11-22", field="rates") from None
            if not 0 < len(each.source) <= 64:  # noqa: PLR2004 - a name, no text
                raise InvalidInput("source has 1 to 64 characters", field="rates")
            yield ExchangeRate(each.base, each.quote, parse_decimal(each.rate, "rates"), day, each.source)
        if self.ecb_csv is not None:
            yield from read_ecb(self.ecb_csv)


@strawberry.input(
    description="LiteLLM's model_prices_and_context_window.json: prices for what no list knows."
)
class ImportPriceFileInput:
    """A price file."""

    content: str
    version: str = ""

    def command(self, principal: Principal) -> PutPriceFile:
        """The ledger's command. Raises ``LedgerError``."""
        content = self.content.encode()
        return PutPriceFile(
            principal.tenant, principal.scope_uid, principal.key_id, content, self.version[:64]
        )


def percent_ppm(text: Decimal, field: str) -> int:
    """Parts per million of a percentage, exactly. Raises ``PricingError``, ``InvalidInput``."""
    ppm = parse_decimal(text, field) * PERCENT_PPM
    if ppm != ppm.to_integral_value() or not Number(0) <= ppm <= FEE_SCALE:
        raise InvalidInput(f"{text} % must be 0 to 100 with at most four decimals", field=field)
    return int(ppm)


def _of_day(text: str, field: str) -> int:
    """Microseconds since midnight."""
    if text == "24:00":
        return 0
    try:
        at = time.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{field} {text[:20]!r} is not a time like 18:00", field=field) from None
    if at.tzinfo is not None:
        raise InvalidInput(f"{field} is a time in UTC, without an offset", field=field)
    return ((at.hour * 60 + at.minute) * 60 + at.second) * SECOND_US + at.microsecond


def _count(count: int | None, field: str) -> int | None:
    if count is not None and not 0 < count <= 10**12:
        raise InvalidInput(f"{field} ({count}) must be 1 to 10^12", field=field)
    return count
