"""Setting up where prices come from, reading it now, and deciding what was held."""

from functools import partial

import strawberry

from ledger.access import Permission
from ledger.price_commands import check_reason, check_whole
from resolvers.info import Info
from schema.access import guarded
from schema.price_source import HeldPrice, PriceSource, PriceSourceInput


@strawberry.type
class PriceSourceMutations:
    """What can be done to price sources, by admins of the whole organisation."""

    @guarded(
        Permission.ADMINISTER,
        description="Set up a price source, or anew. A scheduled one is read at once, in the background.",
    )
    async def put_price_source(self, info: Info, input: PriceSourceInput) -> PriceSource:
        """A price source."""
        context, principal = info.context, info.context.principal
        check_whole(principal.scope_uid)
        put = context.services.refresher.put
        return PriceSource.of(await context.read(put, principal.tenant, principal.key_id, input.source()))

    @guarded(
        Permission.ADMINISTER,
        description="Forget a price source and what it held back. Its prices hold on, as rate cards.",
    )
    async def remove_price_source(self, info: Info, source_id: strawberry.ID) -> PriceSource:
        """A price source that is no more."""
        context, principal = info.context, info.context.principal
        check_whole(principal.scope_uid)
        remove = context.services.refresher.remove
        return PriceSource.of(await context.read(remove, principal.tenant, principal.key_id, source_id))

    @guarded(
        Permission.ADMINISTER, description="Read a price source now; its newest refresh says how that went."
    )
    async def refresh_price_source(self, info: Info, source_id: strawberry.ID) -> PriceSource:
        """A refreshed price source."""
        context, principal = info.context, info.context.principal
        check_whole(principal.scope_uid)
        context.renew()
        refresh = partial(context.services.refresher.refresh, principal.tenant, source_id)
        return PriceSource.of(await context.outside(refresh))

    @guarded(
        Permission.ADMINISTER,
        description="Take held prices: they hold from now on. At most 500; again, the answer is the same.",
    )
    async def approve_held_prices(
        self, info: Info, held_ids: list[strawberry.ID], reason: str | None = None
    ) -> list[HeldPrice]:
        """Approved prices."""
        return await _decide(info, held_ids, reason, approve=True)

    @guarded(
        Permission.ADMINISTER,
        description="Turn held prices down: the last good ones go on, and the same price is not asked again.",
    )
    async def reject_held_prices(
        self, info: Info, held_ids: list[strawberry.ID], reason: str | None = None
    ) -> list[HeldPrice]:
        """Rejected prices."""
        return await _decide(info, held_ids, reason, approve=False)


async def _decide(
    info: Info, held_ids: list[strawberry.ID], reason: str | None, *, approve: bool
) -> list[HeldPrice]:
    context, principal = info.context, info.context.principal
    check_whole(principal.scope_uid)
    check_reason(reason)
    context.renew()
    decide = partial(
        context.services.refresher.decide,
        principal.tenant,
        principal.key_id,
        held_ids,
        reason,
        approve=approve,
    )
    return [HeldPrice.of(each) for each in await context.read(decide)]
