"""Rate cards, exchange rates and price files as they are shown."""

from datetime import UTC, datetime
from typing import Self

import strawberry

from ledger.model import id_of
from ledger.results import RatesTaken
from pricing.calendar import DAY_US, INSTANT_MAX_US, day_date
from pricing.cards import RateLine as Line
from pricing.currency import ExchangeRate as Rate
from pricing.prices import GivenRates, Revision
from pricing.prices import PriceFile as File
from schema.enums import ProcessingMode, StepBasis, StepSemantics
from schema.page import PageInfo
from schema.rate_card_inputs import PERCENT_PPM
from schema.scalars import BigInt, DateTime, Decimal
from schema.words import optional_id


@strawberry.type(description="A further price, from a quantity on.")
class RateStep:
    """A further price."""

    above: BigInt
    price: Decimal


@strawberry.type(description="What one unit costs: `price` for each `per` units, or a discount.")
class RateLine:
    """What one unit costs."""

    unit: str
    price: Decimal | None
    per: BigInt
    discount_percent: Decimal | None
    steps: list[RateStep]
    semantics: StepSemantics
    basis: StepBasis

    @classmethod
    def of(cls, row: Line) -> Self:
        """From the card's."""
        return cls(
            unit=row.unit,
            price=None if row.price is None else Decimal(f"{row.price:f}"),
            per=BigInt(row.per),
            discount_percent=None if row.discount_ppm is None else percent(row.discount_ppm),
            steps=[RateStep(above=BigInt(above), price=Decimal(f"{price:f}")) for above, price in row.steps],
            semantics=row.semantics,
            basis=row.basis,
        )


@strawberry.type(description="One version of a rate card. None is ever changed: a change is another version.")
class RateCard:
    """One version of a rate card."""

    card_id: strawberry.ID
    version: int = strawberry.field(description="From 1.")
    budget_id: strawberry.ID | None = strawberry.field(
        description="Whose contract it is; null: it holds for the whole organisation."
    )
    provider: str | None
    model: str
    mode: ProcessingMode | None = strawberry.field(description="Null: every mode.")
    currency: str
    valid_from: DateTime | None
    valid_to: DateTime | None
    hours_from: str | None
    hours_to: str | None
    fee_percent: Decimal
    may_raise: bool
    max_input_tokens: BigInt | None
    max_output_tokens: BigInt | None
    lines: list[RateLine]
    withdrawn: bool = strawberry.field(description="Whether it holds no more from this version on.")
    author: str | None = strawberry.field(
        description="The id of the key that wrote this version; a confined key does not see it."
    )
    recorded_at: DateTime
    reason: str | None

    @classmethod
    def of(cls, row: Revision, *, authors: bool = True) -> Self:
        """From the ledger's."""
        card = row.card
        return cls(
            card_id=strawberry.ID(card.card_id),
            version=row.number,
            budget_id=optional_id(None if row.budget_uid is None else id_of(row.budget_uid)),
            provider=card.provider,
            model=card.model,
            mode=card.mode,
            currency=card.currency,
            valid_from=DateTime(card.valid_from_us) if card.valid_from_us else None,
            valid_to=DateTime(card.valid_to_us) if card.valid_to_us < INSTANT_MAX_US else None,
            hours_from=None if card.hours is None else _time(card.hours.from_us),
            hours_to=None if card.hours is None else _time(card.hours.to_us),
            fee_percent=percent(card.fee_ppm),
            may_raise=card.may_raise,
            max_input_tokens=None if card.max_input_tokens is None else BigInt(card.max_input_tokens),
            max_output_tokens=None if card.max_output_tokens is None else BigInt(card.max_output_tokens),
            lines=[RateLine.of(line) for line in card.lines],
            withdrawn=row.withdrawn,
            author=card.author if authors else None,
            recorded_at=DateTime(card.recorded_at_us),
            reason=row.reason,
        )


@strawberry.type(description="A page of rate cards, by id; of one card: its versions, the newest first.")
class RateCardConnection:
    """A page of rate cards."""

    nodes: list[RateCard]
    page_info: PageInfo


@strawberry.type(description="One `base` was worth `rate` of `quote` on a day.")
class ExchangeRate:
    """An exchange rate."""

    base: str
    quote: str
    rate: Decimal
    date: str
    source: str
    author: str | None
    recorded_at: DateTime

    @classmethod
    def of(cls, given: GivenRates, row: Rate, *, authors: bool = True) -> Self:
        """From the ledger's."""
        return cls(
            base=row.base,
            quote=row.quote,
            rate=Decimal(f"{row.rate:f}"),
            date=day_date(row.day).isoformat(),
            source=row.source,
            author=given.author if authors else None,
            recorded_at=DateTime(given.recorded_at_us),
        )


@strawberry.type(description="A page of exchange rates, the last given first.")
class ExchangeRateConnection:
    """A page of exchange rates."""

    nodes: list[ExchangeRate]
    page_info: PageInfo


@strawberry.type(description="How many exchange rates are new, and how many were known already.")
class AddedExchangeRates:
    """What became of exchange rates."""

    new: int
    known: int

    @classmethod
    def of(cls, row: RatesTaken) -> Self:
        """From the ledger's."""
        return cls(new=row.new, known=row.known)


@strawberry.type(description="An imported file of prices. The last one holds, for models that no list knows.")
class PriceFile:
    """An imported file of prices."""

    number: int
    kind: str
    version: str
    content_hash: str = strawberry.field(description="SHA-256, in hex.")
    author: str | None
    recorded_at: DateTime
    reason: str | None

    @classmethod
    def of(cls, row: File) -> Self:
        """From the ledger's."""
        return cls(
            number=row.number,
            kind=row.kind,
            version=row.version,
            content_hash=row.content_hash,
            author=row.author,
            recorded_at=DateTime(row.recorded_at_us),
            reason=row.reason,
        )


def percent(ppm: int) -> Decimal:
    """Parts per million as a percentage."""
    whole, part = divmod(ppm, PERCENT_PPM)
    return Decimal(f"{whole}.{part:04d}".rstrip("0").rstrip("."))


def _time(of_day_us: int) -> str:
    if of_day_us == DAY_US:
        return "24:00"
    return datetime.fromtimestamp(of_day_us / 1_000_000, UTC).time().isoformat("auto")
