"""What a stream should do after a settlement: go on, take care, slow down for some milliseconds, stop."""

from typing import Final

from ledger.admission import RETRY_MS, Asked, comes_close
from ledger.holds import Decision, Hold, HoldState
from ledger.model import Enforcement
from ledger.plan import Plan
from ledger.throttle import delay_on
from ledger.windows import PPM, amount_at

_ONE_MORE: Final = Asked(1, 1, 0, 0)
"""The least that a stream may go on with."""


def pace(plan: Plan, hold: Hold, now_us: int, *, final: bool) -> tuple[Decision, int]:
    """The decision, and for how many milliseconds to wait.

    A stream that goes on is stopped where nothing is left for it: nothing of what it holds, and nothing that
    the limit has free beside what others hold. So it passes a limit by one chunk at most, and by none where
    it holds an upper bound. What passed a limit by an override goes on as long as that holds something.
    """
    if not final and hold.state is not HoldState.HELD:
        return Decision.DENY, 0
    if hold.override is None and plan.from_us <= now_us < plan.until_us and not comes_close(plan, _ONE_MORE):
        return Decision.ALLOW, 0
    warn, delay_ms = False, 0
    for slot in plan.paced:
        _, limit, window, allowed = slot
        amount = allowed or 0
        if limit.increases:
            # The plan is of the instant whose windows are charged; what is allowed by now may be more.
            amount = amount_at(limit, window, now_us) or 0
        free = amount - window.spent - window.reserved
        own = hold.amount_on(limit.meter)
        if window.uid in hold.overridden:
            used_up = max(0, free) + own <= 0
        else:
            used_up = free < 0 or window.spent >= amount or (not final and free + own <= 0)
        if used_up and limit.enforcement is Enforcement.HARD:
            return Decision.DENY, 0
        if used_up and limit.enforcement is Enforcement.THROTTLE:
            delay_ms = max(delay_ms, RETRY_MS)
        if (delay := delay_on(slot, 0, now_us)) is not None:
            delay_ms = max(delay_ms, delay.ms)
        reached = limit.thresholds_ppm and window.spent * PPM >= amount * limit.thresholds_ppm[0]
        warn = warn or bool(reached)
    if delay_ms:
        return Decision.THROTTLE, delay_ms
    return Decision.WARN if warn else Decision.ALLOW, 0
