"""A dated price of one model, compiled to integers: what :class:`TokenCounts` cost, exact to the nano-unit.

A rate is an exact fraction of nano-units per token. The rates of one tier share a denominator, so that a
component's cost is one sum of integer products, rounded once (half to even):

    prompt_nano = round(Σ count_i · rate_i / denominator), likewise completion_nano and other_nano
    total_nano  = prompt_nano + completion_nano + other_nano

Tiers are cliffs, as in the ``genai-prices`` data: one prompt token past a threshold reprices the whole
request. Rates with other steps (graduated, by month) are kept beside the tiers and cost more time.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from math import lcm
from operator import itemgetter, mul
from typing import Any, Final, NamedTuple, cast

from pricing.modes import Mode
from pricing.money import round_ratio
from pricing.steps import Basis, Steps
from pricing.units import COMPLETION, COUNT_NAMES, NO_COUNTS, OTHER, PRICED_OTHER, PROMPT, TokenCounts

REQUEST = "request"
"""The key of a rate that is charged per request, beside the names of ``TokenCounts``."""
FEE_SCALE: Final = 10**6
# What a NamedTuple's own constructor calls, in half its time: this is the hot path.
_new: Callable[[type["Costs"], tuple[int, ...]], "Costs"] = cast("Any", tuple).__new__


class Costs(NamedTuple):
    """The three components of a cost, in nano-units of the card's currency."""

    prompt_nano: int
    completion_nano: int
    other_nano: int


@cache
def _reader(positions: tuple[int, ...]) -> Callable[[TokenCounts], Any]:
    """Reads those positions of a vector at once; the same function for the same positions."""
    return itemgetter(*positions, positions[0]) if positions else _nothing


def _nothing(_: TokenCounts) -> tuple[()]:
    return ()


class Tier(NamedTuple):
    """The rates of one tier: numerators of nano-units per unit, in the order of ``TokenCounts``.

    Zeros at the end of a component are left out, so that they cost no time.
    """

    prompt: tuple[int, ...]
    completion: tuple[int, ...]
    other: tuple[int, ...]
    request: int
    denominator: int
    unpriced: tuple[int, ...]
    """Positions in ``TokenCounts`` that have no rate."""
    read_unpriced: Callable[[TokenCounts], Any]

    @classmethod
    def of(cls, rates: Mapping[str, Fraction]) -> "Tier":
        """Compile nano-units per unit, by name of ``TokenCounts`` or ``REQUEST``."""
        denominator = lcm(*(rate.denominator for rate in rates.values()))
        numerators = {name: int(rate * denominator) for name, rate in rates.items()}
        vector = tuple(numerators.get(name, 0) for name in COUNT_NAMES)
        # A request is counted with every operation: without a rate for it, it is not missing one.
        unpriced = tuple(
            position
            for position, name in enumerate(COUNT_NAMES)
            if name not in rates and position < PRICED_OTHER.stop
        )
        return cls(
            prompt=_trimmed(vector[PROMPT]),
            completion=_trimmed(vector[COMPLETION]),
            other=_trimmed(vector[PRICED_OTHER]),
            request=numerators.get(REQUEST, 0),
            denominator=denominator,
            unpriced=unpriced,
            read_unpriced=_reader(unpriced),
        )

    def rates(self) -> dict[str, Fraction]:
        """Nano-units per unit of each count that has a rate: what :meth:`of` was given."""
        missing = set(self.unpriced)
        vectors = (self.prompt, self.completion, self.other)
        rates: dict[str, Fraction] = {}
        for part, vector in zip((PROMPT, COMPLETION, PRICED_OTHER), vectors, strict=True):
            for position in range(part.start, part.stop):
                if position not in missing:
                    index = position - part.start
                    numerator = vector[index] if index < len(vector) else 0
                    rates[COUNT_NAMES[position]] = Fraction(numerator, self.denominator)
        if self.request:
            rates[REQUEST] = Fraction(self.request, self.denominator)
        return rates


def _trimmed(vector: tuple[int, ...]) -> tuple[int, ...]:
    while vector and not vector[-1]:
        vector = vector[:-1]
    return vector


class Origin(NamedTuple):
    """Which card a rate comes from."""

    source: str
    card: str
    valid_from: str | None
    author: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One dated price of one model, with its provenance."""

    key: str
    """``provider/model`` of the source's own words."""
    currency: str
    source: str
    """Which source it came from, for instance ``catalogue``."""
    version: str
    content_hash: str
    """SHA-256 of the source's data, in hex."""
    valid_from: str | None
    """ISO date (UTC) from which the price was valid; None where the source gives none."""
    starts: tuple[int, ...]
    """Prompt tokens above which the next tier applies, ascending."""
    tiers: Sequence[Tier]
    """One more than ``starts``."""
    stepped: tuple[tuple[int, Steps], ...] = ()
    """Positions in ``TokenCounts`` that are priced by steps of their own quantity; their vector rate is 0."""
    resource: tuple[str, Steps] | None = None
    """The unit of a resource, and its rates per unit, where the card is one of a resource."""
    fee_ppm: int = 0
    """A fee on top of all else, in parts per million of it."""
    modes: Mapping[Mode, "Card"] = field(default_factory=dict[Mode, "Card"], hash=False)
    """The prices of other processing modes than the standard one."""
    mode: Mode = Mode.STANDARD
    listed: "Card | None" = None
    """The list price that a contract changes; None where this is the list price."""
    author: str | None = None
    """Who set it, where somebody did."""
    recorded_at_us: int = 0
    """When, where somebody did."""
    origins: Mapping[str, Origin] = field(default_factory=dict[str, Origin], hash=False)
    """Where each unit's rate comes from, where several cards made this one."""
    list_key: str | None = None
    """The ``provider/model`` of the list price that a contract changes."""

    @property
    def monthly(self) -> bool:
        """Whether a price depends on what the month has used before."""
        resource = self.resource is not None and self.resource[1].basis is Basis.MONTH
        return resource or any(steps.basis is Basis.MONTH for _, steps in self.stepped)

    @property
    def name(self) -> str:
        """``provider/model`` in the words of the list, whatever contract is laid over it."""
        return self.list_key or self.key

    def in_mode(self, mode: Mode) -> "Card | None":
        """The card for a processing mode; None where this one has no price for it."""
        return self if mode is self.mode else self.modes.get(mode)

    def tier_at(self, prompt_tokens: int) -> Tier:
        """The tier of prompts that are longer than this."""
        return self.tiers[bisect_right(self.starts, prompt_tokens)]

    def origin_of(self, unit: str) -> Origin:
        """Which card the rate of a unit comes from."""
        return self.origins.get(unit) or Origin(self.source, self.key, self.valid_from, self.author)

    def tier_of(self, counts: TokenCounts) -> int:
        """Which tier the counts' prompt tokens reach, from 0."""
        return bisect_left(self.starts, counts.prompt_tokens) if self.starts else 0

    def costs(self, counts: TokenCounts, before: TokenCounts = NO_COUNTS) -> Costs | None:
        """The cost of one operation; None where it used something that has no rate here.

        ``before`` is what the month had used, for cards that are ``monthly``.
        """
        starts = self.starts
        tier = self.tiers[bisect_left(starts, sum(counts[PROMPT])) if starts else 0]
        if any(tier.read_unpriced(counts)):
            return None
        prompt = sum(map(mul, tier.prompt, counts))  # prompt counts come first: map stops after them
        completion = sum(map(mul, tier.completion, counts[COMPLETION]))
        other = sum(map(mul, tier.other, counts[OTHER])) if tier.other else 0
        if tier.request:
            other += tier.request * (counts.requests or 1)
        if self.stepped or self.fee_ppm:
            return self._with_steps(counts, before, (prompt, completion, other), tier.denominator)
        denominator = tier.denominator
        if denominator == 1:
            return _new(Costs, (prompt, completion, other))
        return Costs(
            round_ratio(prompt, denominator),
            round_ratio(completion, denominator),
            round_ratio(other, denominator),
        )

    def resource_cost(self, quantity_nano: int, before_nano: int = 0) -> Costs | None:
        """The cost of so many billionths of this card's resource; None where it is not one of a resource."""
        if self.resource is None:
            return None
        exact = self.resource[1].cost(quantity_nano, before_nano)
        base_nano = round_ratio(exact.numerator, exact.denominator)
        return Costs(0, 0, base_nano + self.fee_nano(base_nano))

    def fee_nano(self, base_nano: int) -> int:
        """The fee on an amount."""
        return round_ratio(base_nano * self.fee_ppm, FEE_SCALE)

    def _with_steps(
        self, counts: TokenCounts, before: TokenCounts, sums: tuple[int, int, int], denominator: int
    ) -> Costs:
        exact = [Fraction(each, denominator) for each in sums]
        for position, steps in self.stepped:
            exact[component_of(position)] += steps.cost(counts[position], before[position])
        prompt, completion, other = (round_ratio(each.numerator, each.denominator) for each in exact)
        return Costs(prompt, completion, other + self.fee_nano(prompt + completion + other))


def component_of(position: int) -> int:
    """The place in ``Costs`` of a position in ``TokenCounts``."""
    if position < PROMPT.stop:
        return 0
    return 1 if position < COMPLETION.stop else 2
