"""Wallets: a budget's prepaid credit, which is one more hard limit on its cost, and when little is left.

The limit's amount is the sum of the top-ups, and its one window begins with the first of them. So whatever is
true of limits is true of a balance: it is held before it is spent, exactly, and no reservation takes it below
zero; what lands anyway may, and is counted as forced.
"""

from typing import Final

from ledger.events import BUDGET_LOW_BALANCE, low_balance_body
from ledger.model import WALLET_LIMIT, Budget, Warning
from ledger.plan import Slot
from ledger.state import TenantState
from ledger.windows import reached, utilization_ppm
from pricing.money import format_nano

LOW_BALANCE: Final = "LOW_BALANCE"
TOLD_LOW: Final = 0
"""Among the thresholds that a window told: that its balance is low. No threshold is 0."""


def balance_is_low(budget: Budget, balance_nano: int) -> bool:
    """Whether what is not spent of a budget's credit is at its threshold, or below."""
    return balance_nano <= (budget.low_balance_nano or 0)


def is_low(slot: Slot) -> bool:
    """Whether this is a wallet, and little is left of it."""
    if slot.limit.key != WALLET_LIMIT or slot.amount is None:
        return False
    return balance_is_low(slot.budget, slot.amount - slot.window.spent)


def tell_low(state: TenantState, slot: Slot, now_us: int) -> None:
    """Emit the event that a balance is low, once until it was topped up."""
    budget, limit, window, amount = slot
    if TOLD_LOW in window.told or amount is None:
        return
    # A new list, as of thresholds.
    window.told = [TOLD_LOW, *window.told]
    body = low_balance_body(budget, limit, window, amount, now_us)
    state.emit(BUDGET_LOW_BALANCE, budget.uid, now_us, body)
    state.touch(window)


def look_at_balance(state: TenantState, budget: Budget, now_us: int) -> None:
    """A wallet or its threshold changed: tell if its balance is low, and what no longer holds anew."""
    wallet = budget.wallet
    window = None if wallet is None else state.window(budget, wallet, max(now_us, wallet.since_us))
    if wallet is None or window is None or wallet.amount is None:
        return
    slot = Slot(budget, wallet, window, wallet.amount)
    low, spent = is_low(slot), window.spent
    window.told = [
        each for each in window.told if (low if each == TOLD_LOW else reached(spent, wallet.amount, each))
    ]
    if low:
        tell_low(state, slot, now_us)
    state.touch(window)


def low_warning(slot: Slot) -> Warning:
    """What a caller is told about a balance that is low."""
    budget, limit, window, amount = slot
    allowed = amount or 0
    left = format_nano(allowed - window.spent)
    return Warning(
        LOW_BALANCE,
        f"Budget {budget.budget_id} has {left} {budget.currency} of credit left.",
        budget.budget_id,
        limit.meter,
        limit.window,
        allowed,
        window.spent,
        window.reserved,
        utilization_ppm(window.spent, allowed),
    )
