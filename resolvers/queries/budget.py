"""Budgets and the ledger's check of their books."""

from typing import Annotated

import strawberry

from insight.rollups import Dimension, RollupQuery
from ledger.access import Permission
from ledger.errors import NotFound
from ledger.view import page_of
from resolvers import cursors
from resolvers.info import Info
from schema.access import guarded
from schema.budget import Budget, BudgetConnection
from schema.check import LedgerCheck
from schema.page import PageInfo
from schema.resource_usage import CostBreakdown
from schema.scalars import InstantText
from schema.words import check_first, instant_us


@strawberry.type
class BudgetQueries:
    """What can be asked of budgets."""

    @guarded(Permission.READ, description="The budget with that id; null where there is none for this key.")
    async def budget(self, info: Info, budget_id: strawberry.ID) -> Budget | None:
        """One budget."""
        row = (await info.context.load_view()).find(budget_id)
        return None if row is None else Budget.of(row)

    @guarded(
        Permission.READ,
        description="All budgets that the key sees, by id. A confined key's root is its own budget.",
    )
    async def budgets(
        self,
        info: Info,
        first: int = 50,
        after: str | None = None,
        roots_only: bool = False,  # noqa: FBT001, FBT002 - arguments of a field have names
    ) -> BudgetConnection:
        """A page of budgets."""
        view = await info.context.load_view()
        after_id = cursors.after_of(cursors.BUDGETS, after)
        rows, more = page_of(view.roots() if roots_only else view.all(), after_id, check_first(first))
        end = cursors.cursor_of(cursors.BUDGETS, rows[-1].budget_id) if rows else None
        return BudgetConnection(
            nodes=Budget.each(rows, info.context), page_info=PageInfo(has_next_page=more, end_cursor=end)
        )

    @guarded(
        Permission.READ,
        description="How the costs of a budget and all below it divide: language models, sandboxes, storage, "
        "transfer; of one user, if named.",
    )
    async def cost_breakdown(
        self,
        info: Info,
        budget_id: strawberry.ID,
        user_id: strawberry.ID | None = None,
        from_: Annotated[InstantText | None, strawberry.argument(name="from")] = None,
        to: InstantText | None = None,
    ) -> CostBreakdown | None:
        """How costs divide; null where the key sees no such budget."""
        row = (await info.context.load_view()).find(budget_id)
        if row is None:
            return None
        query = RollupQuery(
            row.uid,
            by=(Dimension.RESOURCE_TYPE, Dimension.USER),
            from_us=instant_us(from_, "from"),
            to_us=instant_us(to, "to"),
        )
        return CostBreakdown.of(await info.context.rollup(query), row.currency, user_id)

    @guarded(
        Permission.OPERATE,
        description="Recomputes the books from their entries: of the whole tenant or, with budgetId, of that "
        "budget and what is below it; a confined key's own budget at most. It reads everything.",
    )
    async def ledger_check(self, info: Info, budget_id: strawberry.ID | None = None) -> LedgerCheck:
        """Whether the books agree with their entries."""
        view = await info.context.load_view()
        row = view.get(view.scope_uid) if budget_id is None else view.find(budget_id)
        if row is None and budget_id is not None:
            raise NotFound(f"There is no budget {budget_id}.", field="budget_id")
        return LedgerCheck.of(await info.context.check(None if row is None else row.uid))
