"""What is said about prices, and what something would cost."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import strawberry

from ledger.access import Permission
from ledger.view import View
from pricing.currency import ExchangeRate as Rate
from pricing.prices import GivenRates, Prices, Revision
from resolvers import cursors
from resolvers.info import Info
from resolvers.quoting import quoted
from schema.access import guarded
from schema.page import PageInfo
from schema.quote import Quote, QuoteInput
from schema.rate_card import ExchangeRate, ExchangeRateConnection, PriceFile, RateCard, RateCardConnection
from schema.recording import words_of
from schema.words import check_first


def seen(view: View, revisions: Iterator[Revision] | Sequence[Revision]) -> list[Revision]:
    """The cards that a key sees: all of them, or the contracts of its own subtree."""
    if view.scope_uid is None:
        return list(revisions)
    return [each for each in revisions if view.sees(each.budget_uid)]


def newest_rates(prices: Prices) -> list[tuple[GivenRates, Rate]]:
    """Every exchange rate, the last given first."""
    return [(given, rate) for given in reversed(prices.given_rates) for rate in given.rates]


@strawberry.type
class PriceQueries:
    """What can be asked about prices."""

    @guarded(
        Permission.READ,
        description="The rate cards that the key sees, each in its newest version: a confined key sees the "
        "contracts of its own subtree. With cardId: every version of one, the newest first.",
    )
    async def rate_cards(
        self,
        info: Info,
        card_id: strawberry.ID | None = None,
        budget_id: strawberry.ID | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> RateCardConnection:
        """A page of rate cards."""
        context, first = info.context, check_first(first)
        view = await context.load_view()
        prices = await context.read(context.services.prices.get, context.principal.tenant)
        after_key = cursors.after_of(cursors.RATE_CARDS, after)
        if card_id is None:
            rows = seen(view, prices.newest())
            if budget_id is not None:
                budget = view.find(budget_id)
                rows = [each for each in rows if budget is not None and each.budget_uid == budget.uid]
            keys = [each.card.card_id for each in rows]
        else:
            rows = seen(view, prices.revisions(card_id)[::-1])
            keys = [f"{10**9 - each.number:010d}" for each in rows]
        begin = 0 if after_key is None else bisect_right(keys, after_key)
        nodes = rows[begin : begin + first]
        context.admit(len(nodes))
        end = cursors.cursor_of(cursors.RATE_CARDS, keys[begin + len(nodes) - 1]) if nodes else None
        return RateCardConnection(
            nodes=[RateCard.of(each, authors=view.scope_uid is None) for each in nodes],
            page_info=PageInfo(has_next_page=len(rows) > begin + first, end_cursor=end),
        )

    @guarded(Permission.READ, description="The exchange rates of the organisation, the last given first.")
    async def exchange_rates(
        self,
        info: Info,
        base: str | None = None,
        quote: str | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> ExchangeRateConnection:
        """A page of exchange rates."""
        context, first = info.context, check_first(first)
        prices = await context.read(context.services.prices.get, context.principal.tenant)
        rows = [
            (given, rate)
            for given, rate in newest_rates(prices)
            if base in {None, rate.base} and quote in {None, rate.quote}
        ]
        # Counted from the first one: what is added later comes before it.
        left = cursors.after_of(cursors.EXCHANGE_RATES, after)
        begin = 0 if left is None else max(0, len(rows) - int(left))
        nodes = rows[begin : begin + first]
        context.admit(len(nodes))
        rest = len(rows) - begin - len(nodes)
        authors = context.principal.scope_uid is None
        end = cursors.cursor_of(cursors.EXCHANGE_RATES, str(rest)) if nodes else None
        return ExchangeRateConnection(
            nodes=[ExchangeRate.of(given, rate, authors=authors) for given, rate in nodes],
            page_info=PageInfo(has_next_page=rest > 0, end_cursor=end),
        )

    @guarded(Permission.OPERATE, description="The imported price files, the last one first.")
    async def price_files(self, info: Info, first: int = 50) -> list[PriceFile]:
        """The imported price files."""
        context, first = info.context, check_first(first)
        view = await context.load_view()
        if view.scope_uid is not None:
            return []
        prices = await context.read(context.services.prices.get, context.principal.tenant)
        return [PriceFile.of(each) for each in prices.files[::-1][:first]]

    @guarded(
        Permission.READ,
        description="What an operation would cost, under whose contract, and why. Nothing is held.",
    )
    async def quote(self, info: Info, input: QuoteInput) -> Quote:
        """What an operation would cost."""
        return Quote.of(await quoted(info.context, words_of(input)))
