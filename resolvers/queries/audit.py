"""Acts of administration, by page."""

from typing import Final

import strawberry

from ledger.access import Permission
from ledger.changes import AuditEntry as Row
from ledger.errors import NotFound
from ledger.model import uid_of
from resolvers import cursors
from resolvers.info import Info
from schema.access import guarded
from schema.audit import AuditConnection, AuditEntry
from schema.page import PageInfo
from schema.words import FIRST_MAX, check_first

PAGES_MAX: Final = 20
"""How many pages are looked at for one, at most; its end then says where to go on."""


async def acts_in(
    info: Info, top_uid: str | None, before: str | None, first: int
) -> tuple[list[Row], str | None, bool]:
    """The next acts below a budget (None: all), where they end, and whether more may follow."""
    context, tenant = info.context, info.context.principal.tenant
    tree = (await context.load_view()).tree
    found: list[Row] = []
    for _ in range(PAGES_MAX):
        rows = await context.read(context.services.audit.page, tenant, before, FIRST_MAX)
        for row in rows:
            before = row.uid
            if top_uid is None or (row.budget_uid is not None and tree.within(row.budget_uid, top_uid)):
                if len(found) == first:
                    return found, found[-1].uid, True
                found.append(row)
        if len(rows) < FIRST_MAX:
            return found, before, False
    return found, before, True


@strawberry.type
class AuditQueries:
    """What can be asked of acts of administration."""

    @guarded(
        Permission.OPERATE,
        description="Who changed what: budgets, limits, prices, adjustments, keys, experiments; the newest "
        "first. With budgetId, what concerns that budget and below; a confined key sees its own subtree.",
    )
    async def audit_log(
        self,
        info: Info,
        budget_id: strawberry.ID | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> AuditConnection:
        """A page of acts."""
        check_first(first)
        view, tenant = await info.context.load_view(), info.context.principal.tenant
        if budget_id is not None and view.find(budget_id) is None:
            raise NotFound(f"There is no budget {budget_id}.", field="budget_id")
        top_uid = view.scope_uid if budget_id is None else uid_of(tenant, budget_id)
        place = cursors.after_of(cursors.AUDIT, after)
        rows, end, more = await acts_in(
            info, top_uid, None if place is None else uid_of(tenant, place), first
        )
        info.context.admit(len(rows))
        cursor = None if end is None else cursors.cursor_of(cursors.AUDIT, end.removeprefix(f"{tenant}/"))
        return AuditConnection(
            nodes=[AuditEntry.of(row, view, info.context.principal.key_id) for row in rows],
            page_info=PageInfo(has_next_page=more, end_cursor=cursor),
        )
