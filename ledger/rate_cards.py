"""Decide what is said about prices: versions are added to what was said before, nothing is overwritten."""

from dataclasses import replace
from hashlib import sha256
from typing import Final

from ledger.errors import Conflict, InvalidInput, NotFound
from ledger.model import uid_of
from ledger.price_commands import PutExchangeRates, PutPriceFile, PutRateCard, WithdrawRateCard
from ledger.results import RatesTaken
from ledger.state import TenantState
from pricing.prices import CONTRACT, FEED, LITELLM, OVERRIDE, GivenRates, PriceFile, Revision

CARDS_MAX: Final = 20_000
VERSIONS_MAX: Final = 1_000


def put_rate_card(state: TenantState, command: PutRateCard, now_us: int) -> Revision:
    """Add a card or its next version. Raises ``Conflict``, ``NotFound``, ``InvalidInput``."""
    card_id = command.card.card_id
    budget_uid = None
    if command.budget_id is not None:
        budget_uid = uid_of(state.tenant, command.budget_id)
        if state.tree.get(budget_uid) is None:
            raise NotFound(f"There is no budget {command.budget_id}.", field="budget_id")
    versions = state.prices.revisions(card_id)
    last = versions[-1] if versions else None
    if command.revise and last is None:
        raise NotFound(f"There is no rate card {card_id}.", field="card_id")
    number = 1 if last is None else last.number + 1
    if last is not None and (last.card.source == FEED) != command.listed:
        keeper = "a price source" if last.card.source == FEED else "people"
        raise Conflict(f"Rate card {card_id} is kept by {keeper}: use another id.", field="card_id")
    card = replace(
        command.card,
        source=_link_of(command),
        version=str(number),
        author=command.author,
        recorded_at_us=now_us,
    )
    revision = Revision(card, number, budget_uid, reason=command.reason)
    if last is not None:
        if not last.withdrawn and _content(last) == _content(revision):
            return last
        if not command.revise:
            raise Conflict(
                f"Rate card {card_id} exists with other content. Use updateRateCard to add a version.",
                field="card_id",
            )
    if number > VERSIONS_MAX:
        raise InvalidInput(f"a rate card has at most {VERSIONS_MAX} versions", field="card_id")
    if last is None and state.prices.card_count >= CARDS_MAX:
        raise InvalidInput(f"there are at most {CARDS_MAX} rate cards", field="card_id")
    state.put_card(revision)
    return revision


def withdraw_rate_card(state: TenantState, command: WithdrawRateCard, now_us: int) -> Revision:
    """End a card, by a version that says so. Raises ``NotFound``."""
    versions = state.prices.revisions(command.card_id)
    if not versions:
        raise NotFound(f"There is no rate card {command.card_id}.", field="card_id")
    last = versions[-1]
    if last.withdrawn:
        return last
    number = last.number + 1
    card = replace(last.card, version=str(number), author=command.author, recorded_at_us=now_us)
    revision = Revision(card, number, last.budget_uid, withdrawn=True, reason=command.reason)
    state.put_card(revision)
    return revision


def put_exchange_rates(state: TenantState, command: PutExchangeRates, now_us: int) -> RatesTaken:
    """Add what is new of some exchange rates."""
    news = state.prices.news(command.rates)
    groups: dict[tuple[str, int, str], list[int]] = {}
    for index, rate in enumerate(news):
        groups.setdefault((rate.base, rate.day, rate.source), []).append(index)
    for indexes in groups.values():
        rates = tuple(news[index] for index in indexes)
        # Two commands of one batch have one instant: they are told apart by it.
        state.put_rates(GivenRates(rates, command.author, state.prices.free_instant(rates[0], now_us)))
    return RatesTaken(len(news), len(command.rates) - len(news))


def put_price_file(state: TenantState, command: PutPriceFile, now_us: int) -> PriceFile:
    """Add a version of the imported file."""
    last = state.prices.files[-1] if state.prices.files else None
    content_hash = sha256(command.content).hexdigest()
    if last is not None and (last.content_hash, last.version) == (content_hash, command.version):
        return last
    number = 1 if last is None else last.number + 1
    file = PriceFile(
        LITELLM,
        command.packed,
        number,
        command.version,
        content_hash,
        command.author,
        now_us,
        command.reason,
    )
    state.put_file(file)
    return file


def _link_of(command: PutRateCard) -> str:
    """The link of the chain that a card belongs to."""
    if command.budget_id is not None:
        return CONTRACT
    return FEED if command.listed else OVERRIDE


def _content(revision: Revision) -> tuple[object, ...]:
    """What somebody said, without what the ledger noted."""
    card = replace(revision.card, version="", author=None, recorded_at_us=0)
    return card, revision.budget_uid
