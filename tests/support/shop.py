"""A desk that prices by the lists, and at which an organisation says its own prices."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from ledger.batch import attempt
from ledger.decide import Answer
from ledger.model import CostEntry
from ledger.price_commands import PutRateCard
from ledger.prices import request_of
from ledger.results import RecordedUsage
from pricing.calendar import date_day
from pricing.cards import RateCard, RateLine
from pricing.catalogue import load_catalogue
from pricing.quote import Pricer
from pricing.resources import price_lists
from tests.support.desk import Desk

LISTS = price_lists(load_catalogue())
TOKENS = {"model_id": "gpt-4o", "provider": "openai", "prompt_tokens": 1_000_000}


class Shop(Desk):
    """Prices by the lists."""

    def do(self, *commands: Any) -> list[Answer]:
        """The answers to one batch."""
        return attempt(self.store, self.states, commands, self.now_us, LISTS).answers

    def say(self, card_id: str, *lines: RateLine, revise: bool = False, **fields: Any) -> Any:
        """The answer to a card."""
        (answer,) = self.do(self.card(card_id, *lines, revise=revise, **fields))
        return answer

    def card(self, card_id: str, *lines: RateLine, revise: bool = False, **fields: Any) -> PutRateCard:
        """The command that says a card."""
        budget_id, reason = fields.pop("budget_id", None), fields.pop("reason", None)
        provider, model = fields.pop("provider", None), fields.pop("model", "gpt-4o")
        card = RateCard(card_id, provider, model, lines, "", **fields)
        return PutRateCard(self.tenant, self.scope_uid, "a-key", card, budget_id, reason, revise)

    def spend(self, operation_id: str, **fields: Any) -> CostEntry:
        """What a million tokens cost, whoever pays."""
        recorded = self.recorded(operation_id, **fields)
        assert recorded.cost_entry is not None
        return recorded.cost_entry

    def recorded(self, operation_id: str, **fields: Any) -> RecordedUsage:
        """A million tokens, recorded with the list price that is known beforehand."""
        command = self.usage(operation_id, 0, **{**TOKENS, **fields})
        request = request_of(command.usage, command.usage.timestamp_us or self.now_us)
        return self.one(replace(command, quote=Pricer(LISTS).quote(request)), RecordedUsage)


def price(unit: str, amount: str, **fields: Any) -> RateLine:
    """So much for a million of a unit."""
    fields.setdefault("per", 1_000_000)
    return RateLine(unit, Decimal(amount), **fields)


def day_of(text: str) -> int:
    """The number of a day."""
    return date_day(date.fromisoformat(text))
