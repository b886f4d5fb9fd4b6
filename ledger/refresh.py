"""What a price source's document changes: which prices are taken, and which wait for somebody's approval.

A price that jumps past the source's factor, becomes free, stops being so or changes its currency is held;
the last good one goes on. A model that a source offers for the first time is compared with what the price
lists say of it. What an admin has rejected is not asked again, and a card that people withdrew stays so
until its price is another one. A rate of exchange is compared with the one that held before it; what
somebody else has given for a day, a source does not replace.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from ledger.price_commands import REASON_LENGTH_MAX, PutExchangeRates, PutPriceFile, PutRateCard
from pricing.book import Book
from pricing.cards import RateCard
from pricing.currency import ExchangeRate
from pricing.litellm import LiteLLMPrices, file_of, row_text
from pricing.money import NANO
from pricing.prices import FEED, Prices
from pricing.quote import Pricer, PricingRequest
from pricing.rates import Card
from pricing.review import Jump, review, verdict_on
from pricing.sources import Offered, PriceSource, Reading, SourceKind, key_of

AUTHOR: Final = "source:"
"""Begins the author of what a source says by itself."""
JUMPS_MAX: Final = 20
"""How many jumps of one model are told."""

Command = PutRateCard | PutPriceFile | PutExchangeRates


@dataclass(frozen=True, slots=True)
class Held:
    """A price that waits."""

    offered: Offered
    jumps: tuple[Jump, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of a document."""

    commands: tuple[Command, ...]
    accepted: int
    """Models whose price, or rates of exchange that, are new or others."""
    held: tuple[Held, ...]
    kept: int
    """Models whose last good price goes on, because the document has none that is taken."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """For whom the ledger is told, and by whom."""

    tenant: str
    author: str
    reason: str


def reason_of(source: PriceSource, reading: Reading) -> str:
    """What is noted of everything that a document changes."""
    version = f"version {reading.version}, " if reading.version else ""
    text = f"refresh of {source.source_id}: {version}SHA-256 {reading.content_hash[:16]}"
    return text[:REASON_LENGTH_MAX]


def plan_refresh(
    tenant: str,
    source: PriceSource,
    reading: Reading,
    prices: Prices,
    rejected: Collection[str],
    now_us: int,
) -> Plan:
    """Compare a document with the prices that hold. ``rejected`` are fingerprints of prices."""
    speaker = Speaker(tenant, f"{AUTHOR}{source.source_id}", reason_of(source, reading))
    if reading.file is not None:
        return _plan_file(speaker, source, reading, reading.file, prices, rejected)
    if source.kind is SourceKind.ECB:
        return _plan_rates(speaker, source, reading, prices, rejected)
    own = _own_cards(source, prices)
    commands: list[PutRateCard] = []
    held: list[Held] = []
    accepted = refused = 0
    for offered in reading.offers.values():
        before = own.get(offered.key, ())
        if set(map(_plain, before)) >= set(map(_plain, offered.cards)):
            continue
        jumps = _jumps(offered, before, prices.list_pricer, source.factor, now_us)
        if not jumps:
            said = _cards(speaker, offered, prices)
            commands += said
            accepted += bool(said)
        elif offered.fingerprint in rejected:
            refused += 1
        else:
            held.append(Held(offered, jumps[:JUMPS_MAX]))
    vanished = len(own.keys() - reading.offers.keys())
    return Plan(tuple(commands), accepted, tuple(held), refused + len(held) + vanished)


def approved(speaker: Speaker, offers: Iterable[Offered], prices: Prices) -> tuple[Command, ...]:
    """What the ledger is told when held prices are taken all the same."""
    found = list(offers)
    rows = {each.key: each.row for each in found if each.row}
    said: tuple[Command, ...] = tuple(command for each in found for command in _cards(speaker, each, prices))
    rates = [each.rate for each in found if each.rate is not None]
    if rates:
        said += (PutExchangeRates(speaker.tenant, None, speaker.author, rates),)
    if not rows:
        return said
    before = prices.file_prices
    known = {} if before is None else {name: row_text(row) for name, row in before.rows.items()}
    return (*said, _file(speaker, file_of({**known, **rows}), "" if before is None else before.version))


def _own_cards(source: PriceSource, prices: Prices) -> Mapping[str, tuple[RateCard, ...]]:
    """What the source has said before and still holds, by model."""
    prefix = f"{source.source_id}/"
    found: dict[str, list[RateCard]] = defaultdict(list)
    for revision in prices.current():
        if revision.card.source == FEED and revision.card.card_id.startswith(prefix):
            found[key_of(revision.card)].append(revision.card)
    return {key: tuple(cards) for key, cards in found.items()}


def _jumps(
    offered: Offered, before: Collection[RateCard], lists: Pricer, factor: Fraction, now_us: int
) -> tuple[Jump, ...]:
    """The jumps of a model's price, now and on every day on which one of its new prices begins to hold."""
    first = offered.cards[0]
    old, new = Book(before), Book(offered.cards)
    found: dict[Jump, None] = {}
    for at_us in sorted({now_us, *(card.valid_from_us for card in offered.cards)}):
        after = new.find(first.provider, first.model, at_us)
        known: Card | None = old.find(first.provider, first.model, at_us)
        if known is None and not before:
            known = lists.card(PricingRequest(at_us, first.provider, first.model))
        if known is not None and after is not None:
            found |= dict.fromkeys(review({offered.key: known}, {offered.key: after}, factor).jumps)
    return tuple(found)


def _cards(speaker: Speaker, offered: Offered, prices: Prices) -> list[PutRateCard]:
    """The cards of an offer that say something new."""
    commands: list[PutRateCard] = []
    for card in offered.cards:
        versions = prices.revisions(card.card_id)
        if not versions or _plain(versions[-1].card) != _plain(card):
            commands.append(
                PutRateCard(
                    speaker.tenant,
                    None,
                    speaker.author,
                    card,
                    reason=speaker.reason,
                    revise=bool(versions),
                    listed=True,
                )
            )
    return commands


def _plain(card: RateCard) -> RateCard:
    """A card without what the ledger notes."""
    return replace(card, version="", content_hash="", author=None, recorded_at_us=0)


def _plan_file(
    speaker: Speaker,
    source: PriceSource,
    reading: Reading,
    file: LiteLLMPrices,
    prices: Prices,
    rejected: Collection[str],
) -> Plan:
    last = prices.file_prices
    before, after = ({} if last is None else dict(last.cards())), dict(file.cards())
    reviewed = review(before, after, source.factor)
    held: list[Held] = []
    for key in reviewed.held:
        offered = reading.offers[key]
        if offered.fingerprint not in rejected:
            jumps = tuple(jump for jump in reviewed.jumps if jump.key == key)
            held.append(Held(offered, jumps[:JUMPS_MAX]))
    if last is None or not reviewed.kept:
        content = file.content
    else:
        kept = {key: row_text(last.rows[key]) for key in reviewed.kept}
        content = file_of({**{name: row_text(row) for name, row in file.rows.items()}, **kept})
    changed = sum(_rates(before.get(key)) != _rates(card) for key, card in reviewed.accepted.items())
    told = () if last is not None and content == last.content else (_file(speaker, content, reading.version),)
    return Plan(told, changed, tuple(held), len(reviewed.kept))


def _plan_rates(
    speaker: Speaker, source: PriceSource, reading: Reading, prices: Prices, rejected: Collection[str]
) -> Plan:
    given: dict[tuple[str, str], list[ExchangeRate]] = {}
    taken: list[ExchangeRate] = []
    held: list[Held] = []
    refused = 0
    rates = ((each, each.rate) for each in reading.offers.values() if each.rate is not None)
    for offered, rate in sorted(rates, key=lambda each: each[1].day):
        pair = rate.base, rate.quote
        known = given.setdefault(pair, list(prices.rates.given(*pair)))
        place = bisect_right(known, rate.day, key=lambda each: each.day)
        before = known[max(0, place - 1)] if known else None
        if (
            before is not None
            and before.day == rate.day
            and (before.rate == rate.rate or before.source != rate.source)
        ):
            continue
        jump = None if before is None else _jump(offered.key, before, rate, source.factor)
        if jump is None:
            taken.append(rate)
            known.insert(place, rate)
        elif offered.fingerprint in rejected:
            refused += 1
        else:
            held.append(Held(offered, (jump,)))
    told = (PutExchangeRates(speaker.tenant, None, speaker.author, taken),) if taken else ()
    return Plan(told, len(taken), tuple(held), refused + len(held))


def _jump(key: str, before: ExchangeRate, after: ExchangeRate, factor: Fraction) -> Jump | None:
    old, new = (Fraction(each.rate) * NANO for each in (before, after))
    verdict = verdict_on(old, new, factor)
    return None if verdict is None else Jump(key, after.base, old, new, verdict)


def _file(speaker: Speaker, content: bytes, version: str) -> PutPriceFile:
    return PutPriceFile(speaker.tenant, None, speaker.author, content, version, speaker.reason)


def _rates(card: Card | None) -> object:
    """What a card charges, whatever file it is of."""
    if card is None:
        return None
    return card.starts, card.tiers, {mode: (each.starts, each.tiers) for mode, each in card.modes.items()}
