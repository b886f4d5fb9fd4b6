"""What a call will cost before it is made, and how many tokens it will have."""

from typing import Self

import strawberry

from pricing import estimate, tokens
from pricing.quote import Pricing as Priced
from schema.enums import EstimateMethod, Pricing
from schema.rate_card import percent
from schema.recording import hand_over_words
from schema.scalars import BigInt, Decimal
from schema.words import money


@strawberry.type(
    description="So many tokens, how sure that is, and within which interval they may lie: of an agent's own "
    "answers the median, and what 10 % and 90 % of them stay below."
)
class TokenEstimate:
    """So many tokens."""

    token_count: BigInt
    confidence: float = strawberry.field(description="1 is counted; a label for comparing methods.")
    method: EstimateMethod
    low: BigInt
    high: BigInt

    @classmethod
    def of(cls, row: tokens.TokenEstimate) -> Self:
        """From the pricing room's."""
        return cls(
            token_count=BigInt(row.token_count),
            confidence=row.confidence,
            method=row.method,
            low=BigInt(row.low),
            high=BigInt(row.high),
        )


@strawberry.type(
    description="What a call will cost. The platform's fee belongs to estimates: the ledger charges one only "
    "where a contract's card says so. Without a price every amount is null."
)
class CostEstimate:
    """What a call will cost."""

    input_tokens: TokenEstimate
    output_tokens: TokenEstimate
    base_cost: Decimal | None = strawberry.field(
        description="What estimatedCost of a recorded usage is compared by."
    )
    platform_fee_percent: Decimal
    platform_fee: Decimal | None
    total_cost: Decimal | None
    currency: str
    low: Decimal | None = strawberry.field(description="The total at the lower ends of both lengths.")
    high: Decimal | None = strawberry.field(description="The total at the upper ends of both lengths.")
    pricing: Pricing
    reason: str | None = strawberry.field(description="Why there is no price.")

    @classmethod
    def of(cls, row: estimate.CostEstimate) -> Self:
        """From the pricing room's."""
        priced = row.pricing is Priced.PRICED
        return cls(
            input_tokens=TokenEstimate.of(row.input_tokens),
            output_tokens=TokenEstimate.of(row.output_tokens),
            base_cost=money(row.base_cost_nano) if priced else None,
            platform_fee_percent=percent(row.platform_fee_ppm),
            platform_fee=money(row.platform_fee_nano) if priced else None,
            total_cost=money(row.total_cost_nano) if priced else None,
            currency=row.currency,
            low=money(row.low_nano) if priced else None,
            high=money(row.high_nano) if priced else None,
            pricing=row.pricing,
            reason=None if row.reason is None else row.reason.value,
        )


@strawberry.input(
    description="A call that might be made: its text or its tokens; the answer's length, or whose own "
    "answers tell it."
)
class EstimateInput:
    """A call that might be made."""

    provider: str | None
    model_id: str
    input_text: str | None
    input_tokens: BigInt | None
    expected_output_tokens: BigInt | None
    agent_id: strawberry.ID | None = strawberry.field(
        description="Whose own answers tell how long the next one will be."
    )
    budget_id: strawberry.ID | None = strawberry.field(
        description="Who would pay: its contracts and its currency. Without one: the key's own budget."
    )
    mode: str | None
    currency: str | None = strawberry.field(description="To show it in, at today's rate.")
    platform_fee_percent: Decimal | None = strawberry.field(description="5 if left out.")


@strawberry.input(description="A text, a task, or an agent's next answer: one of the three.")
class TokenEstimateInput:
    """What one wants to know the tokens of."""

    model_id: str | None
    text: str | None
    task_description: str | None = strawberry.field(
        description="With its criteria, three times: what a task will use."
    )
    task_criteria: list[str] | None
    agent_id: strawberry.ID | None


hand_over_words(EstimateInput)
hand_over_words(TokenEstimateInput)
