"""Overrides: emergency grants by which reservations pass limits."""

from typing import Self

import strawberry

from ledger import model
from ledger.access import Principal
from ledger.model import id_of
from ledger.override_commands import CreateOverride
from ledger.view import View
from schema.enums import OverrideState
from schema.page import PageInfo
from schema.scalars import DateTime, Decimal, InstantText
from schema.words import instant_us, money, nano, optional_id, optional_instant


@strawberry.input(
    description="Reservations that charge the budget, perhaps of one agent or user only, pass the limits "
    "that refuse them, on budgets that this key sees: up to the amount in all, each wholly or not at all."
)
class CreateOverrideInput:
    """An override as asked for."""

    idempotency_key: strawberry.ID
    budget_id: strawberry.ID
    amount: Decimal = strawberry.field(description="In the budget's currency.")
    reason: str
    until: InstantText
    agent_id: strawberry.ID | None
    user_id: strawberry.ID | None

    def command(self, principal: Principal) -> CreateOverride:
        """The ledger's command. Raises ``InvalidInput``, ``PricingError``."""
        return CreateOverride(
            principal.tenant,
            principal.scope_uid,
            self.idempotency_key,
            self.budget_id,
            nano(self.amount, "amount") or 0,
            self.reason,
            instant_us(self.until, "until") or 0,
            self.agent_id,
            self.user_id,
            principal.key_id,
        )


@strawberry.type(
    description="An emergency grant. What passes limits by it counts as forced there once it is charged; "
    "what a reservation does not spend of it comes back when that ends."
)
class Override:
    """An emergency grant."""

    override_id: strawberry.ID
    budget_id: strawberry.ID
    agent_id: strawberry.ID | None
    user_id: strawberry.ID | None
    amount: Decimal
    used: Decimal = strawberry.field(
        description="What reservations that passed by it hold, or have spent, of it."
    )
    remaining: Decimal
    reason: str
    author: strawberry.ID | None = strawberry.field(
        description="The id of the key that granted it; null where the reader is confined and another's."
    )
    created_at: DateTime
    until: DateTime
    first_used_at: DateTime | None
    revoked_at: DateTime | None
    revoked_by: strawberry.ID | None
    state: OverrideState

    @classmethod
    def of(cls, row: model.Override, view: View, reader: str, now_us: int) -> Self:
        """From the ledger's, as a key sees it: one that is confined knows no keys of others."""
        author, revoked_by = (
            optional_id(key) if view.scope_uid is None or key == reader else None
            for key in (row.author, row.revoked_by)
        )
        return cls(
            override_id=strawberry.ID(row.override_id),
            budget_id=strawberry.ID(id_of(row.budget_uid)),
            agent_id=optional_id(row.agent_id),
            user_id=optional_id(row.user_id),
            amount=money(row.amount_nano),
            used=money(row.used_nano),
            remaining=money(row.left_nano),
            reason=row.reason,
            author=author,
            created_at=DateTime(row.created_at_us),
            until=DateTime(row.until_us),
            first_used_at=optional_instant(row.first_used_us),
            revoked_at=optional_instant(row.revoked_at_us),
            revoked_by=revoked_by,
            state=row.state_at(now_us),
        )


@strawberry.type(description="A page of overrides, the newest first.")
class OverrideConnection:
    """A page of overrides."""

    nodes: list[Override]
    page_info: PageInfo
