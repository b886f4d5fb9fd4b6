"""Wallets: prepaid credit of budgets, and the top-ups that it is made of."""

from typing import Self

import strawberry

from ledger import changes
from ledger.access import Permission, Principal
from ledger.commands import TopUp as TopUpCommand
from ledger.wallets import balance_is_low
from ledger.windows import Standing
from schema.access import guarded
from schema.context import Info
from schema.page import PageInfo
from schema.scalars import DateTime, Decimal
from schema.words import check_first, money, nano


@strawberry.type(description="Credit that a budget got; below zero: that was taken back.")
class TopUp:
    """A top-up."""

    top_up_id: strawberry.ID = strawberry.field(description="The idempotency key that it came with.")
    amount: Decimal
    at: DateTime
    reason: str | None

    @classmethod
    def of(cls, row: changes.Credit) -> Self:
        """From the ledger's."""
        return cls(
            top_up_id=strawberry.ID(row.top_up_id),
            amount=money(row.amount_nano),
            at=DateTime(row.at_us),
            reason=row.reason,
        )


@strawberry.type(description="A page of top-ups, the newest first.")
class TopUpConnection:
    """A page of top-ups."""

    nodes: list[TopUp]
    page_info: PageInfo


@strawberry.type(
    description="Prepaid credit: a hard limit that is the sum of its top-ups. No reservation takes it below "
    "zero; what lands anyway may, and counts as forced."
)
class Wallet:
    """Prepaid credit."""

    budget_uid: strawberry.Private[str]
    currency: str
    balance: Decimal = strawberry.field(description="What is not spent: toppedUp - spent.")
    available: Decimal = strawberry.field(description="What is neither spent nor held.")
    reserved: Decimal = strawberry.field(description="What open reservations hold.")
    topped_up: Decimal
    spent: Decimal = strawberry.field(description="Since the first top-up.")
    forced: Decimal = strawberry.field(description="What was spent past the credit all the same.")
    low_balance_threshold: Decimal
    low_balance: bool = strawberry.field(description="Whether the balance is at its threshold, or below.")
    since: DateTime = strawberry.field(description="When it was topped up first.")

    @classmethod
    def of(cls, row: Standing) -> Self | None:
        """From the ledger's; None of a budget that was never topped up."""
        status = row.wallet
        if status is None:
            return None
        window, topped_up = status.window, status.amount or 0
        balance = topped_up - window.spent
        return cls(
            budget_uid=row.budget.uid,
            currency=row.budget.currency,
            balance=money(balance),
            available=money(balance - window.reserved),
            reserved=money(window.reserved),
            topped_up=money(topped_up),
            spent=money(window.spent),
            forced=money(window.forced),
            low_balance_threshold=money(row.budget.low_balance_nano or 0),
            low_balance=balance_is_low(row.budget, balance),
            since=DateTime(status.limit.since_us),
        )

    @guarded(Permission.READ, description="What it was topped up by, the newest first.")
    async def top_ups(self, info: Info, first: int = 50, after: str | None = None) -> TopUpConnection:
        """A page of its top-ups."""
        page = await info.context.top_ups(self.budget_uid, after, check_first(first))
        return TopUpConnection(
            nodes=[TopUp.of(each) for each in page.rows],
            page_info=PageInfo(has_next_page=page.more, end_cursor=page.end),
        )


@strawberry.input(
    description="Credit for a budget's wallet, which it has from its first top-up on. Repeat it at will with "
    "the same idempotencyKey."
)
class TopUpInput:
    """A top-up as asked for."""

    idempotency_key: strawberry.ID
    budget_id: strawberry.ID
    amount: Decimal = strawberry.field(
        description="In the budget's currency. Below zero takes back, at most what is available."
    )
    reason: str | None

    def command(self, principal: Principal) -> TopUpCommand:
        """The ledger's command. Raises ``InvalidInput``, ``PricingError``."""
        return TopUpCommand(
            principal.tenant,
            principal.scope_uid,
            self.idempotency_key,
            self.budget_id,
            nano(self.amount, "amount") or 0,
            self.reason,
            principal.key_id,
        )
