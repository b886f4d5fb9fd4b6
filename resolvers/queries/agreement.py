"""What was agreed, and what months cost by it."""

from bisect import bisect_right

import strawberry

from ledger.access import Permission
from resolvers import cursors
from resolvers.costs import monthly_costs
from resolvers.info import Info
from schema.access import guarded
from schema.agreement import Agreement, AgreementConnection, MonthlyCosts
from schema.page import PageInfo
from schema.words import check_first


@strawberry.type
class AgreementQueries:
    """What can be asked about agreements."""

    @guarded(
        Permission.READ,
        description="The agreements that the key sees, each in its newest version: a confined key sees those "
        "of its own subtree. With agreementId: every version of one, the newest first.",
    )
    async def agreements(
        self,
        info: Info,
        agreement_id: strawberry.ID | None = None,
        budget_id: strawberry.ID | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> AgreementConnection:
        """A page of agreements."""
        context, first = info.context, check_first(first)
        view = await context.load_view()
        prices = await context.read(context.services.prices.get, context.principal.tenant)
        after_key = cursors.after_of(cursors.AGREEMENTS, after)
        if agreement_id is None:
            rows = [each for each in prices.agreements.newest() if view.sees(each.budget_uid)]
            if budget_id is not None:
                budget = view.find(budget_id)
                rows = [each for each in rows if budget is not None and each.budget_uid == budget.uid]
            keys = [each.agreement_id for each in rows]
        else:
            versions = prices.agreements.versions(agreement_id)
            rows = [each for each in reversed(versions) if view.sees(each.budget_uid)]
            keys = [f"{10**9 - each.number:010d}" for each in rows]
        begin = 0 if after_key is None else bisect_right(keys, after_key)
        nodes = rows[begin : begin + first]
        context.admit(len(nodes))
        end = cursors.cursor_of(cursors.AGREEMENTS, keys[begin + len(nodes) - 1]) if nodes else None
        return AgreementConnection(
            nodes=[Agreement.of(each, authors=view.scope_uid is None) for each in nodes],
            page_info=PageInfo(has_next_page=len(rows) > begin + first, end_cursor=end),
        )

    @guarded(
        Permission.READ,
        description="List, contracted, effective and billed cost of a budget's month, itself and below: of "
        "the running one, as accrued so far, if no month (2026-11) is named.",
    )
    async def monthly_costs(
        self, info: Info, budget_id: strawberry.ID, month: str | None = None
    ) -> MonthlyCosts:
        """The four costs of a month."""
        return await monthly_costs(info.context, budget_id, month)
