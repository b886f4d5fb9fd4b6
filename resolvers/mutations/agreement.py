"""Agreeing on something for budgets' months, and closing months that are over."""

from typing import cast

import strawberry

from ledger.access import Permission
from ledger.agreement_commands import AgreementCommand, CloseMonths, WithdrawAgreement
from ledger.results import MonthsClosed
from pricing.agreements import Agreed
from resolvers.info import Info
from schema.access import guarded
from schema.agreement import Agreement, ClosedMonths
from schema.agreement_inputs import AgreementInput


@strawberry.type
class AgreementMutations:
    """What can be agreed."""

    @guarded(
        Permission.OPERATE,
        description="Agree on volume discounts, commitments and credits for a budget's months. Asked again "
        "with equal content, the answer is the same.",
    )
    async def create_agreement(self, info: Info, input: AgreementInput) -> Agreement:
        """A new agreement."""
        return await _said(info, input.command(info.context.principal, revise=False))

    @guarded(
        Permission.OPERATE,
        description="Add a version to an agreement: all of it anew, from fromMonth on. Closed months that it "
        "concerns are booked again, by the difference.",
    )
    async def update_agreement(self, info: Info, input: AgreementInput) -> Agreement:
        """The next version of an agreement."""
        return await _said(info, input.command(info.context.principal, revise=True))

    @guarded(Permission.OPERATE, description="End an agreement from a month on; the running one if left out.")
    async def withdraw_agreement(
        self,
        info: Info,
        agreement_id: strawberry.ID,
        from_month: str | None = None,
        reason: str | None = None,
    ) -> Agreement:
        """An agreement that holds no more."""
        principal = info.context.principal
        command = WithdrawAgreement(
            principal.tenant, principal.scope_uid, principal.key_id, agreement_id, from_month, reason
        )
        return await _said(info, command)

    @guarded(
        Permission.OPERATE,
        description="Book an agreement's months that are over, up to month or all of them. It happens by "
        "itself, too: asked again, nothing more is booked but what came late.",
    )
    async def close_months(
        self, info: Info, agreement_id: strawberry.ID, month: str | None = None
    ) -> ClosedMonths:
        """Months that are closed now."""
        principal = info.context.principal
        command = CloseMonths(principal.tenant, principal.scope_uid, agreement_id, month, principal.key_id)
        info.context.renew()
        return ClosedMonths.of(cast("MonthsClosed", await info.context.services.ledger.say(command)))


async def _said(info: Info, command: AgreementCommand) -> Agreement:
    info.context.renew()
    return Agreement.of(cast("Agreed", await info.context.services.ledger.say(command)))
