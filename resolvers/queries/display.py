"""Amounts in the currency that somebody would like to see."""

import strawberry

from ledger.access import Permission
from ledger.errors import InvalidInput
from pricing.money import parse_nano, validate_currency
from resolvers.info import Info
from schema.access import guarded
from schema.display import DisplayedAmounts
from schema.scalars import Decimal, InstantText
from schema.words import instant_us

AMOUNTS_MAX = 1_000


@strawberry.type
class DisplayQueries:
    """What helps to show amounts."""

    @guarded(
        Permission.READ,
        description="At most 1,000 amounts in another currency, for display: by the organisation's rate of "
        "an instant's day, now unless one is given. What is charged stays in the budget's currency.",
    )
    async def displayed_amounts(
        self,
        info: Info,
        amounts: list[Decimal],
        currency: str,
        display_currency: str,
        at: InstantText | None = None,
    ) -> DisplayedAmounts:
        """Amounts in a display currency."""
        context = info.context
        if len(amounts) > AMOUNTS_MAX:
            text = f"{len(amounts)} amounts in one call; at most {AMOUNTS_MAX} are converted"
            raise InvalidInput(text, field="amounts")
        amounts_nano = [parse_nano(amount, "amounts") for amount in amounts]
        validate_currency(currency, "currency")
        validate_currency(display_currency, "display_currency")
        at_us = instant_us(at, "at")
        prices = await context.read(context.services.prices.get, context.principal.tenant)
        found = prices.rates.find(
            currency, display_currency, context.services.clock() if at_us is None else at_us
        )
        context.admit(len(amounts))
        return DisplayedAmounts.of(found, amounts_nano)
