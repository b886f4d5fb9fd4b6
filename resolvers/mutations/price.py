"""Saying something about prices: the ledger keeps it, every process prices by it from the next commit on."""

from typing import cast

import strawberry

from ledger.access import Permission
from ledger.price_commands import WithdrawRateCard
from ledger.results import RatesTaken
from pricing import prices
from resolvers.info import Info
from schema.access import guarded
from schema.rate_card import AddedExchangeRates, PriceFile, RateCard
from schema.rate_card_inputs import AddExchangeRatesInput, ImportPriceFileInput, RateCardInput


@strawberry.type
class PriceMutations:
    """What can be said about prices."""

    @guarded(
        Permission.OPERATE,
        description="Set a price: a contract of a budget, or the organisation's own. Asked again with equal "
        "content, the answer is the same. What was charged before stays as it was.",
    )
    async def create_rate_card(self, info: Info, input: RateCardInput) -> RateCard:
        """A new card."""
        return await _put(info, input, revise=False)

    @guarded(
        Permission.OPERATE, description="Add a version to a card: all of it anew. The ones before are kept."
    )
    async def update_rate_card(self, info: Info, input: RateCardInput) -> RateCard:
        """The next version of a card."""
        return await _put(info, input, revise=True)

    @guarded(Permission.OPERATE, description="End a card: it prices nothing more. Its versions are kept.")
    async def withdraw_rate_card(
        self, info: Info, card_id: strawberry.ID, reason: str | None = None
    ) -> RateCard:
        """A card that holds no more."""
        principal = info.context.principal
        command = WithdrawRateCard(principal.tenant, principal.scope_uid, principal.key_id, card_id, reason)
        info.context.renew()
        return RateCard.of(cast("prices.Revision", await info.context.services.ledger.say(command)))

    @guarded(Permission.OPERATE, description="Add exchange rates; those that are known already are left out.")
    async def add_exchange_rates(self, info: Info, input: AddExchangeRatesInput) -> AddedExchangeRates:
        """What became of exchange rates."""
        info.context.renew()
        answer = await info.context.services.ledger.say(input.command(info.context.principal))
        return AddedExchangeRates.of(cast("RatesTaken", answer))

    @guarded(
        Permission.OPERATE,
        description="Import a LiteLLM price file, for models that no other list knows. The last one holds.",
    )
    async def import_price_file(self, info: Info, input: ImportPriceFileInput) -> PriceFile:
        """An imported price file."""
        info.context.renew()
        command = await info.context.read(input.command, info.context.principal)
        return PriceFile.of(cast("prices.PriceFile", await info.context.services.ledger.say(command)))


async def _put(info: Info, said: RateCardInput, *, revise: bool) -> RateCard:
    info.context.renew()
    command = said.command(info.context.principal, revise=revise)
    return RateCard.of(cast("prices.Revision", await info.context.services.ledger.say(command)))
