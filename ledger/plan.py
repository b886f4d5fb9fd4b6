"""Which windows an operation counts in: worked out once per charge path and stretch of time, then reused.

Decisions on money are mostly the same few look-ups over and over: path, budgets, limits, windows. A plan is
their result, with the windows themselves, ready to be added to.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ledger.holds import HeldWindows
from ledger.model import (
    WALLET_LIMIT,
    Budget,
    ChargePath,
    Enforcement,
    Limit,
    Meter,
    Window,
    WindowKind,
    id_of,
)
from ledger.tree import BudgetTree
from ledger.windows import LEVEL_SPAN, PPM, Span, amount_at, changes_at, window_span

FOREVER_US: Final = 2**63 - 1
UNLIMITED: Final = 2**63 - 1

Facts = Mapping[str, str | None]
"""What limits and scoped budgets look at: ``user_id``, ``agent_id``, ``provider``, ``model_id``,
``resource``, and ``level``: what a lease holds."""

MEMBER_FACT: Final[Mapping[str, str]] = {
    "USER": "user_id",
    "AGENT": "agent_id",
    "PROVIDER": "provider",
    "MODEL": "model_id",
}
"""What a limit may count each of apart, and by which fact."""

LLM: Final = "llm"
API: Final = "api"
_API_CALL: Final = "api_call"


def resource_of(model_id: str | None, tokens: int, category: str) -> str:
    """What a limit's ``resource`` calls an operation: LLM calls and other calls are counted apart.

    ``llm`` is whatever names a model or has tokens; ``api`` any other ``api_call``; else the category.
    """
    if model_id is not None or tokens:
        return LLM
    return API if category == _API_CALL else category


class Slot(NamedTuple):
    """One window that counts an operation. ``amount`` is what the limit allows then; None only tracks."""

    budget: Budget
    limit: Limit
    window: Window
    amount: int | None

    @property
    def refuses(self) -> bool:
        """Whether reservations past the amount are refused or sent away for a while."""
        return self.amount is not None and self.limit.enforcement is not Enforcement.SOFT


class Cap(NamedTuple):
    """A limit on a single operation, or on a single lease."""

    budget: Budget
    limit: Limit
    amount: int

    def most(self, calls: int) -> int:
        """What it allows a hold for some calls: each the same cost and tokens, all one size and one age."""
        return self.amount * calls if self.limit.meter in _OF_A_CALL else self.amount


_OF_A_CALL: Final = frozenset({Meter.COST, Meter.TOKENS})
NO_WINDOWS: Final = HeldWindows()
Counter = tuple[Window, int, int]
"""A window, the figure above which to look closer, and the spend from which a threshold is reached."""


@dataclass(slots=True, eq=False)
class Plan:
    """Everything that counts an operation on one path, for instants of [from_us, until_us)."""

    path: ChargePath
    leaf_id: str
    """The id of the budget that is charged directly."""
    from_us: int = 0
    until_us: int = FOREVER_US
    cost: tuple[Counter, ...] = ()
    tokens: tuple[Counter, ...] = ()
    requests: tuple[Counter, ...] = ()
    level: tuple[Counter, ...] = ()
    counted: tuple[tuple[int, tuple[Counter, ...]], ...] = ()
    """The same, of those meters that anything counts; which, by their place in what is asked for."""
    slots: dict[Meter, list[Slot]] = field(default_factory=dict[Meter, list[Slot]])
    in_order: list[Slot] = field(default_factory=list[Slot])
    """Every window, from the leaf to the root, each budget's in the order of its limits."""
    caps: dict[Meter, list[Cap]] = field(default_factory=dict[Meter, list[Cap]])
    cost_cap: int = UNLIMITED
    """The tightest limit on the cost of one operation."""
    token_cap: int = UNLIMITED
    size_cap: int = UNLIMITED
    """The tightest limit on the size of one file, in bytes."""
    age_cap: int = UNLIMITED
    """The tightest limit on how long a lease may live, in seconds."""
    held: HeldWindows = NO_WINDOWS
    shut: tuple[Budget, ...] = ()
    """Budgets that are closed, or outside their period."""
    costs_limited: bool = False
    """Whether anything on the path limits cost."""
    tokens_limited: bool = False
    paced: tuple[Slot, ...] = ()
    """The windows that say how fast to go on: those with a limit on what is used as it flows."""
    touched: int = -1
    """The batch in which its windows were last noted as changed."""


_COUNTED: Final = (Meter.COST, Meter.TOKENS, Meter.REQUESTS, Meter.LEVEL)
OF_LEASES: Final = frozenset({Meter.LEVEL, Meter.AGE})
"""Meters whose resource is what a lease holds, not what an operation uses."""


def span_of(budget: Budget, limit: Limit, at_us: int) -> Span | None:
    """As ``window_span``; what is held at once has one window, for ever."""
    if limit.meter is Meter.LEVEL:
        return LEVEL_SPAN
    return window_span(budget, limit, at_us)


def build_plan(
    tree: BudgetTree,
    path: ChargePath,
    facts: Facts,
    at_us: int,
    window_of: Callable[[Budget, Limit, Span, str | None], Window],
) -> Plan:
    """Work out the plan of a path at an instant; ``window_of`` finds or begins a window."""
    plan = Plan(path, id_of(path.leaf_uid))
    shut: list[Budget] = []
    for budget_uid in path.budget_uids:
        budget = tree.get(budget_uid)
        if budget is None:
            continue
        if budget.closed_at_us is not None or outside_period(budget, at_us):
            shut.append(budget)
        _bound(plan, at_us, budget.period_start_us)
        _bound(plan, at_us, budget.period_end_us)
        for limit in budget.limits:
            if limit.resource is not None and limit.resource != facts.get(
                "level" if limit.meter in OF_LEASES else "resource"
            ):
                continue
            if limit.window is WindowKind.REQUEST or limit.meter is Meter.AGE:
                _cap(plan, budget, limit)
            elif limit.meter in _COUNTED:
                _slot(plan, budget, limit, facts, at_us, window_of)
    plan.shut = tuple(shut)
    by_meter = [tuple(_counter(slot) for slot in plan.slots.get(meter, ())) for meter in _COUNTED]
    plan.cost, plan.tokens, plan.requests, plan.level = by_meter
    plan.counted = tuple((index, counters) for index, counters in enumerate(by_meter) if counters)
    plan.paced = tuple(
        slot
        for meter in (Meter.COST, Meter.TOKENS)
        for slot in plan.slots.get(meter, ())
        if slot.amount is not None
    )
    plan.held = HeldWindows(*(tuple(s.window.uid for s in plan.slots.get(m, ())) for m in _COUNTED))
    return plan


def outside_period(budget: Budget, at_us: int) -> bool:
    """Whether the instant lies before the budget's period, or after it."""
    start_us, end_us = budget.period_start_us, budget.period_end_us
    return (start_us is not None and at_us < start_us) or (end_us is not None and at_us >= end_us)


def _bound(plan: Plan, at_us: int, edge_us: int | None) -> None:
    """The plan holds on this side of an edge only."""
    if edge_us is None:
        return
    if edge_us <= at_us:
        plan.from_us = max(plan.from_us, edge_us)
    else:
        plan.until_us = min(plan.until_us, edge_us)


def _cap(plan: Plan, budget: Budget, limit: Limit) -> None:
    if limit.amount is None:
        return
    plan.caps.setdefault(limit.meter, []).append(Cap(budget, limit, limit.amount))
    if limit.meter is Meter.COST:
        plan.cost_cap = min(plan.cost_cap, limit.amount)
        plan.costs_limited = True
    elif limit.meter is Meter.TOKENS:
        plan.token_cap = min(plan.token_cap, limit.amount)
        plan.tokens_limited = True
    elif limit.meter is Meter.SIZE:
        plan.size_cap = min(plan.size_cap, limit.amount)
    elif limit.meter is Meter.AGE:
        plan.age_cap = min(plan.age_cap, limit.amount)


def _slot(
    plan: Plan,
    budget: Budget,
    limit: Limit,
    facts: Facts,
    at_us: int,
    window_of: Callable[[Budget, Limit, Span, str | None], Window],
) -> None:
    span = span_of(budget, limit, at_us)
    if span is None and limit.key == WALLET_LIMIT:
        _bound(plan, at_us, limit.since_us)
        return
    if span is None:
        # Outside of the period, or before the limit was added: who knows for how long. Good for this once.
        _bound(plan, at_us, at_us)
        _bound(plan, at_us, at_us + 1)
        return
    member = None
    if limit.each is not None:
        member = member_of(limit.each, facts)
        if member is None:
            return
    window = window_of(budget, limit, span, member)
    _bound(plan, at_us, span.start_us)
    _bound(plan, at_us, span.end_us)
    for edge_us in changes_at(limit):
        _bound(plan, at_us, edge_us)
    amount = amount_at(limit, window, at_us)
    slot = Slot(budget, limit, window, amount)
    plan.slots.setdefault(limit.meter, []).append(slot)
    plan.in_order.append(slot)
    if amount is not None:
        plan.costs_limited |= limit.meter is Meter.COST
        plan.tokens_limited |= limit.meter is Meter.TOKENS


def member_of(each: str, facts: Facts) -> str | None:
    """Which member's window an operation counts in; None where it has no such member."""
    fact = MEMBER_FACT.get(each)
    return None if fact is None else facts.get(fact)


def _counter(slot: Slot) -> Counter:
    amount, thresholds = slot.amount, slot.limit.thresholds_ppm
    if amount is None:
        return slot.window, UNLIMITED, UNLIMITED
    curve = slot.limit.curve
    # A limit that delays is looked at from where it begins to.
    look_above = amount if curve is None else amount * curve.start_ppm // PPM
    if slot.limit.key == WALLET_LIMIT:
        return slot.window, look_above, amount - (slot.budget.low_balance_nano or 0)
    if not thresholds:
        return slot.window, look_above, UNLIMITED
    # The least spend that reaches the first threshold; anything at all reaches an amount of 0.
    return slot.window, look_above, max(1, -(-amount * thresholds[0] // PPM))


def windows_of_plan(
    tree: BudgetTree, path: ChargePath, facts: Facts, at_us: int
) -> Iterator[tuple[Limit, Span, str | None]]:
    """The windows that a plan will have, to load them ahead."""
    for budget_uid in path.budget_uids:
        budget = tree.get(budget_uid)
        for limit in () if budget is None else budget.limits:
            if budget is None or limit.meter not in _COUNTED:
                continue
            member = None if limit.each is None else member_of(limit.each, facts)
            span = span_of(budget, limit, at_us)
            if span is not None and (limit.each is None or member is not None):
                yield limit, span, member


def looks_at(tree: BudgetTree, path: ChargePath) -> tuple[str, ...]:
    """Which facts make a difference on a path: those that some limit there looks at."""
    facts: set[str] = set()
    for budget_uid in path.budget_uids:
        budget = tree.get(budget_uid)
        for limit in () if budget is None else budget.limits:
            if limit.resource is not None:
                facts.add("level" if limit.meter in OF_LEASES else "resource")
            if limit.each is not None and (fact := MEMBER_FACT.get(limit.each)) is not None:
                facts.add(fact)
    return tuple(sorted(facts))
