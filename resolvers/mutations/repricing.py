"""Repricing recorded operations, a page at a time."""

from dataclasses import replace
from typing import cast

import strawberry

from graph.usage import UsageQuery
from ledger.access import Permission
from ledger.errors import Forbidden, InvalidInput, NotFound
from ledger.price_commands import REPRICED_MAX, Reprice
from ledger.results import Repriced
from ledger.view import View
from resolvers import cursors
from resolvers.info import Info
from schema.access import guarded
from schema.page import PageInfo
from schema.repricing import Page, RepricedPage, RepriceInput
from schema.words import instant_us


def query_for(view: View, said: RepriceInput) -> UsageQuery:
    """Which operations. Raises ``LedgerError``, ``PricingError``."""
    if view.scope_uid is not None:
        raise Forbidden("Prices are the whole organisation's: a confined key reprices nothing.")
    if not 1 <= said.first <= REPRICED_MAX:
        raise InvalidInput(f"first must be from 1 to {REPRICED_MAX}, not {said.first}", field="first")
    budget = None if said.budget_id is None else view.find(said.budget_id)
    if said.budget_id is not None and budget is None:
        raise NotFound(f"There is no budget {said.budget_id}.", field="budget_id")
    query = UsageQuery(
        tenant=view.tree.tenant,
        budget_uid=None if budget is None else budget.uid,
        pricing="UNPRICED" if said.unpriced else None,
        model_id=said.model_id,
        from_us=instant_us(said.from_, "from"),
        to_us=instant_us(said.to, "to"),
        first=said.first,
    )
    if query.from_us is None or query.to_us is None or query.from_us >= query.to_us:
        raise InvalidInput("from must be before to", field="from")
    return query


@strawberry.type
class RepricingMutations:
    """What can be repriced."""

    @guarded(
        Permission.OPERATE,
        description="Bring operations to the prices that are known by now for their instant, by adjustments: "
        "what was charged stays. What had no price gets its entry. Asked again, nothing more changes.",
    )
    async def reprice(self, info: Info, input: RepriceInput) -> RepricedPage:
        """What became of a page of operations."""
        context = info.context
        context.renew()
        query = query_for(await context.load_view(), input)
        kind = cursors.USAGE_BY_RECORDING if query.by_recording else cursors.USAGE_BY_TIME
        query = replace(query, after=cursors.after_of(kind, input.after))
        page = await context.read(context.services.usage.page, query)
        principal, uids = context.principal, [row["uid"] for row in page.rows]
        repriced = Repriced(())
        if uids:
            command = Reprice(principal.tenant, principal.scope_uid, uids, input.reason, input.dry_run)
            repriced = cast("Repriced", await context.services.ledger.say(command))
        context.renew()
        end = None if page.end is None else cursors.cursor_of(kind, page.end)
        return Page(
            repriced.differences,
            input.dry_run,
            min((row["timestamp_us"] for row in page.rows), default=None),
            PageInfo(has_next_page=page.has_next, end_cursor=end),
        ).shown()
