"""A dated price of one model, compiled to integers: what :class:`TokenCounts` cost, exact to the nano-unit.

A rate is an exact fraction of nano-units per token. The rates of one tier share a denominator, so that a
component's cost is one sum of integer products, rounded once (half to even):

    prompt_nano = round(Σ count_i · rate_i / denominator), likewise completion_nano and other_nano
    total_nano  = prompt_nano + completion_nano + other_nano

Tiers are cliffs, as in the ``genai-prices`` data: one prompt token past a threshold reprices the whole
request.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from operator import mul
from typing import NamedTuple

from pricing.money import round_ratio
from pricing.units import COMPLETION, OTHER, PROMPT, TokenCounts

REQUEST = "request"
"""The key of a rate that is charged once per operation, beside the names of ``TokenCounts``."""


class Costs(NamedTuple):
    """The three components of a cost, in nano-units of the card's currency."""

    prompt_nano: int
    completion_nano: int
    other_nano: int


class Tier(NamedTuple):
    """The rates of one tier: numerators of nano-units per unit, in the order of ``TokenCounts``."""

    prompt: tuple[int, ...]
    completion: tuple[int, ...]
    other: tuple[int, ...]
    request: int
    denominator: int
    unpriced: tuple[int, ...]
    """Positions in ``TokenCounts`` that have no rate."""

    @classmethod
    def of(cls, rates: Mapping[str, Fraction]) -> "Tier":
        """Compile nano-units per unit, by name of ``TokenCounts`` or ``REQUEST``."""
        denominator = lcm(*(rate.denominator for rate in rates.values()))
        numerators = {name: int(rate * denominator) for name, rate in rates.items()}
        vector = tuple(numerators.get(name, 0) for name in TokenCounts._fields)
        return cls(
            prompt=vector[PROMPT],
            completion=vector[COMPLETION],
            other=vector[OTHER],
            request=numerators.get(REQUEST, 0),
            denominator=denominator,
            unpriced=tuple(i for i, name in enumerate(TokenCounts._fields) if name not in rates),
        )


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

    def costs(self, counts: TokenCounts) -> Costs | None:
        """The cost of one operation; None where it used something that has no rate here."""
        tier = self.tiers[bisect_left(self.starts, counts.prompt_tokens) if self.starts else 0]
        for position in tier.unpriced:
            if counts[position]:
                return None
        prompt = sum(map(mul, tier.prompt, counts))  # prompt counts come first: map stops after them
        completion = sum(map(mul, tier.completion, counts[COMPLETION]))
        other = sum(map(mul, tier.other, counts[OTHER])) + tier.request
        denominator = tier.denominator
        if denominator == 1:
            return Costs(prompt, completion, other)
        return Costs(
            round_ratio(prompt, denominator),
            round_ratio(completion, denominator),
            round_ratio(other, denominator),
        )
