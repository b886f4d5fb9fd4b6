"""How long a THROTTLE limit asks a caller to wait: the curve, and the trajectory that it follows.

The delay is ``maximum * x^shape * p``. ``x`` is how far utilisation u is between the throttle's start and
the limit; ``p = (u - t) / (1 - t)`` is how far it is ahead of its trajectory, where t is the part of the
window that has passed: who spends no faster than time passes is never delayed, and the nearer the limit is
before its time, the fuller the delay. So it is continuous, grows with utilisation, is nothing up to its
start and the whole maximum at the limit. What is counted for ever, or is held at once, has no trajectory:
p is 1.

Floats are fine here: a delay is no money.
"""

from dataclasses import dataclass
from typing import Final

from ledger.model import Throttle, Warning, Window
from ledger.plan import Slot
from ledger.windows import PPM

THROTTLED: Final = "THROTTLED"


@dataclass(frozen=True, slots=True)
class Delay:
    """How long to wait, and the limit that asks for it most."""

    ms: int
    slot: Slot
    throttle: Throttle
    utilization: float
    elapsed: float | None


def delay_ms(throttle: Throttle, utilization: float, elapsed: float | None) -> int:
    """Milliseconds to wait at a utilisation (a fraction), after a part of the window; whole ones, rounded."""
    start = throttle.start_ppm / PPM
    if utilization >= 1:
        return throttle.max_delay_ms
    if utilization <= start:
        return 0
    x = (utilization - start) / (1 - start)
    pace = 1.0 if elapsed is None else max(0.0, (utilization - elapsed) / (1 - elapsed)) if elapsed < 1 else 0
    return round(throttle.max_delay_ms * x ** (throttle.shape_milli / 1000) * pace)


def elapsed_of(window: Window, now_us: int) -> float | None:
    """Which part of a window has passed, 0 to 1; None where it has no end."""
    if window.start_us is None or window.end_us is None or window.end_us <= window.start_us:
        return None
    return min(1.0, max(0.0, (now_us - window.start_us) / (window.end_us - window.start_us)))


def delay_on(slot: Slot, more: int, now_us: int) -> Delay | None:
    """What one limit asks of a caller who uses ``more`` of it; None where it asks nothing."""
    throttle = slot.limit.curve
    if throttle is None or not slot.amount:
        return None
    window = slot.window
    utilization = (window.spent + window.reserved + more) / slot.amount
    elapsed = elapsed_of(window, now_us)
    ms = delay_ms(throttle, utilization, elapsed)
    return Delay(ms, slot, throttle, utilization, elapsed) if ms else None


def told(delay: Delay) -> Warning:
    """The delay as the caller is told it."""
    budget, limit, window, amount = delay.slot
    passed = "" if delay.elapsed is None else f" after {delay.elapsed:.1%} of its window"
    text = (
        f"Budget {budget.budget_id} has used {delay.utilization:.1%} of its limit{passed}: "
        f"wait {delay.ms / 1000:g} s before the call, so that the limit lasts."
    )
    return Warning(
        THROTTLED,
        text,
        budget.budget_id,
        limit.meter,
        limit.window,
        amount,
        window.spent,
        window.reserved,
        int(delay.utilization * PPM),
        delay.throttle.start_ppm,
    )
