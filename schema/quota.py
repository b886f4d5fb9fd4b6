"""Quotas: how far the limits of a budget are used, in the words of the source documents' file."""

from typing import Self

import strawberry

from ledger.quotas import QuotaUse as QuotaRow
from ledger.quotas import Usage, text_of
from schema.scalars import BigInt, DateTime, Decimal
from schema.words import money, optional_instant


@strawberry.type(description="A quota and how far it is used, in the unit of its key.")
class QuotaUse:
    """A quota and how far it is used."""

    key: str = strawberry.field(description="Section and name in the file: llm.max_tokens_per_day.")
    used: Decimal = strawberry.field(
        description="Spent and held. Of a quota for each user: by the one who uses most; of a lifetime: the "
        "oldest lease's age; 0 of what limits a single request."
    )
    limit: Decimal
    resets_at: DateTime | None = strawberry.field(
        description="When it begins anew; null where it never does."
    )

    @classmethod
    def of(cls, row: QuotaRow) -> Self:
        """From the ledger's."""
        return cls(
            key=row.key,
            used=Decimal(text_of(row.used)),
            limit=Decimal(text_of(row.limit)),
            resets_at=optional_instant(row.resets_at_us),
        )


@strawberry.type(
    description="What a budget and all below it use now: recorded, and held by open reservations. What was "
    "refused is not in it. Today and this minute are those of the budget's time zone."
)
class QuotaUsage:
    """What a budget uses now."""

    budget_id: strawberry.ID
    currency: str
    tokens_today: BigInt
    cost_today: Decimal
    concurrent_agents: BigInt
    requests_this_minute: BigInt
    quotas: list[QuotaUse] = strawberry.field(description="Those that the budget has, in the file's order.")

    @classmethod
    def of(cls, row: Usage) -> Self:
        """From the ledger's."""
        return cls(
            budget_id=strawberry.ID(row.budget.budget_id),
            currency=row.budget.currency,
            tokens_today=BigInt(row.tokens_today),
            cost_today=money(row.cost_nano_today),
            concurrent_agents=BigInt(row.concurrent_agents),
            requests_this_minute=BigInt(row.requests_this_minute),
            quotas=[QuotaUse.of(each) for each in row.quotas],
        )
