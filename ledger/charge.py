"""Charging windows: what was spent, what passed a limit all the same, which thresholds were reached."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from ledger.model import Budget, Enforcement, Forced, Limit, Meter, Warning, Window, uid_of
from ledger.notices import tell, tell_left
from ledger.plan import Counter, Plan
from ledger.state import TenantState
from ledger.tree import BudgetTree
from ledger.wallets import is_low, low_warning, tell_low
from ledger.windows import EXCEEDED_PPM, reached, utilization_ppm
from pricing.money import NANO_MAX

LATE: Final = "LATE"
WARNING: Final = "BUDGET_WARNING"
EXCEEDED: Final = "BUDGET_EXCEEDED"


class Amounts(NamedTuple):
    """What an operation counts, by meter: nano-units, tokens, operations."""

    cost_nano: int = 0
    tokens: int = 0
    requests: int = 0


NOTHING: Final = Amounts()
_METERS: Final = (Meter.COST, Meter.TOKENS, Meter.REQUESTS)


def fits(plan: Plan, amounts: Amounts) -> bool:
    """Whether every window could count this within 64 bits."""
    for counters, amount in zip((plan.cost, plan.tokens, plan.requests), amounts, strict=True):
        for window, _, _ in counters:
            if window.spent + amount > NANO_MAX:
                return False
    return True


def charge(
    state: TenantState,
    plan: Plan,
    amounts: Amounts,
    covered: Amounts,
    now_us: int,
    warnings: list[Warning],
    overridden: Sequence[str] = (),
) -> Forced:
    """Count an operation in every window of its plan; what of it was forced, for its entry to tell.

    ``covered`` is what a hold had reserved for it (and has given back): what comes on top may pass a limit,
    and is then counted as ``forced``. On the windows that are ``overridden`` nothing was covered: the hold
    passed their limits itself. Adds to ``warnings`` what the caller should know.
    """
    state.touch_plan(plan)
    cost, tokens, requests = amounts
    # Who gives back may leave a threshold.
    close = plan.until_us <= now_us or cost < 0 or tokens < 0
    if cost:
        close |= _count(plan.cost, cost)
    if tokens:
        close |= _count(plan.tokens, tokens)
    if requests:
        close |= _count(plan.requests, requests)
    return _look(state, plan, amounts, covered, now_us, warnings, overridden) if close else ()


def _count(counters: tuple[Counter, ...], amount: int) -> bool:
    """Add to some windows; whether one of them needs a closer look."""
    close = False
    for window, look_above, warn_from in counters:
        window.spent = spent = window.spent + amount
        if spent >= warn_from or spent + window.reserved > look_above:
            close = True
    return close


def _look(
    state: TenantState,
    plan: Plan,
    amounts: Amounts,
    covered: Amounts,
    now_us: int,
    warnings: list[Warning],
    overridden: Sequence[str],
) -> Forced:
    late = False
    forced: list[tuple[str, int]] = []
    counted = dict(zip(_METERS, zip(amounts, covered, strict=True), strict=True))
    for slot in plan.in_order:
        budget, limit, window, allowed = slot
        if limit.meter not in counted:
            continue
        amount, held = counted[limit.meter]
        ended = window.end_us is not None and window.end_us <= now_us
        if ended and not late:
            late = True
            text = "The usage belongs to a window that has ended; it was counted there."
            warnings.append(Warning(LATE, text, budget.budget_id, late=True))
        if allowed is None:
            continue
        uncovered = amount if window.uid in overridden else amount - held
        if uncovered > 0 and limit.enforcement is not Enforcement.SOFT:
            past = window.spent + window.reserved - allowed
            if past > 0:
                passed = min(uncovered, past)
                window.forced += passed
                forced.append((window.uid, passed))
        if amount < 0 and budget.thresholds:
            tell_left(state, slot, now_us)
        if is_low(slot):
            tell_low(state, slot, now_us)
            warnings.append(low_warning(slot))
        if limit.thresholds_ppm and reached(window.spent, allowed, limit.thresholds_ppm[0]):
            tell(state, slot, now_us)
            warnings.append(threshold_warning(budget, limit, window, allowed, ended=ended))
    return tuple(forced)


def threshold_warning(budget: Budget, limit: Limit, window: Window, amount: int, *, ended: bool) -> Warning:
    """What a caller is told about a window that reached a threshold."""
    threshold_ppm = max(each for each in limit.thresholds_ppm if reached(window.spent, amount, each))
    code = EXCEEDED if threshold_ppm >= EXCEEDED_PPM else WARNING
    used = utilization_ppm(window.spent, amount)
    return Warning(
        code,
        f"Budget {budget.budget_id} has used {used / 10_000:.2f} % of its limit.",
        budget.budget_id,
        limit.meter,
        limit.window,
        amount,
        window.spent,
        window.reserved,
        used,
        threshold_ppm,
        ended,
    )


def as_seen(state: TenantState, scope_uid: str | None, warning: Warning) -> Warning:
    """A warning as the caller's key may see it."""
    return as_seen_in(state.tree, scope_uid, warning)


def as_seen_in(tree: BudgetTree, scope_uid: str | None, warning: Warning) -> Warning:
    """A warning as a key may see it: without name and figures of budgets outside of its subtree."""
    budget_id = warning.budget_id
    if budget_id is None or tree.within(uid_of(tree.tenant, budget_id), scope_uid):
        return warning
    text = warning.message.replace(f"Budget {budget_id}", "A budget above this key's own")
    if warning.utilization_ppm is not None:
        text = "A budget above this key's own has reached a threshold."
    return Warning(warning.code, text, late=warning.late)
