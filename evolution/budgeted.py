"""Budget-aware selection: the most fitness that a budget buys, with a proof of how good it is.

max Σ v x with Σ c x ≤ B, Σ x ≤ k, mandatory and excluded agents, a cap per clade; v is fitness at its lower
confidence bound, c the expected (or p90) future cost in integer nano-units. Up to about a thousand agents
exactly, by HiGHS (``scipy.optimize.milp``); above, a rounded LP relaxation with its proven bound.

HiGHS works in floats with tolerances. Here the last word is integers': a set that costs too much by a single
nano-unit is cut off and the rest solved again.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from evolution.arrays import Floats
from evolution.checks import check_id, check_nano
from evolution.errors import Infeasible, InvalidInput

if TYPE_CHECKING:
    from scipy.sparse import csr_array

EXACT_MAX: Final = 1_000
CUTS_MAX: Final = 200
_SCALE: Final = 1e6
"""Values are scaled so that the solver's absolute gap (1e-6) is 1e-12 of the largest."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An agent that may be chosen. ``cost_nano`` None is unknown: it cannot be promised to fit a budget."""

    agent_id: str
    value: float
    cost_nano: int | None
    clade_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse NaN at the door."""
        check_id(self.agent_id, "agent_id")
        check_nano(self.cost_nano, "cost_nano")
        if not math.isfinite(self.value):
            raise InvalidInput(f"value ({self.value}) must be finite", field="value")


@dataclass(frozen=True, slots=True)
class BudgetedSelection:
    """What was chosen (by id), what it costs, and how much better anything could be."""

    chosen: tuple[str, ...]
    value: float
    cost_nano: int
    lp_bound: float
    """No selection is worth more: the optimum of the linear relaxation."""
    bound: float
    """The proven bound: the value itself where ``exact``."""
    exact: bool
    left_out: Mapping[str, str] = field(default_factory=dict[str, str])
    """Why others were not: EXCLUDED, UNKNOWN_COST, OVER_BUDGET (alone), NO_VALUE, NOT_CHOSEN."""

    @property
    def gap(self) -> float:
        """How much more value is not ruled out."""
        return max(self.bound - self.value, 0.0)


def select_within(
    offers: Iterable[Offer],
    budget_nano: int,
    k: int,
    *,
    mandatory: Iterable[str] = (),
    excluded: Iterable[str] = (),
    clade_cap: int | None = None,
    exact_max: int = EXACT_MAX,
    seconds_max: float | None = None,
) -> BudgetedSelection:
    """Choose at most k offers for at most the budget, at most ``clade_cap`` per clade.

    ``seconds_max`` stops the exact search early: then ``exact`` is false and ``bound`` tells how far off.
    Raises ``Infeasible`` where the mandatory ones alone do not fit, ``InvalidInput`` for bad input.
    """
    rows = sorted(offers, key=lambda each: each.agent_id)
    must, never = frozenset(mandatory), frozenset(excluded)
    _check(rows, budget_nano, k, must, never, clade_cap)
    left_out: dict[str, str] = {}
    for row in rows:
        if (reason := _reason(row, budget_nano, must, never)) is not None:
            left_out[row.agent_id] = reason
    open_rows = [row for row in rows if row.agent_id not in left_out]
    problem = _Problem.of(open_rows, budget_nano, k, must, clade_cap)
    lp_bound, relaxed = problem.relax()
    if len(open_rows) <= exact_max:
        chosen, bound, exact = problem.solve(seconds_max)
    else:
        chosen, bound, exact = None, lp_bound, False
    if chosen is None:
        chosen = problem.rounded(relaxed)
    value = math.fsum(row.value for row, x in zip(open_rows, chosen, strict=True) if x)
    for row, x in zip(open_rows, chosen, strict=True):
        if not x:
            left_out[row.agent_id] = "NOT_CHOSEN"
    return BudgetedSelection(
        tuple(row.agent_id for row, x in zip(open_rows, chosen, strict=True) if x),
        value,
        sum(row.cost_nano or 0 for row, x in zip(open_rows, chosen, strict=True) if x),
        max(lp_bound, value),
        value if exact else max(min(bound, lp_bound), value),
        exact,
        dict(sorted(left_out.items())),
    )


def _check(
    rows: Sequence[Offer],
    budget_nano: int,
    k: int,
    must: frozenset[str],
    never: frozenset[str],
    clade_cap: int | None,
) -> None:
    check_nano(budget_nano, "budget_nano")
    ids = {row.agent_id for row in rows}
    if len(ids) < len(rows):
        raise InvalidInput("an agent is offered twice", field="offers")
    if k < 0 or (clade_cap is not None and clade_cap < 0):
        raise InvalidInput("k and clade_cap must be at least 0", field="k")
    if missing := sorted(must - ids):
        raise InvalidInput(f"mandatory {missing[0]!r} is not offered", field="mandatory")
    if both := sorted(must & never):
        raise InvalidInput(f"{both[0]!r} is mandatory and excluded", field="mandatory")
    unknown = [row.agent_id for row in rows if row.agent_id in must and row.cost_nano is None]
    if unknown:
        raise Infeasible(f"mandatory {unknown[0]!r} has an unknown cost", field="mandatory")
    cost_nano = sum(row.cost_nano or 0 for row in rows if row.agent_id in must)
    if cost_nano > budget_nano:
        raise Infeasible(
            f"the mandatory agents cost {cost_nano}, the budget is {budget_nano}", field="mandatory"
        )
    if len(must) > k:
        raise Infeasible(f"{len(must)} agents are mandatory, k is {k}", field="mandatory")
    if clade_cap is not None:
        clades = [row.clade_id for row in rows if row.agent_id in must and row.clade_id is not None]
        if any(clades.count(clade) > clade_cap for clade in set(clades)):
            raise Infeasible(f"a clade has more than {clade_cap} mandatory agents", field="clade_cap")


def _reason(row: Offer, budget_nano: int, must: frozenset[str], never: frozenset[str]) -> str | None:
    if row.agent_id in must:
        return None
    if row.agent_id in never:
        return "EXCLUDED"
    if row.cost_nano is None:
        return "UNKNOWN_COST"
    if row.cost_nano > budget_nano:
        return "OVER_BUDGET"
    return "NO_VALUE" if row.value <= 0 else None


@dataclass(frozen=True, slots=True)
class _Problem:
    """Rows by id. Constraints: cost, count, then one per clade with more agents than its cap."""

    values: Floats
    costs: list[int]
    budget: int
    k: int
    clades: list[str | None]
    clade_cap: int | None
    fixed: Floats

    @classmethod
    def of(
        cls, rows: Sequence[Offer], budget_nano: int, k: int, must: frozenset[str], clade_cap: int | None
    ) -> "_Problem":
        costs = [row.cost_nano or 0 for row in rows]
        # Divided by what they share, so that floats hold them exactly wherever that is possible.
        unit = math.gcd(*costs) or 1
        return cls(
            np.array([row.value for row in rows], dtype=np.float64),
            [each // unit for each in costs],
            budget_nano // unit,
            k,
            [row.clade_id for row in rows],
            clade_cap,
            np.array([float(row.agent_id in must) for row in rows], dtype=np.float64),
        )

    def relax(self) -> tuple[float, Floats]:
        """The optimum of the linear relaxation, and where it is."""
        if not self.costs:
            return 0.0, np.zeros(0)
        from scipy.optimize import linprog  # noqa: PLC0415 - heavy; only who selects under a budget needs it

        matrix, limits = self._constraints([])
        found = linprog(
            -self._scaled(),
            A_ub=matrix,
            b_ub=limits,
            bounds=np.column_stack((self.fixed, np.ones_like(self.fixed))),
            method="highs",
        )
        if found.x is None or found.fun is None:
            raise InvalidInput(f"the solver found no relaxation: {found.message}", field="offers")
        return -found.fun * self._factor(), found.x

    def solve(self, seconds_max: float | None) -> tuple[list[bool] | None, float, bool]:
        """The best set, its bound, and whether it is proven to be the best."""
        if not self.costs:
            return [], 0.0, True
        from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415 - as above

        options: dict[str, float] = {"mip_rel_gap": 0.0}
        if seconds_max is not None:
            options["time_limit"] = seconds_max
        cuts: list[list[int]] = []
        bound = math.inf
        while len(cuts) <= CUTS_MAX:
            matrix, limits = self._constraints(cuts)
            found = milp(
                -self._scaled(),
                integrality=np.ones(len(self.costs), dtype=np.int64),
                bounds=Bounds(self.fixed, np.ones_like(self.fixed)),
                constraints=LinearConstraint(matrix, ub=limits),
                options=options,
            )
            if found.mip_dual_bound is not None:
                bound = -found.mip_dual_bound * self._factor()
            if found.x is None:
                break
            chosen = [bool(each) for each in found.x > 0.5]  # noqa: PLR2004 - what the solver means by 1
            if self._fits(chosen):
                value = math.fsum(self.values[np.array(chosen)].tolist())
                # The solver's own word is not enough: its bound must be reached.
                return chosen, bound, found.status == 0 and bound <= value + 1e-9 * max(abs(value), 1e-9)
            cuts.append([i for i, x in enumerate(chosen) if x])
        return None, bound, False

    def rounded(self, relaxed: Floats) -> list[bool]:
        """Whole parts of the relaxation first, then whatever still fits, by part and by value for money."""
        density = self.values / np.maximum(np.array(self.costs, dtype=np.float64), 1e-300)
        order = np.lexsort((-density, -np.round(relaxed, 9), -self.fixed))
        filled = self._greedy(order.tolist())
        # Density may crowd out the one that is worth all: whole values first is the other half of the bound.
        other = self._greedy(np.lexsort((-self.values, -self.fixed)).tolist())
        return max(filled, other, key=lambda chosen: math.fsum(self.values[np.array(chosen)].tolist()))

    def _greedy(self, order: Sequence[int]) -> list[bool]:
        chosen = [False] * len(self.costs)
        left, room = self.budget, self.k
        clades: dict[str, int] = {}
        for i in order:
            clade = self.clades[i]
            full = clade is not None and self.clade_cap is not None and clades.get(clade, 0) >= self.clade_cap
            if room and self.costs[i] <= left and not full:
                chosen[i] = True
                left, room = left - self.costs[i], room - 1
                if clade is not None:
                    clades[clade] = clades.get(clade, 0) + 1
        return chosen

    def _fits(self, chosen: Sequence[bool]) -> bool:
        return sum(cost for cost, x in zip(self.costs, chosen, strict=True) if x) <= self.budget

    def _factor(self) -> float:
        return (float(np.abs(self.values).max()) or 1.0) / _SCALE

    def _scaled(self) -> Floats:
        return self.values / self._factor()

    def _constraints(self, cuts: Sequence[Sequence[int]]) -> "tuple[csr_array, Floats]":
        """Sparse rows with upper limits. Costs are scaled to about 2^20: HiGHS refuses huge numbers."""
        from scipy.sparse import csr_array  # noqa: PLC0415 - as above

        size = len(self.costs)
        # By a power of two, which loses nothing: tolerances are then far above what sums of floats err by.
        shift = max(self.budget.bit_length() - 20, 0)
        lines: list[tuple[Sequence[int], Sequence[float], float]] = [
            (range(size), [math.ldexp(each, -shift) for each in self.costs], math.ldexp(self.budget, -shift)),
            (range(size), [1.0] * size, float(self.k)),
        ]
        if self.clade_cap is not None:
            members: dict[str, list[int]] = {}
            for i, clade in enumerate(self.clades):
                if clade is not None:
                    members.setdefault(clade, []).append(i)
            lines += [(each, [1.0] * len(each), float(self.clade_cap)) for each in members.values()]
        lines += [(cut, [1.0] * len(cut), float(len(cut) - 1)) for cut in cuts]
        row = np.concatenate([np.full(len(each), i) for i, (each, _, _) in enumerate(lines)])
        column = np.concatenate([np.array(each, dtype=np.int64) for each, _, _ in lines])
        weight = np.concatenate([np.array(each, dtype=np.float64) for _, each, _ in lines])
        matrix = csr_array((weight, (row.astype(np.int64), column)), shape=(len(lines), size))
        return matrix, np.array([limit for _, _, limit in lines])
