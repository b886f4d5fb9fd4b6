"""Laying the lines of dated cards over a list price: the compiled :class:`Card` that results.

For every unit, the most specific card that has a line for it decides; a unit that none of them names keeps
its list price. Where the list charges a narrower unit (reasoning, cached input) like its wider one, a line
for the wider one moves the narrower one with it. A price above the list price is lowered to it (to the
highest of its steps, where it has some), unless its card says that it may raise. A card in another currency
than the list's stands alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from pricing.calendar import to_datetime
from pricing.cards import EVERY, RateCard, RateLine
from pricing.modes import Mode
from pricing.money import NANO
from pricing.rates import FEE_SCALE, REQUEST, Card, Origin, Tier
from pricing.steps import Basis, Steps
from pricing.units import COUNT_NAMES

WIDER: Final[Mapping[str, str]] = {
    "cache_read": "uncached",
    "cache_write_5m": "uncached",
    "cache_write_1h": "cache_write_5m",
    "audio_cache_read": "audio_in",
    "image_in": "uncached",
    "video_in": "uncached",
    "reasoning": "completion",
}
"""What a unit is priced like where nothing says otherwise. Audio and generated media are never like text."""
_PRICED: Final = (*(name for name in COUNT_NAMES if name != "requests"), REQUEST)


def lay(cards: Sequence[RateCard], mode: Mode, below: Card | None) -> Card | None:
    """The card of a mode: cards in order of their rank, over the list price in that mode."""
    alone = [card for card in cards if any(line.price is not None for line in card.lines)]
    currency = alone[0].currency if alone else (below.currency if below is not None else None)
    if not cards or currency is None:
        return below
    base = below if below is not None and below.currency == currency else None
    used = [card for card in cards if card.currency == currency or card not in alone]
    decided = {unit: found for unit in _PRICED if (found := _decide(used, unit)) is not None}
    if base is None:
        decided = {unit: found for unit, found in decided.items() if found[1].price is not None}
    fee_ppm = next((card.fee_ppm for card in used if card.fee_ppm), base.fee_ppm if base else 0)
    if not decided and not fee_ppm:
        return below
    starts = _starts(base, decided)
    stepped = {} if base is None else dict(base.stepped)
    tiers: list[Tier] = []
    for edge in (-1, *starts):
        listed = {} if base is None else base.tier_at(edge).rates()
        tiers.append(Tier.of(_tier(listed, decided, stepped, edge, base)))
    first = next((card for card, _ in decided.values()), used[0])
    origins = {} if base is None else dict(base.origins or _origins_of(base))
    origins |= {unit: _origin(card) for unit, (card, _) in decided.items()}
    return Card(
        key=first.card_id,
        currency=currency,
        source=first.source,
        version=first.version or (base.version if base else ""),
        content_hash=first.content_hash or (base.content_hash if base else ""),
        valid_from=_date(first),
        starts=starts,
        tiers=tuple(tiers),
        stepped=tuple(sorted(stepped.items())),
        fee_ppm=fee_ppm,
        mode=mode,
        listed=below if below is not None and below.currency == currency else None,
        author=first.author,
        recorded_at_us=first.recorded_at_us,
        origins=origins,
        list_key=None if below is None else below.name,
    )


def lay_resource(cards: Sequence[RateCard], unit: str, below: Card | None) -> Card | None:
    """The card of a resource: the first that prices it, or a discount on what lies below."""
    for card in cards:
        line = card.line(unit)
        if line is None:
            continue
        listed = below.resource if below is not None and below.currency == card.currency else None
        if line.discount_ppm is not None:
            if below is None or below.resource is None:
                continue
            steps = _discounted(below.resource[1], line.discount_ppm)
            currency = below.currency
        else:
            steps, currency = _of_billionths(line.to_steps()), card.currency
            if listed is not None and not card.may_raise:
                steps = steps._replace(rates=tuple(min(rate, max(listed[1].rates)) for rate in steps.rates))
        return Card(
            key=card.card_id,
            currency=currency,
            source=card.source,
            version=card.version,
            content_hash=card.content_hash,
            valid_from=_date(card),
            starts=(),
            tiers=(Tier.of({}),),
            resource=(unit, steps),
            fee_ppm=card.fee_ppm,
            listed=below if below is not None and below.currency == currency else None,
            author=card.author,
            recorded_at_us=card.recorded_at_us,
        )
    return below


def with_modes(standard: Card, modes: Mapping[Mode, Card]) -> Card:
    """The card with the prices of other modes beside it."""
    return replace(standard, modes=modes)


def _decide(cards: Sequence[RateCard], unit: str) -> tuple[RateCard, RateLine] | None:
    for card in cards:
        line = card.line(unit)
        # A price for every unit would make a request or a search cost as much as a token: it is not taken.
        if line is not None and (line.unit != EVERY or line.discount_ppm is not None):
            return card, line
    return None


def _starts(base: Card | None, decided: Mapping[str, tuple[RateCard, RateLine]]) -> tuple[int, ...]:
    edges = set(() if base is None else base.starts)
    for _, line in decided.values():
        if line.basis is Basis.PROMPT:
            edges |= {above for above, _ in line.steps}
    return tuple(sorted(edges))


def _tier(
    listed: dict[str, Fraction],
    decided: dict[str, tuple[RateCard, RateLine]],
    stepped: dict[int, Steps],
    edge: int,
    base: Card | None,
) -> dict[str, Fraction]:
    """The rates of the tier above ``edge``; units with other steps go to ``stepped``, and are 0 here."""
    rates = dict(listed)
    before = {} if base is None else dict(base.stepped)
    for unit in _PRICED:
        found = decided.get(unit)
        if found is None:
            wide = WIDER.get(unit)
            # Like its wider unit on the list, or like it without a price: it goes where that one goes.
            if wide not in decided or listed.get(unit) != listed.get(wide):
                continue
            found = decided[unit] = decided[wide]
        card, line = found
        position = COUNT_NAMES.index(unit) if unit != REQUEST else -1
        if line.discount_ppm is not None:
            if position in before:
                stepped[position] = _discounted(before[position], line.discount_ppm)
            if unit in listed:
                rates[unit] = listed[unit] * (FEE_SCALE - line.discount_ppm) / FEE_SCALE
            continue
        steps = line.to_steps()
        cap = None if card.may_raise else listed.get(unit)
        if cap is not None and position in before:
            cap = max(before[position].rates)
        if not line.steps or line.basis is Basis.PROMPT or position < 0:
            rate = steps.rates[max(i for i, start in enumerate(steps.edges) if start <= max(edge, 0))]
            rates[unit] = rate if cap is None else min(rate, cap)
            stepped.pop(position, None)
            continue
        if cap is not None:
            steps = steps._replace(rates=tuple(min(rate, cap) for rate in steps.rates))
        known = stepped.get(position)
        # Where the list has tiers, the steps are at the lowest that any of them allows.
        same = known is not None and known.edges == steps.edges
        stepped[position] = _lower(steps, known) if known is not None and same else steps
        rates[unit] = Fraction(0)
    return rates


def _lower(one: Steps, other: Steps) -> Steps:
    """The same steps at the lower of two rates each."""
    return one._replace(rates=tuple(map(min, one.rates, other.rates)))


def _discounted(steps: Steps, discount_ppm: int) -> Steps:
    share = Fraction(FEE_SCALE - discount_ppm, FEE_SCALE)
    return steps._replace(rates=tuple(rate * share for rate in steps.rates))


def _of_billionths(steps: Steps) -> Steps:
    """Steps of units as steps of their billionths, which quantities of resources are."""
    edges = tuple(edge * NANO for edge in steps.edges)
    return steps._replace(edges=edges, rates=tuple(rate / NANO for rate in steps.rates))


def _date(card: RateCard) -> str | None:
    return to_datetime(card.valid_from_us).date().isoformat() if card.valid_from_us else None


def _origin(card: RateCard) -> Origin:
    return Origin(card.source, card.card_id, _date(card), card.author)


def _origins_of(card: Card) -> dict[str, Origin]:
    origin = Origin(card.source, card.key, card.valid_from, card.author)
    return dict.fromkeys(_PRICED, origin)
