"""What callers say about reservations. Resolvers get the ledger's words, unchecked, as for usage."""

import strawberry

from schema.recording import RecordUsageInput, hand_over_words
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


hand_over_words(ReserveInput)
hand_over_words(ExtendInput)
