"""The chain that a price is looked up in: contract → organisation → catalogue → imported file → unpriced.

A :class:`Book` lays dated cards over the source beneath it, and is a ``RateSource`` itself. It never changes:
new cards make a new book, so that a compiled card is dropped in the moment in which a card changes. What it
compiles it keeps, so that a warm look-up is that of the source beneath and two dictionaries more, however
many cards there are.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from pricing.calendar import DAY_US, check_instant
from pricing.cards import RateCard, by_rank
from pricing.modes import Mode
from pricing.overlay import lay, lay_resource, with_modes
from pricing.ports import RateSource
from pricing.quote import Pricer
from pricing.rates import Card
from pricing.units import COUNT_NAMES

_NAMES_MAX: Final = 8192
_COMPILED_MAX: Final = 4096


class Sources:
    """Several sources as one: the first that knows the model gives the card."""

    def __init__(self, sources: Sequence[RateSource]) -> None:
        self._sources = tuple(sources)

    def find(self, provider: str | None, model_id: str, at_us: int) -> Card | None:
        """The price of a model at an instant, of the first source that knows it."""
        for source in self._sources:
            card = source.find(provider, model_id, at_us)
            if card is not None:
                return card
        return None


@dataclass(slots=True)
class _Named:
    """The cards about one model, with what was compiled of them so far."""

    cards: list[RateCard]
    """By rank."""
    edges: list[int]
    """Instants at which one of them begins or ends to be valid."""
    hours: list[int]
    """Instants of a day, likewise."""
    compiled: dict[tuple[int, int, int], tuple[Card | None, Card | None]] = field(
        default_factory=dict[tuple[int, int, int], tuple["Card | None", "Card | None"]]
    )
    """By period, hours and identity of the list price, which is kept beside: (list price, compiled)."""


class Book:
    """Dated cards over a source of list prices."""

    def __init__(
        self, cards: Iterable[RateCard], below: RateSource | None = None, names: RateSource | None = None
    ) -> None:
        """``names`` knows what models are called, where nothing that does lies below."""
        self._below = below
        self._names = names
        self._exact: dict[str, list[RateCard]] = defaultdict(list)
        self._patterns: dict[str, list[RateCard]] = defaultdict(list)
        for card in cards:
            kind = self._patterns if card.is_pattern else self._exact
            kind[card.prefix].append(card)
        self._lengths = sorted({len(prefix) for prefix in self._patterns})
        self._named = lru_cache(maxsize=_NAMES_MAX)(self._name)

    def find(self, provider: str | None, model_id: str, at_us: int) -> Card | None:
        """The price of a model at an instant, changed by the cards that hold then."""
        below = None if self._below is None else self._below.find(provider, model_id, at_us)
        called = below if self._names is None else self._names.find(provider, model_id, at_us)
        named = self._named(provider, model_id, None if called is None else called.name)
        if named is None:
            return below
        period = bisect_right(named.edges, at_us)
        hour = bisect_right(named.hours, at_us % DAY_US) if named.hours else 0
        known = named.compiled.get((period, hour, id(below)))
        if known is None:
            known = (below, self._compile(named, model_id, check_instant(at_us), below))
            if len(named.compiled) >= _COMPILED_MAX:
                named.compiled.clear()
            named.compiled[period, hour, id(below)] = known
        return known[1]

    def _name(self, provider: str | None, model_id: str, listed: str | None) -> _Named | None:
        """The cards about a model: by its names, and by each beginning of them that a pattern has.

        A model has the name that the caller gave, which may be dated or prefixed, and that of the list.
        """
        vendor, _, model = (listed or "").lower().partition("/")
        names = {model_id.lower(), model} - {""}
        vendors = {vendor, "" if provider is None else provider.lower()} - {""}
        found = {card.card_id: card for name in names for card in self.about(name)}
        cards = by_rank(card for card in found.values() if card.matches(vendors, names))
        if not cards:
            return None
        edges = sorted({edge for card in cards for edge in (card.valid_from_us, card.valid_to_us)})
        hours = sorted({edge for card in cards if (h := card.hours) for edge in (h.from_us, h.to_us)})
        return _Named(cards, edges, hours)

    def about(self, name: str) -> list[RateCard]:
        """The cards whose model may be this one."""
        found = list(self._exact.get(name, ()))
        for length in self._lengths:
            if length > len(name):
                break
            found += self._patterns.get(name[:length], ())
        return found

    def _compile(self, named: _Named, model_id: str, at_us: int, below: Card | None) -> Card | None:
        valid = [card for card in named.cards if card.holds(at_us)]
        if not valid:
            return below
        unit = model_id.lower()
        is_resource = below is not None and below.resource is not None
        if is_resource or _prices_resource(valid, unit):
            return lay_resource(valid, unit, below)
        return _with_modes(valid, below)


def _prices_resource(cards: Sequence[RateCard], unit: str) -> bool:
    """Whether a card has a line for what is called like a model, but is the unit of a resource."""
    return unit not in COUNT_NAMES and any(line.unit == unit for card in cards for line in card.lines)


def _with_modes(valid: Sequence[RateCard], below: Card | None) -> Card | None:
    modes: dict[Mode, Card] = {}
    for mode in Mode:
        cards = [card for card in valid if card.mode in {None, mode}]
        card = lay(cards, mode, None if below is None else below.in_mode(mode))
        if card is not None:
            modes[mode] = card
    standard = modes.pop(Mode.STANDARD, None)
    if standard is not None:
        return with_modes(standard, modes)
    # Sold in other modes only: any of them leads to the others.
    return next((with_modes(card, modes) for card in modes.values()), None)


class PriceBook:
    """The whole chain, for each path of budgets: their contracts, the organisation's cards, the lists.

    ``contracts`` are by budget. The contracts of a path are those of its budgets; of two that are about the
    same model, the nearer budget's wins, however specific the other one is.
    """

    def __init__(
        self,
        lists: Sequence[RateSource],
        overrides: Iterable[RateCard] = (),
        contracts: Mapping[str, Iterable[RateCard]] | None = None,
    ) -> None:
        cards = tuple(overrides)
        self._lists = tuple(lists)
        # What cards lie over: the first list that knows a model; then each list by itself, because what one
        # does not price the next one may.
        self._under: tuple[RateSource, ...] = (Sources(lists), *lists[1:])
        if cards:
            self._under = tuple(Book(cards, source) for source in self._under)
            self._lists = self._under
        self._contracts = {budget: tuple(cards) for budget, cards in (contracts or {}).items() if cards}
        self._chains = lru_cache(maxsize=_NAMES_MAX)(self._chain)

    def pricer(self, path: Sequence[str] = ()) -> Pricer:
        """The pricer for a path of budgets, leaf first; one object per set of contracts."""
        return self._chains(tuple(budget for budget in path if budget in self._contracts))

    def _chain(self, budgets: tuple[str, ...]) -> Pricer:
        if not budgets:
            return Pricer(self._lists)
        sources: list[RateSource] = []
        for listed in self._under:
            source = listed
            for budget in reversed(budgets):  # the root's first, the leaf's over it
                source = Book(self._contracts[budget], source)
            sources.append(source)
        return Pricer(sources)
