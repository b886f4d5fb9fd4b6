"""Overrides, by page."""

from typing import Final

import strawberry

from ledger import model
from ledger.access import Permission
from ledger.errors import NotFound
from ledger.model import uid_of
from resolvers import cursors
from resolvers.info import Info
from schema.access import guarded
from schema.enums import OverrideState
from schema.override import Override, OverrideConnection
from schema.page import PageInfo
from schema.words import FIRST_MAX, check_first

PAGES_MAX: Final = 20
"""How many pages are looked at for one, at most; its end then says where to go on."""


async def overrides_in(
    info: Info, top_uid: str | None, state: OverrideState | None, before: str | None, first: int
) -> tuple[list[model.Override], str | None, bool]:
    """The next overrides below a budget (None: all), where they end, and whether more may follow."""
    context, tenant = info.context, info.context.principal.tenant
    tree, now_us = (await context.load_view()).tree, context.services.clock()
    found: list[model.Override] = []
    end = before
    for _ in range(PAGES_MAX):
        rows = await context.read(context.services.overrides.page, tenant, before, FIRST_MAX)
        for place, row in rows:
            before = place
            seen = top_uid is None or tree.within(row.budget_uid, top_uid)
            if seen and state in {None, row.state_at(now_us)}:
                if len(found) == first:
                    return found, end, True
                found.append(row)
                end = place
        if len(rows) < FIRST_MAX:
            return found, before, False
    return found, before, True


@strawberry.type
class OverrideQueries:
    """What can be asked of overrides."""

    @guarded(
        Permission.OPERATE,
        description="Overrides of the budgets that the key sees, or of one and below it; the newest first.",
    )
    async def overrides(
        self,
        info: Info,
        budget_id: strawberry.ID | None = None,
        state: OverrideState | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> OverrideConnection:
        """A page of overrides."""
        check_first(first)
        context = info.context
        view, tenant = await context.load_view(), context.principal.tenant
        if budget_id is not None and view.find(budget_id) is None:
            raise NotFound(f"There is no budget {budget_id}.", field="budget_id")
        top_uid = view.scope_uid if budget_id is None else uid_of(tenant, budget_id)
        place = cursors.after_of(cursors.OVERRIDES, after)
        rows, end, more = await overrides_in(info, top_uid, state, place, first)
        context.admit(len(rows))
        now_us = context.services.clock()
        return OverrideConnection(
            nodes=[Override.of(row, view, context.principal.key_id, now_us) for row in rows],
            page_info=PageInfo(
                has_next_page=more,
                end_cursor=None if end is None else cursors.cursor_of(cursors.OVERRIDES, end),
            ),
        )
