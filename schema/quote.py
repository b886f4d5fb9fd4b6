"""What something would cost."""

from typing import Self

import strawberry

from ledger.explain import Derivation
from pricing import explain, quote
from schema.enums import Pricing, ProcessingMode
from schema.explanation import Explanation
from schema.recording import UNSAID, hand_over_words
from schema.scalars import JSON, BigInt, Decimal, InstantText
from schema.words import money, optional_money


@strawberry.type(description="What something would cost. Nothing is recorded or held.")
class Quote:
    """What something would cost."""

    pricing: Pricing
    reason: str | None = strawberry.field(description="Why there is no price.")
    currency: str
    prompt_cost: Decimal
    completion_cost: Decimal
    other_cost: Decimal
    total_cost: Decimal
    list_cost: Decimal | None
    mode: ProcessingMode
    price_source: str | None
    price_card: str | None
    price_date: str | None
    catalogue_version: str | None
    catalogue_hash: str | None
    fx_from: str | None
    fx_rate: str | None
    fx_date: str | None
    fx_source: str | None
    explanation: Explanation

    @classmethod
    def of(cls, told: explain.Explanation) -> Self:
        """From the derivation of a quote."""
        row: quote.Quote = told.quote
        return cls(
            pricing=row.pricing,
            reason=None if row.reason is None else row.reason.value,
            currency=row.currency,
            prompt_cost=money(row.prompt_nano),
            completion_cost=money(row.completion_nano),
            other_cost=money(row.other_nano),
            total_cost=money(row.total_nano),
            list_cost=optional_money(row.list_nano),
            mode=row.mode,
            price_source=row.price_source,
            price_card=row.price_card,
            price_date=row.price_date,
            catalogue_version=row.catalogue_version,
            catalogue_hash=row.catalogue_hash,
            fx_from=row.fx_from,
            fx_rate=row.fx_rate,
            fx_date=row.fx_date,
            fx_source=row.fx_source,
            explanation=Explanation.of(Derivation(tuple(told.lines()), told, row.currency, exact=True)),
        )


@strawberry.input(description="An operation that might be: the words of recordUsage, as far as they price.")
class QuoteInput:
    """An operation that might be."""

    provider: str | None
    model_id: str | None
    budget_id: strawberry.ID | None = strawberry.field(
        description="Who would pay: its contracts and its currency. Without one: the organisation's prices."
    )
    at: InstantText | None = strawberry.field(description="When; now if left out.")
    currency: str | None = strawberry.field(description="To show it in, at the rate of that day.")
    prompt_tokens: BigInt = UNSAID
    completion_tokens: BigInt = UNSAID
    cache_read_tokens: BigInt = UNSAID
    cache_write_tokens: BigInt = UNSAID
    cache_write_1h_tokens: BigInt = UNSAID
    reasoning_tokens: BigInt = UNSAID
    audio_input_tokens: BigInt = UNSAID
    audio_output_tokens: BigInt = UNSAID
    audio_cache_read_tokens: BigInt = UNSAID
    image_input_tokens: BigInt = UNSAID
    image_output_tokens: BigInt = UNSAID
    video_input_tokens: BigInt = UNSAID
    video_output_tokens: BigInt = UNSAID
    web_searches: BigInt = UNSAID
    pages: BigInt = UNSAID
    milliseconds: BigInt = UNSAID
    characters: BigInt = UNSAID
    requests: BigInt = UNSAID
    mode: str | None
    provider_usage: JSON | None
    provider_family: str | None


hand_over_words(QuoteInput)
