"""Recorded usage, by page."""

from dataclasses import replace

import strawberry

from graph.usage import UsagePage, UsageQuery
from ledger.access import Permission
from ledger.model import uid_of
from ledger.view import View
from resolvers import cursors
from resolvers.info import Info
from schema.access import guarded
from schema.page import PageInfo
from schema.usage import TokenUsage, TokenUsageConnection, UsageFilter
from schema.words import check_first, instant_us


def usage_query(view: View, wanted: UsageFilter | None, first: int) -> UsageQuery | None:
    """What the graph is asked; None where the key sees no such budget. Raises ``InvalidInput``."""
    tenant, first = view.tree.tenant, check_first(first)
    if wanted is None:
        return UsageQuery(tenant, view.scope_uid, first=first)
    budget = view.get(view.scope_uid) if wanted.budget_id is None else view.find(wanted.budget_id)
    if budget is None and (wanted.budget_id is not None or view.scope_uid is not None):
        return None
    return UsageQuery(
        tenant=tenant,
        budget_uid=None if budget is None else budget.uid,
        agent_uid=None if wanted.agent_id is None else uid_of(tenant, wanted.agent_id),
        session_id=wanted.session_id,
        pricing=None if wanted.pricing is None else wanted.pricing.value,
        model_id=wanted.model_id,
        provider=wanted.provider,
        user_id=wanted.user_id,
        from_us=instant_us(wanted.from_, "from"),
        to_us=instant_us(wanted.to, "to"),
        first=first,
    )


@strawberry.type
class UsageQueries:
    """What can be asked of recorded usage."""

    @guarded(Permission.READ, description="One recorded operation; null where the key sees none.")
    async def operation(self, info: Info, operation_id: strawberry.ID) -> TokenUsage | None:
        """One recorded operation."""
        context = info.context
        view, tenant = await context.load_view(), context.principal.tenant
        row = await context.read(context.services.usage.get, uid_of(tenant, operation_id))
        if row is None or not view.sees(uid_of(tenant, row["budget_id"])):
            return None
        return TokenUsage.of(row)

    @guarded(Permission.READ, description="Recorded usage that the key sees, newest first.")
    async def usage(
        self, info: Info, filter: UsageFilter | None = None, first: int = 50, after: str | None = None
    ) -> TokenUsageConnection:
        """A page of usage."""
        context = info.context
        query = usage_query(await context.load_view(), filter, first)
        page = UsagePage([], None, has_next=False)
        kind = cursors.USAGE_BY_TIME
        if query is not None:
            kind = cursors.USAGE_BY_RECORDING if query.by_recording else cursors.USAGE_BY_TIME
            query = replace(query, after=cursors.after_of(kind, after))
            page = await context.read(context.services.usage.page, query)
        context.admit(len(page.rows))
        end = None if page.end is None else cursors.cursor_of(kind, page.end)
        return TokenUsageConnection(
            raw_from_us=0 if query is None else query.from_us or 0,
            nodes=[TokenUsage.of(row) for row in page.rows],
            page_info=PageInfo(has_next_page=page.has_next, end_cursor=end),
        )
