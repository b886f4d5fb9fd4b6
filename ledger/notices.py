"""What a window tells: thresholds that it reached, each once, and those that it left again.

A threshold tells once per window, over restarts and whichever server decides: what was told stands with the
window. Where it has a hysteresis, it is told, once as well, that utilisation fell below it by more than that
(after refunds, or because more is allowed). A budget that cools down tells nothing for so long after it told
something, unless what is reached is higher; what is held back is told after that, if it is still so.
"""

from dataclasses import replace
from typing import Final

from ledger.changes import Notice
from ledger.events import BUDGET_RECOVERED, budget_event
from ledger.model import Budget, Meter, Threshold
from ledger.plan import Slot
from ledger.state import TenantState
from ledger.windows import PPM, amount_at, reached

AT_ONCE: Final = 200
"""How many budgets are looked at again by one sweep."""


def tell(state: TenantState, slot: Slot, now_us: int, refused_ppm: int = 0) -> None:
    """Emit the events of the thresholds that a window reached, each once.

    ``refused_ppm`` is 100 % where a request was refused: then the limit counts as exceeded.
    """
    budget, limit, window, amount = slot
    if amount is None:
        return
    for threshold_ppm in limit.thresholds_ppm:
        if threshold_ppm in window.told:
            continue
        if reached(window.spent, amount, threshold_ppm) or threshold_ppm == refused_ppm:
            if not _may_tell(state, budget, threshold_ppm, now_us):
                continue
            # A new list: windows are shared with nobody, but a rolled back batch must not have told.
            window.told = [*window.told, threshold_ppm]
            event_type, body = budget_event(budget, limit, window, threshold_ppm, now_us)
            state.emit(event_type, budget.uid, now_us, body)
            state.touch(window)


def tell_left(state: TenantState, slot: Slot, now_us: int) -> None:
    """Emit that thresholds which were told are left again, each once."""
    budget, limit, window, amount = slot
    if amount is None or not window.told:
        return
    for threshold in reversed(budget.thresholds):
        told = threshold.at_ppm in window.told and threshold.at_ppm not in window.recovered
        if not told or not _left(window.spent, amount, threshold):
            continue
        still_ppm = max((each for each in window.told if each < threshold.at_ppm), default=0)
        if not _may_tell(state, budget, still_ppm, now_us):
            continue
        window.recovered = [*window.recovered, threshold.at_ppm]
        _, body = budget_event(budget, limit, window, threshold.at_ppm, now_us)
        state.emit(BUDGET_RECOVERED, budget.uid, now_us, body)
        state.touch(window)


def look_again(state: TenantState, budget: Budget, now_us: int, *, reached_too: bool = False) -> None:
    """Look at a budget's windows of now: its limits changed, or it has cooled down."""
    if not budget.thresholds and not reached_too:
        return
    for limit in budget.limits:
        if limit.meter is Meter.LEVEL or limit.amount is None:
            continue
        for window in state.windows_of(limit, now_us):
            if window.start_us is None or window.start_us <= now_us:
                slot = Slot(budget, limit, window, amount_at(limit, window, now_us))
                if reached_too:
                    tell(state, slot, now_us)
                tell_left(state, slot, now_us)


def tell_cooled_down(state: TenantState, now_us: int) -> None:
    """Tell what budgets held back that have cooled down, where it is still so."""
    due = state.reader.due_notices(state.tenant, now_us, AT_ONCE)
    for uid in due:
        notice, budget = state.notice(uid), state.tree.get(uid)
        if notice is None or notice.due_us is None or notice.due_us > now_us:
            continue
        state.put_notice(replace(notice, due_us=None))
        if budget is not None:
            look_again(state, budget, now_us, reached_too=True)


def _may_tell(state: TenantState, budget: Budget, threshold_ppm: int, now_us: int) -> bool:
    """Whether a budget may tell of a threshold now; else it is noted that it has to, later."""
    if not budget.cool_down_seconds:
        return True
    last = state.notice(budget.uid)
    until_us = 0 if last is None else last.at_us + budget.cool_down_seconds * 1_000_000
    if last is None or now_us >= until_us or threshold_ppm > last.threshold_ppm:
        due_us = None if last is None else last.due_us
        state.put_notice(Notice(budget.uid, state.tenant, now_us, threshold_ppm, due_us))
        return True
    if last.due_us is None:
        state.put_notice(replace(last, due_us=until_us))
    return False


def _left(spent: int, amount: int, threshold: Threshold) -> bool:
    """Whether spent / amount < threshold - hysteresis, in integers."""
    if threshold.hysteresis_ppm is None:
        return False
    if amount == 0:
        return spent <= 0
    return spent * PPM < amount * (threshold.at_ppm - threshold.hysteresis_ppm)
