"""What stands in the way of an admission: the limits that would be passed, and the refusal that names them.

Invariant, for every limit that refuses: at each grant, spent + reserved + asked ≤ limit. What passes all the
same does so by an override (``ledger.overrides``).
"""

from typing import Final, NamedTuple

from ledger.errors import OutOfRange
from ledger.expiry import expire_overdue
from ledger.model import Enforcement, Meter, Window
from ledger.notices import tell
from ledger.plan import Plan, Slot
from ledger.results import BudgetExceeded, Throttled, Violation
from ledger.state import TenantState
from ledger.violations import exceeded, violation_of
from ledger.windows import EXCEEDED_PPM
from pricing.money import NANO_MAX

RETRY_MS: Final = 1_000
"""When to come back where nothing says when room will be."""
METERS: Final = (Meter.COST, Meter.TOKENS, Meter.REQUESTS, Meter.LEVEL, Meter.SIZE, Meter.AGE)
"""In the order of ``Asked``."""


class Asked(NamedTuple):
    """What a hold takes of each meter, and what limits on a single one look at."""

    cost: int
    """In nano-units."""
    tokens: int
    requests: int
    level: int
    size: int = 0
    """Of its largest file, in bytes."""
    age: int = 0
    """How old the lease will be when it expires, in seconds."""


def comes_close(plan: Plan, asked: Asked) -> bool:
    """Whether anything needs a closer look: most requests pass far from every limit, threshold and delay."""
    cost, tokens, _, _, size, age = asked
    if cost > plan.cost_cap or tokens > plan.token_cap or size > plan.size_cap or age > plan.age_cap:
        return True
    for index, counters in plan.counted:
        amount = asked[index]
        for window, look_above, warn_from in counters:
            spent = window.spent
            if spent + window.reserved + amount > look_above or spent >= warn_from:
                return True
    return False


Passed = list[tuple[Slot, int, int]]
"""Limits that would be passed, each with what it allows and what it is asked for."""


def refuse(
    state: TenantState,
    plan: Plan,
    asked: Asked,
    scope_uid: str | None,
    now_us: int,
    *,
    kept: frozenset[str] = frozenset(),
    added: int = 0,
    grant: Asked | None = None,
) -> BudgetExceeded | Throttled | None:
    """The refusal of what passes a limit; None where nothing does. Raises ``OutOfRange``.

    ``kept``, ``added`` and ``grant`` are as for ``limits_passed``.
    """
    passed = limits_passed(state, plan, asked, now_us, kept=kept, added=added, grant=grant)
    return refusal_of(state, passed, scope_uid, now_us, dry_run=False) if passed else None


def limits_passed(
    state: TenantState,
    plan: Plan,
    asked: Asked,
    now_us: int,
    *,
    kept: frozenset[str] = frozenset(),
    added: int = 0,
    grant: Asked | None = None,
) -> Passed:
    """The limits that refuse or delay and would be passed, once all that has expired was released.

    ``kept`` names windows that hold it already: they are asked for the cost that is ``added`` to it, and for
    nothing else. ``grant`` is all that is granted, where that is more than ``asked``: limits on a single
    operation look at it. Raises ``OutOfRange`` where 64 bits do not suffice.
    """
    found = _passed(plan, asked, kept, added, grant or asked)
    if found and expire_overdue(state, now_us):
        found = _passed(plan, asked, kept, added, grant or asked)
    for slot, _, _ in found:
        if slot.amount is None and slot.window is not _NO_WINDOW:
            raise OutOfRange("The sum of a budget's window would not fit into 64 bits.", field="amount")
    return found


def refusal_of(
    state: TenantState, passed: Passed, scope_uid: str | None, now_us: int, *, dry_run: bool
) -> BudgetExceeded | Throttled:
    """The answer to what would pass some limits; those that are hard tell that somebody was refused."""
    violations = [
        violation_of(
            slot.budget,
            slot.limit,
            None if slot.window is _NO_WINDOW else slot.window,
            allowed,
            amount,
            visible=state.tree.within(slot.budget.uid, scope_uid),
        )
        for slot, allowed, amount in passed
    ]
    hard = [slot for slot in slots_of(passed) if slot.limit.enforcement is Enforcement.HARD]
    if not hard:
        return Throttled(_retry_after_ms(violations, now_us), tuple(violations))
    if not dry_run:
        for slot in hard:
            if slot.window is not _NO_WINDOW:
                tell(state, slot, now_us, refused_ppm=EXCEEDED_PPM)
    return exceeded(violations)


def slots_of(passed: Passed) -> list[Slot]:
    """The windows of those limits; of limits on a single operation, one that is none."""
    return [slot for slot, _, _ in passed]


_NO_WINDOW: Final = Window("", "", None, None)


def _passed(plan: Plan, asked: Asked, kept: frozenset[str], added: int, grant: Asked) -> Passed:
    found: Passed = []
    calls = max(1, grant.requests)
    for meter, amount, granted in zip(METERS, asked, grant, strict=True):
        found.extend(
            (Slot(cap.budget, cap.limit, _NO_WINDOW, cap.amount), cap.amount, granted)
            for cap in plan.caps.get(meter, ())
            if granted > cap.most(calls) and cap.limit.enforcement is not Enforcement.SOFT
        )
        for slot in plan.slots.get(meter, ()):
            window, more = slot.window, amount
            if window.uid in kept:
                more = added if meter is Meter.COST else 0
                if not more:
                    continue
            allowed = slot.amount if slot.refuses else NANO_MAX
            if allowed is not None and window.spent + window.reserved + more > allowed:
                refused = slot if slot.refuses else slot._replace(amount=None)
                found.append((refused, allowed, more))
    return found


def _retry_after_ms(violations: list[Violation], now_us: int) -> int:
    resets = [each.resets_at_us for each in violations if each.resets_at_us is not None]
    if not resets:
        return RETRY_MS
    return max(1, -(-(max(resets) - now_us) // 1_000))
