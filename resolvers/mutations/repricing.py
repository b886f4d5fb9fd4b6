"""Repricing recorded operations, a page at a time."""

from dataclasses import replace
from typing import cast

import strawberry

from graph.usage import UsageQuery
from ledger.access import Permission
from ledger.errors import Forbidden, NotFound
from ledger.price_commands import Reprice
from ledger.results import Repriced
from ledger.view import View
from pricing.prices import Revision
from resolvers import cursors
from resolvers.info import Info
from resolvers.spans import span_query
from schema.access import guarded
from schema.page import PageInfo
from schema.rate_card_inputs import RateCardInput
from schema.repricing import Page, RepricedPage, RepriceInput


def query_for(view: View, said: RepriceInput) -> UsageQuery:
    """Which operations. Raises ``LedgerError``, ``PricingError``."""
    if view.scope_uid is not None:
        raise Forbidden("Prices are the whole organisation's: a confined key reprices nothing.")
    pricing = "UNPRICED" if said.unpriced else None
    return replace(span_query(view, said), provider=said.provider, pricing=pricing)


def supposed_cards(view: View, said: RepriceInput, now_us: int) -> tuple[Revision, ...]:
    """Cards as if they were said now. Raises ``LedgerError``, ``PricingError``."""
    return tuple(_supposed(view, each, now_us) for each in said.cards)


def _supposed(view: View, said: RateCardInput, now_us: int) -> Revision:
    budget = None if said.budget_id is None else view.find(said.budget_id)
    if said.budget_id is not None and budget is None:
        raise NotFound(f"There is no budget {said.budget_id}.", field="budget_id")
    card = replace(said.card(), recorded_at_us=now_us)
    return Revision(card, budget_uid=None if budget is None else budget.uid, reason=said.reason)


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
        view = await context.load_view()
        query = query_for(view, input)
        supposed = supposed_cards(view, input, context.services.clock())
        kind = cursors.USAGE_BY_RECORDING if query.by_recording else cursors.USAGE_BY_TIME
        query = replace(query, after=cursors.after_of(kind, input.after))
        page = await context.read(context.services.usage.page, query)
        principal, uids = context.principal, [row["uid"] for row in page.rows]
        repriced = Repriced(())
        if uids or supposed:
            command = Reprice(
                principal.tenant,
                principal.scope_uid,
                uids,
                input.reason,
                input.dry_run,
                principal.key_id,
                supposed,
            )
            repriced = cast("Repriced", await context.services.ledger.say(command))
        context.renew()
        end = None if page.end is None else cursors.cursor_of(kind, page.end)
        return Page(
            repriced.differences,
            input.dry_run,
            min((row["timestamp_us"] for row in page.rows), default=None),
            PageInfo(has_next_page=page.has_next, end_cursor=end),
            query.from_us,
        ).shown()
