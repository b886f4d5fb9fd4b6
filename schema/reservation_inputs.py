"""What callers say about reservations. Resolvers get the ledger's words, unchecked, as for usage."""

from typing import Any

import strawberry

from schema.recording import UNSAID, RecordUsageInput, hand_over_words
from schema.scalars import JSON, BigInt, Decimal

ONE = BigInt(1)
NO_BYTES = BigInt(0)


@strawberry.input(
    description="What is to be held: `amount`, else the prompt and maxCompletionTokens at today's price, "
    "else the prompt and the model's longest answer. Repeat it at will with the same idempotencyKey."
)
class ReserveInput:
    """A reservation as asked for: the words of ``ledger.reservations.ReserveInput``."""

    idempotency_key: strawberry.ID
    agent_id: strawberry.ID
    budget_id: strawberry.ID | None
    provider: str | None
    model_id: str | None
    prompt_tokens: BigInt | None
    max_completion_tokens: BigInt | None
    amount: Decimal | None
    ttl_seconds: int = strawberry.field(
        default=300, description="When it expires unless it is extended; 1 to 86400."
    )
    user_id: strawberry.ID | None
    dry_run: bool = strawberry.field(default=False, description="Answer without holding anything.")
    resource: str = strawberry.field(
        default="agents", description="What limits on LEVEL count while this is held."
    )
    quantity: BigInt = strawberry.field(default=ONE, description="How many of the resource are held.")
    requests: BigInt = strawberry.field(
        default=ONE, description="How many operations it is for: a lease may be spent by many."
    )
    size_bytes: BigInt = strawberry.field(
        default=NO_BYTES, description="The size of its largest file, for limits on SIZE."
    )
    tags: JSON | None = strawberry.field(
        description="What TEAM and CUSTOM budgets match; settled usage is charged where these tags said.",
    )
    parent_operation_id: strawberry.ID | None = strawberry.field(
        description="The operation that delegates it: its budget pays where budgetId names none."
    )


@strawberry.input(
    description="Hold for longer from now on, perhaps more. Past the end of a window it is admitted anew."
)
class ExtendInput:
    """An extension as asked for: the words of ``ledger.reservations.ExtendInput``."""

    reservation_id: strawberry.ID
    idempotency_key: strawberry.ID
    ttl_seconds: int = 300
    add_amount: Decimal | None


@strawberry.input(
    description="Usage to charge to what is held. `final` gives the rest back; else the rest stays held, and "
    "an operation may grow: its counts are cumulative."
)
class SettleInput:
    """A settlement as asked for."""

    reservation_id: strawberry.ID
    usages: list[RecordUsageInput]
    final: bool = True


@strawberry.input(
    description="What was used in the end, by the provider's word: it replaces the running count of a stream."
)
class StreamUsageInput:
    """A stream's final usage: words of ``ledger.usage.UsageInput``."""

    prompt_tokens: BigInt | None = strawberry.field(description="Without it: those that were reserved.")
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
    provider_usage: JSON | None = strawberry.field(
        description="The provider's own usage object, or the answer that holds it, instead of counts."
    )
    provider_family: str | None
    provider_cost: Decimal | None
    provider_cost_currency: str | None


@strawberry.input(
    description="A chunk of a stream, in completion tokens: totalTokens so far, else this chunk's "
    "tokenCount. Without either it only asks what to do. usage is the end."
)
class StreamInput:
    """A chunk as reported: the words of ``ledger.reservations.StreamInput``."""

    reservation_id: strawberry.ID
    model: str
    provider: str
    token_count: BigInt | None = strawberry.field(
        description="This chunk's completion tokens: they are added each time, unless chunk numbers it."
    )
    total_tokens: BigInt | None = strawberry.field(
        description="The stream's completion tokens so far; repeats and late ones change nothing."
    )
    processing_time_ms: BigInt | None
    chunk: BigInt | None = strawberry.field(
        description="The chunk's number within the stream: its tokenCount is counted once."
    )
    operation_id: strawberry.ID | None = strawberry.field(
        description="The operation that the stream is billed as; without it stream/RESERVATION_ID."
    )
    capability_type: str = "stream"
    session_id: strawberry.ID | None
    parent_operation_id: strawberry.ID | None
    usage: StreamUsageInput | None = strawberry.field(
        description="The provider's final usage: it replaces the running count, and ends the stream."
    )
    final: bool = strawberry.field(
        default=False, description="Ends the stream as it was counted, and gives back the rest."
    )

    def words(self) -> dict[str, Any]:
        """The ledger's words, without what was not said."""
        return {name: said for name, said in vars(self).items() if said is not None}


hand_over_words(StreamUsageInput)
hand_over_words(ReserveInput)
hand_over_words(ExtendInput)
