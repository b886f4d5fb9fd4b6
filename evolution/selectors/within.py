"""Who fits into a budget: the most fitness that it buys, exactly (``evolution.budgeted``)."""

import math
from dataclasses import dataclass
from typing import ClassVar

from evolution.budgeted import Offer, select_within
from evolution.checks import check_nano
from evolution.selectors.base import Pool, Rng


@dataclass(frozen=True, slots=True)
class WithinBudget:
    """The best k that ``budget_nano`` pays for, those that are ``mandatory`` among them.

    Fitness is to be the lower bound and cost the future one, in nano-units (``candidates.offers_of``).
    """

    name: ClassVar[str] = "within_budget"
    needs: ClassVar[tuple[str, ...]] = ("fitness", "cost")
    budget_nano: int
    mandatory: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """A budget of whole nano-units."""
        check_nano(self.budget_nano, "budget_nano")

    def pick(self, pool: Pool, k: int, rng: Rng, *, replace: bool) -> list[int]:  # noqa: ARG002 - nothing is drawn
        """By id. ``replace`` changes nothing: nobody is paid for twice. Raises ``Infeasible``."""
        fitness, cost = pool.column("fitness").tolist(), pool.column("cost").tolist()
        offers = [
            Offer(name, value, math.ceil(price))
            for name, value, price in zip(pool.ids, fitness, cost, strict=True)
        ]
        chosen = select_within(offers, self.budget_nano, min(k, len(pool)), mandatory=self.mandatory).chosen
        row = {name: i for i, name in enumerate(pool.ids)}
        return [row[name] for name in chosen]
