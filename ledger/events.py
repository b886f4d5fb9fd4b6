"""Budget events: their types and bodies (source document 001:224-241; what follows ``timestamp`` is ours)."""

from typing import Any

from ledger.model import Budget, Limit, Meter, Window
from ledger.windows import EXCEEDED_PPM
from pricing.calendar import to_datetime
from pricing.money import format_nano

BUDGET_WARNING = "budget.warning"
BUDGET_EXCEEDED = "budget.exceeded"


def budget_event(
    budget: Budget, limit: Limit, window: Window, threshold_ppm: int, now_us: int
) -> tuple[str, dict[str, Any]]:
    """The type and the body of the event that a window reached a threshold."""
    amount = limit.amount or 0
    body = {
        "budget_id": budget.budget_id,
        "resource_id": budget.resource_id,
        "budget_type": budget.budget_type.value,
        "current_usage": _figure(limit.meter, window.spent),
        "budget_amount": _figure(limit.meter, amount),
        "percentage_used": window.spent / amount if amount else 1.0,
        "timestamp": to_datetime(now_us).isoformat(),
        "currency": budget.currency,
        "threshold": threshold_ppm / 1_000_000,
        "meter": limit.meter.value,
        "window": None if limit.window is None else limit.window.value,
        "window_start": _instant(window.start_us),
        "window_end": _instant(window.end_us),
    }
    event_type = BUDGET_EXCEEDED if threshold_ppm >= EXCEEDED_PPM else BUDGET_WARNING
    return event_type, body


def _figure(meter: Meter, value: int) -> str:
    return format_nano(value) if meter is Meter.COST else str(value)


def _instant(instant_us: int | None) -> str | None:
    return None if instant_us is None else to_datetime(instant_us).isoformat()
