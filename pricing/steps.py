"""Rates that depend on how much: steps of a quantity, as a cliff or graduated, per call or per month.

With steps 0 → 5, 100 → 3 and a quantity of 150:

- **graduated**: the first 100 at 5, the other 50 at 3. A free allowance is a first step at rate 0.
- **cliff**: all 150 at 3. The quantity must be past a step's edge, so exactly 100 costs 5 each.

By month, ``before`` is what the month has used already; a graduated quantity goes on from there, and a cliff
takes the step that the month reaches with it, for this quantity alone: what was charged earlier stays.
"""

from bisect import bisect_left
from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from pricing.errors import InvalidRate


class Semantics(StrEnum):
    """What passing the edge of a step does."""

    CLIFF = "CLIFF"
    GRADUATED = "GRADUATED"


class Basis(StrEnum):
    """Which quantity the edges are of."""

    PROMPT = "PROMPT"
    """All prompt tokens of the call, as providers' long-context prices are; cliffs only."""
    CALL = "CALL"
    """This unit's quantity in the call."""
    MONTH = "MONTH"
    """This unit's quantity in the calendar month, within the scope that the caller counts."""


class Part(NamedTuple):
    """So much of a quantity at one rate."""

    quantity: int
    rate: Fraction
    step: int
    """Which step, from 0."""


class Steps(NamedTuple):
    """One unit's rates in nano-units: ``rates[i]`` applies above ``edges[i]``; ``edges[0]`` is 0."""

    edges: tuple[int, ...]
    rates: tuple[Fraction, ...]
    semantics: Semantics = Semantics.GRADUATED
    basis: Basis = Basis.CALL

    @classmethod
    def of(
        cls,
        steps: Sequence[tuple[int, Fraction]],
        semantics: Semantics = Semantics.GRADUATED,
        basis: Basis = Basis.CALL,
    ) -> "Steps":
        """Steps in order of their edges. Raises ``InvalidRate``."""
        edges = tuple(edge for edge, _ in steps)
        rates = tuple(rate for _, rate in steps)
        if not edges or edges[0] != 0:
            message = f"the first step must begin at 0, not at {edges[0] if edges else 'nothing'}"
            raise InvalidRate(message, "steps")
        for left, right in pairwise(edges):
            if left >= right:
                message = f"steps must ascend: {right} comes after {left}"
                raise InvalidRate(message, "steps")
        if min(rates) < 0:
            message = f"a rate must not be negative: {min(rates)}"
            raise InvalidRate(message, "steps")
        if basis is Basis.PROMPT and semantics is not Semantics.CLIFF and len(edges) > 1:
            message = "steps by PROMPT tokens are cliffs: GRADUATED goes with CALL or MONTH"
            raise InvalidRate(message, "semantics")
        return cls(edges, rates, semantics, basis)

    def parts(self, quantity: int, before: int = 0) -> list[Part]:
        """How a quantity is divided over the steps, without empty parts."""
        if self.basis is not Basis.MONTH:
            before = 0
        if not quantity:
            return []
        if self.semantics is Semantics.CLIFF:
            step = max(0, bisect_left(self.edges, before + quantity) - 1)
            return [Part(quantity, self.rates[step], step)]
        ends = (*self.edges[1:], before + quantity)
        parts: list[Part] = []
        for step, (edge, end) in enumerate(zip(self.edges, ends, strict=True)):
            inside = min(end, before + quantity) - max(edge, before)
            if inside > 0:
                parts.append(Part(inside, self.rates[step], step))
        return parts

    def cost(self, quantity: int, before: int = 0) -> Fraction:
        """The exact cost of a quantity, in nano-units."""
        return sum((part.quantity * part.rate for part in self.parts(quantity, before)), Fraction(0))
