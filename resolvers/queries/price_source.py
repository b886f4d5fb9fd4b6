"""Where prices come from by themselves, how that goes, and what waits for approval."""

import strawberry

from ledger.access import Permission
from ledger.price_sources import HeldState
from resolvers import cursors
from resolvers.info import Info
from schema.access import guarded
from schema.enums import HeldPriceState
from schema.page import PageInfo
from schema.price_source import HeldPrice, HeldPriceConnection, PriceSource
from schema.words import check_first


@strawberry.type
class PriceSourceQueries:
    """What can be asked of price sources. They are the whole organisation's: a confined key sees none."""

    @guarded(
        Permission.ADMINISTER,
        description="The price sources, by id, each with its last refreshes; at most 100.",
    )
    async def price_sources(self, info: Info) -> list[PriceSource]:
        """All price sources."""
        context = info.context
        if context.principal.scope_uid is not None:
            return []
        rows = await context.read(context.services.price_sources.page, context.principal.tenant)
        context.admit(len(rows))
        return [PriceSource.of(each) for each in rows]

    @guarded(
        Permission.ADMINISTER,
        description="Prices that wait for approval, or in another state, by source and model.",
    )
    async def held_prices(
        self,
        info: Info,
        source_id: strawberry.ID | None = None,
        state: HeldPriceState = HeldState.HELD,
        first: int = 50,
        after: str | None = None,
    ) -> HeldPriceConnection:
        """A page of held prices."""
        context, first = info.context, check_first(first)
        after_key = cursors.after_of(cursors.HELD_PRICES, after)
        if context.principal.scope_uid is not None:
            return HeldPriceConnection(nodes=[], page_info=PageInfo(has_next_page=False, end_cursor=None))
        rows = await context.read(
            context.services.price_sources.held_page,
            context.principal.tenant,
            state,
            source_id,
            after_key,
            first + 1,
        )
        shown = rows[:first]
        context.admit(len(shown))
        return HeldPriceConnection(
            nodes=[HeldPrice.of(each) for _, each in shown],
            page_info=PageInfo(
                has_next_page=len(rows) > first,
                end_cursor=cursors.cursor_of(cursors.HELD_PRICES, shown[-1][0]) if shown else None,
            ),
        )
